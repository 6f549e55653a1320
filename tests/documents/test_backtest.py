"""The JSON of a backtest: members, their order and the spelling of every number.

``recorded/backtest.json`` is what the command printed when it still put its JSON together member by member, on the
calls made here: two days of one model, most of every prompt read, and an hour in which nothing was.
"""

from datetime import UTC, datetime
from pathlib import Path

from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.ledger import CallRecord, LedgerWriter

RECORDED = Path(__file__).parent / "recorded" / "backtest.json"
NOON = datetime(2026, 11, 4, 12, tzinfo=UTC).timestamp()
HOUR = 3600


def _call(number):
    at = NOON + number * 300
    cold = 20 * HOUR <= number * 300 < 21 * HOUR
    return CallRecord(
        at=at, model="amazon.nova-pro-v1:0", operation="Converse", region="us-east-1", endpoint="aws",
        input=9_000 if cold else 1_000, cache_read=0 if cold else 8_000, output=200,
        cost_usd="0.00784" if cold else "0.00304", uncached_usd="0.00784",
    )  # fmt: skip


def test_the_json_of_a_backtest_is_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ledger = LedgerWriter(tmp_path / "ledger")
    for number in range(2 * 24 * 12):
        ledger.record(_call(number))
    ledger.close()
    every_call = (f"[alarms.{name}]\nleast_calls = 0\n" for name in ("LowCacheHitRate", "WriteWaste", "SilentZero"))
    (tmp_path / "alarms.toml").write_text("".join(every_call))  # one call in five minutes
    names = ("LowCacheHitRate", "CostPerRequest", "SpendRate", "WriteWaste", "SilentZero")
    given = ["ledger", "--alarms", "alarms.toml", "--tries", "3", "--json"]
    given += [word for name in names for word in ("--alarm", name)]
    assert main(["monitor", "backtest", *given]) == Exit.OK
    assert capsys.readouterr().out == RECORDED.read_text(encoding="utf-8")
