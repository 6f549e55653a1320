"""The side of one member: what it may spend of each pot by now, and how it settles without ever spending more.

What was spent is given as a sum that only the member keeps; ``limit`` is how far that sum, with what is at risk in
requests under way, may rise. It is lowered before it is given back, and raised when the store has said so, so that it
holds whether or not an answer comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rockbottom.sharing.grants import Ask, Asks, Grant, Settled


class Standing(NamedTuple):
    """One pot as it stands at the member: the sum spent, what requests under way may cost on top, what the next may."""

    pot: str
    spent: int
    risk: int
    need: int


@dataclass(slots=True)
class _Pot:
    settled: int = 0  # of the sum spent, what the store has counted
    lease: int = 0  # beyond that
    grant: Grant | None = None


class Lessee:
    """One member of one group. Not thread-safe."""

    def __init__(self, member: str, *, grows: bool = False) -> None:
        self._member, self._grows = member, grows
        self._pots: dict[str, _Pot] = {}
        self._number, self._epoch = 0, ""
        self._under_way: Asks | None = None
        self._told: dict[str, Standing] = {}

    def limit(self, pot: str) -> int:
        """How far spent and risk of a pot may rise together."""
        known = self._pots.get(pot)
        return 0 if known is None else known.settled + known.lease

    def grant(self, pot: str) -> Grant | None:
        """What the store last said of a pot."""
        known = self._pots.get(pot)
        return None if known is None else known.grant

    def move(self, source: str, target: str, amount: int) -> None:
        """Spend of one pot what was leased for another."""
        known = self._pots.get(source)
        moved = 0 if known is None else max(0, min(amount, known.lease))
        if known is not None and moved:
            known.lease -= moved
            self._pots.setdefault(target, _Pot()).lease += moved

    def changed(self, standings: Iterable[Standing]) -> bool:
        """Whether there is something that the store was not told."""
        return self._under_way is not None or any(
            self._told.get(standing.pot) != standing and (standing != Standing(standing.pot, 0, 0, 0))
            for standing in standings
        )

    def offer(self, standings: Iterable[Standing], limit: int, want: int, *, leaves: bool = False) -> Asks:
        """The next settlement; one whose answer did not come is made again as it was."""
        if self._under_way is None:
            self._number += 1
            told = list(standings)
            asks = tuple(self._ask(standing, want) for standing in told)
            self._told = {standing.pot: standing for standing in told}
            self._under_way = Asks(
                self._member, self._number, limit, asks, self._epoch, grows=self._grows, leaves=leaves
            )
        return self._under_way

    def again(self, standings: Iterable[Standing], limit: int, want: int, epoch: str) -> Asks:
        """The settlement with a group that knows nothing of this member: all that it ever spent, and what it holds."""
        self._epoch = epoch
        for pot in self._pots.values():
            pot.lease, pot.settled = pot.settled + pot.lease, 0
        self._number += 1
        told = {standing.pot: standing for standing in standings}
        asks = tuple(self._ask(standing, want) for standing in told.values())
        self._under_way = Asks(self._member, self._number, limit, asks, epoch, again=True, grows=self._grows)
        return self._under_way

    def take(self, settled: Settled) -> None:
        """The answer to what was offered last, which the group knew."""
        self._epoch = settled.epoch
        offered, self._under_way = self._under_way, None
        for ask in offered.asks if offered is not None else ():
            pot, grant = self._pots[ask.pot], settled.grants.get(ask.pot)
            pot.settled += ask.spent
            pot.lease = ask.keep if grant is None else grant.lease
            pot.grant = grant or pot.grant

    def _ask(self, standing: Standing, want: int) -> Ask:
        pot = self._pots.setdefault(standing.pot, _Pot())
        spent = standing.spent - pot.settled
        fair = want if pot.grant is None else pot.grant.fair
        kept = max(standing.risk, min(want, max(standing.need, fair)))
        pot.lease = min(pot.lease, spent + kept)  # from now on: it may be leased to others as soon as this is sent
        keep = max(0, pot.lease - spent)
        return Ask(standing.pot, spent, keep, max(want, keep), max(standing.need, standing.risk))
