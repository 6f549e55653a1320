"""The lanes of a bench: one row each. A lane says where cachePoints go, how long they live, and at which tier.

To add a lane, add a row to ``LANES``; whether a model offers it is read from the catalogue's cache rules,
and a lane that a model does not offer says why in its own row of the report. Every lane can go over another API than
the workload's: ``auto@responses`` is ``auto`` by Responses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum

from rockbottom.bench.errors import BenchError
from rockbottom.bench.recorded import RecordedConversation
from rockbottom.bench.workload import Workload
from rockbottom.catalog import CacheRules, Model, Scope, Tier, surface_of
from rockbottom.prompt import Api
from rockbottom.quantities import Ttl


class Spot(Enum):
    """A place where a lane closes a prefix with a cachePoint."""

    TOOLS = "tools"  # after the last tool definition
    LAYERS = "layers"  # after the layers that the workload names: system text, documents, or both
    TAIL = "tail"  # after the last message of every request


@dataclass(frozen=True, slots=True)
class Lane:
    """One way of sending the same workload. ``ttl`` None leaves the field out, which means five minutes.

    ``scope`` None sends to the id that was given; otherwise to the same model through the profile of that scope.
    ``online``: the planner places the points while the lane runs, so there are no fixed spots. ``api`` None: that of
    the workload.
    """

    name: str
    about: str
    spots: frozenset[Spot] = frozenset()
    ttl: Ttl | None = None
    tier: Tier = Tier.DEFAULT
    scope: Scope | None = None
    online: bool = False
    api: Api | None = None

    def spoken(self, workload: Workload) -> Api:
        """The API by which requests of a workload go down this lane."""
        return self.api or Api(workload.api)

    @property
    def caches(self) -> bool:
        """Whether the lane may set cachePoints."""
        return bool(self.spots) or self.online


LANES: dict[str, Lane] = {
    lane.name: lane
    for lane in (
        Lane("baseline", "no cachePoint"),
        Lane("cached", "a cachePoint after the system text", frozenset({Spot.LAYERS})),
        Lane("cached-tools", "cachePoints after the tools and the system text", frozenset({Spot.TOOLS, Spot.LAYERS})),
        Lane("cached-1h", "as cached, for one hour", frozenset({Spot.LAYERS}), ttl=Ttl.ONE_HOUR),
        Lane("cached-tail", "cachePoints after system text and last message", frozenset({Spot.LAYERS, Spot.TAIL})),
        Lane("auto", "where the planner puts them, request by request", online=True),
        Lane("flex", "as cached, at the flex tier", frozenset({Spot.LAYERS}), tier=Tier.FLEX),
        Lane("priority", "as cached, at the priority tier", frozenset({Spot.LAYERS}), tier=Tier.PRIORITY),
        Lane("batch", "each turn a record of a batch job: half price, no cache, no answer at once", tier=Tier.BATCH),
        Lane("global", "as cached, through the global profile", frozenset({Spot.LAYERS}), scope=Scope.GLOBAL),
    )
}


class UnknownLane(BenchError):
    """No lane of that name."""


def lane_named(name: str) -> Lane:
    """The lane of that name, ``NAME@API`` for another API; raises UnknownLane, which names the nearest."""
    plain, at, surface = name.partition("@")
    if plain not in LANES:
        near = get_close_matches(plain, LANES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(LANES)}"
        raise UnknownLane(f"no lane '{name}'; {hint}")
    if not at:
        return LANES[plain]
    apis = {api.value: api for api in Api}
    if surface not in apis:
        raise UnknownLane(f"no API '{surface}' in '{name}'; known are: {', '.join(apis)}")
    lane, api = LANES[plain], apis[surface]
    return replace(lane, name=name, about=f"{lane.about}; by {_WORDS[api]}", api=api)


_WORDS = {
    Api.CONVERSE: "Converse", Api.INVOKE: "InvokeModel", Api.MESSAGES: "Messages", Api.CHAT: "Chat Completions",
    Api.RESPONSES: "Responses",
}  # fmt: skip


def why_not(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    """Why this model cannot run this workload down this lane, in words for the lane's row; None: it can."""
    for check in _CHECKS:
        if reason := check(lane, model, rules, workload):
            return reason
    return None


def lanes_of(names: Sequence[str]) -> tuple[Lane, ...]:
    """The lanes of these names with the baseline first, added when it was left out: savings are measured against it."""
    chosen = [lane_named(name) for name in names]
    rest = [lane for lane in chosen if lane.name != "baseline"]
    return (LANES["baseline"], *rest)


def family(model: Model) -> str:
    """What a row calls the model's family: Nova, Claude, else its name."""
    known = {"amazon": "Nova", "anthropic": "Claude"}
    return known[model.vendor] if model.vendor in known and known[model.vendor] in model.name else model.name


def _no_body(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if lane.spoken(workload) is Api.INVOKE and model.vendor not in ("anthropic", "amazon"):
        return f"not possible: no InvokeModel body is written for models of {model.vendor} (api: converse takes them)"
    return None


def _no_surface(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    api, served = lane.spoken(workload), surface_of(model)
    if not api.names_model or api.value in served.mantle | served.runtime:
        return None
    return f"not offered by {family(model)} (no {_WORDS[api]})"


def _no_tier(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    api = lane.spoken(workload)
    if not api.names_model or lane.tier is Tier.DEFAULT or lane.tier.value in surface_of(model).tiers:
        return None
    return f"not offered by {family(model)} (no {lane.tier.value} tier on {_WORDS[api]})"


def _no_batch(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if lane.tier is not Tier.BATCH:
        return None
    if lane.spoken(workload).names_model:
        return f"not possible here: jobs of {_WORDS[lane.spoken(workload)]} (batch@converse and batch@invoke are)"
    if workload.tools or any(conversation.tools for conversation in workload.conversations):
        return "not possible: batch calls no tools, and this workload has some"
    return None


def _no_profile(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if lane.scope is not None and lane.scope not in model.profiles:
        return f"no {lane.scope.value} profile of {model.name} is known"
    return None


def _no_caching(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if lane.caches and not rules.takes_points(lane.spoken(workload).value):
        return f"not offered by {family(model)} (no cachePoint on this API)"
    return None


def _no_ttl(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if lane.ttl is None or lane.ttl in rules.ttls:
        return None
    offered = " and ".join(ttl.words for ttl in rules.ttls)
    # The older Claude models stay at five minutes while newer ones do not, so the row names the model itself.
    who = "Nova" if family(model) == "Nova" else model.name
    return f"not offered by {who} ({offered} only)"


def _no_tools(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    if Spot.TOOLS not in lane.spots:
        return None
    if not workload.tools and not any(conversation.tools for conversation in workload.conversations):
        return "this workload has no tools"
    return None if "tools" in rules.sections else f"not offered by {family(model)} (refuses cachePoints in tools)"


def _no_layer(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    layers_alone = lane.spots == frozenset({Spot.LAYERS})
    if not layers_alone or workload.layers or any(_has_system(conversation) for conversation in workload.conversations):
        return None
    return "this workload has no system text"


def _too_many(lane: Lane, model: Model, rules: CacheRules, workload: Workload) -> str | None:
    count = most_points(lane, workload)
    if count <= rules.maximum_points:
        return None
    return f"{count} cachePoints, and {model.name} takes at most {rules.maximum_points}"


def most_points(lane: Lane, workload: Workload) -> int:
    """How many cachePoints a request of this lane carries at most."""
    layers = sum(len(workload.documents) if layer == "each-document" else 1 for layer in workload.layers) or 1
    return (Spot.TOOLS in lane.spots) + (Spot.TAIL in lane.spots) + (layers if Spot.LAYERS in lane.spots else 0)


def _has_system(conversation: RecordedConversation) -> bool:
    return bool(conversation.system)


_CHECKS = (
    _no_body, _no_surface, _no_batch, _no_tier, _no_profile, _no_caching, _no_ttl, _no_tools, _no_layer, _too_many,
)  # fmt: skip
