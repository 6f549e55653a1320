"""The guard's allowance, leased: so many planners together keep the promise of one.

Amounts are thousandths of an input token, rounded against the member.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from rockbottom.plan import ANY_ACCOUNT, Guard
from rockbottom.sharing.grants import Asks
from rockbottom.sharing.lessee import Lessee, PotStanding
from rockbottom.sharing.settling import Quiet, settled_with
from rockbottom.sharing.store import Store

_SETTLE_S, _BEAT_S, _LONGEST_BEAT_S = 0.1, 1.0, 3.0  # the last: all settle within ``GRACE_S``
_IN_A_SECOND, _BEATS_IN_A_SECOND = 160, 100  # settlements of a group with many members, at most
_NEEDED_S = 600.0  # so long a need is remembered for the next request of its kind
_KEPT_S = 86_400.0  # after its last settlement
_ZERO = Decimal(0)
_GROUP = "guard"


class Told(NamedTuple):
    """What a settlement says of the store: that it has lost something since the last one, that it is empty."""

    lost: bool = False
    begun: bool = False


class GuardLease:
    """Keeps ``guard.limits`` at what was leased. ``monotonic`` runs in seconds."""

    def __init__(self, member: str, guard: Guard, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lessee, self._guard, self._monotonic = Lessee(member, grows=True), guard, monotonic
        self._needs: dict[tuple[str, ...], tuple[Decimal, float]] = {}
        self._settled_at = float("-inf")
        self._living = 1
        self.quiet, self._quiet_s = Quiet("", float("inf")), 0.0
        """Of the store as it was at the last settlement."""

    @property
    def is_quiet(self) -> bool:
        """Whether the store granted nothing at the last settlement, whatever there was."""
        return self._quiet_s > 0

    def settle(
        self, store: Store, lock: AbstractContextManager[Any], leaving: bool = False, *, at_once: bool = False
    ) -> Told:
        """Settle what was spent, where it is time to, or ``at_once``. Raises StoreAway."""
        now = self._monotonic()
        since = now - self._settled_at
        settle_s = max(_SETTLE_S, min(_LONGEST_BEAT_S, self._living / _IN_A_SECOND))
        beat_s = max(_BEAT_S, min(_LONGEST_BEAT_S, self._living / _BEATS_IN_A_SECOND))
        if self.is_quiet:
            beat_s = max(settle_s, min(beat_s, self._quiet_s))
        with lock:
            rests = since < settle_s or (since < beat_s and not self._lessee.changed(self._standings()))
            if rests and not (leaving or at_once):
                return Told()
            asks = self._offered(now, leaving)
        answer = settled_with(store, _GROUP, asks, _KEPT_S)
        self._settled_at, self._living = now, answer.living
        with lock:
            self._lessee.take(answer)
            self._set_limits()
        self._quiet_s = answer.quiet_s
        is_another, self.quiet = self.quiet.era not in ("", store.era), Quiet(store.era, answer.quiet_until)
        return Told(is_another or self._lessee.lost, answer.begun)

    def _offered(self, now: float, leaving: bool) -> Asks:
        for key, needed in self._guard.asked.items():
            before, until = self._needs.get(key, (_ZERO, now))
            self._needs[key] = max(needed, before if until > now else _ZERO), now + _NEEDED_S
        self._guard.asked.clear()
        limits = self._guard.limits or {}
        for key, account in self._guard.accounts.items():
            if key not in limits:  # so far it drew on the lease that is for all of them
                self._lessee.move(_pot(ANY_ACCOUNT), _pot(key), _milli(account.drawn))
        asks = self._lessee.offer(self._standings(), self._limit(), 0 if leaving else self._want(), leaves=leaving)
        self._set_limits()
        return asks

    def _standings(self) -> list[PotStanding]:
        now, standings = self._monotonic(), [PotStanding(_pot(ANY_ACCOUNT), 0, 0, 0)]
        for key, account in self._guard.accounts.items():
            needed, until = self._needs.get(key, (_ZERO, now))
            need = _milli(needed) if until > now else 0
            standings.append(PotStanding(_pot(key), _milli(account.net), max(0, _milli(account.risk)), need))
        return standings

    def _limit(self) -> int:
        return int(self._guard.allowance * 1000)

    def _want(self) -> int:
        return self._limit()

    def _set_limits(self) -> None:
        keys = (ANY_ACCOUNT, *self._guard.accounts)
        self._guard.limits = {key: Decimal(self._lessee.limit(_pot(key))) / 1000 for key in keys}


def _pot(key: tuple[str, ...]) -> str:
    return "|".join(key)


def _milli(tokens: Decimal) -> int:
    return int((tokens * 1000).to_integral_value(ROUND_CEILING))
