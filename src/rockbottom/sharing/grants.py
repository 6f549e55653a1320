"""Who may spend how much of a limit that several share: what was spent, and what is leased to each.

All amounts are whole numbers of a unit that the caller chooses. A group has one limit and pots that draw on it; of a
pot that was saved in (below zero) nothing goes to the others. The promise is kept while, for all pots together, what
lies above zero of spent and leased is at most the limit: nobody is given a lease beyond that.

A member settles with a number, which it counts up: the same number twice is one settlement. One that is not heard of
for ``EXPIRES_S`` seconds is taken to have spent all that it had leased; if it comes back after all, that is undone
first. A group that begins anew (another ``epoch``) is told by each member what it ever spent and what it holds, and
grants nothing more until ``GRACE_S`` later.
"""

import msgspec

EXPIRES_S, GRACE_S = 15.0, 2.0
_FORGOTTEN_S = 86_400.0
_SHARES = 2  # of what is free, every such part is leased ahead of need; the rest goes to whoever needs more at once


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """One pot of one member: what it spent since it last settled, the lease that it keeps in any case, the lease that
    it would like, and what its next request may need at once."""

    pot: str
    spent: int
    keep: int
    want: int
    need: int


class Asks(msgspec.Struct, frozen=True):
    """One settlement. ``epoch`` is that of the group that it settled with before; ``again``: it tells everything anew,
    because the group is another. ``grows``: the limit is the highest that any member names."""

    member: str
    number: int
    limit: int
    asks: tuple[Ask, ...]
    epoch: str = ""
    again: bool = False
    grows: bool = False
    leaves: bool = False


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """What a member may spend from a pot; its fair share of what is free; what nobody spent or leased; and all that was
    spent by anybody, as far as it is settled."""

    lease: int
    fair: int
    left: int
    spent: int


class Settled(msgspec.Struct, frozen=True):
    """The answer. ``known`` False: nothing was settled, for the group is another one than the member knows."""

    epoch: str
    grants: dict[str, Grant] = {}
    known: bool = True


class _Member(msgspec.Struct):
    number: int
    until: float
    leases: dict[str, int] = {}
    charged: dict[str, int] = {}
    granted: dict[str, Grant] = {}


class Group(msgspec.Struct):
    """What the store holds of one limit."""

    epoch: str = ""
    limit: int = 0
    pots: dict[str, int] = {}
    members: dict[str, _Member] = {}
    grace_until: float = 0.0


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Group)


def group_of(data: bytes | None) -> Group:
    """A group as the store holds it; a new one where it holds none."""
    return Group() if data is None else _DECODER.decode(data)


def group_bytes(group: Group) -> bytes:
    """A group as the store holds it."""
    return _ENCODER.encode(group)


def settle(group: Group, asks: Asks, now: float) -> Settled:
    """Settle in place."""
    group.epoch = group.epoch or f"{asks.member} {now}"
    if asks.epoch not in ("", group.epoch):
        return Settled(group.epoch, known=False)
    _expire(group, now)
    member = group.members.setdefault(asks.member, _Member(0, now))
    if member.charged:  # it was taken to be gone, and is not
        for pot, lease in member.charged.items():
            group.pots[pot] = group.pots.get(pot, 0) - lease
        member.leases, member.charged = member.charged, {}
    member.until = now + EXPIRES_S
    if asks.number == member.number:
        return Settled(group.epoch, member.granted)
    if asks.again:
        group.grace_until = now + GRACE_S
    group.limit = max(group.limit, asks.limit) if asks.grows else asks.limit
    member.number = asks.number
    for ask in asks.asks:
        group.pots[ask.pot] = group.pots.get(ask.pot, 0) + ask.spent
        member.leases[ask.pot] = ask.keep
    member.granted = {ask.pot: _granted(group, member, ask, now) for ask in asks.asks}
    if asks.leaves:
        del group.members[asks.member]
    return Settled(group.epoch, member.granted)


def _granted(group: Group, member: _Member, ask: Ask, now: float) -> Grant:
    pot, mine = ask.pot, member.leases[ask.pot]
    leased = _leased(group)
    spent = group.pots[pot]
    others = sum(max(0, amount + leased.get(name, 0)) for name, amount in group.pots.items() if name != pot)
    settled = sum(max(0, amount) for name, amount in group.pots.items() if name != pot)
    room = group.limit - others - spent - (leased.get(pot, 0) - mine)
    living = sum(not one.charged for one in group.members.values())
    fair = max(0, group.limit - settled - spent) // (_SHARES * living)
    lease = mine if now < group.grace_until else max(mine, min(ask.want, room, max(ask.need, fair)))
    member.leases[pot] = lease
    return Grant(lease, fair, max(0, room - lease), spent)


def _leased(group: Group) -> dict[str, int]:
    sums: dict[str, int] = {}
    for member in group.members.values():
        for pot, lease in member.leases.items():
            sums[pot] = sums.get(pot, 0) + lease
    return sums


def _expire(group: Group, now: float) -> None:
    for name, member in list(group.members.items()):
        if member.until > now:
            continue
        if member.leases:
            for pot, lease in member.leases.items():
                group.pots[pot] = group.pots.get(pot, 0) + lease
            member.charged, member.leases = {**member.charged, **member.leases}, {}
        if member.until <= now - _FORGOTTEN_S or not member.charged:
            del group.members[name]
