"""Errors in the shapes of the surfaces: OpenAI's and Anthropic's.

Recorded: OpenAI's shape with ``validation_error`` on bedrock-mantle (vercel-ai-mantle), Anthropic's with ``request_id``
(sample-per-model-bedrock). Types for other statuses are those of the two vendors' own APIs.
"""

from collections.abc import Mapping
from typing import Any

_OPENAI: Mapping[int, tuple[str, str]] = {
    400: ("validation_error", "invalid_request_error"),
    401: ("invalid_api_key", "invalid_request_error"),
    403: ("access_denied", "permission_error"),
    404: ("not_found_error", "invalid_request_error"),
    413: ("request_too_large", "invalid_request_error"),
    429: ("rate_limit_exceeded", "rate_limit_error"),
    503: ("service_unavailable", "server_error"),
}
_ANTHROPIC: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def surface_error(status: int, message: str, *, of_anthropic: bool, request_id: str = "") -> dict[str, Any]:
    """The body of an error of one of the two."""
    if of_anthropic:
        kind = _ANTHROPIC.get(status, "api_error")
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return {**body, "request_id": request_id} if request_id else body
    code, kind = _OPENAI.get(status, ("internal_server_error", "server_error"))
    return {"error": {"code": code, "message": message, "param": None, "type": kind}}
