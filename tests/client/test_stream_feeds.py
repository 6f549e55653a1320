"""Streams of the surfaces as they go by a client or a gateway: cut anywhere, framed in every legal way, cut off.

Frames are of the shapes recorded on bedrock-mantle (pydantic-ai, rig and vercel/ai cassettes of 2026-07 and 2026-09).
"""

import gzip
import json
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.client.httpx_streams import SseFeed, UsageFeed, unpacked
from rockbottom.client.streams import StreamWatcher
from rockbottom.dialects import CHAT, MESSAGES, RESPONSES
from rockbottom.quantities import Ttl, Usage


class Heard:
    """A listener that keeps what it is told, as an attachment does: the first end counts."""

    def __init__(self):
        self.usage, self.ended, self.at_least, self.begun = None, "", None, 0

    def began(self):
        self.begun += 1

    def told(self, metadata):
        raise AssertionError("these streams have no metadata")

    def known(self, at_least):
        self.at_least = at_least

    def finished(self, usage):
        if not self.ended:
            self.usage, self.ended = usage, "finished"

    def abandoned(self):
        self.ended = self.ended or "abandoned"

    def broke(self):
        self.ended = self.ended or "broke"


def frame(payload, name="", *, data_first=False):
    lines = [f"event: {name}"] * bool(name) + [f"data: {json.dumps(payload, ensure_ascii=False)}"]
    return "\n".join(reversed(lines) if data_first else lines) + "\n\n"


RESPONSES_USAGE = {"input_tokens": 4000, "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 2990},
                   "output_tokens": 5, "total_tokens": 4005}  # fmt: skip
RESPONSES_STREAM = "".join([
    frame({"type": "response.created", "response": {"usage": None}}, "response.created", data_first=True),
    ": a comment\n\n",
    frame({"type": "response.output_text.delta", "delta": "naïve 雪"}, "response.output_text.delta", data_first=True),
    frame({"type": "response.completed", "response": {"id": "r", "status": "completed", "usage": RESPONSES_USAGE}},
          "response.completed", data_first=True),
])  # fmt: skip
MESSAGES_STREAM = "".join([
    frame({"type": "message_start", "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 1000,
          "cache_creation_input_tokens": 2990, "output_tokens": 1}}}, "message_start"),
    frame({"type": "ping"}, "ping"),
    frame({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "naïve 雪"}},
          "content_block_delta"),
    frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
          "message_delta"),
    frame({"type": "message_stop"}, "message_stop"),
])  # fmt: skip
CHAT_CHUNK = frame({"choices": [{"index": 0, "delta": {"content": 'naïve 雪 "choices":[] "usage"'}}], "usage": None})
CHAT_USAGE = frame({"choices": [], "usage": {"prompt_tokens": 4000, "completion_tokens": 5, "total_tokens": 4005,
                    "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 2990}}})  # fmt: skip
CHAT_STREAM = CHAT_CHUNK + CHAT_USAGE + "data: [DONE]\n\n"
STREAMS = {"responses": (RESPONSES, RESPONSES_STREAM), "messages": (MESSAGES, MESSAGES_STREAM),
           "chat": (CHAT, CHAT_STREAM)}  # fmt: skip
COUNTED = (10, 1000, 2990, 5)  # what is left of the input, read, written, output

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
PLACES = st.lists(st.integers(0, 100_000), max_size=10)


def parts_of(usage: Usage):
    return usage.input, usage.cache_read, usage.cache_write, usage.output


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def feed_of(dialect, kind=SseFeed):
    heard = Heard()
    return heard, kind(StreamWatcher(dialect.counting(), Ttl.FIVE_MINUTES, heard))


@pytest.mark.parametrize("name", STREAMS)
@given(ENDS, PLACES, st.booleans(), st.integers(0, 2))
def test_counts_are_the_same_however_a_stream_is_cut_and_framed(name, end, places, mark, missing):
    """Lines that end in CR LF, LF or CR; a mark of byte order; the last empty line, or the last line's end, missing."""
    dialect, stream = STREAMS[name]
    data = stream.replace("\n", end).encode()
    data = b"\xef\xbb\xbf" * mark + data[: len(data) - missing * len(end)]
    for pieces in (cut(data, places), [data[at : at + 1] for at in range(len(data))]):
        heard, feed = feed_of(dialect)
        for piece in pieces:
            feed.see(piece)
        feed.close()
        assert (heard.ended, parts_of(heard.usage)) == ("finished", COUNTED)
        assert heard.begun == 1


@given(ENDS, PLACES, st.integers(0, 2), st.booleans())
def test_only_the_chunk_of_usage_that_nobody_asked_for_is_kept_from_the_caller(end, places, missing, done):
    """Every other byte goes on, and none waits longer than for the end of its frame."""
    stream = CHAT_CHUNK + CHAT_USAGE + "data: [DONE]\n\n" * done
    data = stream.replace("\n", end).encode()
    data = data[: len(data) - missing * len(end)]
    seen = (CHAT_CHUNK + "data: [DONE]\n\n" * done).replace("\n", end).encode()
    if done:
        seen = seen[: len(seen) - missing * len(end)]
    for pieces in (cut(data, places), [data[at : at + 1] for at in range(len(data))]):
        heard, feed = feed_of(CHAT, UsageFeed)
        passed = b""
        for piece in pieces:
            feed.see(piece)
            passed += feed.passed(piece)
        feed.close()
        assert passed + feed.rest() == seen
        assert parts_of(heard.usage) == COUNTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_frame_goes_on_as_soon_as_its_last_byte_has_come(end):
    _, feed = feed_of(CHAT, UsageFeed)
    data = CHAT_CHUNK.encode().replace(b"\n", end)
    assert feed.passed(data) == data
    assert feed.rest() == b""


def test_frames_whose_lines_end_differently_are_told_apart():
    """A chunk of text before the usage is not taken for part of it."""
    heard, feed = feed_of(CHAT, UsageFeed)
    text, usage = CHAT_CHUNK.removesuffix("\n") + "\r\n", CHAT_USAGE
    feed.see((text + usage).encode())
    assert feed.passed((text + usage).encode()) == text.encode()
    assert parts_of(heard.usage) == COUNTED


@pytest.mark.parametrize("name", STREAMS)
def test_a_line_of_a_megabyte_in_pieces_of_four_bytes(name):
    dialect, stream = STREAMS[name]
    heard, feed = feed_of(dialect, UsageFeed if name == "chat" else SseFeed)
    data = stream.replace("naïve", "n" * 1_000_000).encode()
    passed = []
    for at in range(0, len(data), 4):
        feed.see(data[at : at + 4])
        if name == "chat":
            passed.append(feed.passed(data[at : at + 4]))
    feed.close()
    assert parts_of(heard.usage) == COUNTED
    if name == "chat":
        assert b"".join(passed) == data.replace(CHAT_USAGE.encode(), b"")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("name", STREAMS)
def test_a_compressed_stream_is_counted(name, encoding, pack):
    dialect, stream = STREAMS[name]
    heard, feed = feed_of(dialect)
    whole = unpacked(feed, encoding)
    for byte in pack(stream.removesuffix("\n").encode()):
        whole.see(bytes((byte,)))
    whole.close()
    assert parts_of(heard.usage) == COUNTED


ERRORS = {
    "responses": [{"message": "too busy"}, {"type": "error", "message": "too busy"},
                  {"type": "response.failed", "response": {"error": {"code": "server_error"}, "usage": None}}],
    "messages": [{"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}],
    "chat": [{"error": {"code": "server_error", "message": "too busy"}}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "error"), [(name, error) for name, errors in ERRORS.items() for error in errors])
def test_an_error_in_the_middle_ends_a_stream_as_failed(name, error):
    dialect, stream = STREAMS[name]
    middle = stream.index("\n\n", stream.index("naïve")) + 2
    heard, feed = feed_of(dialect)
    feed.see((stream[:middle] + frame(error, error.get("type", ""))).encode())
    feed.close()
    assert (heard.ended, heard.usage) == ("broke", None)


CUTS = [(name, at) for name in STREAMS for at in ("naïve", '"usage": {', "_details") if at in STREAMS[name][1]]


@pytest.mark.parametrize(("name", "at"), CUTS)
def test_a_stream_cut_off_has_no_usage_of_its_own(name, at):
    """Messages says at its beginning what was read and written: that much is known."""
    dialect, stream = STREAMS[name]
    heard, feed = feed_of(dialect)
    feed.see(f"{stream.rpartition(at)[0]}{at}".encode())
    feed.close()
    assert (heard.ended, heard.usage) == ("abandoned", None)
    if name == "messages":
        assert heard.begun == 0 or parts_of(heard.at_least) == (10, 1000, 2990, 1)
    else:
        assert heard.at_least is None
