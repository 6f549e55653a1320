"""An attached client's ledger holds estimated depths beside counted tokens: near is the same place."""

from pathlib import Path

import pytest

from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.tables import LedgerTables

NOON = 1_780_000_020.0
FAMILY = "0123456789abcdef"
SONNET = "anthropic.claude-sonnet-4-6"  # 4.125 written, 0.33 read in a geography, US dollars a million
LATER = 1_790_000_000.0


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


@pytest.mark.parametrize("estimated", [10_150, 9_850])
def test_a_herd_that_wrote_at_once_missed_what_was_counted(tmp_path: Path, estimated: int) -> None:
    """Five calls within half a second wrote the same 10,000 tokens: four of them could have read them.

    4 x 10,000 x (4.125 - 0.33) US dollars a million, whatever their depth was taken for.
    """
    writer = LedgerWriter(tmp_path)
    for number in range(5):
        writer.record(CallRecord(
            LATER + number / 10, SONNET, "Converse", "us", "us-east-1", input=50, cache_write_5m=10_000, points=1,
            minimum=1024, cacheable=estimated, family="abc", family_tokens=estimated, first_ms=900.0, marks=(1,),
            hashes=("a" * 16, f"{number:016x}"), depths=(estimated, estimated + 50), sections=(0, 1), ttls=("",),
            request_id=f"r{number}",
        ))  # fmt: skip
    writer.close()
    with LedgerTables(tmp_path, clock=lambda: LATER + 1e6) as tables:
        tables.catch_up()
        misses = tables.database.run("SELECT rule, tokens, lost_picousd FROM shown_misses")
    assert misses == [("RB014", 10_000, 37_950_000_000)] * 4
