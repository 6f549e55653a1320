"""What a view says of a ledger, worked out by hand; and what it does when the ledger is torn, moved or deleted."""

import re
import shutil
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.ledger import LedgerReader, LedgerWriter
from rockbottom.tables.keeping import VERSION
from rockbottom.tables.rows import STEP_OF
from rockbottom.watch import Screen, View, WatchError, frame_of, period_named
from rockbottom.watch.composing import ms_of, percentile
from tests.watch.traffic import NOVA, call, catalog, read, write

NOW = 1_795_000_000.0


@pytest.fixture
def view(folder):
    """A view of the ledger at a fixed instant."""
    made = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    yield made
    made.close()


def seen(view, period="1h", side="auto"):
    """What the view says after it has taken in everything."""
    while not view.follow(1):
        pass
    return view.snapshot(period_named(period), side)


def test_the_figures_of_two_calls(view, record):
    """One write and one read of 4,000 tokens: half of the prompt tokens were read."""
    calls = [write(NOW - 60, first_ms=800.0), read(NOW - 50, first_ms=400.0)]
    record(*calls)
    shot = seen(view)
    total = shot.total
    assert (total.calls, total.read, total.write, total.input, total.output) == (2, 4000, 4000, 360, 440)
    assert total.hit_rate == pytest.approx(4000 / 8360, abs=1e-6)
    assert total.cost_usd == sum(Decimal(one.cost_usd) for one in calls)
    assert total.saved_usd == sum(one.saved_usd for one in calls)
    assert total.usd_per_call == (total.cost_usd / 2).quantize(Decimal("1e-12"))
    assert total.first_ms_p50 == pytest.approx(400, rel=0.03)
    assert total.first_ms_p95 == pytest.approx(800, rel=0.03)
    assert [line.name for line in shot.models] == ["anthropic.claude-sonnet-4-6"]
    assert sum(bar.calls for bar in shot.bars) == 2


def test_calls_without_price_usage_or_success_are_said(view, record):
    """Their tokens count where there are any; their money is not made up."""
    record(
        read(NOW - 5, cost_usd=None, uncached_usd=None),
        call(NOW - 4, status="failed"),
        call(NOW - 3, status="no usage", least_usd="0.002", most_usd="0.015"),
    )
    shot = seen(view)
    assert (
        "1 call ended without usage: its prompt cost $0.0020 (if what is marked was read) to $0.0150 (if written), "
        "estimated and in no sum; answers come on top."
    ) in shot.notices
    assert (shot.total.calls, shot.total.unpriced, shot.total.failed, shot.total.no_usage) == (3, 1, 1, 1)
    assert shot.total.cost_usd == 0
    assert "1 call without a known price, in no sum of money: anthropic.claude-sonnet-4-6." in shot.notices


def test_no_month_is_made_of_less_than_a_day(view, record):
    """Calls since 23 hours give an hourly rate alone, those since 25 hours a month as well."""
    record(read(NOW - 23 * 3600), read(NOW - 5))
    assert seen(view, "7d").usd_per_hour is not None
    assert seen(view, "7d").usd_per_month is None
    record(read(NOW - 4))
    assert seen(view, "30d").usd_per_month is None


def test_a_month_is_made_of_a_day(view, record):
    """720 hours at the rate of the 26 hours since the hour of the first call."""
    record(read(NOW - 25 * 3600), read(NOW - 5))
    shot = seen(view, "7d")
    assert shot.usd_per_month == shot.usd_per_hour * 720


def test_a_prompt_that_never_caches_is_lost_at_its_full_price(view, record):
    """Twenty prompts of 4,000 tokens that differ from the start and are written each time: what was paid above reads.

    Through the profile us. a write costs 4.125 and a read 0.33 dollars a million: 4,000 tokens lose 0.01518. The first
    prompt had nothing before it that it could have read.
    """
    record(*(write(NOW - 2000 + 90 * n, family=f"{n:06x}: 4,000 tokens, Claude Sonnet 4.6") for n in range(20)))
    shot = seen(view)
    assert shot.total.hit_rate == 0
    assert shot.total.lost_usd == 19 * Decimal("0.01518")


def test_simulated_calls_never_mix_with_billed_ones(view, record):
    """The side of AWS is shown where it has calls; the local side says that it is simulated."""
    record(read(NOW - 50), read(NOW - 40, endpoint="local"), read(NOW - 30, endpoint="local"))
    billed, local = seen(view), seen(view, side="local")
    assert (billed.side, billed.simulated, billed.total.calls) == ("aws", False, 1)
    assert (local.side, local.simulated, local.total.calls) == ("local", True, 2)
    assert billed.other.calls == 2
    assert "2 calls to the local endpoint left out: simulated, not billed." in billed.notices


def test_only_local_calls_are_shown_as_simulated(view, record):
    """A person who tries it out sees something at once, with its label."""
    record(read(NOW - 40, endpoint="local"))
    assert seen(view).simulated


def test_tags_count_a_call_once_each(view, record):
    """A call of tenant acme and feature chat is in both lines, and once in the total."""
    record(read(NOW - 40, tags={"tenant": "acme", "feature": "chat"}), read(NOW - 30, tags={"tenant": "initech"}))
    shot = seen(view)
    assert {line.name: line.calls for line in shot.tags} == {"tenant=acme": 1, "feature=chat": 1, "tenant=initech": 1}
    assert shot.total.calls == 2


def test_the_worst_prefix_is_the_one_that_lost_most(view, record):
    """Sonnet missed 4,000 tokens once, Haiku nothing; Nova writes for nothing, so its miss lost nothing."""
    nova = [write(NOW - at, model=NOVA) for at in (3000, 2000)]
    record(write(NOW - 3000), write(NOW - 2000), *nova)
    shot = seen(view)
    assert [(line.name, line.misses, line.lost_usd > 0) for line in shot.families] == [
        ("3fa91c: 4,000 tokens, Claude Sonnet 4.6", 1, True), ("3fa91c: 4,000 tokens, Nova Pro", 1, False),
    ]  # fmt: skip
    assert [(cause.rule, cause.misses) for cause in shot.causes] == [("RB012", 2)]
    assert {miss.cause for miss in shot.misses} == {"the entry had expired"}


def test_prefixes_that_change_every_time_are_one_line(view, record):
    """Thirty digests, one mistake."""
    record(*(write(NOW - 600 + at, family=f"{at:06x}: 4,000 tokens, Claude Sonnet 4.6") for at in range(0, 300, 10)))
    worst = seen(view).families[0]
    assert (worst.name, worst.misses) == ("changes every time: about 4,000 tokens, Claude Sonnet 4.6", 28)


def test_tokens_that_nobody_read_in_time_are_waste(view, record):
    """Of two writes an hour ago one was read; the other's five minutes are over."""
    record(
        write(NOW - 3000),
        read(NOW - 2990),
        write(NOW - 2000, family="other: 4,000 tokens, Claude Sonnet 4.6"),
        read(NOW - 10),
    )
    shot = seen(view)
    assert (shot.total.wasted, shot.total.wasted_share) == (4000, 0.5)


def test_periods_hold_what_they_name(view, record):
    """Calls a minute, half an hour, five hours, five days and twenty days old."""
    record(*(read(NOW - age) for age in (20 * 86_400, 5 * 86_400, 5 * 3600, 1800, 60)))
    assert [seen(view, name).total.calls for name in ("15m", "1h", "24h", "7d", "30d")] == [1, 2, 3, 4, 5]


def test_a_period_that_nobody_knows_is_named_with_those_known():
    """The message says what would work."""
    with pytest.raises(WatchError, match="No period '2h'") as caught:
        period_named("2h")
    assert caught.value.fix == "known are: 15m, 1h, 24h, 7d, 30d"


@pytest.mark.parametrize("period", ["15m", "1h", "24h", "7d", "30d"])
def test_the_rate_counts_from_the_first_call_and_not_from_the_first_of_the_month(view, record, period):
    """A ledger begun ten minutes ago: what it spent in ten minutes, times six, whatever the period."""
    record(read(NOW - 600), read(NOW - 300))
    shot = seen(view, period)
    minutes = (NOW - (NOW - 600) // 60 * 60) / 60
    assert float(shot.usd_per_hour) == pytest.approx(float(shot.total.cost_usd) * 60 / minutes)


def test_every_field_is_documented(view, record, repo):
    """docs/reference/snapshot.md names each field of the snapshot, of its lines, and of what they hold."""
    record(write(NOW - 1000), write(NOW - 100), read(NOW - 50, endpoint="local"))
    found = seen(view, side="aws").to_dict()
    parts = [
        found,
        found["total"],
        found["causes"][0],
        found["misses"][0],
        found["bars"][0],
        found["other"],
        found["ledger"],
    ]
    named = set(re.findall(r"`(\w+)`", (repo / "docs/reference/snapshot.md").read_text(encoding="utf-8")))
    assert {name for part in parts for name in part} <= named


# Following --------------------------------------------------------------------------------------------------


def test_a_ledger_that_comes_later_is_found(view, record):
    """The view is opened first, the program that records starts afterwards."""
    assert seen(view).ledger.there is False
    record(read(NOW - 5))
    assert seen(view).total.calls == 1


def test_what_is_recorded_later_is_added_once(view, record):
    """Looking twice counts nothing twice."""
    record(write(NOW - 50))
    assert seen(view).total.calls == 1
    record(read(NOW - 40))
    assert seen(view).total.calls == 2
    assert seen(view).total.calls == 2


def test_a_ledger_that_is_deleted_is_forgotten(view, record, folder):
    """Deleted under the view, and made anew: what is shown is what is there."""
    record(write(NOW - 50), read(NOW - 45))
    assert seen(view).total.calls == 2
    shutil.rmtree(folder)
    assert seen(view).total.calls == 0
    record(read(NOW - 5))
    assert seen(view).total.calls == 1


def test_a_ledger_that_rotates_keeps_its_sums(view, folder):
    """Volumes of 64 KiB, of which the oldest are removed; every call taken in stays in the sums, and it is said."""
    writer = LedgerWriter(folder, max_bytes=256 << 10, clock=lambda: NOW)
    for step in range(40):
        for number in range(50):
            writer.record(read(NOW - 800 + step + number / 100))
        seen(view)
    writer.close()
    shot = seen(view)
    assert shot.total.calls == 2000
    assert sum(1 for _ in LedgerReader(folder).calls()) < 2000
    assert any(notice.startswith("The ledger has reached its size limit") for notice in shot.notices)


def test_damaged_lines_are_left_out_and_counted(view, record, folder):
    """Rubbish between two calls."""
    record(write(NOW - 50))
    volume = next(folder.glob("calls-*.ndjson"))
    volume.write_bytes(volume.read_bytes() + b'{"at": 12, "mod\n\xff\xfe\n')
    record(read(NOW - 40))
    shot = seen(view)
    assert (shot.total.calls, shot.ledger.damaged) == (2, 2)
    assert "2 damaged lines in the ledger left out." in shot.notices


def test_a_line_that_is_being_written_waits(view, record, folder):
    """Half a line is no damage: it is said, and counted when it is whole."""
    record(write(NOW - 50), read(NOW - 40))
    volume = next(folder.glob("calls-*.ndjson"))
    whole = volume.read_bytes()
    volume.write_bytes(whole[:-20])
    shot = seen(view)
    assert (shot.total.calls, shot.ledger.unfinished) == (1, 1)
    assert any("1 last line of the ledger without an end left out" in notice for notice in shot.notices)
    volume.write_bytes(whole)
    shot = seen(view)
    assert (shot.total.calls, shot.ledger.damaged, shot.ledger.unfinished) == (2, 0, 0)


def test_a_clock_that_jumped_ahead_is_said(view, record):
    """Calls dated tomorrow are in no period up to now."""
    record(read(NOW - 50), read(NOW + 86_400), read(NOW - 40))
    shot = seen(view, "24h")
    assert shot.total.calls == 2
    assert "1 call dated after now left out: a clock jumped." in shot.notices


def test_two_views_count_every_call_once(folder, record):
    """The terminal and the page follow one ledger; each judges what the other took in."""
    one, two = (View(folder, catalog(), lambda: NOW, lambda: 0.0) for _ in range(2))
    record(write(NOW - 1000))
    assert seen(one).total.calls == 1
    record(read(NOW - 900))
    assert seen(two).total.calls == 2
    record(write(NOW - 100))  # missed: 800 s after the read that ``two`` took in
    shot = seen(one)
    assert (shot.total.calls, [cause.rule for cause in shot.causes]) == (3, ["RB012"])
    assert seen(two).total == shot.total
    one.close()
    two.close()


def test_a_view_that_starts_anew_goes_on_where_it_was(folder, record):
    """Counted once, and judged against the calls before the restart."""
    record(write(NOW - 1000))
    first = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    seen(first)
    first.close()
    record(write(NOW - 100))
    second = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    shot = seen(second)
    assert (shot.total.calls, [cause.rule for cause in shot.causes]) == (2, ["RB012"])
    second.close()


def test_a_copy_of_the_folder_counts_nothing_twice(folder, record):
    """Copied or restored with its digest, a ledger has the same calls under other inodes."""
    record(write(NOW - 1000), read(NOW - 900))
    first = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    seen(first)
    first.close()
    shutil.copytree(folder, folder.with_name("copy"))
    second = View(folder.with_name("copy"), catalog(), lambda: NOW, lambda: 0.0)
    assert seen(second).total.calls == 2
    second.close()


def test_a_start_does_not_read_the_whole_ledger_again(folder, monkeypatch):
    """Of many volumes summed before, the newest is read, and the one before it to judge its calls against."""
    from rockbottom.tables import intake

    writer = LedgerWriter(folder, max_bytes=1 << 20)
    for number in range(2000):
        writer.record(read(NOW - 90_000 + number / 10))
    writer.close()
    first = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    assert seen(first, "7d").total.calls == 2000
    first.close()
    heard = []
    real = intake.lines_of_volumes
    monkeypatch.setattr(intake, "lines_of_volumes", lambda paths, *more: heard.extend(paths) or real(paths, *more))
    second = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    assert seen(second, "7d").total.calls == 2000
    second.close()
    *closed, newest = sorted(map(str, folder.glob("calls-*.ndjson")))
    assert len(closed) > 2
    assert set(heard) <= {closed[-1], newest}


def test_sums_that_do_not_decode_are_made_anew(folder):
    """Whatever stands in their files."""
    writer = LedgerWriter(folder)
    writer.disk.volume_bytes = 4000
    for number in range(100):
        writer.record(read(NOW - 90_000 + number))
    writer.close()
    first = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    assert seen(first, "7d").total.calls == 100
    first.close()
    kept = sorted((folder / "tables").glob("*.sums*.parquet"))
    kept[0].write_bytes(b"this is no table" * 100)
    kept[1].write_bytes(kept[1].read_bytes()[:-30])
    second = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    assert seen(second, "7d").total.calls == 100
    second.close()


def test_what_is_made_from_a_ledger_is_its_owner_s_alone(folder):
    """Tags stand in the sums, and the latest misses beside them."""
    writer = LedgerWriter(folder)
    writer.disk.volume_bytes = 4000
    for number in range(100):
        writer.record(write(NOW - 90_000 + number))
    writer.close()
    view = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    seen(view, "7d")
    view.close()
    made = list((folder / "tables").iterdir())
    assert {path.name.split(".")[1] for path in made} == {f"sums{VERSION}", f"misses{VERSION}"}
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
    assert (folder / "tables").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_is_read_all_the_same(view, record, folder):
    """The sums are kept for as long as the page is open, and the page says so."""
    record(read(NOW - 50))
    (folder / "tables").write_text("a file where the folder would be")
    shot = seen(view)
    assert shot.total.calls == 1
    assert "The ledger's folder cannot be written: history is read again at every start." in shot.notices


def test_a_thousand_tenants_do_not_fill_the_digest(view, record):
    """256 tags an hour are told apart; the others are one line, and nothing is lost."""
    record(*(read(NOW - 350 + n / 2, tags={"tenant": f"t{n}"}) for n in range(600)))
    shot = seen(view, "24h")
    rest = {line.name: line.calls for line in shot.tags}
    assert rest["(others)"] == 600 - 256
    assert shot.total.calls == 600
    assert len(shot.tags) == 257
    assert not any("There are more tags" in notice for notice in shot.notices)


def step_of(ms):
    """The step that a time is counted in."""
    import duckdb

    return duckdb.execute(f"SELECT {STEP_OF.format('$1::DOUBLE')}", [ms]).fetchone()[0]


# Percentiles ------------------------------------------------------------------------------------------------


def test_percentiles_of_none_are_none():
    """Nothing was streamed."""
    assert percentile({}, 50) is None


@given(st.floats(1, 1e7))
def test_a_time_is_right_to_2_5_percent(ms):
    """The middle of a step is that near to every time in it."""
    assert ms_of(step_of(ms)) == pytest.approx(ms, rel=0.0251)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=60), st.integers(1, 99))
def test_percentiles_are_those_of_the_sorted_times(times, percent):
    """The time at place ceil(n * percent / 100), to the width of a step."""
    steps = {}
    for one in times:
        steps[step_of(one)] = steps.get(step_of(one), 0) + 1
    place = -(-len(times) * percent // 100) - 1
    assert percentile(steps, percent) == pytest.approx(sorted(times)[place], rel=0.0255, abs=0.06)


def test_dollars_of_a_large_month_are_exact(view, record):
    """Twelve million dollars in pico-dollars are more than SQLite's integers hold."""
    dear = "99999.999999999999"
    record(*(read(NOW - 3600 * (1 + n), cost_usd=dear, uncached_usd=dear) for n in range(120)))
    assert seen(view, "7d").total.cost_usd == 120 * Decimal(dear)


@pytest.mark.parametrize(
    "broken", [{"cost_usd": "1e40"}, {"uncached_usd": "NaN"}, {"cost_usd": "much"}, {"input": -5}, {"output": 10**30}]
)
def test_a_record_that_can_be_no_call_is_damage(view, record, broken):
    """Valid JSON, impossible numbers: left out, counted, and the next call is shown."""
    record(read(NOW - 50, **broken), read(NOW - 40))
    shot = seen(view)
    assert (shot.total.calls, shot.ledger.damaged) == (1, 1)


# Measured ---------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_the_planner_would_have_saved(view, record):
    """Two observed calls of 20 cents that would have cost 5 and 30; a planned one has no part in it."""
    record(
        read(NOW - 300, cost_usd="0.2", uncached_usd="0.2", planned_usd="0.3"),
        read(NOW - 200, cost_usd="0.2", uncached_usd="0.2", planned_usd="0.05"),
        read(NOW - 100, cost_usd="7", uncached_usd="8"),
        read(NOW - 90, cost_usd=None, uncached_usd=None, planned_usd="0.1"),
    )
    shot = seen(view)
    assert shot.to_dict()["observed"] == {
        "calls": 2, "cost_usd": "0.4", "planned_usd": "0.35", "would_save_usd": "0.05"
    }  # fmt: skip
    assert shot.measured == (
        "only observed: with rockbottom attached 2 calls would have cost $0.350 instead of $0.400, "
        "saving $0.0500 (13%)",
    )
    assert shot.holdout is None
    assert any("only observed" in line for line in frame_of(shot, Screen(80)))


def test_held_out_calls_are_set_beside_the_planned_ones(view, record):
    """Twenty groups a side: the held-out calls pay all of a dollar, the planned ones a quarter of two."""
    for group in range(20):
        record(
            read(NOW - 300, arm=f"held out:{group}", cost_usd="1", uncached_usd="1", first_ms=800.0),
            read(NOW - 200, arm=f"planned:{group}", cost_usd="0.5", uncached_usd="2", first_ms=200.0),
        )
    record(read(NOW - 100, cost_usd="7", uncached_usd="8"), read(NOW - 90, arm="planned:99"))
    found = seen(view).to_dict()["holdout"]
    assert (found["planned"]["calls"], found["held_out"]["calls"]) == (20, 20)
    assert found["saved"] == {"value": 0.75, "low": 0.75, "high": 0.75}
    assert found["sooner_ms"] == {"value": 600.0, "low": 600.0, "high": 600.0}
    lines = frame_of(seen(view), Screen(80))
    assert any("planning saved 75% (75% to 75%)" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_of_few_held_out_conversations_there_is_not_enough_to_say(view, record):
    record(read(NOW - 300, arm="held out:1"), read(NOW - 200, arm="planned:2"))
    assert "not enough to say" in seen(view).measured[1]


def test_every_field_of_what_was_measured_is_documented(view, record, repo):
    record(*(read(NOW - 300, arm=f"{side}:{group}", planned_usd="0.1", first_ms=1.0)
             for side in ("planned", "held out") for group in range(20)))  # fmt: skip
    found = seen(view).to_dict()
    holdout = found["holdout"]
    named = set(re.findall(r"`(\w+)`", (repo / "docs/reference/snapshot.md").read_text(encoding="utf-8")))
    parts = (found["observed"], holdout, holdout["planned"], holdout["saved"])
    assert {name for part in parts for name in part} <= named


def test_a_view_that_was_stopped_takes_in_nothing(folder, record, caplog):
    record(read(NOW - 5))
    view = View(folder, catalog(), lambda: NOW, lambda: 0.0)
    view.stop()
    assert seen(view).total.calls == 0
    assert not (folder / "tables").exists()
    assert not caplog.records
