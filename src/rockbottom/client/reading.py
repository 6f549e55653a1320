"""What one request is: its model, its prompt in canonical order, and which prefixes it has."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.cache import Reader
from rockbottom.catalog import Catalog, ModelId, Resolve, Tier
from rockbottom.prompt import Api, PrefixHash, Prompt, Section, prefix_hashes, seeds_of
from rockbottom.quantities import Ttl


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


class RequestReader:
    """Reads requests; safe to share between threads."""

    def __init__(self, catalog: Catalog, resolve: Resolve | None = None) -> None:
        self.catalog = catalog
        self._resolve = resolve
        self._reader = Reader.of(catalog)
        self._lock = threading.Lock()

    def renew_lock(self) -> None:
        """A fresh lock, for the child of a fork."""
        self._lock = threading.Lock()

    def read(self, request: Mapping[str, Any]) -> Reading:
        """The reading of converse() or invoke_model() arguments.

        Raises RockbottomError for what the catalogue or the prompt package cannot read, and whatever a
        malformed request provokes: the caller treats every exception as "leave this one alone".
        """
        model = self.catalog.model(request["modelId"], self._resolve)
        api = Api.INVOKE if "body" in request else Api.CONVERSE
        body = json.loads(request["body"]) if api is Api.INVOKE else request
        with self._lock:  # a Meter bounds its memory by replacing a dict; one reader at a time keeps that simple
            prompt = self._reader.read(body, api, model.model)
        scope = self.catalog.switches["thinking_scope"].default
        seeds = seeds_of((model.model.id, api.value), prompt.parameters, scope)
        return Reading(model, tier_of(request), body, prompt, prefix_hashes(prompt.segments, seeds))


def tier_of(request: Mapping[str, Any]) -> Tier:
    """The service tier a request asks for; what the catalogue has no price for counts as default."""
    asked = request.get("serviceTier")
    name = asked.get("type") if isinstance(asked, Mapping) else asked
    return {"flex": Tier.FLEX, "priority": Tier.PRIORITY}.get(str(name), Tier.DEFAULT)
