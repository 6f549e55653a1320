"""What it is worth to write a prefix, in input tokens per token: a closed form of the uses still to come."""

from functools import lru_cache

from msgspec import Struct

_FADE = 0.998
"""The future counts a little less: it may not come as the past did. With .99 agents cost .0016 more and contracts .0049
less, with 1 agents .0010 more and the mix .0009 less (measured as in ``returns``)."""

NEVER = float("inf")


class RelativePrices(Struct, frozen=True):
    """Multiples of the input price as plain numbers, for expectations; ``hour`` is infinite where there is none."""

    read: float
    five: float
    hour: float


@lru_cache(maxsize=4096)
def costs_to_go(quick: float, slow: float, rates: RelativePrices, barred: bool = False) -> tuple[float, float, float]:
    """The expected cost per token from the next use on, if then not cached, cached for 5 minutes, for an hour.

    Every use is followed by another within five minutes with probability ``quick``, within the hour with
    ``slow``, by none otherwise; and each time the cheapest of the three ways is taken from there on. ``barred``: what
    is not written for an hour now cannot be written for an hour later either.
    """
    quick, slow = quick * _FADE, slow * _FADE
    both = quick + slow
    hour = rates.read / (1 - both)
    plain = 1 / (1 - both)
    lapses = slow + quick * slow / (1 - quick)
    five = (rates.five + quick * rates.read / (1 - quick)) / (1 - lapses)
    bare = min(plain, five) if barred else min(plain, five, rates.hour + both * hour)
    return bare, (rates.read + slow * bare) / (1 - quick), hour


def gains(
    now: tuple[float, float],
    after_quick: tuple[float, float],
    after_slow: tuple[float, float],
    rates: RelativePrices,
    barred: bool = False,
) -> tuple[float, float]:
    """The expected extra cost per token (negative: a saving) of writing for 5 minutes and for an hour.

    ``now`` are the chances (quick, slow) of the next use; the others those of the uses that follow it.
    """
    rates_of = costs_to_go
    bare, five, hour = rates_of(_round(after_quick[0]), _round(after_quick[1]), rates, barred)
    bare_slow, _, hour_slow = rates_of(_round(after_slow[0]), _round(after_slow[1]), rates, barred)
    quick, slow = now[0] * _FADE, now[1] * _FADE
    for_five = rates.five - 1 + quick * (five - bare)
    for_hour = rates.hour - 1 + quick * (hour - bare) + slow * (hour_slow - bare_slow)
    return for_five, for_hour


def _round(probability: float) -> float:
    return round(min(probability, 0.995), 3)
