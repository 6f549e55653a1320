"""Requests of rockbottom's own through a client: they keep a prefix alive, past every hook."""

import contextvars
import json
from collections.abc import Callable
from typing import Any

from rockbottom.client.attachment import Attachment
from rockbottom.client.whereabouts import whereabouts_of
from rockbottom.dialects import Params, usage_of
from rockbottom.quantities import Usage

BYPASS: contextvars.ContextVar[bool] = contextvars.ContextVar("rockbottom_bypass", default=False)
"""True while rockbottom itself sends a request through the client."""


def pinger(client: Any) -> Callable[[Params], Usage | None]:
    """Sends one Converse or InvokeModel request of our own through a client, past every hook; gives its usage."""

    def send(request: Params) -> Usage | None:
        token = BYPASS.set(True)
        try:
            if "body" in request:
                return usage_of(json.loads(client.invoke_model(**request)["body"].read()).get("usage"))
            return usage_of(client.converse(**request)["usage"])
        except Exception:
            return None  # no keep-alive is worth an error; the prefix is left to expire
        finally:
            BYPASS.reset(token)

    return send


def recorded(
    send: Callable[[Params], Usage | None], attachment: Attachment, client: Any
) -> Callable[[Params], Usage | None]:
    """A sender whose requests are recorded as keep-alives."""
    whereabouts = whereabouts_of(str(client.meta.endpoint_url), client.meta.region_name)

    def sent(request: Params) -> Usage | None:
        at, left = attachment.clock(), attachment.stopwatch()
        usage = send(request)
        attachment.kept_alive(request, usage, at, left, whereabouts)
        return usage

    return sent
