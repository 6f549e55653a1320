"""Tail insurance: a one-hour tail over a five-minute prefix, where an account was found to keep the prefix by it."""

from dataclasses import dataclass

import pytest

from rockbottom.cache import behaviour_of
from rockbottom.plan import Planner
from rockbottom.plan.completing import with_placements
from rockbottom.plan.insurance import MISSES_UNTIL_OFF
from rockbottom.plan.priors import load_priors
from rockbottom.prompt import Api, BlockKind, Parameters, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Usage
from tests.plan import simulate

MODEL = "global.anthropic.claude-sonnet-4-6"
DEFAULTS = behaviour_of(simulate.CATALOG.switches)
FOUND = behaviour_of(simulate.CATALOG.switches, entry_lifetime="whole_prefix", ttl_in_key="no")
ONLY_HIT = behaviour_of(
    simulate.CATALOG.switches, entry_lifetime="whole_prefix", ttl_in_key="no", refresh_on_hit="entry"
)
# Three of five come back within a minute, one in ten after five to twenty, the others not within the hour: too few
# long gaps to write all of it for an hour, enough to insure it.
SLOW = dict.fromkeys(load_priors(), ((30.0, 0.0, 5.0, 0.0), (20.0, 20.0, 15.0, 15.0)))


def prompt_of_turns(turns, session=""):
    """A conversation without tools: 1,000 tokens of its own system text, then messages of so many tokens."""
    parts = [("system" + session, 1000), *((f"turn {n}{session}", tokens) for n, tokens in enumerate(turns))]
    segments = []
    for number, (name, tokens) in enumerate(parts):
        section, role = (Section.MESSAGES, ("user", "assistant")[number % 2 == 0]) if number else (Section.SYSTEM, "")
        digest = digest_of("t", role, name.encode())
        segments.append(Segment(section, BlockKind.TEXT, digest, tokens, 1, role, number, 0))
    return prompt_of(Api.CONVERSE, segments, (), Parameters())


@dataclass
class Run:
    """What each request read and wrote, and what all of them cost in input tokens."""

    usages: list[Usage]
    cost: float
    planner: Planner
    insured: list[bool]  # whether each plan bought an hour for what lies below its tail


def run(told, real, timed, planner=None):
    """A planner that believes ``told`` on a service that does ``real``."""
    planner, service = planner or Planner(behaviour=told, priors=SLOW), simulate.Service(real)
    usages, insured = [], []
    for at, prompt in timed:
        plan = planner.plan_prompt(prompt, MODEL, simulate.NOW + at)
        usages.append(service.serve(with_placements(prompt, plan.placements), MODEL, simulate.NOW + at))
        insured.append(bool(plan.terms) and plan.terms[-1].ttl == "1h by its tail")
        planner.observe(plan, usages[-1], now=simulate.NOW + at)
    assert service.bill.refused == 0
    return Run(usages, service.bill.cost, planner, insured)


def kinds(usages):
    """Read, written for five minutes, written for an hour."""
    return [(usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) for usage in usages]


# 10,000 tokens at once, 500 more after 20 s, 500 more after another seven minutes.
TURNS = [
    (0, prompt_of_turns([9000])),
    (20, prompt_of_turns([9000, 250, 250])),
    (440, prompt_of_turns([9000, 250, 250, 250, 250])),
]


@pytest.mark.parametrize("found", [FOUND, ONLY_HIT])
def test_the_bill_falls_by_the_prefix_that_need_not_be_written_again(found):
    """The tail of the second request is written for an hour, so the third reads 10,500 tokens after seven minutes.

    The third request costs 10,500 x 0.1 + 500 x 1.25 or x 2.00 (a new tail) instead of 11,000 x 1.25 or 2.00. By hand,
    with three tokens each that are never cached: insured 10,000 x 1.25 + 3; 10,000 x 0.1 + 500 x 2.00 + 3;
    10,500 x 0.1 + 500 x its own write + 3.
    """
    insured = run(found, found, TURNS)
    first, second, third = kinds(insured.usages)
    assert first == (0, 10_000, 0)
    assert second == (10_000, 0, 500)
    assert third[0] == 10_500
    tail = 625 if third[1] else 1000
    assert insured.cost == pytest.approx(12_503 + 2_003 + 1_053 + tail)
    plain = run(DEFAULTS, found, TURNS)
    assert plain.cost > insured.cost + 5_000


def test_where_it_was_not_found_nothing_is_different():
    """Under the catalogue's defaults no one-hour point follows an entry of five minutes."""
    usages = run(DEFAULTS, DEFAULTS, TURNS).usages
    assert all(not (usage.cache_write_1h and usage.cache_read) for usage in usages)


@pytest.mark.parametrize("half", [{"entry_lifetime": "whole_prefix"}, {"ttl_in_key": "no"}])
def test_half_of_what_it_needs_is_not_enough(half):
    """Both must hold: the tail keeps its prefix, and a one-hour point reads five-minute entries."""
    told = behaviour_of(simulate.CATALOG.switches, **half)
    assert kinds(run(told, told, TURNS[:2]).usages)[1][2] == 0


def _sessions(number):
    for n in range(number):
        for at, turns in ((0, [9000]), (20, [9000, 250, 250]), (440, [9000, 250, 250, 250, 250])):
            yield 10_000 * n + at, prompt_of_turns(turns, f" of {n}")


@pytest.mark.parametrize(
    "real",
    [
        DEFAULTS,  # a one-hour point does not even see the prefix
        behaviour_of(simulate.CATALOG.switches, ttl_in_key="no"),  # it does, and the prefix dies all the same
    ],
)
def test_it_is_switched_off_and_said_when_the_reads_do_not_come(real, tmp_path):
    """After three expected reads in a row that did not come it stays off, also in a planner loaded from its state."""
    done = run(FOUND, real, _sessions(12))
    assert 0 < sum(done.insured) <= MISSES_UNTIL_OFF + 1
    assert not any(done.insured[-9:])
    (notice,) = done.planner.notices
    assert "tail insurance is switched off" in notice
    assert "rockbottom probe" in notice
    done.planner.save(tmp_path / "state.db")
    again = Planner.load(tmp_path / "state.db", behaviour=FOUND, priors=SLOW)
    assert not any(run(FOUND, FOUND, TURNS, again).insured)


def test_it_stays_on_where_the_reads_come():
    """Twelve sessions on a service that does what was found: no notice, and most are insured."""
    done = run(FOUND, FOUND, _sessions(12))
    assert done.planner.notices == []
    assert sum(done.insured) > MISSES_UNTIL_OFF + 1


def test_the_plan_says_what_the_insurance_should_save():
    """Its term is the chance of a gap of five to sixty minutes times what is then read, less the dearer tail."""
    planner = Planner(behaviour=FOUND, priors=SLOW)
    service = simulate.Service(FOUND)
    for at, prompt in TURNS[:2]:
        plan = planner.plan_prompt(prompt, MODEL, simulate.NOW + at)
        planner.observe(plan, service.serve(with_placements(prompt, plan.placements), MODEL, simulate.NOW + at),
                        now=simulate.NOW + at)  # fmt: skip
    term = plan.terms[-1]
    assert (term.ttl, term.tokens, term.worth) == ("1h by its tail", 10_500, pytest.approx(1.15))
    assert term.extra == pytest.approx(0.75 * 500 / 10_500)
    assert "keeps it all for an hour" in plan.explain()
