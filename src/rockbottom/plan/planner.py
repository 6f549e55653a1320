"""The planner: what it has seen, and the decision about the next request."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rockbottom.cache import Behaviour, as_sent, refusal
from rockbottom.catalog import Catalog, ModelId, Resolve, Tier, load_catalog
from rockbottom.dialects import Request, RequestReader, usage_of
from rockbottom.plan.chains import Chains
from rockbottom.plan.clock import SteadyClock
from rockbottom.plan.conditions import Conditions, conditions_of
from rockbottom.plan.decision import Decision, Mind
from rockbottom.plan.fronts import Changing, fixed_of
from rockbottom.plan.guard import Guard
from rockbottom.plan.history import History
from rockbottom.plan.holding import changes, held_back, paused, uninsured
from rockbottom.plan.implicit import ImplicitDecision
from rockbottom.plan.kinds import PromptShape, shape_of
from rockbottom.plan.pending import Pending
from rockbottom.plan.plans import NO_POINTS, NO_PRICE, OWN_POINTS, Apply, CachePlan
from rockbottom.plan.preparing import Preparing, Ready, moves_of
from rockbottom.plan.prices import day_of
from rockbottom.plan.priors import Counts, load_priors
from rockbottom.plan.returns import ClassKey, Returns
from rockbottom.plan.settling import extra_of, observed_of, settle
from rockbottom.plan.sightings import Planned, Sighting, moved, packed
from rockbottom.plan.state import Lock, Saved, load, new_secret, save, secret_in
from rockbottom.plan.witnessing import Witness
from rockbottom.prompt import PrefixHash, Prompt
from rockbottom.quantities import RockbottomError, Ttl, Usage

CAPACITY = 200_000
"""Prefixes remembered, a stretch sent only together counting as two more: at most some 40 MB."""

_IN_FLIGHT_S, _IN_FLIGHT_UNOBSERVED_S = 600.0, 30.0
_IN_FLIGHT_LIMIT = 10_000
_IN_FLIGHT_SEGMENTS = 500_000
_ZERO = Decimal(0)


class Planner:
    """Decides about cachePoints, request by request, from what it has seen; one for each account and Region.

    ``resolve`` gives the model id behind the ARN of an application inference profile. ``own_points`` says what
    happens to a request that carries cachePoints of its own: ``"keep"`` (left alone), ``"complete"`` (kept,
    more added) or ``"replace"``. ``move_volatile`` and ``sort_tools`` allow changes of content: sentences that
    change with every call go behind the conversation, tools into the order of their names. ``secret`` keys the
    hashes by which prefixes are known (default: a new one), ``capacity`` is how many prefixes are remembered.
    ``catalog`` and ``behaviour`` take the place of the packaged facts; ``priors`` are the counts of returns from which
    learning starts. Not thread-safe: a caller with threads holds one lock around each call.

    ```python
    import time, rockbottom

    planner = rockbottom.Planner(own_points="complete")
    request = {
        "modelId": "us.anthropic.claude-sonnet-4-6",
        "system": [{"text": "You answer questions about our plans. " * 400}],
        "messages": [{"role": "user", "content": [{"text": "What does Basic cost?"}]}],
    }
    plan = planner.plan(request, now=time.time())
    print(plan.explain())
    sent = plan.apply(request)  # a new request; the one above stays as it is
    ```
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        own_points: str = "keep",
        catalog: Catalog | None = None,
        behaviour: Behaviour | None = None,
        secret: bytes | None = None,
        move_volatile: bool = False,
        sort_tools: bool = False,
        capacity: int = CAPACITY,
        priors: Mapping[ClassKey, Counts] | None = None,
    ) -> None:
        if own_points not in ("keep", "complete", "replace"):
            raise RockbottomError(f"own_points is {own_points!r}; it may be 'keep', 'complete' or 'replace'")
        self.catalog = catalog or load_catalog()
        self._given_catalog, self._caching_since = catalog is not None, self.catalog.caching_since
        self._requests = RequestReader(self.catalog, resolve)
        self.own_points = own_points
        self.guard = Guard()
        self.returns = Returns(load_priors() if priors is None else priors)
        self.history = History(capacity)
        self.behaviour = behaviour
        self._mind = Mind(self.returns, self.guard)
        self.notices: list[str] = []
        """Sentences for whoever runs this planner, oldest first."""
        self.tell: Callable[[Sighting], None] | None = None
        """Is told of every request that is planned here and of every usage, for planners that ``witness`` it."""
        self._witness = Witness(self._mind, self.history)
        self._secret = new_secret() if secret is None else secret
        self._saved = Saved.of(self.returns, self.guard)
        self._preparing = Preparing(own_points, move_volatile, sort_tools)
        self._chains = Chains()
        self._conditions: dict[tuple[RequestReader, str, Tier, date], Conditions] = {}
        self._pending: OrderedDict[PrefixHash, Pending] = OrderedDict()
        self._segments_in_flight = 0
        self._held: set[tuple[tuple[str, ...], str]] = set()  # accounts and ways in which it was said
        self._observes = self._alone = False
        self._clock = SteadyClock()

    # -- the public face ---------------------------------------------------------------------------

    def plan(self, request: Mapping[str, Any], *, now: float) -> CachePlan:
        """The plan for a request leaving at ``now``, in seconds since the epoch; an unreadable one gets an empty plan.

        A ``dialects.Request`` is not read again, and is judged by the facts that it was read with, unless this planner
        was given a catalogue of its own.
        """
        before = len(self.notices)
        try:
            ready = self._prepared(request, now, count=True)
        except RockbottomError as error:
            self._mind.unread(error, now)
            return CachePlan(str(request.get("modelId", "")), 0, reason=f"left as it is: {error}")
        plan = self._planned(
            ready.request.prompt, ready.conditions, now, ready.end, ready.stamped_block, changing=ready.changing,
            host=ready.request.host,
        )  # fmt: skip
        if len(self.notices) > before:
            plan = replace(plan, notices=tuple(self.notices[before:]))
        moves = () if plan.key is None else moves_of(ready)  # without a key: left alone
        if plan.key is None or (not (plan.placements or moves or ready.bared) and plan.implicit is not False):
            return plan
        return replace(plan, moves=moves, _apply=self._applier(request, ready, plan))

    def check(self, request: Mapping[str, Any], *, now: float) -> None:
        """Raises RockbottomError where ``plan`` would leave a request as it is because it cannot be read."""
        self._prepared(request, now, count=False)

    def _applier(self, request: Mapping[str, Any], ready: Ready, plan: CachePlan) -> Apply:
        def apply(target: Mapping[str, Any]) -> Request:
            same = ready if target is request else self._prepared(target, self._clock.machine_now, count=False)
            return same.request.with_points(plan.placements, plan.key, explicit_only=plan.implicit is False)

        return apply

    def _prepared(self, arguments: Mapping[str, Any], now: float, *, count: bool) -> Ready:
        """The request read, with the changes of content that the caller allows. Raises RockbottomError."""
        request = arguments if isinstance(arguments, Request) else self._requests.read(arguments)
        conditions = self._conditions_of(request.requests, request.model, request.tier, now)
        return self._preparing.ready(request, conditions, count)

    def plan_prompt(
        self, prompt: Prompt, model_id: str, now: float, tier: Tier = Tier.DEFAULT, contents: Sequence[bytes] = ()
    ) -> CachePlan:
        """The plan for a prompt that was read already, or made of a trace (``contents``: see ``Fronts.see``)."""
        try:
            conditions = self._conditions_of(self._requests, self._requests.model(model_id), tier, now)
        except RockbottomError as error:
            return CachePlan(model_id, prompt.tokens, reason=f"left as it is: {error}")
        return self._planned(prompt, conditions, now, changing=self._preparing.fronts.see(prompt, contents))

    def observe(self, request: Mapping[str, Any] | CachePlan, usage: object, *, now: float) -> Sequence[str]:
        """Learn from the ``usage`` object of a reply; ``request`` is the plan, or the request (applied or not).

        Returns the notices so far: sentences for whoever runs this planner, the oldest first.
        """
        key = self._key_of(request, now)
        pending = self._pending.get(key) if key is not None else None
        if pending is not None and key is not None:
            self._landed(key)
            counted = usage_of(usage, Ttl.ONE_HOUR, pending.hour_share)
            if counted is not None:
                self._observes = True
                self._settle(key, pending, counted, now)
        return self.notices

    def save(self, path: str | Path, *, lock: Lock | None = None, wait_s: float = 10.0) -> None:
        """Add what was learned to a file for several processes, which are waited for at most ``wait_s`` seconds.

        ``lock`` is held to read what was learned. Raises UnreadableState.
        """
        learned = self.returns, self.guard, self.history, self._saved, self._mind.insurances
        save(path, self._secret, *learned, lock or nullcontext(), wait_s)

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> "Planner":
        """A planner that starts from what a file holds; options as for Planner(). Raises UnreadableState."""
        planner = cls(secret=secret_in(path), **options)
        planner._saved = load(path, planner.returns, planner.guard, planner.history, planner._mind.insurances)
        return planner

    # -- learning ----------------------------------------------------------------------------------

    def witness(self, sighting: Sighting, *, origin: str = "") -> None:
        """Learn from a request or a reply that another planner saw, as if it had come here; nothing is decided.

        Both planners must have the same ``secret``. ``origin`` names the other one; the sightings of one origin must
        come in the order in which they were made.
        """
        self._witness.take(moved(sighting, self._clock.ahead), origin)

    def alone(self, alone: bool) -> None:
        """Say whether other planners see a part of this traffic without what they see arriving here.

        A planner that sees every fourth turn of a conversation would learn that prefixes never return. So while it is
        alone no prefix is counted as having returned or not, and what was learned together stays in force.
        """
        if alone and not self._alone:
            self.returns.give_up()
        self._alone = alone

    def _settle(self, key: PrefixHash, pending: Pending, usage: Usage, now: float) -> None:
        extra, conditions = extra_of(pending, usage), pending.conditions
        self.guard.count(conditions.account, extra - pending.extra, Decimal(usage.total_input - pending.tokens))
        observed = observed_of(pending, key, usage, extra, now + self._clock.ahead)
        outcome = settle(self._mind, observed, pending)
        if outcome.paused:
            self.notices.append(paused(conditions, self._mind.trust(conditions.account)))
        if outcome.uninsured:
            self.notices.append(uninsured(conditions))
        if self.tell is not None:
            self.tell(moved(observed, -self._clock.ahead))

    def _key_of(self, request: Mapping[str, Any] | CachePlan, now: float) -> PrefixHash | None:
        if isinstance(request, CachePlan) or (isinstance(request, Request) and request.key is not None):
            return request.key
        try:
            ready = self._prepared(request, now, count=False)
        except RockbottomError:
            return None
        return self._keys(ready.request.prompt, ready.conditions, ready.request.host)[ready.end]

    # -- deciding ----------------------------------------------------------------------------------

    def _conditions_of(self, requests: RequestReader, model: ModelId, tier: Tier, now: float) -> Conditions:
        on = day_of(now, self._caching_since)
        key = (requests, model.given, tier, on)
        conditions = self._conditions.get(key)
        if conditions is None:
            catalog = self.catalog if self._given_catalog else requests.catalog
            conditions = conditions_of(catalog, model, tier, on, self._secret.hex(), self.behaviour)
            if len(self._conditions) >= 256:
                self._conditions.clear()
            self._conditions[key] = conditions
        return conditions

    def _keys(self, prompt: Prompt, conditions: Conditions, host: str) -> tuple[PrefixHash, ...]:
        seeds = conditions.seeds_for(prompt.parameters, prompt.api, host)
        return self._chains.hashes(as_sent(prompt, conditions.rules), seeds, fixed_of(prompt))

    def _planned(
        self,
        prompt: Prompt,
        conditions: Conditions,
        now: float,
        end: int | None = None,
        stamped_block: int = -1,
        *,
        changing: Changing | None = None,
        host: str = "",
    ) -> CachePlan:
        name = conditions.model.model.name
        if not conditions.rules.takes_points(prompt.api.value):
            return CachePlan(name, prompt.tokens, reason="this model accepts no cachePoint", left_alone=NO_POINTS)
        if conditions.multiples is None:
            return CachePlan(name, prompt.tokens, reason=f"{NO_PRICE}, so nothing is spent on it", left_alone=NO_PRICE)
        if not prompt.segments:
            return CachePlan(name, 0, reason="nothing to cache")
        now = self._clock.at(now)
        self.returns.settle(now)
        self.guard.see(prompt.tokens)
        shape = shape_of(prompt, end, stamped_block)
        keys = self._keys(prompt, conditions, host)[: shape.end + 1]
        joined = b"".join(keys[1:])
        visit = self.history.visit(joined, prompt.depths, shape.fixed, now)
        added = self.history.add(visit, joined, prompt.depths, (shape.fixed, shape.last, shape.end), now)
        if changing is not None:
            known = max(changing.at, visit.seen if changing.certain else 0)
            shape = shape.before(known, certain=changing.certain)
            if changing.certain:
                self._say_changing(prompt, conditions, changing)
        decide = ImplicitDecision if conditions.rules.implicit_point else Decision
        decision = decide(self._mind, prompt, conditions, shape, visit, added, keys[-1], now)
        if not self._alone:
            decision.values.watch(added, now)
        if (prompt.points or prompt.implicit is not None) and self.own_points == "keep":
            self._tell_others(conditions, joined, prompt, shape, None)
            return self._left_alone(prompt, conditions)
        plan = decision.made()
        if plan.held_back:
            self._say_once(conditions.account, plan.reason[:7], held_back(conditions, plan, self.guard))
        assert decision.pending is not None
        self._in_flight(keys[-1], decision.pending, now)
        self._tell_others(conditions, joined, prompt, shape, decision)
        return plan

    def _tell_others(
        self, conditions: Conditions, keys: bytes, prompt: Prompt, shape: PromptShape, decision: Decision | None
    ) -> None:
        """Tell others of a request; ``decision`` None: it was left alone."""
        if self.tell is not None:
            sending = decision.sending if decision is not None else None
            account, decided = conditions.account, decision is not None
            need = float(self.guard.asked.get(account, _ZERO))
            now, depths = self._clock.machine_now, packed(prompt.depths[: shape.end + 1])
            self.tell(Planned(account, now, prompt.tokens, keys, depths, shape, decided, sending, need))

    def _left_alone(self, prompt: Prompt, conditions: Conditions) -> CachePlan:
        """A request with points of its own; one that the service will refuse is named."""
        name, reason = conditions.model.model.name, "it has cachePoints of its own, which stay as they are"
        refused = refusal(prompt, conditions.rules, conditions.behaviour)
        if refused is not None:
            reason += f"; the service refuses the one at {prompt.place(refused.point)}: {refused.reason.value}"
            self._say_once(conditions.account, reason, f'{name}: {reason}. `own_points="replace"` takes them out.')
        return CachePlan(name, prompt.tokens, reason=reason, left_alone=OWN_POINTS)

    def _say_changing(self, prompt: Prompt, conditions: Conditions, changing: Changing) -> None:
        place = prompt.place(prompt.segments[min(changing.at, len(prompt.segments) - 1)])
        self._say_once(conditions.account, place, changes(conditions, prompt, changing, place))

    def _say_once(self, account: tuple[str, ...], about: str, notice: str) -> None:
        if (account, about) not in self._held:
            self._held.add((account, about))
            self.notices.append(notice)

    def _in_flight(self, key: PrefixHash, pending: Pending, now: float) -> None:
        if key in self._pending:
            self._landed(key)
        self._pending[key] = pending
        self._segments_in_flight += len(pending.depths)
        self.guard.count(pending.conditions.account, pending.extra, Decimal(pending.tokens), pending.risk)
        limit = _IN_FLIGHT_S if self._observes else _IN_FLIGHT_UNOBSERVED_S
        while self._pending:
            first = next(iter(self._pending))
            few = len(self._pending) <= _IN_FLIGHT_LIMIT and self._segments_in_flight <= _IN_FLIGHT_SEGMENTS
            if few and self._pending[first].at >= now - limit:
                break
            self._landed(first)

    def _landed(self, key: PrefixHash) -> None:
        """A plan is no longer in flight: what it was predicted, or is now observed, to cost stands."""
        pending = self._pending.pop(key)
        pending.writing.in_flight = False
        self._segments_in_flight -= len(pending.depths)
        self.guard.count(pending.conditions.account, _ZERO, _ZERO, -pending.risk)
