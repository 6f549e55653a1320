"""Requests of recorded and invented traffic as prompts of blocks, billed fast.

The biller follows the reference semantics (``rockbottom.cache.step``) for prompts whose lookback never binds, with
prefixes interned to small integers and state that changes in place; a test holds it to the reference. Amounts are
integers of a thousandth of an input token.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from benchmarks.placement.billing import Engine

from rockbottom.prompt import Api, Parameters, Prompt, Segment
from rockbottom.quantities import Ttl, Usage

MODEL = "us.anthropic.claude-sonnet-4-6"
Point = tuple[int, Ttl]
_TTLS = (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """One request. ``keys[i]`` names the prefix of the first ``i`` segments; ``depths`` are its tokens.

    ``fixed`` is the end of tools and system, ``last`` the start of the last message (both counted in segments);
    ``rest`` are tokens behind the last full block, which no rule may cache.
    """

    at: float
    segments: tuple[Segment, ...]
    keys: tuple[int, ...]
    depths: tuple[int, ...]
    fixed: int
    last: int
    rest: int = 0

    @property
    def tokens(self) -> int:
        """All input tokens."""
        return self.depths[-1] + self.rest

    @property
    def prompt(self) -> Prompt:
        """The prompt without points, as a planner reads it."""
        return Prompt(Api.CONVERSE, self.segments, (), Parameters(), self.depths)


class Interner:
    """Small integers for prefixes: the same chain of segments always gets the same one."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], int] = {}

    def keys(self, segments: Iterable[Segment], start: int = 0) -> tuple[int, ...]:
        """The names of every prefix, that of nothing first."""
        known, keys = self._known, [start]
        for segment in segments:
            keys.append(known.setdefault((keys[-1], segment.digest), len(known) + 1))
        return tuple(keys)


def request_of(
    interner: Interner, at: float, segments: Sequence[Segment], fixed: int, last: int, rest: int = 0
) -> BlockRequest:
    """A request of these segments."""
    depths = tuple(accumulate((segment.tokens for segment in segments), initial=0))
    return BlockRequest(at, tuple(segments), interner.keys(segments), depths, fixed, last, rest)


@dataclass(frozen=True, slots=True)
class Multiples:
    """What a token costs, in thousandths of an uncached input token, and the least prefix that is cached."""

    read: int
    write_5m: int
    write_1h: int
    minimum: int

    @classmethod
    def of(cls, engine: Engine, model: str = MODEL) -> "Multiples":
        """From the prices and rules in force."""
        resolved = engine.model(model)
        base = engine.usd(Usage(input=1_000_000), resolved)
        costs = [
            engine.usd(usage, resolved) * 1000 / base
            for usage in (Usage(cache_read=1_000_000), Usage(cache_write_5m=1_000_000), Usage(cache_write_1h=1_000_000))
        ]
        if any(cost != int(cost) for cost in costs):
            raise ValueError(f"the prices of {model} are no whole thousandths of its input price")
        return cls(*map(int, costs), max(1, engine.rules(resolved).minimum_tokens))


@dataclass(slots=True)
class _Entry:
    expires_at: float
    parent: tuple[int, Ttl] | None


@dataclass(slots=True)
class BlockBill:
    """What was paid so far and what no caching costs, in thousandths of an input token."""

    paid: int = 0
    none: int = 0
    requests: int = 0
    rejected: int = 0
    worst_excess: int = 0

    @property
    def relative(self) -> float:
        """The input cost relative to no caching."""
        return self.paid / self.none if self.none else 1.0


class BlockLane:
    """One account's entries and bill."""

    def __init__(self, multiples: Multiples) -> None:
        self.multiples = multiples
        self.bill = BlockBill()
        self._entries: dict[tuple[int, Ttl], _Entry] = {}
        self._sweep_at = 4096

    def send(self, request: BlockRequest, points: Sequence[Point]) -> Usage:
        """Bill a request with cachePoints after so many segments; the usage it would report."""
        keys, depths, now = request.keys, request.depths, request.at
        counted = sorted(
            ((after, ttl) for after, ttl in points if depths[after] >= self.multiples.minimum),
            key=lambda point: point[0],
        )
        alive: dict[tuple[int, Ttl], bool] = {}
        hit = max((self._deepest(keys, after, ttl, now, alive) for after, ttl in counted), default=0)
        self._mark(keys, counted, hit, now, alive)
        read = depths[hit]
        hour = max([read, *(depths[after] for after, ttl in counted if ttl is Ttl.ONE_HOUR)])
        last = max([hour, *(depths[after] for after, _ in counted)])
        usage = Usage(request.tokens - last, 0, read, last - hour, 0, hour - read)
        self._account(usage)
        return usage

    def _readable(self, key: tuple[int, Ttl], now: float, alive: dict[tuple[int, Ttl], bool]) -> bool:
        chain: list[tuple[int, Ttl]] = []
        at: tuple[int, Ttl] | None = key
        answer = True
        while at is not None:
            known = alive.get(at)
            if known is not None:
                answer = known
                break
            chain.append(at)
            entry = self._entries.get(at)
            if entry is None or entry.expires_at <= now:
                answer = False
                break
            at = entry.parent
        for link in chain:  # what stands on a dead entry is dead; above a living one every link was looked at
            alive[link] = answer
        return answer

    def _deepest(
        self, keys: Sequence[int], after: int, ttl: Ttl, now: float, alive: dict[tuple[int, Ttl], bool]
    ) -> int:
        entries = self._entries
        for position in range(after, 0, -1):
            if (keys[position], ttl) in entries and self._readable((keys[position], ttl), now, alive):
                return position
        return 0

    def _mark(
        self, keys: Sequence[int], points: Sequence[Point], hit: int, now: float, alive: dict[tuple[int, Ttl], bool]
    ) -> None:
        entries, below = self._entries, None
        refreshed = [
            (keys[position], ttl) for position in range(1, hit + 1) for ttl in _TTLS if (keys[position], ttl) in entries
        ]
        for key in [key for key in refreshed if self._readable(key, now, alive)]:
            entry = entries[key]
            entry.expires_at = max(entry.expires_at, now + key[1].seconds)
            below = key if key[0] == keys[hit] and (below is None or below[0] != keys[hit]) else below
        parent = below if below is not None and below[0] == keys[hit] else None
        for after, ttl in points:
            key = (keys[after], ttl)
            if after > hit:
                entries[key] = _Entry(now + ttl.seconds, parent)
                parent = key
            elif not self._readable(key, now, alive):
                entries[key] = _Entry(now + ttl.seconds, None)
        if len(entries) > self._sweep_at:
            self._entries = {key: entry for key, entry in entries.items() if entry.expires_at > now}
            self._sweep_at = max(4096, 2 * len(self._entries))

    def _account(self, usage: Usage) -> None:
        prices, bill = self.multiples, self.bill
        bill.requests += 1
        bill.none += 1000 * usage.total_input
        bill.paid += (
            1000 * usage.input
            + prices.read * usage.cache_read
            + prices.write_5m * usage.cache_write_5m
            + prices.write_1h * usage.cache_write_1h
        )
        bill.worst_excess = max(bill.worst_excess, bill.paid - bill.none)


@dataclass(slots=True)
class Bound:
    """The least any policy could pay when every block is decided alone: a true lower bound.

    Per block the best of not writing, 5 minutes and 1 hour at each use, by dynamic programming; the four points, and
    that what is cached must be a prefix, are ignored. A prompt below the minimum neither reads nor writes nor renews,
    and one reads nothing of which no earlier prompt had the first prefix that reaches the minimum.
    """

    multiples: Multiples
    none: int = 0
    rest: int = 0
    _states: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)  # last use, costs by state
    _tokens: dict[int, int] = field(default_factory=dict)

    def see(self, request: BlockRequest) -> None:
        """Take a request into account; requests come in the order of time."""
        states, now = self._states, request.at
        read, five, hour = self.multiples.read, self.multiples.write_5m, self.multiples.write_1h
        self.none += 1000 * request.tokens
        self.rest += 1000 * request.rest
        if request.depths[-1] < self.multiples.minimum:
            self.rest += 1000 * request.depths[-1]
            return
        least = bisect_left(request.depths, self.multiples.minimum)
        if request.keys[least] not in states:
            read = 1000
        for place, segment in enumerate(request.segments, 1):
            key = request.keys[place]
            known = states.get(key)
            if known is None:
                self._tokens[key] = segment.tokens
                states[key] = (now, 1000, five, hour)
                continue
            last, bare, in_5m, in_1h = known
            gap = now - last
            live_5m, live_1h = gap < 300, gap < 3600
            cold = min(bare, in_5m if not live_5m else bare, in_1h if not live_1h else bare)
            states[key] = (
                now,
                cold + 1000,
                min(in_5m + read, cold + five) if live_5m else cold + five,
                min(in_1h + read, cold + hour) if live_1h else cold + hour,
            )

    @property
    def relative(self) -> float:
        """The bound relative to no caching."""
        paid = sum(min(state[1:]) * self._tokens[key] for key, state in self._states.items())
        return (paid + self.rest) / self.none if self.none else 1.0
