"""Records in tables: CSV of the CloudWatch console and of Athena, and the rows of a query of Logs Insights.

A table either holds whole records as text, in a column ``@message`` or ``message``, or has a column for each member
(``modelId``, ``input.inputTokenCount``; Athena writes names small and objects as ``{name=value}``).
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec, module_from_spec
from typing import Any, NamedTuple

import msgspec

from rockbottom.quantities import Undecodable, decoded, is_object
from rockbottom.trace.files import CutShort
from rockbottom.trace.records import Input, LogRecord, Output
from rockbottom.trace.splitting import LONGEST_BYTES, Unfinished

MESSAGES = ("@message", "message")
_PATHS: dict[str, tuple[str, str]] = {
    **{f"{part}.{name}".lower(): (part, name) for part, shape in (("input", Input), ("output", Output))
       for name in shape.__struct_fields__},
    **{name.lower(): (part, name) for part, shape in (("input", Input), ("output", Output))
       for name in shape.__struct_fields__},
    **{name.lower(): ("", name) for name in LogRecord.__struct_fields__},
}  # fmt: skip
_MEMBER = re.compile(r"[{,]\s*(\w+)=")
_END = re.compile(r"(?=, \w+=)|\}$", re.DOTALL)
_json = json.JSONDecoder(strict=False)


class TableHeader(NamedTuple):
    """The columns that the first line of a table names, and what stands between them."""

    columns: Sequence[str]
    delimiter: str


_DELIMITERS = ",;\t"  # of CSV, of what Excel saves where a comma is a decimal point, of tables that were copied
_RECORD, _QUOTE = b'""modelId""', b'""'  # of a record in a cell: quotes in cells are doubled


def header_of(line: bytes, second: bytes = b"") -> TableHeader | None:
    """The first line of a table, where records can be in it: told by its columns, or by a ``second`` line with one."""
    if line[:1] in (b"{", b"[") or len(line) > 10_000:
        return None
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line.decode().strip()], delimiter=delimiter), list[str]())
        except (csv.Error, UnicodeDecodeError):
            return None
        small = {name.strip().lower() for name in names}
        holds = _RECORD in second and _QUOTE not in line  # a piece of a record is no name of a column
        if len(names) > 1 and (small.intersection((*MESSAGES, "modelid")) or holds):
            return TableHeader(names, delimiter)
    return None


def rows_of(
    lines: Iterable[tuple[int, bytes | Unfinished]], columns: Sequence[str], delimiter: str = ","
) -> Iterator[tuple[int, bytes]]:
    """Every row of a CSV as a JSON object, with the number of its line. Raises CutShort where it is none any more."""
    texts = _Texts(lines)
    is_open = False
    try:
        for row in csv_rows(texts, LONGEST_BYTES, delimiter):
            values = {name: value for name, value in zip(columns, row, strict=False) if value}
            yield texts.number, json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogateescape")
            is_open, texts.quotes = texts.quotes % 2 == 1, 0
    except csv.Error as error:
        raise CutShort(f"line {texts.number + 1}: {error}") from error
    if is_open:  # of the last row: whoever wrote it did not come to its end
        raise CutShort(f"line {texts.number}: ends inside a quoted field")


def csv_rows(lines: Iterable[str], longest: int, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV whose fields may be of ``longest`` characters. Raises csv.Error.

    The limit of the module csv, 128 KB, is less than one record, and raised it would be raised for the whole process:
    an instance of its own has a limit of its own.
    """
    spec = find_spec("_csv")
    assert spec is not None
    assert spec.loader is not None
    own: Any = module_from_spec(spec)
    spec.loader.exec_module(own)
    own.field_size_limit(longest)
    try:
        yield from own.reader(lines, delimiter=delimiter)
    except own.Error as error:
        raise csv.Error(str(error)) from error


class _Texts:
    """Lines as text; the number of the last one, and how many quotes have gone by."""

    def __init__(self, lines: Iterable[tuple[int, bytes | Unfinished]]) -> None:
        self._lines = lines
        self.number = self.quotes = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            if not isinstance(line, bytes):
                continue
            self.number = number
            self.quotes += line.count(b'"')
            yield line.decode("utf-8", "surrogateescape").rstrip("\r") + "\n"


def record_of_members(members: Mapping[str, Any]) -> bytes | None:
    """A record made of the columns that name its members; None where they name no model."""
    record: dict[str, Any] = {}
    for name, value in members.items():
        part, member = _PATHS.get(name.strip().lower().removeprefix("@"), ("", ""))
        if not member or value in ("", None):
            continue
        inner = record.setdefault(part, {}) if part else record
        if isinstance(inner, dict):
            inner[member] = _value(member, value)
    if "modelId" not in record:
        return None
    return msgspec.json.encode(record)


def _value(name: str, value: Any) -> Any:
    """A cell as the member of a record: text is JSON or Athena's spelling of an object, where it looks like one."""
    if name in ("input", "output"):
        return _small_named(spelled_object(value) if isinstance(value, str) else value)
    if not isinstance(value, str):
        return value
    if name == "timestamp":
        return value.removesuffix(" UTC")
    return spelled_object(value) if value[:1] in ("{", "[") else value


def spelled_object(text: str) -> Any:
    """What a cell spells as JSON, or as Athena prints objects (``{name=value}``); other text as it is."""
    try:
        return decoded(text)
    except Undecodable:
        return _struct(text) if text[:1] == "{" else text


def _small_named(value: Any) -> Any:
    """Names as AWS spells them, for those that a table gave small."""
    if not is_object(value):
        return {}
    return {_PATHS.get(str(name).lower(), ("", str(name)))[1]: inner for name, inner in value.items()}


def _struct(text: str) -> dict[str, Any]:
    """What Athena prints as ``{a=1, b={"c": 2}}``; JSON in it ends where it ends, other text before the next name."""
    members: dict[str, Any] = {}
    at = 0
    while member := _MEMBER.match(text, at):
        at = member.end()
        if text[at : at + 1] in ("{", "["):
            try:
                members[member[1]], at = _json.raw_decode(text, at)
                continue
            except (ValueError, RecursionError):
                return members
        end = _END.search(text, at)
        stop = end.start() if end else len(text)
        members[member[1]] = text[at:stop] if text[at:stop] != "null" else None
        at = stop
    return members
