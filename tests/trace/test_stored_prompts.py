"""Prompts that Langfuse, LiteLLM and OpenTelemetry keep: read as blocks, so that what repeats is known."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.trace import KINDS, read_trace
from tests.replay.attached import Sent, attached_usd, documents_with_questions, write_log

SYSTEM = "You are a helpful assistant of a shop. " * 40
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
MARK = {"type": "ephemeral"}
TURNS = [
    {"role": "user", "content": "Where is my parcel?"},
    {"role": "assistant", "content": "Which one?"},
    {"role": "user", "content": [{"type": "text", "text": "The green one.", "cache_control": {"type": "ephemeral"}}]},
]


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def of_langfuse(sent: Sent, tokens: int, number: int) -> dict[str, Any]:
    counts = {"input": tokens, "output": 0, "cache_read_input_tokens": 0}
    return {"id": f"o{number}", "traceId": "t", "type": "GENERATION", "startTime": stamp(sent.at), "model": sent.model,
            "usageDetails": counts, "input": sent.body}  # fmt: skip


def of_litellm(sent: Sent, tokens: int, number: int) -> dict[str, Any]:
    usage = {"prompt_tokens": tokens, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    return {"request_id": f"r{number}", "model": f"bedrock/{sent.model}", "prompt_tokens": tokens,
            "completion_tokens": 0, "startTime": stamp(sent.at), "metadata": {"usage_object": usage},
            "messages": json.dumps(sent.body["messages"])}  # fmt: skip


def of_telemetry(sent: Sent, tokens: int, number: int) -> dict[str, Any]:
    messages = [{"role": one["role"], "parts": [{"type": "text", "content": part["text"]} for part in one["content"]]}
                for one in sent.body["messages"]]  # fmt: skip
    values = {"gen_ai.request.model": sent.model, "gen_ai.usage.input_tokens": tokens,
              "gen_ai.usage.cache_read.input_tokens": 0, "gen_ai.provider.name": "aws.bedrock",
              "gen_ai.input.messages": json.dumps(messages)}  # fmt: skip
    attributes = [{"key": key, "value": {"intValue" if isinstance(value, int) else "stringValue": value}}
                  for key, value in values.items()]  # fmt: skip
    span = {
        "traceId": "t",
        "spanId": f"s{number}",
        "startTimeUnixNano": str(int(sent.at * 1e9)),
        "attributes": attributes,
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


@pytest.fixture(scope="module")
def documents() -> tuple[list[Sent], list[int]]:
    requests = list(documents_with_questions(4, 8))
    return requests, attached_usd(requests, load_catalog())[0]


def answered(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["replay", str(path), "--on", "2026-11-01", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["answer"]


@pytest.mark.parametrize("spelled", [of_langfuse, of_litellm, of_telemetry])
def test_documents_with_questions_are_replayed_as_out_of_a_log(
    spelled: Callable[[Sent, int, int], dict[str, Any]], documents: tuple[list[Sent], list[int]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The same traffic, once as invocation logs: the planner's bill is the same within one percent."""
    requests, counts = documents
    log = answered(write_log(tmp_path / "log.jsonl", requests, counts), capsys)
    rows = [json.dumps(spelled(sent, tokens, n)) for n, (sent, tokens) in enumerate(zip(*documents, strict=True))]
    export = tmp_path / "export.jsonl"
    export.write_text("\n".join(rows))
    kept = answered(export, capsys)
    assert Decimal(kept["paid_usd"]) == Decimal(log["paid_usd"])
    attached = Decimal(log["attached_usd"])
    assert abs(Decimal(kept["attached_usd"]) - attached) <= attached / 100


def rows_of(*prompts: tuple[list[Any], dict[str, int]]) -> list[dict[str, Any]]:
    return [
        {"request_id": f"r{n}", "model": "bedrock/us.anthropic.claude-sonnet-4-6", "prompt_tokens": 1_000,
         "completion_tokens": 20, "startTime": stamp(1_793_523_600 + 30 * n), "metadata": {"usage_object": usage},
         "session_id": "k1",
         "proxy_server_request": json.dumps({"messages": messages, "tools": [TOOL], "system": SYSTEM})}
        for n, (messages, usage) in enumerate(prompts)
    ]  # fmt: skip


def read(tmp_path: Path, rows: list[dict[str, Any]]):
    path = tmp_path / "spend.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return read_trace(str(path)).trace


def test_blocks_are_those_of_the_prompt_and_marks_change_none(tmp_path: Path) -> None:
    """Tools, system and three messages; of the first prompt all but its last message is the start of the second."""
    plain = [*TURNS[:2], {"role": "user", "content": [{"type": "text", "text": "The green one."}]}]
    more = [*plain, {"role": "assistant", "content": "It comes."}, {"role": "user", "content": "When?"}]
    trace = read(tmp_path, rows_of((TURNS, {"prompt_tokens": 1_000}), (more, {"prompt_tokens": 1_000})))
    first, second = (trace.blocks.prefix[slice(*trace.block_offsets[n : n + 2])] for n in (0, 1))
    assert list(first) == list(second[: len(first)])
    assert [KINDS[kind] for kind in trace.blocks.kind[: len(first)]] == ["tool", "text", "text", "output_text", "text"]
    assert trace.tells_blocks


def test_what_was_read_and_written_ends_with_a_block(tmp_path: Path) -> None:
    """Of 1,000 tokens 900 were read: a point stands behind the block that ends nearest, whose depth is 900 then."""
    usage = {"prompt_tokens": 1_000, "cache_read_input_tokens": 900}
    trace = read(tmp_path, rows_of((TURNS, usage)))
    (after,) = trace.points.after
    assert trace.blocks.depth[after - 1] == 900
    assert trace.blocks.depth[-1] == 1_000


def test_a_prompt_that_litellm_cut_short_is_not_taken_for_whole(tmp_path: Path) -> None:
    """Two long texts that begin alike would be one: of such a prompt only the counters count."""
    cut = [{"role": "user", "content": "The document begins ... (litellm_truncated skipped 9000 chars) ... and ends"}]
    trace = read(tmp_path, rows_of((cut, {"prompt_tokens": 1_000})))
    assert not trace.tells_blocks


@pytest.mark.parametrize("spelled", [of_langfuse, of_litellm])
def test_a_row_of_more_tokens_than_any_column_holds_is_damage(
    spelled: Callable[[Sent, int, int], dict[str, Any]], tmp_path: Path
) -> None:
    """The other rows are read: one of four is set apart, with its place."""
    sent = Sent(1_795_000_000.0, {"messages": TURNS})
    rows = [spelled(sent, 10**15 if number == 2 else 100, number) for number in range(4)]
    (tmp_path / "export.json").write_text(json.dumps(rows))
    reading = read_trace(str(tmp_path / "export.json"))
    assert (len(reading.trace), reading.damages.count) == (3, 1)
