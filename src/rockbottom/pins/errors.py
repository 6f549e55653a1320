"""What can keep the gate from giving a verdict.

RockbottomError
+-- PinError
    +-- DamagedPins        the pin file cannot be read; says where
    +-- PinsNotWritable    the pin file cannot be written
    +-- NameTaken          two prompts with different prefixes under one name
    +-- NothingToPin       the request has no part that could be cached
    +-- NotRendered        the source of a prompt gives no request; ``gone`` when it no longer exists
"""

from rockbottom.quantities import RockbottomError


class PinError(RockbottomError):
    """The base of the errors of pins."""


class DamagedPins(PinError):
    """The pin file is no pin file, or was damaged."""


class PinsNotWritable(PinError):
    """The pin file cannot be written where it is wanted."""


class NameTaken(PinError):
    """Two prompts share a name and differ."""


class NothingToPin(PinError):
    """No cachePoint, no tools and no system text: there is no prefix."""


class NotRendered(PinError):
    """A file or function that should give a request does not."""

    def __init__(self, message: str, *, fix: str | None = None, gone: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.gone = gone
