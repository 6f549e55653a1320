"""Money, exact. US dollars are Decimal; tokens are integers; a float is never money.

A price per token can lie below one nano-dollar, so nothing is rounded before it is shown:
integer tokens are summed per price row and multiplied once.
"""

from decimal import Decimal

Usd = Decimal

ZERO_USD: Usd = Decimal(0)
_TOKENS_PER_MTOK = Decimal(1_000_000)


def digits_of(amount: Decimal) -> str:
    """Every digit and no exponent, for files and JSON: ``0.0000012``."""
    return f"{amount:f}"


def usd_of_tokens(tokens: int, usd_per_mtok: Usd) -> Usd:
    """The exact price of ``tokens`` at a price in US dollars per million tokens."""
    return Decimal(tokens) * usd_per_mtok / _TOKENS_PER_MTOK


SECONDS_A_MONTH = 30 * 86_400

LEAST_SPAN_S = 86_400
"""No month is made of less than a day: an hour of traffic says nothing of the night, nor of the next day."""


def per_month(amount: Usd, span_s: float) -> Usd | None:
    """An amount of a recorded span carried on over 30 days; None for a span of less than a day."""
    return None if span_s < LEAST_SPAN_S else amount * SECONDS_A_MONTH / Decimal(str(span_s))
