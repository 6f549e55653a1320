"""The least possible bill itself, for small workloads: every legal placement, knowing the future.

A search over requests in order; its state is the set of live entries, so what two histories have left alike is
worked out once. Legal are up to the model's maximum of points at block ends, the longer lifetime before the shorter.
Work grows quickly: past ``LIMIT`` steps there is no answer and the lower bound of ``bound`` is all there is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

from rockbottom.cache import EntryKey, Namespace, PrefixCache, step
from rockbottom.cost import Cost
from rockbottom.prompt import CachePoint, Prompt, prompt_of
from rockbottom.quantities import NO_USAGE, Ttl, Usage
from rockbottom.replay.online import prompts_of
from rockbottom.replay.points import closes
from rockbottom.replay.policies import Stage
from rockbottom.trace import Array

LIMIT = 60_000

_State = tuple[tuple[EntryKey, Ttl, float, float, EntryKey | None], ...]


@dataclass(slots=True)
class _Search:
    stage: Stage
    closes: Array  # of every block whether a point may stand behind it
    prompts: list[tuple[Prompt, float]]
    left: int
    known: dict[tuple[int, _State], tuple[Decimal, Usage] | None] = field(
        default_factory=dict[tuple[int, _State], tuple[Decimal, Usage] | None]
    )


class TooLarge(Exception):
    """The search took more steps than it may."""


def exact_usage(stage: Stage, limit: int = LIMIT) -> Usage | None:
    """The input tokens of the cheapest legal placements; None where the workload is too large for the search."""
    if len(stage.bands.bands) > 1 or len(stage.trace) > 40:
        return None
    search = _Search(stage, closes(stage.trace, stage.rules), list(prompts_of(stage, stage.nodes)), limit)
    try:
        return _least(search, 0, PrefixCache())[1]
    except TooLarge:
        return None


def _least(search: _Search, number: int, state: PrefixCache) -> tuple[Decimal, Usage]:
    """The least cost from a request on, and its tokens."""
    if number == len(search.prompts):
        return Decimal(0), NO_USAGE
    prompt, now = search.prompts[number]
    alive = {key: entry for key, entry in state.entries.items() if entry.expires_at > now}
    key = number, _state_key(PrefixCache(alive))
    least = search.known.get(key)
    if least is None:
        least = search.known[key] = _best(search, number, prompt, now, PrefixCache(alive))
    return least


def _best(search: _Search, number: int, prompt: Prompt, now: float, state: PrefixCache) -> tuple[Decimal, Usage]:
    best: tuple[Decimal, Usage] | None = None
    stage = search.stage
    tail = int(stage.trace.requests.tokens_in[number]) - prompt.tokens
    for points, implicit in _ways(search, number, prompt):
        search.left -= 1
        if search.left < 0:
            raise TooLarge
        marked = prompt_of(prompt.api, prompt.segments, points, prompt.parameters, implicit)
        after, result = step(state, marked, now, stage.rules, stage.behaviour, Namespace("", "", stage.rules.model))
        uncached = prompt.tokens - result.read - result.written + tail
        usage = Usage.of(uncached, 0, result.read, result.writes)
        cost = Cost(stage.rates.cost(usage).lines).usd
        if best is not None and cost >= best[0]:
            continue
        later, rest = _least(search, number + 1, after)
        if best is None or cost + later < best[0]:
            best = cost + later, usage + rest
    assert best is not None
    return best


def _ways(search: _Search, number: int, prompt: Prompt) -> Iterator[tuple[list[CachePoint], bool]]:
    """Every legal set of points, and whether the service may add its own, where it has one."""
    rules = search.stage.rules
    takes = rules.takes_points(prompt.api.value)
    sets: Iterable[list[CachePoint]] = _placements(search, number, prompt) if takes else ([],)
    for points in sets:
        if takes or not rules.implicit_point:
            yield points, False
        if rules.implicit_point:
            yield points, True


def _placements(search: _Search, number: int, prompt: Prompt) -> Iterator[list[CachePoint]]:
    """Every legal set of points: none, then up to the maximum; in each the first so many for the longer TTL."""
    stage, before = search.stage, int(search.stage.trace.block_offsets[number]) - 1
    least = max(1, stage.rules.minimum_tokens)
    deep = [n for n in range(1, len(prompt.segments) + 1) if prompt.depths[n] >= least and search.closes[before + n]]
    longer = stage.rules.ttls[-1] if len(stage.rules.ttls) > 1 else None
    for count in range(min(stage.rules.maximum_points, len(deep)) + 1):
        for chosen in combinations(deep, count):
            for long in range(count + 1 if longer else 1):
                yield [_point(prompt, n, longer if k < long else None) for k, n in enumerate(chosen)]


def _point(prompt: Prompt, after: int, ttl: Ttl | None) -> CachePoint:
    before = prompt.segments[after - 1]
    return CachePoint(after, ttl, before.section, before.kind)


def _state_key(state: PrefixCache) -> _State:
    rows = [(key, e.ttl, e.expires_at, e.visible_at, e.parent) for key, e in state.entries.items()]
    return tuple(sorted(rows, key=lambda row: (row[0].prefix, row[2], row[1].value)))
