"""Which request goes on from which, told by the prefixes of their prompts, and how each was billed."""

import numpy as np

from rockbottom.quantities import WRITES, Ttl, Unit
from rockbottom.replay.compaction import Turns
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.points import PlacedPoints
from rockbottom.replay.policies import Stage
from rockbottom.trace import Array, SectionCode, compiled

_UNITS = tuple(Unit)


def turns_of(stage: Stage, billed: Outcomes, points: PlacedPoints) -> Turns:
    """The conversations of a stage, as billed with these points; the code of a rate is its band of prompt lengths."""
    trace, requests = stage.trace, stage.trace.requests
    before, turn = _linked(trace.block_offsets, stage.nodes.of_block, stage.nodes.count)
    front = _front(trace.block_offsets, trace.blocks.section, trace.blocks.depth)
    cached = billed.read + billed.written
    if stage.rules.implicit_point:
        depths = np.minimum(front, cached)
    else:
        depths = _depths_kept(
            trace.block_offsets, points.offsets, points.after, trace.blocks.depth, front, cached,
            stage.rules.minimum_tokens,
        )  # fmt: skip
    return Turns(
        before, turn, front, depths, requests.tokens_in.astype(np.int64), billed.read.astype(np.int64), billed.written,
        np.maximum(requests.tokens_out, 0), _write_units(billed, stage.rules.ttls), stage.bands.of_request,
        np.full(len(trace), stage.rules.minimum_tokens),
    )  # fmt: skip


def _write_units(billed: Outcomes, ttls: tuple[Ttl, ...]) -> Array:
    """The unit that most of each request's written tokens have; of none that of the model's usual lifetime."""
    usual = _UNITS.index(WRITES[ttls[0]]) if ttls else _UNITS.index(Unit.INPUT)
    units = np.full(len(billed.read), usual)
    most = np.zeros(len(billed.read), np.int64)
    for ttl, tokens in billed.writes.items():
        more = tokens > most
        units[more], most[more] = _UNITS.index(WRITES[ttl]), tokens[more]
    return units


def _linked(offsets: Array, nodes: Array, count: int) -> tuple[Array, Array]:
    before, turn = np.full(len(offsets) - 1, -1, np.int64), np.ones(len(offsets) - 1, np.int64)
    _link(offsets, nodes, before, turn, np.full(count, -1, np.int64))
    return before, turn


@compiled
def _link(offsets: Array, nodes: Array, before: Array, turn: Array, ends: Array) -> None:
    """A request goes on from the one whose whole prompt is its longest prefix; ``ends`` holds who ends at a node."""
    for i in range(len(before)):
        for row in range(offsets[i + 1] - 2, offsets[i] - 1, -1):
            other = ends[nodes[row]]
            if other >= 0:
                before[i] = other
                turn[i] = turn[other] + 1
                break
        if offsets[i + 1] > offsets[i]:
            ends[nodes[offsets[i + 1] - 1]] = i


def _front(offsets: Array, section: Array, depth: Array) -> Array:
    """Tokens of tools and instructions of every request."""
    ends = np.zeros(len(section) + 1, np.int64)
    np.cumsum(section < SectionCode.MESSAGES, out=ends[1:])
    blocks = ends[offsets[1:]] - ends[offsets[:-1]]
    front = np.zeros(len(blocks), np.int64)
    some = blocks > 0
    front[some] = depth[offsets[:-1][some] + blocks[some] - 1]
    return front


def _depths_kept(
    offsets: Array, point_offsets: Array, after: Array, depth: Array, front: Array, cached: Array, minimum: int
) -> Array:
    """Depth of the last point in every request's front at which an entry stands, by its counters."""
    depths_cached = np.zeros(len(front), np.int64)
    request = np.repeat(np.arange(len(front)), np.diff(point_offsets))
    placed = after > 0
    request, after = request[placed], after[placed]
    depths = depth[offsets[request] + after - 1]
    real = (depths <= front[request]) & (depths <= cached[request]) & (depths >= minimum)
    np.maximum.at(depths_cached, request[real], depths[real])
    return depths_cached
