"""What is kept beside one attached client: its planner, its books, what is under way.

Everything here is independent of how requests travel: hooks of botocore, of aiobotocore and of httpx all call
``depart`` (or ``depart_async``) before a request leaves, ``answered`` when its reply begins, and ``finished`` or
``failed`` at its end. A failure in here is logged once per kind and never reaches the caller.
"""

import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rockbottom.catalog import Catalog, Resolve
from rockbottom.client.admitting import admit, admit_async
from rockbottom.client.arguments import Arguments
from rockbottom.client.books import FAILED, REFUSED, TOO_OLD, unread_call
from rockbottom.client.calls import Call, Options
from rockbottom.client.closing import CallRecording
from rockbottom.client.fitting import EVERYTHING, fitted
from rockbottom.client.flights import Flight, Tower, cache_of, prefixes_of
from rockbottom.client.keepalive import KeepAlive
from rockbottom.client.keeping import StateKeeper
from rockbottom.client.learning import Costs, Learning
from rockbottom.client.notices import TTL_EXPIRED
from rockbottom.client.planning import PlannerLike, left_alone, tells
from rockbottom.client.profiles import ask, must_ask
from rockbottom.client.recording import Recorder, SpendingLimit
from rockbottom.client.reporting import Report
from rockbottom.client.tagging import tags_now
from rockbottom.client.talking import Talk
from rockbottom.client.underway import UnderWay
from rockbottom.client.whereabouts import NOWHERE, Whereabouts
from rockbottom.dialects import Params, Request, RequestReader, model_id_of
from rockbottom.process import hold_over_forks, lock_of
from rockbottom.quantities import RockbottomError, Unit, Usage, Usd

_EPOCH = date(1970, 1, 1).toordinal()


class Attachment:
    """Plans, watches and books the calls of one client. Thread-safe and fork-safe."""

    def __init__(
        self,
        planner: PlannerLike,
        catalog: Catalog,
        resolve: Resolve | None,
        options: Options,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.perf_counter,
        region: str | None = None,
    ) -> None:
        self.planner = planner
        self.catalog = catalog
        self.options = options
        self.clock = clock
        self.stopwatch = stopwatch
        self.since = clock()
        self.resolve = resolve
        self._requests = RequestReader(catalog, resolve, region)
        self._lock = lock_of(planner)
        self.tower = Tower(options.hold_s)
        self.talk = Talk()
        self._learning = Learning(planner, catalog, options, self.talk, clock, self.today)
        self._books, self._refusals = self._learning.books, self._learning.refusals
        self._closing = CallRecording(self._read, self._learning, self.talk, stopwatch)
        self.arguments: Arguments | None = None  # of ``attach``
        self.abilities = EVERYTHING  # of the client's botocore
        self.everyones = False  # of all clients of a program, none of which its own code attached
        self.credentials: Any = None  # for signing again, where a client does not hold its key
        self.keep_alive: KeepAlive | None = None
        self.keeper: StateKeeper | None = None
        self.recorder: Recorder | None = None
        self.budget: SpendingLimit | None = None
        self.ledger_secret = b""  # of those who share: their ledgers name the same prefix alike
        self.under_way = UnderWay()
        hold_over_forks(self)

    def depart(self, request: Params, operation: str = "Converse", whereabouts: Whereabouts = NOWHERE) -> Call | None:
        """The call to make for a request; None: send it as it is. Waits for a leader, at most ``hold_s``.

        Raises only what a budget raises on purpose.
        """
        tags = self._tags()
        if self.budget is not None:
            admit(self.budget, tags, self.clock, self.talk, self._budget_watch)
        try:
            if must_ask(self.resolve, model_id := model_id_of(request)):
                ask(self.resolve, model_id)
            while isinstance(step := self._try_depart(request, whereabouts.host), Flight):
                step.wait(self.tower.remaining(step))
            for clearance, seconds in self.tower.clearances(step.flight):
                clearance.wait(seconds)
        except Exception as error:
            self.talk.passed_through(error)
            step = self._unread(request, error)
        return self._off(step, request, operation, whereabouts, tags)

    async def depart_async(
        self, request: Params, operation: str = "Converse", whereabouts: Whereabouts = NOWHERE
    ) -> Call | None:
        """As ``depart``, without blocking the event loop."""
        tags = self._tags()
        if self.budget is not None:
            await admit_async(self.budget, tags, self.clock, self.talk, self._budget_watch)
        try:
            if must_ask(self.resolve, model_id := model_id_of(request)):
                import asyncio  # loaded by whoever awaits; a synchronous client needs none of it

                await asyncio.to_thread(ask, self.resolve, model_id)
            while isinstance(step := self._try_depart(request, whereabouts.host), Flight):
                await step.wait_async(self.tower.remaining(step))
            for clearance, seconds in self.tower.clearances(step.flight):
                await clearance.wait_async(seconds)
        except Exception as error:
            self.talk.passed_through(error)
            step = self._unread(request, error)
        return self._off(step, request, operation, whereabouts, tags)

    def _tags(self) -> Mapping[str, str]:
        """The tags of a call made here and now; what dropped calls hold of a budget is free again."""
        if self.budget is not None:
            self._settle_dropped()
        return tags_now(self.recorder.tags if self.recorder is not None else {})

    @property
    def _budget_watch(self) -> Callable[[], float] | None:
        return self.stopwatch if self.tower.beyond is None else None

    def _off(
        self, call: Call | None, request: Params, operation: str, whereabouts: Whereabouts, tags: Mapping[str, str]
    ) -> Call | None:
        """The call as it leaves; one that passes as it is, is there only to be recorded."""
        if call is None:
            if self.recorder is None:
                return None
            call = Call(self.clock(), request, request)
        call.operation, call.whereabouts, call.tags = operation, whereabouts, tags
        call.left = self.stopwatch()
        return call

    def _unread(self, params: Params, error: Exception) -> Call | None:
        """A call that passes as it is because it could not be read; None where it names no model at all."""
        call = unread_call(params, error, self.clock(), ours=self.talk.is_ours(error))
        if call is not None:
            with self._lock:
                call.look_up(self._requests)
        return call

    def _try_depart(self, params: Params, host: str) -> Call | Flight:
        suspended = self._refusals.suspends(model_id_of(params))
        with self._lock:
            request = self._learning.read(self._requests, params, host)
            arm = self.options.holdout.arm(request) if self.options.holdout is not None else None
            plain = REFUSED if suspended else "" if self.abilities.points or "body" in params else TOO_OLD
            if plain or (arm is not None and arm.held_out):
                return Call(self.clock(), params, params, request, arm=arm, unplanned=plain)
            if self.options.hold_s > 0 and self._books.worth_holding(request, self.today()):
                ahead = self.tower.ahead_of(request.hashes, cache_of(request))
                if ahead is not None:
                    return ahead
            try:
                call = self._planned(params, request)
            except RockbottomError:  # said of the request, by a planner that could not read it
                raise
            except Exception as error:
                self.talk.failure("planning", error)
                call = Call(self.clock(), params, params, request, unplanned=FAILED.format(type(error).__name__))
            call.arm = arm
            return call

    def _planned(self, params: Params, request: Request) -> Call:
        now = self.clock()
        plan = self.planner.plan(request, now=now)
        moved, claims = False, True  # a mute plan is taken to write
        if tells(plan):
            self._books.held_back += plan.held_back
            self.talk.say(plan.notices)
            moved, claims = bool(plan.moves), plan.writes_most
        sent = fitted(self.abilities, request, params, plan.apply(request))
        cause = ""
        if self.options.notices:
            self.talk.say(self._learning.noticer.changing(sent if moved else request))
            cause = self._learning.noticer.cause
        travels = params if sent.arguments is params else dict(sent.arguments)
        rehearsal = self._learning.rehearsal
        if rehearsal is not None:
            played = rehearsal.play(request, sent, now, self.today())
            return Call(now, params, params, request, rehearsed=played, cause=cause, unplanned=left_alone(plan))
        call = Call(now, params, travels, sent, planned=True, unplanned=left_alone(plan))
        prefixes = prefixes_of(sent, self._learning.minimum(request))
        call.cause = cause or (TTL_EXPIRED if self.tower.has_expired(prefixes, now) else "")
        if self.options.hold_s > 0:
            call.flight = self.tower.depart(prefixes, now, claim=claims)
        if call.flight is None:
            self.tower.refresh(prefixes, now)
        return call

    def answered(self, call: Call) -> None:
        """The reply has begun: what the call wrote can be read by others."""
        if call.restored and call.refusal:
            with self._lock:  # it took the original: our points were at fault
                self._refusals.add(model_id_of(call.original), call.refusal)
        if call.flight is not None:
            with self._lock:
                self.tower.arrive(call.flight, call.at)
            call.flight = None

    def began(self, call: Call) -> None:
        """The first token of a stream has come."""
        if call.first is None:
            call.first = self.stopwatch()

    def failed(self, call: Call) -> None:
        """The call ended without a reply, or its stream broke."""
        if call.flight is not None:
            with self._lock:
                self.tower.abandon(call.flight)
            call.flight = None
        self._without_usage(call, failed=True)

    def abandoned(self, call: Call) -> None:
        """The caller stopped reading before the usage came; some replies say at their beginning what was read."""
        if call.at_least is not None and not call.done:
            call.cut = True
            return self.finished(call, call.at_least)
        return self._without_usage(call, failed=False)

    def reading(self, call: Call) -> None:
        """The caller has the reply, and its usage comes when it is read."""
        if self.recorder is not None:
            self.under_way.reading(call)

    def settle(self) -> None:
        """End the calls whose reply was dropped, and those that never left."""
        for call in self.under_way.to_end():
            self.failed(call) if call.grounded else self.abandoned(call)

    def _settle_dropped(self) -> None:
        if self.under_way.has_dropped:
            self.settle()

    def end(self) -> None:
        """The process ends: no reply will be read further."""
        for call in self.under_way.all():
            self.abandoned(call)

    def _without_usage(self, call: Call, failed: bool) -> None:
        if call.done:
            return
        call.done = True
        self.under_way.ended(call)
        self.talk.lost(call.lost)
        with self._lock:
            self._books.missed(call, self.today(), answered=not failed)
        self._record(call, None, None, failed)

    def finished(self, call: Call, usage: Usage) -> None:
        """Learn from a call whose usage is known, book it, and look for what keeps its caching from happening."""
        if call.done:
            return
        call.done = True
        self.under_way.ended(call)
        costs = None
        self.talk.lost(call.lost)
        try:
            with self._lock:
                costs = self._learning.take(call, usage)
                if call.request is not None:
                    if self.keeper is not None:
                        self.keeper.used()
                    if self.keep_alive is not None and (call.arm is None or not call.arm.held_out):
                        self.keep_alive.used(call.request, usage, call.at)
        except Exception as error:
            self.talk.failure("observing", error)
        self._record(call, usage, costs, False)

    def _record(self, call: Call, usage: Usage | None, costs: Costs, failed: bool) -> None:
        if self.recorder is not None:
            self._closing.record(self.recorder, call, usage, costs, failed)
            self._settle_dropped()

    def kept_alive(self, params: Params, usage: Usage | None, at: float, left: float, whereabouts: Whereabouts) -> None:
        """A keep-alive of ours came back, or failed: it is recorded like any other call."""
        if self.recorder is not None:
            self._closing.kept_alive(self.recorder, params, usage, at, left, whereabouts)
            self._settle_dropped()

    def _read(self, params: Params) -> Request:
        """A request of the caller's, read under the lock."""
        with self._lock:
            return self._requests.read(params)

    def today(self) -> date:
        """The day whose prices apply, in UTC."""
        return date.fromordinal(_EPOCH + int(self.clock() // 86_400))

    def price(self, request: Request, unit: Unit) -> Usd | None:
        """A price of a request's model today, in US dollars per million tokens."""
        return self._books.usd_per_mtok(request, unit, self.today())

    def report(self) -> Report:
        self.settle()
        with self._lock:
            spent = self.keep_alive.spent_usd if self.keep_alive is not None else Usd(0)
            notices = [*self.talk.notices, self.trouble] if self.trouble else self.talk.notices
            return self._books.report(self.since, self.clock(), spent, notices)

    @property
    def trouble(self) -> str:
        """Why nothing is heard at present of the clients that it shares with; empty where it is, or there are none."""
        return self.tower.trouble

    def keep_state(self, path: Path, *, troubled: bool = False) -> None:
        """Save what the planner learns to a file from now on; ``troubled``: that it may fail was said already."""
        self.keeper = StateKeeper(
            self.planner, path, lambda: self._lock, lambda error: None if troubled else self.talk.unsaved(error)
        )

    def detached(self) -> None:
        """End for a client that is detached: what was learned is saved now, and nothing is kept alive any more."""
        self.settle()
        self.tower.leave()
        if self.keep_alive is not None:
            self.keep_alive.stop()
        if self.keeper is not None:
            self.keeper.save()

    def before_fork(self) -> None:
        """Wait until no thread is inside, so that the copy of the process is whole."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """New locks, and nothing under way: the calls of the parent answer to the parent."""
        self._lock = lock_of(self.planner)
        renew = getattr(self.resolve, "renew_lock", None)
        if renew is not None:
            renew()
        self.tower = self.tower.renewed()
        self.under_way = UnderWay()
        if self.keep_alive is not None:
            self.keep_alive.after_fork_in_child()
        if self.keeper is not None:
            self.keeper.after_fork_in_child()
