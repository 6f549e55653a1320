"""Cost Explorer: replies of GetCostAndUsage as JSON, one or all of its pages, and the CSV that its page downloads.

Periods are days or months (``DAILY``, ``MONTHLY``), and in JSON the grouping is said beside them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from rockbottom.quantities import Usd, is_list, is_object
from rockbottom.reconcile.books import decimal
from rockbottom.reconcile.lines import BillLine, UnreadableBill

CE_FIX = (
    "aws ce get-cost-and-usage --granularity DAILY --metrics UnblendedCost UsageQuantity --group-by "
    "Type=DIMENSION,Key=SERVICE Type=DIMENSION,Key=USAGE_TYPE"
)
_COSTS = ("UnblendedCost", "NetUnblendedCost", "AmortizedCost", "NetAmortizedCost", "BlendedCost")
"""Metrics that say what was billed, the one that a bill's line has first."""
_USAGE_TYPE = re.compile(r"[A-Z]{2,4}\d?[-_]")


def lines_of_replies(text: str, path: Path) -> Iterator[BillLine]:
    """The lines of the replies in a file: one, a list, or one after another. Raises UnreadableBill."""
    try:
        open_page = ""
        for reply in _documents(text):
            definitions = [str(row.get("Key")) for row in reply.get("GroupDefinitions") or ()]
            for period in reply["ResultsByTime"]:
                if not period.get("Groups") and period.get("Total"):
                    raise UnreadableBill(f"{path} is not grouped.", fix=CE_FIX)
                for group in period.get("Groups", ()):
                    yield _line(period["TimePeriod"], group, definitions)
            open_page = reply.get("NextPageToken") or ""
        if open_page:
            says = f"{path}: the last page names a next one (NextPageToken), which is missing; sums are too small"
            yield BillLine(date.min, "", "", None, "", Usd(0), note=says)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, RecursionError) as error:
        raise UnreadableBill(f"{path} is not a reply of GetCostAndUsage: {error!r}", fix=CE_FIX) from error


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    """The replies in a text. Raises ValueError."""
    decoder, at = json.JSONDecoder(), 0
    while match := re.compile(r"\S").search(text, at):
        value, at = decoder.raw_decode(text, match.start())
        for reply in value if is_list(value) else [value]:
            if not is_object(reply):
                raise ValueError("a reply is a JSON object")
            yield reply


def _line(period: Mapping[str, str], group: Mapping[str, Any], definitions: Sequence[str]) -> BillLine:
    start, end = (date.fromisoformat(period[name][:10]) for name in ("Start", "End"))
    usage_type, product, kind = _group_names(group, definitions)
    metrics = group["Metrics"]
    name = next((metric for metric in _COSTS if metric in metrics), _COSTS[0])
    listed = next((metric for metric in metrics if metric.replace("_", "").lower() == "listcost"), None)
    usage = metrics.get("UsageQuantity")
    unit = str(usage.get("Unit") or "") if usage else ""
    return BillLine(
        day=start,
        usage_type=usage_type,
        product=product,
        amount=decimal(usage["Amount"]) if usage else None,
        unit="" if unit == "N/A" else unit,
        usd=_usd(metrics[name]),
        kind=kind or "Usage",
        until=end if end > start + timedelta(days=1) else None,
        list_usd=None if listed is None else _usd(metrics[listed]),
        note="" if name == _COSTS[0] else f"billed by the metric {name}: the reply has no {_COSTS[0]}",
    )


def _group_names(group: Mapping[str, Any], definitions: Sequence[str]) -> tuple[str, str, str]:
    """Usage type, service and kind of record; by their looks where the reply does not say how it is grouped."""
    keys = [str(key) for key in group["Keys"]]
    if len(definitions) == len(keys):
        by_name = dict(zip(definitions, keys, strict=True))
        return by_name.get("USAGE_TYPE", ""), by_name.get("SERVICE", ""), by_name.get("RECORD_TYPE", "")
    usage_type = next((key for key in keys if _USAGE_TYPE.match(key)), keys[-1])
    return usage_type, next((key for key in keys if key != usage_type), ""), ""


def _usd(cost: Mapping[str, Any]) -> Usd:
    if cost.get("Unit", "USD") != "USD":
        raise ValueError(f"the bill is in {cost['Unit']}, and the price book in US dollars")
    return decimal(cost["Amount"])


def lines_of_page(head: list[str], rows: Iterable[list[str]], path: Path) -> Iterator[BillLine]:
    """The CSV of the Cost Explorer page: a period a row, a usage type a column ("USE1-NovaPro-input-tokens($)").

    It has dollars and no quantities; its rows and columns of totals are passed over. Rows of months follow each other
    by months. Grouped by service its columns name products and no usage type. Raises UnreadableBill.
    """
    by_service = head[0].strip().lower() == "service"
    names = [re.sub(r"\s*\(\$\)\s*$", "", name) for name in head]
    dated = [row for row in rows if re.match(r"\d{4}-\d\d-\d\d", row[0] if row else "")]
    try:
        days = [date.fromisoformat(row[0][:10]) for row in dated]
        monthly = len(days) > 1 and all(day.day == 1 for day in days)
        for number, (day, row) in enumerate(zip(days, dated, strict=True), 2):
            until = (day + timedelta(days=31)).replace(day=1) if monthly else None
            for name, cell in zip(names[1:], row[1:], strict=True):
                if not name.lower().startswith("total") and cell.strip():
                    try:
                        usd = decimal(cell)
                    except InvalidOperation as error:
                        raise ValueError(f"row {number}: {cell!r} is not an amount") from error
                    usage_type, product = ("", name) if by_service else (name, "")
                    yield BillLine(day, usage_type, product, None, "", usd, until=until)
    except ValueError as error:
        raise UnreadableBill(f"{path}: {error}", fix=CE_FIX) from error
