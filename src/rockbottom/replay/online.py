"""Policies that learn while serving: asked about each request in turn, told what it read and wrote.

The planner itself lies above this package; whoever calls passes it in as an ``OnlinePolicy``. Outcomes for
the feedback come from the reference semantics, so what a policy learns from is the specification itself.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from rockbottom.cache import Namespace, PrefixCache, step
from rockbottom.prompt import BlockKind, CachePoint, Parameters, Prompt, Section, Segment, prompt_of
from rockbottom.quantities import Ttl, Usage
from rockbottom.replay.points import USUAL, PlacedPoints
from rockbottom.replay.policies import Stage
from rockbottom.trace import APIS, KINDS, Array, OpeningCode, compiled

RUN = 16
"""Slices that one segment of a prompt stands for at most: 1,024 tokens of slices of 64."""


class OnlinePolicy(Protocol):
    """Chooses the points of one request, then hears what came of it."""

    def choose(self, prompt: Prompt, now: float) -> Sequence[tuple[int, Ttl | None]]:
        """Points as (how many leading segments, TTL); the prompt carries none.

        A point after no segment forbids the point that the service would add by itself.
        """
        ...

    def observe(self, usage: Usage, now: float) -> None:
        """What the request just chosen for was billed."""
        ...


def placed_online(stage: Stage, policy: OnlinePolicy) -> PlacedPoints:
    """The points that a policy chooses, request by request, on a stage."""
    state, namespace = PrefixCache(), Namespace("", "", stage.rules.model)
    after: list[int] = []
    ttl: list[int] = []
    offsets, own = np.zeros(len(stage.trace) + 1, np.int64), np.zeros(len(stage.trace), np.uint8)
    segment_ends = _segment_ends(stage)
    for i, (prompt, now) in enumerate(prompts_of(stage, segment_ends)):
        placed = policy.choose(prompt, now)
        chosen = [point for point in placed if point[0]]
        own[i] = len(chosen) == len(placed)
        points = [_point(prompt, *point) for point in chosen]
        marked = prompt_of(prompt.api, prompt.segments, points, prompt.parameters, bool(own[i]))
        state, result = step(state, marked, now, stage.rules, stage.behaviour, namespace)
        policy.observe(result.usage(max(int(stage.trace.requests.tokens_out[i]), 0)), now)
        ends = _rows(stage, i, segment_ends) - stage.trace.block_offsets[i] + 1
        after.extend(int(ends[position - 1]) for position, _ in chosen)
        ttl.extend(USUAL if point_ttl is None else point_ttl.code for _, point_ttl in chosen)
        offsets[i + 1] = len(after)
    by_itself = own if stage.rules.implicit_point else None
    return PlacedPoints(offsets, np.array(after, np.int32), np.array(ttl, np.uint8), by_itself)


def _point(prompt: Prompt, after: int, ttl: Ttl | None) -> CachePoint:
    before = prompt.segments[after - 1]
    return CachePoint(after, ttl, before.section, before.kind, before.message)


def prompts_of(stage: Stage, segment_ends: Array | None = None) -> Iterator[tuple[Prompt, float]]:
    """Every request as a canonical prompt, and its instant. Roles are not in a trace: they are inferred from the kinds.

    ``segment_ends`` says which rows of blocks end a segment; None: each is one.
    """
    trace = stage.trace
    blocks, nodes = trace.blocks, stage.nodes.of_block
    kinds = _HASHED if len(blocks.kind) and bool((blocks.kind == _UNKNOWN).all()) else _KINDS
    for i in range(len(trace)):
        rows = _rows(stage, i, segment_ends)
        tokens = np.diff(blocks.depth[rows], prepend=0).tolist()
        messages = np.maximum(np.cumsum(blocks.begins[rows], dtype=np.int64) - 1, 0)
        columns = (nodes[rows].tolist(), tokens, blocks.section[rows].tolist(), blocks.kind[rows].tolist(),
                   blocks.weight[rows].tolist(), messages.tolist())  # fmt: skip
        segments = [_segment(kinds, *row) for row in zip(*columns, strict=True)]
        api = APIS[int(trace.requests.api[i])]
        opening = trace.requests.opening[i]
        parameters = _KEYED if opening == OpeningCode.KEYED else _PLAIN
        prompt = prompt_of(api, segments, (), parameters, bare=bool(opening == OpeningCode.TEXT))
        yield prompt, float(trace.requests.at[i])


def _rows(stage: Stage, i: int, segment_ends: Array | None) -> Array:
    """The rows of blocks with which the segments of a request end."""
    base, end = int(stage.trace.block_offsets[i]), int(stage.trace.block_offsets[i + 1])
    return np.arange(base, end) if segment_ends is None else base + np.flatnonzero(segment_ends[base:end])


def _segment_ends(stage: Stage) -> Array | None:
    """Which rows end a segment, where slices of a fixed size stand for blocks; None: all do.

    Up to ``RUN`` slices in a row are one segment, because a block is longer than a slice; where a prompt ends, parts
    from another or goes over into another section, one ends too, so that no prefix that two share is cut short.
    """
    trace, nodes = stage.trace, stage.nodes
    if not len(trace.blocks.kind) or trace.blocks.kind[0] != _SLICE:
        return None
    child, cut = np.full(nodes.count, -1, np.int32), np.zeros(nodes.count, np.bool_)
    segment_ends = np.zeros(len(nodes.of_block), np.bool_)
    _keep(trace.block_offsets, nodes.of_block, trace.blocks.section, RUN, child, cut, segment_ends)
    return segment_ends


@compiled
def _keep(
    offsets: Array, nodes: Array, section: Array, run: int, child: Array, cut: Array, segment_ends: Array
) -> None:
    for i in range(len(offsets) - 1):
        for row in range(offsets[i], offsets[i + 1] - 1):
            node, following = nodes[row], nodes[row + 1]
            if child[node] < 0:
                child[node] = following
            if child[node] != following or section[row] != section[row + 1]:
                cut[node] = True
        if offsets[i + 1] > offsets[i]:
            cut[nodes[offsets[i + 1] - 1]] = True
    for i in range(len(offsets) - 1):
        for row in range(offsets[i], offsets[i + 1]):
            segment_ends[row] = cut[nodes[row]] or (row - offsets[i] + 1) % run == 0


_PLAIN, _KEYED = Parameters(), Parameters(cache_key="recorded")  # which of them is in the numbers of prefixes
_SECTIONS = (Section.TOOLS, Section.SYSTEM, Section.MESSAGES)
_KINDS = [BlockKind(name) if name not in ("slice", "counted") else BlockKind.TEXT for name in KINDS]
_SLICE, _UNKNOWN = KINDS.index("slice"), KINDS.index("unknown")
# A ledger knows blocks by their hashes alone: they may be of any kind. In a log one of no known kind stands out.
_HASHED = [BlockKind.TEXT if kind is BlockKind.UNKNOWN else kind for kind in _KINDS]
_OF_ASSISTANT = (BlockKind.TOOL_USE, BlockKind.REASONING, BlockKind.OUTPUT_TEXT)


def _segment(
    kinds: Sequence[BlockKind], node: int, tokens: int, section: int, kind: int, weight: int, message: int
) -> Segment:
    block_kind = kinds[kind]
    role = "" if section < 2 else "assistant" if block_kind in _OF_ASSISTANT else "user"
    # The number of a prefix names all before it as well, so it does for the block's own digest.
    return Segment(_SECTIONS[section], block_kind, node.to_bytes(8, "little"), tokens, weight, role, message)
