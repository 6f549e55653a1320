"""What one request is: its model, its prompt in canonical order, and which prefixes it has."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from rockbottom.catalog import Catalog, Model, ModelId, Resolve, Tier
from rockbottom.dialects import Reader, tier_of
from rockbottom.prompt import Api, CachePoint, Placement, PrefixHash, Prompt, Section, prefix_hashes, seeds_of
from rockbottom.quantities import TokenWeights, Ttl


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A request as the service will see it. ``hashes[i]`` names its first ``i`` segments."""

    model: ModelId
    tier: Tier
    body: Mapping[str, Any]
    prompt: Prompt
    hashes: tuple[PrefixHash, ...]

    @property
    def stable(self) -> int:
        """How many segments tools and system are: the part that a family of requests shares."""
        segments = self.prompt.segments
        return next((i for i, one in enumerate(segments) if one.section is Section.MESSAGES), len(segments))

    @property
    def default_ttl(self) -> Ttl:
        """The TTL of writes for which the reply names none: 1h where every point says so, else the usual one."""
        ttls = {point.ttl for point in self.prompt.points}
        if ttls == {Ttl.ONE_HOUR}:
            return Ttl.ONE_HOUR
        return Ttl.THIRTY_MINUTES if self.model.model.vendor == "openai" else Ttl.FIVE_MINUTES


class OnceReader(Reader):
    """A reader that knows the body it read last, so that the client and its planner read each request once."""

    def __init__(self, weights: Mapping[str, TokenWeights]) -> None:
        super().__init__(weights)
        self._last: tuple[Mapping[str, Any], Api, Model, Prompt] | None = None

    def read(self, body: Mapping[str, Any], api: Api, model: Model) -> Prompt:
        """As ``Reader``; the same object (not an equal one) is not read twice in a row."""
        last = self._last
        if last is not None and last[0] is body and last[1] is api and last[2] is model:
            return last[3]
        prompt = super().read(body, api, model)
        self._last = (body, api, model, prompt)
        return prompt

    def forget(self) -> None:
        """Let go of the last body."""
        self._last = None


class RequestReader:
    """Reads requests; the caller holds a lock."""

    def __init__(self, catalog: Catalog, resolve: Resolve | None = None, reader: Reader | None = None) -> None:
        self.catalog = catalog
        self._resolve = resolve
        self._reader = reader or Reader.of(catalog)

    def read(self, request: Mapping[str, Any]) -> Reading:
        """The reading of converse() or invoke_model() arguments.

        Raises RockbottomError for what the catalogue or the prompt package cannot read, and whatever a
        malformed request provokes: the caller treats every exception as "leave this one alone".
        """
        model = self.catalog.model(request["modelId"], self._resolve)
        api = Api.INVOKE if "body" in request else Api.CONVERSE
        body = json.loads(request["body"]) if api is Api.INVOKE else request
        prompt = self._reader.read(body, api, model.model)
        scope = self.catalog.switches_of(model, date.max)["thinking_scope"].default
        seeds = seeds_of((model.model.id, api.value), prompt.parameters, scope)
        return Reading(model, tier_of(request), body, prompt, prefix_hashes(prompt.segments, seeds))


def with_placements(reading: Reading, placements: Iterable[Placement]) -> Reading:
    """The reading of the request with these points put in; only their depth and TTL are told."""
    segments = reading.prompt.segments
    added = tuple(CachePoint(one.after, one.ttl, segments[one.after - 1].section, None) for one in placements)
    points = tuple(sorted((*reading.prompt.points, *added), key=lambda point: point.after))
    return replace(reading, prompt=replace(reading.prompt, points=points))
