"""Derived files with a flipped bit: figures are made anew from the volumes, and that is said."""

import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")

from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.tables import LedgerTables
from rockbottom.tables.keeping import VERSION

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
START = 1_793_523_600.0
SUMS = "SELECT model, sum(calls) AS calls, sum(input) AS input, sum(cost_picousd) AS cost FROM hours GROUP BY model"
CALLS = "SELECT count(*) AS n, sum(input) AS input FROM calls"
FLIPS = 20


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Six hundred calls in several volumes, with the files that stand beside the closed ones."""
    folder = tmp_path / "ledger"
    writer = LedgerWriter(folder, max_bytes=600_000)
    for number in range(600):
        writer.record(CallRecord(
            START + 60 * number, MODEL, "Converse", "us", "us-east-1", input=100 + number % 7, output=9,
            cost_usd="0.001", uncached_usd="0.003",
            tags={"team": f"t{number % 5}"}, request_id=f"r{number}", points=1, minimum=1024,
        ))  # fmt: skip
    writer.close()
    answers(folder)
    return folder


def answers(folder: Path) -> list[Any]:
    """The sums and the rows, as a process says them that was just started."""
    with LedgerTables(folder, clock=lambda: START + 10**6) as tables:
        tables.catch_up()
        return [tables.rows(SUMS), tables.rows(CALLS)]


def test_no_bit_that_flips_in_a_derived_file_changes_a_figure(ledger: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = answers(ledger)
    made = {path: path.read_bytes() for path in (ledger / "tables").iterdir()}
    kinds = {path.suffixes[0] for path in made}
    assert {f".sums{VERSION}", f".rows{VERSION}"} <= kinds
    chance, flipped = random.Random(5), 0
    for _ in range(FLIPS):
        for path, data in made.items():
            path.write_bytes(data)
        path = chance.choice([path for path in made if path.suffix == ".parquet"])
        data, place = bytearray(made[path]), chance.randrange(len(made[path]))
        data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        caplog.clear()
        assert answers(ledger) == good
        flipped += any("is damaged" in record.message for record in caplog.records)
    assert flipped == FLIPS
