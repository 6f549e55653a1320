"""When caching begins to pay: reads per write, and arrivals per hour. Closed forms of the prices alone.

With p = input price, r = read price, w = write price, T = lifetime, and conversations that arrive as a Poisson process
of rate a (one request each; see ``arrivals``):

* a write and n reads beat n + 1 uncached prompts when  w + n r < (n + 1) p, so  n > (w - p)/(p - r);
* per request caching costs r + (w - r) exp(-aT) against p, so it pays when  a > ln((w - r)/(p - r)) / T;
* one hour (w1, T1) beats five minutes (w5, T5) when  a > ln((w1 - r)/(w5 - r)) / (T1 - T5): above that rate its
  rarer writes are worth their higher price;
* keeping a prefix of P tokens alive costs k (one keep-alive request) x/(1 - x) per request with x = exp(-aT'),
  and saves P (w - r) exp(-aT). Found by bisection: the two cross once where keep-alive is worth anything.
"""

from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.bills import Tariff
from rockbottom.advise.tokens import KEEP_ALIVE_MARGIN_S, KEEP_ALIVE_TOKENS
from rockbottom.catalog import NoPriceInForce
from rockbottom.quantities import WRITES, Ttl, Unit, Usd

_HOUR_S = 3600
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class BreakEven:
    """For one lifetime: how many reads a write needs at least, and how many arrivals per hour and variant.

    ``reads`` is None where reads are not cheaper than input; ``per_hour`` is 0 where the write itself costs no more.
    """

    ttl: Ttl
    reads: int | None
    per_hour: Decimal | None


@dataclass(frozen=True, slots=True)
class Crossings:
    """Arrivals per hour and variant above which the hour beats five minutes, and keep-alive beats letting it die."""

    hour_over_five: Decimal | None
    keep_alive_over_five: Decimal | None


def break_evens(tariff: Tariff, ttls: tuple[Ttl, ...], context_tokens: int) -> tuple[BreakEven, ...]:
    """One row for each lifetime that has a price."""
    rows: list[BreakEven] = []
    for ttl in ttls:
        try:
            rows.append(_break_even(tariff, ttl, context_tokens))
        except NoPriceInForce:
            continue
    return tuple(rows)


def _break_even(tariff: Tariff, ttl: Ttl, context: int) -> BreakEven:
    plain = tariff.usd_per_mtok(Unit.INPUT, context_tokens=context)
    read = tariff.usd_per_mtok(Unit.CACHE_READ, context_tokens=context)
    write = tariff.usd_per_mtok(WRITES[ttl], context_tokens=context)
    if read >= plain:
        return BreakEven(ttl, None, None)
    if write <= plain:
        return BreakEven(ttl, 0 if write < plain else 1, Decimal(0))
    reads = int((write - plain) // (plain - read)) + 1
    return BreakEven(ttl, reads, ((write - read) / (plain - read)).ln() / ttl.seconds * _HOUR_S)


def crossings(tariff: Tariff, ttls: tuple[Ttl, ...], prefix_tokens: int, context_tokens: int) -> Crossings:
    """Where one way of keeping a prefix of ``prefix_tokens`` overtakes another; None where it never does."""
    try:
        plain = tariff.usd_per_mtok(Unit.INPUT, context_tokens=context_tokens)
        output = tariff.usd_per_mtok(Unit.OUTPUT, context_tokens=context_tokens)
        read = tariff.usd_per_mtok(Unit.CACHE_READ, context_tokens=context_tokens)
        five = tariff.usd_per_mtok(WRITES[ttls[0]], context_tokens=context_tokens)
    except (NoPriceInForce, IndexError):
        return Crossings(None, None)
    hour = _hour(tariff, ttls, read, five, context_tokens)
    return Crossings(hour, _keep_alive_rate(prefix_tokens, ttls[0], (plain, read, five, output)))


def _hour(tariff: Tariff, ttls: tuple[Ttl, ...], read: Usd, five: Usd, context: int) -> Decimal | None:
    if Ttl.ONE_HOUR not in ttls or ttls[0] is Ttl.ONE_HOUR:
        return None
    try:
        long = tariff.usd_per_mtok(Unit.CACHE_WRITE_1H, context_tokens=context)
    except NoPriceInForce:
        return None
    if five <= read or long <= five:
        return None
    return ((long - read) / (five - read)).ln() / (Ttl.ONE_HOUR.seconds - ttls[0].seconds) * _HOUR_S


def _keep_alive_rate(prefix: int, ttl: Ttl, prices: tuple[Usd, Usd, Usd, Usd]) -> Decimal | None:
    plain, read, write, output = prices
    gain = prefix * (write - read)
    if gain <= 0:
        return None
    price = (prefix * read + (KEEP_ALIVE_TOKENS - 1) * plain + output) / gain
    period = Decimal(ttl.seconds - KEEP_ALIVE_MARGIN_S)

    def worth(rate: Decimal) -> Decimal:
        idle = (-rate * period).exp()
        return (-rate * ttl.seconds).exp() - price * idle / (1 - idle)

    low, high = Decimal("1e-9"), 3 / period
    if worth(high) <= 0:
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if worth(middle) > 0 else (middle, high)
    return high * _HOUR_S
