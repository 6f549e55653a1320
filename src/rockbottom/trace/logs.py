"""Invocation log records out of whatever holds them: one decoder for every file, for replay and explain alike.

Read are what Bedrock delivers to S3 (a record a line), what CloudWatch exports and prints (``tail`` in each format,
``filter-log-events``, ``get-log-events``, ``get-query-results``, the console's JSON and CSV), the envelopes in which a
subscription delivers through Firehose, and results of Athena. A line is first taken for a record; only what is none
is looked into.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import msgspec

from rockbottom.quantities import Undecodable, decoded, is_list, is_object
from rockbottom.trace.damages import Damages
from rockbottom.trace.envelopes import unpacked
from rockbottom.trace.files import CutShort, chunks_of
from rockbottom.trace.splitting import LONGEST_BYTES, Unfinished, candidates, values_of
from rockbottom.trace.tables import MESSAGES, header_of, record_of_members, rows_of

T = TypeVar("T")
Decode = Callable[[bytes], T]
_HEADING = re.compile(rb"\d{4}-\d\d-\d\dT\S+ [^{\[]*$|[\]},\s]*$")
"""Lines between records: the heading of an event in ``tail --format json``, closing brackets of a list."""
_CELL = re.compile(r'\{(?=.*"modelId")', re.DOTALL)  # a record in a column of whatever name
_CONTROL = b"CWL CONTROL MESSAGE"  # what CloudWatch sends to see whether a subscription's target is there
_WINDOWS = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)
}  # the bytes of a text that are no UTF-8, as Windows writes them


@dataclass(slots=True)
class LogFile:
    """One log file, by its path or S3 address. What cannot be read is added to ``damages``; ``size`` counts bytes.

    ``text`` is what it holds, where only that is to be read; None: all of the file.
    """

    name: str
    damages: Damages
    size: int = 0
    text: Iterator[bytes] | None = None

    def records(self, decode: Decode[T]) -> Iterator[tuple[str, T]]:
        """Every record with its place; ``decode`` raises Undecodable for what is none."""
        try:
            for number, candidate in self._candidates():
                if isinstance(candidate, Unfinished):
                    self.damages.add(f"{self.name}:{number}", candidate.why)
                    continue
                text = candidate if candidate[:2] == b'{"' else _on_one_line(_behind_instant(candidate))
                try:
                    record = decode(text)
                except Undecodable as error:
                    yield from self._inside(f"{self.name}:{number}", text, str(error), decode)
                else:
                    yield f"{self.name}:{number}", record
        except CutShort as error:  # what was read before counts
            self.damages.add(self.name, str(error))

    def _candidates(self) -> Iterator[tuple[int, bytes | Unfinished]]:
        numbered = candidates(self._counted(chunks_of(self.name) if self.text is None else self.text))
        first = next(numbered, None)
        if first is None:
            return
        second = next(numbered, None)
        rest = numbered if second is None else chain([second], numbered)
        below = second[1] if second is not None and isinstance(second[1], bytes) else b""
        header = header_of(first[1], below) if isinstance(first[1], bytes) else None
        yield from chain([first], rest) if header is None else rows_of(rest, *header)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for data in chunks:
            self.size += len(data)
            yield data

    def _inside(self, place: str, text: bytes, why: str, decode: Decode[T]) -> Iterator[tuple[str, T]]:
        """The records in a line that is none itself: values one after another, events, rows."""
        values, is_open = values_of(text)
        if (is_open or not values) and not _HEADING.match(text):
            self.damages.add(place, why)
        for number, value in enumerate(unpacked(values), 1):
            where = place if len(values) == 1 else f"{place}#{number}"
            try:
                record = self._unwrapped(value, decode)
            except Undecodable as error:
                self.damages.add(where, str(error))
            else:
                if record is not None:
                    yield where, record

    def _unwrapped(self, value: bytes, decode: Decode[T]) -> T | None:
        """The record that a value is, or that it holds as the text of an event; None: nothing was lost."""
        try:
            return decode(_on_one_line(value))
        except Undecodable as error:
            problem = error
        text = plain(value)
        self.damages.respelled += text != value
        inner = _message_of(decoded(text))
        if inner is None and text == value:
            raise problem
        if inner is None:
            return decode(text)
        if inner.startswith(_CONTROL):
            return None
        return decode(_behind_instant(inner))


def plain(text: bytes) -> bytes:
    """A text whose bytes are all UTF-8: others are taken for Windows-1252, as cmd.exe and older exports write it."""
    return text.decode("utf-8", "surrogateescape").translate(_WINDOWS).encode("utf-8", "replace")


def text_lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Text in pieces as lines, each with its newline; bytes that are no UTF-8 are read as ``plain`` does.

    Raises CutShort for a line that is too long to be one.
    """
    begun: list[bytes] = []
    for data in chunks:
        *lines, last = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*begun, lines[0]])
            begun = []
        begun.append(last)
        yield from (plain(line).decode("utf-8", "replace") + "\n" for line in lines)
        if sum(map(len, begun)) > LONGEST_BYTES:
            raise CutShort(f"a line of more than {LONGEST_BYTES >> 20} MB")
    if any(begun):
        yield plain(b"".join(begun)).decode("utf-8", "replace")


def _on_one_line(text: bytes) -> bytes:
    """JSON without the spaces of a printed document: the same record is the same bytes wherever it is logged."""
    if b"\n" not in text:
        return text
    try:
        return msgspec.json.format(text, indent=-1)
    except (ValueError, RecursionError):
        return text


def _behind_instant(line: bytes) -> bytes:
    """A line without the instant and the name of a stream before its record; a list as it is."""
    start = line.find(b"{")
    return line if start < 1 or line[:1] == b"[" else line[start:]


def _message_of(value: Any) -> bytes | None:
    """The text of the record in an event, or the record of a row's columns; None: the value is neither."""
    members = _fields(value) if is_list(value) else value
    if not is_object(members):
        return None
    for name in MESSAGES:
        message = members.get(name)
        if isinstance(message, str):
            return message.encode("utf-8", "replace")
        if is_object(message):
            return msgspec.json.encode(message)
    record = record_of_members(members)
    if record is not None:
        return record
    cell = next((cell for cell in members.values() if isinstance(cell, str) and _CELL.match(cell)), None)
    return None if cell is None else cell.encode("utf-8", "replace")


def _fields(row: Sequence[Any]) -> Mapping[str, Any]:
    """A row of ``get-query-results``: fields with their values."""
    pairs = [cell for cell in row if is_object(cell) and "field" in cell]
    return {str(cell["field"]): cell.get("value") for cell in pairs}
