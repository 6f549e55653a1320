"""Leases keep the limit whatever happens to members, answers and stores."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.sharing import Lessee, Standing, group_bytes, group_of, settle
from rockbottom.sharing.grants import EXPIRES_S


class Group:
    """A group in a store whose clock is set by hand."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.now = 1000.0

    def settle(self, asks):
        group = group_of(self.data)
        answer = settle(group, asks, self.now)
        self.data = group_bytes(group)
        return answer


class Member:
    """A member that spends what it may and no more."""

    def __init__(self, name: str, group: Group, limit: int = 1000, want: int = 500) -> None:
        self.lessee, self.group = Lessee(name), group
        self._limit, self._want = limit, want
        self.spent: dict[str, int] = {}

    def standings(self, need: int = 0) -> list[Standing]:
        return [Standing(pot, self.spent.get(pot, 0), 0, need) for pot in "ab"]

    def settle(self, *, need: int = 0, heard: bool = True) -> None:
        answer = self.group.settle(self.lessee.offer(self.standings(need), self._limit, self._want))
        if not heard:
            return
        if not answer.known:
            answer = self.group.settle(self.lessee.again(self.standings(need), self._limit, self._want, answer.epoch))
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
        member.standings = lambda need=0, member=member: [Standing("a", member.spent.get("a", 0), 0, need)]
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


def test_a_store_that_begins_anew_is_told_what_was_spent():
    """Two spent 400 and 300 of 1,000; the store loses all. What they hold stays, and nothing beyond 300 is granted."""
    group = Group()
    members = [Member("one", group), Member("other", group)]
    for member in members:
        member.standings = lambda need=0, member=member: [Standing("a", member.spent.get("a", 0), 0, need)]
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
