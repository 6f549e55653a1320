"""Whole replies and errors put on an ASGI connection."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from rockbottom.catalog import RUNTIME
from rockbottom.dialects import SurfaceRoute
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.surface_failures import failure_body

Headers = list[tuple[bytes, bytes]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_EXPOSED = (
    b"x-amzn-requestid, x-request-id, date, x-amzn-usage-reservation-quota, "
    b"x-amzn-usage-reservation-remaining-quota, x-amzn-usage-reservation-spillover"
)
"""Of bedrock-mantle, as pydantic-ai recorded it; the values of the reservation's headers were never seen."""
JSON = (b"content-type", b"application/json")
"""The header of every body that is no stream."""


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a reply in one piece."""
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


def identities(request_id: str, route: SurfaceRoute | None = None) -> Headers:
    """The headers that name a request; the surfaces of OpenAI and Anthropic give their own name for it too."""
    named: Headers = [(b"x-amzn-requestid", request_id.encode())]
    if route is None:
        return named
    exposed: Headers = [] if route.host == RUNTIME else [(b"access-control-expose-headers", _EXPOSED)]
    return [*named, (b"x-request-id", request_id.encode()), *exposed]


async def send_failure(send: Send, failure: ServiceFailure, request_id: str, route: SurfaceRoute | None = None) -> None:
    """Send an error as AWS does: its code in a header, its message in the body, which has its surface's shape."""
    headers: Headers = [JSON, (b"x-amzn-errortype", failure.code.encode()), *identities(request_id, route)]
    if failure.hint:
        headers.append((b"x-rockbottom-hint", failure.hint.encode("ascii", "replace").replace(b"\n", b" ")[:500]))
    if route is not None:
        status, body = failure_body(route, failure, request_id)
        await send_whole(send, status, headers, body)
        return
    await send_whole(send, failure.status, headers, msgspec.json.encode({"message": failure.message, **failure.extra}))
