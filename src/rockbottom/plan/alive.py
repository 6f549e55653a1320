"""Which entries a request can expect to read, and which are alive after it, as plans and replies make one believe."""

from collections.abc import Iterable, Iterator, Sequence

from rockbottom.cache import Behaviour
from rockbottom.plan.choice import Hit
from rockbottom.plan.entries import Entry, Writing
from rockbottom.plan.history import Run, Visit
from rockbottom.prompt import Placement
from rockbottom.quantities import Ttl


def hit_of(visit: Visit, now: float) -> Hit:
    """The deepest entries believed readable; expired ones are dropped on the way."""
    five = hour = 0
    deepest: Entry | None = None
    kept: Entry | None = None
    for run in visit.near:
        for position, entry in list(run.entries.items()):
            if entry.until <= now:
                del run.entries[position]
                continue
            if position > max(five, hour):
                deepest = entry
            if entry.five_until > now:
                five = max(five, position)
            if entry.hour_until > now and position > hour:
                hour, kept = position, entry
        if five and hour:
            break
    relied = kept is not None and kept.insured and hour > five and visit.gap > Ttl.FIVE_MINUTES.seconds
    return Hit(five, hour, deepest is not None and deepest.vouched, deepest is not None and deepest.confirmed, relied)


def alive_in(visit: Visit, now: float) -> Iterator[tuple[int, Entry]]:
    """The entries of this path that have not ended, and where."""
    for run in visit.path:
        yield from ((position, entry) for position, entry in run.entries.items() if entry.until > now)


def note(
    visit: Visit,
    added: Sequence[Run],
    placements: Iterable[Placement],
    hit: Hit,
    insured_end: int,
    behaviour: Behaviour,
    now: float,
    writing: Writing,
    usual: Ttl = Ttl.FIVE_MINUTES,
) -> None:
    """Take it that a planned request is sent: what it reads is renewed, what it writes is alive from now on.

    ``insured_end`` is where its one-hour tail ends that keeps what lies below (0: none).
    """
    one_key, only_hit = behaviour.ttl_in_key == "no", behaviour.refresh_on_hit == "entry"
    for run in visit.near:
        for position, entry in run.entries.items():
            if position == hit.deepest or (position < hit.deepest and not only_hit):
                entry.renew(now)  # a read renews what lies below it
    for placement in placements:
        run = _holder(placement.after, added, visit)
        if run is None:
            continue
        entry = run.entries.setdefault(placement.after, Entry())
        below = placement.after <= hit.deepest
        if one_key and below and entry.until > now:
            continue  # one entry under one key, which keeps the lifetime that it has
        entry.write(placement.ttl or usual, now)
        entry.insured = (entry.insured and below) or placement.after == insured_end
        if not below:
            entry.confirmed = False
        if not entry.confirmed:
            entry.writing = writing


def _holder(position: int, added: Sequence[Run], visit: Visit) -> Run | None:
    for run in (*reversed(added), *visit.path):
        if run.start < position <= run.end:
            return run
    return None
