"""Replies of a bounded length: botocore and urllib read what a server sends into memory until it ends, which a server
that is none of AWS's may never do."""

import math
from collections.abc import Iterator
from typing import Any, TypeVar

from rockbottom.process.waits import Wait, awaited, host_of, say_waits_of

_T = TypeVar("_T")
MOST_BYTES = 1 << 26
"""What is read of a reply that is read whole: a bound of ours, far above what any operation that is called here returns
at once (pages of lists and logs hold about 1 MB, images some)."""


def bounded(client: _T, most: int = MOST_BYTES) -> _T:
    """The botocore client itself, which from now on raises ResponseParserError for a reply of more than ``most`` bytes.

    Streams of an answer and objects of S3 are handed on as they come, whatever their length. Whom it waits for is
    handed to who listens (``tell_waits``).
    """
    endpoint: Any = getattr(client, "_endpoint", None)  # botocore names no other way to its connection
    if endpoint is not None:
        endpoint.http_session = BoundedSession(endpoint.http_session, most)
        say_waits_of(client)
    return client


class BoundedSession:
    """A session of botocore that reads no reply of more than ``most`` bytes whole."""

    def __init__(self, session: Any, most: int = MOST_BYTES) -> None:
        self._session = session
        self._most = most

    def send(self, request: Any) -> Any:
        """Send a prepared request, as botocore's own session does; also raises ResponseParserError."""
        streams, request.stream_output = request.stream_output, True  # so that it leaves the reply unread
        with awaited(Wait("", host_of(request.url))) as wait:
            wait.number += 1
            reply = self._session.send(request)
            whole = not streams or reply.status_code >= 300  # what botocore reads whole
            reply.raw = _Pieces(reply.raw, wait, self._most if whole else math.inf)
            if whole:
                _read(reply, request)
        return reply

    def close(self) -> None:
        """Close its connections."""
        self._session.close()


class _Pieces:
    """A reply of urllib3 that is waited for aloud in the middle too, and ends with an error where it is too long."""

    def __init__(self, raw: Any, wait: Wait, most: float) -> None:
        self._raw = raw
        self._next = Wait(wait.action, wait.whom, patience_s=wait.patience_s)  # nothing came yet
        self._most = most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def read(self, *arguments: Any, **options: Any) -> bytes:
        """Some of the content, or all of it."""
        with awaited(self._next):
            piece: bytes = self._raw.read(*arguments, **options)
        self._next = Wait(self._next.action, self._next.whom)
        return piece

    def stream(self, *arguments: Any, **options: Any) -> Iterator[bytes]:
        """The content in pieces."""
        from botocore.parsers import ResponseParserError

        size, pieces = 0, self._raw.stream(*arguments, **options)
        while True:
            with awaited(self._next):
                piece = next(pieces, None)
            if piece is None:
                return
            self._next = Wait(self._next.action, self._next.whom)
            size += len(piece)
            if size > self._most:
                self._raw.close()
                raise ResponseParserError(f"Unable to read the response: it is larger than {int(self._most) >> 20} MB.")
            yield piece


def _read(reply: Any, request: Any) -> None:
    """Read a reply now, with the errors of a connection as botocore's session tells them."""
    from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError
    from urllib3.exceptions import HTTPError, ProtocolError
    from urllib3.exceptions import ReadTimeoutError as SilentServer

    try:
        reply.content  # noqa: B018  # which keeps it
    except SilentServer as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except ProtocolError as error:
        raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
    except (HTTPError, OSError) as error:
        raise HTTPClientError(error=error) from error


def content_of_reply(reply: Any, most: int = MOST_BYTES) -> bytes:
    """The content of a reply of urllib, or of a body that botocore hands on. Raises ConnectionAbortedError, OSError."""
    content: bytes = reply.read(most + 1)
    if len(content) > most:
        reply.close()
        raise ConnectionAbortedError(f"the reply is larger than {most >> 20} MB, so it was given up")
    return content
