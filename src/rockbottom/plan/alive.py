"""Which entries a request can expect to read, and which are alive after it, as plans and replies make one believe."""

from collections.abc import Iterator, Sequence

import msgspec

from rockbottom.plan.choice import Hit
from rockbottom.plan.entries import BelievedEntry, Writing
from rockbottom.plan.history import Visit
from rockbottom.plan.runs import Run
from rockbottom.quantities import Ttl


class Sending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a planned request does to entries, once it is sent; positions in segments.

    ``points`` are those that it is sent with, each with its lifetime, ``hit`` is where what it reads ends (0: nothing),
    ``insured_end`` where its one-hour tail ends that keeps what lies below it (0: none). ``one_key``, ``only_hit``
    and ``slides`` are sides of the switches: lifetimes share an entry; a read renews the entry that it reads alone; a
    read renews at all.
    """

    points: tuple[tuple[int, Ttl], ...]
    hit: int
    insured_end: int
    one_key: bool
    only_hit: bool
    slides: bool = True


def hit_of(visit: Visit, now: float) -> Hit:
    """The deepest entries believed readable; expired ones are dropped on the way."""
    five = hour = 0
    deepest: BelievedEntry | None = None
    hour_entry: BelievedEntry | None = None
    for run in visit.near:
        run.without_ended(now)
        for entry in run.entries:
            position = entry.position
            if position > max(five, hour):
                deepest = entry
            if entry.five_until > now:
                five = max(five, position)
            if entry.hour_until > now and position > hour:
                hour, hour_entry = position, entry
        if five and hour:
            break
    relied = hour_entry is not None and hour_entry.insured and hour > five and visit.gap > Ttl.FIVE_MINUTES.seconds
    return Hit(five, hour, deepest is not None and deepest.vouched, deepest is not None and deepest.confirmed, relied)


def alive_in(visit: Visit, now: float) -> Iterator[tuple[int, BelievedEntry]]:
    """The entries of this path that have not ended, and where."""
    for run in visit.path:
        yield from ((entry.position, entry) for entry in run.entries if entry.until > now)


def note(visit: Visit, added: Sequence[Run], sending: Sending, now: float, writing: Writing) -> None:
    """Take it that a planned request is sent: what it reads is renewed, what it writes is alive from now on."""
    hit, alone = sending.hit, sending.only_hit
    for run in visit.near if sending.slides else ():
        if run.start < hit:
            for entry in run.entries:
                if entry.position == hit or (entry.position < hit and not alone):
                    entry.renew(now)  # a read renews what lies below it
    for position, ttl in sending.points:
        run = _holder(position, added, visit)
        if run is None:
            continue
        if not run.entries:
            visit.holders.append(run)
        entry = run.entry(position)
        if entry.until <= now:
            entry.drop()  # what was said of it was said of what has ended
        below = position <= hit
        if (sending.one_key or not sending.slides) and below and entry.until > now:
            continue  # one entry, which keeps the lifetime that it has
        entry.write(ttl, now)
        entry.insured = (entry.insured and below) or position == sending.insured_end
        if not below:
            entry.confirmed = False
        if not entry.confirmed:
            entry.writing = writing


def _holder(position: int, added: Sequence[Run], visit: Visit) -> Run | None:
    for run in (*reversed(added), *visit.path):
        if run.start < position <= run.end:
            return run
    return None
