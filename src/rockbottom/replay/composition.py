"""What the prompts of a stage are made of, in tokens and dollars, and conversations compacted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET

from rockbottom.cost import Cost, total_of
from rockbottom.documents import PromptPart, PromptParts
from rockbottom.prompt import BlockKind, Part, Section, part_of
from rockbottom.quantities import WRITES, Ttl, Unit, Usage
from rockbottom.replay.compaction import AtTurn, Turns, best_turn, compactions
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.points import PlacedPoints
from rockbottom.replay.policies import PolicyBill, Stage
from rockbottom.replay.reconcile import observed_outcomes
from rockbottom.trace import KINDS, Array, SectionCode, Trace, compiled

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


_PARTS = tuple(Part)
_SECTIONS = (Section.TOOLS, Section.SYSTEM, Section.MESSAGES)
_NOT_TOLD = [KINDS.index(name) for name in ("unknown", "slice", "counted")]


@dataclass(frozen=True, slots=True)
class Composition:
    """The parts of prompts with their cost, and compaction by turn, as sent and with the planner; adds up."""

    parts: Mapping[Part, Cost]
    turns: Mapping[int, AtTurn]
    attached_turns: Mapping[int, AtTurn]

    def __add__(self, other: "Composition") -> "Composition":
        parts = {
            part: total_of(whole.parts[part] for whole in (self, other) if part in whole.parts)
            for part in Part if part in self.parts or part in other.parts
        }  # fmt: skip
        return Composition(
            parts, _added(self.turns, other.turns), _added(self.attached_turns, other.attached_turns)
        )  # fmt: skip

    def document(self) -> PromptParts:
        """As it is in an answer: the dearest part first, and the turn at which compaction pays most."""
        parts = [
            PromptPart(name=part.value, tokens=sum(line.tokens for line in cost.lines), usd=cost.usd)
            for part, cost in self.parts.items()
        ]
        return PromptParts(
            parts=tuple(sorted(parts, key=lambda part: (-part.usd, part.name))),
            compaction=best_turn(self.turns) or UNSET,
            attached_compaction=best_turn(self.attached_turns) or UNSET,
        )


def _added(some: Mapping[int, AtTurn], others: Mapping[int, AtTurn]) -> Mapping[int, AtTurn]:
    sums = dict(some)
    for turn, row in others.items():
        sums[turn] = sums[turn] + row if turn in sums else row
    return sums


def composition_of(stage: Stage, as_sent: Outcomes, attached: PolicyBill | None = None) -> Composition | None:
    """The composition by the service's counters, or by ``as_sent`` where they were not all recorded.

    ``attached`` is the planner's bill. None where the source does not say what blocks are. Raises NoPriceInForce.
    """
    blocks = stage.trace.blocks
    if not len(blocks.kind) or np.isin(blocks.kind, _NOT_TOLD).all():
        return None
    billed = observed_outcomes(stage) if stage.trace.is_observed else as_sent
    sent = PlacedPoints(stage.trace.point_offsets, stage.trace.points.after, stage.trace.points.ttl)
    planned: Mapping[int, AtTurn] = {}
    if attached is not None and attached.outcomes is not None and attached.points is not None:
        planned = _turns(stage, attached.outcomes, attached.points)
    return Composition(_parts(stage, billed), _turns(stage, billed, sent), planned)


def _turns(stage: Stage, billed: Outcomes, points: PlacedPoints) -> Mapping[int, AtTurn]:
    turns = turns_of(stage, billed, points)
    return {
        row.turn: AtTurn(row.conversations, _priced(stage, row.less.items()), _priced(stage, row.more.items()))
        for row in compactions(turns)
    }


def _priced(stage: Stage, tokens: Iterable[tuple[tuple[int, Unit], int]]) -> Cost:
    """Tokens by the place of a band and unit, at the rates of each."""
    bands = stage.bands.bands
    return total_of(bands[place].cost(Usage(**{unit.value: count})) for (place, unit), count in tokens)


def _parts(stage: Stage, billed: Outcomes) -> Mapping[Part, Cost]:
    """Every part with the tokens of its blocks that were read, written and neither."""
    trace, bands = stage.trace, stage.bands
    request = np.repeat(np.arange(len(trace)), np.diff(trace.block_offsets))
    ends = trace.blocks.depth.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    starts[trace.block_offsets[:-1][np.diff(trace.block_offsets) > 0]] = 0
    codes = _codes(trace, request)
    costs: dict[Part, Cost] = {}
    for unit, tokens in _by_unit(billed, request, starts, ends):
        for place, band in enumerate(bands.bands):
            in_band = tokens * (bands.of_request[request] == place)
            for code, count in enumerate(np.bincount(codes, weights=in_band, minlength=len(_PARTS))):
                if count:
                    cost = band.cost(Usage(**{unit.value: int(count)}))
                    costs[_PARTS[code]] = costs.get(_PARTS[code], Cost()) + cost
    return costs


def _by_unit(billed: Outcomes, request: Array, starts: Array, ends: Array) -> Iterable[tuple[Unit, Array]]:
    """Tokens of every block by unit: a prompt is billed from its start, what was read, then written, then the rest."""
    depth = np.zeros(len(billed.read), np.int64)
    columns = [(Unit.CACHE_READ, billed.read), *((WRITES[ttl], tokens) for ttl, tokens in billed.writes.items())]
    left = np.maximum(0, ends - starts)
    for unit, column in columns:
        until = depth + column
        tokens = np.maximum(0, np.minimum(ends, until[request]) - np.maximum(starts, depth[request]))
        left = left - tokens
        depth = until
        yield unit, tokens
    yield Unit.INPUT, left


def _codes(trace: Trace, request: Array) -> Array:
    """The part that every block is, as a place in ``Part``."""
    blocks = trace.blocks
    table = np.array([
        [[_PARTS.index(part_of(section, _kind(name), newest=newest)) for newest in (False, True)] for name in KINDS]
        for section in _SECTIONS
    ])  # fmt: skip
    rows = np.arange(len(request))
    begins = np.flatnonzero(blocks.begins)
    last = np.full(len(trace), len(request), np.int64)  # where messages are not told apart none is the newest
    last[request[begins]] = begins  # of several the last one stays
    return table[blocks.section, blocks.kind, (rows >= last[request]).astype(np.int64)]


def _kind(name: str) -> BlockKind:
    try:
        return BlockKind(name)
    except ValueError:
        return BlockKind.UNKNOWN
