"""Points added beside those that the caller set: only as many, and only such, as keep the request legal."""

from collections.abc import Sequence
from dataclasses import replace

from rockbottom.cache import Behaviour, refusal
from rockbottom.catalog import CacheRules
from rockbottom.prompt import CachePoint, Placement, Prompt


def completing(
    prompt: Prompt, placements: Sequence[Placement], rules: CacheRules, behaviour: Behaviour
) -> tuple[Placement, ...]:
    """Those of the placements, the deepest first, with which the service still accepts the prompt."""
    taken = {point.after for point in prompt.points}
    kept: list[Placement] = []
    for placement in sorted(placements, key=lambda placement: -placement.after):
        if placement.after in taken:
            continue
        if refusal(with_placements(prompt, [*kept, placement]), rules, behaviour) is None:
            kept.append(placement)
    return tuple(sorted(kept, key=lambda placement: placement.after))


def with_placements(prompt: Prompt, placements: Sequence[Placement]) -> Prompt:
    """The prompt with these points set beside its own, as reading the changed body would give it."""
    points = list(prompt.points)
    for placement in placements:
        segment = prompt.segments[placement.after - 1]
        place = segment.section, segment.kind, segment.message, segment.index + 1
        points.append(CachePoint(placement.after, placement.ttl, *place))
    return replace(prompt, points=tuple(sorted(points, key=lambda point: point.after)))
