"""A machine's clock is wrong for one call, by an hour to ten days either way, and right again: what that costs."""

import random

import pytest

from rockbottom.plan import Planner, Sighting
from rockbottom.plan.clock import SteadyClock
from rockbottom.quantities import Usage
from tests.plan.simulate import NOW, Service
from tests.plan.traffic import agent, side_by_side


def paid(wrong_by: float) -> float:
    """Input cost relative to no caching of three conversations at once, with gaps of seconds and of minutes."""
    gaps = (20.0, 90.0, 420.0)
    talks = [agent(random.Random(number), turns=20, prefix=3000, gap=gap) for number, gap in enumerate(gaps)]
    planner, service = Planner(), Service()
    timed = list(side_by_side(*talks))
    for number, (at, request) in enumerate(timed):
        told = NOW + at + (wrong_by if number == len(timed) // 3 else 0.0)
        plan = planner.plan(request, now=told)
        prompt = planner._prepared(plan.apply(request), told, count=False).request.prompt
        planner.observe(plan, service.serve(prompt, request["modelId"], NOW + at), now=told)
    return service.bill.relative


@pytest.mark.parametrize("hours", [1, 24, 240])
def test_one_call_an_hour_or_more_ahead_has_each_conversation_written_once_more(hours: int) -> None:
    """What was alive is taken to have ended, and nothing beyond that: of 20 requests each one is written again."""
    assert paid(0.0) < paid(3600.0 * hours) <= 1.07 * paid(0.0)


@pytest.mark.parametrize("hours", [-1, -24])
def test_one_call_in_the_past_costs_nothing(hours: int) -> None:
    assert paid(3600.0 * hours) == paid(0.0)


def test_time_goes_on_where_a_clock_is_set_back() -> None:
    """At 100, one late at 99, set back to 39 (still 100), at 49: 110, as far as others know 49; at 200 it is 200."""
    clock = SteadyClock()
    assert [clock.at(100.0), clock.at(99.0)] == [100.0, 100.0]
    assert [clock.at(39.0), clock.at(49.0)] == [100.0, 110.0]
    assert (clock.machine_now, clock.ahead) == (49.0, 61.0)
    assert [clock.at(200.0), clock.ahead] == [200.0, 0.0]


def test_others_are_told_the_time_of_the_clock() -> None:
    """Set back by a day: what is told is of now, and what others tell is of the time that goes on here."""
    planner, told = Planner(), list[Sighting]()
    planner.tell = told.append
    request = next(iter(agent(random.Random(1), turns=2, prefix=3000, gap=20.0)))[1]
    for now in (NOW + 86_400.0, NOW):
        plan = planner.plan(request, now=now)
        planner.observe(plan, Usage(10, 1, 0, 4000), now=now + 1)
    assert [sighting.at - NOW for sighting in told] == [86_400.0, 86_401.0, 0.0, 1.0]
    planner.witness(told[2], origin="other")
    assert {run.last_at - NOW for run in planner.history.recent(100)} == {86_400.0}
