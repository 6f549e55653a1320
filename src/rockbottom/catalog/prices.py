"""Dated prices, one row per fact."""

from dataclasses import dataclass
from datetime import date

from rockbottom.catalog.models import Scope, Tier
from rockbottom.quantities import Source, Unit, Usd


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens of one unit, for one model, scope and tier, from one day on.

    ``region`` is None where the source says the price is the same throughout the scope, else the
    AWS Region that it was read for. ``above_context_tokens`` is the long-context threshold: the row
    applies when the whole prompt is longer (0: the ordinary row). ``valid_to`` is exclusive.
    ``contested`` rows are never used for a bill unless asked for; they are shown beside the row in force.
    ``place`` says where the row stands, as ``prices/anthropic.csv:41``.
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
