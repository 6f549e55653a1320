"""Which requests the gateway carries, and how each surface tells an error."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_RUNTIME = re.compile(
    r"/model/(?P<model>.+)/(?P<kind>converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)"
)
_PROFILES = re.compile(r"/inference-profiles(?:/.+)?")
_OPERATIONS = {
    "converse": "Converse",
    "converse-stream": "ConverseStream",
    "invoke": "InvokeModel",
    "invoke-with-response-stream": "InvokeModelWithResponseStream",
    "count-tokens": "CountTokens",
}
_ANTHROPIC = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Route:
    """An operation of the service and the model that the path names (``""``: none); whether it can be planned."""

    operation: str
    model: str = ""

    @property
    def is_native(self) -> bool:
        """Whether its body is in the model's own format."""
        return self.operation.startswith("InvokeModel")

    @property
    def is_planned(self) -> bool:
        """Whether its body is a prompt that a plan may put points into."""
        return bool(self.model) and self.operation != "CountTokens"


@lru_cache(maxsize=4096)
def route_of(method: str, path: str) -> Route | None:
    """The route of a method and a path as it travels, percent-encoded; None: not carried."""
    if method == "POST" and (found := _RUNTIME.fullmatch(path)):
        return Route(_OPERATIONS[found["kind"]], unquote(found["model"]))
    if method == "GET" and _PROFILES.fullmatch(path):
        return Route("InferenceProfiles")
    return None


def error_reply(path: str, status: int, kind: str, message: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers of an error in the shape that the clients of a path read."""
    headers = [(b"content-type", b"application/json")]
    told: Mapping[str, Any]
    if path.startswith("/anthropic/"):
        told = {"type": "error", "error": {"type": _ANTHROPIC.get(status, "api_error"), "message": message}}
    elif path.startswith(("/openai/", "/v1/")):
        told = {"error": {"message": message, "type": kind, "code": status}}
    else:
        told = {"message": message}
        headers.append((b"x-amzn-errortype", kind.encode()))
    return json.dumps(told).encode(), headers
