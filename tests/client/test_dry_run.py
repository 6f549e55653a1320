"""A client that is only observed: what it sends is what the caller wrote, and the report says what was left unsaved."""

from decimal import Decimal

import pytest

import rockbottom
from tests.client.client_doubles import MarkingPlanner, ask, native, runtime


def _sent(client):
    seen = []
    client.meta.events.register_last("before-send.bedrock-runtime", lambda request, **_: seen.append(request.body))
    return seen


def _call_everything(client, times=2):
    for number in range(times):
        client.converse(**ask(f"question {number}"))
        list(client.converse_stream(**ask(f"stream {number}"))["stream"])
        client.invoke_model(**native(f"native {number}"))["body"].read()


def test_what_is_sent_is_byte_for_byte_what_it_is_without_us(endpoint):
    plain, observed = runtime(endpoint), runtime(endpoint)
    expected, found = _sent(plain), _sent(observed)
    rockbottom.attach(observed, planner=MarkingPlanner(tail=True, ttl="1h"), dry_run=True)
    _call_everything(plain)
    _call_everything(observed)
    assert found == expected


def test_the_saving_is_that_of_the_same_calls_really_planned(endpoint):
    """Two clients make the same calls in the same order, one observed and one planned: their bills differ by it.

    The cache played beside scales estimated tokens to counted ones, so the two agree to the share of a token count.
    """
    observed = rockbottom.attach(runtime(endpoint), planner=MarkingPlanner(), dry_run=True)
    planned = rockbottom.attach(runtime(endpoint), planner=MarkingPlanner())
    for client in (observed, planned):
        for number in range(5):
            client.converse(**ask(f"question {number}"))
    seen, real = rockbottom.report(observed), rockbottom.report(planned).total
    assert seen.total.usage.cache_read == seen.total.usage.cache_write == 0
    assert seen.dry_run.calls == 5
    assert seen.dry_run.cost_usd == seen.total.cost_usd
    assert seen.dry_run.planned_usd == pytest.approx(real.cost_usd, rel=Decimal("0.02"))
    assert seen.dry_run.would_save_usd > 0
    assert "would have cost" in str(seen)
    assert all(len(line) <= 80 for line in str(seen).splitlines())


def test_what_it_would_have_cost_is_worked_out_by_hand(endpoint):
    """One prefix written once and read once, at the prices of Sonnet 4.6 through a geographic profile."""
    client = rockbottom.attach(runtime(endpoint), planner=MarkingPlanner(), dry_run=True)
    usages = [client.converse(**ask())["usage"] for _ in range(2)]
    report = rockbottom.report(client).dry_run
    total, output = usages[0]["inputTokens"], usages[0]["outputTokens"]
    million = Decimal(1_000_000)
    plain = (2 * total * Decimal("3.3") + 2 * output * Decimal("16.5")) / million
    assert report.cost_usd == plain
    # At best every token was written (4.125) and then read (0.33).
    best = (total * (Decimal("4.125") + Decimal("0.33")) + 2 * output * Decimal("16.5")) / million
    assert best <= report.planned_usd < plain


def test_calls_of_which_nothing_is_planned_cost_what_they_cost(endpoint):
    class Silent(MarkingPlanner):
        def plan(self, request, *, now):
            plan = super().plan(request, now=now)
            plan.apply = lambda given: given
            return plan

    client = rockbottom.attach(runtime(endpoint), planner=Silent(), dry_run=True)
    client.converse(**ask())
    report = rockbottom.report(client)
    assert report.dry_run.planned_usd == report.total.cost_usd
    assert report.dry_run.would_save_usd == 0


def test_the_planner_learns_from_what_it_would_have_been_billed(endpoint):
    planner = MarkingPlanner()
    client = rockbottom.attach(runtime(endpoint), planner=planner, dry_run=True)
    for _ in range(2):
        client.converse(**ask())
    (_, first), (request, second) = planner.observed
    assert first.cache_write_5m > 3000
    assert second.cache_read == first.cache_write_5m
    assert "cachePoint" in str(request)


def test_records_carry_what_they_would_have_cost(endpoint):
    records = []
    sink = type("Sink", (), {"record": lambda self, call: records.append(call), "close": lambda self: None})()
    client = rockbottom.attach(runtime(endpoint), planner=MarkingPlanner(), dry_run=True, sinks=[sink])
    for _ in range(2):
        client.converse(**ask())
    assert [record.points for record in records] == [0, 0]
    assert Decimal(records[0].planned_usd) > Decimal(records[0].cost_usd) > Decimal(records[1].planned_usd)


def test_the_report_of_a_planned_client_has_no_such_line(client):
    rockbottom.attach(client)
    client.converse(**ask())
    report = rockbottom.report(client)
    assert report.dry_run is None
    assert "dry_run" not in report.to_dict()


@pytest.mark.parametrize("sending", [{"keep_alive_usd": 1}, {"request_metadata": True}])
def test_what_would_send_something_else_is_refused_beside_it(client, sending):
    with pytest.raises(rockbottom.NotAttachable, match="dry_run"):
        rockbottom.attach(client, dry_run=True, **sending)
