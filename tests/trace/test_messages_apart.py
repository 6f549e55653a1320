"""Where messages begin among the blocks of a request."""

import json
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

import pyarrow.parquet as pq

from rockbottom.trace import Trace, read_trace
from rockbottom.trace.columns import arrays
from rockbottom.trace.parquet import read_parquet, write_parquet


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """One request: two system blocks, a message of two blocks, one of one, one of three."""
    texts = [{"text": f"block {number}"} for number in range(8)]
    messages = [("user", texts[2:4]), ("assistant", texts[4:5]), ("user", texts[5:8])]
    body = {"system": texts[:2], "messages": [{"role": role, "content": content} for role, content in messages]}
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-10-01T10:00:00Z", "requestId": "1",
        "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-6",
        "input": {"inputBodyJson": body, "inputTokenCount": 80},
    }  # fmt: skip
    (tmp_path / "log.jsonl").write_text(json.dumps(record) + "\n")
    return read_trace(str(tmp_path / "log.jsonl")).trace


def test_the_first_block_of_every_message_is_marked(trace: Trace) -> None:
    """Tools and system are no messages."""
    assert trace.blocks.begins.tolist() == [0, 0, 1, 0, 1, 1, 0, 0]


def test_a_trace_file_keeps_the_marks(trace: Trace, tmp_path: Path) -> None:
    """Out and in again."""
    write_parquet(trace, tmp_path / "trace.parquet")
    assert read_parquet(tmp_path / "trace.parquet").blocks.begins.tolist() == trace.blocks.begins.tolist()


def test_a_trace_file_from_before_there_were_marks_is_read(trace: Trace, tmp_path: Path) -> None:
    """Messages are not told apart in it; everything else is as it was."""
    write_parquet(trace, tmp_path / "trace.parquet")
    table = pq.read_table(tmp_path / "trace.parquet").drop_columns(["block_begins"])
    metadata = {key: text for key, text in table.schema.metadata.items() if key != b"sums"}  # nor had it a checksum
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "old.parquet")
    old = read_parquet(tmp_path / "old.parquet")
    assert old.blocks.begins.tolist() == [0] * 8
    others = [name for name, _ in arrays(trace.blocks) if name != "begins"]
    assert all((getattr(old.blocks, name) == getattr(trace.blocks, name)).all() for name in others)
