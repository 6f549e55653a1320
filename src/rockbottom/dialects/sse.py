"""The counts in a stream of server-sent events, picked out as its frames go by."""

from collections.abc import Mapping
from typing import Any

from rockbottom.dialects.streams import StreamCounts
from rockbottom.quantities import Undecodable, decoded, is_object

_ERRORS = ("error", "message", "Message", "errorMessage")


class SseCounts(StreamCounts):
    """Looks at the data of one frame after another; most are pieces of text, and are not decoded for this.

    ``failed``: the reply ended with an error inside a good status.
    """

    def frame(self, name: str, data: bytes) -> None:
        """Look at one frame. Data that cannot be read says nothing."""
        if self.begins(data):
            self.begun = True
        if not self.tells(data):
            return
        try:
            payload = decoded(data)
        except Undecodable:
            return
        if is_object(payload):
            self.look(name, payload)

    def begins(self, data: bytes) -> bool:
        """Whether the first token has come with this frame."""
        return True

    def tells(self, data: bytes) -> bool:
        """Whether a frame may hold what ``look`` looks for, told from its bytes."""
        return True

    def look(self, name: str, payload: Mapping[str, Any]) -> None:
        """Look at the decoded data of a frame that may tell."""
        raise NotImplementedError


def is_error(payload: Mapping[str, Any]) -> bool:
    """Whether a frame without a type is the error with which a stream ended (AI SDK, error frames of Responses)."""
    return "type" not in payload and any(member in payload for member in _ERRORS)
