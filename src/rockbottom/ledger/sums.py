"""Rows and roll-ups of a run of records, gathered in memory before they go into the index together."""

import math
from collections.abc import Callable
from operator import add
from typing import Any

import msgspec

from rockbottom.ledger.records import CallRecord, picousd_of

OTHER = "other prefixes"
MOST_FAMILIES = 256
"""Families of one model that an hour tells apart; a prefix that changes with every call would fill the index."""

_MOST_PICOUSD = 10**17  # a hundred thousand dollars: what SQLite's integers can hold many of
_json = msgspec.json.Encoder(order="sorted")
Key = tuple[Any, ...]


def kind_of(call: CallRecord) -> tuple[str, ...]:
    """What roll-ups tell apart, as ``schema.KIND``."""
    tags = _json.encode(call.tags).decode() if call.tags else "{}"
    return call.model, call.operation, call.scope, call.region, call.tier, call.source, call.endpoint, tags


class Gathered:
    """Rows of calls, and sums by minute, hour and family. ``kind_number`` numbers a kind."""

    def __init__(self, kind_number: Callable[[tuple[str, ...]], int]) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.minutes: dict[Key, list[int]] = {}
        self.families: dict[Key, list[int]] = {}
        self._number = kind_number

    def add(self, row: int, call: CallRecord) -> None:
        """One call, with the number of its row. Raises ArithmeticError or ValueError for a cost that is none."""
        cost, uncached = _picousd(call.cost_usd), _picousd(call.uncached_usd)
        kind = self._number(kind_of(call))
        self.rows.append(
            (
                row, call.at, kind, call.input, call.output, call.cache_read, call.cache_write_5m,
                call.cache_write_30m, call.cache_write_1h, cost, uncached, call.family, call.points, call.minimum,
                call.cacheable, call.first_ms, call.elapsed_ms, call.status, call.request_id, call.cause,
            )
        )  # fmt: skip
        sums = _sums(call, cost, uncached)
        at = int(call.at) if math.isfinite(call.at) else 0
        _plus(self.minutes, (at - at % 60, kind), sums)
        _plus(self.families, (at - at % 3600, call.model, call.family), sums)

    @property
    def hours(self) -> dict[Key, list[int]]:
        """The minutes, summed by hour."""
        hours: dict[Key, list[int]] = {}
        for (minute, kind), sums in self.minutes.items():
            _plus(hours, (minute - minute % 3600, kind), sums)
        return hours


def _sums(call: CallRecord, cost: int | None, uncached: int | None) -> list[int]:
    used = call.status == "ok"
    silent = used and call.points > 0 and not call.cache_read and not call.cache_write
    return [
        1,
        call.status == "failed",
        call.status == "no usage",
        used and cost is None,
        call.input,
        call.output,
        call.cache_read,
        call.cache_write_5m,
        call.cache_write_30m,
        call.cache_write_1h,
        cost or 0,
        uncached or 0,
        used and call.points > 0,
        silent,
        call.first_ms is not None,
        round(call.first_ms * 1000) if call.first_ms is not None else 0,
        call.elapsed_ms is not None,
        round(call.elapsed_ms * 1000) if call.elapsed_ms is not None else 0,
    ]


def _picousd(text: str | None) -> int | None:
    amount = None if text is None else picousd_of(text)
    if amount is not None and abs(amount) > _MOST_PICOUSD:
        raise ValueError(f"{text} US dollars for one call")
    return amount


def _plus(table: dict[Key, list[int]], key: Key, sums: list[int]) -> None:
    kept = table.get(key)
    table[key] = sums if kept is None else list(map(add, kept, sums))  # a new list: two tables share the first one
