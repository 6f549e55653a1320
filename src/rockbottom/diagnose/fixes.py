"""Fixes that can be made mechanically, tried on the recorded requests: what would the rules have billed?

Every trial serves the whole stream twice with the rules of ``cache``, once as it was sent and once with the fix,
and compares the two bills of the input. Nothing is promised that a trial did not show.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from msgspec.structs import replace as changed

from rockbottom.cache import Behaviour
from rockbottom.catalog import Catalog
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.entries import UNRECORDED_BEGIN_S
from rockbottom.diagnose.findings import CauseTotal, Finding, Findings, Saving
from rockbottom.diagnose.marking import Known, Trial, before_the_tail, behind_repeats, by_hand_alone, rules_as_item
from rockbottom.diagnose.sent import Archive, Sent, replace_digest
from rockbottom.diagnose.sides import sides_shown
from rockbottom.diagnose.talks import front_of, root_of, roots_of, talk_of
from rockbottom.diagnose.trials import (
    Classes,
    Learners,
    Variant,
    bill_of,
    bills_of,
    bills_with,
    segments_of,
    with_points,
    with_segments,
)
from rockbottom.diagnose.volatile import common_ends
from rockbottom.prompt import BlockKind, Section, Segment
from rockbottom.quantities import ZERO_USD, Ttl, Usd


def with_savings(
    findings: Findings, requests: Sequence[Sent], archive: Archive, catalog: Catalog,
    behaviour: Behaviour | None = None, learners: Learners | None = None,
) -> Findings:  # fmt: skip
    """The findings with the saving of every cause whose fix is mechanical; the requests are those explained.

    Of several fixes of one cause the one that saves most is kept. ``learners`` is the planner, tried on all of them.
    """
    rules = behaviour or sides_shown(findings, requests, catalog)
    stream = [Variant(sent, sent.prompt, sent.at, sent.record.region) for sent in requests]
    parallels, at_onces = bills_of(stream, catalog, rules), bills_of(stream, catalog, rules, waiting=True)
    if parallels is None or at_onces is None:
        return findings
    before = parallel = sum(parallels.values(), ZERO_USD)
    at_once = sum(at_onces.values(), ZERO_USD)
    if findings.spent is not None and abs(at_once - findings.spent) < abs(parallel - findings.spent):
        stream, before = [_begun_at_once(request) for request in stream], at_once  # the counters show it
    known = Known(archive, rules, stream)
    totals: list[CauseTotal] = []
    for total in findings.totals:
        trials = (fix(stream, total.findings, known) for fix in _FIXES.get(total.cause, ()))
        savings = [
            saving for trial in trials if trial is not None for saving in _savings(trial, before, catalog, rules)
        ]
        totals.append(replace(total, saving=_best(savings)))
    learned = None if learners is None else bills_with(learners, stream, catalog, rules, archive.unseen)
    if learned is None:
        return replace(findings, totals=totals)
    models = {
        model: replace(spent, ruled=(at_onces[model], parallels[model]), attached=learned.usd[model])
        for model, spent in findings.models.items()
    }
    groups = {
        label: replace(group, attached_input=sum((model.with_planner(label) for model in models.values()), ZERO_USD))
        for label, group in findings.groups.items()
    }
    after = sum((usd for bills in learned.usd.values() for usd in bills.values()), ZERO_USD)
    return replace(
        findings, totals=totals, attached=Saving("rockbottom attached", before, after), groups=groups, models=models,
        attached_requests=learned.requests, instead=archive.marked,
    )  # fmt: skip


def _begun_at_once(request: Variant) -> Variant:
    record = replace(request.sent.record, began_after_s=0.0)
    return replace(request, sent=replace(request.sent, record=record))


def _savings(trial: Trial, before: Usd, catalog: Catalog, behaviour: Behaviour) -> Iterator[Saving]:
    """A trial as it is, and where that saves nothing with parallel requests held as well."""
    fix, stream = trial
    after = bill_of(stream, catalog, behaviour)
    if after is None:
        return
    yield Saving(fix, before, after)
    if after >= before:
        when_held = bill_of(stream, catalog, behaviour, waiting=True)
        if when_held is not None and when_held < before:
            yield Saving(f"{fix}, and parallel requests held until the first begins to answer", before, when_held)


def _best(savings: Iterable[Saving]) -> Saving | None:
    """The one that saves most; a later one must save clearly more than one before it, which is the simpler."""
    best: Saving | None = None
    for saving in savings:
        if best is None or saving.after < best.after * _CLEARLY:
            best = saving
    return best


_CLEARLY = Decimal("0.99")


def _settle(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Text that changes gets one identity, and what changed in it is appended behind the last point."""
    classes, moved = Classes(), dict[bytes, float]()
    for finding in findings:
        old, new = _changed_pair(finding)
        if old is None or new is None:
            continue
        classes.join(old.digest, new.digest)
        texts = known.archive.face(old).text, known.archive.face(new).text
        share = 1 - sum(common_ends(*texts)) / max(1, len(texts[1]))
        for changed_segment in (old, new):
            moved[changed_segment.digest] = max(moved.get(changed_segment.digest, 0.0), share)
    if not moved:
        return None
    settled: list[Variant] = []
    for request in stream:
        tail, segments = 0, list[Segment]()
        for segment in segments_of(request.prompt):
            part = round(segment.tokens * moved.get(segment.digest, 0.0))
            tail += part
            settled_segment = replace_digest(segment, classes.root(segment.digest))
            segments.append(changed(settled_segment, tokens=segment.tokens - part))
        if tail:
            segments.append(Segment(Section.MESSAGES, BlockKind.TEXT, b"moved", tail, role="user"))
        settled.append(with_segments(request, segments))
    return "what changes moved behind the last cachePoint", settled


def _same_spelling(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Blocks that differ only in key order or white space are sent in one spelling."""
    chosen = {"sorted_keys" if finding.cause is Cause.KEY_ORDER else "collapsed" for finding in findings}

    def spelled(segment: Segment) -> Segment:
        return replace_digest(segment, getattr(known.archive.face(segment), next(iter(chosen))))

    fixed = [
        with_segments(request, [spelled(segment) for segment in segments_of(request.prompt)]) for request in stream
    ]
    return "one spelling for the same content", fixed


def _sorted_tools(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Tools in the order of their names, which the digest stands for here: any order will do if it stays."""

    def ordered(request: Variant) -> Variant:
        segments = segments_of(request.prompt)
        tools = sorted(
            (segment for segment in segments if segment.section is Section.TOOLS), key=lambda segment: segment.digest
        )
        return with_segments(request, [*tools, *segments[len(tools) :]])

    return "tools in one order", [ordered(request) for request in stream]


def _pointed(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Points at the end of the system prompt and of the last message, in the conversations concerned."""
    roots = roots_of(findings)

    def pointed(request: Variant) -> Variant:
        if root_of(request.sent) not in roots:
            return request
        segments = request.prompt.segments
        system = sum(segment.section is not Section.MESSAGES for segment in segments)
        return with_points(request, [system, len(segments)], known.behaviour)

    return "points after the system prompt and the last message", [pointed(request) for request in stream]


def _bridged(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Where too many blocks were added, a further point where the earlier request had its last."""
    earlier = {
        finding.number: finding.earlier.prompt.points[-1].after
        for finding in findings
        if finding.earlier is not None and finding.earlier.prompt.points
    }
    fixed = [
        with_points(request, [earlier[number]], known.behaviour) if number in earlier else request
        for number, request in enumerate(stream)
    ]
    return "a further point at the end of the earlier request", fixed


def _hourly(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Every point of the conversations concerned asks for an hour."""
    roots = roots_of(findings)

    def hourly(request: Variant) -> Variant:
        prompt = request.prompt
        if root_of(request.sent) not in roots or Ttl.ONE_HOUR not in request.sent.rules.ttls:
            return request
        points = tuple(replace(point, ttl=Ttl.ONE_HOUR) for point in prompt.points)
        return replace(request, prompt=replace(prompt, points=points))

    fixed = [hourly(request) for request in stream]
    return None if all(old is new for old, new in zip(stream, fixed, strict=True)) else ("ttl 1h on every point", fixed)


def _one_region(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """The conversations concerned are served by the Region that served most of them (at the same prices)."""
    roots = roots_of(findings)
    regions = Counter(request.region for request in stream if root_of(request.sent) in roots)
    home = regions.most_common(1)[0][0]
    fixed = [replace(request, region=home) if root_of(request.sent) in roots else request for request in stream]
    return f"all served by {home}, at the same prices", fixed


def _waiting(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Each request concerned waits until the reply of the one that wrote first has begun."""
    begins = {finding.number: _begins(finding.earlier) for finding in findings if finding.earlier is not None}
    fixed = [
        replace(request, at=max(request.at, begins[number] + 0.001)) if number in begins else request
        for number, request in enumerate(stream)
    ]
    return "the others sent once the first reply has begun", fixed


def _pinned(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Every conversation concerned keeps the tools and instructions that it began with, as where a deploy is pinned."""
    talks = {talk_of(finding.sent) for finding in findings}
    first: dict[tuple[str, str, bytes], list[Segment]] = {}
    fixed: list[Variant] = []
    for request in sorted(stream, key=lambda request: request.at):
        segments, front = segments_of(request.prompt), front_of(request.sent)
        talk = talk_of(request.sent)
        if talk not in talks:
            fixed.append(request)
            continue
        pinned = first.setdefault(talk, segments[:front])
        moved = [
            replace(
                point,
                after=min(point.after, len(pinned)) if point.after <= front else point.after + len(pinned) - front,
            )
            for point in request.prompt.points
        ]
        prompt = replace(request.prompt, points=tuple(moved))
        fixed.append(with_segments(replace(request, prompt=prompt), [*pinned, *segments[front:]]))
    return "each conversation kept to the version that it began with", fixed


def _begins(sent: Sent) -> float:
    begun = sent.record.began_after_s
    return sent.at + (UNRECORDED_BEGIN_S if begun is None else begun)


_FIXES: Mapping[Cause, Sequence[Callable[[list[Variant], Sequence[Finding], Known], Trial | None]]] = {
    Cause.NO_POINT: (_pointed, behind_repeats),
    Cause.UNDER_MINIMUM: (_pointed, behind_repeats),
    Cause.POINT_NOT_ADVANCED: (_pointed, behind_repeats),
    Cause.VOLATILE_TEXT: (_settle,),
    Cause.TOOLS_REORDERED: (_sorted_tools,),
    Cause.KEY_ORDER: (_same_spelling,),
    Cause.WHITESPACE: (_same_spelling,),
    Cause.LOOKBACK_EXCEEDED: (_bridged, behind_repeats),
    Cause.TTL_EXPIRED: (_hourly,),
    Cause.REGION_HOP: (_one_region,),
    Cause.PARALLEL_WRITE: (_waiting,),
    Cause.VERSIONS_MIXED: (_pinned,),
    Cause.TAIL_CHANGED: (before_the_tail, by_hand_alone, rules_as_item),
    Cause.NOT_LOOKED_BACK: (before_the_tail, by_hand_alone, rules_as_item),
}


def _changed_pair(finding: Finding) -> tuple[Segment | None, Segment | None]:
    """The first two segments in which a request and the earlier one differ."""
    earlier = finding.earlier
    if earlier is None:
        return None, None
    for old, new in zip(earlier.prompt.segments, finding.sent.prompt.segments, strict=False):
        if old.digest != new.digest:
            return (old, new) if old.section is new.section else (None, None)
    return None, None
