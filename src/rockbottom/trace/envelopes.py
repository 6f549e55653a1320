"""Envelopes in which a subscription hands events to a function: packed, and spelled in base64.

Lambda is given ``{"awslogs": {"data": ...}}`` by CloudWatch Logs, and ``{"kinesis": {"data": ...}}`` for each record of
a stream (AWS, "Using subscription filters": data is base64 of gzip).
"""

import binascii
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator

from rockbottom.quantities import Undecodable, decoded, is_object
from rockbottom.trace.splitting import LONGEST_BYTES, values_of

_HOLDERS = ("awslogs", "kinesis")
_NAMES = tuple(f'"{name}"'.encode() for name in _HOLDERS)


def is_packed(head: bytes) -> bool:
    """Whether a file begins with such an envelope."""
    return any(name in head[:4096] for name in _NAMES) and b'"data"' in head


def unpacked(values: Iterable[bytes]) -> Iterator[bytes]:
    """The values, those in envelopes in their places; an envelope that cannot be opened stays as it is."""
    for value in values:
        inner = _opened(value) if any(name in value[:4096] for name in _NAMES) else None
        if inner is None:
            yield value
        else:
            yield from values_of(inner)[0]


def _opened(value: bytes) -> bytes | None:
    try:
        envelope = decoded(value)
        holder = next((envelope[name] for name in _HOLDERS if name in envelope), None) if is_object(envelope) else None
        data = holder.get("data") if is_object(holder) else None
        if not isinstance(data, str):
            return None
        packed = b64decode(data, validate=True)
        if packed[:2] != b"\x1f\x8b":
            return packed
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, LONGEST_BYTES)
    except (Undecodable, binascii.Error, ValueError, zlib.error):
        return None
