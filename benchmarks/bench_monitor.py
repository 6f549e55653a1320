"""What a sink adds to a call: recording one call in each of them, beside a bare ``queue.put`` in the same run.

Every round records in all of them in turn, so that whatever else the machine does falls on all. The publishers'
threads run meanwhile and take the records away; what they send goes nowhere. The column of processor time is the one
that other load disturbs least. ``CALLS=20000`` for more.
"""

import os
import queue
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from rockbottom.budgets import Budget, Budgets
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.sinks import CloudWatch, EmbeddedMetrics, OpenTelemetry, Prometheus

_CALLS = int(os.environ.get("CALLS", "5000"))
_LIMIT_US = 100


class _Nowhere(SpanExporter):
    """Takes spans and forgets them."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _Client:
    """Takes metrics and forgets them."""

    def put_metric_data(self, **_: Any) -> None:
        return None


def _call(number: int) -> CallRecord:
    return CallRecord(
        at=time.time(),
        model="anthropic.claude-sonnet-4-5-20250929-v1:0",
        operation="Converse",
        scope="us",
        region="us-east-1",
        tier="default",
        input=12,
        output=180,
        cache_read=2131,
        cost_usd=f"0.00{number % 900 + 100}",
        uncached_usd="0.0098",
        family="a1b2c3: 2,131 tokens",
        points=1,
        tags={"tenant": f"t{number % 20}", "feature": "chat"},
        elapsed_ms=1200.0,
        endpoint="aws",
    )


def _takers(folder: Path, ending: ExitStack) -> dict[str, Callable[[CallRecord], Any]]:
    bare: queue.Queue[CallRecord] = queue.Queue()
    tracers, meters = TracerProvider(), MeterProvider()
    tracers.add_span_processor(BatchSpanProcessor(_Nowhere()))
    budgets = Budgets(Budget("1000000", "day", per=["tenant"], action="stop"), file=folder / "budgets.db")
    minutes, calls = EmbeddedMetrics(folder / "minutes.log"), EmbeddedMetrics(folder / "calls.log", every_call=True)
    for sink in (minutes, calls):
        ending.callback(sink.close)  # while their folder is still there
    return {
        "queue.put": bare.put,
        "ledger on disk": LedgerWriter(folder / "ledger").record,
        "CloudWatch (queued)": CloudWatch(client=_Client()).record,
        "embedded metrics, minutes (queued)": minutes.record,
        "embedded metrics, every call": calls.record,
        "Prometheus": Prometheus(registry=CollectorRegistry(), tags=["tenant"]).record,
        "OpenTelemetry, span and metrics": OpenTelemetry(tracer_provider=tracers, meter_provider=meters).record,
        "budget, before a call": lambda call: budgets.check(call.tags, call.at),
        "budget, after it": budgets.record,
    }


def main() -> None:
    """Print medians and 99th percentiles."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as ending:
        takers = _takers(Path(name), ending)
        times: dict[str, list[tuple[float, float]]] = {one: [] for one in takers}
        for number in range(_CALLS):
            call = _call(number)
            for one, take in takers.items():
                begin, busy = time.perf_counter(), time.thread_time()
                take(call)
                times[one].append((time.perf_counter() - begin, time.thread_time() - busy))
        load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
        print(f"microseconds to record a call in a sink, of {_CALLS:,} calls (at most {_LIMIT_US} asked for){load}")
        print(f"  {'':36}{'median':>8}{'p99':>10}{'median, processor':>20}")
        for one, found in times.items():
            walls, busy_times = sorted(wall for wall, _ in found), [cpu for _, cpu in found]
            late = walls[len(walls) * 99 // 100]
            figures = (statistics.median(walls), late, statistics.median(busy_times))
            print("  {:36}{:8.1f}{:10.1f}{:20.1f}".format(one, *(1e6 * figure for figure in figures)))


if __name__ == "__main__":
    main()
