"""Bills as files: Cost and Usage Reports (CUR 2.0, legacy and FOCUS; CSV, gzip, zip, Parquet), Cost Explorer exports.

Text may be UTF-8, with or without a byte order mark, UTF-16, or Windows-1252.
"""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from rockbottom.files import regular
from rockbottom.quantities import reason_of
from rockbottom.reconcile.explorer import lines_of_page, lines_of_replies
from rockbottom.reconcile.lines import BillLine, UnreadableBill
from rockbottom.reconcile.reports import NEEDED, columns_of, lines_of_rows, parquet_rows
from rockbottom.trace import CutShort, chunks_in, chunks_of, csv_rows, text_lines

__all__ = ["BillLine", "UnreadableBill", "bill_lines", "lines_of_bills"]

_TYPES = (".csv", ".gz", ".zip", ".parquet", ".json")
_PACKED = b"\x1f\x8b"
_LONGEST_CELL = 16 << 20
_NAMED = 5  # accounts that are named where more are there


def lines_of_bills(paths: Sequence[Path], accounts: Sequence[str] = ()) -> Iterator[BillLine]:
    """Every line of some bills, or of these accounts. Raises UnreadableBill, also where there is none; OSError."""
    others: set[str] = set()
    is_empty = True
    for line in chain.from_iterable(map(bill_lines, paths)):
        if accounts and line.account and line.account not in accounts:
            others.add(line.account)
            continue
        is_empty = False
        yield line
    names = ", ".join(map(str, paths))
    if is_empty and others:
        there = ", ".join(sorted(others)[:_NAMED])
        says = f"{names} has no line of account {', '.join(accounts)}; it has lines of {there}."
        raise UnreadableBill(says, fix="--account ID")
    if is_empty:
        raise UnreadableBill(f"{names} has no line: the export is empty.", fix="export it again, or name another file")


def bill_lines(path: Path) -> Iterator[BillLine]:
    """Every line of a bill, a file or a folder of them, about anything; raises UnreadableBill, OSError."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.suffix in _TYPES and not file.name.startswith(".")]
        parts = [file for file in files if file.suffix != ".json"] or files  # a CUR has manifests beside it
        if not parts:
            raise UnreadableBill(f"There is no bill in {path}.", fix=f"a bill is one of {', '.join(_TYPES)}")
        for file in parts:
            yield from bill_lines(file)
    elif path.suffix == ".parquet":
        yield from lines_of_rows(parquet_rows(path), path)
    elif path.suffix == ".zip":
        yield from _of_zip(path)
    else:
        _check(path)
        yield from _of_text(chunks_of(str(path)), path)


def _check(path: Path) -> None:
    with regular(path).open("rb") as file:
        start = file.read(2)
    if path.suffix == ".gz" and start != _PACKED:
        raise UnreadableBill(f"{path}: Not a gzipped file ({start!r})", fix="download it again")


def _of_zip(path: Path) -> Iterator[BillLine]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    with archive.open(name) as file:
                        yield from _of_text(chunks_in(file), path)
    except zipfile.BadZipFile as error:
        raise UnreadableBill(f"{path}: {reason_of(error)}", fix="download it again") from error


def _of_text(chunks: Iterator[bytes], path: Path) -> Iterator[BillLine]:
    try:
        text = text_lines(chunks)
        if path.name.removesuffix(".gz").endswith(".json"):
            yield from lines_of_replies("".join(text), path)
            return
        reader = csv_rows(text, _LONGEST_CELL)
        columns = next(reader, list[str]())
        head = columns_of(columns)
        if set(NEEDED) <= set(head):
            yield from lines_of_rows((dict(zip(head, row, strict=False)) for row in reader if row), path)
        elif head and head[0] in ("usage_type", "service"):
            yield from lines_of_page(columns, reader, path)
        else:
            missing = ", ".join(name for name in NEEDED if name not in head)
            fix = "a CUR or FOCUS export with these columns, or a Cost Explorer export grouped by usage type"
            raise UnreadableBill(f"{path} is not a bill: it has no {missing}.", fix=fix)
    except (csv.Error, EOFError, OSError, CutShort) as error:
        raise UnreadableBill(f"{path}: {reason_of(error)}", fix="download it again") from error
