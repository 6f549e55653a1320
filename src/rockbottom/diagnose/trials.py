"""The recorded requests served once more, changed: by the rules, with other points, or by a policy that learns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from msgspec.structs import replace as changed

from rockbottom.cache import Behaviour, Entry, EntryKey, Namespace, ineffective, outcome, refusal
from rockbottom.catalog import Catalog, Tier
from rockbottom.diagnose.entries import UNRECORDED_BEGIN_S
from rockbottom.diagnose.prices import spent_on
from rockbottom.diagnose.sent import Reached, Sent
from rockbottom.prompt import CachePoint, Placement, Prompt, Segment, prompt_of, with_placements
from rockbottom.quantities import ZERO_USD, Ttl, Usage, Usd


@dataclass(frozen=True, slots=True)
class Variant:
    """A request as one trial serves it."""

    sent: Sent
    prompt: Prompt
    at: float
    region: str


class Learner(Protocol):
    """A policy that chooses the points of one request and then hears what came of it, as the planner does."""

    def choose(self, prompt: Prompt, now: float, tier: Tier) -> Sequence[tuple[int, Ttl | None]]:
        """Points as (how many leading segments, TTL) of a request at the prices of a tier; the prompt carries none.

        A point after no segment forbids the point that the service would add by itself.
        """
        ...

    def observe(self, usage: Usage, now: float) -> None:
        """What the request just chosen for was billed."""
        ...

    def miss(self, now: float) -> None:
        """A request was sent of which the service keeps a part, so that none of it is seen."""
        ...


Learners = Callable[[Sent], Learner]
"""Makes the policy of a model, given its first request."""


class Served:
    """A stream served by the rules, request by request in order of time."""

    def __init__(self, catalog: Catalog, behaviour: Behaviour) -> None:
        self._catalog, self._behaviour = catalog, behaviour
        self._entries: dict[Namespace, dict[EntryKey, Entry]] = {}

    def usage(self, request: Variant, visible_at: float) -> Usage:
        """What the rules bill for the input of this request, whose entries can be read from an instant on."""
        sent = request.sent
        space = Namespace(sent.record.account, request.region, sent.model.model.id, sent.record.host)
        state = self._entries.setdefault(replace(space, host=""), {})
        result = outcome(state, request.prompt, request.at, sent.rules, self._behaviour, space, visible_at)
        state.update(result.changes)
        return result.usage()

    def usd(self, sent: Sent, usage: Usage) -> Usd | None:
        """What that costs; None where a price is missing."""
        return spent_on(sent, usage, self._catalog)


def bill_of(
    stream: Iterable[Variant], catalog: Catalog, behaviour: Behaviour, *, waiting: bool = False
) -> Usd | None:  # fmt: skip
    """The input of the whole stream, as ``bills_of``."""
    bills = bills_of(stream, catalog, behaviour, waiting=waiting)
    return None if bills is None else sum(bills.values(), ZERO_USD)


def bills_of(
    stream: Iterable[Variant], catalog: Catalog, behaviour: Behaviour, *, waiting: bool = False
) -> Mapping[Reached, Usd] | None:  # fmt: skip
    """The input of each model of a stream by the rules, in US dollars; None where a price is missing.

    ``waiting``: parallel requests wait until the first has begun to answer, so that its entries can be read at once.
    """
    served, spent = Served(catalog, behaviour), dict[Reached, Usd]()
    for request in sorted(stream, key=_at):
        begun = 0.0 if waiting else request.sent.record.began_after_s
        usage = served.usage(request, request.at + (UNRECORDED_BEGIN_S if begun is None else begun))
        usd = served.usd(request.sent, usage)
        if usd is None:
            return None
        spent[request.sent.reached] = spent.get(request.sent.reached, ZERO_USD) + usd
    return spent


class Learned(NamedTuple):
    """A stream with the points of a policy: the bill of the input by model and label, and the requests as served."""

    usd: Mapping[Reached, Mapping[str | None, Usd]]
    requests: Sequence[Sent]


def bills_with(
    learners: Learners, stream: Iterable[Variant], catalog: Catalog, behaviour: Behaviour, unseen: Iterable[float] = ()
) -> Learned | None:
    """The bills of a stream whose points a policy chooses; each model as reached has a policy of its own.

    ``unseen`` are the instants of requests of which the service keeps a part.
    Entries can be read at once: what is attached holds parallel requests until the first has begun to answer.
    """
    served, spent, requests = Served(catalog, behaviour), dict[Reached, dict[str | None, Usd]](), list[Sent]()
    policies: dict[Reached, Learner] = {}
    missed = sorted(unseen, reverse=True)
    for request in sorted(stream, key=_at):
        model = request.sent.reached
        if model not in policies:
            policies[model] = learners(request.sent)
        while missed and missed[-1] < request.at:
            policies[model].miss(missed.pop())
        prompt = request.prompt
        bare = prompt_of(prompt.api, segments_of(prompt), (), prompt.parameters, bare=prompt.bare)
        chosen = policies[model].choose(bare, request.at, request.sent.record.tier)
        places = [Placement(after, ttl) for after, ttl in chosen if after]
        placed = with_placements(replace(bare, implicit=None if len(places) == len(chosen) else False), places)
        usage = served.usage(replace(request, prompt=placed), request.at)
        policies[model].observe(usage, request.at)
        usd = served.usd(request.sent, usage)
        if usd is None:
            return None
        of_model, label = spent.setdefault(model, {}), request.sent.record.label
        of_model[label] = of_model.get(label, ZERO_USD) + usd
        output = request.sent.usage.output if request.sent.usage else 0
        requests.append(replace(request.sent, prompt=placed, usage=changed(usage, output=output)))
    return Learned(spent, requests)


def _at(request: Variant) -> float:
    return request.at


def segments_of(prompt: Prompt) -> list[Segment]:
    """The segments with the tokens of the prompt's own depths, which are stretched to the service's count."""
    depths = prompt.depths
    return [changed(segment, tokens=depths[index + 1] - depths[index]) for index, segment in enumerate(prompt.segments)]


def with_segments(request: Variant, segments: Sequence[Segment]) -> Variant:
    """The request with other segments, its points where they were."""
    prompt = request.prompt
    changed_prompt = prompt_of(
        prompt.api, segments, prompt.points, prompt.parameters, prompt.implicit, bare=prompt.bare
    )
    return replace(request, prompt=changed_prompt)


def with_points(request: Variant, ends: Iterable[int], behaviour: Behaviour, *, only: bool = False) -> Variant:
    """Points added at these ends, earlier ones first, where the service would take them.

    ``only``: instead of those that the request has. It is left unchanged where the service would take none.
    """
    sent, prompt = request.sent, request.prompt
    ttl = prompt.points[0].ttl if prompt.points else None
    points = [] if only else list(prompt.points)
    have = {point.after for point in points}
    for end in ends:
        if not 0 < end <= len(prompt.segments) or end in have:
            continue
        last = prompt.segments[end - 1]
        point = CachePoint(end, ttl, last.section, last.kind, last.message, last.index + 1)
        if ineffective(point, prompt.api, sent.rules):
            continue
        added = [*points, point]
        tried = replace(prompt, points=tuple(sorted(added, key=lambda point: point.after)))
        if refusal(tried, sent.rules, behaviour) is None:
            points = list(tried.points)
    return replace(request, prompt=replace(prompt, points=tuple(points)))


class Classes:
    """Digests that stand for the same thing: joined in pairs, each class named by one of them."""

    def __init__(self) -> None:
        self._parent: dict[bytes, bytes] = {}

    def root(self, digest: bytes) -> bytes:
        while digest in self._parent:
            digest = self._parent[digest]
        return digest

    def join(self, old: bytes, new: bytes) -> None:
        old_root, new_root = self.root(old), self.root(new)
        if old_root != new_root:
            self._parent[new_root] = old_root
