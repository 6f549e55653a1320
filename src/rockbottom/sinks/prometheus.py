"""Prometheus: running totals of calls, and an endpoint that shows them.

Names follow Prometheus' conventions: base units (seconds, tokens, US dollars), ``_total`` on what only grows, ratios
left to the query: the hit rate is
``sum(rate(rockbottom_tokens_total{kind="cache_read"}[5m])) / sum(rate(rockbottom_tokens_total{kind!="output"}[5m]))``.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rockbottom.ledger import CallRecord
from rockbottom.process import renew_in_child
from rockbottom.quantities import Unit
from rockbottom.sinks.errors import CannotPublish
from rockbottom.sinks.totals import DurationSums, Labels, Total, Totals

DEFAULT_PORT = 9477
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OWN_LABELS = ("model", "endpoint", "kind", "status", "le")


class Prometheus:
    """A sink whose totals a Prometheus registry collects; by default the one that ``prometheus_client`` exposes.

    ``tags`` become labels, at most ``most_series`` combinations of them. Every process has totals of its own; for all
    of them together let ``rockbottom monitor serve`` read the ledger. Raises CannotPublish.
    """

    def __init__(self, *, registry: Any = None, tags: Sequence[str] = (), most_series: int = 1_000) -> None:
        from prometheus_client import REGISTRY  # an extra

        checked_tags(tags)
        self.registry = REGISTRY if registry is None else registry
        self._make = lambda: Totals(tags, most_series)
        self._begin()
        self.registry.register(self)
        renew_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin at zero in the child of a fork: the parent shows what it counted."""
        self._begin()

    def _begin(self) -> None:
        self._totals = self._make()
        self._lock = threading.Lock()

    def record(self, call: CallRecord) -> None:
        """Add a call to the totals; returns at once."""
        with self._lock:
            self._totals.add(call)

    def collect(self) -> Iterable[Any]:
        """The metric families with their figures, as the registry asks for them."""
        with self._lock:
            return list(families(self._totals))

    def describe(self) -> Iterable[Any]:
        """The metric families without figures: by these the registry tells collectors apart."""
        return families(self._make())

    def close(self) -> None:
        """Take the totals out of the registry. A second call does nothing."""
        registry, self.registry = self.registry, None
        if registry is not None:
            registry.unregister(self)


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags that can be labels. Raises CannotPublish."""
    for tag in tags:
        if not _LABEL.fullmatch(tag) or tag.startswith("__") or tag in _OWN_LABELS:
            raise CannotPublish(
                f"the tag {tag!r} cannot be a label of Prometheus.",
                fix=f"letters, digits and _, not starting with a digit or __, not {', '.join(_OWN_LABELS)}",
            )
    return tuple(tags)


def families(totals: Totals) -> Iterator[Any]:
    """The metric families of Prometheus' client that show these totals."""
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    names = ["model", "endpoint", *totals.tags]
    rows = tuple(totals.by_labels.items())

    def counter(name: str, help_: str, value: Callable[[Total], float]) -> Any:
        family = CounterMetricFamily(f"rockbottom_{name}", help_, labels=names)
        for labels, total in rows:
            family.add_metric(labels, value(total))
        return family

    def histogram(name: str, help_: str, spread: Callable[[Total], DurationSums]) -> Any:
        family = HistogramMetricFamily(f"rockbottom_{name}", help_, labels=names)
        for labels, total in rows:
            _add_spread(family, labels, spread(total))
        return family

    requests = CounterMetricFamily("rockbottom_requests", "Calls by how they ended.", labels=[*names, "status"])
    tokens = CounterMetricFamily("rockbottom_tokens", "Tokens by how they are billed.", labels=[*names, "kind"])
    for labels, total in rows:
        for status, calls in sorted(total.calls.items()):
            requests.add_metric([*labels, status], calls)
        for unit, count in total.usage.items():
            tokens.add_metric([*labels, _kind(unit)], count)
    yield requests
    yield tokens
    # Prometheus' samples are doubles: here, and nowhere before, money becomes one.
    yield counter("cost_usd", "US dollars, of calls whose price is known.", lambda labelled: float(labelled.cost_usd))
    yield counter(
        "cost_without_caching_usd", "US dollars without caching.", lambda labelled: float(labelled.uncached_usd)
    )
    yield counter("unpriced_requests", "Calls whose price is not known.", lambda labelled: labelled.unpriced)
    yield counter("requests_with_points", "Calls that sent cachePoints.", lambda labelled: labelled.with_points)
    yield counter("points_without_caching", "Calls whose cachePoints cached nothing.", lambda labelled: labelled.silent)
    yield histogram("time_to_first_token_seconds", "Until a stream's first token.", lambda labelled: labelled.first)
    yield histogram(
        "request_duration_seconds", "From departure to the end of a call.", lambda labelled: labelled.elapsed
    )


def _kind(unit: Unit) -> str:
    return "uncached" if unit is Unit.INPUT else unit.value


def _add_spread(family: Any, labels: Labels, spread: DurationSums) -> None:
    if not spread.counts:
        return
    buckets: list[tuple[str, int]] = []
    so_far = 0
    for bound, count in zip((*map(str, spread.bounds), "+Inf"), spread.counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    family.add_metric(labels, buckets, spread.total_s)


def serve(
    registry: Any, port: int = DEFAULT_PORT, host: str = "127.0.0.1", hosts: tuple[str, ...] = ()
) -> tuple[Any, threading.Thread]:
    """Show a registry at http://host:port/metrics from a daemon thread; the server (to shut down) and its thread.

    Loopback unless told otherwise: the figures say what you spend. No page of a browser may read them; ``hosts`` are
    names that it may be asked by besides its address. Raises OSError where the port is taken.
    """
    from rockbottom.sinks.listening import listener

    server = listener(registry, port, host, hosts)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="rockbottom-metrics", daemon=True)
    thread.start()
    return server, thread
