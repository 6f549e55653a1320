"""Leases keep the limit whatever happens to members, answers and stores."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from copy import deepcopy
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.plan import Guard
from rockbottom.sharing import GuardLease, Lessee, PotStanding, SqliteStore, ValkeyStore, group_bytes, group_of, settle
from rockbottom.sharing.grants import EXPIRES_S, GRACE_S
from rockbottom.sharing.settling import settled_with


class Group:
    """A group in a store whose clock is set by hand."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.now, self.era = 1000.0, 1
        self.quiet_until = float("-inf")

    def lose_all(self, *, quiet_s: float) -> None:
        """The store is emptied; of what begins there it grants nothing for so long."""
        self.data, self.quiet_until = None, self.now + quiet_s

    def settle(self, asks):
        group = group_of(self.data)
        answer = settle(group, asks, self.now, str(self.era), self.quiet_until)
        self.data = group_bytes(group)
        return answer


class Member:
    """A member that spends what it may and no more."""

    def __init__(self, name: str, group: Group, limit: int = 1000, want: int = 500, pots: str = "ab") -> None:
        self.lessee, self.group, self.pots = Lessee(name), group, pots
        self._limit, self._want = limit, want
        self.spent: dict[str, int] = {}

    def standings(self, need: int = 0) -> list[PotStanding]:
        return [PotStanding(pot, self.spent.get(pot, 0), 0, need) for pot in self.pots]

    def settle(self, *, need: int = 0, heard: bool = True) -> None:
        answer = self.group.settle(self.lessee.offer(self.standings(need), self._limit, self._want))
        if heard:
            self.lessee.take(answer)

    def spend(self, pot: str, amount: int) -> bool:
        """Spend it if that is within the limit; savings (below zero) always are."""
        fits = amount <= 0 or self.spent.get(pot, 0) + amount <= self.lessee.limit(pot)
        if fits:
            self.spent[pot] = self.spent.get(pot, 0) + amount
        return fits


def drawn(members: list[Member]) -> int:
    """What all spent together, pot by pot above zero."""
    return sum(max(0, sum(member.spent.get(pot, 0) for member in members)) for pot in "ab")


def test_nothing_is_spent_before_something_is_leased():
    """A member alone has a limit of nothing; after one settlement half of what is free is its own, in either pot."""
    member = Member("one", Group())
    assert not member.spend("a", 1)
    member.settle()
    assert member.lessee.limit("a") == 500
    assert member.spend("a", 500)
    assert not member.spend("a", 1)


def test_a_need_beyond_the_fair_share_is_met_where_there_is_something_left():
    """Of 1,000 four members hold 125 each in one pot; the fourth needs 400 at once, and gets it; then 200 are left."""
    group = Group()
    members = [Member(str(number), group, want=200) for number in range(4)]
    for member in members:
        member.standings = lambda need=0, member=member: [PotStanding("a", member.spent.get("a", 0), 0, need)]
    for _ in range(3):
        for member in members:
            member.settle()
    assert [member.lessee.limit("a") for member in members] == [125] * 4
    members[3]._want = 400
    members[3].settle(need=400)
    assert members[3].lessee.limit("a") == 400
    assert members[3].lessee.grant("a").left == 1000 - 3 * 125 - 400


def test_the_same_settlement_twice_is_one():
    """The answer is lost, the member settles again with the same number: 300 spent, not 600."""
    group = Group()
    member = Member("one", group)
    member.settle()
    member.spend("a", 300)
    member.settle(heard=False)
    member.settle()
    assert group_of(group.data).pots["a"] == 300
    member.settle()
    assert group_of(group.data).pots["a"] == 300


def test_who_is_gone_is_taken_to_have_spent_its_lease_and_gets_it_back_with_its_return():
    """One of two leased 500 and spent 100; 16 s later 500 count as spent, and once it settles 100 do."""
    group = Group()
    gone, other = Member("gone", group), Member("other", group)
    gone.settle()
    gone.spend("a", 100)
    group.now += EXPIRES_S + 1
    other.settle()
    assert group_of(group.data).pots == {"a": 500, "b": 500}
    gone.settle()
    assert group_of(group.data).pots == {"a": 100, "b": 0}


def test_what_one_pot_saved_is_not_the_other_s_to_spend():
    """10,000 saved in a: of a 10,000 more may be spent, of b the limit as before."""
    group = Group()
    member = Member("one", group, want=50_000)
    member.spend("a", -10_000)
    member.settle()
    assert member.lessee.grant("a").fair == (1000 + 10_000) // 2
    assert member.lessee.limit("b") <= 1000


def test_a_store_that_goes_on_from_an_older_state_is_told_what_it_lost():
    """300 of 1,000 were spent when it was kept, 300 more after that. It is told 600, and grants nothing for 5 s."""
    group = Group()
    member, other = Member("one", group, pots="a"), Member("other", group, pots="a")
    member.settle()
    assert member.spend("a", 300)
    member.settle()
    kept = group.data
    assert member.spend("a", 300)
    member.settle()
    assert group_of(group.data).pots["a"] == 600
    group.data, group.era = kept, 2
    other.settle(need=400)
    assert other.lessee.limit("a") == 0
    member.settle()
    assert group_of(group.data).pots["a"] == 600
    group.now += GRACE_S + 0.1
    member.settle()
    other.settle(need=400)
    assert drawn([member, other]) == 600
    assert 0 < other.lessee.limit("a") <= 400


def test_a_store_that_kept_nothing_of_a_member_is_told_all_of_it():
    """It joined and spent 400 after the state was kept that the store goes on from, and comes second: 400 count."""
    group = Group()
    first, second = Member("first", group, pots="a"), Member("second", group, pots="a")
    first.settle()
    kept = group.data
    for _ in range(3):
        first.settle()
        second.settle(need=400)
    assert second.spend("a", 400)
    second.settle()
    group.data, group.era = kept, 2
    first.settle()
    second.settle()
    assert group_of(group.data).pots["a"] == 400


def test_a_member_s_last_word_told_twice_counts_once():
    """It leaves with 300 spent, does not hear the answer, and says it again; what it held is free at once."""
    group = Group()
    member, other = Member("one", group, pots="a"), Member("other", group, want=1000, pots="a")
    member.settle()
    member.spend("a", 300)
    leaving = member.lessee.offer(member.standings(), 1000, 0, leaves=True)
    for _ in range(2):
        group.settle(leaving)
    other.settle()
    assert group_of(group.data).pots == {"a": 300}
    assert not any(one.leases for name, one in group_of(group.data).members.items() if name == "one")


def test_who_was_silent_until_it_was_forgotten_counts_once():
    """An hour of silence with nothing leased: it is forgotten, and its 300 are still counted once when it is back."""
    group = Group()
    member, other = Member("one", group, want=300, pots="a"), Member("other", group, pots="a")
    member.settle()
    member.spend("a", 300)
    member.settle()
    member._want = 0
    member.settle()
    group.now += 3600
    other.settle()
    assert "one" not in group_of(group.data).members
    member.settle()
    assert group_of(group.data).pots["a"] == 300


def test_what_is_known_of_members_that_are_gone_stays_small():
    """A thousand members that die with a lease, one each ten minutes: those of a day are known, and all that
    they had leased counts as spent."""
    group = Group()
    for number in range(1000):
        Member(str(number), group, limit=10**6, want=10, pots="a").settle()
        group.now += 600
    assert len(group_of(group.data).members) <= 147
    assert sum(group_of(group.data).pots.values()) == 10 * 999


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0, 72_000.0])
def test_a_store_whose_clock_jumps_goes_on(jump_s):
    """Two hours back, two ahead, twenty ahead: 300 and 200 spent count once, and soon leases are given again."""
    group = Group()
    member, other = Member("one", group, pots="a"), Member("other", group, pots="a")
    for each, amount in ((member, 300), (other, 200)):
        each.settle()
        assert each.spend("a", amount)
    group.now += jump_s
    for _ in range(3):
        for each in (member, other):
            each.settle(need=100)
            assert drawn([member, other]) <= 1000
        group.now += 3
    assert group_of(group.data).pots["a"] == 500
    held = sum(each.lessee.limit("a") - each.spent["a"] for each in (member, other))
    assert 100 <= held <= 500
    group.now += EXPIRES_S + 1  # one is gone for good: its lease is charged no later than otherwise
    other.settle()
    assert group_of(group.data).members["one"].charged


def test_two_processes_of_one_name_spend_no_lease_twice():
    """A machine was copied while its member held 500 and had spent 100: the copy is told so, holds nothing, and goes on
    as another; what it spent before it was told is counted, and what both had spent before is counted once."""
    group = Group()
    member = Member("one", group, pots="a")
    member.settle()
    member.spend("a", 100)
    member.settle()
    copy = deepcopy(member)
    copy.group = group
    member.settle()
    assert copy.spend("a", 50)
    copy.settle()
    assert copy.lessee.limit("a") == 100
    assert not copy.spend("a", 1)
    copy.settle()
    assert group_of(group.data).pots["a"] == 150
    assert copy.lessee.limit("a") + member.lessee.limit("a") - member.spent["a"] <= 1000
    assert len(group_of(group.data).members) == 2
    member.settle()
    copy.settle()
    assert group_of(group.data).pots["a"] == 150


def test_a_store_that_begins_anew_is_told_what_was_spent():
    """Two spent 400 and 300 of 1,000; the store loses all. What they hold stays, and nothing beyond 300 is granted."""
    group = Group()
    members = [Member("one", group), Member("other", group)]
    for member in members:
        member.standings = lambda need=0, member=member: [PotStanding("a", member.spent.get("a", 0), 0, need)]
    for _ in range(4):
        for member in members:
            member.settle(need=400)
    assert members[0].spend("a", 400)
    assert members[1].spend("a", 300)
    group.data, group.now = None, group.now + 1
    for _ in range(3):
        for member in members:
            member.settle(need=400)
        group.now += 3
    assert group_of(group.data).pots["a"] == 700
    assert drawn(members) + sum(member.lessee.limit("a") - member.spent["a"] for member in members) <= 1000


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 6))
def test_together_they_never_spend_more_than_the_limit(seed, count):
    """Spending, saving, settling, lost answers, silences beyond the expiry and returns, in any order."""
    rng, group = random.Random(seed), Group()
    members = [Member(str(number), group) for number in range(count)]
    for _ in range(120):
        member = rng.choice(members)
        act = rng.random()
        if act < 0.45:
            member.spend(rng.choice("ab"), rng.choice([1, 30, 200, 600, -50, -400]))
        elif act < 0.9:
            member.settle(need=rng.choice([0, 0, 100, 800]), heard=rng.random() > 0.2)
        else:
            group.now += rng.choice([0.1, 1.0, EXPIRES_S + 1])
        assert drawn(members) <= 1000


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 6))
def test_together_they_keep_the_limit_when_the_store_goes_back_to_an_older_state(seed, count):
    """As above, with a server that takes over from another, or is started from what it kept a while ago; all reach it
    within the 5 s in which it grants nothing."""
    rng, group = random.Random(seed), Group()
    members = [Member(str(number), group) for number in range(count)]
    for member in members:
        member.settle()
    kept = group.data
    for _ in range(120):
        member = rng.choice(members)
        act = rng.random()
        if act < 0.45:
            member.spend(rng.choice("ab"), rng.choice([1, 30, 200, 600, -50, -400]))
        elif act < 0.9:
            member.settle(need=rng.choice([0, 0, 100, 800]), heard=rng.random() > 0.2)
        elif act < 0.94:
            kept = group.data
        elif act < 0.97:
            group.now += rng.choice([0.1, 1.0])
        else:
            group.data, group.era = kept, group.era + 1
            for each in rng.sample(members, count):
                each.settle(need=rng.choice([0, 100, 800]))
                each.spend(rng.choice("ab"), rng.choice([1, 30, 200]))
                assert drawn(members) <= 1000
        assert drawn(members) <= 1000


def test_who_comes_first_to_an_emptied_store_gets_nothing_until_the_others_have_told():
    """700 of 1,000 are spent and 150 held by two. A newcomer begins the group anew, in a store that is quiet for half a
    second after that: it gets nothing. The others tell; 5 s later it is leased what is left, and no more."""
    group = Group()
    members = [Member("one", group, pots="a"), Member("other", group, pots="a")]
    for _ in range(3):
        for member in members:
            member.settle(need=350)
    assert all(member.spend("a", 350) for member in members)
    group.lose_all(quiet_s=0.5)
    newcomer = Member("newcomer", group, pots="a")
    newcomer.settle(need=40)
    assert newcomer.lessee.limit("a") == 0
    group.now += 0.2
    for member in members:
        member.settle()
    group.now += 0.4  # the half second is over, and somebody has told that there was a group before
    newcomer.settle(need=40)
    assert newcomer.lessee.limit("a") == 0
    group.now += GRACE_S
    for member in members:
        member.settle()
    newcomer.settle(need=300)
    assert 0 < newcomer.lessee.limit("a") <= 300
    assert (
        drawn(members) + sum(each.lessee.limit("a") - each.spent.get("a", 0) for each in (newcomer, *members)) <= 1000
    )


def test_a_group_that_begins_in_a_new_store_grants_after_half_a_second():
    """Nobody tells anything: half of 1,000 once the store need not be quiet any more; answers say how long it is."""
    group = Group()
    group.lose_all(quiet_s=0.5)
    member = Member("one", group, pots="a")
    assert group.settle(member.lessee.offer(member.standings(), 1000, 500)).quiet_s == 0.5
    group.now += 0.6
    answer = group.settle(member.lessee.offer(member.standings(), 1000, 500))
    member.lessee.take(answer)
    member.settle()
    assert (answer.quiet_s, member.lessee.limit("a")) == (0, 500)


def test_a_store_that_begins_anew_is_told_what_those_spent_that_are_gone():
    """One spent 300 of 1,000 and left, another 200 and was silent for an hour; the third spent 100. The store loses
    all: the third tells of all 600, twice that it does, also after a newcomer, and to the store after that."""
    group = Group()
    left, silent, stays = (Member(name, group, want=400, pots="a") for name in ("left", "silent", "stays"))
    for member, amount in ((left, 300), (silent, 200), (stays, 100)):
        member.settle(need=amount)
        assert member.spend("a", amount)
        member.settle()
        member._want = 0
        member.settle()
    group.settle(left.lessee.offer(left.standings(), 1000, 0, leaves=True))
    group.now += 3600
    stays.settle()
    for _ in range(2):
        group.lose_all(quiet_s=0.5)
        newcomer = Member(f"newcomer {group.now}", group, pots="a")
        newcomer.settle(need=500)
        for _ in range(2):
            stays.settle()
            assert group_of(group.data).pots["a"] == 600
        group.now += GRACE_S + 1
        newcomer.settle(need=500)
        assert newcomer.lessee.limit("a") <= 400
        newcomer.settle()
        newcomer.settle()
        stays.settle()


class Counted:
    """A store that counts its changes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store, self.changes = store, 0
        self.era, self.quiet_until = store.era, store.quiet_until

    def change(self, name, entry, change, for_s):
        self.changes += 1
        self._store.change(name, entry, change, for_s)


@pytest.mark.parametrize(("members", "settled"), [(1, 11), (299, 1)])
def test_where_many_share_each_settles_less_often(members, settled):
    """In a second with something to tell all the time: ten times more alone, where 300 share not again for 1.9 s, so
    that all together settle some 160 times a second; with nothing to tell once in 3 s."""
    now, store = [0.0], SqliteStore(":memory:", clock=lambda: 1000.0)
    for number in range(members - 1):
        settled_with(store, "guard", Lessee(f"m{number}").offer([PotStanding("any", 0, 0, 0)], 1000, 0), 60)
    counted, guard = Counted(store), Guard()
    lease = GuardLease("last", guard, lambda: now[0])
    for tenth in range(11):
        now[0] = tenth / 10 + 0.001 * tenth
        guard.count(("model",), Decimal(tenth), Decimal(0))
        lease.settle(counted, nullcontext())
    assert counted.changes == settled
    now[0] = 3.2
    lease.settle(counted, nullcontext())
    assert counted.changes == settled + 1


def test_a_hundred_that_settle_at_once_take_in_what_others_wait_to_settle(server):
    """Each spent 10, through a connection of its own: 1,000 once all have their answer, counted once each. Whoever is
    overtaken finds that it was settled meanwhile, so nobody is overtaken more than a few times."""
    pauses, together = [], threading.Barrier(100)

    def settle_one(number: int):
        store = ValkeyStore(server.url, "test", sleep=lambda seconds: (pauses.append(seconds), time.sleep(seconds)))
        asks = Lessee(str(number)).offer([PotStanding("a", 10, 0, 0)], 10_000, 0)
        together.wait(60)
        answer = settled_with(store, "guard", asks, 60)
        store.close()
        return answer

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(settle_one, range(100)))
    last = settled_with(ValkeyStore(server.url, "test"), "guard", Lessee("last").offer([], 10_000, 0), 60)
    assert (last.place, max(answer.grants["a"].spent for answer in answers)) == (101, 1_000)
    assert len(pauses) < 500
    assert server.ask("LLEN", "{test:group:guard}:waiting") == b":0\r\n"
