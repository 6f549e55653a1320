"""Write waste: tokens written to the cache and never read before their lifetime had passed.

A stream of calls can tell it without knowing any text. A call that reads ``r`` tokens and writes ``w`` has written
the stretch of the prompt from depth ``r`` to depth ``r + w``. A later call of the same model and prefix family that
reads deeper than ``r`` within the lifetime has read that stretch up to the depth that it read. What nobody reached
when the lifetime is over was wasted. Two conversations of one family are not told apart, so this is never more than
the real waste as long as every call of the family passes here; calls of other processes do not.
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rockbottom.ledger import CallRecord
from rockbottom.quantities import LONGEST_FIRST, Ttl

_MOST_OPEN = 65_536
_MOST_FAMILIES = 4_096
_MOST_DEPTHS = 1_024
GRACE_S = 60.0  # a call is known when it is over; one that left before a lifetime ended may come after


class SettledWrite(NamedTuple):
    """A write whose lifetime is over: ``call`` wrote ``tokens``, of which ``wasted`` were never read."""

    at: float
    call: CallRecord
    ttl: Ttl
    tokens: int
    wasted: int


@dataclass(order=True, slots=True)
class _Write:
    deadline: float
    number: int  # in order of arrival: ties of the deadline, and which reads came later
    start: int = field(compare=False)
    end: int = field(compare=False)
    ttl: Ttl = field(compare=False)
    call: CallRecord = field(compare=False)


class _Reads:
    """The depths that calls of one family have read; only those that no later call has outdone."""

    __slots__ = ("_depths",)

    def __init__(self) -> None:
        self._depths: deque[tuple[int, int]] = deque()  # (number, depth), numbers rising, depths falling

    def add(self, number: int, depth: int) -> None:
        while self._depths and self._depths[-1][1] <= depth:
            self._depths.pop()
        self._depths.append((number, depth))
        if len(self._depths) > _MOST_DEPTHS:
            del self._depths[1]

    def deepest_after(self, number: int) -> int:
        """The deepest read of a call that came after ``number``."""
        return next((depth for at, depth in self._depths if at > number), 0)


class WriteWaste:
    """Follows writes until their lifetime is over. Not thread-safe; bounded: beyond that the first to end is let go."""

    def __init__(self) -> None:
        self._open: list[_Write] = []
        self._reads: OrderedDict[tuple[str, ...], _Reads] = OrderedDict()
        self._number = 0

    def add(self, call: CallRecord) -> Iterator[SettledWrite]:
        """Take a finished call; gives the writes whose lifetime was over well before it left."""
        yield from self.settle(call.at - GRACE_S)
        self._number += 1
        key = _key(call)
        if call.cache_read:
            reads = self._reads.setdefault(key, _Reads())
            reads.add(self._number, call.cache_read)
            self._reads.move_to_end(key)
            if len(self._reads) > _MOST_FAMILIES:
                self._reads.popitem(last=False)
        start = call.cache_read
        for ttl, tokens in _writes(call):  # the longer lifetime stands in front, as Bedrock asks
            if len(self._open) >= _MOST_OPEN:
                heapq.heappop(self._open)
            heapq.heappush(self._open, _Write(call.at + ttl.seconds, self._number, start, start + tokens, ttl, call))
            start += tokens

    def settle(self, now: float) -> Iterator[SettledWrite]:
        """The writes whose lifetime is over at ``now``, each once."""
        while self._open and self._open[0].deadline <= now:
            write = heapq.heappop(self._open)
            reads = self._reads.get(_key(write.call))
            reached = reads.deepest_after(write.number) if reads else 0
            tokens = write.end - write.start
            read = min(max(reached - write.start, 0), tokens)
            yield SettledWrite(write.deadline, write.call, write.ttl, tokens, tokens - read)


def _key(call: CallRecord) -> tuple[str, ...]:
    return (call.model, call.scope, call.region, call.family, "local" if call.simulated else "")


def _writes(call: CallRecord) -> list[tuple[Ttl, int]]:
    if not call.cache_write:
        return []
    writes = call.usage.writes()
    return [(ttl, writes[ttl]) for ttl in LONGEST_FIRST if writes[ttl]]
