"""Whole replies and errors put on an ASGI connection."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from rockbottom.local.failures import ServiceFailure
from rockbottom.local.runtime import Headers

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON = (b"content-type", b"application/json")
"""The header of every body that is no stream."""


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a reply in one piece."""
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def send_failure(send: Send, failure: ServiceFailure, request_id: str) -> None:
    """Send an error as AWS does: its code in a header, its message in the body."""
    headers: Headers = [JSON, (b"x-amzn-errortype", failure.code.encode()), (b"x-amzn-requestid", request_id.encode())]
    if failure.hint:
        headers.append((b"x-rockbottom-hint", failure.hint.encode("ascii", "replace").replace(b"\n", b" ")[:500]))
    await send_whole(send, failure.status, headers, msgspec.json.encode({"message": failure.message, **failure.extra}))
