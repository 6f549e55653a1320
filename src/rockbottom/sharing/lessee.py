"""The side of one member: what it may spend of each pot by now, and how it settles without ever spending more.

What was spent is given as a sum that only the member keeps, and told as such; ``limit`` is how far that sum, with what
is at risk in requests under way, may rise. It is lowered before it is given back, and raised when the store has said
so, so that it holds whether or not an answer comes.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rockbottom.sharing.grants import Ask, Asks, Grant, Settlement


class PotStanding(NamedTuple):
    """One pot as it stands at the member: the sum spent, what requests under way may cost on top, what the next may."""

    pot: str
    spent: int
    risk: int
    need: int


def _token() -> str:
    return secrets.token_hex(8)


@dataclass(slots=True)
class _Pot:
    before: int = 0  # of the sum spent, what was told under another name
    settled: int = 0  # of the rest, what the store has counted
    lease: int = 0  # beyond that
    grant: Grant | None = None


class Lessee:
    """One member of one group. Not thread-safe. ``token`` makes names that no copy of this process makes as well."""

    def __init__(self, member: str, *, grows: bool = False, token: Callable[[], str] = _token) -> None:
        self._member, self._grows, self._new_token = member, grows, token
        self._pots: dict[str, _Pot] = {}
        self._number, self._token = 0, ""
        self._epoch, self._place = "", 0
        self.lost = False
        """Whether the last answer was of a store that has lost something since the answer before."""
        self._under_way: Asks | None = None
        self._told: dict[str, PotStanding] = {}

    def limit(self, pot: str) -> int:
        """How far spent and risk of a pot may rise together."""
        known = self._pots.get(pot)
        return 0 if known is None else known.before + known.settled + known.lease

    def lease(self, pot: str) -> int:
        """What it holds of a pot beyond what is counted as spent."""
        known = self._pots.get(pot)
        return 0 if known is None else known.lease

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

    def changed(self, standings: Iterable[PotStanding]) -> bool:
        """Whether there is something that the store was not told."""
        return self._under_way is not None or any(
            self._told.get(standing.pot) != standing and (standing != PotStanding(standing.pot, 0, 0, 0))
            for standing in standings
        )

    def offer(self, standings: Iterable[PotStanding], limit: int, want: int, *, leaves: bool = False) -> Asks:
        """The next settlement; one whose answer did not come is made again as it was."""
        if self._under_way is None:
            self._number += 1
            listed = list(standings)
            asks = tuple(self._ask(standing, want) for standing in listed)
            self._told = {standing.pot: standing for standing in listed}
            before, self._token = self._token, self._new_token()
            self._under_way = Asks(
                self._member, self._number, self._token, before, limit, asks, self._epoch, self._place,
                grows=self._grows, leaves=leaves,
            )  # fmt: skip
        return self._under_way

    def take(self, settled: Settlement) -> None:
        """The answer to what was offered last."""
        offered, self._under_way = self._under_way, None
        if offered is None:
            return
        if settled.twin:
            self._become_another()
            return
        self.lost = self._epoch != "" and (settled.epoch != self._epoch or settled.place <= self._place)
        self._epoch, self._place = settled.epoch, settled.place
        for ask in offered.asks:
            pot, grant = self._pots[ask.pot], settled.grants.get(ask.pot)
            pot.settled = ask.spent
            pot.lease = ask.keep if grant is None else grant.lease
            pot.grant = grant or pot.grant

    def _become_another(self) -> None:
        """The lease is the other's; what was settled before is counted under the name that both had."""
        self._member = f"{self._member.partition('+')[0]}+{self._new_token()}"
        self._number, self._token, self._epoch, self._place = 0, "", "", 0
        self._told.clear()
        for pot in self._pots.values():
            pot.before, pot.settled, pot.lease = pot.before + pot.settled, 0, 0

    def _ask(self, standing: PotStanding, want: int) -> Ask:
        pot = self._pots.setdefault(standing.pot, _Pot())
        spent = standing.spent - pot.before
        fresh = spent - pot.settled
        fair, gone = (want, 0) if pot.grant is None else (pot.grant.fair, pot.grant.gone)
        reserve = max(standing.risk, min(want, max(standing.need, fair)))
        pot.lease = min(pot.lease, fresh + reserve)  # from now on: it may be leased to others as soon as this is sent
        keep = max(0, pot.lease - fresh)
        return Ask(standing.pot, spent, pot.settled, keep, max(want, keep), max(standing.need, standing.risk), gone)
