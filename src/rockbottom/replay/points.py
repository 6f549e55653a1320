"""Where a policy puts cachePoints: one small function per fixed policy, from columns to columns.

A policy sees a request's own shape only (its sections), so it is a function of the trace and of nothing
that happened before; policies that learn are in ``online``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rockbottom.catalog import CacheRules
from rockbottom.quantities import Ttl
from rockbottom.trace import APIS, KINDS, NO_TTL, Array, SectionCode, Trace, compiled

LEAST_DOCUMENT = 256
"""Tokens from which on a block of a message is taken for a document; a question is shorter."""

USUAL, ONE_HOUR = NO_TTL, Ttl.ONE_HOUR.code
"""``PlacedPoints.ttl``: the model's first TTL, which is that of a point that names none, and an hour."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPoints:
    """The points of every request: rows ``offsets[i] .. offsets[i + 1]``, each after so many blocks, with a TTL's code.

    A lifetime that the model lacks stands for its first. ``own`` says of each request whether the service adds its own
    point at the end, where the model has one (1); None: of none.
    """

    offsets: Array
    after: Array
    ttl: Array
    own: Array | None = None


Place = Callable[[Trace, CacheRules], PlacedPoints]


def none(trace: Trace, rules: CacheRules) -> PlacedPoints:
    nothing = np.zeros(0, np.int32)
    return PlacedPoints(np.zeros(len(trace) + 1, np.int64), nothing, nothing.astype(np.uint8))


def as_recorded(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """The points that were really sent; the service added its own unless the request forbade it."""
    return PlacedPoints(trace.point_offsets, trace.points.after, trace.points.ttl, own_points(trace, rules))


def own_points(trace: Trace, rules: CacheRules) -> Array | None:
    """Where the service adds a point of its own: a point after no block is the word of a request that forbids it.

    A free cache is of that kind too, where the switch says that anything is read of it.
    """
    if not adds_points(rules):
        return None
    own = np.ones(len(trace), np.uint8)
    owners = np.repeat(np.arange(len(trace)), np.diff(trace.point_offsets))
    own[owners[trace.points.after == 0]] = 0
    return own


def adds_points(rules: CacheRules) -> bool:
    """Whether the service may add points of its own to requests of this model."""
    return rules.implicit_point or rules.best_effort


def taken(points: PlacedPoints, trace: Trace, rules: CacheRules) -> PlacedPoints:
    """The points that the service takes, and those that it adds whatever is sent.

    It takes none on a surface that has none, in a section that has none, and after a block that closes no prefix:
    there it refuses them or passes over them. A block whose kind is not known is taken for any.
    """
    by_code = np.zeros(256, np.bool_)
    for code, api in APIS.items():
        by_code[code] = rules.takes_points(api.value)
    by_request = by_code[trace.requests.api]
    own = points.own
    if adds_points(rules) and not by_request.all():  # such a surface has no word to forbid it either
        own = np.zeros(len(trace), np.uint8) if own is None else own.copy()
        own[~by_request] = 1
    owners = np.repeat(np.arange(len(trace)), np.diff(points.offsets))
    counts = np.diff(trace.block_offsets)[owners]
    stands = (points.after > 0) & (counts > 0) & by_request[owners]
    rows = trace.block_offsets[owners[stands]] + np.minimum(points.after[stands], counts[stands]) - 1
    stands[stands] = closes(trace, rules)[rows]
    if stands.all():
        return points if own is points.own else replace(points, own=own)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owners[stands], minlength=len(trace))))).astype(np.int64)
    return PlacedPoints(offsets, points.after[stands], points.ttl[stands], own)


def closes(trace: Trace, rules: CacheRules) -> Array:
    """Of every block whether a point may stand behind it."""
    kind = trace.blocks.kind
    kinds = np.array([name in _OF_ANY_KIND or name not in rules.illegal_after for name in KINDS])
    kinds[_UNKNOWN] |= bool((kind == _UNKNOWN).all())  # a ledger knows blocks by their hashes alone
    sections = np.array([section.name.lower() in rules.sections for section in SectionCode])
    return kinds[kind] & sections[trace.blocks.section]


_OF_ANY_KIND = ("slice", "counted")
_UNKNOWN = KINDS.index("unknown")


def system(trace: Trace, rules: CacheRules, ttl: int = USUAL) -> PlacedPoints:
    """One point at the end of tools and system."""
    return placed([(system_ends(trace), ttl)])


def system_1h(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """One point at the end of tools and system, for an hour."""
    return system(trace, rules, ONE_HOUR)


def system_tail_5m(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """A point at the end of tools and system and one at the end of the prompt, for five minutes."""
    return placed([(system_ends(trace), USUAL), (_ends(trace), USUAL)])


def system_tail_1h(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """A point at the end of tools and system and one at the end of the prompt, for an hour."""
    return placed([(system_ends(trace), ONE_HOUR), (_ends(trace), ONE_HOUR)])


def system_1h_tail_5m(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """Tools and system for an hour, the end of the prompt for five minutes."""
    return placed([(system_ends(trace), ONE_HOUR), (_ends(trace), USUAL)])


def documents(trace: Trace, rules: CacheRules) -> PlacedPoints:
    """A point at the end of tools and system, and one behind each document, of the last three where there are more.

    A document is a block of the messages with at least ``LEAST_DOCUMENT`` tokens and something behind it.
    """
    fixed = system_ends(trace)
    offsets = np.empty(len(trace) + 1, np.int64)
    after = np.empty(4 * len(trace), np.int32)
    count = _behind_documents(trace.block_offsets, trace.blocks.depth, fixed, LEAST_DOCUMENT, offsets, after)
    return PlacedPoints(offsets, after[:count], np.full(count, USUAL, np.uint8))


@compiled
def _behind_documents(offsets: Array, depth: Array, fixed: Array, least: int, ends: Array, after: Array) -> int:
    count = 0
    ends[0] = 0
    for i in range(len(fixed)):
        base, end = offsets[i], offsets[i + 1]
        if fixed[i] > 0:
            after[count] = fixed[i]
            count += 1
        first = count
        row = end - 2
        while row >= base + fixed[i] and count - first < 3:
            before = depth[row - 1] if row > base else 0
            if depth[row] - before >= least:
                after[count] = row + 1 - base
                count += 1
            row -= 1
        after[first:count] = after[first:count][::-1].copy()
        ends[i + 1] = count
    return count


FIXED: Mapping[str, Place] = {
    "none": none,
    "as_recorded": as_recorded,
    "system": system,
    "system_1h": system_1h,
    "system_tail_5m": system_tail_5m,
    "system_tail_1h": system_tail_1h,
    "system_1h_tail_5m": system_1h_tail_5m,
    "documents": documents,
}
"""Every fixed policy by name."""


def _ends(trace: Trace) -> Array:
    return np.diff(trace.block_offsets).astype(np.int32)


def system_ends(trace: Trace) -> Array:
    """How many leading blocks of every request belong to tools and system."""
    ends = np.zeros(len(trace), np.int32)
    _count_leading(trace.block_offsets, trace.blocks.section, np.uint8(SectionCode.MESSAGES), ends)
    return ends


@compiled
def _count_leading(offsets: Array, section: Array, until: np.uint8, ends: Array) -> None:
    for i in range(len(ends)):
        row = offsets[i]
        while row < offsets[i + 1] and section[row] < until:
            row += 1
        ends[i] = row - offsets[i]


def placed(columns: list[tuple[Array, int]]) -> PlacedPoints:
    """Up to one point per request from each column of positions; position 0 is no point."""
    length = len(columns[0][0])
    second = columns[1] if len(columns) > 1 else (np.zeros(length, np.int32), 0)
    offsets = np.empty(length + 1, np.int64)
    after, ttl = np.empty(2 * length, np.int32), np.empty(2 * length, np.uint8)
    count = _interleave(columns[0][0], columns[0][1], second[0], second[1], offsets, after, ttl)
    return PlacedPoints(offsets, after[:count], ttl[:count])


@compiled
def _interleave(
    first: Array, first_ttl: int, second: Array, second_ttl: int, offsets: Array, after: Array, ttl: Array
) -> int:
    """A prompt that ends with its system has one end, not two (unless they are to live differently long)."""
    count = 0
    offsets[0] = 0
    for i in range(len(first)):
        if first[i] > 0 and (first[i] != second[i] or first_ttl != second_ttl):
            after[count], ttl[count] = first[i], first_ttl
            count += 1
        if second[i] > 0:
            after[count], ttl[count] = second[i], second_ttl
            count += 1
        offsets[i + 1] = count
    return count
