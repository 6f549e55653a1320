"""A ledger as Prometheus metrics: the sums of all processes that record in it, from its index."""

import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rockbottom.ledger import LedgerIndex, usd_of_picousd
from rockbottom.quantities import Usage
from rockbottom.sinks.prometheus import checked_tags, families
from rockbottom.sinks.totals import Spread, Total, Totals

# In two halves: nine million dollars in pico-dollars are more than SQLite's integers hold, and a sum would fail.
_SQL = """SELECT model, endpoint, tags, SUM(calls) AS calls, SUM(failed) AS failed, SUM(no_usage) AS no_usage,
  SUM(unpriced) AS unpriced, SUM(input) AS input, SUM(output) AS output, SUM(cache_read) AS cache_read,
  SUM(cache_write_5m) AS cache_write_5m, SUM(cache_write_30m) AS cache_write_30m,
  SUM(cache_write_1h) AS cache_write_1h,
  SUM(cost_picousd / 1000000) AS cost_high, SUM(cost_picousd % 1000000) AS cost_low,
  SUM(uncached_picousd / 1000000) AS uncached_high, SUM(uncached_picousd % 1000000) AS uncached_low,
  SUM(pointed) AS pointed, SUM(silent) AS silent, SUM(first_calls) AS first_calls, SUM(first_us) AS first_us,
  SUM(elapsed_calls) AS elapsed_calls, SUM(elapsed_us) AS elapsed_us
  FROM hours GROUP BY model, endpoint, tags"""


class LedgerMetrics:
    """A collector for a Prometheus registry. Every scrape takes in what was recorded since.

    Durations are sums and counts only (one bucket): the index keeps no distribution. Raises NoLedger, CannotPublish.
    """

    def __init__(self, folder: Path | str, tags: Sequence[str] = (), most_series: int = 1_000) -> None:
        self._tags = checked_tags(tags)
        self._most_series = most_series
        self._index = LedgerIndex(folder)
        self._lock = threading.Lock()

    def catch_up(self) -> None:
        """Take in what was recorded since; the first time this may take a while."""
        with self._lock:
            self._index.catch_up()

    def collect(self) -> Iterable[Any]:
        """What the registry asks for."""
        with self._lock:
            self._index.catch_up()
            totals = Totals(self._tags, self._most_series)
            for row in self._index.rows(_SQL):
                tags = json.loads(row["tags"] or "{}")
                _add(totals.of(row["model"], row["endpoint"], tags), row)
            return list(families(totals))

    def describe(self) -> Iterable[Any]:
        """The names, without figures."""
        return families(Totals(self._tags))

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._index.close()


def _add(total: Total, row: dict[str, Any]) -> None:
    ok = row["calls"] - row["failed"] - row["no_usage"]
    for status, calls in (("ok", ok), ("failed", row["failed"]), ("no usage", row["no_usage"])):
        if calls:
            total.calls[status] = total.calls.get(status, 0) + calls
    total.usage += Usage(
        row["input"],
        row["output"],
        row["cache_read"],
        row["cache_write_5m"],
        row["cache_write_30m"],
        row["cache_write_1h"],
    )
    total.cost_usd += usd_of_picousd(row["cost_high"] * 1_000_000 + row["cost_low"])
    total.uncached_usd += usd_of_picousd(row["uncached_high"] * 1_000_000 + row["uncached_low"])
    total.unpriced += row["unpriced"]
    total.with_points += row["pointed"]
    total.silent += row["silent"]
    total.first = _grown(total.first, row["first_calls"], row["first_us"])
    total.elapsed = _grown(total.elapsed, row["elapsed_calls"], row["elapsed_us"])


def _grown(spread: Spread, calls: int, microseconds: int) -> Spread:
    before = sum(spread.counts)
    grown = Spread((), [], spread.total_s + microseconds / 1e6)
    if before + calls:
        grown.counts = [before + calls]
    return grown
