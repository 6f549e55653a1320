"""Closed volumes that ended before the days that are asked for are not read."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")

from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter, volumes_of
from rockbottom.reconcile import ledger_book
from rockbottom.tables import LedgerTables

_MODELS = {8: "amazon.nova-micro-v1:0", 9: "amazon.nova-lite-v1:0", 11: "amazon.nova-pro-v1:0"}
_NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A volume for each of three months, with a call; the oldest holds a damaged line too."""
    writer = LedgerWriter(tmp_path / "ledger")
    writer.disk.volume_bytes = 1
    starts = {month: datetime(2026, month, 1, tzinfo=UTC).timestamp() for month in _MODELS}
    for month, model in _MODELS.items():
        writer.record(CallRecord(starts[month], model, "Converse", input=1, endpoint="aws"))
    writer.close()
    volumes = volumes_of(tmp_path / "ledger")
    assert len(volumes) == 3
    with volumes[0].path.open("ab") as file:
        file.write(b"{damaged}\n")
    for volume, start in zip(volumes, starts.values(), strict=True):
        os.utime(volume.path, (start, start))
    return tmp_path / "ledger"


def test_a_reader_passes_over_a_closed_volume_until_somebody_writes_into_it(ledger: Path) -> None:
    reader = LedgerReader(ledger)
    assert ([call.model for call in reader.calls()], reader.damaged_count) == ([*_MODELS.values()], 1)
    assert ([call.model for call in reader.calls(_NOVEMBER)], reader.damaged_count) == ([_MODELS[11]], 0)
    os.utime(volumes_of(ledger)[0].path, (_NOVEMBER, _NOVEMBER))
    assert ([call.model for call in reader.calls(_NOVEMBER)], reader.damaged_count) == ([_MODELS[11]], 1)


@pytest.mark.parametrize(("first", "months"), [(date(2026, 11, 1), [11]), (None, [8, 9, 11])])
def test_a_book_of_the_last_days_does_not_take_itself_for_the_whole_ledger(ledger: Path, first, months) -> None:
    book = ledger_book(ledger, first)
    assert [model for _, model in sorted(book.entries)] == [_MODELS[month] for month in months]
    assert book.is_whole == (first is None)
    with LedgerTables(ledger) as tables:  # what was passed over is taken in when all is asked for
        tables.catch_up()
        assert tables.rows("SELECT sum(calls)::INT AS calls FROM hours") == [{"calls": 3}]


def test_a_backtest_of_the_last_days_says_nothing_of_older_damage(ledger: Path, capsys) -> None:
    argv = ["monitor", "backtest", str(ledger), "--alarm", "LowCacheHitRate"]
    assert main(argv) == Exit.OK
    assert "1 damaged line left out" in capsys.readouterr().err
    assert main([*argv, "--since", "2026-11-01"]) == Exit.OK
    assert "damaged" not in capsys.readouterr().err


def test_alarms_for_the_models_of_the_last_days_read_no_older_volume(ledger: Path, monkeypatch, capsys) -> None:
    """No sums of them are made; the ledger before was summed whole."""
    monkeypatch.setenv("ROCKBOTTOM_LEDGER", str(ledger))
    assert main(["monitor", "cloudformation"]) == Exit.OK
    text = capsys.readouterr().out
    assert _MODELS[11] in text
    assert not any(_MODELS[month] in text for month in (8, 9))
    assert list((ledger / "tables").glob("*.parquet")) == []
