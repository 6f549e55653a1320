"""rockbottom's side: one planner in its one configuration, which sees a request only when it comes.

Plan, apply, bill, and observe the usage that the engine gave, as a client would see it in the reply.
"""

import inspect
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.placement.billing import Engine, Lane
from benchmarks.placement.blocks import MODEL, BlockLane, BlockRequest

from rockbottom.cache import refusal
from rockbottom.plan import CachePlan, Planner
from rockbottom.prompt import CachePoint, Prompt, Segment
from rockbottom.quantities import Ttl, Usage

EPOCH = 1_795_165_200.0  # 2026-11-20 09:00 UTC: workloads count their seconds from here


def reply_usage(usage: Usage) -> dict[str, Any]:
    """A usage as Converse reports it."""
    told: dict[str, Any] = {
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write,
    }
    details = [("5m", usage.cache_write_5m), ("1h", usage.cache_write_1h)]
    if usage.cache_write:
        told["cacheDetails"] = [{"inputTokens": tokens, "ttl": ttl} for ttl, tokens in details if tokens]
    return told


def relocation() -> dict[str, Any] | None:
    """The keyword arguments that allow the planner to move volatile blocks, or None where it has no such choice."""
    known = inspect.signature(Planner).parameters
    for name in ("move_volatile", "relocate", "moves"):
        if name in known:
            return {name: True}
    return None


@dataclass(slots=True)
class Online:
    """A planner on one stream of Converse requests."""

    engine: Engine
    options: Mapping[str, Any] = field(default_factory=dict)
    lane: Lane = field(init=False)
    planner: Planner = field(init=False)

    def __post_init__(self) -> None:
        self.lane = Lane(self.engine)
        self.planner = Planner(resolve=self.engine.resolve, **self.options)

    def send(self, body: Mapping[str, Any], at: float) -> Usage:
        """Plan, send, observe."""
        plan = self.planner.plan(body, now=EPOCH + at)
        usage = self.lane.send(plan.apply(body), EPOCH + at)
        self.planner.observe(plan, reply_usage(usage), now=EPOCH + at)
        return usage


@dataclass(slots=True)
class OnlineBlocks:
    """A planner on one stream of block requests."""

    engine: Engine
    lane: BlockLane
    model: str = MODEL
    planner: Planner = field(default_factory=Planner)
    seconds: float = 0.0  # spent in planning and observing

    def send(self, request: BlockRequest) -> Usage:
        """Plan, send, observe."""
        plan, usage = self._sent(request)
        self._observe(plan, usage, request.at)
        return usage

    def send_all(self, requests: Iterable[BlockRequest], latency: float) -> None:
        """Send them in the order of their instants; each usage comes back ``latency`` seconds later."""
        under_way: deque[tuple[float, CachePlan, Usage]] = deque()
        for request in requests:
            while under_way and under_way[0][0] <= request.at:
                at, plan, usage = under_way.popleft()
                self._observe(plan, usage, at)
            under_way.append((request.at + latency, *self._sent(request)))
        for at, plan, usage in under_way:
            self._observe(plan, usage, at)

    def _sent(self, request: BlockRequest) -> tuple[CachePlan, Usage]:
        prompt, now = request.prompt, EPOCH + request.at
        started = time.perf_counter()
        plan = self.planner.plan_prompt(prompt, self.model, now)
        self.seconds += time.perf_counter() - started
        points = [(placement.after, placement.ttl or Ttl.FIVE_MINUTES) for placement in plan.placements]
        if self._refused(prompt, points):
            self.lane.bill.rejected += 1
            points = []
        return plan, self.lane.send(request, points)

    def _observe(self, plan: CachePlan, usage: Usage, at: float) -> None:
        started = time.perf_counter()
        self.planner.observe(plan, reply_usage(usage), now=EPOCH + at)
        self.seconds += time.perf_counter() - started

    def _refused(self, prompt: Prompt, points: list[tuple[int, Ttl]]) -> bool:
        placed = tuple(_point(prompt.segments, after, ttl) for after, ttl in sorted(points, key=lambda p: p[0]))
        sent = Prompt(prompt.api, prompt.segments, placed, prompt.parameters, prompt.depths)
        rules = self.engine.rules(self.engine.model(self.model))
        return refusal(sent, rules, self.engine.behaviour) is not None


def _point(segments: tuple[Segment, ...], after: int, ttl: Ttl) -> CachePoint:
    before = segments[after - 1]
    return CachePoint(after, ttl, before.section, before.kind, before.message, before.index + 1)
