"""One planner among those that share: two threads beside its calls, which tell and settle, and read what others tell.

No call waits for them, but for the short question whether somebody else is writing the same prefix (``claims``) and
for a lease of a budget that is used up. While the store gives no answer calls go on: the planner learns nothing from
its part of the traffic alone, the guard and stop budgets spend what was leased, and the store is tried again, for ever.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from rockbottom.plan import Guard, Sighting, moved, no_later, sighting_bytes, sighting_of
from rockbottom.process import Worker, close_at_exit, lock_of, renew_in_child
from rockbottom.sharing.addresses import StoreAddress
from rockbottom.sharing.claims import Claim, Claims
from rockbottom.sharing.clocks import Clocks
from rockbottom.sharing.errors import StoreAway
from rockbottom.sharing.guarding import GuardLease
from rockbottom.sharing.money import BudgetLeases
from rockbottom.sharing.store import Store

_BEAT_S, _TOGETHER_S = 0.5, 0.004
_QUIET_BEAT_S = 0.1  # while calls wait until a store that has just begun grants something
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 0.5  # so all are back before a store that was started again grants anything
_WAITING = 10_000  # sightings that wait for the store; of more the oldest are lost
_CAUGHT_UP = 100


class SharingPlanner(Protocol):
    """What must be known of a planner that shares; ``plan.Planner`` is one."""

    tell: Callable[[Sighting], None] | None
    guard: Guard

    def witness(self, sighting: Sighting, *, origin: str = "") -> None: ...

    def alone(self, alone: bool) -> None: ...


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """What one member tells at once: sightings, names of prefixes that need not be waited for any more, and the instant
    by its own clock (None: it is of a version that does not say).

    ``begun``: it was the first in a store that held nothing; whoever knows what was spent tells it now."""

    member: str
    sightings: list[bytes]
    heard: list[str]
    at: float | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Whether the store answers; if not, why, how many sightings it was never told, and whether it ever answered.
    ``quiet``: it does, and grants nothing for now."""

    place: str
    connected: bool
    why: str
    lost: int
    joined: bool = True
    quiet: bool = False

    def __str__(self) -> str:
        if self.quiet:
            return (
                f"{self.place} has just started, or was emptied: for some seconds it grants nothing more, until every "
                "process has reported what it spent"
            )
        if self.connected:
            return f"shares what it learns through {self.place}"
        if not self.joined:
            return (
                f"{self.place} has not answered yet ({self.why}): until it does, requests go without cachePoints of "
                "the planner"
            )
        lost = f"; {self.lost} sightings were lost" if self.lost else ""
        return (
            f"{self.place} does not answer ({self.why}): this process learns alone and spends what it was granted{lost}"
        )


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Envelope)


class Member:
    """Shares one planner's sightings, allowance and claims, and leases of budgets. ``warn`` gets a sentence
    when something goes wrong.

    ``clock`` is the planner's, in seconds since the epoch: what a machine tells whose clock is ahead happened now.
    """

    def __init__(
        self,
        address: StoreAddress,
        scope: str,
        planner: SharingPlanner,
        warn: Callable[[str], None],
        *,
        claiming: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address, self._scope, self._planner, self._warn = address, scope, planner, warn
        self.claiming, self._clock = claiming, clock
        self._place = ""  # how far it has read what others told; a child of a fork continues from there
        address.load()
        self._begin()
        planner.tell = self._tell
        renew_in_child(self)
        close_at_exit(self)

    def _begin(self) -> None:
        self.id = secrets.token_hex(8)
        self.claims = Claims(self.id, self._address.secret)
        self._clocks = Clocks()
        self.money = BudgetLeases(self.id, self.wake)
        self._guard = GuardLease(self.id, self._planner.guard)
        self._outgoing: deque[Sighting] = deque()
        self._lost, self._why, self._away, self._joined = 0, "not asked yet", {"telling", "reading"}, False
        self._tells_at_once = False
        self._woken, self._closed = threading.Event(), threading.Event()
        self._changing = threading.Lock()
        self._telling, self._reading = Worker("share", self._tells), Worker("share-reader", self._reads)
        self._planner.guard.limits = {}
        self._planner.alone(True)

    @property
    def status(self) -> StoreStatus:
        """Whether the store answers, and what it was not told."""
        quiet = self.connected and self._guard.is_quiet
        return StoreStatus(self._address.place, self.connected, self._why, self._lost, self._joined, quiet)

    @property
    def connected(self) -> bool:
        """Whether the store answers."""
        return not self._away

    def trouble(self) -> str:
        """What is wrong, in a sentence; empty where nothing is."""
        return "" if self.connected and not self._guard.is_quiet else str(self.status)

    def start(self) -> None:
        """Begin to publish sightings and to read those of others."""
        self._telling.start()
        self._reading.start()

    def wake(self) -> None:
        """Have the worker look at once, not at its next beat."""
        self._woken.set()

    def claim(self, prefixes: Iterable[bytes], for_s: float) -> Claim | None:
        """Ask whether somebody else is writing one of these now; None: nobody can be asked."""
        if not self.claiming or self._away:
            return None
        claim = self.claims.ask(prefixes, for_s)
        self._woken.set()
        return claim

    def arrived(self, prefixes: Iterable[tuple[bytes, float]]) -> None:
        """Tell that the claimed prefixes are written: each can be read for so many seconds."""
        self.claims.arrived(prefixes)
        self._woken.set()

    def abandoned(self, prefixes: Iterable[bytes]) -> None:
        """The call that claimed these prefixes failed: others need not wait for it."""
        self.claims.abandoned(prefixes)
        self._woken.set()

    def close(self) -> None:
        """Publish what waits, give leases back and end; takes a second at most."""
        if not self._closed.is_set():
            self._closed.set()
            self._woken.set()
            self._telling.join(1.0)

    def after_fork_in_child(self) -> None:
        """Begin as another member: what the parent spent and leased stays the parent's."""
        with lock_of(self._planner):
            self._planner.guard.accounts.clear()
            self._begin()

    # -- telling -----------------------------------------------------------------------------------

    def _tell(self, sighting: Sighting) -> None:
        if len(self._outgoing) >= _WAITING:
            self._outgoing.popleft()
            self._lost += 1
        self._outgoing.append(sighting)
        self._woken.set()
        self.start()

    def _tells(self) -> None:
        store, pause_s, closed = self._address.store(self._scope), _FIRST_PAUSE_S, self._closed
        while True:
            self._woken.wait(_QUIET_BEAT_S if self.money.is_waited_for or self._guard.is_quiet else _BEAT_S)
            self._woken.clear()
            leaving = closed.is_set()
            if not leaving:
                closed.wait(_TOGETHER_S)
            try:
                self._work(store, leaving)
                self._heard_from("telling")
                pause_s = _FIRST_PAUSE_S
            except Exception as error:
                self._not_heard_from("telling", error)
                closed.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self._woken.set()
            if leaving:
                store.close()
                return

    def _work(self, store: Store, leaving: bool) -> None:
        heard = self.claims.put(store)
        sightings = [self._outgoing.popleft() for _ in range(len(self._outgoing))]
        if sightings or heard:
            try:
                encoded = [sighting_bytes(sighting) for sighting in sightings]
                store.publish(_ENCODER.encode(Envelope(self.id, encoded, heard, self._clock())))
            except BaseException:
                self._outgoing.extendleft(reversed(sightings))
                raise
        if self._tells_at_once or self.money.begins:
            self._tells_at_once = False
            self._settle_guard(store, at_once=True)
        self.money.settle(store, leaving, self._guard.quiet)
        self._settle_guard(store, leaving)

    def _settle_guard(self, store: Store, leaving: bool = False, *, at_once: bool = False) -> None:
        heard = self._guard.settle(store, lock_of(self._planner), leaving, at_once=at_once)
        if heard.begun:
            store.publish(_ENCODER.encode(Envelope(self.id, [], [], self._clock(), begun=True)))
        if heard.lost:
            self.money.tell_all()

    # -- reading -----------------------------------------------------------------------------------

    def _reads(self) -> None:
        store, pause_s, closed = self._address.store(self._scope), _FIRST_PAUSE_S, self._closed
        wait_s = 0.0
        while not closed.is_set():
            try:
                place, entries = store.read(self._place, wait_s)
                for entry in entries:
                    self._take(entry, live=wait_s > 0)
                self._place = place
                wait_s = 0.0
                if len(entries) < _CAUGHT_UP:
                    self._heard_from("reading")
                    wait_s = _BEAT_S
                pause_s = _FIRST_PAUSE_S
            except Exception as error:
                self._not_heard_from("reading", error)
                closed.wait(pause_s)
                pause_s, wait_s = min(2 * pause_s, _LONGEST_PAUSE_S), 0.0
        store.close()

    def _take(self, entry: bytes, *, live: bool) -> None:
        """Learn from an entry; one that is of no member, or makes no sense, is passed by. ``live``: it was waited
        for."""
        place = self._address.place
        try:
            envelope = _DECODER.decode(entry)
            sightings = [] if envelope.member == self.id else [sighting_of(data) for data in envelope.sightings]
        except msgspec.DecodeError:
            self._warn(f"{place}: other processes there run another version of rockbottom; what they report is ignored")
            return
        if envelope.member == self.id:
            return
        if envelope.begun:
            self._tells_at_once = True
            self.money.tell_all()
        now = self._clock()
        if live and envelope.at is not None:
            self._clocks.saw(envelope.member, envelope.at, now)
        behind_s = self._clocks.behind_s(envelope.member)
        try:
            for sighting in sightings:
                with lock_of(self._planner):  # one by one: calls that plan meanwhile wait for one of them at most
                    self._planner.witness(no_later(moved(sighting, behind_s), now), origin=envelope.member)
        except Exception as error:  # whoever stopped at it would come to it again, for ever
            self._warn(f"{place}: what another there says is not learned ({type(error).__name__})")
        self.claims.heard(envelope.heard)

    # -- whether it answers ------------------------------------------------------------------------

    def _heard_from(self, doing: str) -> None:
        if doing not in self._away:
            return
        with self._changing:
            self._away = self._away - {doing}
            if self._away:
                return
            self._joined = True
        self.money.connected = True
        with lock_of(self._planner):
            self._planner.alone(False)

    def _not_heard_from(self, doing: str, error: Exception) -> None:
        with self._changing:
            was_connected = not self._away
            self._away, self._why = self._away | {doing}, str(error)[:200]
        self.money.let_go()
        self.claims.let_go()
        if was_connected:
            with lock_of(self._planner):
                self._planner.alone(True)
        kind = str(error) if not isinstance(error, StoreAway) else f"no answer ({str(error).partition(':')[0]})"
        meanwhile = (
            "this process learns alone meanwhile, and its guard and stop budgets spend what they were granted"
            if self._joined
            else "nothing was granted yet, so requests go without cachePoints of the planner and stop budgets pass none"
        )
        self._warn(f"share={self._address.place}: {kind}. Calls go on; {meanwhile}, and the store is tried again")


def member_of(address: StoreAddress, scope: str, planner: Any, warn: Callable[[str], None], **options: Any) -> Member:
    """A member that has begun; options as for Member."""
    member = Member(address, scope, planner, warn, **options)
    member.start()
    return member
