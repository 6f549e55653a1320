"""Server-sent events, as the OpenAI-shaped and Anthropic-shaped APIs stream their replies.

A frame ends with an empty line; within it ``event:`` and ``data:`` may come in either order, and OpenAI's newer models
on Bedrock send ``data:`` first (recorded: pydantic-ai and rig cassettes of bedrock-mantle, 2026-07).
"""

SSE_TYPE = "text/event-stream; charset=utf-8"
DONE = b"[DONE]"
"""The data of the frame that ends a stream of Chat Completions."""


def sse_frame(data: bytes, name: str = "", *, data_first: bool = False) -> bytes:
    """The frame of one event; without a ``name`` it has a data line only. ``data`` holds no line break."""
    if not name:
        return b"data: %b\n\n" % data
    event = name.encode()
    return b"data: %b\nevent: %b\n\n" % (data, event) if data_first else b"event: %b\ndata: %b\n\n" % (event, data)


class SseDecoder:
    """Cuts bytes into events as they arrive, whatever the pieces; comments and unknown fields are passed over.

    Lines end as the standard has it (WHATWG HTML, "Server-sent events"): with CR LF, LF or CR; a mark of byte order
    before the first is none of its bytes.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of a line that has not ended
        self._after_return = False  # a line feed that comes now ended its line already
        self._begun = False
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that are complete with these bytes: each its name (empty: none was sent) and its data."""
        if self._after_return and data:
            self._after_return = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, *lines = data.split(b"\n")
        self._line.append(head)
        if not lines:
            return []
        first, self._line = b"".join(self._line), [lines.pop()]
        return [event for line in (first, *lines) if (event := self._event_at(line)) is not None]

    def close(self) -> list[tuple[str, bytes]]:
        """The event that the end cut off before its empty line. The standard drops it; a count may stand in it."""
        return self.feed(b"\n\n")

    def _event_at(self, line: bytes) -> tuple[str, bytes] | None:
        """Take a line in; the event that it ends, where it is empty."""
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            event = (self._name, b"\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
