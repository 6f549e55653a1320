"""Who may spend how much of a limit that several share: what was spent, and what is leased to each.

All amounts are whole numbers of a unit that the caller chooses. A group has one limit and pots that draw on it; of a
pot that was saved in (below zero) nothing goes to the others. The promise is kept while, for all pots together, what
lies above zero of spent and leased is at most the limit: nobody is given a lease beyond that.

A member tells the sum of what it ever spent of each pot, so that a settlement told twice, or told to a store that lost
the last ones, counts once. One that is not heard of for ``EXPIRES_S`` seconds is taken to have spent all that it had
leased; if it comes back after all, that is undone first. A group that has lost something (it is another, or goes on
from an older state, as after a failover or from a snapshot) grants nothing more for ``GRACE_S``, in which all tell
what they spent and hold, and what those had spent that are gone, as the group said last. One that begins grants
nothing until the instant that its store names, for a newcomer may be the first in a store that was emptied. Two
processes of one member (a machine that was copied while it ran) have different tokens: the second is told that it is a
twin, holds nothing, and goes on under a name of its own.
"""

import msgspec

EXPIRES_S, GRACE_S = 15.0, 5.0
_FORGOTTEN_S, _CHARGED_S = 600.0, 86_400.0  # so long a silent member is known; where it was charged, longer
_ERAS = 8  # members may reach a store by several servers
_SHARES = 2  # of what is free, every such part is leased ahead of need; the rest goes to whoever needs more at once


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """What a member reports and asks of one pot, in whole units.

    ``spent``: all that it ever spent. ``counted``: how much of that the store has confirmed. ``keep``: the part of its
    lease that it cannot give back. ``want``: the lease that it would like. ``need``: what its next request may cost.
    ``gone``: what the group last said of those who are no more.
    """

    pot: str
    spent: int
    counted: int
    keep: int
    want: int
    need: int
    gone: int = 0


class Asks(msgspec.Struct, frozen=True):
    """One settlement, with a token of its own, and that of the settlement before it.

    ``epoch`` is the group that it settled with before ("": none yet), and ``place`` how many settlements that had
    counted. ``grows``: the limit is the highest that any member names. ``leaves``: it is the last.
    """

    member: str
    number: int
    token: str
    before: str
    limit: int
    asks: tuple[Ask, ...]
    epoch: str = ""
    place: int = 0
    grows: bool = False
    leaves: bool = False


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """The store's answer for one pot. ``lease``: what the member may spend beyond what is counted. ``fair``: its share
    of what is free. ``left``: what nobody spent or leased. ``spent``: what all members spent, as far as it is settled.
    ``gone``: how much of that is of members that are no more, so that only those who live can tell it to another store.
    """

    lease: int
    fair: int
    left: int
    spent: int
    gone: int = 0


class Settlement(msgspec.Struct, frozen=True):
    """The answer. ``living``: the members that are heard of. ``twin``: nothing was settled, for another process goes by
    the same name. ``quiet_until``: nothing is granted before, by the store's clock, where it is ``at``."""

    epoch: str
    place: int
    grants: dict[str, Grant] = {}
    living: int = 1
    twin: bool = False
    quiet_until: float = 0.0
    at: float = 0.0

    @property
    def begun(self) -> bool:
        """Whether the group began with this."""
        return self.place == 1

    @property
    def quiet_s(self) -> float:
        """For so many seconds nothing is granted, until all have told what they spent."""
        return max(0.0, self.quiet_until - self.at)


class _Member(msgspec.Struct):
    number: int = 0
    token: str = ""
    until: float = 0.0
    spent: dict[str, int] = {}
    leases: dict[str, int] = {}
    charged: dict[str, int] = {}
    granted: dict[str, Grant] = {}
    left: bool = False


class SharedLimit(msgspec.Struct):
    """What the store holds of one limit. ``place``: how many settlements it counted."""

    epoch: str = ""
    place: int = 0
    limit: int = 0
    pots: dict[str, int] = {}
    members: dict[str, _Member] = {}
    grace_until: float = 0.0
    eras: list[str] = []


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(SharedLimit)
_ASKS_DECODER = msgspec.msgpack.Decoder(Asks)


def group_of(data: bytes | None) -> SharedLimit:
    """A group as the store holds it; a new one where it holds none, or something that is none: that has been lost, and
    every member tells what it spent."""
    try:
        return SharedLimit() if data is None else _DECODER.decode(data)
    except msgspec.DecodeError:
        return SharedLimit()


def group_bytes(group: SharedLimit) -> bytes:
    """A group as the store holds it."""
    return _ENCODER.encode(group)


def asks_of(data: bytes) -> Asks | None:
    """A settlement as it waits in the store; None for something that is none."""
    try:
        return _ASKS_DECODER.decode(data)
    except msgspec.DecodeError:
        return None


def asks_bytes(asks: Asks) -> bytes:
    """A settlement as it waits in the store, for whoever settles next."""
    return _ENCODER.encode(asks)


def is_settled(group: SharedLimit, asks: Asks) -> bool:
    """Whether this settlement was the last of its member."""
    member = group.members.get(asks.member)
    return member is not None and member.token == asks.token


def settle(group: SharedLimit, asks: Asks, now: float, era: str = "", quiet_until: float = float("-inf")) -> Settlement:
    """Settle in place. ``era`` is that of the store: another server may not have been told the last settlements.

    ``quiet_until``: a group that begins grants nothing before that, at most ``GRACE_S``.
    """
    if not group.epoch:
        group.epoch, group.grace_until = f"{asks.member} {now}", quiet_until
    _expire(group, now)
    _see(group, era, now)
    member = group.members.get(asks.member)
    known = member is not None
    member = member or _Member()
    if known and asks.token != member.token != asks.before and asks.number <= member.number + 1:
        return _settled(group, {}, now, twin=True)
    group.members[asks.member] = member
    _undo_charge(group, member)
    member.until = now + EXPIRES_S
    if asks.token == member.token:
        return _settled(group, member.granted, now)
    elsewhere = asks.epoch not in ("", group.epoch)
    lost = elsewhere or asks.place > group.place or (known and asks.number > member.number + 1)
    if lost:
        group.grace_until = now + GRACE_S
        for ask in asks.asks:
            untold = ask.gone - _gone(group, ask.pot, now)
            group.pots[ask.pot] = group.pots.get(ask.pot, 0) + max(0, untold)
    elif not known and now >= group.grace_until:  # it was silent for long: what it was told is counted is
        member.spent = {ask.pot: ask.counted for ask in asks.asks}
    group.limit = max(group.limit, asks.limit) if asks.grows else asks.limit
    group.place += 1
    member.number, member.token, member.left = asks.number, asks.token, asks.leaves
    for ask in asks.asks:
        group.pots[ask.pot] = group.pots.get(ask.pot, 0) + ask.spent - member.spent.get(ask.pot, 0)
        member.spent[ask.pot] = ask.spent
        member.leases[ask.pot] = ask.keep
    leased, living = _leased(group), _living(group, now)
    member.granted = {ask.pot: _granted(group, member, ask, now, leased, living) for ask in asks.asks}
    if asks.leaves:
        member.leases, member.until = {}, now
    return _settled(group, member.granted, now)


def _settled(group: SharedLimit, grants: dict[str, Grant], now: float, *, twin: bool = False) -> Settlement:
    return Settlement(group.epoch, group.place, grants, _living(group, now), twin, group.grace_until, now)


def _living(group: SharedLimit, now: float) -> int:
    return sum(peer.until > now for peer in group.members.values())


def _see(group: SharedLimit, era: str, now: float) -> None:
    if era in group.eras:
        return
    if group.eras:
        group.grace_until = now + GRACE_S
    group.eras = [*group.eras, era][-_ERAS:]


def _granted(group: SharedLimit, member: _Member, ask: Ask, now: float, leased: dict[str, int], living: int) -> Grant:
    """The lease of one pot; ``leased`` is what all hold, and is kept so."""
    pot, mine = ask.pot, member.leases[ask.pot]
    spent = group.pots[pot]
    others = sum(max(0, amount + leased.get(name, 0)) for name, amount in group.pots.items() if name != pot)
    settled = sum(max(0, amount) for name, amount in group.pots.items() if name != pot)
    room = group.limit - others - spent - (leased.get(pot, 0) - mine)
    fair = max(0, group.limit - settled - spent) // (_SHARES * living)
    lease = mine if now < group.grace_until else max(mine, min(ask.want, room, max(ask.need, fair)))
    member.leases[pot] = lease
    leased[pot] = leased.get(pot, 0) + lease - mine
    return Grant(lease, fair, max(0, room - lease), spent, _gone(group, pot, now))


def _gone(group: SharedLimit, pot: str, now: float) -> int:
    """What was spent of a pot by members that left, or are silent for so long that they will not tell it again."""
    known = sum(
        member.spent.get(pot, 0) + member.charged.get(pot, 0)
        for member in group.members.values()
        if not member.left and member.until > now - _FORGOTTEN_S
    )
    return group.pots.get(pot, 0) - known


def _leased(group: SharedLimit) -> dict[str, int]:
    sums: dict[str, int] = {}
    for member in group.members.values():
        for pot, lease in member.leases.items():
            sums[pot] = sums.get(pot, 0) + lease
    return sums


def _expire(group: SharedLimit, now: float) -> None:
    """Charge and forget who is silent. A store whose clock was set back waits for nobody longer than otherwise."""
    group.grace_until = min(group.grace_until, now + GRACE_S)
    for name, member in list(group.members.items()):
        member.until = min(member.until, now + EXPIRES_S)
        if member.until > now:
            continue
        for pot, lease in member.leases.items():
            group.pots[pot] = group.pots.get(pot, 0) + lease
            member.charged[pot] = member.charged.get(pot, 0) + lease
        member.leases = {}
        if member.until <= now - (_CHARGED_S if any(member.charged.values()) else _FORGOTTEN_S):
            del group.members[name]


def _undo_charge(group: SharedLimit, member: _Member) -> None:
    """Undo the charge of a member that was taken to be gone and is not."""
    for pot, lease in member.charged.items():
        group.pots[pot] = group.pots.get(pot, 0) - lease
    member.leases, member.charged = {**member.leases, **member.charged}, {}
