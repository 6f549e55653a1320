"""What was used and what it cost, by model and by prefix family, against the same calls without caching.

Without caching the same tokens would all have been input at the input price; the output is the same. Figures
are exact sums of integer tokens per price row. A model without a known price has tokens and no cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from rockbottom.catalog import Catalog, ModelId, NoPriceInForce, Tier
from rockbottom.client.reporting import Line, Rehearsals, Report
from rockbottom.cost import Cost, bill
from rockbottom.dialects import Request
from rockbottom.quantities import NO_USAGE, ZERO_USD, Unit, Usage, Usd

_MOST_FAMILIES = 256
OTHER = "other prefixes"
UNREAD = "requests that could not be read"


@dataclass(slots=True)
class Account:
    """Running sums of one model or one family."""

    calls: int = 0
    usage: Usage = NO_USAGE
    cost: Cost = field(default_factory=Cost)
    uncached_cost: Cost = field(default_factory=Cost)
    unpriced: int = 0

    def add(self, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        self.calls += 1
        self.usage += usage
        if costs is None:
            self.unpriced += 1
        else:
            self.cost += costs[0]
            self.uncached_cost += costs[1]


class Books:
    """Books calls. Its methods are called under the attachment's lock; bounded to 256 families."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._models: dict[str, Account] = {}
        self._families: dict[str, Account] = {}
        self._total = Account()
        self.without_usage = 0
        self.held_back = 0  # calls of which the guard held back something that was expected to pay
        self._rehearsals: Rehearsals | None = None

    def book(self, request: Request, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        """Book one finished call with what ``costs`` says of it."""
        self._book(request.model, family_name(request), usage, costs)

    def book_unread(self, model: ModelId, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        """Book one finished call whose request could not be read."""
        self._book(model, UNREAD, usage, costs)

    def rehearsed(self, cost_usd: Usd, planned_usd: Usd | None) -> None:
        """Count a call that was only observed, with what it cost and what it would have cost with the planner."""
        before = self._rehearsals or Rehearsals()
        if planned_usd is not None:
            before = Rehearsals(before.calls + 1, before.cost_usd + cost_usd, before.planned_usd + planned_usd)
        self._rehearsals = before

    def _book(self, model: ModelId, name: str, usage: Usage, costs: tuple[Cost, Cost] | None) -> None:
        self._total.add(usage, costs)
        self._models.setdefault(f"{model.model.name} ({model.scope.value})", Account()).add(usage, costs)
        if name not in self._families and len(self._families) >= _MOST_FAMILIES:
            name = OTHER
        self._families.setdefault(name, Account()).add(usage, costs)

    def costs(self, model: ModelId, tier: Tier, usage: Usage, on: date, region: str | None) -> tuple[Cost, Cost] | None:
        """The bill of a call in a Region and the bill without caching; None where a price is not known."""
        plain = Usage(input=usage.total_input, output=usage.output)
        book = self._catalog.price_book
        try:
            return (
                bill(usage, model, tier, on, book, region=region or None),
                bill(plain, model, tier, on, book, region=region or None),
            )
        except NoPriceInForce:
            return None

    def usd_per_mtok(self, request: Request, unit: Unit, on: date) -> Usd | None:
        """A price of the request's model for a prompt of its length; None where it is not known."""
        model = request.model
        try:
            return self._catalog.price_book.price(
                model.model.id, model.scope, request.tier, unit, on, request.prompt.tokens, model.region
            ).usd_per_mtok
        except NoPriceInForce:
            return None

    def report(self, since: float, until: float, keep_alive_usd: Usd, notices: Iterable[str]) -> Report:
        """The state of the books, the dearest lines first."""
        return Report(
            since,
            until,
            _lines(self._models),
            _lines(self._families),
            _line("total", self._total),
            self.without_usage,
            keep_alive_usd,
            tuple(notices),
            self.held_back,
            self._rehearsals,
        )


def family_name(request: Request) -> str:
    """A name for the tools and system that requests share: their size and a digest, none of their text."""
    stable = request.stable
    model = request.model.model.name
    if not stable:
        return f"no tools, no system, {model}"
    segments = request.prompt.segments[:stable]
    tools = sum(one.section.value == "tools" for one in segments)
    said = f", {tools} tools" if tools else ""
    return f"{request.hashes[stable].hex()[:6]}: {request.prompt.depths[stable]:,} tokens{said}, {model}"


def _lines(accounts: dict[str, Account]) -> tuple[Line, ...]:
    lines = (_line(name, account) for name, account in accounts.items())
    return tuple(sorted(lines, key=lambda line: (-line.uncached_usd, line.name)))


def _line(name: str, account: Account) -> Line:
    cost = account.cost.usd if account.calls else ZERO_USD
    return Line(name, account.calls, account.usage, cost, account.uncached_cost.usd, account.unpriced)
