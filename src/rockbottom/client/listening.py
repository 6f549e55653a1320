"""One call's ear to its reply: what the watchers of streams and bodies see goes to the attachment."""

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rockbottom.client.charges import charges_of
from rockbottom.dialects import invoked_model_of
from rockbottom.quantities import Usage

if TYPE_CHECKING:
    from rockbottom.client.attachment import Attachment
    from rockbottom.client.calls import Call


class CallListener:
    """Tells an attachment how the reply to one call goes."""

    __slots__ = ("_attachment", "_call")

    def __init__(self, attachment: "Attachment", call: "Call") -> None:
        self._attachment = attachment
        self._call = call

    def began(self) -> None:
        """Note that the first token has come."""
        self._attachment.began(self._call)

    def told(self, metadata: Mapping[str, Any]) -> None:
        """What a reply says beside the usage: it is looked at for charges, and for the model that a router chose."""
        self._call.charges = charges_of(metadata, self._call.sent, guarded=self._call.guarded)
        self._call.invoked = invoked_model_of(metadata) or ""

    def finished(self, usage: Usage) -> None:
        self._attachment.finished(self._call, usage)

    def known(self, at_least: Usage) -> None:
        """Keep the counts that came before the first token."""
        self._call.at_least = at_least

    def abandoned(self) -> None:
        self._attachment.abandoned(self._call)

    def silent(self) -> None:
        """The reply was read whole, and counts no tokens."""
        self._call.silent = True
        self._attachment.abandoned(self._call)

    def unread(self, encoding: str) -> None:
        """The reply is compressed in a way that nothing here can undo: what it counts is not seen, which is said."""
        named = f"replies with Content-Encoding {encoding[:40]} cannot be read, so their tokens are not counted."
        self._attachment.talk.say([named])

    def broke(self) -> None:
        self._attachment.failed(self._call)

    def hold(self, reply: Any) -> None:
        """Once nobody holds this reply any more, its call has ended, read or not."""
        if not self._call.done:
            self._attachment.reading(self._call)
            weakref.finalize(reply, self._attachment.under_way.dropped, self._call).atexit = False
