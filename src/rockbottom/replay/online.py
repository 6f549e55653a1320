"""Policies that learn while serving: asked about each request in turn, told what it read and wrote.

The planner itself lies above this package; whoever calls passes it in as an ``OnlinePolicy``. Outcomes for
the feedback come from the reference semantics, so what a policy learns from is the specification itself. What is
attached to a program sees the requests to all of its models in order of time, so the stages of a trace are gone through
together.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter
from typing import NamedTuple, Protocol

import numpy as np

from rockbottom.cache import Namespace, PrefixCache, step
from rockbottom.catalog import Tier
from rockbottom.prompt import BlockKind, CachePoint, Parameters, Prompt, Section, Segment, prompt_of
from rockbottom.quantities import Ttl, Usage
from rockbottom.replay.nodes import Nodes
from rockbottom.replay.points import USUAL, PlacedPoints
from rockbottom.replay.policies import Stage
from rockbottom.trace import APIS, KINDS, Array, OpeningCode, compiled

RUN = 16
"""Slices that one segment of a prompt stands for at most: 1,024 tokens of slices of 64."""


class OnlinePolicy(Protocol):
    """Chooses the points of one request, then hears what came of it."""

    def choose(
        self, prompt: Prompt, now: float, tier: Tier, contents: Sequence[bytes] = ()
    ) -> Sequence[tuple[int, Ttl | None]]:
        """Points as (how many leading segments, TTL) of a request at the prices of a tier; the prompt carries none.

        A point after no segment forbids the point that the service would add by itself. ``contents`` are what segments
        are known by wherever they stand; (): not known, or nothing changes in front of them.
        """
        ...

    def miss(self, now: float) -> None:
        """A request was sent of which the service keeps a part, so that none of it is seen."""
        ...

    def observe(self, usage: Usage, now: float) -> None:
        """What the request just chosen for was billed."""
        ...


def placed_online(stages: Sequence[Stage], policies: Sequence[OnlinePolicy]) -> list[PlacedPoints]:
    """The points that policies, one for each stage, choose for the requests of all stages in order of time."""
    placings = [
        _Placing(number, stage, policy) for number, (stage, policy) in enumerate(zip(stages, policies, strict=True))
    ]
    unseen = _unseen(stages)
    for request in merge(*(placing.requests() for placing in placings), key=attrgetter("at")):
        while unseen and unseen[-1] < request.at:
            policies[0].miss(unseen.pop())
        placings[request.stage].place(request)
    return [placing.points() for placing in placings]


def _unseen(stages: Sequence[Stage]) -> list[float]:
    """When requests went on with what the service keeps, the last first."""
    instants = [set(stage.trace.unseen.tolist()) for stage in stages if stage.trace.unseen is not None]
    return sorted(set[float]().union(*instants), reverse=True)


class _Asked(NamedTuple):
    """One request of a stage; see ``OnlinePolicy``."""

    at: float
    stage: int
    number: int
    prompt: Prompt
    contents: Sequence[bytes]


class _Placing:
    """The requests of one stage being gone through with its policy, and the points chosen so far."""

    def __init__(self, number: int, stage: Stage, policy: OnlinePolicy) -> None:
        self._number, self._stage, self._policy = number, stage, policy
        self._state = PrefixCache()
        self._namespaces = _namespaces(stage)
        self._segment_ends = _segment_ends(stage)
        self._after, self._ttl = list[int](), list[int]()
        self._offsets = np.zeros(len(stage.trace) + 1, np.int64)
        self._own = np.zeros(len(stage.trace), np.uint8)

    def requests(self) -> Iterator[_Asked]:
        """Every request in order of time."""
        for i, (prompt, at) in enumerate(prompts_of(self._stage, self._stage.merged, self._segment_ends, self._number)):
            yield _Asked(at, self._number, i, prompt, self._contents(i))

    def _contents(self, i: int) -> Sequence[bytes]:
        trace = self._stage.trace
        if trace.blocks.content is None:
            return ()
        rows = slice(trace.block_offsets[i], trace.block_offsets[i + 1])
        return [content.to_bytes(4, "little") for content in trace.blocks.content[rows].tolist()]

    def place(self, request: _Asked) -> None:
        """Have the policy choose for a request, and tell it what came of that."""
        stage, prompt, i = self._stage, request.prompt, request.number
        bands = stage.bands
        tier = bands.bands[int(bands.of_request[i])].rates.tier
        placed = self._policy.choose(prompt, request.at, tier, request.contents)
        chosen = [point for point in placed if point[0]]
        self._own[i] = own = len(chosen) == len(placed)
        points = [_point(prompt, *point) for point in chosen]
        marked = prompt_of(prompt.api, prompt.segments, points, prompt.parameters, own)
        space = self._namespaces[0 if len(self._namespaces) == 1 else i]
        self._state, result = step(self._state, marked, request.at, stage.rules, stage.behaviour, space)
        self._policy.observe(result.usage(max(int(stage.trace.requests.tokens_out[i]), 0)), request.at)
        ends = _rows(stage, i, self._segment_ends) - stage.trace.block_offsets[i] + 1
        self._after.extend(int(ends[position - 1]) for position, _ in chosen)
        self._ttl.extend(USUAL if point_ttl is None else point_ttl.code for _, point_ttl in chosen)
        self._offsets[i + 1] = len(self._after)

    def points(self) -> PlacedPoints:
        """What was chosen."""
        own = self._own if self._stage.rules.implicit_point else None
        return PlacedPoints(self._offsets, np.array(self._after, np.int32), np.array(self._ttl, np.uint8), own)


def _namespaces(stage: Stage) -> Sequence[Namespace]:
    """Where the entries of each request are, as its prefix is numbered as if one Region served all; or one for all."""
    if stage.merged is stage.nodes:
        return [Namespace("", "", stage.rules.model)]
    served = stage.trace.requests.served.tolist()
    return [Namespace("", str(region), stage.rules.model) for region in served]


def _point(prompt: Prompt, after: int, ttl: Ttl | None) -> CachePoint:
    before = prompt.segments[after - 1]
    return CachePoint(after, ttl, before.section, before.kind, before.message)


def prompts_of(
    stage: Stage, numbered: Nodes, segment_ends: Array | None = None, number: int = 0
) -> Iterator[tuple[Prompt, float]]:
    """Every request as a canonical prompt, and its instant. Roles are not in a trace: they are inferred from the kinds.

    Its prefixes are named as they are ``numbered``.

    ``segment_ends`` says which rows of blocks end a segment; None: each is one. No two stages of different ``number``
    have a segment in common.
    """
    trace = stage.trace
    blocks, nodes = trace.blocks, numbered.of_block
    kinds = _HASHED if len(blocks.kind) and bool((blocks.kind == _UNKNOWN).all()) else _KINDS
    for i in range(len(trace)):
        rows = _rows(stage, i, segment_ends)
        tokens = np.diff(blocks.depth[rows], prepend=0).tolist()
        messages = np.maximum(np.cumsum(blocks.begins[rows], dtype=np.int64) - 1, 0)
        numbers = (nodes[rows].astype(np.int64) + (number << 32)).tolist()
        columns = (numbers, tokens, blocks.section[rows].tolist(), blocks.kind[rows].tolist(),
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
    trace, nodes = stage.trace, stage.merged
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
