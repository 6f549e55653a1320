"""Capacity by the hour beside tokens on demand: at how many tokens an hour it would begin to pay, and at which use.

What a model unit of Provisioned Throughput carries only an account manager tells, so nothing here can say "cheaper": it
can say "not cheaper below so many tokens an hour". The reserved tier says what it carries: 1,000 tokens a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.bills import Tariff
from rockbottom.catalog import Hourly, NoPriceInForce, Scope, limit, provisioned_prices, reserved_prices
from rockbottom.quantities import Unit, Usd

_TOKENS_AN_HOUR = 60_000  # of 1,000 tokens a minute
_MTOK = 1_000_000


@dataclass(frozen=True, slots=True)
class HourlyCapacity:
    """One offer against on demand without caching.

    ``usd_hour`` is for one model unit, or for the least reservation. ``break_even`` is tokens an hour of the workload's
    own mix (provisioned), or the share of the reserved tokens that must be used: above 1 it never pays. ``saves`` is
    what full use takes off; None where the capacity of a unit is not known.
    """

    kind: str
    term: str
    usd_hour: Usd
    break_even: Decimal
    saves: Decimal | None
    price: Hourly


def capacities(tariff: Tariff, input_tokens: Decimal, output_tokens: Decimal) -> tuple[HourlyCapacity, ...]:
    """The offers for a model whose price was read; the tokens are the mix of a request. Empty where none was."""
    try:
        prices = tariff.usd_per_mtok(Unit.INPUT), tariff.usd_per_mtok(Unit.OUTPUT)
    except NoPriceInForce:
        return ()
    return (*_provisioned(tariff, prices, input_tokens, output_tokens), *_reserved(tariff, prices))


def _provisioned(
    tariff: Tariff, prices: tuple[Usd, Usd], input_tokens: Decimal, output_tokens: Decimal
) -> Iterator[HourlyCapacity]:
    mix = (input_tokens * prices[0] + output_tokens * prices[1]) / (input_tokens + output_tokens)
    for row in provisioned_prices():
        if row.name == tariff.model.model.id:
            yield HourlyCapacity("provisioned", row.term, row.usd[0], row.usd[0] * _MTOK / mix, None, row)


def _reserved(tariff: Tariff, prices: tuple[Usd, Usd]) -> Iterator[HourlyCapacity]:
    scope = "global" if tariff.model.scope is Scope.GLOBAL else "geo"
    for row in reserved_prices():
        if tariff.model.model.id.startswith(row.name) and row.scope == scope:
            least = limit("reserved_input_ktpm") * row.usd[0] + limit("reserved_output_ktpm") * row.usd[1]
            on_demand = prices[0] * _TOKENS_AN_HOUR / _MTOK
            yield HourlyCapacity("reserved", row.term, least, row.usd[0] / on_demand, 1 - row.usd[0] / on_demand, row)
