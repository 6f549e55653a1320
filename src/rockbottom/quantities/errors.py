"""The root of every error that rockbottom raises on purpose.

    RockbottomError
    +-- catalog:  CatalogError ... UnknownModel, NoPriceInForce, InvalidPriceFile
    +-- prompt:   MalformedBody
    +-- ...       each package draws its own branch in the docstring of its ``errors`` module

A message says what was asked, what was found and what would work. The facts a program needs to
decide (may it retry, after how long, whose fault was it) are attributes, never text to be parsed.
"""

from enum import Enum


class Fault(Enum):
    """Who can mend it: the caller's input, the service, or rockbottom itself."""

    CALLER = "caller"
    SERVICE = "service"
    OURS = "ours"


class RockbottomError(Exception):
    """Base of the tree; ``str(error)`` is one message fit to show to a user.

    Attributes: ``retry_safe`` (the same call may be sent again), ``retry_after_s`` (seconds to
    wait first, or None), ``fault`` (whose it is), ``fix`` (what to do or type next, or None).

    ```python
    import rockbottom

    try:
        rockbottom.attach("no client")
    except rockbottom.RockbottomError as error:
        print(error, error.fix)
    ```
    """

    retry_safe: bool = False
    retry_after_s: float | None = None
    fault: Fault = Fault.CALLER

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix
        if fix:
            self.add_note(f"Fix: {fix}")  # a traceback shows it; ``fix`` is for whoever prints the message alone
