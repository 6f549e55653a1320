"""What the least possible bill is at least: every block decides alone, knowing the future.

The relaxation ignores that there are at most four cachePoints, that a prefix must reach the minimum, how
far a point looks back, and that a write is readable only once its response began. So no legal placement can
cost less, and the figure is a true lower bound; it is not the exact optimum. Per block and use there are
three choices (not cached, a write for the shorter TTL, one for the longer) and, while the block is live, a read that
renews it; a backward pass over each block's uses finds the cheapest sequence. Under two switches a read may
also lengthen a lifetime for nothing: with ``point_below_hit = marks`` and ``ttl_in_key = yes`` an hour's point
below the hit makes an entry that is not billed, and with ``entry_lifetime = whole_prefix`` an hour's tail
keeps what was only read. The bound then takes every read to do so; otherwise it would not be one. Prices are
scaled to integers, so the comparison of costs is exact too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from rockbottom.catalog import NoPriceInForce
from rockbottom.quantities import NO_USAGE, UNNAMED, WRITES, RockbottomError, Ttl, Unit
from rockbottom.replay.kernel import Outcomes, parted_by_ttl
from rockbottom.replay.points import closes
from rockbottom.replay.policies import PolicyBill, Stage, bill_of_outcomes
from rockbottom.replay.pricing import Band
from rockbottom.trace import Array, compiled

_MOST_LIFETIMES = 2  # of any model in cache_rules.toml: a choice for each state of a block takes two bits
FREE, SHORT, LONG = 0, 1, 2
NEVER = 2**40
"""A price per token that is never worth paying; stands in for a TTL that the model does not have."""


class TooManyLifetimes(RockbottomError):
    """A model has more lifetimes of cache entries than the bound can choose between."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """The bill of the relaxation; ``exact`` says whether it is the optimum itself."""

    bill: PolicyBill
    exact: bool = False


def bound_of(stages: Sequence[Stage]) -> Bound:
    """The lower bound over all models. Raises NoPriceInForce."""
    total: PolicyBill | None = None
    for stage in stages:
        bill = bill_of_outcomes(stage, "bound", relaxed(stage))
        total = bill if total is None else total + bill
    return Bound(total if total is not None else PolicyBill("bound", NO_USAGE, _no_cost()))


def _no_cost():
    from rockbottom.cost import Cost

    return Cost()


@dataclass(frozen=True, slots=True)
class _Prices:
    """Whole numbers in proportion to the prices of one token."""

    uncached: int
    read: int
    short: int
    long: int


def relaxed(stage: Stage, free_hours: bool | None = None) -> Outcomes:
    """Tokens of every request when each block decides alone.

    ``free_hours`` is whether a read may lengthen a lifetime for nothing (None: as the switches say).
    """
    free = _free_hours(stage) if free_hours is None else free_hours
    return _outcomes(stage, _choose(stage, free), free)


def _free_hours(stage: Stage) -> bool:
    behaviour = stage.behaviour
    marks = behaviour.point_below_hit == "marks" and bool(parted_by_ttl(stage.trace, behaviour).any())
    return len(stage.rules.ttls) > 1 and (marks or behaviour.entry_lifetime == "whole_prefix")


def _outcomes(stage: Stage, choices: Array, free: bool = False) -> Outcomes:
    trace = stage.trace
    length = len(trace)
    sums = np.zeros((4, length), np.int32)
    if stage.rules.explicit or stage.rules.implicit_point:
        _follow(
            trace.requests.at, trace.block_offsets, stage.nodes.of_block, trace.blocks.depth,
            reach_of(stage), _lifetimes(stage), choices, np.zeros(stage.nodes.count, np.uint8),
            np.zeros(stage.nodes.count, np.float64), sums, free,
        )  # fmt: skip
    uncached = trace.requests.tokens_in - sums[1] - sums[2] - sums[3]
    zero = np.zeros(length, np.int32)
    short, long = _short_and_long(stage)
    writes = {short: sums[2] + sums[3]} if short is long else {short: sums[2], long: sums[3]}
    return Outcomes(zero, zero, sums[1], writes, uncached)


def _short_and_long(stage: Stage) -> tuple[Ttl, Ttl]:
    """The model's first and last TTL: one and the same where it has one. Raises TooManyLifetimes."""
    ttls = stage.rules.ttls or (UNNAMED,)
    if len(ttls) > _MOST_LIFETIMES:
        named = ", ".join(ttl.value for ttl in ttls)
        raise TooManyLifetimes(f"{stage.rules.model} has lifetimes of {named}; the bound chooses between two at most.")
    return ttls[0], ttls[-1]


def reach_of(stage: Stage) -> Array:
    """How many leading blocks of every request can be read at all: some of GPT's cannot.

    Marks stand behind no result of a tool, and where the service's own point does not look back it reads only what
    ended where it stands. So blocks behind the last place for a mark are read only of a prompt that is sent again.
    """
    trace, rules = stage.trace, stage.rules
    blocks = np.diff(trace.block_offsets).astype(np.int64)
    if not rules.implicit_point or stage.behaviour.implicit_lookback != "none":
        return blocks
    legal = np.flatnonzero(closes(trace, rules) & (trace.blocks.depth >= max(1, rules.minimum_tokens)))
    last = np.searchsorted(legal, trace.block_offsets[1:]) - 1
    rows = np.where(last >= 0, legal[last], -1) if len(legal) else np.full(len(trace), -1)
    by_hand = np.maximum(0, rows - trace.block_offsets[:-1] + 1)
    ends = stage.nodes.of_block[np.maximum(trace.block_offsets[1:] - 1, 0)] if len(trace.blocks.depth) else blocks
    again = np.bincount(ends, minlength=1)[ends] > 1
    return np.where(again, blocks, np.minimum(by_hand, blocks))


def _lifetimes(stage: Stage) -> Array:
    short, long = _short_and_long(stage)
    return np.array([0.0, short.seconds, long.seconds])


def _choose(stage: Stage, free: bool) -> Array:
    trace, count = stage.trace, stage.nodes.count
    choices = np.zeros(len(stage.nodes.of_block), np.uint8)
    if not (stage.rules.explicit or stage.rules.implicit_point):
        return choices
    bands = [_prices(stage, band) for band in stage.bands.bands]
    table = np.array([[p.uncached, p.read, p.short, p.long] for p in bands], np.int64)
    _decide(
        trace.requests.at, trace.block_offsets, stage.nodes.of_block, trace.blocks.depth, reach_of(stage),
        _lifetimes(stage), table, stage.bands.of_request.astype(np.int64), choices,
        np.zeros((count, 3), np.int64), np.full(count, np.inf), free,
    )  # fmt: skip
    return choices


def _prices(stage: Stage, band: Band) -> _Prices:
    def price(unit: Unit) -> Decimal | None:
        try:
            return band.rates.usd_per_mtok(unit, band.above_tokens).price.usd_per_mtok
        except NoPriceInForce:
            return None

    uncached, read = price(Unit.INPUT), price(Unit.CACHE_READ)
    first, last = _short_and_long(stage)
    short, long = price(WRITES[first]), None if first is last else price(WRITES[last])
    scaled = [NEVER if value is None else int(value * 1_000_000) for value in (uncached, read, short, long)]
    return _Prices(*scaled)


@compiled
def _decide(
    at: Array, offsets: Array, nodes: Array, depth: Array, reach: Array, lifetimes: Array,
    prices: Array, bands: Array, choices: Array, later: Array, next_at: Array, free_hours: bool,
) -> None:  # fmt: skip
    """Backward over all uses: ``later[node, s]`` is the least cost from the next use on, in state s at it.

    States are those the block is in after a use: not live, live for the first TTL, live for an hour.
    ``choices`` keeps two bits per state before the use: the state to be in after it.
    """
    for i in range(len(at) - 1, -1, -1):
        band = bands[i]
        uncached, read, short, long = prices[band, 0], prices[band, 1], prices[band, 2], prices[band, 3]
        before = depth[offsets[i] - 1] if offsets[i] else 0
        for row in range(offsets[i] + reach[i] - 1, offsets[i] - 1, -1):
            node = nodes[row]
            before = depth[row - 1] if row > offsets[i] else 0
            tokens = np.int64(depth[row] - before)
            gap = next_at[node] - at[i]
            # What the future costs after each state: a lifetime shorter than the gap ends as not live.
            after_free = later[node, 0]
            after_short = later[node, 1] if gap < lifetimes[1] else later[node, 0]
            after_long = later[node, 2] if gap < lifetimes[2] else later[node, 0]
            free = uncached * tokens + after_free
            write_short = short * tokens + after_short
            write_long = long * tokens + after_long
            cold, to = free, 0
            if write_short < cold:
                cold, to = write_short, 1
            if write_long < cold:
                cold, to = write_long, 2
            choice = to
            read_short = read * tokens + (after_long if free_hours else after_short)
            read_long = read * tokens + after_long
            # A live block may also be written anew (for longer), or left to die.
            warm, to = read_short, 1
            if cold < warm:
                warm, to = cold, 3
            choice |= to << 2
            hot, to = read_long, 2
            if cold < hot:
                hot, to = cold, 3
            choice |= to << 4
            later[node, 0], later[node, 1], later[node, 2] = cold, warm, hot
            next_at[node] = at[i]
            choices[row] = choice


@compiled
def _follow(
    at: Array, offsets: Array, nodes: Array, depth: Array, reach: Array, lifetimes: Array,
    choices: Array, state: Array, used_at: Array, sums: Array, free_hours: bool,
) -> None:  # fmt: skip
    """Forward over all uses by the choices: tokens uncached, read, written short and written long per request."""
    for i in range(len(at)):
        before = 0
        for row in range(offsets[i], offsets[i] + reach[i]):
            node = nodes[row]
            tokens = depth[row] - before
            before = depth[row]
            now = state[node]
            if now and at[i] - used_at[node] >= lifetimes[now]:
                now = 0
            to = (choices[row] >> (2 * now)) & 3
            chosen = choices[row] & 3
            if now and to != 3:
                sums[1, i] += tokens
                to = 2 if free_hours else now
            else:
                to = chosen
                sums[0 if to == 0 else to + 1, i] += tokens
            state[node] = to
            used_at[node] = at[i]
