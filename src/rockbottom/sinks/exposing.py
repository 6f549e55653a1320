"""A ledger as Prometheus metrics: the sums of all processes that record in it, from its tables."""

import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import NO_USAGE, Usage
from rockbottom.sinks.prometheus import checked_tags, families
from rockbottom.sinks.totals import Spread, Total, Totals
from rockbottom.tables import LedgerTables

_SUMMED = (
    "calls", "failed", "no_usage", "unpriced", *NO_USAGE.fields(), "cost_picousd", "uncached_picousd", "pointed",
    "silent", "first_calls", "first_us", "elapsed_calls", "elapsed_us",
)  # fmt: skip
_SQL = f"""SELECT model, endpoint, tags, {", ".join(f"SUM({name}) AS {name}" for name in _SUMMED)}
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

    def catch_up(self) -> None:
        """Take in what was recorded since; the first time this may take a while."""
        with self._lock:
            self._tables.catch_up()

    def collect(self) -> Iterable[Any]:
        """The metric families with their figures, as the registry asks for them."""
        with self._lock:
            self._tables.catch_up()
            totals = Totals(self._tags, self._most_series)
            for row in self._tables.rows(_SQL):
                tags = json.loads(row["tags"] or "{}")
                _add(totals.of(row["model"], row["endpoint"], tags), row)
            return list(families(totals))

    def describe(self) -> Iterable[Any]:
        """The metric families without figures: by these the registry tells collectors apart."""
        return families(Totals(self._tags))

    def close(self) -> None:
        with self._lock:
            self._tables.close()


def _add(total: Total, row: dict[str, Any]) -> None:
    ok = row["calls"] - row["failed"] - row["no_usage"]
    for status, calls in (("ok", ok), ("failed", row["failed"]), ("no usage", row["no_usage"])):
        if calls:
            total.calls[status] = total.calls.get(status, 0) + calls
    total.usage += Usage(**{unit: row[unit] for unit in NO_USAGE.fields()})
    total.cost_usd += usd_of_picousd(row["cost_picousd"])
    total.uncached_usd += usd_of_picousd(row["uncached_picousd"])
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
