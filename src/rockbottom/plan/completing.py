"""Points added beside those that the caller set: only as many, and only such, as keep the request legal."""

from collections.abc import Sequence

from rockbottom.cache import Behaviour, refusal
from rockbottom.catalog import CacheRules
from rockbottom.prompt import Placement, Prompt, with_placements


def completing(
    prompt: Prompt, placements: Sequence[Placement], rules: CacheRules, behaviour: Behaviour
) -> tuple[Placement, ...]:
    """Those of the placements, the deepest first, with which the service still accepts the prompt."""
    taken = {point.after for point in prompt.points}
    accepted: list[Placement] = []
    for placement in sorted(placements, key=lambda placement: -placement.after):
        if placement.after in taken:
            continue
        if refusal(with_placements(prompt, [*accepted, placement]), rules, behaviour) is None:
            accepted.append(placement)
    return tuple(sorted(accepted, key=lambda placement: placement.after))
