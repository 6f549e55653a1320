"""What streams of several dialects have in common: text in pieces, inputs of tools, counts on the last event."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from rockbottom.dialects.usage import INVOKED, NO_SPLIT, Counts
from rockbottom.quantities import Ttl, Undecodable, decoded, is_object
from rockbottom.wire import CorruptFrame

METRICS = "amazon-bedrock-invocationMetrics"
"""Key that Bedrock adds to the last chunk of a native stream."""

_METRICS = METRICS.encode()
INPUT_PIECE_CHARS = 8  # Anthropic's documentation of streaming shows an input in pieces of 2 to 13 characters
_FIRST_TOKENS = frozenset({"contentBlockDelta", "contentBlockStart"})


def pieces(text: str, size: int) -> Iterator[str]:
    """A text cut into pieces; the empty one into one."""
    for at in range(0, max(len(text), 1), size):
        yield text[at : at + size]


def json_pieces(value: Any, size: int) -> Iterator[str]:
    """The JSON of a value in pieces, as the input of a tool call is streamed: smaller ones than a text's."""
    return pieces(msgspec.json.encode(value).decode(), min(size, INPUT_PIECE_CHARS))


def json_of(text: str) -> Any:
    """The input of a tool call put together again. Raises CorruptFrame."""
    try:
        return decoded(text) if text else {}
    except Undecodable as error:
        raise CorruptFrame(f"the streamed input of a tool call is not JSON: {error}") from error


class StreamCounts:
    """Picks the first token and the counts out of the event stream of one reply, as its events go by.

    ``counted`` reads a ``usage`` object. ``begun``: a token has come. ``counts`` are known at the last event, which of
    Converse is ``metadata``; ``at_least`` is what was said before it. ``metadata`` is that last event or chunk.
    """

    def __init__(self, counted: Callable[[object], Counts | None]) -> None:
        self.begun = False
        self.failed = False  # it ended with an error although its status was good
        self.counts: Counts | None = None
        self.at_least: Counts | None = None
        self.metadata: Mapping[str, Any] | None = None
        self._counted = counted
        self._split: Mapping[Ttl, int] = NO_SPLIT

    def event(self, name: str, payload: Any) -> None:
        """Look at one event of ConverseStream. An event that cannot be read says nothing."""
        if name in _FIRST_TOKENS:
            self.begun = True
        elif name == "metadata" and is_object(payload):
            self.metadata = payload
            self.counts = self._counted(payload.get("usage"))

    def frame(self, name: str, data: bytes) -> None:
        """Look at one server-sent event; a stream of this kind has none."""

    def chunk(self, data: bytes) -> None:
        """Look at one chunk of a native stream; Anthropic's says before its first token what was written."""
        first = b"message_start" in data
        if not first:
            self.begun = True
        if not first and _METRICS not in data:  # most chunks are text, and are not decoded for this
            return
        try:
            chunk = decoded(data)
        except Undecodable:
            return
        if not is_object(chunk):
            return
        message = chunk.get("message")
        counts = self._counted(message.get("usage")) if is_object(message) else None
        if counts is not None:
            self._split = counts.split
            self.at_least = counts
        if METRICS in chunk:
            self.metadata = chunk
        last = INVOKED.counts(chunk.get(METRICS))
        if last is not None:
            self.counts = last._replace(split=self._split)
