"""Bills as files: Cost and Usage Reports (CUR 2.0 and legacy; CSV, gzip, zip, Parquet) and Cost Explorer exports.

Columns of CUR 2.0 and of the legacy report have the same names once the legacy spelling (``lineItem/UsageType``) is
written as the other (``line_item_usage_type``): https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html.
A Cost Explorer export is the reply of GetCostAndUsage as JSON, grouped by SERVICE and USAGE_TYPE, or the CSV that its
page downloads, grouped by usage type.
"""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from rockbottom.quantities import RockbottomError, Undecodable, Usd, decoded, is_list, is_object
from rockbottom.reconcile.books import decimal


class UnreadableBill(RockbottomError):
    """A file that is no bill, or lacks what is needed of one."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line. ``amount`` None: the file has no quantities. ``unit`` is what the file says of it, maybe nothing."""

    day: date
    usage_type: str
    product: str  # its name, "" where only a code is known
    amount: Decimal | None
    unit: str
    usd: Usd
    kind: str = "Usage"  # Usage, Tax, Credit...
    principal: str = ""
    identity: str = ""
    account: str = ""


_NEEDED = ("line_item_usage_start_date", "line_item_usage_type", "line_item_unblended_cost")
_WANTED = (
    *_NEEDED, "line_item_usage_amount", "line_item_line_item_type", "line_item_product_code",
    "line_item_line_item_description", "line_item_currency_code", "line_item_iam_principal",
    "line_item_usage_account_id", "pricing_unit", "product", "product_product_name", "identity_line_item_id",
    "identity_time_interval",
)  # fmt: skip
_TYPES = (".csv", ".gz", ".zip", ".parquet", ".json")


def bill_lines(path: Path) -> Iterator[BillLine]:
    """Every line of a bill, a file or a folder of them, about anything; raises UnreadableBill, OSError."""
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.suffix in _TYPES and not file.name.startswith(".")]
        parts = [file for file in found if file.suffix != ".json"] or found  # a CUR has manifests beside it
        if not parts:
            raise UnreadableBill(f"{path} holds no bill.", fix=f"a bill is one of {', '.join(_TYPES)}")
        for file in parts:
            yield from bill_lines(file)
    elif path.suffix == ".parquet":
        yield from _of_rows(_parquet(path), path)
    elif path.suffix == ".zip":
        yield from _of_zip(path)
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as file:
            yield from _of_text(_checked(file, path), path)  # type: ignore[arg-type]
    else:
        with path.open("rb") as file:
            yield from _of_text(file, path)


def _checked(file: Any, path: Path) -> Any:
    try:
        file.peek(1)
    except (OSError, EOFError) as error:
        raise UnreadableBill(f"{path}: {error}", fix="download it again") from error
    return file


def _of_zip(path: Path) -> Iterator[BillLine]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    with archive.open(name) as file:
                        yield from _of_text(file, path)
    except zipfile.BadZipFile as error:
        raise UnreadableBill(f"{path}: {error}", fix="download it again") from error


def _of_text(file: IO[bytes], path: Path) -> Iterator[BillLine]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    if path.name.removesuffix(".gz").endswith(".json"):
        yield from _of_json(text.read(), path)
        return
    reader = csv.reader(text)
    try:
        given = next(reader, list[str]())
        head = [_snake(name) for name in given]
        if set(_NEEDED) <= set(head):
            yield from _of_rows((dict(zip(head, row, strict=False)) for row in reader), path)
        elif head and head[0] in ("usage_type", "service"):
            yield from _of_explorer(given, reader, path)
        else:
            missing = ", ".join(name for name in _NEEDED if name not in head)
            fix = "a CUR export with these columns, or a Cost Explorer export grouped by usage type"
            raise UnreadableBill(f"{path} is no bill: it has no {missing}.", fix=fix)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise UnreadableBill(f"{path}: {error}", fix="download it again") from error


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    pyarrow: Any = import_module("pyarrow")  # an extra; only where a bill is Parquet
    parquet: Any = import_module("pyarrow.parquet")

    try:
        file = parquet.ParquetFile(path)
        names: dict[str, str] = {_snake(name): name for name in file.schema_arrow.names}
        lacks = [name for name in _NEEDED if name not in names]
        if lacks:
            raise UnreadableBill(f"{path} is no bill: it has no {', '.join(lacks)}.", fix="export CUR 2.0 with them")
        wanted = {name: names[name] for name in _WANTED if name in names}
        for batch in file.iter_batches(columns=list(wanted.values())):
            for row in batch.to_pylist():
                yield {name: row[given] for name, given in wanted.items()}
    except pyarrow.ArrowException as error:
        raise UnreadableBill(f"{path}: {error}", fix="download it again") from error


def _of_rows(rows: Iterable[Mapping[str, Any]], path: Path) -> Iterator[BillLine]:
    for number, row in enumerate(rows, 2):
        try:
            usage_type = row["line_item_usage_type"] or ""
            kind = row.get("line_item_line_item_type") or "Usage"
            product = row.get("product_product_name") or _product_name(row.get("product")) or ""
            yield BillLine(
                day=_day(row["line_item_usage_start_date"]),
                usage_type=usage_type,
                product=product or (row.get("line_item_product_code") or ""),
                amount=decimal(amount) if (amount := row.get("line_item_usage_amount")) not in (None, "") else None,
                unit=" ".join(filter(None, (row.get("pricing_unit"), row.get("line_item_line_item_description")))),
                usd=_dollars(row),
                kind=kind,
                principal=row.get("line_item_iam_principal") or "",
                account=str(row.get("line_item_usage_account_id") or ""),
                identity=f"{row.get('identity_line_item_id') or ''} {row.get('identity_time_interval') or ''}".strip(),
            )
        except (KeyError, ValueError, InvalidOperation, TypeError) as error:
            raise UnreadableBill(f"{path}, row {number}: {error}", fix="export it again") from error


def _dollars(row: Mapping[str, Any]) -> Usd:
    currency = row.get("line_item_currency_code") or "USD"
    if currency != "USD":
        raise ValueError(f"the bill is in {currency}, and the price book in US dollars")
    return decimal(row["line_item_unblended_cost"])


def _product_name(product: Any) -> str:
    """``product`` is a map in CUR 2.0: pairs in Parquet, JSON in CSV."""
    if isinstance(product, str) and product.startswith("{"):
        try:
            product = decoded(product)
        except Undecodable:
            return ""
    if is_list(product):
        product = dict[str, Any](product)
    return str(product.get("product_name") or "") if is_object(product) else ""


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10])


def _of_json(text: str, path: Path) -> Iterator[BillLine]:
    try:
        raw = decoded(text)
        for period in raw["ResultsByTime"]:
            day = date.fromisoformat(period["TimePeriod"]["Start"][:10])
            if not period.get("Groups") and period.get("Total"):
                raise UnreadableBill(f"{path} is not grouped.", fix=_CE_FIX)
            for group in period.get("Groups", ()):
                yield _group(day, group)
    except (Undecodable, ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise UnreadableBill(f"{path} is no reply of GetCostAndUsage: {error!r}", fix=_CE_FIX) from error


_CE_FIX = (
    "aws ce get-cost-and-usage --granularity DAILY --metrics UnblendedCost UsageQuantity --group-by "
    "Type=DIMENSION,Key=SERVICE Type=DIMENSION,Key=USAGE_TYPE"
)


def _group(day: date, group: Mapping[str, Any]) -> BillLine:
    keys = [str(key) for key in group["Keys"]]
    usage_type = next((key for key in keys if re.match(r"[A-Z]{2,4}\d?-", key)), keys[-1])
    cost, usage = group["Metrics"]["UnblendedCost"], group["Metrics"].get("UsageQuantity")
    if cost.get("Unit", "USD") != "USD":
        raise ValueError(f"the bill is in {cost['Unit']}, and the price book in US dollars")
    unit = usage.get("Unit", "") if usage else ""
    return BillLine(
        day=day,
        usage_type=usage_type,
        product=next((key for key in keys if key != usage_type), ""),
        amount=decimal(usage["Amount"]) if usage else None,
        unit="" if unit == "N/A" else unit,
        usd=decimal(cost["Amount"]),
    )


def _of_explorer(head: list[str], rows: Iterable[list[str]], path: Path) -> Iterator[BillLine]:
    """The CSV of the Cost Explorer page: a day a row, a usage type a column ("USE1-NovaPro-input-tokens($)").

    It has dollars and no quantities; its rows and columns of totals are passed over.
    """
    names = [re.sub(r"\s*\(\$\)\s*$", "", name) for name in head]
    for number, row in enumerate(rows, 2):
        if not re.match(r"\d{4}-\d\d-\d\d", row[0] if row else ""):
            continue
        try:
            day = date.fromisoformat(row[0][:10])
            for name, cell in zip(names[1:], row[1:], strict=True):
                if not name.lower().startswith("total") and cell.strip():
                    yield BillLine(day, name, "", None, "", decimal(cell))
        except (ValueError, InvalidOperation) as error:
            raise UnreadableBill(f"{path}, row {number}: {error}", fix=_CE_FIX) from error


def _snake(name: str) -> str:
    """``lineItem/UsageType`` as ``line_item_usage_type``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[/\s:]+", "_", spaced).lower()
