"""What a month costs beside the tokens of a model, as estimates and bench results tell it."""

from decimal import Decimal

import msgspec

from rockbottom.quantities import Usd


class BesideCost(msgspec.Struct, frozen=True, kw_only=True):
    """So many units a month at a sourced price; ``derived`` says how they were counted, empty where they were given."""

    name: str
    what: str
    units: Decimal
    unit: str
    usd: Usd
    derived: str
    source: str
    url: str
    checked_on: str
    note: str
