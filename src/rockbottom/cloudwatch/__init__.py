"""What AWS says of CloudWatch: limits, prices, its own metrics of Bedrock, and what a refused call means."""

from rockbottom.cloudwatch.alarming import evaluation_source, fees, limits
from rockbottom.cloudwatch.errors import AccountUnavailable, answer_of
from rockbottom.cloudwatch.native import (
    MANTLE_CALLS,
    MANTLE_DIMENSIONS,
    MANTLE_ERRORS,
    MANTLE_NATIVE,
    MANTLE_TOKENS,
    NATIVE,
    NATIVE_TOKENS,
)
from rockbottom.cloudwatch.publishing import MonthlyEstimate, emf_limits, monthly_estimate, put_limits

__all__ = [
    "MANTLE_CALLS",
    "MANTLE_DIMENSIONS",
    "MANTLE_ERRORS",
    "MANTLE_NATIVE",
    "MANTLE_TOKENS",
    "NATIVE",
    "NATIVE_TOKENS",
    "AccountUnavailable",
    "MonthlyEstimate",
    "answer_of",
    "emf_limits",
    "evaluation_source",
    "fees",
    "limits",
    "monthly_estimate",
    "put_limits",
]
