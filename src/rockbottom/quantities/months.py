"""What a recorded span says of a month."""

from decimal import Decimal

from rockbottom.quantities.money import Usd

SECONDS_A_MONTH = 30 * 86_400

LEAST_SPAN_S = 86_400
"""No month is made of less than a day: an hour of traffic says nothing of the night, nor of the next day."""


def per_month(amount: Usd, span_s: float) -> Usd | None:
    """An amount of a recorded span carried on over 30 days; None for a span of less than a day."""
    return None if span_s < LEAST_SPAN_S else amount * SECONDS_A_MONTH / Decimal(str(span_s))
