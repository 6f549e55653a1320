"""Rows of what other programs export: a JSON list, JSON lines, pages of an API, or CSV, each as an object."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from rockbottom.quantities import Undecodable, decoded, is_list, is_object
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import CutShort, files_of
from rockbottom.trace.reading import lines_of
from rockbottom.trace.tables import rows_of

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".log", ".txt")
_LISTS = ("data", "observations", "traces", "rows", "results", "logs")
"""Members of a page or of a downloaded trace in which rows stand."""
NOTHING: Mapping[str, Any] = {}


def rows_in(name: str, columns: Collection[str], damages: Damages) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row of a file with its place; a CSV is one whose first line names all of ``columns``."""
    lines = lines_of(name, damages)
    first = next(lines, None)
    if first is None:
        return
    header = header_with(first[1], columns)
    values = chain([first], lines) if header is None else rows_of(lines, header)
    try:
        for number, text in values:
            try:
                value = decoded(text)
            except Undecodable as error:
                damages.add(f"{name}:{number}", str(error))
                continue
            for row in _rows_of(value):
                yield f"{name}:{number}", row
    except CutShort as error:
        damages.add(name, str(error))


def _rows_of(value: object) -> Iterator[Mapping[str, Any]]:
    """The rows that a value is or holds; the members of a page stand on each of its rows that lack them."""
    if is_list(value):
        for inner in value:
            yield from _rows_of(inner)
    elif is_object(value):
        lists = [inner for member in _LISTS if is_list(inner := value.get(member))]
        if not lists:
            yield value
            return
        holder = value.get("trace") if is_object(value.get("trace")) else value
        session = holder.get("sessionId") if is_object(holder) else None
        for row in chain.from_iterable(map(_rows_of, lists)):
            yield row if session is None or row.get("sessionId") else {**row, "sessionId": session}


def header_with(line: bytes, columns: Collection[str]) -> Sequence[str] | None:
    """The names in the first line of a CSV that names all of ``columns``; None: it is none."""
    if line[:1] in (b"{", b"["):
        return None
    try:
        names = next(csv.reader([line.decode().strip()]), list[str]())
    except (csv.Error, UnicodeDecodeError):
        return None
    return names if set(columns) <= set(names) else None


def exports_of(source: str) -> Sequence[str]:
    """The file itself, or those of a folder or prefix whose names are those of JSON or CSV."""
    names = files_of(source)
    if list(names) == [source]:
        return names
    return [name for name in names if Path(name).name.removesuffix(".gz").endswith(_ENDINGS)]


def text_of(value: object) -> str:
    """A cell that is to be a name: its text, or empty."""
    return value if isinstance(value, str) else ""


def object_of(value: object) -> Mapping[str, Any]:
    """A cell that is an object, or the JSON text of one; else an empty one."""
    if isinstance(value, str) and value[:1] == "{":
        try:
            value = decoded(value)
        except Undecodable:
            return NOTHING
    return value if is_object(value) else NOTHING


def size_of(name: str) -> int:
    """The bytes of a file on this machine; 0 where it lies elsewhere."""
    path = Path(name)
    return path.stat().st_size if path.is_file() else 0
