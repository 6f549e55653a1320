"""The results as CSV: one line a turn, and one line a lane with its totals."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from msgspec.structs import asdict

from rockbottom.documents import BenchLane, BenchResults, BenchTurn, TokenCounts
from rockbottom.quantities import Ttl

_WRITES = {ttl.value: f"write_{ttl.value}" for ttl in Ttl}
COLUMNS = (
    "kind", "model", "lane", "status", "why", "conversation", "turn", "label", "input", "read", "write",
    *_WRITES.values(), "output", "measured_output", "cache", "latency_ms", "first_ms", "usd", "measured_usd", "saved",
    "usd_per_request", "usd_per_conversation", "usd_per_1000_requests", "usd_per_day", "usd_per_month",
    "endpoint", "tokens", "latency",
)  # fmt: skip


def csv_of(document: BenchResults) -> str:
    """CSV with a header; ``kind`` is ``turn`` or ``lane``, money in exact US dollars, writes by lifetime."""
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    provenance = document.provenance
    provenance_cells = {"endpoint": provenance.endpoint, "tokens": provenance.tokens, "latency": provenance.latency}
    for model in document.models:
        for lane in model.lanes:
            head = {"model": model.id, "lane": lane.name, "status": lane.status, "why": lane.why, **provenance_cells}
            for row in _rows(lane):
                cells: dict[Any, Any] = {name: _safe(value) for name, value in (head | row).items()}
                writer.writerow(cells)
    return out.getvalue()


def _rows(lane: BenchLane) -> Iterator[dict[str, Any]]:
    for turn in lane.turns:
        yield {"kind": "turn", **asdict(turn), **_writes(turn)}
    total: dict[str, Any] = {"kind": "lane", "saved": lane.saved}
    if lane.usage:
        total |= {**asdict(lane.usage), **_writes(lane.usage)}
    if lane.cost and lane.measured_cost:
        total |= {
            "usd": lane.cost.run,
            "measured_usd": lane.measured_cost.run,
            "usd_per_request": lane.cost.request,
            "usd_per_conversation": lane.cost.conversation,
            "usd_per_1000_requests": lane.cost.requests_1000,
            "usd_per_day": lane.cost.day,
            "usd_per_month": lane.cost.month,
        }
    yield total


def _writes(tokens: BenchTurn | TokenCounts) -> dict[str, int]:
    """Tokens written by the column of their lifetime, zeros included."""
    return {column: tokens.writes.get(ttl, 0) for ttl, column in _WRITES.items()}


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; None becomes nothing."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "@", "\t", "\r"):
        return "'" + value
    if isinstance(value, str) and value.startswith("-") and not value[1:].replace(".", "").replace("E", "").isalnum():
        return "'" + value
    return value
