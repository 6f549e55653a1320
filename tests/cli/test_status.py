"""One line on today, for a prompt: right, quick, and silent about what did not happen."""

import os
import resource
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from rockbottom.cli import main
from rockbottom.cli.today import KEPT, line_of, today_in
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter

_NOON = time.mktime((2026, 11, 29, 12, 0, 0, 0, 0, -1))
_DAY = 86_400.0


def _call(at: float, *, cost: str | None = "0.25", uncached: str | None = "1.00", endpoint: str = "aws") -> CallRecord:
    return CallRecord(
        at=at, model="amazon.nova-pro-v1:0", operation="Converse", input=100, output=5, cache_read=600,
        cache_write_5m=200, cache_write_1h=100, cost_usd=cost, uncached_usd=uncached, endpoint=endpoint,
    )  # fmt: skip


def _record(folder: Path, *calls: CallRecord) -> None:
    writer = LedgerWriter(folder, clock=lambda: calls[-1].at)
    for call in calls:
        writer.record(call)
    writer.close()


def test_the_line_says_what_today_cost_what_came_from_the_cache_and_what_that_saved(tmp_path):
    """By hand: 4 priced calls of $0.25 that would have cost $1 each; 600 of 1,000 input tokens were read."""
    _record(
        tmp_path, _call(_NOON - _DAY, cost="9"), *(_call(_NOON + second) for second in range(4)),
        _call(_NOON + 5, cost=None, uncached=None), _call(_NOON + 6, endpoint="local"),
    )  # fmt: skip
    assert line_of(today_in(tmp_path, _NOON + 60)) == (
        "rockbottom today: $1.00 · 60% from cache · saved $3.00 (75%) · 5 calls · 1 without a price "
        "(amazon.nova-pro-v1:0)"
    )


def test_calls_without_a_price_name_their_models_the_most_called_first(tmp_path):
    """Three calls of one model, one of another: the line names the first, the JSON both with their counts."""
    call = _call(_NOON, cost=None, uncached=None)
    rare, often = (structs.replace(call, model=name) for name in ("a.rare", "z.often"))
    _record(tmp_path, rare, often, often, often)
    today = today_in(tmp_path, _NOON + 60)
    assert line_of(today).endswith("· 4 calls · 4 without a price (z.often and 1 more model)")
    assert today.aws.unpriced_models == {"a.rare": 1, "z.often": 3}
    assert today_in(tmp_path, _NOON + 61).to_dict() == today.to_dict()


def test_a_dropped_stream_has_bounds_and_a_failed_call_cost_nothing(tmp_path):
    """Neither is a call without a known price: the prompts of two cost .002 to .015 each."""
    bare = structs.replace(_call(_NOON, cost=None, uncached=None), status="no usage")
    dropped = structs.replace(bare, least_usd="0.002", most_usd="0.015")
    _record(tmp_path, _call(_NOON), bare, dropped, dropped, structs.replace(bare, status="failed"))
    today = today_in(tmp_path, _NOON + 60)
    assert line_of(today).endswith("· 5 calls · 1 failed · 3 without usage (prompts $0.0040 to $0.0300)")
    assert today_in(tmp_path, _NOON + 61).to_dict() == today.to_dict()


def test_only_what_came_since_is_read_and_the_next_day_begins_at_nothing(tmp_path, monkeypatch):
    """What was read is not read again: it may even be gone."""
    _record(tmp_path, _call(_NOON))
    assert today_in(tmp_path, _NOON + 1).aws.calls == 1
    volume = tmp_path / "calls-000001.ndjson"
    size = volume.stat().st_size
    volume.write_bytes(b"x" * (size - 1) + b"\n")
    _record(tmp_path, _call(_NOON + 2))
    assert today_in(tmp_path, _NOON + 3).aws.cost == Decimal("0.50")
    assert line_of(today_in(tmp_path, _NOON + _DAY)) == "rockbottom today: no calls"
    _record(tmp_path, _call(_NOON + _DAY))
    assert today_in(tmp_path, _NOON + _DAY + 1).aws.calls == 1


def test_the_sums_are_those_of_the_ledgers_own_reader(tmp_path):
    """A torn line with a record behind it, one without, and a line that is still being written."""
    _record(tmp_path, *(_call(_NOON + second, cost=f"0.{second + 1}") for second in range(8)))
    volume = tmp_path / "calls-000001.ndjson"
    lines = volume.read_bytes().splitlines(keepends=True)
    torn = [lines[0], lines[1][:40] + lines[2], lines[3][:50] + b"\n", *lines[4:], lines[5][:30]]
    volume.write_bytes(b"".join(torn))
    expected = [call for call in LedgerReader(tmp_path).calls() if call.at >= _NOON - 3600]
    today = today_in(tmp_path, _NOON + 60).aws
    assert today.calls == len(expected) == 6
    assert today.cost == sum(Decimal(call.cost_usd or 0) for call in expected)
    assert today.read == sum(call.cache_read for call in expected)
    assert today.written == sum(call.cache_write for call in expected)


def test_thousands_of_calls_at_once_sum_to_what_they_sum_to_one_by_one(tmp_path, monkeypatch):
    """Damage, numbers where texts are usual, and calls of yesterday among them."""
    lines = [
        b'{"at":%f,"model":"m","input":7,"cache_write_1h":2,"cost_usd":"0.125"}' % (_NOON + number)
        for number in range(9)
    ]
    odd = [
        b'{"at":%f,"mod{"at":%f,"model":"m","cost_usd":"1","endpoint":"local"}' % (_NOON, _NOON),  # torn, then whole
        b'{"at":%f,"model":"m","cost_usd":0.5,"uncached_usd":2}' % _NOON, b"nothing", b'{"at":"noon"}',
        b'{"at":%f,"model":"m","cost_usd":"9"}' % (_NOON - _DAY), b'{"at":%f,"cost_usd":"much"}' % _NOON,
        b'{"at":%f,"model":"unpriced","cache_read":3}' % _NOON,
    ]  # fmt: skip
    sums = []
    for name, many in (("slow", 4 << 20), ("quick", 0)):
        monkeypatch.setattr("rockbottom.cli.today._MANY_BYTES", many)
        (tmp_path / name).mkdir()
        (tmp_path / name / "calls-000001.ndjson").write_bytes(b"\n".join([*lines, *odd]) + b"\n")
        os.utime(tmp_path / name / "calls-000001.ndjson", (_NOON, _NOON))
        sums.append(today_in(tmp_path / name, _NOON + 60))
    slow, quick = sums
    assert (slow.aws.to_dict(), slow.local.to_dict()) == (quick.aws.to_dict(), quick.local.to_dict())
    assert (quick.aws.cost, quick.aws.uncached, quick.aws.written) == (Decimal("1.625"), Decimal("3.125"), 18)
    assert (quick.local.cost, quick.aws.unpriced_models) == (1, {"unpriced": 1})


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"format": 1}', b'{"format": 2, "day": 0, "position": 5}', b"\xff"])
def test_damage_to_what_is_kept_only_costs_time(tmp_path, kept):
    """It is added up anew."""
    _record(tmp_path, _call(_NOON))
    (tmp_path / KEPT).write_bytes(kept)
    assert today_in(tmp_path, _NOON + 1).aws.calls == 1


def test_an_empty_ledger_and_simulated_calls_are_said_as_such(tmp_path):
    """Neither is an error: a prompt is drawn all the same."""
    assert line_of(today_in(tmp_path / "none", _NOON)) == f"rockbottom: nothing recorded yet in {tmp_path / 'none'}"
    assert line_of(today_in(tmp_path, _NOON)) == "rockbottom today: no calls"
    _record(tmp_path, _call(_NOON, endpoint="local"), _call(_NOON, endpoint="local"))
    assert line_of(today_in(tmp_path, _NOON + 1)) == "rockbottom today: no calls to AWS (2 simulated ones)"


def test_a_call_that_cost_more_with_caching_is_a_loss(tmp_path):
    """$1.25 where $1 would have done."""
    _record(tmp_path, _call(_NOON, cost="1.25"))
    assert "lost $0.25 (25%)" in line_of(today_in(tmp_path, _NOON + 1))


def test_the_command_names_its_ledger_as_every_command_does(tmp_path, monkeypatch, capsys):
    """A flag, the environment, rockbottom.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROCKBOTTOM_LEDGER", str(tmp_path / "of-the-environment"))
    assert main(["status"]) == 0
    assert "nothing recorded yet in" in (out := capsys.readouterr().out)
    assert "of-the-environment" in out
    monkeypatch.delenv("ROCKBOTTOM_LEDGER")
    (tmp_path / "rockbottom.toml").write_text('ledger = "of-the-file"\n')
    assert main(["status"]) == 0
    assert str(tmp_path / "of-the-file") in capsys.readouterr().out
    assert main(["status", "--ledger", str(tmp_path / "named")]) == 0
    assert str(tmp_path / "named") in capsys.readouterr().out
    (tmp_path / "rockbottom.toml").write_text("ledger = \n")
    assert main(["status"]) == 2
    assert "is not TOML" in capsys.readouterr().err


def test_a_prompt_does_not_wait_for_libraries(tmp_path):
    """Neither click nor msgspec is imported; 100 ms of processor time are twice what it takes."""
    _record(tmp_path, _call(time.time()))
    script = (
        "import sys\nfrom rockbottom.cli import main\nassert main(['status']) == 0\n"
        "assert not {'click', 'msgspec', 'rockbottom.ledger.records'} & set(sys.modules), sorted(sys.modules)"
    )
    environment = {**os.environ, "ROCKBOTTOM_LEDGER": str(tmp_path)}
    spent: list[float] = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", script], env=environment, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.1


def test_calls_of_a_clock_that_was_wrong_are_not_of_today(tmp_path):
    """One that is some minutes ahead is; one of next week, or of 1970, is not."""
    _record(tmp_path, _call(_NOON), _call(_NOON + 600), _call(_NOON + 7 * _DAY), _call(0.0))
    assert today_in(tmp_path, _NOON + 60).aws.calls == 2


def test_what_is_there_and_no_folder_is_no_ledger(capsys):
    """A device is no empty ledger."""
    assert main(["status", "--ledger", "/dev/zero"]) == 2
    assert "'/dev/zero' is not a folder" in capsys.readouterr().err
