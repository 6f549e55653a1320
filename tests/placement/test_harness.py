"""The placement benchmark measures what it says: its fast biller, its fixed rules, its recordings, its workloads."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.placement import rows, stress
from benchmarks.placement.billing import ACCOUNT, REGION, Engine, Lane
from benchmarks.placement.blocks import MODEL, BlockLane, Bound, Interner, Multiples, request_of
from benchmarks.placement.by_hand import shape_line
from benchmarks.placement.environments import peers_of
from benchmarks.placement.fixed import RULES, Sightings, fixed_bills
from benchmarks.placement.informed import informed_relative
from benchmarks.placement.online import Online, OnlineBlocks, reply_usage
from benchmarks.placement.recording import difference_of, joined, split
from benchmarks.placement.shapes import KINDS, shape_of
from benchmarks.placement.workloads import MAKERS, PROFILES, SONNET, workload

from rockbottom.cache import Namespace, PrefixCache, step
from rockbottom.prompt import CachePoint, Prompt, Section
from rockbottom.quantities import Ttl, Usage


@pytest.fixture(scope="module")
def engine():
    return Engine(PROFILES)


@pytest.fixture(scope="module")
def multiples(engine):
    return Multiples.of(engine)


def test_multiples_are_those_of_the_price_list(multiples):
    """Sonnet 4.6 reads at a tenth, writes 5 minutes at 1.25 and an hour at 2.0 times its input price."""
    assert (multiples.read, multiples.write_5m, multiples.write_1h) == (100, 1250, 2000)


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_biller_agrees_with_the_reference(engine, multiples, seed):
    """Random prefixes, points, TTLs and gaps: every usage equals that of cache.step."""
    rng = random.Random(seed)
    interner, lane, state, now = Interner(), BlockLane(multiples), PrefixCache(), 0.0
    model = engine.model(MODEL)
    namespace = Namespace(ACCOUNT, REGION, model.model.id)
    for _ in range(250):
        now += rng.choice((5, 100, 299, 300, 301, 2000, 3600, 4000))
        parts = [stress.segment("s", 8, Section.SYSTEM)]
        parts += [stress.segment(f"{rng.randint(0, 1)}.{level}", 10) for level in range(rng.randint(1, 6))]
        request = request_of(interner, now, parts, 1, len(parts) - 1, rng.randint(0, 63))
        ends = sorted(rng.sample(range(1, len(parts) + 1), rng.randint(0, min(4, len(parts)))))
        hours = rng.randint(0, len(ends))
        points = [(end, Ttl.ONE_HOUR if place < hours else Ttl.FIVE_MINUTES) for place, end in enumerate(ends)]
        placed = tuple(CachePoint(end, ttl, parts[end - 1].section, parts[end - 1].kind, 0, end) for end, ttl in points)
        prompt = Prompt(request.prompt.api, request.segments, placed, request.prompt.parameters, request.depths)
        state, outcome = step(state, prompt, now, engine.rules(model), engine.behaviour, namespace)
        usage = lane.send(request, points)
        assert (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) == (
            outcome.read,
            outcome.usage().cache_write_5m,
            outcome.usage().cache_write_1h,
        )


def test_one_off_questions_cost_what_the_sum_says(multiples):
    """Four questions of 1,600 tokens on a shared 3,008: 5m on the system part pays 1.25 once and 0.1 thrice."""
    requests = list(stress.one_off_questions(random.Random(1), Interner(), 4))
    lanes = fixed_bills(requests, multiples)
    gaps_fit = all(later.at - sooner.at < 300 for sooner, later in pairwise(requests))
    assert gaps_fit
    assert lanes["system 5m"].bill.paid == 1250 * 3008 + 3 * 100 * 3008 + 4 * 1000 * 1600
    assert lanes["none"].bill.relative == 1.0


def test_the_bound_is_never_above_a_fixed_rule(multiples):
    """What is decided block by block with hindsight costs no more than any rule."""
    requests = list(stress.slow_agent(random.Random(2), Interner()))
    bound = Bound(multiples)
    for request in requests:
        bound.see(request)
    assert all(bound.relative <= lane.bill.relative for lane in fixed_bills(requests, multiples).values())


def test_every_rule_stays_within_four_legal_points():
    """At most four points, none of one hour behind one of five minutes."""
    sightings = Sightings()
    for request in stress.slow_agent(random.Random(3), Interner()):
        seen = sightings.seen(request)
        for rule in RULES.values():
            seconds = [ttl.seconds for _, ttl in rule(request, seen)]
            assert len(seconds) <= 4
            assert seconds == sorted(seconds, reverse=True)


def test_the_adversary_returns_only_when_nothing_was_written():
    """An unwritten request comes back; a written one never does."""
    adversary = stress.Adversary(Interner(), 3)
    first = adversary.next()
    adversary.answer(False)
    again = adversary.next()
    adversary.answer(True)
    other = adversary.next()
    assert first.keys == again.keys != other.keys
    assert adversary.next() is None


@pytest.mark.parametrize("row", MAKERS)
def test_a_workload_is_the_same_for_the_same_seed(row):
    """The bodies follow from row, size and seed alone, in the order of their instants."""
    one, same, other = workload(row), workload(row), workload(row, seed=2)
    assert one == same
    assert one.requests[0].body != other.requests[0].body
    instants = [request.at for request in one.requests]
    assert instants == sorted(instants)


def test_points_are_taken_over_where_they_stood():
    """Splitting a body and joining it again gives the body that was sent."""
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    asked = workload("B").requests[1].body
    sent = {
        **asked,
        "toolConfig": {"tools": [*asked["toolConfig"]["tools"], point]},
        "system": [*asked["system"], point],
        "messages": [*asked["messages"][:-1], {"role": "user", "content": [*asked["messages"][-1]["content"], point]}],
    }
    bare, points = split(sent)
    assert len(points) == 3
    assert difference_of(bare, asked) == ""
    assert joined(asked, points) == sent


def test_changed_content_is_noticed():
    """A peer that rewrites a message is told apart from one that only adds points."""
    asked = workload("A").requests[0].body
    sent = {**asked, "messages": [{"role": "user", "content": [{"text": "something else"}]}]}
    assert difference_of(sent, asked) == "messages[0]"


def test_a_refused_request_is_counted_and_billed_bare(engine):
    """A point with nothing before it is refused; the same request without points costs what no caching costs."""
    lane = Lane(engine)
    content = [{"cachePoint": {"type": "default"}}, {"text": "hi"}]
    body = {"modelId": SONNET, "messages": [{"role": "user", "content": content}]}
    lane.send(body, 0.0)
    assert lane.bill.rejected == 1
    assert lane.bill.relative == 1.0


def test_the_reply_tells_the_writes_by_lifetime():
    """The usage that the planner observes has the shape of a Converse reply."""
    told = reply_usage(Usage(3, 0, 100, 20, 0, 50))
    assert told["cacheWriteInputTokens"] == 70
    assert told["cacheDetails"] == [{"inputTokens": 20, "ttl": "5m"}, {"inputTokens": 50, "ttl": "1h"}]


@pytest.mark.parametrize("row", ["A", "G", "H", "I", "J"])
def test_rockbottom_is_never_refused(engine, row):
    """Online, on tools, clocks, Nova, a profile ARN and 25 parallel calls: no rejected request."""
    online = Online(engine)
    for request in workload(row).requests:
        online.send(request.body, request.at)
    assert online.lane.bill.rejected == 0


def test_one_off_documents_stay_near_no_caching(engine, multiples):
    """Documents that never come back cost at most what the guard allows."""
    online = OnlineBlocks(engine, BlockLane(multiples))
    for request in stress.one_off_documents(random.Random(1), Interner(), 300):
        online.send(request)
    bill = online.lane.bill
    assert bill.paid <= bill.none * (1 + rows.GUARD_SHARE) + 1000 * rows.GUARD_ALLOWANCE


def test_every_peer_is_pinned_and_has_a_driver():
    """The peers file names exact versions, settings that are explained, and drivers that exist."""
    folder = Path(__file__).resolve().parents[2] / "benchmarks" / "placement" / "drivers"
    for peer in peers_of():
        assert all("==" in requirement for requirement in peer.install)
        assert peer.settings
        assert all(setting.what for setting in peer.settings)
        assert (folder / f"{peer.driver}.py").exists()


def test_a_prompt_asked_ten_times_costs_by_hand_one_write_and_nine_reads(engine):
    """1.25 and nine times 0.1 of ten, a little more for the questions: 0.215; and the same seed is the same traffic."""
    line = shape_line("ASKED135k", engine, 1)
    assert line.hand == pytest.approx(0.215, abs=0.001)
    assert line.most == pytest.approx(1.05 * line.hand)
    assert shape_of("FLEET.10", 3) == shape_of("FLEET.10", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_shape_is_in_the_order_of_time(kind):
    """Instants never go back, and tools and system end before the message does."""
    requests = shape_of(kind, 1).requests
    assert all(before.at <= after.at for before, after in pairwise(requests))
    assert all(request.fixed <= request.last < len(request.segments) for request in requests)


def test_the_bound_knows_that_nothing_is_cached_below_the_minimum():
    """Two prompts of 512 tokens 10 s apart cost 1,024 where the minimum is 1,024; of 2,048: 1.25 and 0.1 times that."""
    interner = Interner()
    for blocks, costs in ((8, 1.0), (32, (1.25 + 0.1) / 2)):
        bound = Bound(Multiples(100, 1250, 2000, 1024))
        for at in (0, 10):
            bound.see(request_of(interner, at, [stress.segment(f"b{blocks}", blocks)], 0, 0))
        assert bound.relative == pytest.approx(costs)


def test_the_bound_knows_that_a_shared_prefix_below_the_minimum_is_never_read():
    """512 shared tokens with 1,024 of each request's own, 10 s apart, minimum 1,024: nothing can be read."""
    interner, bound = Interner(), Bound(Multiples(100, 1250, 2000, 1024))
    for number in range(3):
        segments = [stress.segment("shared", 8), stress.segment(f"own {number}", 16, index=1)]
        bound.see(request_of(interner, 10.0 * number, segments, 0, 0))
    assert bound.relative == pytest.approx(1.0)


def test_the_informed_cost_is_what_the_sum_says():
    """Two documents asked twice, one after 10 s, one after 10 minutes: an hour 2.0 + 0.1; or 5m: 1.25, then .1 or 1."""
    interner, requests = Interner(), []
    for name, gap in (("a", 10.0), ("b", 600.0)):
        for number in range(2):
            segments = [stress.segment(name, 100), stress.segment(f"{name} {number}", 1, index=1)]
            requests.append(request_of(interner, gap * number, segments, 0, 0))
    least = min(2.0 + 0.1, (1.25 + 0.1 + 1.25 + 1.0) / 2, 2.0)  # hourly, five minutes, nothing at all
    assert informed_relative(requests, Multiples(100, 1250, 2000, 1024)) == pytest.approx(
        (least * 2 * 6400 + 4 * 64) / (4 * 6464)
    )
