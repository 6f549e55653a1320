"""What a rule could pay for prefixes that come back, if it knew beforehand how often the k-th use of one is followed.

Between the bound, which knows every next use, and a planner, which learns: whoever sends a document for the k-th time
knows which share of prefixes is used again within five minutes, within an hour and later after so many uses, in this
very traffic, and decides by dynamic programming. Nobody who decides online by such counts can pay less on it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.placement.blocks import BlockRequest, Multiples

_USES = 15  # later uses are taken together
_ROUNDS = 300
Shares = tuple[float, float, float]
"""Followed by another use within five minutes, within the hour, later."""


def informed_relative(requests: Sequence[BlockRequest], multiples: Multiples) -> float:
    """The least input cost relative to no caching; each request is a prefix that others share and a rest of its own."""
    times: dict[int, list[float]] = defaultdict(list)
    tokens: dict[int, int] = {}
    seen = Counter(key for request in requests for key in request.keys[1:])
    for request in requests:
        deepest = max(place for place in range(1, len(request.keys)) if place == 1 or seen[request.keys[place]] > 1)
        times[request.keys[deepest]].append(request.at)
        tokens[request.keys[deepest]] = request.depths[deepest]
    none = sum(request.tokens for request in requests)
    shared = sum(tokens[key] * len(uses) for key, uses in times.items())
    each = _cost_of_first(_shares(times, tokens), multiples)
    return (sum(tokens[key] for key in times) * each + none - shared) / none


def _shares(times: dict[int, list[float]], tokens: dict[int, int]) -> list[Shares]:
    """By number of uses so far, weighed by the tokens of the prefixes."""
    counts = [[0.0, 0.0, 0.0, 0.0] for _ in range(_USES + 1)]
    for key, uses in times.items():
        for number, (at, then) in enumerate(pairwise([*uses, float("inf")])):
            gap = then - at
            stage = 0 if gap < 300 else 1 if gap < 3600 else 2 if gap < float("inf") else 3
            counts[min(number, _USES)][stage] += tokens[key]
    return [(a / (total := a + b + c + d or 1.0), b / total, c / total) for a, b, c, d in counts]


def _cost_of_first(shares: Sequence[Shares], multiples: Multiples) -> float:
    """The expected cost of a prefix from its first use on, per token, in uses of plain input."""
    read, five, hour = multiples.read / 1000, multiples.write_5m / 1000, multiples.write_1h / 1000
    bare, in_5m, in_1h = ([0.0] * (_USES + 2) for _ in range(3))
    for _ in range(_ROUNDS):
        for number in range(_USES, -1, -1):
            soon, slow, late = shares[number]
            then = min(number + 1, _USES)
            after_5m = soon * in_5m[then] + (slow + late) * bare[then]
            after_1h = (soon + slow) * in_1h[then] + late * bare[then]
            bare[number] = min(1 + (soon + slow + late) * bare[then], five + after_5m, hour + after_1h)
            in_5m[number], in_1h[number] = read + after_5m, read + after_1h
    return bare[0]
