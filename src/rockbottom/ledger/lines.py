"""Lines of a volume: whole ones to records, torn ones counted and located, and what follows them saved.

A torn line is the start of a record that a killed process or a full disk cut off. The next process may have written
its record right behind it; as every record begins with the same bytes, and a quote inside a JSON string is always
escaped, those bytes can be nothing but the start of a record.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rockbottom.ledger.records import CallRecord, with_family_of_old
from rockbottom.quantities import Undecodable, decoder_of

START = b'{"at":'
_decode_as_written = decoder_of(CallRecord)


class Found(NamedTuple):
    """What stands at a byte offset of a volume: a record, or ``torn`` bytes and why they are none."""

    offset: int
    call: CallRecord | None
    torn: int = 0
    why: str = ""


def found_in(data: bytes, offset: int) -> Iterator[Found]:
    """The entries of whole lines, the first of which begins at ``offset`` of a volume."""
    for line in data.split(b"\n"):
        if line:
            try:
                yield Found(offset, _decode(line))
            except Undecodable as error:
                yield from _mended(line, offset, str(error))
        offset += len(line) + 1


def _decode(line: bytes) -> CallRecord:
    return with_family_of_old(_decode_as_written(line))


def _mended(line: bytes, offset: int, why: str) -> Iterator[Found]:
    start = line.rfind(START)
    if start > 0:
        try:
            call = _decode(line[start:])
        except Undecodable:
            start = 0
        else:
            yield Found(offset, None, start, why)
            yield Found(offset + start, call)
            return
    yield Found(offset, None, len(line), why)
