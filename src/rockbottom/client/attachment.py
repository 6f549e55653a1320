"""What is kept beside one attached client: its planner, its books, what is under way.

Everything here is independent of how requests travel: hooks of botocore, of aiobotocore and of httpx all call
``depart`` (or ``depart_async``) before a request leaves, ``answered`` when its reply begins, and ``finished`` or
``failed`` at its end. A failure in here is logged once per kind and never reaches the caller.
"""

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

from rockbottom.catalog import Catalog, Resolve
from rockbottom.client.flights import DEFAULT_HOLD_S, Flight, Tower
from rockbottom.client.keepalive import KeepAlive
from rockbottom.client.keeping import Keeper
from rockbottom.client.ledger import Ledger, Report
from rockbottom.client.notices import Noticer
from rockbottom.client.planning import Plan, Planner, Request
from rockbottom.client.profiles import is_application_profile
from rockbottom.client.reading import OnceReader, Reading, RequestReader, with_placements
from rockbottom.prompt import PrefixHash
from rockbottom.quantities import RockbottomError, Ttl, Unit, Usage, Usd

log = logging.getLogger("rockbottom.client")

_REFUSALS_UNTIL_SUSPENDED = 3
SUSPENDED_S = 3600.0


@dataclass(slots=True, eq=False)
class Call:
    """One request from departure to its end. ``sent`` is what travels; ``original`` what the caller wrote."""

    at: float
    original: Request
    sent: Request
    reading: Reading  # of ``sent``
    plan: Plan
    flight: Flight | None = None
    restored: bool = False  # the service refused what was sent, and the original was sent instead
    refusal: str = ""  # with what words
    done: bool = False
    retries_seen: int = 0

    @property
    def changed(self) -> bool:
        """Whether what travels differs from what the caller wrote."""
        return self.sent is not self.original and not self.restored


@dataclass(frozen=True, slots=True)
class Options:
    """How ``attach`` was called."""

    hold_s: float = DEFAULT_HOLD_S  # 0: no holding
    keep_alive_usd: Usd | None = None  # None: off
    notices: bool = True


class Attachment:
    """Plans, watches and books the calls of one client. Thread-safe and fork-safe."""

    def __init__(
        self,
        planner: Planner,
        catalog: Catalog,
        resolve: Resolve | None,
        options: Options,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.planner = planner
        self.catalog = catalog
        self.options = options
        self.clock = clock
        self.since = clock()
        self.resolve = resolve
        self._own_reader = _once_reader_of(planner)
        self._reader = RequestReader(catalog, resolve, self._own_reader)
        self._lock = _lock_of(planner)
        self._tower = Tower(options.hold_s)
        self._ledger = Ledger(catalog)
        self._noticer = Noticer()
        self._notices: list[str] = []
        self._said: set[str] = set()
        self._refusals: dict[str, int] = {}
        self._suspended: dict[str, float] = {}
        self.keep_alive: KeepAlive | None = None
        self.keeper: Keeper | None = None
        _ATTACHMENTS.add(self)

    # Departure ----------------------------------------------------------------------------------------------

    def depart(self, request: Request) -> Call | None:
        """The call to make for a request; None: send it as it is. Waits for a leader, at most ``hold_s``."""
        try:
            if self._must_ask(request):
                self._ask(request["modelId"])
            while isinstance(step := self._try_depart(request), Flight):
                step.wait(self._tower.remaining(step))
            return step
        except Exception as error:
            return self._passed_through(error)

    async def depart_async(self, request: Request) -> Call | None:
        """The same without blocking the event loop."""
        try:
            if self._must_ask(request):
                await asyncio.to_thread(self._ask, request["modelId"])
            while isinstance(step := self._try_depart(request), Flight):
                await step.wait_async(self._tower.remaining(step))
            return step
        except Exception as error:
            return self._passed_through(error)

    def _must_ask(self, request: Mapping[str, Any]) -> bool:
        knows = getattr(self.resolve, "knows", None)
        return knows is not None and is_application_profile(request.get("modelId")) and not knows(request["modelId"])

    def _ask(self, arn: str) -> None:
        assert self.resolve is not None
        try:
            self.resolve(arn)
        except RockbottomError:
            return  # remembered and said by the resolver

    def _try_depart(self, request: Request) -> Call | Flight | None:
        if self._suspended.get(str(request.get("modelId")), 0.0) > self.clock():
            return None
        with self._lock:
            try:
                return self._waited_or_planned(request)
            finally:
                if self._own_reader is not None:
                    self._own_reader.forget()

    def _waited_or_planned(self, request: Request) -> Call | Flight:
        reading = self._reader.read(request)
        if self.options.hold_s > 0 and self._worth_holding(reading):
            ahead = self._tower.ahead_of(reading.hashes)
            if ahead is not None:
                return ahead
        return self._planned(request, reading)

    def _worth_holding(self, reading: Reading) -> bool:
        on = self.today()
        read = self._ledger.usd_per_mtok(reading, Unit.CACHE_READ, on)
        write = self._ledger.usd_per_mtok(reading, Unit.CACHE_WRITE_5M, on)
        return read is not None and write is not None and write > read

    def _planned(self, request: Request, reading: Reading) -> Call:
        now = self.clock()
        plan = self.planner.plan(request, now=now)
        sent = plan.apply(request)
        if self.options.notices:
            self.say(self._noticer.changing(reading))
        if sent is request or sent == request:
            call = Call(now, request, request, reading, plan)
        else:
            call = Call(now, request, sent, self._reading_of(sent, reading, plan), plan)
        prefixes = _prefixes(call.reading, self._minimum(call.reading))
        if self.options.hold_s > 0:
            call.flight = self._tower.depart(prefixes, now)
        if call.flight is None:
            self._tower.refresh(prefixes, now)
        return call

    def _reading_of(self, sent: Request, reading: Reading, plan: Plan) -> Reading:
        """The reading of what travels; read again only where the plan does not tell all of the difference."""
        placements = getattr(plan, "placements", None)
        if placements and not getattr(plan, "moves", ()) and not reading.prompt.points:
            return with_placements(reading, placements)
        return self._reader.read(sent)

    def _minimum(self, reading: Reading) -> int:
        return self.catalog.rules(reading.model, self.today()).minimum_tokens

    # Arrival ------------------------------------------------------------------------------------------------

    def answered(self, call: Call) -> None:
        """The reply has begun: what the call wrote can be read by others."""
        if call.restored and call.refusal:
            self._refused(call)
        if call.flight is not None:
            with self._lock:
                self._tower.arrive(call.flight, call.at)
            call.flight = None

    def failed(self, call: Call) -> None:
        """The call ended without a reply."""
        if call.flight is not None:
            with self._lock:
                self._tower.abandon(call.flight)
            call.flight = None
        self._without_usage(call)

    def abandoned(self, call: Call) -> None:
        """The caller stopped reading before the usage came."""
        self._without_usage(call)

    def _without_usage(self, call: Call) -> None:
        if not call.done:
            call.done = True
            with self._lock:
                self._ledger.without_usage += 1

    def finished(self, call: Call, usage: Usage) -> None:
        """The usage of a call is known: learn, book, look."""
        if call.done:
            return
        call.done = True
        try:
            with self._lock:
                self._learn(call, usage)
        except Exception as error:
            self.report_failure("observing", error)

    def _learn(self, call: Call, usage: Usage) -> None:
        reading, now = call.reading, self.clock()
        self._ledger.book(reading, usage, self.today())
        if not call.restored:
            # Ours knows its plan again by its key; any other planner is told the request as it was sent.
            self.planner.observe(call.plan if hasattr(call.plan, "key") else call.sent, usage, now=now)
        if call.changed:
            self._refusals.pop(reading.model.given, None)
        if self.options.notices and not call.restored:
            self.say(self._noticer.look(reading, usage, self._minimum(reading)))
        if self.keeper is not None:
            self.keeper.used()
        if self.keep_alive is not None:
            self.keep_alive.used(call.sent, reading, usage, call.at)

    def _refused(self, call: Call) -> None:
        """The service refused a request that we had changed, and took the original: our points were at fault."""
        model, message = call.reading.model.given, call.refusal
        with self._lock:
            self._refusals[model] = self._refusals.get(model, 0) + 1
            if self._refusals[model] >= _REFUSALS_UNTIL_SUSPENDED:
                self._suspended[model] = self.clock() + SUSPENDED_S
                self._refusals[model] = 0
        self.once(
            f"refused {model} {message[:60]}",
            f"the service refused the cachePoints planned for {model} ({message[:200]}); the request was sent again "
            "without them. Please report this: a plan should never be refused",
        )

    # Talk ---------------------------------------------------------------------------------------------------

    def say(self, notices: Iterable[str]) -> None:
        """Log what was noticed and keep it for the report."""
        for notice in notices:
            if len(self._notices) < 100 and notice not in self._notices:
                self._notices.append(notice)
                log.warning("rockbottom: %s", notice)

    def once(self, key: str, message: str) -> None:
        """Log a message the first time its key comes."""
        with self._lock:
            if key in self._said or len(self._said) > 1000:
                return
            self._said.add(key)
        log.warning("rockbottom: %s", message)

    def _passed_through(self, error: Exception) -> None:
        # What the catalogue or the prompt package refuses to read is the caller's business: boto3 or the service
        # will say so. Anything else is ours, and is worth one line.
        if isinstance(error, RockbottomError):
            log.debug("rockbottom: a request passes unmodified: %s", error)
        elif isinstance(error, (KeyError, TypeError, ValueError, AttributeError, RecursionError)):
            self.once(
                f"unread {type(error).__name__}",
                f"a request could not be read ({type(error).__name__}); such requests pass unmodified",
            )
        else:
            self.report_failure("planning", error)

    def report_failure(self, doing: str, error: Exception) -> None:
        """Log an internal failure once per kind: the type and the place, never the text of a request."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code if trace is not None else None
        where = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}" if code and trace else "unknown place"
        self.once(
            f"{doing} {type(error).__name__} {where}",
            f"internal failure while {doing}: {type(error).__name__} at {where}; requests pass unmodified",
        )

    # Books --------------------------------------------------------------------------------------------------

    def today(self) -> date:
        """The day whose prices apply, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def price(self, reading: Reading, unit: Unit) -> Usd | None:
        """A price of a request's model today, in US dollars per million tokens."""
        return self._ledger.usd_per_mtok(reading, unit, self.today())

    def report(self) -> Report:
        """The books so far."""
        with self._lock:
            spent = self.keep_alive.spent_usd if self.keep_alive is not None else Usd(0)
            return self._ledger.report(self.since, self.clock(), spent, self._notices)

    def keep_state(self, path: Path) -> None:
        """Save what the planner learns to a file from now on."""
        self.keeper = Keeper(
            self.planner, path, lambda: self._lock, lambda error: self.report_failure("saving what was learned", error)
        )

    # Fork ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Nobody is inside while the process is copied, so the copy is whole."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """New locks, and nothing under way: the calls of the parent answer to the parent."""
        self._lock = _lock_of(self.planner)
        renew = getattr(self.resolve, "renew_lock", None)
        if renew is not None:
            renew()
        self._tower = Tower(self.options.hold_s)
        if self.keep_alive is not None:
            self.keep_alive.after_fork_in_child()
        if self.keeper is not None:
            self.keeper.after_fork_in_child()


@dataclass(slots=True)
class _Forks:
    """Attachments that are told of forks, and those locked while one goes on."""

    held: list[Attachment] = field(default_factory=list[Attachment])


def _once_reader_of(planner: Any) -> OnceReader | None:
    """One reader for the client and our own planner; None for a planner that reads in its own way."""
    if not hasattr(planner, "reader") or not hasattr(planner, "catalog"):
        return None
    if not isinstance(planner.reader, OnceReader):
        planner.reader = OnceReader(planner.catalog.token_weights)
    return cast(OnceReader, planner.reader)


_LOCKS: "weakref.WeakKeyDictionary[Any, threading.RLock]" = weakref.WeakKeyDictionary()


def _lock_of(planner: Any) -> Any:
    """The lock of a planner: clients that share a planner share it."""
    if planner not in _LOCKS:
        _LOCKS[planner] = threading.RLock()
    return _LOCKS[planner]


_ATTACHMENTS: "weakref.WeakSet[Attachment]" = weakref.WeakSet()
_FORKS = _Forks()


def _before_fork() -> None:
    _FORKS.held = list(_ATTACHMENTS)
    for attachment in _FORKS.held:
        attachment.before_fork()


def _after_fork_in_parent() -> None:
    for attachment in _FORKS.held:
        attachment.after_fork_in_parent()
    _FORKS.held = []


def _after_fork_in_child() -> None:
    _LOCKS.clear()  # they are held by the parent's threads, which are not here
    for attachment in _FORKS.held:
        attachment.after_fork_in_child()
    _FORKS.held = []


def listen_for_forks() -> None:
    """Register with the operating system, once per process; called by the first ``attach``."""
    if not _LISTENING and hasattr(os, "register_at_fork"):
        _LISTENING.append(True)
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )


_LISTENING: list[bool] = []


def _prefixes(reading: Reading, minimum: int) -> list[tuple[PrefixHash, float]]:
    """The prefixes that a request's points close and that are long enough, each with the seconds it lives."""
    default = reading.default_ttl if reading.default_ttl is not Ttl.ONE_HOUR else Ttl.FIVE_MINUTES
    return [
        (reading.hashes[point.after], float((point.ttl or default).seconds))
        for point in reading.prompt.points
        if reading.prompt.depths[point.after] >= minimum
    ]
