"""An attached client's ledger holds estimated depths beside counted tokens: near is the same place."""

from pathlib import Path

import pytest

from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.tables import LedgerTables

NOON = 1_780_000_020.0
FAMILY = "0123456789abcdef"


def turn(at: float, depths: tuple[int, ...], written: int) -> CallRecord:
    """A turn of one conversation: a system text and so many messages, a point behind the last of them."""
    hashes = tuple(f"{number:016x}" for number in range(1, len(depths) + 1))
    return CallRecord(
        at, "anthropic.claude-x-v1:0", "Converse", "us", "us-east-1", input=20, cache_write_5m=written, points=1,
        minimum=1024, cacheable=depths[-1], family="abc", family_tokens=depths[0], hashes=hashes, depths=depths,
        sections=(0, 1), marks=(len(depths),), ttls=("",), request_id=f"r{at}",
    )  # fmt: skip


@pytest.mark.parametrize("counted", [3_000, 2_900])
def test_an_entry_that_ran_out_is_told_where_depths_are_estimated_too_long(tmp_path: Path, counted: int) -> None:
    """The prompt was taken for 3,000 tokens and counted as 2,900: after 400 seconds it has run out all the same."""
    writer = LedgerWriter(tmp_path)
    writer.record(turn(NOON, (3_000,), counted))
    writer.record(turn(NOON + 400, (3_000, 4_000), counted + 1_000))
    writer.close()
    with LedgerTables(tmp_path, clock=lambda: NOON + 1e6) as tables:
        tables.catch_up()
        rules = [row[0] for row in tables.database.run("SELECT rule FROM shown_misses")]
    assert rules == ["RB012"]
