"""Learning from requests that other planners planned: what they did to prefixes and entries, without deciding again.

What a sighting does not carry is not learned from it: which sentences change (they are text), fronts that change while
a conversation goes on (each planner must see one go on itself), and the accounts of the guard, which those who share
settle by leases.
"""

from collections import OrderedDict

from rockbottom.plan.alive import note
from rockbottom.plan.decision import Mind
from rockbottom.plan.history import History
from rockbottom.plan.pending import Awaited
from rockbottom.plan.runs import KEY_BYTES
from rockbottom.plan.settling import settle
from rockbottom.plan.sightings import Planned, SeenUsage, Sighting, unpacked
from rockbottom.plan.values import Values
from rockbottom.plan.worth import RelativePrices

_AWAITED_S, _AWAITED = 600.0, 10_000
_NO_RATES = RelativePrices(0.0, 0.0, 0.0)  # nothing is valued here


class Witness:
    """Takes sightings in. ``awaited`` are requests of others whose reply is not known yet."""

    def __init__(self, mind: Mind, history: History) -> None:
        self._mind, self._history = mind, history
        self._awaited: OrderedDict[tuple[str, bytes], Awaited] = OrderedDict()

    def take(self, sighting: Sighting, origin: str) -> None:
        """Take in what another planner planned, or the reply to it."""
        if isinstance(sighting, Planned):
            self._planned(sighting, origin)
        else:
            self._observed(sighting, origin)

    def _planned(self, sighting: Planned, origin: str) -> None:
        now, shape, depths = sighting.at, sighting.shape, unpacked(sighting.depths)
        mind, history, keys = self._mind, self._history, sighting.keys
        mind.returns.settle(now)
        mind.guard.see(sighting.tokens)
        mind.guard.expect(sighting.account, sighting.need)
        mind.trust(sighting.account)  # known from the first request on, as for who planned it
        visit = history.visit(keys, depths, shape.fixed, now)
        added = history.add(visit, keys, depths, (shape.fixed, shape.last, shape.end), now)
        kinds = mind.returns.of(sighting.account[0])
        Values(kinds, shape, visit, depths, _NO_RATES, 1.0).watch(added, now)
        if not sighting.awaited:
            return
        sending = sighting.sending
        awaited = Awaited(
            at=now,
            tokens=sighting.tokens,
            path=(*reversed(added), *visit.path),
            depths=depths,
            placed=frozenset([position for position, _ in sending.points]) if sending is not None else frozenset(),
            hit=sending.hit if sending is not None else 0,
        )
        self._await((origin, keys[-KEY_BYTES:]), awaited)
        if sending is not None:
            note(visit, added, sending, now, awaited.writing)

    def _observed(self, sighting: SeenUsage, origin: str) -> None:
        awaited = self._awaited.pop((origin, sighting.key), None)
        if awaited is not None:
            awaited.writing.in_flight = False
            settle(self._mind, sighting, awaited)

    def _await(self, name: tuple[str, bytes], awaited: Awaited) -> None:
        before = self._awaited.pop(name, None)
        if before is not None:
            before.writing.in_flight = False
        self._awaited[name] = awaited
        while self._awaited:
            first = next(iter(self._awaited))
            if len(self._awaited) <= _AWAITED and self._awaited[first].at >= awaited.at - _AWAITED_S:
                break
            self._awaited.pop(first).writing.in_flight = False
