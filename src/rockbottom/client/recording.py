"""A call that has ended as a record, and the sinks that it goes to. No text of a request gets that far."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from rockbottom.client.calls import Call
from rockbottom.client.notices import UNDER_MINIMUM
from rockbottom.cost import Cost
from rockbottom.dialects import Request
from rockbottom.ledger import CallRecord, Sink
from rockbottom.process import close_at_exit
from rockbottom.prompt import PrefixHash, Section, Segment
from rockbottom.quantities import NO_USAGE, Usage, digits_of

MOST_MESSAGE_BLOCKS = 96
"""Blocks of messages, counted from the end, whose prefixes are recorded: older ones only where a point stands."""

_HASH_BYTES = 8
_REMEMBERED = 5_000
_MOST_WEIGHT = 255  # what a trace holds; no lookback reaches further


class SpendingLimit(Protocol):
    """Asked before each call. What it raises on purpose (a RockbottomError) reaches the caller."""

    def check(self, tags: Mapping[str, str], now: float) -> None:
        """Raise where a call with these tags may not be made at ``now``, in seconds since the epoch."""
        ...


class Recorder:
    """Turns calls into records and hands them to sinks. ``failed`` is told of an error, which ends nothing.

    ``key`` is the secret of the prefix hashes; None records none. ``waited`` is told how many seconds a sink took.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        tags: Mapping[str, str],
        key: bytes | None,
        failed: Callable[[Exception], None],
        waited: Callable[[str, float], None] = lambda who, seconds: None,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.sinks = tuple(sinks)
        self.tags = tags
        self._hasher = Hasher(key) if key is not None else None
        self._failed, self._waited, self._stopwatch = failed, waited, stopwatch
        self._names = [f"a record in {type(sink).__name__}" for sink in self.sinks]
        for sink in self.sinks:
            close_at_exit(sink, until_end=True)

    def record(
        self, call: Call, usage: Usage | None, costs: tuple[Cost, Cost] | None, minimum: int, now: float, failed: bool
    ) -> None:
        """Hand over one call that has ended ``now`` by the stopwatch. Never raises."""
        try:
            record = self._record_of(call, usage, costs, minimum, now, failed)
        except Exception as error:
            return self._failed(error)
        for sink, name in zip(self.sinks, self._names, strict=True):
            began = self._stopwatch()
            try:
                sink.record(record)
            except Exception as error:
                self._failed(error)
            self._waited(name, self._stopwatch() - began)
        return None

    def _record_of(
        self, call: Call, usage: Usage | None, costs: tuple[Cost, Cost] | None, minimum: int, now: float, failed: bool
    ) -> CallRecord:
        used, request = usage or NO_USAGE, call.request
        about: dict[str, Any]
        if request is not None:
            about = _about(request, minimum)
            if self._hasher is not None:
                about.update(self._hasher.prefixes(request))
        elif call.model is not None:
            about = {"model": call.model.model.id, "scope": call.model.scope.value, "tier": call.tier.value}
        else:
            about = {"model": str(call.sent.get("modelId", ""))}
        if call.prompt_usd is not None:
            about["least_usd"], about["most_usd"] = map(digits_of, call.prompt_usd)
        if call.arm is not None:
            about["arm"] = str(call.arm)
        if call.planned_usd is not None:
            about["planned_usd"] = digits_of(call.planned_usd)
        if costs is not None:
            usd, uncached = costs[0].usd, costs[1].usd
            if call.charges is not None:
                usd, uncached = usd + call.charges.usd, uncached + call.charges.usd
            about["cost_usd"], about["uncached_usd"] = digits_of(usd), digits_of(uncached)
        _add_beside(about, call)
        first_ms = call.first_ms
        return CallRecord(
            at=call.at,
            operation=call.operation,
            region=(request.model.region if request is not None else None) or call.whereabouts.region,
            **used.fields(),
            tags=dict(sorted(_tags(call).items())),  # one spelling of the same tags
            first_ms=None if first_ms is None else round(first_ms, 3),
            elapsed_ms=round((now - call.left) * 1000, 3),
            status="failed" if failed else "ok" if usage is not None else "no usage",
            request_id=call.request_id,
            source=call.source,
            endpoint=call.whereabouts.endpoint,
            host=call.whereabouts.host,
            cause=_cause(call, used, minimum) if usage is not None else "",
            **about,
        )


def _add_beside(about: dict[str, Any], call: Call) -> None:
    """Add the members of a record that tell of charges beside the tokens of its reply."""
    if call.lost:
        about["lost"] = call.lost
    if call.cut:
        about["cut"] = True
    if uncounted := call.uncounted:
        about["uncounted"] = uncounted
    charges = call.charges
    if charges is not None and charges.units:
        about["charges"], about["extra_usd"] = dict(charges.units), digits_of(charges.usd)


def _tags(call: Call) -> Mapping[str, str]:
    """The tags of a call, and the project that it names (boto3's ``projectIdentifier``) where no tag says one."""
    project = call.sent.get("projectIdentifier")
    if isinstance(project, str) and project and "project" not in call.tags:
        return {**call.tags, "project": project}
    return call.tags


def _about(request: Request, minimum: int) -> dict[str, Any]:
    points, stable, depths = request.prompt.points, request.stable, request.prompt.depths
    about: dict[str, Any] = {
        "model": request.model.model.id,
        "scope": request.model.scope.value,
        "tier": request.tier.value,
        "family": "no tools, no system",
        "points": len(points),
        "minimum": minimum,
        "cacheable": depths[max([point.after for point in points])] if points else 0,
    }
    if stable:  # what calls share: a digest and its size, none of its text
        about["family"], about["family_tokens"] = request.hashes[stable].hex()[:6], depths[stable]
    return about


def _cause(call: Call, usage: Usage, minimum: int) -> str:
    """The rule that explains why this call wrote, or neither read nor wrote, where that is known already."""
    points = call.request.prompt.points if call.request is not None else ()
    if not points or call.request is None or usage.cache_read or not usage.total:
        return ""
    if usage.cache_write:
        return call.cause
    deepest = call.request.prompt.depths[max(point.after for point in points)]
    return UNDER_MINIMUM if deepest < minimum else ""


class Hasher:
    """Keyed hashes of prefixes; those of the calls before are remembered, as a conversation sends them again."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[PrefixHash, str] = {}

    def prefixes(self, request: Request) -> dict[str, Any]:
        """The members of a record that a replay needs: hashes, depths, sections, weights and points."""
        prompt = request.prompt
        segments, stable, blocks = prompt.segments, request.stable, len(prompt.segments)
        tools = sum(segment.section is Section.TOOLS for segment in segments[:stable])
        first = max(stable, blocks - MOST_MESSAGE_BLOCKS)
        marks = [point.after for point in prompt.points if point.after]
        places = _places(tools, stable, first, blocks, marks)
        depths, hashes = prompt.depths, request.hashes
        itself = request.adds_point
        barred = itself and prompt.implicit is False
        return {
            "hashes": tuple([self._known.get(hashes[place]) or self._of(hashes[place]) for place in places]),
            "depths": tuple([depths[place] for place in places]),
            "sections": (bisect_right(places, tools), bisect_right(places, stable)),
            "weights": _weights(segments, places),
            "marks": (*((0,) if barred else ()), *[bisect_right(places, mark) for mark in marks]),
            "ttls": (
                *(("",) if barred else ()),
                *[point.ttl.value if point.ttl else "" for point in prompt.points if point.after],
            ),
            "ends": _ends(segments, places) if itself else (),
        }

    def _of(self, prefix: PrefixHash) -> str:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        digest = self._known[prefix] = blake2b(prefix, key=self._key, digest_size=_HASH_BYTES).hexdigest()
        return digest


def _places(tools: int, stable: int, first: int, blocks: int, marks: Sequence[int]) -> list[int]:
    """The prefixes to record, by their number of blocks: tools as one, system, the latest messages, all points."""
    places = [*([tools] if tools else []), *range(tools + 1, stable + 1), *range(first + 1, blocks + 1)]
    missing = {mark for mark in marks if (mark < tools) or (stable < mark <= first)}
    return sorted({*places, *missing}) if missing else places


def _ends(segments: Sequence[Segment], places: Sequence[int]) -> tuple[int, ...]:
    """Which of the recorded prefixes, from 1, end a section or a message behind which the prompt goes on."""
    return tuple(
        [
            number
            for number, place in enumerate(places, 1)
            if place < len(segments)
            and (segments[place - 1].section, segments[place - 1].message)
            != (segments[place].section, segments[place].message)
        ]
    )


def _weights(segments: Sequence[Any], places: Sequence[int]) -> tuple[int, ...]:
    """How many blocks the lookback counts between two recorded prefixes; (): one each, as is usual."""
    counts = [segment.blocks for segment in segments]
    plain = counts.count(1) == len(counts)
    if plain and len(places) == len(counts):
        return ()
    starts = [0, *places[:-1]]
    if plain:
        return tuple([min(end - start, _MOST_WEIGHT) for start, end in zip(starts, places, strict=True)])
    return tuple([min(sum(counts[start:end]), _MOST_WEIGHT) for start, end in zip(starts, places, strict=True)])
