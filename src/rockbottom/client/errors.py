"""Errors of attaching to a client.

RockbottomError
+-- NotAttachable    the object given to ``attach`` is no Bedrock client that we know
+-- NotAttached      ``report`` or ``detach`` was asked for a client that is not attached
+-- AlreadyAttached  ``attach`` was given a client that is attached with other arguments
"""

from rockbottom.quantities import RockbottomError


class NotAttachable(RockbottomError):
    """The object is no client whose requests can be planned, or the arguments of ``attach`` exclude each other."""


class NotAttached(RockbottomError):
    """The client is not attached: it never was, or was detached."""


class AlreadyAttached(RockbottomError):
    """The client is attached with other arguments; ``differing`` names them. Nothing was changed."""

    def __init__(self, message: str, *, fix: str | None = None, differing: tuple[str, ...] = ()) -> None:
        super().__init__(message, fix=fix)
        self.differing = differing
