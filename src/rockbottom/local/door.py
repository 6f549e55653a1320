"""Who may call the endpoint, and who may steer it."""

import hmac
from collections.abc import Mapping, MutableMapping
from typing import Any

from rockbottom.local.failures import ServiceFailure
from rockbottom.local.routes import LocalRoute
from rockbottom.local.sending import Send
from rockbottom.local.settings import EndpointSettings
from rockbottom.process import Visitors

_MOST_KNOWN = 64
_BEARER = "bearer "
_ANSWERED = [
    (b"access-control-expose-headers", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (b"access-control-allow-private-network", b"true"),
    (b"access-control-max-age", b"600"),
]


class Door:
    """Lets in whom the settings allow, and says to their browsers what they may do."""

    def __init__(self, settings: EndpointSettings) -> None:
        self._visitors = Visitors(settings.host, settings.hosts, settings.origins)
        self._known: set[bytes] = set()
        self._token = settings.control_token.encode() if settings.control_token else None

    def check(self, method: str, headers: Mapping[bytes, bytes], route: LocalRoute) -> None:
        """Raise ServiceFailure (AccessDeniedException) for a request that is not let in."""
        if self._is_known_program(headers) and route.operation != "control":
            return

        def header(name: str) -> str | None:
            value = headers.get(name.encode())
            return None if value is None else value.decode("latin-1")

        refusal = self._visitors.refusal(method, header)
        if refusal is not None:
            raise ServiceFailure("AccessDeniedException", refusal)
        if b"origin" not in headers and b"sec-fetch-site" not in headers and len(self._known) < _MOST_KNOWN:
            self._known.add(headers.get(b"host", b""))
        if self._token is None or route.operation != "control" or (method, route.identifier) == ("GET", "health"):
            return
        authorization = header("authorization") or ""
        bearer = (
            authorization[len(_BEARER) :]
            if authorization.lower().startswith(_BEARER)
            else header("x-rockbottom-token") or ""
        )
        if not hmac.compare_digest(bearer.encode("latin-1"), self._token) and method != "OPTIONS":
            raise ServiceFailure(
                "AccessDeniedException", "The control API answers only with its token (Authorization: Bearer TOKEN)."
            )

    def _is_known_program(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the request names a Host that was let in before, and has none of the headers of a browser."""
        return headers.get(b"host") in self._known and b"origin" not in headers and b"sec-fetch-site" not in headers

    def telling(self, headers: Mapping[bytes, bytes], send: Send) -> Send:
        """A ``send`` whose replies tell the browser of an allowed page that the page may read them (CORS)."""
        origin = headers.get(b"origin", b"")
        if origin.decode("latin-1") not in self._visitors.origins:
            return send
        cors = [(b"access-control-allow-origin", origin), (b"vary", b"origin"), *_ANSWERED]
        cors.append((b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"*")))

        async def telling(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *cors]}
            await send(message)

        return telling
