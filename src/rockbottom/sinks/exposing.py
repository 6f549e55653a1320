"""A ledger as Prometheus metrics: the sums of all processes that record in it, from its tables."""

import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import Usage
from rockbottom.sinks.prometheus import checked_tags, families
from rockbottom.sinks.totals import DurationSums, Total, Totals
from rockbottom.tables import SUMMED_USAGE, LedgerTables, taken_over


class _Recorded(msgspec.Struct, frozen=True):
    """The sums of the calls of one model with the same tags. Microseconds over so many calls that had them."""

    model: str
    endpoint: str
    tags: str
    usage: Usage
    calls: int
    failed: int
    no_usage: int
    unpriced: int
    cost_picousd: int
    uncached_picousd: int
    pointed: int
    silent: int
    first_calls: int
    first_us: int
    elapsed_calls: int
    elapsed_us: int


_SUMMED = _Recorded.__struct_fields__[4:]
_SQL = f"""SELECT model, endpoint, coalesce(tags, '') AS tags, {SUMMED_USAGE},
    {", ".join(f"coalesce(sum({name}), 0)::HUGEINT AS {name}" for name in _SUMMED)}
  FROM hours GROUP BY model, endpoint, tags"""


class LedgerMetrics:
    """A collector for a Prometheus registry. Every scrape takes in what was recorded since.

    Durations are sums and counts only (one bucket): the tables keep no distribution by tags. Raises NoLedger,
    NeedsDuckDB, CannotPublish.
    """

    def __init__(self, folder: Path | str, tags: Sequence[str] = (), most_series: int = 1_000) -> None:
        self._tags = checked_tags(tags)
        self._most_series = most_series
        self._tables = LedgerTables(folder)
        self._lock = threading.Lock()
        self._closed = False

    def catch_up(self) -> None:
        """Take in what was recorded since; the first time this may take a while."""
        with self._lock:
            self._tables.catch_up()

    def collect(self) -> Iterable[Any]:
        """The metric families with their figures, as the registry asks for them."""
        with self._lock:
            totals = Totals(self._tags, self._most_series)
            try:
                self._tables.catch_up()
                rows = self._tables.records(_Recorded, _SQL)
            except Exception:
                if self._closed:  # in the middle of a scrape
                    return []
                raise
            for row in rows:
                _add(totals.of(row.model, row.endpoint, json.loads(row.tags or "{}")), row)
            return list(families(totals))

    def describe(self) -> Iterable[Any]:
        """The metric families without figures: by these the registry tells collectors apart."""
        return families(Totals(self._tags))

    def close(self) -> None:
        """Let go of the tables; a scrape that goes on answers nothing."""
        self._closed = True
        with taken_over(self._lock, lambda: self._tables):
            self._tables.close()


def _add(total: Total, row: _Recorded) -> None:
    ok = row.calls - row.failed - row.no_usage
    for status, calls in (("ok", ok), ("failed", row.failed), ("no usage", row.no_usage)):
        if calls:
            total.calls[status] = total.calls.get(status, 0) + calls
    total.usage += row.usage
    total.cost_usd += usd_of_picousd(row.cost_picousd)
    total.uncached_usd += usd_of_picousd(row.uncached_picousd)
    total.unpriced += row.unpriced
    total.with_points += row.pointed
    total.silent += row.silent
    total.first = _grown(total.first, row.first_calls, row.first_us)
    total.elapsed = _grown(total.elapsed, row.elapsed_calls, row.elapsed_us)


def _grown(spread: DurationSums, calls: int, microseconds: int) -> DurationSums:
    before = sum(spread.counts)
    grown = DurationSums((), [], spread.total_s + microseconds / 1e6)
    if before + calls:
        grown.counts = [before + calls]
    return grown
