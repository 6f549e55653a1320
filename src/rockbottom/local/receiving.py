"""Bodies of requests as they come in, in pieces, within what an endpoint may hold."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from rockbottom.local.failures import ServiceFailure, invalid

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_DRAIN_BYTES = 128 * 1024 * 1024
_BODIES_BYTES = 1024 * 1024 * 1024  # of all bodies that are being received


class Gone(Exception):
    """The caller went away before its request was complete."""


class Receiving:
    """Reads bodies of at most ``most_bytes``; one for the whole endpoint."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._reading = 0

    async def body(self, receive: Receive) -> bytes:
        """The whole body. Raises Gone, and ServiceFailure for one that is too long."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        first: bytes = message.get("body", b"")
        limit = self._most_bytes
        if not message.get("more_body") and len(first) <= limit:
            return first
        parts, size = [first], len(first)
        try:
            self._reading += size
            while message.get("more_body") and size <= _DRAIN_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part: bytes = message.get("body", b"")
                size += len(part)
                self._reading += len(part)
                if self._reading > _BODIES_BYTES:
                    raise ServiceFailure("ServiceUnavailableException", "Too many bodies are being received at once.")
                if size <= limit:
                    parts.append(part)
                else:
                    parts.clear()  # read on, so that the caller gets its answer, but keep nothing
        finally:
            self._reading -= size
        if size > limit:
            raise invalid(
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {limit}"
            )
        return b"".join(parts)
