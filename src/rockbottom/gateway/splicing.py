"""A planned body as bytes: what was added is spliced into the bytes that came, and nothing else of them changes.

A plan adds members and list elements and leaves the rest as the very objects that were read. So the two are walked
together, and only what lies on the way to an addition is looked at in the bytes, by ``msgspec.Raw``, which gives the
bytes of a value without reading it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from rockbottom.quantities import json_bytes

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_BLANK = 0x20  # no white space of JSON is above it
_NOTHING = object()
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
Span = tuple[int, int]
"""Where a value begins and ends in the bytes."""
Change = tuple[int, int, bytes]
"""The span to be replaced (an empty one: nothing is), and what comes there."""


class Unspliceable(ValueError):
    """The bytes are not what was read: a member is there twice, for one."""


def spliced(data: bytes, read: Mapping[str, Any], planned: Mapping[str, Any]) -> bytes:
    """The bytes of ``read`` with what ``planned`` adds or changes; written anew where they cannot be walked."""
    try:
        changes = list(_changes(data, (_skip(data, 0), len(data.rstrip())), read, planned))
    except (Unspliceable, msgspec.DecodeError):
        return json_bytes(planned)
    pieces: list[bytes] = []
    at = 0
    for start, end, new in sorted(changes, key=lambda change: change[0]):
        pieces += (data[at:start], new)
        at = end
    return b"".join((*pieces, data[at:]))


def without_elements(data: bytes, member: str, numbers: Sequence[int]) -> bytes:
    """The bytes of an object without some elements of the list in one of its members. Raises Unspliceable."""
    try:
        places = _elements_at(data, _members_at(data, (_skip(data, 0), len(data.rstrip())))[member])
    except msgspec.DecodeError as error:
        raise Unspliceable(member) from error
    elements = [data[slice(*place)] for number, place in enumerate(places) if number not in numbers]
    return data[: places[0][0]] + b",".join(elements) + data[places[-1][1] :]


def has_each_once(data: bytes) -> bool:
    """Whether the bytes are an object that names no member twice."""
    start = _skip(data, 0)
    try:
        return data[start : start + 1] == b"{" and bool(_members_at(data, (start, len(data.rstrip()))))
    except (Unspliceable, ValueError):
        return False


def _changes(data: bytes, span: Span, read: Any, planned: Any) -> Iterator[Change]:
    """What changes inside one value."""
    if read is planned:
        return
    if isinstance(read, dict) and isinstance(planned, dict):
        yield from _of_object(data, span, cast("dict[str, Any]", read), cast("dict[str, Any]", planned))
    elif isinstance(read, list) and isinstance(planned, list):
        yield from _of_list(data, span, cast("list[Any]", read), cast("list[Any]", planned))
    elif read != planned:  # no plan makes a number of another type of one
        yield *span, json_bytes(planned)


def _of_object(data: bytes, span: Span, read: dict[str, Any], planned: dict[str, Any]) -> Iterator[Change]:
    if not planned.keys() >= read.keys():
        yield *span, json_bytes(planned)
        return
    places = _members_at(data, span)
    if places.keys() != read.keys():
        raise Unspliceable
    for name, value in read.items():
        if value is not planned[name]:
            yield from _changes(data, places[name], value, planned[name])
    added = b",".join(
        json_bytes(name) + b":" + json_bytes(value) for name, value in planned.items() if name not in read
    )
    if added:
        end = span[1] - 1
        yield end, end, (b"," if read else b"") + added


def _of_list(data: bytes, span: Span, read: list[Any], planned: list[Any]) -> Iterator[Change]:
    """New elements stand among those that were read, which are the same objects or changed ones of them."""
    places = _elements_at(data, span)
    if len(places) != len(read):
        raise Unspliceable
    if not read or len(planned) < len(read):
        yield *span, json_bytes(planned)
        return
    number, count, extra = 0, len(read), len(planned) - len(read)
    for position, value in enumerate(planned):
        old = read[number] if number < count else _NOTHING
        if value is old:
            number += 1
        elif extra and _is_new(value, planned[position + 1 :][:1], old):
            extra -= 1
            if number:
                yield places[number - 1][1], places[number - 1][1], b"," + json_bytes(value)
            else:
                yield span[0] + 1, span[0] + 1, json_bytes(value) + b","
        else:
            yield from _changes(data, places[number], old, value)
            number += 1


def _is_new(value: Any, following: Sequence[Any], old: Any) -> bool:
    """Whether an element was put before the one that is next of the ``old`` ones, and is not a changed form of it."""
    if old is _NOTHING or (following and following[0] is old):
        return True
    if isinstance(value, dict) and isinstance(old, dict):
        return not cast("dict[str, Any]", value).keys() & cast("dict[str, Any]", old).keys()
    return True


def _members_at(data: bytes, span: Span) -> dict[str, Span]:
    """Where the value of each member stands."""
    places: dict[str, Span] = {}
    at = span[0] + 1
    for name, raw in _members.decode(data[slice(*span)]).items():
        match = _STRING.match(data, _skip(data, at))
        if match is None or (match[1] != name.encode("utf-8", "surrogatepass") and json.loads(match[0]) != name):
            raise Unspliceable
        start = _skip(data, _skip(data, match.end()) + 1)  # behind the colon
        end = start + len(memoryview(raw))
        places[name] = start, end
        at = _skip(data, end) + 1  # behind the comma
    if at < span[1] - 1:
        raise Unspliceable
    return places


def _elements_at(data: bytes, span: Span) -> list[Span]:
    """Where each element stands."""
    places: list[Span] = []
    at = span[0] + 1
    for raw in _elements.decode(data[slice(*span)]):
        if data[at] <= _BLANK:
            at = at + 1 if data[at + 1] > _BLANK else _skip(data, at)
        end = at + len(memoryview(raw))
        places.append((at, end))
        at = (end if data[end] > _BLANK else _skip(data, end)) + 1
    return places


def _skip(data: bytes, at: int) -> int:
    """Where the next byte stands that is no white space; most often it is the very next, or the one behind it."""
    for near in (at, at + 1):
        if near < len(data) and data[near] > _BLANK:
            return near
    match = _SPACE.match(data, at)
    return match.end() if match else at
