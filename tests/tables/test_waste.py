"""What was written and never read is told twice, of calls as they pass and in SQL; both tell the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.sinks.waste import GRACE_S, WriteWaste
from rockbottom.tables import LedgerTables, waste

NOON = 1_780_000_020.0
LATER = NOON + 1e6

# Gaps around the lifetimes and the grace; no two calls leave at the same instant.
gaps = st.sampled_from([1.0, 10.0, 60.0, 299.0, 300.0, 359.0, 361.0, 1800.0, 1859.0, 3599.0, 3659.0, 3661.0])
calls = st.lists(
    st.tuples(gaps, st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)),
    min_size=1,
    max_size=40,
)


def made(drawn: list[tuple[float, str, int, int, int, int]]) -> list[CallRecord]:
    at, records = NOON, list[CallRecord]()
    for gap, family, read, short, middle, long in drawn:
        at += gap
        records.append(
            CallRecord(
                at, "anthropic.claude-x-v1:0", "Converse", "us", "us-east-1", cache_read=1000 * read,
                cache_write_5m=1000 * short, cache_write_30m=1000 * middle, cache_write_1h=1000 * long, family=family,
                family_tokens=5000,
            )
        )  # fmt: skip
    return records


@given(calls)
@settings(max_examples=60, deadline=None)
def test_sql_and_the_stream_tell_the_same_waste(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[float, str, int, int, int, int]]
) -> None:
    """Any reads, writes of any lifetime and gaps: family by family the same tokens, once all lifetimes are over."""
    records = made(drawn)
    stream, expected = WriteWaste(), {"a": 0, "b": 0}
    settled = [one for record in records for one in stream.add(record)]
    for one in (*settled, *stream.settle(LATER)):
        expected[one.call.family] += one.wasted
    folder = tmp_path_factory.mktemp("ledger")
    writer = LedgerWriter(folder)
    for record in records:
        writer.record(record)
    writer.close()
    with LedgerTables(folder, clock=lambda: LATER) as tables:
        tables.catch_up()
        rows = tables.rows("SELECT family, sum(wasted)::BIGINT AS n FROM families GROUP BY family")
    assert {"a": 0, "b": 0} | {row["family"]: row["n"] for row in rows} == expected


def test_both_wait_as_long_for_calls_that_are_late() -> None:
    assert waste.GRACE_S == GRACE_S
