"""What became of the tokens under one policy: waste, families, gaps, quota."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.policies import Stage
from rockbottom.trace import Array, compiled

GAPS = ("new", "under 1 min", "1 to 5 min", "5 min to 1 h", "over 1 h")
_EDGES = np.array([60.0, 300.0, 3600.0])


@dataclass(frozen=True, slots=True)
class Waste:
    """Tokens written, and how many of them were never read before they were written again or the trace ended."""

    written: int
    never_read: int

    def __add__(self, other: "Waste") -> "Waste":
        return Waste(self.written + other.written, self.never_read + other.never_read)


@dataclass(frozen=True, slots=True)
class Family:
    """Requests that begin with the same block; ``prefix`` is the hash of that block."""

    prefix: int
    requests: int
    tokens_in: int
    read: int
    written: int

    @property
    def reads_per_write(self) -> float | None:
        """Tokens read for each token written; None where nothing was written."""
        return self.read / self.written if self.written else None


@dataclass(frozen=True, slots=True)
class GapRow:
    """Requests whose longest known prefix was last used so long ago, its tokens, and how many of them were read."""

    gap: str
    requests: int
    repeated: int
    read: int

    @property
    def hit_rate(self) -> float | None:
        """The share of the tokens seen before that was read; None where there were none."""
        return self.read / self.repeated if self.repeated else None

    def __add__(self, other: "GapRow") -> "GapRow":
        counts = self.requests + other.requests, self.repeated + other.repeated, self.read + other.read
        return GapRow(self.gap, *counts)


Minutes = Mapping[int, tuple[int, int]]
"""Input-side tokens that count against tokens per minute, without caching and under a policy, by minute of the clock.

Reads do not count (AWS, token burndown).
"""


def waste_of(stage: Stage, outcomes: Outcomes) -> Waste:
    """Write waste under a policy."""
    pending = np.zeros(stage.nodes.count, np.int32)
    written, wasted = _waste(
        stage.trace.block_offsets, stage.nodes.of_block, stage.trace.blocks.depth, outcomes.hit, outcomes.last, pending
    )
    return Waste(int(written), int(wasted) + int(pending.sum(dtype=np.int64)))


@compiled
def _waste(offsets: Array, nodes: Array, depth: Array, hit: Array, last: Array, pending: Array) -> tuple[int, int]:
    written, wasted = 0, 0
    for i in range(len(hit)):
        base = offsets[i]
        for row in range(base, base + hit[i]):
            pending[nodes[row]] = 0
        before = depth[base + hit[i] - 1] if hit[i] > 0 else 0
        for row in range(base + hit[i], base + last[i]):
            tokens = depth[row] - before
            before = depth[row]
            wasted += int(pending[nodes[row]])
            written += int(tokens)
            pending[nodes[row]] = tokens
    return written, wasted


def families_of(stage: Stage, outcomes: Outcomes, most: int = 20) -> tuple[Family, ...]:
    """The families with most input tokens."""
    trace = stage.trace
    starts = trace.block_offsets[:-1]
    has = np.flatnonzero(np.diff(trace.block_offsets) > 0)
    if not len(has):
        return ()
    roots, first, inverse = np.unique(stage.nodes.of_block[starts[has]], return_index=True, return_inverse=True)

    def sums(column: Array) -> Array:
        return np.bincount(inverse, weights=column[has].astype(np.float64), minlength=len(roots)).astype(np.int64)

    counts = np.bincount(inverse, minlength=len(roots))
    columns = counts, sums(trace.requests.tokens_in), sums(outcomes.read), sums(outcomes.written)
    hashes = trace.blocks.prefix[starts[has][first]]
    order = np.lexsort((hashes, -columns[1]))[:most]
    return tuple(Family(int(hashes[k]), *(int(column[k]) for column in columns)) for k in order)


def gaps_of(stage: Stage, outcomes: Outcomes) -> tuple[GapRow, ...]:
    """Hit rate by the time since the longest known prefix of a request was last used."""
    trace = stage.trace
    seen, gap = np.zeros(len(trace), np.int64), np.full(len(trace), np.inf)
    _gaps(
        trace.requests.at, trace.block_offsets, stage.nodes.of_block, trace.blocks.depth,
        np.full(stage.nodes.count, -np.inf), seen, gap,
    )  # fmt: skip
    kind = np.where(seen == 0, 0, 1 + np.searchsorted(_EDGES, gap, side="right"))
    return tuple(_gap_rows(kind, seen, outcomes.read.astype(np.int64)))


def _gap_rows(kind: Array, seen: Array, read: Array) -> Iterator[GapRow]:
    for code, name in enumerate(GAPS):
        chosen = kind == code
        yield GapRow(name, int(chosen.sum()), int(seen[chosen].sum()), int(np.minimum(read, seen)[chosen].sum()))


@compiled
def _gaps(at: Array, offsets: Array, nodes: Array, depth: Array, used_at: Array, seen: Array, gap: Array) -> None:
    for i in range(len(at)):
        for row in range(offsets[i], offsets[i + 1]):
            node = nodes[row]
            if used_at[node] > -np.inf:
                seen[i] = depth[row]
                gap[i] = at[i] - used_at[node]
            used_at[node] = at[i]


def minutes_of(stage: Stage, outcomes: Outcomes) -> Minutes:
    """What every minute counts against the quota."""
    trace = stage.trace
    minute, inverse = np.unique((trace.requests.at // 60).astype(np.int64), return_inverse=True)
    counted = trace.requests.tokens_in.astype(np.int64) - outcomes.read
    without = np.bincount(inverse, weights=trace.requests.tokens_in).astype(np.int64)
    under = np.bincount(inverse, weights=counted).astype(np.int64)
    pairs = zip(without.tolist(), under.tolist(), strict=True)
    return dict(zip(minute.tolist(), pairs, strict=True))


def added_minutes(first: Minutes, second: Minutes) -> Minutes:
    """The minutes of two parts of the traffic added up."""
    sums = dict(first)
    for minute, (without, under) in second.items():
        before = sums.get(minute, (0, 0))
        sums[minute] = before[0] + without, before[1] + under
    return sums
