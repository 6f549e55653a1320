"""A request, read once: its model, tier, dialect, body and prompt, passed down as one."""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from rockbottom.catalog import CacheRules, Catalog, ModelId, NoRulesInForce, Resolve, Tier
from rockbottom.dialects.dialect import Dialect
from rockbottom.dialects.members import PERFORMANCE_CONFIG, SERVICE_TIER
from rockbottom.dialects.reading import BodyReader
from rockbottom.dialects.registry import dialect_of
from rockbottom.prompt import (
    Api,
    MalformedBody,
    Placement,
    PrefixHash,
    Prompt,
    Section,
    prefix_hashes,
    seeds_of,
    with_placements,
)
from rockbottom.quantities import Ttl, is_object, json_bytes, json_text

_TIERS = {"default": Tier.DEFAULT, "flex": Tier.FLEX, "priority": Tier.PRIORITY, "reserved": Tier.RESERVED}
_MOST_MODELS = 4096

Params = dict[str, Any]
"""The keyword arguments of ``converse`` or ``invoke_model``, modelId included; or the body of another surface."""


def model_id_of(arguments: Mapping[str, Any]) -> str:
    """The id of the model that is asked: ``modelId``, or ``model`` in a body that names it itself."""
    return str(arguments.get("modelId") or arguments.get("model") or "")


def tier_of(arguments: Mapping[str, Any]) -> Tier:
    """The service tier that is asked for; one that has no prices of its own counts as the default."""
    return tier_in(arguments) or Tier.DEFAULT


def tier_in(members: Mapping[str, Any]) -> Tier | None:
    """The tier that a request asks for or a reply names, spelled for either API; None where none is.

    Latency-optimized inference has prices of its own, and is a setting beside the tier.
    """
    latency, tier = members.get(PERFORMANCE_CONFIG), named_tier(members)
    named = latency.get("latency") if is_object(latency) else members.get("performanceConfigLatency")
    if named == "optimized":
        return Tier.OPTIMIZED
    return _TIERS.get(str(tier)) or (Tier.DEFAULT if named or tier else None)


def asking_for(tier: Tier, api: Api) -> dict[str, Any]:
    """The members with which a body asks for a tier; none for the default, and none where the operations take none."""
    if tier not in (Tier.FLEX, Tier.PRIORITY) or api.wrapped:
        return {}
    return {"service_tier": tier.value} if api.names_model else {SERVICE_TIER: {"type": tier.value}}


def named_tier(members: Mapping[str, Any]) -> str | None:
    """The tier that a body asks for as it is spelled, also one that is not known; None where it names none."""
    tier = members.get(SERVICE_TIER) or members.get("service_tier")
    return tier.get("type") if is_object(tier) else tier


def opened(arguments: Mapping[str, Any], vendor: str = "") -> tuple[Api, Mapping[str, Any]]:
    """The family of operations and the body of the arguments of converse() (which are their body) or invoke_model().

    The body of invoke_model() is JSON text, or what was read of it.

    A body that names its ``model`` itself is one of Responses where it has an ``input``, else of Messages for
    Anthropic's models and of Chat Completions for those of others. Raises MalformedBody when an invoke_model body is
    not JSON text of an object.
    """
    if "modelId" not in arguments and "model" in arguments:
        if "input" in arguments or "previous_response_id" in arguments:
            return Api.RESPONSES, arguments
        return (Api.MESSAGES if vendor == "anthropic" else Api.CHAT), arguments
    if "body" not in arguments:
        return Api.CONVERSE, arguments
    text = arguments["body"]
    if is_object(text):  # whoever carries it has read it already
        return Api.INVOKE, text
    if not isinstance(text, str | bytes | bytearray):
        raise MalformedBody("body", type(text).__name__, wanted="text or bytes")
    try:  # JSON on the wire is UTF-8 without a byte order mark (RFC 8259, 8.1); json would guess other encodings
        body = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedBody("body", f"{type(error).__name__}: {error}", wanted="JSON") from error
    if not is_object(body):
        raise MalformedBody("body", type(body).__name__, wanted="an object")
    return Api.INVOKE, body


def _closed(arguments: Mapping[str, Any], body: Mapping[str, Any], api: Api) -> Mapping[str, Any]:
    """The arguments with another body, as the type that the caller gave."""
    if not api.wrapped:
        return body
    if is_object(arguments["body"]):
        return {**arguments, "body": body}
    as_text = isinstance(arguments["body"], str)
    return {**arguments, "body": json_text(body) if as_text else json_bytes(body)}


@dataclass(slots=True, eq=False, repr=False)
class Request(Mapping[str, Any]):
    """The arguments of a call, read (see ``Params``). As a mapping it is those arguments; a deep copy is a dict.

    ``body`` is the decoded body, ``prompt`` what it says in canonical order, ``requests`` who read it, by the facts of
    its catalogue. ``key`` is by what a planner knows a request of its own again. ``host`` is "bedrock-mantle" for a
    request that goes there, "" for one to bedrock-runtime.
    """

    requests: "RequestReader"
    model: ModelId
    tier: Tier
    dialect: Dialect
    body: Mapping[str, Any]
    prompt: Prompt
    key: PrefixHash | None
    _as_given: Mapping[str, Any]
    _arguments: Mapping[str, Any] | None = None
    _hashes: tuple[PrefixHash, ...] | None = None
    host: str = ""
    _stable: int | None = None

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arguments)

    def __len__(self) -> int:
        return len(self.arguments)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(dict(self.arguments), memo)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What boto3 is given: the very object that was read, where nothing was changed."""
        if self._arguments is None:
            self._arguments = _closed(self._as_given, self.body, self.dialect.api)
        return self._arguments

    @property
    def hashes(self) -> tuple[PrefixHash, ...]:
        """``hashes[i]`` names the first ``i`` segments, among requests read by the same catalogue."""
        if self._hashes is None:
            model = self.model.model.id
            scope = self.requests.thinking_scope(self.model)
            seeds = seeds_of((model, self.dialect.api.value), self.prompt.parameters, scope)
            self._hashes = prefix_hashes(self.prompt.segments, seeds)
        return self._hashes

    @property
    def stable(self) -> int:
        """How many segments tools and system are: the part that a family of requests shares."""
        if self._stable is None:
            segments = self.prompt.segments
            messages = (i for i, segment in enumerate(segments) if segment.section is Section.MESSAGES)
            self._stable = next(messages, len(segments))
        return self._stable

    @property
    def usual_ttl(self) -> Ttl:
        """The lifetime that a point without one means for this model; five minutes where no rule says."""
        return self.requests.usual_ttl(self.model)

    @property
    def adds_point(self) -> bool:
        """Whether the service adds a point of its own to requests of this model, unless they forbid it."""
        rules = self.requests.rules(self.model)
        return rules is not None and rules.implicit_point

    @property
    def default_ttl(self) -> Ttl:
        """The lifetime of writes for which the reply names none: the one that every point asks for, or the usual."""
        ttls = {point.ttl for point in self.prompt.points}
        return next(iter(ttls), None) or self.usual_ttl if len(ttls) == 1 else self.usual_ttl

    def with_body(self, body: Mapping[str, Any]) -> "Request":
        """The request with another body of its dialect, which is read. Raises MalformedBody."""
        prompt = self.dialect.read(body, self.requests.reader.meter(self.model.model))
        return Request(
            self.requests, self.model, self.tier, self.dialect, body, prompt, self.key, self._as_given, host=self.host
        )

    def with_points(
        self, placements: Iterable[Placement], key: PrefixHash | None = None, *, explicit_only: bool = False
    ) -> "Request":
        """The request with points put into its body, known by ``key``; nothing is read anew.

        ``explicit_only``: the service is told to add none of its own.
        """
        listed = tuple(placements)
        body = self.dialect.with_points(self.body, self.prompt, listed) if listed else self.body
        prompt = with_placements(self.prompt, listed) if listed else self.prompt
        if explicit_only:
            body, prompt = self.dialect.explicit_only(body), replace(prompt, implicit=False)
        arguments = self._arguments if body is self.body else None
        return Request(
            self.requests, self.model, self.tier, self.dialect, body, prompt, key, self._as_given, arguments,
            self._hashes, self.host, self._stable,
        )  # fmt: skip


class RequestReader:
    """Reads requests by the facts of one catalogue; not thread-safe. ``resolve`` looks application-profile ARNs up.

    ``region`` is the Region that they go to, for models whose id names none.
    """

    def __init__(self, catalog: Catalog, resolve: Resolve | None = None, region: str | None = None) -> None:
        self.catalog = catalog
        self._region = region
        self.reader = BodyReader.of(catalog)
        self._resolve = resolve
        self._models: dict[str, ModelId] = {}
        self._scopes: dict[str, str] = {}

    def read(self, arguments: Mapping[str, Any], host: str = "") -> Request:
        """The arguments of a call (see ``Params``) to a host as a request. Raises RockbottomError for what is none."""
        model = self.model(model_id_of(arguments))
        api, body = opened(arguments, model.model.vendor)
        dialect = dialect_of(api, model.model)
        prompt = dialect.read(body, self.reader.meter(model.model))
        return Request(self, model, tier_of(arguments), dialect, body, prompt, None, arguments, arguments, host=host)

    def model(self, model_id: str) -> ModelId:
        """The model of an id or ARN. Raises RockbottomError."""
        known = self._models.get(model_id)
        if known is None:
            known = self.catalog.model(model_id, self._resolve)
            if known.region is None and self._region is not None:
                known = replace(known, region=self._region)
            if len(self._models) >= _MOST_MODELS:
                self._models.clear()
            self._models[model_id] = known
        return known

    def rules(self, model: ModelId) -> CacheRules | None:
        """The newest rules of a model; None where there are none."""
        try:
            return self.catalog.rules(model, date.max)
        except NoRulesInForce:
            return None

    def usual_ttl(self, model: ModelId) -> Ttl:
        """The lifetime that a point without one means for a model; five minutes where no rule says."""
        rules = self.rules(model)
        return rules.ttls[0] if rules is not None and rules.ttls else Ttl.FIVE_MINUTES

    def thinking_scope(self, model: ModelId) -> str:
        """How far a changed thinking setting reaches for a model, as far as it was measured."""
        scope = self._scopes.get(model.model.id)
        if scope is None:
            scope = self.catalog.switches_of(model, date.max)["thinking_scope"].default
            self._scopes[model.model.id] = scope
        return scope
