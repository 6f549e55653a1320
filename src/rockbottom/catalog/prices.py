"""One dated price, what a price is asked for, and that there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rockbottom.catalog.errors import CatalogError, InvalidPrice
from rockbottom.catalog.models import Scope, Tier
from rockbottom.figures import thousands
from rockbottom.quantities import Source, Unit, Usd

REFERENCE_REGION = "us-east-1"
"""The Region whose list prices are meant when a price depends on the Region and none is named."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens of one unit, for one model, scope and tier, from one day on.

    ``region`` is None where the source says the price is the same throughout the scope, else the
    AWS Region that it was read for. ``above_context_tokens`` is the long-context threshold: the row
    applies when the whole prompt is longer (0: the ordinary row). ``valid_to`` is exclusive.
    ``contested`` rows are never used for a bill unless asked for; they are shown beside the row in force.
    ``place`` says where the row stands, as ``prices/anthropic.csv:41``. Raises InvalidPrice where it ends before it
    begins: it would never be in force, and the row before it would stay so in silence.
    """

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    usd_per_mtok: Usd
    valid_from: date
    valid_to: date | None
    region: str | None
    above_context_tokens: int
    contested: bool
    source: Source
    note: str
    place: str

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise InvalidPrice(
                f"{self.place}: a price of {self.model} ends on {self.valid_to} and begins on {self.valid_from}; "
                "valid_to must be later than valid_from"
            )

    def in_force(self, on: date) -> bool:
        """Whether the row holds on that day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class PriceQuestion:
    """What a price is asked for; ``region`` None means the reference Region where it matters."""

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    on: date
    region: str | None
    band: int  # the long-context threshold that the prompt is above; 0: none

    def __str__(self) -> str:
        where = self.scope.value + (f", {self.region}" if self.region else "")
        long = f", prompts above {thousands(self.band)} tokens" if self.band else ""
        return f"{self.model} ({where}; {self.tier.value} tier; {self.unit.value}{long}) on {self.on}"


class NoPriceInForce(CatalogError):
    """The price book has no row for a question. ``nearest`` are the closest rows, none of which is taken instead."""

    def __init__(self, message: str, *, nearest: Sequence[Price] = (), fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.nearest = tuple(nearest)
