"""Points behind what other requests repeat, tried where a prompt has none, too few, or the service's own alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from msgspec.structs import replace as changed

from rockbottom.cache import Behaviour
from rockbottom.diagnose.findings import Finding
from rockbottom.diagnose.sent import Archive, Sent
from rockbottom.diagnose.talks import root_of, roots_of
from rockbottom.diagnose.trials import Variant, segments_of, with_points, with_segments
from rockbottom.prompt import BlockKind


@dataclass(frozen=True)
class Known:
    """What a fix may look at besides the requests."""

    archive: Archive
    behaviour: Behaviour
    stream: Sequence[Variant]

    @cached_property
    def uses(self) -> Counter[bytes]:
        """How many requests begin with each prefix."""
        return Counter(prefix for request in self.stream for prefix in request.sent.content[1:])


Trial = tuple[str, list[Variant]]


def behind_repeats(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Points where prefixes end that other requests begin with too, the longest ones, and nowhere else."""
    roots, places = roots_of(findings), Counter[str]()

    def pointed(request: Variant) -> Variant:
        if root_of(request.sent) not in roots:
            return request
        ends = _ends_of_repeats(request.sent, known.uses)
        marked = with_points(request, ends, known.behaviour, only=True)
        prompt = marked.prompt
        places.update(prompt.place(prompt.segments[point.after - 1]) for point in prompt.points)
        return marked

    fixed = [pointed(request) for request in stream]
    if not places:
        return None
    place, _ = places.most_common(1)[0]
    return f"a cachePoint behind every block that repeats, most often {place}", fixed


def before_the_tail(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Points behind what repeats, where the surface takes points at all: of GPT, Converse does not."""
    return behind_repeats(stream, findings, known) if _take_points(findings) else None


def by_hand_alone(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """Mode explicit, so that the service writes nothing by itself, and points behind what repeats where they count."""
    if not _take_points(findings):
        return None
    roots, trial = roots_of(findings), behind_repeats(stream, findings, known)
    fix, pointed = trial or ("nothing marked", stream)
    alone = [
        replace(request, prompt=replace(request.prompt, implicit=False)) if root_of(request.sent) in roots else request
        for request in pointed
    ]
    return f"prompt_cache_options.mode explicit, and {fix}", alone


def rules_as_item(stream: list[Variant], findings: Sequence[Finding], known: Known) -> Trial | None:
    """``instructions``, which take no mark, as the first item of the input, and points by hand alone."""
    if not any(segment.kind is BlockKind.INSTRUCTIONS for request in stream for segment in request.prompt.segments):
        return None
    moved = [
        with_segments(
            request,
            [
                changed(segment, kind=BlockKind.TEXT) if segment.kind is BlockKind.INSTRUCTIONS else segment
                for segment in segments_of(request.prompt)
            ],
        )
        for request in stream
    ]
    trial = by_hand_alone(moved, findings, known)
    item = "the rules sent as a first input item of role developer (instructions cannot be marked)"
    return None if trial is None else (f"{item}; {trial[0]}", trial[1])


def _take_points(findings: Sequence[Finding]) -> bool:
    return all(finding.sent.rules.takes_points(finding.sent.prompt.api.value) for finding in findings)


def _ends_of_repeats(sent: Sent, uses: Counter[bytes]) -> list[int]:
    """Where a request's prefixes end that more requests share than the next longer one, the deepest first."""
    counts = [uses[prefix] for prefix in sent.content[1:]]
    ends = [
        index for index, count in enumerate(counts, 1) if count > 1 and (index == len(counts) or counts[index] < count)
    ]
    minimum = sent.rules.minimum_tokens
    return [end for end in reversed(ends) if sent.prompt.depths[end] >= minimum]
