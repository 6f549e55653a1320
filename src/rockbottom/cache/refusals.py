"""Where a cachePoint is refused: the placement rules of the service, before anything is counted.

Order of evaluation: placement inside each list, then the model, then the limits
(as cachecanary-live recorded them). The texts of the errors are the local endpoint's business.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from rockbottom.cache.behaviour import Behaviour
from rockbottom.catalog import CacheRules
from rockbottom.prompt import Api, BlockKind, CachePoint, Prompt, Section
from rockbottom.quantities import Ttl


class Reason(Enum):
    """Why the service refuses a request on account of a cachePoint."""

    NOTHING_BEFORE = "no block before it in its own list"
    AFTER_REASONING = "directly after a reasoning block"
    AFTER_TEXT_DOCUMENT = "directly after a document that is sent as text"
    ILLEGAL_SECTION = "this model accepts no cachePoint there"
    AFTER_ILLEGAL_BLOCK = "this model accepts no cachePoint after such a block"
    MODEL_UNSUPPORTED = "the model does not cache"
    TTL_FIELD = "this model accepts no ttl"
    TTL_UNSUPPORTED = "this model does not offer that ttl"
    TTL_ORDER = "a 1h point after a 5m point"
    TOO_MANY = "more points than the model takes"


class Refusal(Struct, frozen=True):
    """One reason for a refusal, and the point that gives it."""

    reason: Reason
    point: CachePoint
    number: int  # of the point, in the order of the prompt


def refusal(prompt: Prompt, rules: CacheRules, behaviour: Behaviour) -> Refusal | None:
    """The first reason for which the service refuses this prompt on account of its points, or None."""
    return next(refusals(prompt, rules, behaviour), None)


def refusals(prompt: Prompt, rules: CacheRules, behaviour: Behaviour) -> Iterator[Refusal]:
    """Every reason, in the order in which the service looks."""
    points = list(enumerate(prompt.points))
    if prompt.api in (Api.CHAT, Api.RESPONSES):
        return  # OpenAI's surfaces pass over a point that they have no use for (sample-per-model-bedrock, gpt-oss)
    if not rules.explicit:
        if rules.takes_points(prompt.api.value):
            return  # InvokeModel with a body of OpenAI's (card-gpt-6-luna)
        yield from (Refusal(Reason.MODEL_UNSUPPORTED, point, number) for number, point in points)
        return
    for number, point in points:
        reason = _placement(point, prompt, rules)
        if reason is not None:
            yield Refusal(reason, point, number)
    if len(points) > rules.maximum_points:
        yield Refusal(Reason.TOO_MANY, points[rules.maximum_points][1], rules.maximum_points)
    yield from _ttls(prompt, rules, behaviour)


def _placement(point: CachePoint, prompt: Prompt, rules: CacheRules) -> Reason | None:
    if point.section.value not in rules.sections:
        return Reason.ILLEGAL_SECTION
    follows = point.follows
    if follows is BlockKind.CACHE_POINT:
        return None  # two points on one block are accepted (cachecanary-live)
    if follows is None:
        return Reason.NOTHING_BEFORE
    if follows.value not in rules.illegal_after:
        return None
    if not prompt.api.native and follows is BlockKind.REASONING and Section.TOOLS.value in rules.sections:
        return Reason.AFTER_REASONING
    return Reason.AFTER_TEXT_DOCUMENT if follows is BlockKind.TEXT_DOCUMENT else Reason.AFTER_ILLEGAL_BLOCK


def _ttls(prompt: Prompt, rules: CacheRules, behaviour: Behaviour) -> Iterator[Refusal]:
    shortest: Ttl | None = None
    for number, point in enumerate(prompt.points):
        if point.ttl is not None and not rules.accepts_ttl_field:
            yield Refusal(Reason.TTL_FIELD, point, number)
            continue
        ttl = point.ttl or rules.ttls[0]
        if ttl not in rules.ttls:
            if behaviour.unsupported_ttl == "reject":
                yield Refusal(Reason.TTL_UNSUPPORTED, point, number)
            continue
        if shortest is not None and ttl.seconds > shortest.seconds:
            yield Refusal(Reason.TTL_ORDER, point, number)
        shortest = ttl if shortest is None or ttl.seconds < shortest.seconds else shortest
