"""What can be wrong with bytes from the wire.

RockbottomError
+-- WireError
    +-- InvalidHeader       a header that cannot be encoded: its name, its type or its range
    +-- CorruptFrame        bytes that are no event-stream frame: a length, a checksum, a header
    +-- TruncatedStream     the stream ended inside a frame, or before the message was complete
    +-- StreamFailed        the stream carried an exception event; ``code`` names it
"""

from rockbottom.quantities import Fault, RockbottomError


class WireError(RockbottomError):
    """Base of what can be wrong with bytes from the wire."""

    fault = Fault.SERVICE


class InvalidHeader(WireError):
    """A header that the event-stream format cannot carry."""

    fault = Fault.CALLER


class CorruptFrame(WireError):
    """Bytes that are not a frame of an event stream; nothing after them can be trusted."""


class TruncatedStream(WireError):
    """The stream ended too early; the request may be sent again, though tokens may have been billed."""

    retry_safe = True


class StreamFailed(WireError):
    """The service reported a failure inside a stream; ``code`` is the name of its exception."""

    def __init__(self, code: str, message: str, *, retry_safe: bool) -> None:
        super().__init__(f"the stream ended with {code}: {message}")
        self.code = code
        self.reason = message
        self.retry_safe = retry_safe
