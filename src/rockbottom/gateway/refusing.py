"""Requests that the gateway answers itself: in the shape that the clients of a path read, and in its log.

Each has an id of its own, where the SDKs look for one: ``x-amzn-requestid`` (AWS), ``x-request-id`` (OpenAI, and
bedrock-mantle beside it), ``request-id`` and the body's ``request_id`` (Anthropic).
"""

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from rockbottom.catalog import MANTLE, RUNTIME
from rockbottom.dialects import surface_error
from rockbottom.gateway.errors import Refused

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_log = logging.getLogger("rockbottom.gateway")
_FAMILY = re.compile(rf"(?:/{MANTLE}|/{RUNTIME})?(/anthropic|/openai)?/v1/")
_LINES, _SECOND = 20, 1.0
_LONGEST_PATH, _LONGEST_MESSAGE = 300, 500


class RefusalSender:
    """Sends refusals, and logs them: 20 in a second at most, for a flood of them is not to fill a disk or hold up
    calls; how many were left out is said with the next one. ``clock`` runs in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since, self._logged, self._left_out = float("-inf"), 0, 0

    async def send(
        self, scope: Mapping[str, Any], send: Send, path: str, refusal: Refused, *more: tuple[bytes, bytes]
    ) -> None:
        """Answer a request with a refusal, and with ``more`` header fields."""
        self._log(scope, path, refusal)
        body, headers = error_reply(path, refusal)
        headers += more
        if refusal.retry_after_s is not None:
            headers.append((b"retry-after", str(max(1, round(refusal.retry_after_s))).encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _log(self, scope: Mapping[str, Any], path: str, refusal: Refused) -> None:
        now = self._clock()
        if now - self._since >= _SECOND:
            self._since, self._logged = now, 0
        if self._logged >= _LINES:
            self._left_out += 1
            return
        self._logged += 1
        left_out, self._left_out = self._left_out, 0
        before = f" ({left_out} before it were not logged)" if left_out else ""
        client = scope.get("client") or ("",)
        _log.warning(
            "request %s from %s was answered %d %s: %r %r: %.*s%s",
            refusal.request_id, client[0] or "an unknown address", refusal.status, refusal.kind, scope["method"],
            path[:_LONGEST_PATH], _LONGEST_MESSAGE, _on_one_line(str(refusal)), before,
        )  # fmt: skip


def error_reply(path: str, refusal: Refused) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers of a refusal in the shape that the clients of a path read."""
    status, message, name = refusal.status, str(refusal), refusal.request_id
    named = name.encode()
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", refusal.kind.encode())]
    headers.append((b"x-amzn-requestid", named))
    family = _FAMILY.match(path)
    if family is None:
        return json.dumps({"message": message}).encode(), headers
    headers.append((b"x-request-id", named))
    of_anthropic = family[1] == "/anthropic"
    if of_anthropic:
        headers.append((b"request-id", named))
    body = surface_error(status, message, of_anthropic=of_anthropic, request_id=name)
    return json.dumps(body).encode(), headers


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
