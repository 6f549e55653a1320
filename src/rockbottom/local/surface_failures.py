"""Errors in the shapes of the surfaces: OpenAI's, Anthropic's, and what a host answers to a path that it does not have.

Recorded: OpenAI's shape with ``validation_error`` on bedrock-mantle (vercel-ai-mantle), Anthropic's with ``request_id``
(sample-per-model-bedrock), the empty 404 of bedrock-mantle, and the 200 of bedrock-runtime with
UnknownOperationException (vercel/ai, issue 17523). Types for other statuses are those of the two vendors' own APIs.
"""

from collections.abc import Mapping
from typing import Any

from rockbottom.catalog import RUNTIME
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.surface_routes import SurfaceRoute
from rockbottom.prompt import json_bytes

Json = dict[str, Any]
_OPENAI: Mapping[int, tuple[str, str]] = {
    400: ("validation_error", "invalid_request_error"),
    401: ("invalid_api_key", "invalid_request_error"),
    403: ("access_denied", "permission_error"),
    404: ("not_found_error", "invalid_request_error"),
    429: ("rate_limit_exceeded", "rate_limit_error"),
    503: ("service_unavailable", "server_error"),
}
_ANTHROPIC: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_UNKNOWN = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}


class UnknownPath(ServiceFailure):
    """A path that the host does not have."""

    def __init__(self, host: str | None) -> None:
        super().__init__("UnknownOperationException", "")
        self.host = host


def failure_body(route: SurfaceRoute, failure: ServiceFailure, request_id: str) -> tuple[int, bytes]:
    """The status and the body of an error."""
    if isinstance(failure, UnknownPath):
        return (200, json_bytes(_UNKNOWN)) if failure.host == RUNTIME else (404, b"")
    return failure.status, json_bytes(_error(route, failure, request_id))


def failure_frame(of_anthropic: bool, failure: ServiceFailure) -> bytes:
    """The frame of an error in the middle of a stream."""
    route = SurfaceRoute("", "/anthropic/v1" if of_anthropic else "/openai/v1")
    told = json_bytes(_error(route, failure, ""))
    return b"event: error\ndata: %b\n\n" % told if of_anthropic else b"data: %b\n\n" % told


def _error(route: SurfaceRoute, failure: ServiceFailure, request_id: str) -> Json:
    if route.of_anthropic:
        kind = _ANTHROPIC.get(failure.status, "api_error")
        told = {"type": "error", "error": {"type": kind, "message": failure.message}}
        return {**told, "request_id": request_id} if request_id else told
    code, kind = _OPENAI.get(failure.status, ("internal_server_error", "server_error"))
    return {"error": {"code": code, "message": failure.message, "param": None, "type": kind}}
