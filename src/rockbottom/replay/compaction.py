"""Conversations compacted: at which turn a summary in the place of the history would have paid.

What is counted: a request that asks for the summary (it reads what the conversation has in the cache and pays the rest
anew), the summary written where the history was read, whatever of the front no entry ends at written once more, and the
history that later requests no longer carry, at what they paid for it. What is left out of an answer by a summary is not
counted, for nothing in a log tells it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rockbottom.cost import Cost
from rockbottom.documents import CompactionResult
from rockbottom.quantities import Unit

if TYPE_CHECKING:
    from rockbottom.trace import Array

SUMMARY_TOKENS = 2_000
"""Tokens of a summary, assumed: nobody can know before it is written."""

_ASKING_TOKENS = 200  # of the instruction that asks for it
_FIRST_TURN = 3
_CLOSE = 16  # turns tried one by one; later ones in steps of an eighth


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """The requests of conversations, one row a request.

    ``before`` is the row of the request that this one goes on from (-1: it begins), ``turn`` its number in the
    conversation, from 1. ``front`` are tokens of tools and instructions, ``kept`` those of them at whose end an entry
    stands, ``whole`` those of the prompt. ``write`` is the unit of its writes as a place in ``Unit``; ``rate`` is a
    code for whoever prices it. ``minimum`` is the least that is cached.
    """

    before: "Array"
    turn: "Array"
    front: "Array"
    kept: "Array"
    whole: "Array"
    read: "Array"
    written: "Array"
    output: "Array"
    write: "Array"
    rate: "Array"
    minimum: "Array"


@dataclass(frozen=True, slots=True)
class Compacted:
    """Compaction before one turn: tokens by rate code and unit that are no longer paid, and those paid besides."""

    turn: int
    conversations: int
    less: Mapping[tuple[int, Unit], int]
    more: Mapping[tuple[int, Unit], int]


@dataclass(frozen=True, slots=True)
class AtTurn:
    """Compaction before one turn: what it takes off, and what it costs."""

    conversations: int
    less: Cost
    more: Cost

    def __add__(self, other: "AtTurn") -> "AtTurn":
        return AtTurn(self.conversations + other.conversations, self.less + other.less, self.more + other.more)


def best_turn(turns: Mapping[int, AtTurn], summary: int = SUMMARY_TOKENS) -> CompactionResult | None:
    """Compaction at the turn that saves most; None where no conversation is long enough."""
    results = [
        CompactionResult(
            turn=turn, conversations=row.conversations, summary_tokens=summary, less_usd=row.less.usd,
            more_usd=row.more.usd,
        )
        for turn, row in turns.items()
    ]  # fmt: skip
    return max(results, key=lambda result: (result.saves_usd, -result.turn), default=None)


def compactions(turns: Turns, summary: int = SUMMARY_TOKENS) -> Iterator[Compacted]:
    """Every conversation that comes so far compacted before one turn, for each of some turns."""
    roots = _roots(turns.before)
    longest = int(turns.turn.max()) if len(turns.turn) else 0
    for turn in _tried(longest):
        compacted = _compacted(turns, roots, turn, summary)
        if compacted.conversations:
            yield compacted


def _tried(longest: int) -> Iterator[int]:
    turn = _FIRST_TURN
    while turn <= longest:
        yield turn
        turn += 1 if turn < _CLOSE else max(1, turn // 8)


def _roots(before: "Array") -> "Array":
    """The first row of every row's conversation; a request stands behind the one that it goes on from."""
    roots = np.arange(len(before))
    for row in np.flatnonzero(before >= 0):
        roots[row] = roots[before[row]]
    return roots


def _compacted(turns: Turns, roots: "Array", turn: int, summary: int) -> Compacted:
    """All conversations compacted before one turn, where their history is longer than the summary."""
    rows = np.flatnonzero((turns.turn == turn) & (turns.before >= 0))
    past = turns.before[rows]
    end = np.minimum(turns.whole[past], turns.whole[rows])
    chosen = end - turns.front[rows] > summary
    rows, past, end = rows[chosen], past[chosen], end[chosen]
    ends = np.zeros(len(roots), np.int64)
    starts = np.zeros(len(roots), np.int64)
    ends[roots[rows]], starts[roots[rows]] = end, turns.front[rows] + summary
    later = np.flatnonzero((turns.turn > turn) & (ends[roots] > 0))
    less, more = _Sums(turns), _Sums(turns)
    _later(turns, later, starts[roots[later]], ends[roots[later]], less, more)
    _first(turns, rows, end, summary, less, more)
    _summary_request(turns, past, end, summary, more)
    return Compacted(turn, len(rows), less.sums, more.sums)


class _Sums:
    """Tokens by rate code and unit."""

    def __init__(self, turns: Turns) -> None:
        self.sums: dict[tuple[int, Unit], int] = {}
        self._turns = turns

    def add(self, rows: "Array", unit: Unit, tokens: "Array") -> None:
        """Adds tokens of some requests at the prices of each."""
        sums = np.bincount(self._turns.rate[rows], weights=tokens)
        for code in np.flatnonzero(sums):
            self.sums[int(code), unit] = self.sums.get((int(code), unit), 0) + round(float(sums[code]))

    def add_written(self, rows: "Array", tokens: "Array") -> None:
        """Adds tokens in the unit of each request's own writes."""
        units = self._turns.write[rows]
        for place in np.unique(units):
            of_unit = units == place
            self.add(rows[of_unit], _UNITS[int(place)], tokens[of_unit])


_UNITS = tuple(Unit)


def _zones(turns: Turns, rows: "Array", start: "Array", end: "Array") -> "tuple[Array, Array, Array]":
    """Tokens between two depths that were read, written, and neither."""
    read, cached = turns.read[rows], turns.read[rows] + turns.written[rows]
    of_read = np.maximum(0, np.minimum(end, read) - start)
    of_written = np.maximum(0, np.minimum(end, cached) - np.maximum(start, read))
    return of_read, of_written, np.maximum(0, end - start) - of_read - of_written


def _drop(turns: Turns, rows: "Array", start: "Array", end: "Array", less: _Sums) -> "tuple[Array, Array]":
    """Tokens between two depths are no longer paid; those that stay read, and those that stay written."""
    read, written, rest = _zones(turns, rows, start, end)
    less.add(rows, Unit.CACHE_READ, read)
    less.add_written(rows, written)
    less.add(rows, Unit.INPUT, rest)
    return turns.read[rows] - read, turns.written[rows] - written


def _later(turns: Turns, rows: "Array", start: "Array", end: "Array", less: _Sums, more: _Sums) -> None:
    """Requests after the compacted one: without the history but for so many tokens as the summary has."""
    read, written = _drop(turns, rows, start, end, less)
    short = (read + written > 0) & (read + written < turns.minimum[rows])  # too short to be cached: paid as input
    few = rows[short]
    more.add(few, Unit.INPUT, (read + written)[short])
    less.add(few, Unit.CACHE_READ, read[short])
    less.add_written(few, written[short])


def _first(turns: Turns, rows: "Array", end: "Array", summary: int, less: _Sums, more: _Sums) -> None:
    """The compacted request: its cache is broken behind the last entry in its front."""
    still_cached = np.minimum(turns.kept[turns.before[rows]], turns.front[rows])
    _drop(turns, rows, still_cached, end, less)
    added = turns.front[rows] - still_cached + summary
    cached = turns.read[rows] + turns.written[rows]
    writes = (cached > turns.front[rows]) & (turns.front[rows] + summary >= turns.minimum[rows])
    more.add_written(rows[writes], added[writes])
    more.add(rows[~writes], Unit.INPUT, added[~writes])


def _summary_request(turns: Turns, past: "Array", end: "Array", summary: int, more: _Sums) -> None:
    """The request for the summary: the conversation so far, its last reply, and the summary as output."""
    cached = np.minimum(turns.read[past] + turns.written[past], end)
    more.add(past, Unit.CACHE_READ, cached)
    more.add(past, Unit.INPUT, end - cached + turns.output[past] + _ASKING_TOKENS)
    more.add(past, Unit.OUTPUT, np.full(len(past), summary))
