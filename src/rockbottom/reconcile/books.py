"""What is compared: tokens by kind, and dollars, of each day and model, as one party counts them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from rockbottom.quantities import ZERO_USD, Usd

KINDS = ("input", "read", "write", "output")
"""Kinds of token that every party tells apart; writes of all lifetimes together."""

Key = tuple[date, str]
"""A day in UTC and the catalogue's id of a model (or what stands there where it is not known)."""


@dataclass(slots=True)
class BookEntry:
    """One day of one model. ``usd`` None: this party knows no dollars (yet)."""

    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    usd: Usd | None = None
    usd_by_kind: dict[str, Usd] = field(default_factory=dict[str, Usd])
    calls: int | None = None
    unpriced: int = 0
    without_usage: int = 0
    batch_tokens: int = 0
    uncounted_usd: Usd = ZERO_USD  # of lines whose tokens cannot be told
    list_usd: Usd | None = None  # what the bill says its lines are at list price
    regions: set[str] = field(default_factory=set[str])
    scopes: set[str] = field(default_factory=set[str])
    tiers: set[str] = field(default_factory=set[str])
    principals: dict[str, Usd] = field(default_factory=dict[str, Usd])
    projects: dict[str, int] = field(default_factory=dict[str, int])  # calls of bedrock-mantle by project

    @property
    def total(self) -> int:
        return sum(self.tokens.values())

    def spend(self, kind: str, usd: Usd) -> None:
        """Add dollars of one kind of token."""
        self.usd = (self.usd or ZERO_USD) + usd
        self.usd_by_kind[kind] = self.usd_by_kind.get(kind, ZERO_USD) + usd

    def add(self, other: "BookEntry") -> None:
        """Adds what was counted on another day, or under another name of the model."""
        for kind, count in other.tokens.items():
            self.tokens[kind] += count
        for kind, usd in other.usd_by_kind.items():
            self.usd_by_kind[kind] = self.usd_by_kind.get(kind, ZERO_USD) + usd
        for who, usd in other.principals.items():
            self.principals[who] = self.principals.get(who, ZERO_USD) + usd
        for name, calls in other.projects.items():
            self.projects[name] = self.projects.get(name, 0) + calls
        self.usd, self.list_usd = _sum(self.usd, other.usd), _sum(self.list_usd, other.list_usd)
        self.calls = None if self.calls is None and other.calls is None else (self.calls or 0) + (other.calls or 0)
        self.unpriced += other.unpriced
        self.without_usage += other.without_usage
        self.batch_tokens += other.batch_tokens
        self.uncounted_usd += other.uncounted_usd
        for mine, theirs in ((self.regions, other.regions), (self.scopes, other.scopes), (self.tiers, other.tiers)):
            mine |= theirs


def _sum(mine: Usd | None, other: Usd | None) -> Usd | None:
    return mine if other is None else (mine or ZERO_USD) + other


@dataclass(slots=True)
class Book:
    """What one party counted. ``unmatched`` are dollars of lines that no model could be told of, by what they say.

    ``charges`` are what Bedrock billed for other things than tokens of calls, by name. ``periods`` gives the day after
    the last of entries that stand for more than one day. ``is_whole`` False: the party has more than was read.
    """

    party: str
    entries: dict[Key, BookEntry] = field(default_factory=dict[Key, BookEntry])
    unmatched: dict[str, Usd] = field(default_factory=dict[str, Usd])
    adjustments: dict[str, Usd] = field(default_factory=dict[str, Usd])  # tax, credits, discounts: not compared
    charges: dict[str, Usd] = field(default_factory=dict[str, Usd])
    periods: dict[date, date] = field(default_factory=dict[date, date])
    is_whole: bool = True
    regions: tuple[str, ...] = ()  # the Regions that were read; () all
    notes: list[str] = field(default_factory=list[str])
    lost_calls: int = 0
    lost_until: date | None = None
    simulated_calls: int = 0

    def of(self, key: Key) -> BookEntry:
        """The entry of a day and model, new where there is none."""
        return self.entries.setdefault(key, BookEntry())

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day with an entry."""
        days = [day for day, _ in self.entries]
        return (min(days), max(self.last_of(day) for day in days)) if days else None

    def last_of(self, day: date) -> date:
        """The last day of the period that begins on a day."""
        return self.periods[day] - timedelta(days=1) if day in self.periods else day

    def start_of(self, day: date) -> date:
        """The first day of the period that a day lies in."""
        return next((start for start, end in self.periods.items() if start <= day < end), day)

    def renamed(self, behind: Mapping[str, str]) -> None:
        """Entries of application inference profiles become entries of the models behind them."""
        for day, model in list(self.entries):
            if model in behind:
                self.of((day, behind[model])).add(self.entries.pop((day, model)))

    @property
    def has_more(self) -> bool:
        """Whether there are dollars that belong to no day and model."""
        return bool(self.unmatched or self.charges or self.adjustments)

    @property
    def in_all(self) -> Usd:
        """Every dollar that was read: of models, of no model, of other charges, and what is not compared."""
        rest = (*self.unmatched.values(), *self.charges.values(), *self.adjustments.values())
        return self.usd() + sum(rest, ZERO_USD)

    def called_in(self, region: str) -> list[str]:
        """The ids by which models were called in a Region (or where the Region is not known)."""
        ids: set[str] = set()
        for (_, model), entry in self.entries.items():
            if region in entry.regions or "" in entry.regions:
                ids |= {model if scope == "in_region" else f"{scope}.{model}" for scope in entry.scopes}
        return sorted(ids)

    def usd(self) -> Usd:
        return sum((entry.usd or ZERO_USD for entry in self.entries.values()), ZERO_USD)

    def between(self, first: date | None, last: date | None) -> Iterator[tuple[Key, BookEntry]]:
        """Entries of these days, both included."""
        for key, entry in sorted(self.entries.items()):
            if (first is None or key[0] >= first) and (last is None or key[0] <= last):
                yield key, entry


def decimal(value: object) -> Decimal:
    """An amount as a file holds it: decimal text, or the shortest text of a double.

    Raises ValueError or InvalidOperation for what is none.
    """
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value or 0))
    if not amount.is_finite() or abs(amount) > _LARGEST:
        raise ValueError(f"{value!r} is not an amount of a bill")
    return amount


_LARGEST = Decimal("1e18")
