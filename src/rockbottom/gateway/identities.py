"""Whose request it is: a key by its signature, its bearer token or its ``x-api-key``; or anybody on an open gateway."""

import time
from collections import deque
from collections.abc import Callable

from rockbottom.gateway.errors import Refused
from rockbottom.gateway.keys import GatewayKey, KeyTable
from rockbottom.gateway.sigv4 import Signature, Signed, verify

ANYBODY = GatewayKey("", "anybody", batches=True)
_MINUTE_S = 60.0


class Identities:
    """Tells callers by a table of keys; without one it is open to all (on loopback only)."""

    def __init__(self, table: KeyTable | None, *, clock: Callable[[], float] = time.time) -> None:
        self.table, self._clock = table, clock
        self._recent: dict[str, deque[float]] = {}

    def renewed(self, table: KeyTable | None) -> "Identities":
        """Identities by another table; what keys have used of their rates stays used."""
        renewed = Identities(table, clock=self._clock)
        renewed._recent = self._recent
        return renewed

    @property
    def open_to_all(self) -> bool:
        """Whether nobody needs a key."""
        return self.table is None

    def caller(self, request: Signed) -> GatewayKey:
        """The key of a request. Raises Refused."""
        table = self.table
        if table is None:
            return ANYBODY
        authorization = request.headers.get("authorization", "")
        if authorization.startswith("AWS4-"):
            return self._signed(table, request, Signature.of(authorization))
        kind, _, token = authorization.partition(" ")
        token = token.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")
        key = table.of_token(token) if token else None
        if key is None:
            raise Refused(
                403 if token else 401, "UnrecognizedClientException", "The request carries no key of this gateway."
            )
        return key

    def admit(self, key: GatewayKey, model: str | None) -> None:
        """Raises Refused where the key may not call the model, or calls too often; None: no model is called.

        A call that names no model ("") is refused to a key that may not call all.
        """
        if model is not None and not key.may_call(model):
            named = model or "a request that names no model, or several"
            raise Refused(403, "AccessDeniedException", f"The key {key.name!r} may not call {named}.")
        if key.per_minute is None:
            return
        now, recent = self._clock(), self._recent.setdefault(key.id, deque())
        while recent and recent[0] <= now - _MINUTE_S:
            recent.popleft()
        if len(recent) >= key.per_minute:
            wait = recent[0] + _MINUTE_S - now
            message = f"The key {key.name!r} made {len(recent)} requests in a minute; its limit is {key.per_minute}."
            raise Refused(429, "ThrottlingException", message, retry_after_s=wait)
        recent.append(now)

    def _signed(self, table: KeyTable, request: Signed, signature: Signature) -> GatewayKey:
        key_and_secrets = table.secrets_of(signature.key)
        if key_and_secrets is None:
            message = "The security token included in the request is invalid."
            raise Refused(403, "UnrecognizedClientException", message)
        key, secrets = key_and_secrets
        verify(request, signature, secrets, self._clock())
        return key
