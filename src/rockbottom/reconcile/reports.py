"""Rows of Cost and Usage Reports: CUR 2.0 and the legacy report, as exported and as Athena prints them.

Columns of both have the same names once the legacy spelling (``lineItem/UsageType``) is written as the other
(``line_item_usage_type``): https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html. Exports of
FOCUS 1.0 and 1.2 say the same in columns of their own; 1.2 calls the usage type SkuMeter (the pages
table-dictionary-focus-1-2-aws and table-dictionary-focus-1-2-migrating there, as read on 2026-11-30).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import InvalidOperation
from importlib import import_module
from pathlib import Path
from typing import Any

from rockbottom.quantities import Usd, is_list, is_object
from rockbottom.reconcile.books import decimal
from rockbottom.reconcile.lines import BillLine, UnreadableBill
from rockbottom.trace import spelled_object

NEEDED = ("line_item_usage_start_date", "line_item_usage_type", "line_item_unblended_cost")
_OF_FOCUS = {
    "charge_period_start": "line_item_usage_start_date", "sku_meter": "line_item_usage_type",
    "x_usage_type": "line_item_usage_type", "billed_cost": "line_item_unblended_cost",
    "pricing_quantity": "line_item_usage_amount", "pricing_unit": "pricing_unit",
    "charge_category": "line_item_line_item_type", "charge_description": "line_item_line_item_description",
    "billing_currency": "line_item_currency_code", "sub_account_id": "line_item_usage_account_id",
    "list_cost": "pricing_public_on_demand_cost", "service_name": "product_product_name",
    "x_service_code": "line_item_product_code",
}  # fmt: skip
"""Columns of FOCUS by the names that CUR 2.0 has for what they hold."""
_READ_COLUMNS = (
    *NEEDED, "line_item_usage_amount", "line_item_line_item_type", "line_item_product_code",
    "line_item_line_item_description", "line_item_currency_code", "line_item_iam_principal",
    "line_item_usage_account_id", "pricing_unit", "pricing_public_on_demand_cost", "product", "product_product_name",
    "identity_line_item_id", "identity_time_interval",
)  # fmt: skip


def lines_of_rows(rows: Iterable[Mapping[str, Any]], path: Path) -> Iterator[BillLine]:
    """The lines that rows with columns of a report are. Raises UnreadableBill."""
    for number, row in enumerate(rows, 2):
        try:
            usage_type = row["line_item_usage_type"] or ""
            product = row.get("product_product_name") or _product_name(row.get("product")) or ""
            listed = row.get("pricing_public_on_demand_cost")
            yield BillLine(
                day=_day(row["line_item_usage_start_date"]),
                usage_type=usage_type,
                product=product or (row.get("line_item_product_code") or ""),
                amount=decimal(amount) if (amount := row.get("line_item_usage_amount")) not in (None, "") else None,
                unit=" ".join(filter(None, (row.get("pricing_unit"), row.get("line_item_line_item_description")))),
                usd=_dollars(row),
                kind=row.get("line_item_line_item_type") or "Usage",
                principal=row.get("line_item_iam_principal") or "",
                account=str(row.get("line_item_usage_account_id") or ""),
                identity=f"{row.get('identity_line_item_id') or ''} {row.get('identity_time_interval') or ''}".strip(),
                list_usd=None if listed in (None, "") else decimal(listed),
            )
        except (KeyError, ValueError, InvalidOperation, TypeError) as error:
            raise UnreadableBill(f"{path}, row {number}: {error}", fix="export it again") from error


def parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a report in Parquet, with the columns that are read. Raises UnreadableBill."""
    pyarrow: Any = import_module("pyarrow")  # an extra; only where a bill is Parquet
    parquet: Any = import_module("pyarrow.parquet")

    try:
        file = parquet.ParquetFile(path)
        names: dict[str, str] = {}
        for column, name in zip(columns_of(file.schema_arrow.names), file.schema_arrow.names, strict=True):
            names[column] = name
        lacks = [name for name in NEEDED if name not in names]
        if lacks:
            raise UnreadableBill(f"{path} is not a bill: it has no {', '.join(lacks)}.", fix="export CUR 2.0 with them")
        columns = {name: names[name] for name in _READ_COLUMNS if name in names}
        for batch in file.iter_batches(columns=list(columns.values())):
            for row in batch.to_pylist():
                yield {name: row[column] for name, column in columns.items()}
    except pyarrow.ArrowException as error:
        raise UnreadableBill(f"{path}: {error}", fix="download it again") from error


def columns_of(names: Sequence[str]) -> list[str]:
    """The columns of a report as CUR 2.0 names them; those of FOCUS are told by its ChargePeriodStart."""
    spelled = [snake(name) for name in names]
    return [_OF_FOCUS.get(name, name) for name in spelled] if "charge_period_start" in spelled else spelled


def snake(name: str) -> str:
    """``lineItem/UsageType`` as ``line_item_usage_type``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[/\s:]+", "_", spaced).lower()


def _dollars(row: Mapping[str, Any]) -> Usd:
    currency = row.get("line_item_currency_code") or "USD"
    if currency != "USD":
        raise ValueError(f"the bill is in {currency}, and the price book in US dollars")
    return decimal(row["line_item_unblended_cost"])


def _product_name(product: Any) -> str:
    """``product`` is a map in CUR 2.0: pairs in Parquet, JSON in CSV, ``{name=value}`` out of Athena."""
    if isinstance(product, str):
        product = spelled_object(product)
    if is_list(product):
        product = dict[str, Any](product)
    return str(product.get("product_name") or "") if is_object(product) else ""


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10])
