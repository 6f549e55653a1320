"""Server-sent events in whatever bytes they come (WHATWG HTML, "Server-sent events")."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.wire import SseDecoder, sse_frame

NAMES = st.sampled_from(["", "message_start", "response.completed", "ünïcode"])
LINES = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1, max_size=3)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
PASSED_OVER = st.sampled_from([b": a comment", b":", b"id: 3", b"retry: 10", b"unknown", b"unknown: x"])


@st.composite
def streams(draw):
    """The bytes of a stream and its events: lines that end in any way, the name before, amid or behind the data."""
    written, events = b"", []
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    for name, data in draw(st.lists(st.tuples(NAMES, LINES), max_size=4)):
        lines = [b"data:" + draw(st.sampled_from([b"", b" "])) + b" " * line.startswith(" ") + line.encode()
                 for line in data]  # fmt: skip
        if name:
            lines.insert(draw(st.integers(0, len(lines))), f"event: {name}".encode())
        for extra in draw(st.lists(PASSED_OVER, max_size=2)):
            lines.insert(draw(st.integers(0, len(lines))), extra)
        written += b"".join(line + draw(ENDS) for line in lines)
        written += draw(ENDS.filter(lambda end: end != b"\n") if written.endswith(b"\r") else ENDS)
        events.append((name, "\n".join(data).encode()))
    return mark + written, events


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


@given(streams(), st.lists(st.integers(0, 10_000), max_size=12))
def test_events_are_the_same_however_the_bytes_are_cut(stream, places):
    """Also in the middle of a character, of a line's end and of the mark of byte order."""
    data, events = stream
    for pieces in (cut(data, places), [data], [data[at : at + 1] for at in range(len(data))]):
        decoder = SseDecoder()
        assert [event for piece in pieces for event in decoder.feed(piece)] == events
        assert decoder.close() == []


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n"])
def test_an_event_without_its_empty_line_comes_at_the_end(end):
    decoder = SseDecoder()
    assert decoder.feed(f"event: last\ndata: 1{end}".encode()) == []
    assert decoder.close() == [("last", b"1")]
    assert decoder.close() == []


def test_lines_that_end_in_a_return_alone_are_told_at_once():
    decoder = SseDecoder()
    assert decoder.feed(b"data: 1\r\r") == [("", b"1")]
    assert decoder.feed(b"\ndata: 2\r\n\r\n") == [("", b"2")]


def test_a_line_of_a_megabyte_in_small_pieces_takes_time_in_proportion_to_it():
    """Looked through from its beginning at each piece it would take minutes."""
    text = b"x" * 1_000_000
    data, decoder = sse_frame(text), SseDecoder()
    assert [event for at in range(0, len(data), 4) for event in decoder.feed(data[at : at + 4])] == [("", text)]
