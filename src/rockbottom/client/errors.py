"""Errors of attaching to a client and of probing.

RockbottomError
+-- NotAttachable    the object given to ``attach`` is no Bedrock client that we know
+-- NotAttached      ``report`` or ``detach`` was asked for a client that is not attached
+-- AlreadyAttached  ``attach`` was given a client that is attached with other arguments
+-- ProbeStopped     a measurement could not be made or was not agreed to
"""

from rockbottom.quantities import Fault, RockbottomError


class NotAttachable(RockbottomError):
    """The object is no client whose requests can be planned."""


class NotAttached(RockbottomError):
    """The client is not attached: it never was, or was detached."""


class AlreadyAttached(RockbottomError):
    """The client is attached with other arguments; ``differing`` names them. Nothing was changed."""

    def __init__(self, message: str, *, fix: str | None = None, differing: tuple[str, ...] = ()) -> None:
        super().__init__(message, fix=fix)
        self.differing = differing


class ProbeStopped(RockbottomError):
    """A probe ended before it had an answer; ``fault`` says whether the service or the caller stopped it."""

    def __init__(self, message: str, *, fix: str | None = None, fault: Fault = Fault.CALLER) -> None:
        super().__init__(message, fix=fix)
        self.fault = fault
