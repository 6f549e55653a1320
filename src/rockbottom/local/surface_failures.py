"""Failures on the surfaces of OpenAI and Anthropic, and what a host answers to a path that it does not have.

Recorded: the empty 404 of bedrock-mantle, and the 200 of bedrock-runtime with UnknownOperationException (vercel/ai,
issue 17523).
"""

from rockbottom.catalog import RUNTIME
from rockbottom.dialects import SurfaceRoute, surface_error
from rockbottom.local.failures import ServiceFailure
from rockbottom.prompt import json_bytes

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
    body = surface_error(failure.status, failure.message, of_anthropic=route.of_anthropic, request_id=request_id)
    return failure.status, json_bytes(body)


def failure_frame(of_anthropic: bool, failure: ServiceFailure) -> bytes:
    """The frame of an error in the middle of a stream."""
    body = json_bytes(surface_error(failure.status, failure.message, of_anthropic=of_anthropic))
    return b"event: error\ndata: %b\n\n" % body if of_anthropic else b"data: %b\n\n" % body
