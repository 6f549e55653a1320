"""A planner that is told what another planned and observed knows what that one knows, and decides as it would."""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rockbottom.plan import Planned, Planner, Sighting, sighting_bytes, sighting_of
from rockbottom.plan.sightings import unpacked
from rockbottom.quantities import Usage
from tests.plan.simulate import Service
from tests.plan.traffic import agent, prose

NOW = 1_795_000_000.0
SECRET = b"shared by both of them"
MODEL = "global.anthropic.claude-sonnet-4-6"


def pair() -> tuple[Planner, Planner, list[Sighting]]:
    """A planner, one that is told of all that the first sees (as it travels), and what was told."""
    acting, watching, told = Planner(secret=SECRET), Planner(secret=SECRET), []

    def tell(sighting: Sighting) -> None:
        told.append(sighting)
        watching.witness(sighting_of(sighting_bytes(sighting)), origin="acting")

    acting.tell = tell
    return acting, watching, told


def cells_of(planner: Planner) -> dict:
    """What it counts of every kind of every model."""
    models = planner.returns.models.items()
    return {(model, key): cell for model, kinds in models for key, cell in kinds.cells.items()}


def learned(planner: Planner, now: float) -> dict:
    """What a planner knows of prefixes, entries, returns, and how far reads are relied on."""
    runs = {}
    for run in planner.history.recent(10**6):
        pace = run.pace
        runs[run.last] = (
            run.start, run.end, run.last_at, run.shared, run.beyond, run.children, run.tokens,
            (pace.gaps, pace.quick, pace.slow_gaps, pace.back),
            {entry.position: (*entry.row(), entry.vouched) for entry in run.entries if entry.until > now},
        )  # fmt: skip
    cells = {key: (cell.hits, cell.misses, cell.own, cell.waiting) for key, cell in cells_of(planner).items()}
    return {
        "runs": runs,
        "cells": cells,
        "longest": planner.guard.longest,
        "trusts": dict(planner._mind.trusts),
        "insurances": dict(planner._mind.insurances),
    }


def requests_of(seed: int) -> list[tuple[float, dict]]:
    """Some conversations with tools side by side, gaps of seconds to an hour, and one-off documents between them."""
    rng = random.Random(seed)
    timed = []
    for _ in range(rng.randint(2, 4)):
        gap = rng.choice([15.0, 90.0, 420.0, 1500.0])
        start = rng.uniform(0, 2000)
        timed += list(agent(rng, turns=rng.randint(2, 9), prefix=1500, gap=gap, start=start, shared=random.Random(1)))
    for _ in range(rng.randint(0, 6)):
        text = {"role": "user", "content": [{"text": prose(rng, 2500)}]}
        timed.append((rng.uniform(0, 4000), {"modelId": MODEL, "messages": [text]}))
    return sorted(timed, key=lambda pair: pair[0])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
@example(222, 0.0, 1.0)  # a request without a reply
def test_who_is_told_all_knows_all(seed, lost, unanswered):
    """Whatever the traffic, with replies that never come and entries that the service lost: the same knowledge."""
    acting, watching, _ = pair()
    service, rng = Service(), random.Random(seed)
    for at, request in requests_of(seed):
        plan = acting.plan(request, now=NOW + at)
        prompt = acting._prepared(plan.apply(request), NOW + at, count=False).request.prompt
        if rng.random() < lost * 0.3:
            service.entries.clear()
        usage = service.serve(prompt, MODEL, NOW + at)
        if rng.random() >= unanswered * 0.3:
            acting.observe(plan, usage, now=NOW + at + 1)
    assert learned(watching, NOW + at) == learned(acting, NOW + at)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_who_is_told_all_decides_the_same_afterwards(seed):
    """The first half is seen by one and told to the other; both plan the second half, point by point alike."""
    acting, watching, _ = pair()
    service, requests = Service(), requests_of(seed)
    half = len(requests) // 2
    for at, request in requests[:half]:
        plan = acting.plan(request, now=NOW + at)
        prompt = acting._prepared(plan.apply(request), NOW + at, count=False).request.prompt
        acting.observe(plan, service.serve(prompt, MODEL, NOW + at), now=NOW + at)
    acting.tell = None
    for at, request in requests[half:]:
        ours, theirs = acting.plan(request, now=NOW + at), watching.plan(request, now=NOW + at)
        assert theirs.placements == ours.placements
        usage = service.serve(
            acting._prepared(ours.apply(request), NOW + at, count=False).request.prompt, MODEL, NOW + at
        )
        acting.observe(ours, usage, now=NOW + at)
        watching.observe(theirs, usage, now=NOW + at)


def test_a_sighting_holds_no_text():
    """Neither a word of the request nor the unkeyed hash of a block is in what travels."""
    acting, _, told = pair()
    request = {
        "modelId": MODEL,
        "system": [{"text": "hunter2 " * 3000}],
        "messages": [{"role": "user", "content": [{"text": "what is my salary"}]}],
    }
    plan = acting.plan(request, now=NOW)
    acting.observe(plan, Usage(10, 1, 0, 6000), now=NOW)
    digests = [segment.digest for segment in acting._prepared(request, NOW, count=False).request.prompt.segments]
    data = b"".join(sighting_bytes(sighting) for sighting in told)
    assert len(told) == 2
    assert not any(secret in data for secret in (b"hunter2", b"salary", *digests))


def test_a_sighting_that_comes_late_does_not_turn_the_clock_back():
    """Seen at 100 s here, told at 130 s of a use at 90 s: the prefix was last used at 100 s."""
    acting, watching, _ = pair()
    request = requests_of(3)[0][1]
    watching.plan(request, now=NOW + 100)
    acting.plan(request, now=NOW + 90)
    assert {run.last_at for run in watching.history.recent(1000)} == {NOW + 100}


def test_two_that_plan_the_same_request_are_told_apart():
    """Two others send the same prompt at once: the reply to one is not that of the other."""
    others = [Planner(secret=SECRET), Planner(secret=SECRET)]
    watching = Planner(secret=SECRET)
    request = requests_of(3)[0][1]
    for name, other in zip("ab", others, strict=True):
        other.tell = lambda sighting, name=name: watching.witness(sighting, origin=name)
    plans = [other.plan(request, now=NOW) for other in others]
    others[1].observe(plans[1], Usage(10, 1, 0, 2000), now=NOW + 1)
    others[0].observe(plans[0], Usage(10, 1, 2000, 0), now=NOW + 1)
    assert not watching._witness._awaited


def test_alone_nothing_is_counted_as_lost():
    """A prefix is seen, then the others are out of sight for two hours: it does not count as never returned."""
    planner, request = Planner(secret=SECRET), requests_of(3)[0][1]
    planner.plan(request, now=NOW)
    before = {key: (list(cell.hits), list(cell.misses)) for key, cell in cells_of(planner).items()}
    planner.alone(True)
    planner.returns.settle(NOW + 7200)
    after = {key: (list(cell.hits), list(cell.misses)) for key, cell in cells_of(planner).items()}
    assert after == before
    planner.plan(request, now=NOW + 7200)
    assert not any(cell.waiting != [0] * 4 for cell in cells_of(planner).values())
    planner.alone(False)
    planner.plan(request, now=NOW + 7210)
    assert any(cell.waiting != [0] * 4 for cell in cells_of(planner).values())


@pytest.mark.parametrize("limit, fits", [("99", False), ("100", True)])
def test_a_leased_limit_is_all_that_an_account_may_rise_to(limit, fits):
    """40 tokens lost, 1% of 1,000 allowed, 20 in flight: 50 more reach 100, and never the allowance of 50,000."""
    planner = Planner()
    planner.guard.limits = {("model",): Decimal(limit)}
    planner.guard.count(("model",), Decimal(40), Decimal(0), Decimal(20))
    assert planner.guard.affords(("model",), Decimal(50), Decimal(1000)) is fits
    assert planner.guard.asked == {("model",): Decimal(50)}
    assert not planner.guard.affords(("other",), Decimal(1), Decimal(0))


def test_what_is_told_names_the_account_and_the_prefixes():
    """A request of two segments: two keys, three depths, no points at its first sight of nothing known."""
    acting, _, told = pair()
    plan = acting.plan(requests_of(3)[0][1], now=NOW)
    (sighting,) = told
    assert isinstance(sighting, Planned)
    assert sighting.account == ("anthropic.claude-sonnet-4-6", "global", "", "default")
    assert sighting.keys[-16:] == plan.key
    assert len(unpacked(sighting.depths)) == len(sighting.keys) // 16 + 1
