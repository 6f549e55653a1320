"""Streams of Chat Completions whose usage the caller did not ask for: it is asked for here, and not shown to him.

Without ``stream_options.include_usage`` the service sends no usage (OpenAI's API reference of Chat Completions).
"""

from rockbottom.client.calls import Call
from rockbottom.dialects import CHAT, Params
from rockbottom.quantities import is_object


def counts_nothing(call: Call) -> bool:
    """Whether the caller of Chat Completions asked for a stream without usage."""
    options = call.sent.get("stream_options")
    wants_usage = is_object(options) and options.get("include_usage") is True
    return call.operation == CHAT.operations[1] and not wants_usage


def with_usage(body: Params) -> Params:
    """The body that asks for its usage."""
    options: Params = body.get("stream_options") or {}
    return {**body, "stream_options": {**options, "include_usage": True}}
