"""A stream of text cut into what may be records: lines where it has lines, JSON values where it has not.

Logs are mostly one record a line. Exports are also one JSON document over many lines, or one list of a whole day, or
documents one after another without a line break. Whatever it is, one value is held at a time, and no more than
``LONGEST_BYTES`` of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_BYTES = 64 << 20
"""The longest value that is read: a record holds at most 100 KB of each body, an event of CloudWatch 1 MB."""

_LONG_LINE_BYTES = 8 << 20  # a line longer than this is taken apart while it is read
_BRACKET = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ENTERED = re.compile(rb'"(?:events|results|logEvents|Records)"\s*:\s*\[')
_ROW = re.compile(rb'\s*\[\s*\{\s*"field"')
_OPENING, _CLOSING, _QUOTE, _BACKSLASH = b"{[", b"}]", ord('"'), ord("\\")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A value that is too long, or that ends before its last bracket."""

    why: str


def candidates(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes | Unfinished]]:
    """What may be a record, with the number of the line it ends in (from 1): lines that are not blank, and values."""
    number, rest, splitter, in_line = 0, b"", None, False
    for data in chunks:
        lines = data.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()
        for line in lines:
            number += 1
            if splitter is None:
                if line[:2] == b'{"' or not _opens(line):
                    if line and not line.isspace():
                        yield number, line
                    continue
                splitter = Splitter()
            elif in_line or splitter.ends_before(line):
                yield from _numbered(number, splitter, line if in_line else b"", ends=True)
                splitter, begins, in_line = None, not in_line, False
                if not begins:
                    continue
                if not _opens(line):
                    yield number, line
                    continue
                splitter = Splitter()
            yield from _numbered(number, splitter, line + b"\n")
            splitter = None if splitter.is_done else splitter
        if len(rest) > _LONG_LINE_BYTES or in_line:
            in_line = splitter is None or in_line
            splitter = splitter or Splitter()
            yield from _numbered(number + 1, splitter, rest)
            rest = b""
    if splitter is not None:
        yield from _numbered(number + 1, splitter, rest, ends=True)
    elif rest and not rest.isspace():
        yield number + 1, rest


def _numbered(
    number: int, splitter: "Splitter", data: bytes, *, ends: bool = False
) -> Iterator[tuple[int, bytes | Unfinished]]:
    for value in splitter.feed(data):
        yield number, value
    if splitter.torn:
        yield number, Unfinished("something else between JSON values")
        splitter.torn = False
    if ends and splitter.is_open:
        yield number, Unfinished("a JSON value that does not end")
    elif ends and not splitter.seen:
        yield number, Unfinished("not a JSON object")


def _opens(line: bytes) -> bool:
    """Whether a line begins a document over many lines: a bracket, perhaps behind the instant of an event."""
    if len(line) > 300:
        return False
    bare = line.rstrip()
    return bare[-1:] in (b"{", b"[") and b'"' not in bare


def values_of(text: bytes) -> tuple[list[bytes], bool]:
    """The values in a line, and whether it is broken: left open, or with something else behind or between values.

    A row of fields is one value.
    """
    if _ROW.match(text):
        return [text], False
    splitter = Splitter()
    values = [value for value in splitter.feed(text) if isinstance(value, bytes)]
    return values, splitter.is_open or splitter.torn


class Splitter:
    """Takes text as it comes and gives its objects, each whole; lists of objects and events are entered.

    A list at the outermost level is entered, and so are ``events``, ``results``, ``logEvents`` and ``Records`` of an
    object: what is given are their members. Text before the first value is passed over, and so are other members of an
    object that was entered; anything else between values, or behind them, leaves ``torn`` behind.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._at: int = 0  # up to here ``_held`` has been looked at
        self._start: int = 0  # where the open value begins
        self._depth = 0  # its open brackets; 0: none is open
        self._entered: list[int] = []  # the brackets of what was entered
        self._aside = 0  # open brackets among the other members of an object that was entered
        self._in_string = False  # ``_at`` is inside a string
        self._lost = False  # a value was too long: the rest is passed over
        self.seen = False  # whether a value or a list has begun
        self.torn = False  # between values stood what is neither blank nor a comma

    @property
    def is_open(self) -> bool:
        """Whether a value, or a list of them, has begun and not ended."""
        return (self._depth > 0 or bool(self._entered)) and not self._lost

    @property
    def is_done(self) -> bool:
        return not self._depth and not self._entered and not self._lost

    def ends_before(self, line: bytes) -> bool:
        """Whether a line begins something new, so that what is open breaks off: printed values are set in."""
        return (self._depth > 0 and line[:2] == b'{"') or (self._lost and line[:1] == b"{")

    def feed(self, data: bytes) -> Iterator[bytes | Unfinished]:
        """The values that are complete with this text."""
        if self._lost:
            return
        self._held += data
        while not self._in_string or self._string_ends():
            bracket = _BRACKET.search(self._held, self._at)
            if not self._depth:
                self._look_between(len(self._held) if bracket is None else bracket.start())
            if bracket is None:
                self._at = len(self._held)
                break
            place, byte = bracket.start(), self._held[bracket.start()]
            self._at = place + 1
            if byte == _QUOTE:
                self.torn |= not self._depth and self._holds_values
                self._in_string = not self._enters(place)
            elif self._depth:
                self._depth += 1 if byte in _OPENING else -1
                if not self._depth:
                    yield bytes(self._held[self._start : self._at])
            else:
                self._between(byte, place)
        self._forget()
        if len(self._held) > LONGEST_BYTES:
            self._lost, self._held = True, bytearray()
            yield Unfinished(f"a value of more than {LONGEST_BYTES >> 20} MB")

    @property
    def _holds_values(self) -> bool:
        """Whether what stands here, outside every value, can only be another value."""
        return self._entered[-1] == _OPENING[1] if self._entered else self.seen

    def _look_between(self, end: int) -> None:
        """Looks at the text up to a place outside every value."""
        if self._holds_values and self._held[self._at : end].strip(b" \t\r\n,"):
            self.torn = True

    def _enters(self, place: int) -> bool:
        """Steps into the list that the string at a place names, where it is one of those that are entered."""
        if self._depth != 1 or self._held[self._start] != _OPENING[0]:
            return False
        entered = _ENTERED.match(self._held, place)
        if entered is None:
            return False
        self._entered += _OPENING
        self._depth, self._at = 0, entered.end()
        return True

    def _string_ends(self) -> bool:
        """Steps over the rest of a string; False: its end has not come yet."""
        whole = _STRING_END.match(self._held, self._at)
        self._in_string = whole is None
        self._at = len(self._held) - self._escapes() if whole is None else whole.end()
        return whole is not None

    def _escapes(self) -> int:
        """1 where the text ends in a backslash that escapes what comes next."""
        count = 0
        while count < len(self._held) - self._at and self._held[-1 - count] == _BACKSLASH:
            count += 1
        return count % 2

    def _between(self, byte: int, place: int) -> None:
        """A bracket outside every value."""
        self.seen = True
        inside = self._entered[-1] if self._entered else None
        if inside == _OPENING[0]:  # behind the list of an object: its other members
            self._aside += 1 if byte in _OPENING else -1
            if self._aside < 0:
                self._entered.pop()
                self._aside = 0
        elif byte in _CLOSING:
            self.torn |= inside is None or byte != _CLOSING[1]
            if inside is not None:
                self._entered.pop()
        elif inside is None and byte == _OPENING[1]:
            self._entered.append(byte)
        else:
            self._start, self._depth = place, 1

    def _forget(self) -> None:
        """Drops what lies before the open value, or what was looked at where none is open."""
        keep = self._start if self._depth else self._at
        if keep:
            del self._held[:keep]
            self._at -= keep
            self._start = 0
