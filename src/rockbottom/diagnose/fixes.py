"""Fixes that can be made mechanically, tried on the recorded requests: what would the rules have billed?

Every trial serves the whole stream twice with the rules of ``cache``, once as it was sent and once with the fix,
and compares the two bills of the input. Nothing is promised that a trial did not show.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as changed

from rockbottom.cache import Behaviour, Entry, EntryKey, Namespace, behaviour_of, outcome, refusal
from rockbottom.catalog import Catalog
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.entries import UNRECORDED_BEGIN_S
from rockbottom.diagnose.findings import CauseTotal, Finding, Findings, Saving
from rockbottom.diagnose.prices import spent_on
from rockbottom.diagnose.sent import Archive, Sent, replace_digest
from rockbottom.diagnose.volatile import common_ends
from rockbottom.prompt import BlockKind, CachePoint, Prompt, Section, Segment, prompt_of
from rockbottom.quantities import Ttl, Usd


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as it is served in a trial."""

    sent: Sent
    prompt: Prompt
    at: float
    region: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What a fix may look at besides the requests."""

    archive: Archive
    behaviour: Behaviour


_Trial = tuple[str, list[_Request]]


def with_savings(
    findings: Findings, requests: Sequence[Sent], archive: Archive, catalog: Catalog, behaviour: Behaviour | None = None
) -> Findings:
    """The findings with the saving of every cause whose fix is mechanical; the requests are those explained."""
    rules = behaviour or behaviour_of(catalog.switches)
    stream = [_Request(sent, sent.prompt, sent.at, sent.record.region) for sent in requests]
    before = _bill(stream, catalog, rules) if findings.totals else None
    totals: list[CauseTotal] = []
    for total in findings.totals:
        fix = _FIXES.get(total.cause)
        trial = fix(stream, total.findings, _Known(archive, rules)) if fix is not None and before is not None else None
        after = None if trial is None else _bill(trial[1], catalog, rules)
        proved = None if trial is None or before is None or after is None else Saving(trial[0], before, after)
        totals.append(replace(total, saving=proved))
    return replace(findings, totals=totals)


def _bill(stream: Iterable[_Request], catalog: Catalog, behaviour: Behaviour) -> Usd | None:
    """The input of the whole stream by the rules, in US dollars; None where a price is missing."""
    entries: dict[Namespace, dict[EntryKey, Entry]] = {}
    spent = Usd(0)
    for request in sorted(stream, key=lambda one: one.at):
        sent = request.sent
        space = Namespace(sent.record.account, request.region, sent.model.model.id)
        state = entries.setdefault(space, {})
        begun = sent.record.began_after_s
        visible_at = request.at + (UNRECORDED_BEGIN_S if begun is None else begun)
        result = outcome(state, request.prompt, request.at, sent.rules, behaviour, space, visible_at)
        state.update(result.changes)
        usd = spent_on(sent, result.usage(), catalog)
        if usd is None:
            return None
        spent += usd
    return spent


def _segments(prompt: Prompt) -> list[Segment]:
    """The segments with the tokens of the prompt's own depths, which are stretched to the service's count."""
    depths = prompt.depths
    return [changed(one, tokens=depths[index + 1] - depths[index]) for index, one in enumerate(prompt.segments)]


def _settle(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Text that changes gets one identity, and what changed in it is appended behind the last point."""
    classes, moved = _Classes(), dict[bytes, float]()
    for finding in findings:
        old, new = _changed_pair(finding)
        if old is None or new is None:
            continue
        classes.join(old.digest, new.digest)
        texts = known.archive.face(old).text, known.archive.face(new).text
        share = 1 - sum(common_ends(*texts)) / max(1, len(texts[1]))
        for one in (old, new):
            moved[one.digest] = max(moved.get(one.digest, 0.0), share)
    if not moved:
        return None
    settled: list[_Request] = []
    for request in stream:
        tail, segments = 0, list[Segment]()
        for segment in _segments(request.prompt):
            part = round(segment.tokens * moved.get(segment.digest, 0.0))
            tail += part
            kept = replace_digest(segment, classes.root(segment.digest))
            segments.append(changed(kept, tokens=segment.tokens - part))
        if tail:
            segments.append(Segment(Section.MESSAGES, BlockKind.TEXT, b"moved", tail, role="user"))
        settled.append(_with(request, segments))
    return "what changes moved behind the last cachePoint", settled


def _same_spelling(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Blocks that differ only in key order or white space are sent in one spelling."""
    chosen = {"sorted_keys" if finding.cause is Cause.KEY_ORDER else "collapsed" for finding in findings}

    def spelled(segment: Segment) -> Segment:
        return replace_digest(segment, getattr(known.archive.face(segment), next(iter(chosen))))

    fixed = [_with(request, [spelled(one) for one in _segments(request.prompt)]) for request in stream]
    return "one spelling for the same content", fixed


def _sorted_tools(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Tools in the order of their names, which the digest stands for here: any order will do if it stays."""

    def ordered(request: _Request) -> _Request:
        segments = _segments(request.prompt)
        tools = sorted((one for one in segments if one.section is Section.TOOLS), key=lambda one: one.digest)
        return _with(request, [*tools, *segments[len(tools) :]])

    return "tools in one order", [ordered(request) for request in stream]


def _pointed(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Points at the end of the system prompt and of the last message, in the conversations concerned."""
    roots = _roots(findings)

    def pointed(request: _Request) -> _Request:
        if _root(request.sent) not in roots:
            return request
        segments = request.prompt.segments
        system = sum(segment.section is not Section.MESSAGES for segment in segments)
        return _with_points(request, [system, len(segments)], known.behaviour)

    return "points after the system prompt and the last message", [pointed(request) for request in stream]


def _bridged(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Where too many blocks were added, a further point where the earlier request had its last."""
    earlier = {
        finding.number: finding.earlier.prompt.points[-1].after
        for finding in findings
        if finding.earlier is not None and finding.earlier.prompt.points
    }
    fixed = [
        _with_points(request, [earlier[number]], known.behaviour) if number in earlier else request
        for number, request in enumerate(stream)
    ]
    return "a further point at the end of the earlier request", fixed


def _hourly(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Every point of the conversations concerned asks for an hour."""
    roots = _roots(findings)

    def hourly(request: _Request) -> _Request:
        prompt = request.prompt
        if _root(request.sent) not in roots or Ttl.ONE_HOUR not in request.sent.rules.ttls:
            return request
        points = tuple(replace(point, ttl=Ttl.ONE_HOUR) for point in prompt.points)
        return replace(request, prompt=replace(prompt, points=points))

    fixed = [hourly(request) for request in stream]
    return None if all(one is two for one, two in zip(stream, fixed, strict=True)) else ("ttl 1h on every point", fixed)


def _one_region(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """The conversations concerned are served by the Region that served most of them (at the same prices)."""
    roots = _roots(findings)
    regions = Counter(request.region for request in stream if _root(request.sent) in roots)
    home = regions.most_common(1)[0][0]
    fixed = [replace(one, region=home) if _root(one.sent) in roots else one for one in stream]
    return f"all served by {home}, at the same prices", fixed


def _waiting(stream: list[_Request], findings: Sequence[Finding], known: _Known) -> _Trial | None:
    """Each request concerned waits until the reply of the one that wrote first has begun."""
    begins = {finding.number: _begins(finding.earlier) for finding in findings if finding.earlier is not None}
    fixed = [
        replace(request, at=max(request.at, begins[number] + 0.001)) if number in begins else request
        for number, request in enumerate(stream)
    ]
    return "the others sent once the first reply has begun", fixed


def _begins(sent: Sent) -> float:
    begun = sent.record.began_after_s
    return sent.at + (UNRECORDED_BEGIN_S if begun is None else begun)


_FIXES: Mapping[Cause, Callable[[list[_Request], Sequence[Finding], _Known], _Trial | None]] = {
    Cause.NO_POINT: _pointed,
    Cause.UNDER_MINIMUM: _pointed,
    Cause.POINT_NOT_ADVANCED: _pointed,
    Cause.VOLATILE_TEXT: _settle,
    Cause.TOOLS_REORDERED: _sorted_tools,
    Cause.KEY_ORDER: _same_spelling,
    Cause.WHITESPACE: _same_spelling,
    Cause.LOOKBACK_EXCEEDED: _bridged,
    Cause.TTL_EXPIRED: _hourly,
    Cause.REGION_HOP: _one_region,
    Cause.PARALLEL_WRITE: _waiting,
}


def _with(request: _Request, segments: Sequence[Segment]) -> _Request:
    prompt = request.prompt
    return replace(request, prompt=prompt_of(prompt.api, segments, prompt.points, prompt.parameters))


def _with_points(request: _Request, ends: Iterable[int], behaviour: Behaviour) -> _Request:
    """Points added at these ends where the service would take them; the request unchanged where not."""
    sent, prompt = request.sent, request.prompt
    ttl = prompt.points[0].ttl if prompt.points else None
    have = {point.after for point in prompt.points}
    points = list(prompt.points)
    for end in ends:
        if not 0 < end <= len(prompt.segments) or end in have:
            continue
        last = prompt.segments[end - 1]
        added = [*points, CachePoint(end, ttl, last.section, last.kind, last.message, last.index + 1)]
        tried = replace(prompt, points=tuple(sorted(added, key=lambda point: point.after)))
        if refusal(tried, sent.rules, behaviour) is None:
            points = list(tried.points)
    return replace(request, prompt=replace(prompt, points=tuple(points)))


def _root(sent: Sent) -> bytes:
    """What names a conversation: the prefix up to its first message block, volatile spans masked."""
    first = sum(segment.section is not Section.MESSAGES for segment in sent.prompt.segments)
    return sent.masks[min(first + 1, len(sent.masks) - 1)]


def _roots(findings: Iterable[Finding]) -> set[bytes]:
    pairs = ((finding.sent, finding.earlier) for finding in findings)
    return {_root(sent) for pair in pairs for sent in pair if sent is not None}


def _changed_pair(finding: Finding) -> tuple[Segment | None, Segment | None]:
    """The first two segments in which a request and the earlier one differ."""
    earlier = finding.earlier
    if earlier is None:
        return None, None
    for old, new in zip(earlier.prompt.segments, finding.sent.prompt.segments, strict=False):
        if old.digest != new.digest:
            return (old, new) if old.section is new.section else (None, None)
    return None, None


class _Classes:
    """Digests that stand for the same thing: joined in pairs, each class named by one of them."""

    def __init__(self) -> None:
        self._parent: dict[bytes, bytes] = {}

    def root(self, digest: bytes) -> bytes:
        """The digest that names the class."""
        while digest in self._parent:
            digest = self._parent[digest]
        return digest

    def join(self, one: bytes, two: bytes) -> None:
        first, second = self.root(one), self.root(two)
        if first != second:
            self._parent[second] = first
