"""The entries that earlier requests are known to have written, and what stands between a request and each of them.

Unlike ``cache``, what is kept here is led by what the service reported: an entry exists where a request with a
cachePoint wrote or read at least that many tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from rockbottom.cache import Behaviour
from rockbottom.catalog import RUNTIME
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.sent import Sent
from rockbottom.figures import counted, duration
from rockbottom.prompt import Api, CachePoint, Parameters, PrefixHash, Section, Segment
from rockbottom.quantities import Ttl

# The clock of a log ticks in seconds.
CLOCK_S = 1.0
# How long a reply is taken to need to begin where the log does not say; only used to explain a miss.
UNRECORDED_BEGIN_S = 2.0


class Space(NamedTuple):
    """Where an entry can be read: nobody else sees it."""

    account: str
    region: str
    model: str
    api: Api
    parameters: Parameters
    ttl: Ttl
    host: str


@dataclass(frozen=True, slots=True)
class Written:
    """One entry: ``position`` is how many segments it closes, ``tokens`` how many it holds by the service's count."""

    space: Space
    position: int
    section: Section
    tokens: int
    at: float
    expires_at: float
    visible_at: float
    writer: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why an entry could not be read, with its evidence in words."""

    cause: Cause
    evidence: str


@dataclass(slots=True)
class Entries:
    """Entries by the content of their prefix, the latest of each space."""

    behaviour: Behaviour
    _entries: dict[PrefixHash, dict[Space, Written]] = field(default_factory=dict[PrefixHash, dict[Space, Written]])

    def along(self, sent: Sent, length: int) -> Iterator[Written]:
        """Entries at the first ``length`` prefixes of a request, whatever their space, the deepest first."""
        for position in range(length, 0, -1):
            yield from self._entries.get(sent.content[position], {}).values()

    def note(self, sent: Sent, number: int, tolerance: int) -> None:
        """Remember what a request read and wrote, by its counters."""
        usage = sent.usage
        if usage is None or not usage.cache_read + usage.cache_write:
            return
        self._refresh(sent, usage.cache_read + tolerance)
        reached = usage.cache_read + usage.cache_write + tolerance
        begun = sent.record.began_after_s
        visible_at = sent.at + (UNRECORDED_BEGIN_S if begun is None else begun)
        for point in sent.prompt.points:
            depth = sent.prompt.depths[point.after]
            if point.after and sent.rules.minimum_tokens <= depth <= reached:
                self._write(sent, point, depth, visible_at, number)

    def _write(self, sent: Sent, point: CachePoint, depth: int, visible_at: float, number: int) -> None:
        ttl = ttl_of(sent, point)
        if ttl is None:
            return
        space = space_of(sent, ttl)
        known = self._entries.setdefault(sent.content[point.after], {})
        old = known.get(space)
        expires_at = sent.at + ttl.seconds
        if old is not None and old.expires_at > sent.at and old.visible_at <= sent.at:
            visible_at = old.visible_at  # it was there before: not written anew
            expires_at = expires_at if self.behaviour.renews(ttl) else old.expires_at
        known[space] = Written(
            space, point.after, sent.prompt.segments[point.after - 1].section, depth, sent.at,
            expires_at, visible_at, number,
        )  # fmt: skip

    def _refresh(self, sent: Sent, read: int) -> None:
        for position, depth in enumerate(sent.prompt.depths):
            if not 0 < depth <= read:
                continue
            known = self._entries.get(sent.content[position], {})
            for space, entry in known.items():
                if entry.expires_at > sent.at and self.behaviour.renews(space.ttl) and self._is_at_home(entry, sent):
                    known[space] = Written(
                        space, position, entry.section, entry.tokens, sent.at,
                        max(entry.expires_at, sent.at + space.ttl.seconds), entry.visible_at, entry.writer,
                    )  # fmt: skip

    def _is_at_home(self, entry: Written, sent: Sent) -> bool:
        space, record = entry.space, sent.record
        same = space.region == record.region and space.model == sent.model.model.id
        return same and not self._is_elsewhere(space, sent) and not any(self._parameters(entry, sent))

    def _is_elsewhere(self, space: Space, sent: Sent) -> bool:
        return self.behaviour.host_in_key == "yes" and space.host != sent.record.host

    def blockers(self, entry: Written, sent: Sent) -> Iterator[Blocker]:
        """Everything that keeps a request from reading an entry, the most fundamental first."""
        space = entry.space
        if space.model != sent.model.model.id:
            yield Blocker(Cause.MODEL_SWITCHED, f"{space.model} -> {sent.model.model.id}")
        if self.behaviour.api_in_key == "yes" and space.api is not sent.prompt.api:
            yield Blocker(Cause.API_SWITCHED, f"{space.api.value} -> {sent.prompt.api.value}")
        if self._is_elsewhere(space, sent):
            yield Blocker(Cause.HOST_SWITCHED, f"{_host(space.host)} -> {_host(sent.record.host)}")
        changed = list(self._parameters(entry, sent))
        if changed:
            yield Blocker(Cause.PARAMETER_CHANGED, "; ".join(changed))
        if entry.expires_at <= sent.at:
            gap = sent.at - entry.at
            yield Blocker(Cause.TTL_EXPIRED, f"{duration(gap)} since its last use, ttl {space.ttl.value}")
        if space.region != sent.record.region:
            yield Blocker(Cause.REGION_HOP, f"written in {space.region}, served by {sent.record.region}")
        if entry.visible_at + CLOCK_S > sent.at:
            yield Blocker(Cause.PARALLEL_WRITE, f"sent {duration(sent.at - entry.at)} after the request that wrote it")
        yield from self._reach(entry, sent)

    def _parameters(self, entry: Written, sent: Sent) -> Iterator[str]:
        old, new = entry.space.parameters, sent.prompt.parameters
        late = entry.section is Section.MESSAGES
        if old.thinking != new.thinking and (late or self.behaviour.thinking_scope == "all"):
            yield f"thinking {old.thinking} -> {new.thinking}"
        if old.cache_key != new.cache_key and self.behaviour.cache_key_in_key == "yes":
            yield f"prompt_cache_key {old.cache_key or 'none'} -> {new.cache_key or 'none'}"
        if old.effort != new.effort:
            yield f"effort {old.effort} -> {new.effort}"
        if old.output_schema != new.output_schema:
            yield f"output schema {_short(old.output_schema)} -> {_short(new.output_schema)}"
        if late and old.tool_choice_group != new.tool_choice_group:
            yield f"toolChoice {old.tool_choice} -> {new.tool_choice}"
        if late and old.images != new.images:
            yield "images " + ("added" if new.images else "removed")
        if entry.section is not Section.TOOLS and old.citations != new.citations:
            yield "citations turned " + ("on" if new.citations else "off")
        ttls = {ttl for point in sent.prompt.points if (ttl := ttl_of(sent, point))}
        if ttls and entry.space.ttl not in ttls and self.behaviour.on(sent.prompt.api).ttl_in_key == "yes":
            yield f"ttl {entry.space.ttl.value} -> {' and '.join(sorted(ttl.value for ttl in ttls))}"

    def _reach(self, entry: Written, sent: Sent) -> Iterator[Blocker]:
        behind = [
            point.after
            for point in sent.prompt.points
            if point.after >= entry.position and sent.prompt.depths[point.after] >= sent.rules.minimum_tokens
        ]
        if not behind:
            yield Blocker(Cause.POINT_NOT_ADVANCED, "no cachePoint at or behind the entry")
            return
        if sent.rules.implicit_point and sent.prompt.implicit is not False:
            return  # the service's own point reads the end of any earlier latest message
        added = _blocks(sent.segments[entry.position : min(behind)])
        if added > sent.rules.lookback_blocks:
            allowed = sent.rules.lookback_blocks
            evidence = f"{counted(added, 'block')} added; "
            evidence += (
                f"a point looks back over {allowed}" if allowed else "this model reads only where a point stands"
            )
            yield Blocker(Cause.LOOKBACK_EXCEEDED, evidence)


def ttl_of(sent: Sent, point: CachePoint) -> Ttl | None:
    """The lifetime a point asks for; the model's first where it names none, or one that the model lacks.

    None: no lifetime is known of the model, whatever its counters say.
    """
    return point.ttl if point.ttl in sent.rules.ttls else next(iter(sent.rules.ttls), None)


def space_of(sent: Sent, ttl: Ttl) -> Space:
    """Where what this request writes can be read."""
    record = sent.record
    prompt = sent.prompt
    return Space(record.account, record.region, sent.model.model.id, prompt.api, prompt.parameters, ttl, record.host)


def _blocks(segments: tuple[Segment, ...]) -> int:
    return sum(segment.blocks for segment in segments)


def _short(schema: str) -> str:
    return f"{schema[:24]}..." if len(schema) > 27 else schema or "none"


def _host(name: str) -> str:
    return name or RUNTIME


def with_begins(requests: Sequence[Sent]) -> list[Sent]:
    """The same; whose reply is in a later request had begun to answer by then, where it is not recorded when."""
    answered: dict[PrefixHash, float] = {}  # when the first request was sent that has the reply to a prompt
    begun: list[Sent] = []
    for sent in reversed(requests):
        following = answered.get(sent.content[-1], inf) - sent.at - _BEFORE_S
        if sent.record.began_after_s is None and following < UNRECORDED_BEGIN_S:
            sent = replace(sent, record=replace(sent.record, began_after_s=max(0.0, following)))
        begun.append(sent)
        for name, segment in zip(sent.content, sent.segments, strict=False):
            if segment.role == "assistant":
                answered[name] = sent.at
    return begun[::-1]


_BEFORE_S = 0.001
