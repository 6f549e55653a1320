"""What is kept beside one attached client: its planner, its books, what is under way.

Everything here is independent of how requests travel: hooks of botocore, of aiobotocore and of httpx all call
``depart`` (or ``depart_async``) before a request leaves, ``answered`` when its reply begins, and ``finished`` or
``failed`` at its end. A failure in here is logged once per kind and never reaches the caller.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rockbottom.catalog import Catalog, ModelId, Resolve, Tier
from rockbottom.client.arguments import Arguments
from rockbottom.client.books import REFUSED, TOO_OLD, Books, why_unread
from rockbottom.client.calls import Call, Options
from rockbottom.client.fitting import EVERYTHING, without_ttls
from rockbottom.client.flights import Flight, Tower
from rockbottom.client.keepalive import KeepAlive
from rockbottom.client.keeping import Keeper
from rockbottom.client.notices import TTL_EXPIRED, Noticer
from rockbottom.client.planning import Planner
from rockbottom.client.profiles import is_application_profile
from rockbottom.client.recording import Recorder, SpendingLimit
from rockbottom.client.rehearsal import Rehearsal, Rehearsed
from rockbottom.client.reporting import Report
from rockbottom.client.tagging import tags_now
from rockbottom.client.talking import Talk
from rockbottom.client.whereabouts import NOWHERE, Whereabouts
from rockbottom.cost import Cost
from rockbottom.dialects import Params, Request, Requests, tier_of
from rockbottom.process import hold_over_forks, lock_of
from rockbottom.prompt import PrefixHash
from rockbottom.quantities import RockbottomError, Unit, Usage, Usd

_REFUSALS_UNTIL_SUSPENDED = 3
_LOST = (
    "an attempt got no answer in time and may be billed all the same; where calls are sent again for that, a longer "
    "read_timeout of botocore's Config costs less"
)
SUSPENDED_S = 3600.0


class Attachment:
    """Plans, watches and books the calls of one client. Thread-safe and fork-safe."""

    def __init__(
        self,
        planner: Planner,
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
        self._requests = Requests(catalog, resolve, region)
        self._lock = lock_of(planner)
        self._tower = Tower(options.hold_s)
        self._books = Books(catalog)
        self._noticer = Noticer()
        self._rehearsal = Rehearsal(catalog) if options.dry_run else None
        self.talk = Talk()
        self._refusals: dict[str, int] = {}
        self._suspended: dict[str, float] = {}
        self.arguments: Arguments | None = None  # of ``attach``
        self.abilities = EVERYTHING  # of the client's botocore
        self.everyones = False  # of all clients of a program, none of which its own code attached
        self.credentials: Any = None  # for signing again, where a client does not hold its key
        self.keep_alive: KeepAlive | None = None
        self.keeper: Keeper | None = None
        self.recorder: Recorder | None = None
        self.budget: SpendingLimit | None = None
        self._read: set[Call] = set()  # calls whose reply the caller is reading, or has put aside
        self._dropped: deque[Call] = deque()  # calls whose reply nobody holds any more
        hold_over_forks(self)

    # Departure ----------------------------------------------------------------------------------------------

    def depart(self, request: Params, operation: str = "Converse", whereabouts: Whereabouts = NOWHERE) -> Call | None:
        """The call to make for a request; None: send it as it is. Waits for a leader, at most ``hold_s``.

        Raises only what a budget raises on purpose.
        """
        tags = self._admitted()
        try:
            if self._must_ask(request):
                self._ask(request["modelId"])
            while isinstance(step := self._try_depart(request), Flight):
                step.wait(self._tower.remaining(step))
        except Exception as error:
            self.talk.passed_through(error)
            step = self._unread(request, error)
        return self._off(step, request, operation, whereabouts, tags)

    async def depart_async(
        self, request: Params, operation: str = "Converse", whereabouts: Whereabouts = NOWHERE
    ) -> Call | None:
        """The same without blocking the event loop."""
        tags = self._admitted()
        try:
            if self._must_ask(request):
                await asyncio.to_thread(self._ask, request["modelId"])
            while isinstance(step := self._try_depart(request), Flight):
                await step.wait_async(self._tower.remaining(step))
        except Exception as error:
            self.talk.passed_through(error)
            step = self._unread(request, error)
        return self._off(step, request, operation, whereabouts, tags)

    def _admitted(self) -> Mapping[str, str]:
        """The tags of a call made here and now. Raises what the budget says to the caller, and nothing else."""
        tags = tags_now(self.recorder.tags if self.recorder is not None else {})
        if self.budget is not None:
            if self._dropped:
                self.settle()  # what they hold is free again
            try:
                self.budget.check(tags, self.clock())
            except RockbottomError:
                raise
            except Exception as error:
                self.talk.failure("asking the budget", error)
        return tags

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
        if not isinstance(params.get("modelId"), str):
            return None
        where = str(getattr(error, "place", "")) or type(error).__name__
        unread = "" if self.talk.is_ours(error) else where  # a failure of ours was said when it happened
        call = Call(self.clock(), params, params, unread=unread, unplanned=why_unread(error))
        try:
            with self._lock:
                call.model = self._requests.model(params["modelId"])
            call.tier = tier_of(params)
        except Exception:  # a model that nobody knows: its tokens are counted
            call.unread = ""
        return call

    def _must_ask(self, request: Mapping[str, Any]) -> bool:
        knows = getattr(self.resolve, "knows", None)
        return knows is not None and is_application_profile(request.get("modelId")) and not knows(request["modelId"])

    def _ask(self, arn: str) -> None:
        assert self.resolve is not None
        try:
            self.resolve(arn)
        except RockbottomError:
            return  # remembered and said by the resolver

    def _try_depart(self, params: Params) -> Call | Flight:
        suspended = self._suspended.get(str(params.get("modelId")), 0.0) > self.clock()
        with self._lock:
            request = self._requests.read(params)
            arm = self.options.holdout.arm(request) if self.options.holdout is not None else None
            plain = REFUSED if suspended else "" if self.abilities.points or "body" in params else TOO_OLD
            if plain or (arm is not None and arm.held_out):
                return Call(self.clock(), params, params, request, arm=arm, unplanned=plain)
            if self.options.hold_s > 0 and self._worth_holding(request):
                ahead = self._tower.ahead_of(request.hashes)
                if ahead is not None:
                    return ahead
            call = self._planned(params, request)
            call.arm = arm
            return call

    def _worth_holding(self, request: Request) -> bool:
        on = self.today()
        read = self._books.usd_per_mtok(request, Unit.CACHE_READ, on)
        write = self._books.usd_per_mtok(request, Unit.CACHE_WRITE_5M, on)
        return read is not None and write is not None and write > read

    def _planned(self, params: Params, request: Request) -> Call:
        now = self.clock()
        plan = self.planner.plan(request, now=now)
        self._books.held_back += getattr(plan, "held_back", False)  # a planner of another kind may not say
        self.talk.say(getattr(plan, "notices", ()))
        applied = plan.apply(request)
        cause = ""
        if self.options.notices:
            self.talk.say(self._noticer.changing(request))
            cause = self._noticer.cause
        sent = self._sent(params, request, applied)
        travels = params if sent.arguments is params else dict(sent.arguments)
        if self._rehearsal is not None:
            played = self._rehearsal.play(request, sent, now, self.today())
            return Call(now, params, params, request, rehearsed=played, cause=cause)
        call = Call(now, params, travels, sent, planned=True)
        prefixes = _prefixes(sent, self._minimum(request))
        call.cause = cause or (TTL_EXPIRED if self._tower.has_expired(prefixes, now) else "")
        if self.options.hold_s > 0:
            call.flight = self._tower.depart(prefixes, now)
        if call.flight is None:
            self._tower.refresh(prefixes, now)
        return call

    def _sent(self, params: Params, request: Request, applied: Mapping[str, Any]) -> Request:
        """What a plan makes of a request, as far as the client can say it."""
        if not self.abilities.ttl and "body" not in params:
            arguments = applied.arguments if isinstance(applied, Request) else applied
            bare = without_ttls(arguments)
            applied = applied if bare is arguments else bare
        if isinstance(applied, Request):
            return applied
        return request if applied == params else self._requests.read(applied)

    def _minimum(self, request: Request) -> int:
        return self.catalog.rules(request.model, self.today()).minimum_tokens

    # Arrival ------------------------------------------------------------------------------------------------

    def answered(self, call: Call) -> None:
        """The reply has begun: what the call wrote can be read by others."""
        if call.restored and call.refusal:
            self._refused(call)
        if call.flight is not None:
            with self._lock:
                self._tower.arrive(call.flight, call.at)
            call.flight = None

    def began(self, call: Call) -> None:
        """The first token of a stream has come."""
        if call.first is None:
            call.first = self.stopwatch()

    def failed(self, call: Call) -> None:
        """The call ended without a reply, or its stream broke."""
        if call.flight is not None:
            with self._lock:
                self._tower.abandon(call.flight)
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
            self._read.add(call)

    def dropped(self, call: Call) -> None:
        """Nobody holds the reply any more. Called by the garbage collector, so it takes no lock."""
        if not call.done:
            self._dropped.append(call)

    def grounded(self, call: Call) -> None:
        """It was refused before it left. Called by the garbage collector too."""
        if not call.done:
            call.grounded = True
            self._dropped.append(call)

    def settle(self) -> None:
        """End the calls whose reply was dropped, and those that never left."""
        while self._dropped:
            call = self._dropped.popleft()
            self.failed(call) if call.grounded else self.abandoned(call)

    def end(self) -> None:
        """The process ends: no reply will be read further."""
        for call in [*self._read, *self._dropped]:
            self.abandoned(call)

    def _without_usage(self, call: Call, failed: bool) -> None:
        if call.done:
            return
        call.done = True
        self._read.discard(call)
        self._say_lost(call)
        if call.request is not None or call.model is not None:
            with self._lock:
                self._books.missed(call)
        self._record(call, None, None, failed)

    def _say_lost(self, call: Call) -> None:
        if call.lost:
            self.talk.say([_LOST])

    def finished(self, call: Call, usage: Usage) -> None:
        """The usage of a call is known: learn, book, look."""
        if call.done:
            return
        call.done = True
        self._read.discard(call)
        costs = None
        self._say_lost(call)
        try:
            with self._lock:
                self._books.note(call)
                if call.request is not None:
                    costs = self._costs(call.request.model, call.billed_tier, usage, call.whereabouts)
                    self._learn(call, call.request, usage, costs)
                elif call.model is not None:
                    costs = self._costs(call.model, call.billed_tier, usage, call.whereabouts)
                    self._books.book_unread(call.model, call.billed_tier, usage, costs)
                    if call.unread:
                        self.talk.unread(call.unread)
                else:
                    self._books.book_unknown(str(call.sent.get("modelId")), usage)
                self._books.look(call, costs)
        except Exception as error:
            self.talk.failure("observing", error)
        self._record(call, usage, costs, False)

    def _record(self, call: Call, usage: Usage | None, costs: tuple[Cost, Cost] | None, failed: bool) -> None:
        if self.recorder is None:
            return None
        try:
            if call.restored and call.request is not None:  # what the caller wrote went out in the end
                with self._lock:
                    call.request = self._requests.read(call.original)
            minimum = self._minimum(call.request) if call.request is not None else 0
        except Exception as error:
            return self.talk.failure("recording", error, "the call is not recorded")
        self.recorder.record(call, usage, costs, minimum, self.stopwatch(), failed)
        if self._dropped:
            self.settle()
        return None

    def kept_alive(self, params: Params, usage: Usage | None, at: float, left: float, whereabouts: Whereabouts) -> None:
        """A keep-alive of ours came back, or failed: it is recorded like any other call."""
        if self.recorder is None:
            return None
        try:
            with self._lock:
                request = self._requests.read(params)
                costs = self._costs(request.model, request.tier, usage, whereabouts) if usage is not None else None
        except Exception as error:
            return self.talk.failure("recording", error, "the call is not recorded")
        call = Call(at, params, params, request, whereabouts=whereabouts, tags=self.recorder.tags, left=left)
        call.source, call.done = "keep-alive", True
        return self._record(call, usage, costs, usage is None)

    def _learn(self, call: Call, request: Request, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        now = self.clock()
        self._books.book(request, usage, costs)
        if call.rehearsed is not None:
            self._rehearse(call, call.rehearsed, usage, costs)
        if call.planned and not call.restored:
            self.talk.say(self.planner.observe(request, usage, now=now) or ())
        if call.changed:
            self._refusals.pop(request.model.given, None)
        if self.options.notices and not call.restored:
            self.talk.say(self._noticer.look(request, usage, self._minimum(request)))
        if self.keeper is not None:
            self.keeper.used()
        if self.keep_alive is not None and (call.arm is None or not call.arm.held_out):
            self.keep_alive.used(request, usage, call.at)

    def _rehearse(self, call: Call, played: Rehearsed, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        """The planner learns, and the books tell, what would have been billed."""
        would = played.usage(usage)
        self.planner.observe(played.request, would, now=self.clock())
        if costs is not None:
            priced = self._costs(played.request.model, played.request.tier, would, call.whereabouts)
            call.planned_usd = priced[0].usd if priced is not None else None
            self._books.rehearsed(costs[0].usd, call.planned_usd)

    def _refused(self, call: Call) -> None:
        """The service refused a request that we had changed, and took the original: our points were at fault."""
        model, message = str(call.original.get("modelId")), call.refusal
        with self._lock:
            self._refusals[model] = self._refusals.get(model, 0) + 1
            if self._refusals[model] >= _REFUSALS_UNTIL_SUSPENDED:
                self._suspended[model] = self.clock() + SUSPENDED_S
                self._refusals[model] = 0
        self.talk.once(
            f"refused {model} {message[:60]}",
            f"the service refused the cachePoints planned for {model} ({message[:200]}); the request was sent again "
            "without them. Please report this: a plan should never be refused",
        )

    # Books --------------------------------------------------------------------------------------------------

    def today(self) -> date:
        """The day whose prices apply, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def _costs(self, model: ModelId, tier: Tier, usage: Usage, whereabouts: Whereabouts) -> tuple[Cost, Cost] | None:
        """What a call costs today, and without caching, in the Region that it went to."""
        return self._books.costs(model, tier, usage, self.today(), model.region or whereabouts.region)

    def price(self, request: Request, unit: Unit) -> Usd | None:
        """A price of a request's model today, in US dollars per million tokens."""
        return self._books.usd_per_mtok(request, unit, self.today())

    def report(self) -> Report:
        self.settle()
        with self._lock:
            spent = self.keep_alive.spent_usd if self.keep_alive is not None else Usd(0)
            return self._books.report(self.since, self.clock(), spent, self.talk.notices)

    def keep_state(self, path: Path, *, troubled: bool = False) -> None:
        """Save what the planner learns to a file from now on; ``troubled``: that it may fail was said already."""

        def failed(error: Exception) -> None:
            if not troubled:
                self.talk.failure("saving what was learned", error)

        self.keeper = Keeper(self.planner, path, lambda: self._lock, failed)

    def detached(self) -> None:
        """No further calls will come: what was learned is saved now, and nothing is kept alive any more."""
        self.settle()
        if self.keep_alive is not None:
            self.keep_alive.stop()
        if self.keeper is not None:
            self.keeper.save()

    # Fork ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Nobody is inside while the process is copied, so the copy is whole."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """New locks, and nothing under way: the calls of the parent answer to the parent."""
        self._lock = lock_of(self.planner)
        renew = getattr(self.resolve, "renew_lock", None)
        if renew is not None:
            renew()
        self._tower = Tower(self.options.hold_s)
        self._read, self._dropped = set(), deque()
        if self.keep_alive is not None:
            self.keep_alive.after_fork_in_child()
        if self.keeper is not None:
            self.keeper.after_fork_in_child()


def _prefixes(request: Request, minimum: int) -> list[tuple[PrefixHash, float]]:
    """The prefixes that a request's points close and that are long enough, each with the seconds it lives."""
    usual = request.usual_ttl
    return [
        (request.hashes[point.after], float((point.ttl or usual).seconds))
        for point in request.prompt.points
        if request.prompt.depths[point.after] >= minimum
    ]
