"""A volume that ends in a line that was cut off: what is before it stays, whenever it was cut."""

from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")

from rockbottom.ledger import CallRecord, LedgerWriter, volumes_of
from rockbottom.tables import LedgerTables


@pytest.mark.parametrize("followed", [True, False])
def test_calls_of_a_closed_volume_with_a_torn_end_are_all_there(tmp_path: Path, followed: bool) -> None:
    """36 calls fill a volume of 2,000 bytes; a process dies at its end, and the next call begins another."""
    writer = LedgerWriter(tmp_path)
    writer.disk.volume_bytes = 2000
    for number in range(36):
        writer.record(CallRecord(float(number), "m", "Converse", input=1))
    with LedgerTables(tmp_path) as tables:
        if followed:
            tables.catch_up()
        with volumes_of(tmp_path)[0].path.open("ab") as file:
            file.write(b"{")
        writer.record(CallRecord(36.0, "m", "Converse", input=1))
        writer.close()
        tables.catch_up()
        assert len(volumes_of(tmp_path)) == 2
        assert tables.rows("SELECT count(*) AS n FROM calls") == [{"n": 37}]
    with LedgerTables(tmp_path) as again:  # from the sums that were kept
        again.catch_up()
        assert again.rows("SELECT count(*) AS n FROM calls") == [{"n": 37}]
        assert again.rows("SELECT sum(calls)::INT AS n FROM hours") == [{"n": 37}]
