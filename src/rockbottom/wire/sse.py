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
    """Cuts bytes into events as they arrive, whatever the pieces; comments and unknown fields are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that are complete with these bytes: each its name (empty: none was sent) and its data."""
        text = self._rest + data
        if b"\r" in text:
            ends_in_cr = text.endswith(b"\r")  # its line feed may still come
            whole = text[:-1] if ends_in_cr else text
            text = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if ends_in_cr else b"")
        *lines, self._rest = text.split(b"\n")
        events: list[tuple[str, bytes]] = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> tuple[str, bytes] | None:
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
