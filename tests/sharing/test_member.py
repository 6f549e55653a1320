"""Members of one group: what one sees all know, and what they may spend is leased; with a real server."""

import os
import time
from decimal import Decimal

import pytest

from rockbottom.plan import ANY_ACCOUNT, Planner
from rockbottom.process import lock_of
from rockbottom.quantities import Usage
from rockbottom.sharing import address_of, member_of
from tests.sharing.conftest import Server, serving, until

NOW = 1_795_000_000.0
MODEL = "global.anthropic.claude-sonnet-4-6"


def request_of(question: str, tokens: int = 3000) -> dict:
    """A long system prompt that all share, and a question."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    return {"modelId": MODEL, "system": [{"text": "hunter2 " * tokens}], "messages": messages}


class Replica:
    """A planner and its membership, as an attached client has them."""

    def __init__(self, url: str, ahead_s: float = 0.0) -> None:
        address = address_of(url, {})
        self.planner, self.said = Planner(secret=address.secret), []
        self.member = member_of(
            address, "us-east-1", self.planner, self.said.append, clock=lambda: NOW + 3600 + ahead_s
        )

    def plan(self, request: dict, at: float):
        with lock_of(self.planner):
            return self.planner.plan(request, now=NOW + at)

    def answered(self, plan, at: float, *, read: int = 0, written: int = 0) -> None:
        with lock_of(self.planner):
            self.planner.observe(plan, Usage(plan.tokens - read - written, 1, read, written), now=NOW + at)

    @property
    def knows(self) -> int:
        return self.planner.history.prefixes

    @property
    def may_spend(self) -> bool:
        return bool(self.planner.guard.limits) and self.planner.guard.limits.get(ANY_ACCOUNT, 0) > 0


@pytest.fixture
def replicas(server: Server):
    made = [Replica(server.url) for _ in range(3)]
    until(lambda: all(one.member.connected and one.may_spend for one in made))
    yield made
    for one in made:
        one.member.close()


def test_what_one_plans_all_know_within_half_a_second(replicas, server):
    """The prefix that one wrote is read by the others' next plans, and nothing of its text is in the server.

    In the best of three: others may keep the machine busy.
    """
    one, *others = replicas
    plan, late = one.plan(request_of("one"), 0), []
    for number in range(3):
        begun = time.monotonic()
        until(lambda: all(other.knows == one.knows for other in others))
        late.append(time.monotonic() - begun)
        one.plan(request_of(f"another {number}", 3001 + number), 0.1 * number)
    assert min(late) < 0.5
    import redis

    with redis.Redis(port=server.port) as db:
        kept = {key: db.xrange(key) if db.type(key) == b"stream" else db.get(key) for key in db.scan_iter()}
    assert any(b"stream" in key for key in kept)
    assert "hunter2" not in repr(kept)
    one.answered(plan, 1, written=plan.written_5m)
    for other in others:
        assert other.plan(request_of("two"), 30).read > 1024


def test_who_comes_later_learns_what_was_told_before(replicas, server):
    """A replica that starts an instant later reads what the others wrote."""
    plan = replicas[0].plan(request_of("one"), 0)
    replicas[0].answered(plan, 1, written=plan.written_5m)
    until(lambda: replicas[1].knows)
    late = Replica(server.url)
    until(lambda: late.member.connected and late.may_spend and late.knows)
    assert late.plan(request_of("two"), 30).read > 1024
    late.member.close()


def test_of_many_that_claim_a_prefix_one_goes_and_the_others_when_it_arrived(replicas):
    """Three claim the same: one may go at once, two wait behind it until its reply has begun."""
    claims = [one.member.claim([b"prefix"], 5.0) for one in replicas]
    until(lambda: sum(claim.landed for claim in claims) == 1)
    until(lambda: sum(claim.behind for claim in claims) == 2)
    first = next(one for one, claim in zip(replicas, claims, strict=True) if claim.landed)
    first.member.arrived([(b"prefix", 300.0)])
    until(lambda: all(claim.landed for claim in claims), 1.0)
    again = replicas[0].member.claim([b"prefix"], 5.0)
    until(lambda: again.landed, 1.0)
    assert not again.behind


def test_who_fails_to_write_lets_the_others_go(replicas):
    claims = [one.member.claim([b"prefix"], 60.0) for one in replicas[:2]]
    until(lambda: sum(claim.behind for claim in claims) == 1 == sum(claim.landed for claim in claims))
    first = next(one for one, claim in zip(replicas, claims, strict=False) if claim.landed)
    first.member.abandoned([b"prefix"])
    until(lambda: all(claim.landed for claim in claims), 1.0)


def test_the_allowance_of_all_is_that_of_one(replicas):
    """What three may draw for accounts that nobody knows is together at most 50,000 tokens."""
    time.sleep(1.5)
    assert 0 < sum(one.planner.guard.limits[ANY_ACCOUNT] for one in replicas) <= Decimal(50_000)


def test_a_store_that_comes_late_is_joined(tmp_path):
    """Nothing leased, so nothing is written; once the server is there all is as if from the start."""
    with serving(tmp_path, started=False) as server:
        one = Replica(server.url)
        until(lambda: one.said)
        assert not one.member.connected
        assert one.plan(request_of("one"), 0).placements == ()
        assert "has not answered yet" in str(one.member.status)
        server.start()
        until(lambda: one.member.connected and one.may_spend)
        assert one.plan(request_of("two"), 10).placements
        assert len({*one.said}) == 1
        one.member.close()


@pytest.mark.parametrize("fault", ["gone", "frozen"])
def test_while_the_store_is_away_the_lease_is_spent_and_no_more(replicas, server, fault):
    """New prompts are written until what was leased is used up, calls take no longer, and the store is found again."""
    one = replicas[0]
    server.stop() if fault == "gone" else server.freeze()
    until(lambda: not one.member.connected)
    limits = dict(one.planner.guard.limits)
    longest, wrote = 0.0, 0
    for number in range(40):
        begun = time.perf_counter()
        plan = one.plan(request_of(f"company {number}", 3000 + number), number)
        longest = max(longest, time.perf_counter() - begun)
        wrote += bool(plan.placements)
    (account,) = one.planner.guard.accounts.values()
    assert 0 < wrote < 40
    assert account.net + account.risk <= limits[ANY_ACCOUNT]
    assert longest < 0.9  # whoever waits for a connection waits a second
    assert "does not answer" in str(one.member.status)
    server.start() if fault == "gone" else server.thaw()
    until(lambda: all(each.member.connected for each in replicas))


def test_a_store_that_is_full_is_like_one_that_is_away(replicas, server):
    """maxmemory reached: nothing more is taken, calls go on; once there is room it is used again."""
    import redis

    one = replicas[0]
    with redis.Redis(port=server.port) as other:
        other.config_set("maxmemory", "1")
        assert one.plan(request_of("one"), 0).placements
        until(lambda: not one.member.connected)
        assert "OutOfMemory" in one.member.status.why or "maxmemory" in one.member.status.why
        other.config_set("maxmemory", "0")
    until(lambda: one.member.connected)
    until(lambda: replicas[1].knows)


def test_a_store_that_starts_again_empty_is_told_what_was_spent(replicas, server):
    """30,000 tokens were lost before; the new store grants all together no more than the 20,000 that are left."""
    one = replicas[0]
    with lock_of(one.planner):
        one.planner.guard.count(("model",), Decimal(30_000), Decimal(0))
    time.sleep(1.0)
    server.stop()
    until(lambda: not any(each.member.connected for each in replicas))
    server.start()
    until(lambda: all(each.member.connected for each in replicas))
    time.sleep(3.5)
    guards = [each.planner.guard for each in replicas]
    free = sum(guard.limits.get(ANY_ACCOUNT, 0) for guard in guards)
    free += sum(guard.limits.get(("model",), 0) - guard.account(("model",)).net for guard in guards)
    assert free <= Decimal(20_000)
    assert guards[0].limits[("model",)] >= 30_000


def test_a_child_of_a_fork_is_a_member_of_its_own(replicas):
    """Another name, nothing spent and nothing leased until it asks."""
    one = replicas[0]
    name = one.member.id
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        told = f"{one.member.id != name} {one.planner.guard.limits} {len(one.planner.guard.accounts)}"
        os.write(writing, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"True {} 0"


def test_a_child_of_a_fork_learns_nothing_twice(replicas):
    """What the parent had read is not read again: of four requests that were told, the child takes in the last."""
    one, other = replicas[:2]
    for number in range(3):
        other.plan(request_of(f"before {number}"), number)
    until(lambda: one.knows >= 3 and one.member.connected)
    time.sleep(0.5)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        taken, witness = [], one.planner.witness
        one.planner.witness = lambda sighting, **told: (taken.append(sighting.at - NOW), witness(sighting, **told))
        one.member.start()
        until(lambda: taken)
        time.sleep(0.5)
        os.write(writing, repr(taken).encode())
        os._exit(0)
    time.sleep(1.0)
    other.plan(request_of("after"), 10)
    os.waitpid(child, 0)
    assert os.read(reading, 1000) == b"[10.0]"


def test_what_a_clock_that_is_ahead_told_happened_now(replicas):
    """A machine that is a day ahead plans a prompt: to the others it was sent when they heard of it."""
    one, other = replicas[:2]
    one.plan(request_of("one"), 86_400)
    until(lambda: other.knows)
    assert {run.last_at for run in other.planner.history.runs.values()} == {NOW + 3600}


@pytest.mark.parametrize("ahead_s", [600, -600])
def test_clocks_ten_minutes_apart_tell_each_other_what_happened_now(replicas, server, ahead_s):
    """A machine that is ten minutes ahead or behind plans a prompt, then the others do: for each it was just now, so
    what it wrote they read, though an entry lives for five minutes."""
    wrong = Replica(server.url, ahead_s)
    until(lambda: wrong.member.connected and wrong.may_spend)
    time.sleep(0.5)  # until it waits for entries
    ours, theirs = 3600, 3600 + ahead_s
    plan = wrong.plan(request_of("one"), theirs)
    wrong.answered(plan, theirs, written=plan.written_5m)
    until(lambda: all(other.knows for other in replicas))
    assert {run.last_at for run in replicas[0].planner.history.runs.values()} == {NOW + ours}
    assert replicas[0].plan(request_of("two"), ours).read > 1024
    replicas[1].plan(request_of("three"), ours)
    until(lambda: wrong.planner.history.prefixes > 2)
    assert {run.last_at for run in wrong.planner.history.runs.values()} == {NOW + theirs}
    wrong.member.close()
