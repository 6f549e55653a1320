"""Event-stream frames, held against botocore's decoder and against a frame written out by hand."""

import struct
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.wire import (
    MAX_HEADERS_BYTES,
    CorruptFrame,
    Decoder,
    Frame,
    Header,
    HeaderType,
    InvalidHeader,
    TruncatedStream,
    encoded,
    string_headers,
)

EVERY_TYPE = {
    "yes": Header(HeaderType.TRUE, True),
    "no": Header(HeaderType.FALSE, False),
    "i8": Header(HeaderType.INT8, -8),
    "i16": Header(HeaderType.INT16, -1616),
    "i32": Header(HeaderType.INT32, 323232),
    "i64": Header(HeaderType.INT64, -(2**63)),
    "raw": Header(HeaderType.BYTES, b"\x00\xff"),
    "text": Header(HeaderType.STRING, "caché"),
    "at": Header(HeaderType.TIMESTAMP, 1_700_000_000_123),
    "id": Header(HeaderType.UUID, UUID(int=0x0123456789ABCDEF)),
}


def by_hand(name: bytes, value: bytes, payload: bytes) -> bytes:
    """One frame with one string header, put together field by field as the format says."""
    headers = bytes([len(name)]) + name + b"\x07" + len(value).to_bytes(2, "big") + value
    start = struct.pack("!II", 12 + len(headers) + len(payload) + 4, len(headers))
    head = start + zlib.crc32(start).to_bytes(4, "big") + headers + payload
    return head + zlib.crc32(head).to_bytes(4, "big")


def test_a_frame_is_the_bytes_the_format_prescribes():
    """A single string header and a payload give exactly the bytes assembled by hand."""
    frame = Frame(string_headers({":event-type": "chunk"}), b"{}")
    assert encoded(frame) == by_hand(b":event-type", b"chunk", b"{}")


def test_the_empty_frame_is_sixteen_bytes_with_the_published_checksums():
    """An empty message is 00000010 00000000 05c248eb 7d98c8ff, AWS's own test vector."""
    assert encoded(Frame({})).hex() == "000000100000000005c248eb7d98c8ff"


def test_every_header_type_is_read_back():
    """All ten types survive encoding and decoding with their types."""
    frame = Frame(EVERY_TYPE, b"payload")
    assert Decoder().feed(encoded(frame)) == [frame]


def test_botocore_reads_every_header_type():
    """botocore's decoder finds in our bytes the values we put in (it has no header types)."""
    eventstream = pytest.importorskip("botocore.eventstream")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(encoded(Frame(EVERY_TYPE, b"payload")))
    (message,) = list(buffer)
    assert message.payload == b"payload"
    assert message.headers == {
        "yes": True,
        "no": False,
        "i8": -8,
        "i16": -1616,
        "i32": 323232,
        "i64": -(2**63),
        "raw": b"\x00\xff",
        "text": "caché",
        "at": 1_700_000_000_123,
        "id": UUID(int=0x0123456789ABCDEF).bytes,
    }


def test_byte_by_byte_gives_the_same_frames():
    """Frames come out when their last byte arrives, however the bytes are cut."""
    frames = [Frame(EVERY_TYPE, b"one"), Frame({}), Frame(string_headers({"a": "b"}), b"\x00" * 300)]
    decoder = Decoder()
    found = [frame for byte in b"".join(map(encoded, frames)) for frame in decoder.feed(bytes([byte]))]
    decoder.close()
    assert found == frames


_integers = {
    HeaderType.INT8: 8,
    HeaderType.INT16: 16,
    HeaderType.INT32: 32,
    HeaderType.INT64: 64,
    HeaderType.TIMESTAMP: 64,
}
_header = st.one_of(
    st.just(Header(HeaderType.TRUE, True)),
    st.just(Header(HeaderType.FALSE, False)),
    *[
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(lambda n, kind=kind: Header(kind, n))
        for kind, bits in _integers.items()
    ],
    st.binary(max_size=300).map(lambda raw: Header(HeaderType.BYTES, raw)),
    st.text(max_size=60).map(lambda text: Header(HeaderType.STRING, text)),
    st.uuids().map(lambda one: Header(HeaderType.UUID, one)),
)
_name = st.text(min_size=1, max_size=40).filter(lambda text: 1 <= len(text.encode()) <= 255)
_frame = st.builds(Frame, st.dictionaries(_name, _header, max_size=6), st.binary(max_size=400))


@given(st.lists(_frame, max_size=4), st.integers(1, 97))
def test_any_frames_in_any_pieces_are_read_back_and_by_botocore(frames, size):
    """Random frames cut into pieces of any size come back equal, and botocore reads the same payloads."""
    eventstream = pytest.importorskip("botocore.eventstream")
    raw = b"".join(map(encoded, frames))
    decoder, buffer, found, theirs = Decoder(), eventstream.EventStreamBuffer(), [], []
    for at in range(0, len(raw), size):
        found += decoder.feed(raw[at : at + size])
        buffer.add_data(raw[at : at + size])
        theirs += list(buffer)
    decoder.close()
    assert found == frames
    assert [(m.payload, list(m.headers)) for m in theirs] == [(f.payload, list(f.headers)) for f in frames]


@given(st.binary(max_size=400))
def test_noise_is_refused_or_waited_for_never_worse(noise):
    """Random bytes give no frames and no other error than CorruptFrame or TruncatedStream."""
    decoder = Decoder()
    try:
        assert decoder.feed(noise) == []
        decoder.close()
    except (CorruptFrame, TruncatedStream):
        pass


@given(st.data())
def test_one_flipped_bit_is_noticed(data):
    """Any single bit flipped in a frame is a CorruptFrame, or leaves the decoder waiting for more."""
    raw = bytearray(encoded(Frame(EVERY_TYPE, b"payload")))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((CorruptFrame, TruncatedStream)):
        decoder = Decoder()
        assert decoder.feed(bytes(raw)) == []
        decoder.close()


@pytest.mark.parametrize("length", [1, 11, 12, 20, 40])
def test_a_stream_cut_inside_a_frame_is_truncated(length):
    """Closing after part of a frame raises TruncatedStream, which may be retried."""
    decoder = Decoder()
    decoder.feed(encoded(Frame(EVERY_TYPE, b"payload"))[:length])
    with pytest.raises(TruncatedStream) as caught:
        decoder.close()
    assert caught.value.retry_safe


def test_after_corruption_nothing_is_accepted():
    """A good frame after a corrupt one is refused too: the boundaries are lost."""
    decoder = Decoder()
    with pytest.raises(CorruptFrame, match="prelude checksum"):
        decoder.feed(b"\x00" * 12)
    with pytest.raises(CorruptFrame, match="boundaries"):
        decoder.feed(encoded(Frame({})))


def test_a_header_named_twice_is_corrupt():
    """Duplicate header names are refused, as botocore refuses them."""
    headers = b"\x01a\x00" * 2
    start = struct.pack("!II", 16 + len(headers), len(headers))
    head = start + zlib.crc32(start).to_bytes(4, "big") + headers
    with pytest.raises(CorruptFrame, match="twice"):
        Decoder().feed(head + zlib.crc32(head).to_bytes(4, "big"))


def test_a_frame_that_claims_too_many_headers_is_refused_before_it_is_buffered():
    """A length out of range is refused from the prelude alone, so memory stays bounded."""
    start = struct.pack("!II", 1 << 30, MAX_HEADERS_BYTES + 1)
    with pytest.raises(CorruptFrame, match="out of range"):
        Decoder().feed(start + zlib.crc32(start).to_bytes(4, "big"))


@pytest.mark.parametrize(
    "name, header",
    [
        ("", Header(HeaderType.TRUE, True)),
        ("n" * 256, Header(HeaderType.TRUE, True)),
        ("flag", Header(HeaderType.TRUE, False)),
        ("small", Header(HeaderType.INT8, 128)),
        ("text", Header(HeaderType.STRING, b"bytes")),
        ("number", Header(HeaderType.INT32, True)),
        ("long", Header(HeaderType.STRING, "x" * 65536)),
    ],
)
def test_a_header_that_does_not_fit_is_refused(name, header):
    """Names, types and ranges outside the format raise InvalidHeader, naming the header."""
    with pytest.raises(InvalidHeader, match="header"):
        encoded(Frame({name: header}))


def test_headers_that_frames_have_in_common_are_decoded_once_and_nobody_s_to_change():
    """Two frames of one kind of event share their headers; what one reader did to them, another would see."""
    headers = string_headers({":message-type": "event", ":event-type": "contentBlockDelta"})
    first, second = Decoder().feed(encoded(Frame(headers, b"1")) + encoded(Frame(headers, b"2")))
    assert first.headers is second.headers
    assert dict(first.headers) == headers
    with pytest.raises(TypeError):
        first.headers[":event-type"] = second.headers[":message-type"]  # type: ignore[index]
