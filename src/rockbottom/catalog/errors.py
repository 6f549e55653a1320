"""What can go wrong when asking what AWS says.

RockbottomError
+-- CatalogError
    +-- UnknownModel        the id names no model of the catalogue; ``nearest`` are ids that look like it
    +-- UnresolvedProfile   an application inference profile, and nothing to look it up with
    +-- NoPriceInForce      (in ``prices``) no row for what was asked; ``nearest`` are the rows closest to it
    +-- NoRulesInForce      no cache rules for that model on that day
    +-- InvalidPrice        a price that ends before it begins
    +-- InvalidPriceFile    a price file that cannot be read; ``line`` and ``column`` say where
    +-- InvalidCatalogue    the packaged data contradicts itself (a defect of rockbottom)
"""

from collections.abc import Callable, Sequence

from rockbottom.quantities import Fault, RockbottomError


class CatalogError(RockbottomError):
    """Base of every error of the catalogue."""


class UnknownModel(CatalogError):
    """An id names no model of the catalogue. Attributes: ``given``, the id; ``nearest``, ids that look like it.

    They are looked for, and named by the message, when somebody reads it: a log may hold thousands of such ids.
    """

    def __init__(
        self, message: str, *, given: str, nearest: Sequence[str] | Callable[[], Sequence[str]] = (),
        fix: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, fix=fix)
        self.given = given
        self._nearest = nearest

    @property
    def nearest(self) -> tuple[str, ...]:
        return tuple(self._nearest() if callable(self._nearest) else self._nearest)

    def __str__(self) -> str:
        message = super().__str__()
        if not callable(self._nearest) or not self.nearest:
            return message
        return f"{message.removesuffix('.')}; the nearest known are {', '.join(self.nearest)}."


class UnresolvedProfile(CatalogError):
    """``arn``, of an application inference profile, does not name its model, and there is no way to look that up."""

    def __init__(self, message: str, *, arn: str, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.arn = arn


class NoRulesInForce(CatalogError):
    """The rules of caching for that model do not reach back to that day."""


class InvalidPrice(CatalogError):
    """A price row contradicts itself."""


class InvalidPriceFile(CatalogError):
    """A price file has a fault at ``line`` (1 is the header) in ``column``."""

    def __init__(self, message: str, *, line: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class InvalidCatalogue(CatalogError):
    """The packaged data contradicts itself."""

    fault = Fault.OURS
