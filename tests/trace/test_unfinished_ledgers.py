"""A last line without an end: left out and said; in a volume that others follow it is damage."""

import shutil
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.trace import read_trace

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Three calls of a thousand tokens each, the last line of which is cut."""
    folder = tmp_path / "ledger"
    writer = LedgerWriter(folder)
    for number in range(3):
        writer.record(
            CallRecord(1_793_523_600.0 + number, MODEL, "Converse", "us", input=1000, request_id=f"r{number}")
        )
    writer.close()
    volume = next(folder.glob("calls-*.ndjson"))
    volume.write_bytes(volume.read_bytes()[:-20])
    return folder


def test_the_last_line_may_be_one_that_is_written_now(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reading = read_trace(str(ledger))
    assert (len(reading.trace), reading.damages.count, reading.damages.unfinished) == (2, 0, 1)
    assert main(["trace", "info", str(ledger)]) == 0
    assert "1 last line without an end left out: being written now, or cut off" in capsys.readouterr().err


def test_in_an_older_volume_it_is_torn(ledger: Path, tmp_path: Path) -> None:
    other = LedgerWriter(tmp_path / "other")
    other.record(CallRecord(1_793_523_700.0, MODEL, "Converse", "us", input=1000, request_id="r9"))
    other.close()
    shutil.copy(tmp_path / "other" / "calls-000001.ndjson", ledger / "calls-000002.ndjson")
    reading = read_trace(str(ledger))
    assert (len(reading.trace), reading.damages.count, reading.damages.unfinished) == (3, 1, 0)
