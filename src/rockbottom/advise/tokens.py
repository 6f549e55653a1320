"""Tokens of a month by billable unit, for one way of sending a shape: expected, or simulated for given gaps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rockbottom.advise.shapes import MonthlyTraffic, WorkloadShape
from rockbottom.advise.ways import CachingWay
from rockbottom.cache import Behaviour, Namespace, PrefixCache, step
from rockbottom.catalog import CacheRules
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Prompt, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import WRITES, Ttl, Unit

_ONE = Decimal(1)


def misses(traffic: MonthlyTraffic, variants: int, ttl_s: int) -> Decimal:
    """Requests of a month that find the entry dead, all variants and windows together."""
    rate = _rate(traffic, variants)
    window, turns, gap = traffic.window_s, traffic.turns, traffic.turn_gap_s
    apart = gap >= ttl_s
    reach = Decimal(ttl_s) * turns if apart else ttl_s + (turns - 1) * gap
    if reach >= window:
        first = _ONE - (-rate * window).exp()
    else:
        gone = (-rate * reach).exp()
        first = _ONE - gone + rate * (window - reach) * gone
    each = turns if apart and turns > 1 else 1
    return min(first * each * variants * traffic.windows, traffic.requests)


def first_uses(traffic: MonthlyTraffic, variants: int) -> Decimal:
    """Conversations of a month that are the first of their variant and window: what no keep-alive can help."""
    return (_ONE - (-_rate(traffic, variants) * traffic.window_s).exp()) * variants * traffic.windows


def keep_alives(traffic: MonthlyTraffic, variants: int, period_s: Decimal) -> Decimal:
    """Requests of a month that are sent only to keep ``variants`` entries alive, one each ``period_s`` idle seconds."""
    rate = _rate(traffic, variants)
    idle = (-rate * period_s).exp()
    at_most = traffic.windows * traffic.window_s / period_s * variants
    if idle == 1:
        return at_most
    before_each = (-rate * (traffic.turns - 1) * traffic.turn_gap_s).exp() * idle / (_ONE - idle)
    return min(before_each * traffic.sessions, at_most)


def _rate(traffic: MonthlyTraffic, variants: int) -> Decimal:
    """Conversations a second that use one variant."""
    return traffic.sessions / traffic.windows / variants / traffic.window_s


KEEP_ALIVE_MARGIN_S = 20
KEEP_ALIVE_TOKENS = 40
"""What ``rockbottom.attach(keep_alive=...)`` does: 20 seconds before the end, with some 40 tokens around the prefix
(a short message and the frame of the conversation) and one token of output, the least that Converse accepts."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of many requests whose prompts are equally long: ``context_tokens`` decides the long-context price."""

    context_tokens: int
    requests: Decimal
    by_unit: Mapping[Unit, Decimal]
    keep_alive: bool = False


@dataclass(frozen=True, slots=True)
class LayerSpan:
    """Layers that are written and read together: from ``start`` to ``depth``, a point at the end."""

    start: int
    depth: int
    variants: int
    ttl: Ttl


def entries_of(shape: WorkloadShape, way: CachingWay, rules: CacheRules) -> tuple[LayerSpan, ...]:
    """The layers as the model caches them: below its minimum a layer has no entry of its own.

    Its tokens are then written and read with the next deeper one; above a maximum nothing is cached.
    """
    entries: list[LayerSpan] = []
    start = depth = 0
    for layer, ttl in zip(shape.layers, way.ttls, strict=False):
        depth += layer.tokens
        if _cacheable(depth, rules):
            entries.append(LayerSpan(start, depth, layer.variants, ttl))
            start = depth
    return tuple(entries)


def expected(
    shape: WorkloadShape, way: CachingWay, rules: CacheRules, writes: Decimal | None = None, parallel: int = 1
) -> list[Tokens]:
    """What a month is expected to read, write and leave uncached, turn by turn.

    ``writes`` states how often the prefix is written instead of deriving it from the arrivals. ``parallel`` requests
    start together wherever the prefix is dead, and all of them write it: an entry can be read only once its
    writer's response has begun. The last message of the last turn is written as well where there is a tail: a rule
    that marks every last message cannot know better.
    """
    entries = entries_of(shape, way, rules)
    dead = [_dead(shape, way, entry, entries, writes) * parallel for entry in entries]
    tokens = [_turn(shape, way, rules, turn, entries, dead) for turn in range(1, shape.traffic.turns + 1)]
    if way.keep_alive and entries and (keeping := _keeping(shape, entries)).requests >= Decimal("0.5"):
        tokens.append(keeping)
    return tokens


def simulated(
    shape: WorkloadShape, way: CachingWay, rules: CacheRules, behaviour: Behaviour, gaps_s: Sequence[Decimal]
) -> list[Tokens]:
    """What requests at these intervals read, write and leave uncached, by the reference semantics, scaled to a month.

    Where a turn adds tokens, the requests are the turns of one conversation. Keep-alive requests are sent while a gap
    lasts, and never after the last request.
    """
    plain = replace(rules, residual_tokens=0, residual_tokens_with_tools=0)  # the question counts them
    share = shape.traffic.requests / (len(gaps_s) + 1)
    tokens: list[Tokens] = []
    state, namespace = PrefixCache(), Namespace("", "", rules.model)
    api = next((api for api in (Api.CONVERSE, Api.RESPONSES) if rules.takes_points(api.value)), Api.CONVERSE)
    for number, at, keep_alive in _instants(shape, way, gaps_s):
        prompt = _prompt(shape, way, number, keep_alive, reading_back=rules.implicit_point)
        prompt = replace(prompt, api=api, implicit=way.by_itself)
        state, outcome = step(state, prompt, float(at), plain, behaviour, namespace)
        usage = outcome.usage(1 if keep_alive else shape.output_tokens)
        by_unit = {unit: amount * share for unit, amount in usage.items() if amount}
        context = shape.prompt_tokens(number if shape.added_tokens else 1)
        tokens.append(Tokens(context, share, by_unit, keep_alive=keep_alive))
    return tokens


def _cacheable(depth: int, rules: CacheRules) -> bool:
    return rules.takes_any_points and max(1, rules.minimum_tokens) <= depth <= (rules.maximum_cacheable_tokens or depth)


def _dead(
    shape: WorkloadShape, way: CachingWay, entry: LayerSpan, entries: Sequence[LayerSpan], writes: Decimal | None
) -> Decimal:
    if writes is not None:
        return min(writes, shape.traffic.requests)
    if way.keep_alive and entry.variants == entries[0].variants:
        return first_uses(shape.traffic, entry.variants)
    return misses(shape.traffic, entry.variants, entry.ttl.seconds)


def _turn(
    shape: WorkloadShape,
    way: CachingWay,
    rules: CacheRules,
    turn: int,
    entries: Sequence[LayerSpan],
    dead: Sequence[Decimal],
) -> Tokens:
    traffic, count = shape.traffic, shape.traffic.sessions
    by_unit = dict.fromkeys(Unit, Decimal(0))
    for entry, missed in zip(entries, dead, strict=True):
        if traffic.turn_gap_s >= entry.ttl.seconds or traffic.turns == 1:
            here = missed / traffic.turns
        else:
            here = missed if turn == 1 else Decimal(0)
        here = min(here, count)
        size = entry.depth - entry.start
        by_unit[WRITES[entry.ttl]] += size * here
        by_unit[Unit.CACHE_READ] += size * (count - here)
    below = entries[-1].depth if entries else 0
    _rest(shape, way, rules, turn, below, by_unit)
    by_unit[Unit.OUTPUT] = shape.output_tokens * count
    return Tokens(shape.prompt_tokens(turn), count, {unit: amount for unit, amount in by_unit.items() if amount})


def _rest(
    shape: WorkloadShape, way: CachingWay, rules: CacheRules, turn: int, below: int, by_unit: dict[Unit, Decimal]
) -> None:
    """What follows the layers: read and written where the tail is closed, else uncached."""
    count, whole = shape.traffic.sessions, shape.prompt_tokens(turn)
    if way.tail is None or not _cacheable(whole, rules):
        by_unit[Unit.INPUT] += (whole - below) * count
        return
    before = shape.prompt_tokens(turn - 1) if turn > 1 else 0
    alive = shape.traffic.turn_gap_s < way.tail.seconds and _cacheable(before, rules)
    read = max(before, below) if alive else below
    by_unit[Unit.CACHE_READ] += (read - below) * count
    by_unit[WRITES[way.tail]] += (whole - read) * count


def _keeping(shape: WorkloadShape, entries: Sequence[LayerSpan]) -> Tokens:
    """The keep-alive requests: the outermost layers, those that fewest versions exist of."""
    outer = [entry for entry in entries if entry.variants == entries[0].variants]
    period = Decimal(outer[0].ttl.seconds - KEEP_ALIVE_MARGIN_S)
    sent = keep_alives(shape.traffic, outer[0].variants, period)
    depth = outer[-1].depth
    by_unit = {Unit.CACHE_READ: depth * sent, Unit.INPUT: (KEEP_ALIVE_TOKENS - 1) * sent, Unit.OUTPUT: sent}
    return Tokens(depth, sent, by_unit, keep_alive=True)


def _instants(shape: WorkloadShape, way: CachingWay, gaps_s: Sequence[Decimal]) -> Iterator[tuple[int, Decimal, bool]]:
    """Requests by number (from 1) with their instants, and the keep-alive requests between them."""
    at = Decimal(0)
    yield 1, at, False
    for number, gap in enumerate(gaps_s, 2):
        if way.keep_alive:
            period = way.ttls[0].seconds - KEEP_ALIVE_MARGIN_S
            for count in range(1, int(gap // period) + 1):
                if count * period < gap:
                    yield number - 1, at + count * period, True
        at += gap
        yield number, at, False


def _prompt(shape: WorkloadShape, way: CachingWay, number: int, keep_alive: bool, *, reading_back: bool) -> Prompt:
    """One request; ``reading_back``: a tail is read only where a point stands at the end of the turn before too."""
    segments = [_segment(Section.SYSTEM, f"layer {index}", layer.tokens) for index, layer in enumerate(shape.layers)]
    points = [CachePoint(index, ttl, Section.SYSTEM, BlockKind.TEXT) for index, ttl in enumerate(way.ttls, 1)]
    if keep_alive:
        segments.append(_segment(Section.MESSAGES, "keep-alive", KEEP_ALIVE_TOKENS - 1))
        return prompt_of(Api.CONVERSE, segments, points, Parameters())
    if shape.added_tokens:
        for turn in range(1, number):
            segments.append(_segment(Section.MESSAGES, f"question {turn}", shape.question_tokens, 2 * turn))
            answer = max(0, shape.added_tokens - shape.question_tokens)
            segments.append(_segment(Section.MESSAGES, f"answer {turn}", answer, 2 * turn + 1))
    segments.append(_segment(Section.MESSAGES, f"question {number}", shape.question_tokens, 2 * number))
    if way.tail is not None and not way.by_itself:
        if reading_back and number > 1 and shape.added_tokens:
            points.append(CachePoint(len(segments) - 2, way.tail, Section.MESSAGES, BlockKind.TEXT))
        points.append(CachePoint(len(segments), way.tail, Section.MESSAGES, BlockKind.TEXT))
    return prompt_of(Api.CONVERSE, segments, points, Parameters())


def _segment(section: Section, name: str, tokens: int, message: int = 0) -> Segment:
    digest = digest_of("text", "user", name.encode())
    return Segment(section, BlockKind.TEXT, digest, tokens, role="user", message=message)
