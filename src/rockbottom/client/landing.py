"""How a request of botocore ends: with its reply, with an error behind its reply, or without any event."""

import weakref
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from rockbottom.dialects import api_of, is_streaming
from rockbottom.quantities import Undecodable, decoded

if TYPE_CHECKING:
    from rockbottom.client.attachment import Attachment
    from rockbottom.client.calls import Call

KEY = "rockbottom_call"
"""Where the context of a request holds its call."""

_GROUND = "rockbottom_ground"
_REQUEST_ID = "x-amzn-requestid"

Context = dict[str, Any]
_AIRBORNE: "ContextVar[weakref.ref[Call] | None]" = ContextVar("rockbottom_airborne", default=None)


class RequestEnd:
    """Notices the end of a request of which no event tells: boto3 refused it before it left, or it was cancelled."""

    __slots__ = ("_attachment", "_call", "landed")

    def __init__(self, attachment: "Attachment", call: "Call") -> None:
        self._attachment = attachment
        self._call = call
        self.landed = False

    @classmethod
    def under(cls, context: Context, attachment: "Attachment", call: "Call") -> None:
        """Lay one under a request, which lives for as long as its context."""
        context[_GROUND] = cls(attachment, call)

    def __del__(self) -> None:
        if self.landed:
            return
        if self._call.sent_off:  # whether it is billed nobody can say
            self._attachment.under_way.dropped(self._call)
        elif self._attachment.budget is not None:
            self._attachment.under_way.grounded(self._call)


def landed(context: Context) -> "Call | None":
    """The call of a request that ended with an event; None where it is none of ours."""
    ground: RequestEnd | None = context.get(_GROUND)
    if ground is not None:
        ground.landed = True
    return context.pop(KEY, None)


def airborne(call: "Call") -> None:
    """Note whose request this thread or task sends now: the bytes of a reply do not say whose they are."""
    call.reply = None
    _AIRBORNE.set(weakref.ref(call))


def arrived(response_dict: Mapping[str, Any], **_: Any) -> None:
    """Keep a reply as its bytes came: a handler of somebody else, or the parser, may fail on it."""
    airborne_call = _AIRBORNE.get()
    call = airborne_call() if airborne_call is not None else None
    if call is not None:
        call.reply = response_dict, None


def received(
    response_dict: Mapping[str, Any], parsed_response: dict[str, Any] | None, context: Context, **_: Any
) -> None:
    """Keep what an attempt was answered with, for the case that no ``after-call`` comes."""
    call: Call | None = context.get(KEY)
    if call is not None:
        call.reply = None if parsed_response is None else (response_dict, parsed_response)


def reply_behind(call: "Call") -> tuple[int, dict[str, Any]] | None:
    """The status and the reply of a request that ended in an error all the same; None where none had come."""
    if call.reply is None:
        return None
    response, parsed = call.reply
    return response["status_code"], _unparsed(response, call.operation) if parsed is None else parsed


def _unparsed(response: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """What can be said of a reply that was not parsed: its headers and, where it came whole, its body."""
    headers = {str(name).lower(): value for name, value in response["headers"].items()}
    members: dict[str, Any] = {}
    if not is_streaming(operation) and not api_of(operation).native:
        try:
            members = decoded(response["body"], dict[str, Any])
        except Undecodable:
            members = {}
    return {**members, "ResponseMetadata": {"RequestId": headers.get(_REQUEST_ID, ""), "HTTPHeaders": headers}}
