"""What a miss cost: the request's bill as it was, less its bill had the tokens been read."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from msgspec.structs import replace

from rockbottom.catalog import Catalog, NoPriceInForce
from rockbottom.cost import Cost, bill
from rockbottom.diagnose.sent import Sent
from rockbottom.quantities import LONGEST_FIRST, WRITES, Usage, Usd
from rockbottom.replay import Rates, assumed_prices

_PAID_AS = (*(WRITES[ttl].value for ttl in LONGEST_FIRST), "input")


def with_read(usage: Usage, tokens: int) -> Usage:
    """The usage with so many tokens read: taken from what was written first, then from what was not cached."""
    left = tokens
    for unit in _PAID_AS:
        taken = min(left, getattr(usage, unit))
        usage = replace(usage, **{unit: getattr(usage, unit) - taken})
        left -= taken
    return replace(usage, cache_read=usage.cache_read + tokens - left)


def usd_of_miss(sent: Sent, usage: Usage, tokens: int, catalog: Catalog) -> Usd | None:
    """US dollars paid above a read, or None where no price is in force."""
    paid, meant = spent_on(sent, usage, catalog), spent_on(sent, with_read(usage, tokens), catalog)
    return None if paid is None or meant is None else paid - meant


def spent_on(sent: Sent, usage: Usage, catalog: Catalog) -> Usd | None:
    """The bill of the input of one request, or None where no price is in force."""
    cost = cost_of(sent, usage, catalog)
    return None if cost is None else cost.input_usd


@dataclass(slots=True)
class PriceDays:
    """The day whose prices hold for a request: its own, or ``today`` where none are known of that, as in a replay."""

    catalog: Catalog
    today: date
    _assumed: int = 0
    _known: dict[object, bool] = field(default_factory=dict[object, bool])

    def chosen(self, sent: Sent) -> Sent:
        """The request at the prices of that day."""
        place = sent.model, sent.record.tier, sent.record.called
        known = self._known.get((place, sent.on))
        if known is None:
            rates = Rates(sent.model, sent.record.tier, self.today, self.catalog.price_book, sent.record.called or None)
            known = self._known[place, sent.on] = not rates.of_day(sent.on).assumed
        self._assumed += not known
        return sent if known else dataclasses.replace(sent, priced_on=self.today)

    def in_words(self) -> Sequence[str]:
        """What was assumed of how many requests; nothing where each has the prices of its own day."""
        return (assumed_prices(self._assumed, self.today),) if self._assumed else ()


Unpriced = tuple[Sent, NoPriceInForce]
"""A request without a price, and why it has none."""


def priced_of(requests: Sequence[Sent], catalog: Catalog) -> tuple[Sequence[Sent], Sequence[Unpriced]]:
    """The requests that have a price, and those that have none with the reason; all of them where none has."""
    priced: list[Sent] = []
    apart: list[Unpriced] = []
    for sent in requests:
        try:
            _billed(sent, sent.usage or Usage(input=1, output=1), catalog)
        except NoPriceInForce as error:
            apart.append((sent, error))
        else:
            priced.append(sent)
    return (priced, apart) if priced else (requests, ())


def _billed(sent: Sent, usage: Usage, catalog: Catalog) -> Cost:
    return bill(usage, sent.model, sent.record.tier, sent.on, catalog.price_book, region=sent.record.called or None)


def cost_of(sent: Sent, usage: Usage, catalog: Catalog) -> Cost | None:
    """The bill of one request, or None where no price is in force."""
    try:
        return _billed(sent, usage, catalog)
    except NoPriceInForce:
        return None
