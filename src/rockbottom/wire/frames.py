"""The frames of AWS event streams: bytes to frames and back, no sockets.

One frame on the wire, integers big-endian (https://smithy.io/2.0/aws/amazon-eventstream.html):

    uint32 total length | uint32 headers length | uint32 CRC-32 of those 8 bytes
    headers: uint8 name length, name, uint8 type, value ...
    payload
    uint32 CRC-32 of everything before it
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from rockbottom.wire.errors import CorruptFrame, InvalidHeader, TruncatedStream

PRELUDE_BYTES = 12
CRC_BYTES = 4
MAX_HEADERS_BYTES = 128 * 1024
"""Most bytes of headers in one frame; the SDKs refuse more."""
MAX_PAYLOAD_BYTES = 24 * 1024 * 1024
"""Most bytes of payload in one frame; the SDKs refuse more."""

_PRELUDE = struct.Struct("!III")
_UINT32 = struct.Struct("!I")
_UINT16 = struct.Struct("!H")
_REMEMBERED_BYTES = 512


class HeaderType(IntEnum):
    """The ten types of a header value; the number is the one on the wire."""

    TRUE = 0
    FALSE = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8  # milliseconds since the epoch
    UUID = 9


HeaderValue = bool | int | bytes | str | UUID


class Header(NamedTuple):
    """A header value with its type; TIMESTAMP holds integer milliseconds since the epoch."""

    type: HeaderType
    value: HeaderValue


_INTEGERS: Mapping[HeaderType, struct.Struct] = {
    HeaderType.INT8: struct.Struct("!b"),
    HeaderType.INT16: struct.Struct("!h"),
    HeaderType.INT32: struct.Struct("!i"),
    HeaderType.INT64: struct.Struct("!q"),
    HeaderType.TIMESTAMP: struct.Struct("!q"),
}


class Frame(Struct, frozen=True):
    """One message of an event stream: typed headers in order, and a payload."""

    headers: Mapping[str, Header]
    payload: bytes = b""

    def text(self, name: str) -> str | None:
        """The value of a string header, or None where it is absent or of another type."""
        header = self.headers.get(name)
        return header.value if header is not None and isinstance(header.value, str) else None


def string_headers(values: Mapping[str, str]) -> dict[str, Header]:
    """Headers of type STRING, which is all that Bedrock's streams use."""
    return {name: Header(HeaderType.STRING, value) for name, value in values.items()}


def encoded(frame: Frame) -> bytes:
    """The bytes of a frame. Raises InvalidHeader where a header or a length does not fit the format."""
    return framed(encoded_headers(frame.headers), frame.payload)


def framed(headers: bytes, payload: bytes) -> bytes:
    """A frame around headers already encoded, so that a stream of like events encodes them once."""
    if len(headers) > MAX_HEADERS_BYTES:
        raise InvalidHeader(f"{len(headers)} bytes of headers; a frame holds at most {MAX_HEADERS_BYTES}")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise InvalidHeader(f"{len(payload)} bytes of payload; a frame holds at most {MAX_PAYLOAD_BYTES}")
    lengths = struct.pack("!II", PRELUDE_BYTES + len(headers) + len(payload) + CRC_BYTES, len(headers))
    body = b"".join((lengths, _UINT32.pack(zlib.crc32(lengths)), headers, payload))
    return body + _UINT32.pack(zlib.crc32(body))


def encoded_headers(headers: Mapping[str, Header]) -> bytes:
    """The bytes of a set of headers. Raises InvalidHeader where one does not fit the format."""
    return b"".join(_encoded_header(name, header) for name, header in headers.items())


def _encoded_header(name: str, header: Header) -> bytes:
    raw_name = name.encode()
    if not 1 <= len(raw_name) <= 255:
        raise InvalidHeader(f"header name {name!r} is {len(raw_name)} bytes; a name is 1 to 255")
    return bytes((len(raw_name),)) + raw_name + bytes((header.type,)) + _encoded_value(name, header)


def _encoded_value(name: str, header: Header) -> bytes:
    kind, value = header
    if kind is HeaderType.TRUE or kind is HeaderType.FALSE:
        if value is not (kind is HeaderType.TRUE):
            raise InvalidHeader(f"header {name!r} of type {kind.name} holds {value!r}")
        return b""
    if kind in _INTEGERS and isinstance(value, int) and not isinstance(value, bool):
        try:
            return _INTEGERS[kind].pack(value)
        except struct.error as error:
            raise InvalidHeader(f"header {name!r} of type {kind.name} cannot hold {value}") from error
    if kind is HeaderType.UUID and isinstance(value, UUID):
        return value.bytes
    if kind is HeaderType.STRING and isinstance(value, str):
        return _sized(name, value.encode())
    if kind is HeaderType.BYTES and isinstance(value, bytes):
        return _sized(name, value)
    raise InvalidHeader(f"header {name!r} of type {kind.name} holds a {type(value).__name__}")


def _sized(name: str, raw: bytes) -> bytes:
    if len(raw) > 0xFFFF:
        raise InvalidHeader(f"header {name!r} is {len(raw)} bytes long; a value is at most 65535")
    return _UINT16.pack(len(raw)) + raw


class Decoder:
    """Frames out of bytes that arrive in pieces of any size.

    ``feed`` returns the frames completed by the piece; ``close`` says that no more will come and
    raises TruncatedStream when that was inside a frame. A CorruptFrame leaves the decoder refusing
    all further input, because the boundaries are lost.
    """

    __slots__ = ("_broken", "_buffer")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now. Raises CorruptFrame."""
        if self._broken:
            raise CorruptFrame("the stream was corrupt before these bytes; its frame boundaries are lost")
        self._buffer += data
        try:
            return list(self._complete())
        except CorruptFrame:
            self._broken = True
            raise

    def close(self) -> None:
        """Say that the stream has ended. Raises TruncatedStream when it ended inside a frame."""
        if self._buffer and not self._broken:
            raise TruncatedStream(f"the stream ended inside a frame, after {len(self._buffer)} bytes of it")

    def _complete(self) -> Iterator[Frame]:
        buffer, at = self._buffer, 0
        try:
            while len(buffer) - at >= PRELUDE_BYTES:
                total, headers_length = _checked_prelude(buffer, at)
                if len(buffer) - at < total:
                    return
                raw = bytes(buffer[at : at + total])
                at += total
                yield _frame(raw, headers_length)
        finally:
            del buffer[:at]


def _checked_prelude(buffer: bytearray, at: int) -> tuple[int, int]:
    total, headers_length, crc = _PRELUDE.unpack_from(buffer, at)
    computed = zlib.crc32(buffer[at : at + 8])
    if computed != crc:
        raise CorruptFrame(f"prelude checksum is {crc:#010x}, the bytes give {computed:#010x}")
    payload_length = total - headers_length - PRELUDE_BYTES - CRC_BYTES
    if headers_length > MAX_HEADERS_BYTES or not 0 <= payload_length <= MAX_PAYLOAD_BYTES:
        raise CorruptFrame(f"a frame of {total} bytes with {headers_length} bytes of headers is out of range")
    return total, headers_length


def _frame(raw: bytes, headers_length: int) -> Frame:
    (crc,) = _UINT32.unpack_from(raw, len(raw) - CRC_BYTES)
    computed = zlib.crc32(memoryview(raw)[:-CRC_BYTES])
    if computed != crc:
        raise CorruptFrame(f"frame checksum is {crc:#010x}, the bytes give {computed:#010x}")
    end = PRELUDE_BYTES + headers_length
    headers = raw[PRELUDE_BYTES:end]
    decoded = _remembered_headers(headers) if headers_length <= _REMEMBERED_BYTES else _decoded_headers(headers)
    return Frame(decoded, raw[end:-CRC_BYTES])


@lru_cache(maxsize=256)
def _remembered_headers(raw: bytes) -> Mapping[str, Header]:
    """Headers by their bytes: events of one kind have the same, so most frames of a stream decode none."""
    return MappingProxyType(_decoded_headers(raw))


def _decoded_headers(raw: bytes) -> dict[str, Header]:
    headers: dict[str, Header] = {}
    at = 0
    try:
        while at < len(raw):
            name, at = _text(raw, at + 1, raw[at])
            header, at = _decoded_value(raw, at)
            if name in headers:
                raise CorruptFrame(f"header {name!r} appears twice in one frame")
            headers[name] = header
    except (struct.error, IndexError, ValueError) as error:
        raise CorruptFrame(f"headers cannot be read: {error}") from error
    return headers


def _decoded_value(raw: bytes, at: int) -> tuple[Header, int]:
    kind = HeaderType(raw[at])
    at += 1
    if kind is HeaderType.TRUE or kind is HeaderType.FALSE:
        return Header(kind, kind is HeaderType.TRUE), at
    if kind in _INTEGERS:
        layout = _INTEGERS[kind]
        return Header(kind, layout.unpack_from(raw, at)[0]), at + layout.size
    if kind is HeaderType.UUID:
        value, at = _piece(raw, at, 16)
        return Header(kind, UUID(bytes=value)), at
    (length,) = _UINT16.unpack_from(raw, at)
    if kind is HeaderType.STRING:
        text, at = _text(raw, at + 2, length)
        return Header(kind, text), at
    value, at = _piece(raw, at + 2, length)
    return Header(kind, value), at


def _piece(raw: bytes, at: int, length: int) -> tuple[bytes, int]:
    if at + length > len(raw):
        raise ValueError(f"a value of {length} bytes runs past the end")
    return raw[at : at + length], at + length


def _text(raw: bytes, at: int, length: int) -> tuple[str, int]:
    value, at = _piece(raw, at, length)
    return value.decode(), at
