"""The operations of bedrock-runtime: a call is read and checked, counted against the cache, answered, and put into
the body of its API.

Everything here is synchronous and cheap; waiting (latency, faults, an upstream) is the application's business.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

from rockbottom.cache import CacheOutcome, Entry, EntryKey, Namespace, outcome, refusal
from rockbottom.catalog import MANTLE, CacheRules, CatalogError, ModelId, Phase, Scope, known_burndown, lifecycles
from rockbottom.dialects import CONVERSE, Dialect, api_of, dialect_for, native_dialect_for
from rockbottom.local.accepted import check_tier
from rockbottom.local.answers import NeutralReply, Script, scripted
from rockbottom.local.asked import NeutralRequest, asked_of
from rockbottom.local.bodies import object_of
from rockbottom.local.calls import CountedCall, RuntimeCall, neutral_of
from rockbottom.local.conversations import check_alternation, check_conversation
from rockbottom.local.embeddings import embedding_model
from rockbottom.local.failures import END_OF_LIFE, ServiceFailure, invalid
from rockbottom.local.guarded_bodies import guarded_body
from rockbottom.local.guardrails import INTERVENED, Guarded
from rockbottom.local.native import (
    check_anthropic,
    check_message_body,
    check_nova,
    check_required,
    check_unanswered,
    malformed,
)
from rockbottom.local.projects import project_of
from rockbottom.local.refusal_texts import failure_of
from rockbottom.local.requested import calls_at_once
from rockbottom.local.retention import INHERIT
from rockbottom.local.shapes import BodyChecker, body_checker, service_model
from rockbottom.local.state import EndpointState, script_from
from rockbottom.prompt import Api, MalformedBody, Prompt
from rockbottom.wire import Json

_CHECKS: Mapping[str, Callable[[Json, str], None]] = {
    "converse": check_conversation,
    "anthropic": check_anthropic,
    "nova": check_nova,
    "messages": check_message_body,
}
"""Finer checks than that of the members that a dialect must have, by its name: of a body to a model (its bare id)."""
_UNCOUNTED = "The provided model doesn't support counting tokens."
_TIER = b"x-amzn-bedrock-service-tier"


class Runtime:
    """Reads, counts and answers; one per endpoint."""

    def __init__(self, state: EndpointState) -> None:
        self._state = state
        model = service_model("bedrock-runtime")
        self._checks: Mapping[str, BodyChecker] = {
            name: body_checker(model, name) for name in ("Converse", "ConverseStream", "CountTokens")
        }
        self._models: dict[str, ModelId] = {}

    def count_tokens(self, call: RuntimeCall) -> Json:
        """The reply of CountTokens. Raises ServiceFailure."""
        counted = self._checks["CountTokens"](object_of(call.body))["input"]
        if embedding_model(call.model) is not None:
            raise invalid(_UNCOUNTED)
        model = self.model(call.model)
        if model.scope is not Scope.IN_REGION or model.application_profile or not model.model.count_tokens:
            raise invalid(_UNCOUNTED)
        if "converse" in counted:
            dialect, body = CONVERSE, counted["converse"]
        else:
            body = object_of(_unbase64(counted["invokeModel"].get("body")))
            dialect = self._dialect("InvokeModel", model, body)
        return {CONVERSE.counters.input: self.tokens_of(dialect, body, model)}

    def tokens_of(self, dialect: Dialect, body: Json, model: ModelId) -> int:
        """The input tokens of a body. Raises ServiceFailure."""
        self._check(dialect, body, model)
        rules = self._rules(model, self._state.clock.now())
        prompt = self._prompt(body, dialect, model)
        residual = rules.residual_tokens_with_tools if prompt.has_tools else rules.residual_tokens
        return prompt.tokens + residual

    def _refuse_ended(self, model_id: str) -> None:
        """Raises ServiceFailure for a model that is past its end of life at the endpoint's clock."""
        known = lifecycles(self._state.catalog).get(model_id)
        if known is not None and known.ends_on is not None:
            on = datetime.fromtimestamp(self._state.clock.now(), UTC).date()
            if known.phase(on) is Phase.ENDED:
                raise ServiceFailure("ResourceNotFoundException", END_OF_LIFE, hint=f"it ended on {known.ends_on}")

    def read(self, call: RuntimeCall, *, own_answer: bool) -> CountedCall:
        """Check a call and count it; with ``own_answer`` the endpoint's reply too. Raises ServiceFailure.

        The entries that it writes are in the memory afterwards, waiting for ``begin`` to be readable.
        """
        body = object_of(call.body)
        if call.operation in self._checks:
            self._checks[call.operation](body)
        model = self.model(call.model)
        self.check_on_demand(model)
        return self.counted(call, self._dialect(call.operation, model, body), body, model, own_answer=own_answer)

    @staticmethod
    def check_on_demand(model: ModelId) -> None:
        """Raise for a bare id that only profiles reach."""
        if model.model.in_region is False and model.scope is Scope.IN_REGION and not model.application_profile:
            raise by_profiles_alone(model.given)

    def counted(
        self, call: RuntimeCall, dialect: Dialect, body: Json, model: ModelId, *, own_answer: bool
    ) -> CountedCall:
        """Check a body and count it (see ``read``). Raises ServiceFailure."""
        self._refuse_ended(model.model.id)
        state = self._state
        place = call.place
        project = state.projects.mode_of(place, project_of(call.headers)) if place.host == MANTLE else INHERIT
        state.retention.check(place, model.model.id, project)
        self._check(dialect, body, model)
        if dialect.vendor == "anthropic" and body.get("max_tokens") == 0:
            check_unanswered(body, stream=call.stream)
        if tier := call.headers.get(_TIER):
            check_tier(tier.decode("latin-1"))
        now = state.clock.now()
        prompt = self._prompt(body, dialect, model)
        rules = state.sides.rules_of(self._rules(model, now), model.model.vendor, points=bool(prompt.points))
        refused = None
        if prompt.points:
            refused = refusal(prompt, rules, state.sides.behaviour) or state.sides.refused(prompt)
        if refused is not None:
            raise failure_of(refused, prompt, model.model.vendor, state.sides.unsupported_code)
        window = model.model.context_window
        if window is not None and prompt.tokens > window:
            raise invalid("Input is too long for requested model.")
        guarded = state.guardrails.on(guarded_body(call, dialect, body))
        return self._counted(call, dialect, body, model, rules, prompt, now, own_answer, guarded)

    def _counted(
        self,
        call: RuntimeCall,
        dialect: Dialect,
        body: Json,
        model: ModelId,
        rules: CacheRules,
        prompt: Prompt,
        now: float,
        own_answer: bool,
        guarded: Guarded | None,
    ) -> CountedCall:
        state, caller = self._state, call.caller
        pace = state.latency.pace_of(model.model.id)
        region = state.router.serving(model, caller.account, model.region or caller.region)
        host = MANTLE if call.surface is not None and call.surface.host == MANTLE else ""
        namespace = Namespace(caller.account, region, model.model.id, host)
        entries: Mapping[EntryKey, Entry] = {} if state.sides.unread(prompt, rules) else state.memory.entries
        result = outcome(entries, prompt, now, rules, state.sides.behaviour, namespace, inf)
        if guarded is not None and guarded.input.blocked:  # the model is not asked, and nothing is cached
            result = CacheOutcome(0, {}, 0, 0, result.points, ())
        counted = CountedCall(
            call,
            dialect,
            body,
            model,
            self._task_of(dialect, body, guarded, model),
            state.reader.meter(model.model).tokens_of_text,
            result,
            namespace,
            now,
            bool(prompt.points),
            pace,
            self._script(call),
            guarded,
            state.sides.behaviour.gpt_stream_counters == "overlapping",
        )
        if guarded is not None and guarded.input.blocked:
            counted.answer = NeutralReply(({"text": guarded.blocked_text},), INTERVENED, 0)
            return counted
        if own_answer or counted.script is not None:
            counted.answer = self._answer(counted)
        if state.quotas.limits:
            self._admit_or_keep_script(counted, now)
        if result.changes:
            state.memory.apply(result.changes, namespace, now)
        return counted

    def _answer(self, counted: CountedCall) -> NeutralReply:
        if counted.script:
            return scripted(counted.script, counted.asked, counted.count)
        return self._state.answerer.answer(counted.asked, counted.count)

    def _admit_or_keep_script(self, counted: CountedCall, now: float) -> None:
        """Admit a request, or put the answer that a test has queued for it back: its retry shall have it."""
        try:
            self._admit(counted, now)
        except ServiceFailure:
            if counted.script is not None and b"x-rockbottom-reply" not in counted.call.headers:
                self._state.scripts.appendleft(counted.script)
            raise

    def begin(self, counted: CountedCall) -> None:
        """The response starts: what the call wrote becomes readable."""
        if counted.outcome.changes:
            lag = self._state.sides.nova_lag_s if counted.model.model.vendor == "amazon" else 0.0
            self._state.memory.show(counted.outcome.changes, self._state.clock.now() + lag)

    def end(self, counted: CountedCall, after_s: float = 0.0) -> None:
        """The response has ended, or will in ``after_s``: where lifetimes are counted from there, they begin."""
        if counted.outcome.changes and self._state.sides.lasts_from_end:
            self._state.memory.renew(counted.outcome.changes, self._state.clock.now() + after_s)

    def _script(self, call: RuntimeCall) -> Script | None:
        raw = call.headers.get(b"x-rockbottom-reply")
        if raw is not None:
            return script_from(object_of(raw))
        return self._state.next_script(call.operation, call.model)

    def _admit(self, counted: CountedCall, now: float) -> None:
        model, quotas = counted.model.model.id, self._state.quotas
        burndown = quotas.burndown(counted.call.model, known_burndown(model))
        output = counted.answer.output_tokens if counted.answer else 0
        reserved = counted.fresh + max(counted.asked.max_tokens or 0, output * burndown)
        caller = counted.call.caller
        quotas.admit(
            (caller.account, caller.region, counted.call.model), reserved, counted.fresh + output * burndown, now
        )

    def model(self, name: str) -> ModelId:
        """The model of an id as bedrock-runtime takes it. Raises ServiceFailure."""
        known = self._models.get(name)
        if known is not None:
            return known
        try:
            model_id = self._state.catalog.model(name, self._state.model_behind)
        except CatalogError as error:
            raise ServiceFailure(
                "ValidationException", "The provided model identifier is invalid.", hint=str(error)
            ) from error
        if model_id.application_profile is not None:
            return model_id
        bare = name.rpartition("/")[2]
        if bare not in (model_id.model.id, f"{model_id.scope.value}.{model_id.model.id}"):
            raise ServiceFailure(
                "ValidationException",
                "The provided model identifier is invalid.",
                hint=f"did you mean {model_id.model.id}?",
            )
        if len(self._models) < 4096:
            self._models[name] = model_id
        return model_id

    def _rules(self, model: ModelId, now: float) -> CacheRules:
        try:
            return self._state.catalog.rules(model, datetime.fromtimestamp(now, UTC).date())
        except CatalogError as error:
            raise invalid(f"{error} (the endpoint's clock is set to a day before that)") from error

    @staticmethod
    def _dialect(operation: str, model: ModelId, body: Json) -> Dialect:
        api = api_of(operation)
        native = (
            native_dialect_for(model.model, body) if api is Api.INVOKE and model.model.vendor != "anthropic" else None
        )
        dialect = native or dialect_for(api, model.model.vendor)
        if dialect is None:
            raise invalid("This action doesn't support the model that you provided. Try again with a supported model.")
        return dialect

    def _check(self, dialect: Dialect, body: Json, model: ModelId) -> None:
        try:
            check_required(dialect, body)
            if dialect.api is Api.CONVERSE and self._state.sides.alternates:
                check_alternation(body["messages"])
            check = _CHECKS.get(dialect.name)
            if check is not None:
                check(body, model.model.id)
        except (AttributeError, KeyError, TypeError, IndexError) as error:
            raise malformed(f"{type(error).__name__}: {error}") from error

    @staticmethod
    def _task_of(dialect: Dialect, body: Json, guarded: Guarded | None, model: ModelId) -> NeutralRequest:
        try:
            task = asked_of(neutral_of(dialect, body, guarded))
            task.at_once = model.model.vendor == "anthropic" and calls_at_once(body)
            return task
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise malformed(f"{type(error).__name__}: {error}") from error

    def _prompt(self, body: Json, dialect: Dialect, model: ModelId) -> Prompt:
        try:
            return dialect.read(body, self._state.reader.meter(model.model))
        except MalformedBody as error:
            raise malformed(str(error)) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise malformed(f"{type(error).__name__}: {error}") from error


def by_profiles_alone(name: str) -> ServiceFailure:
    """The refusal of a bare id that only profiles reach."""
    return invalid(
        f"Invocation of model ID {name} with on-demand throughput isn’t supported. Retry your "
        "request with the ID or ARN of an inference profile that contains this model."
    )


def _unbase64(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise ServiceFailure("SerializationException", f"input.invokeModel.body is not base64: {error}") from error
