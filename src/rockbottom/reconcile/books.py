"""What is compared: tokens by kind, and dollars, of each day and model, as one party counts them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from rockbottom.quantities import ZERO_USD, Usd

KINDS = ("input", "read", "write", "output")
"""Kinds of token that every party tells apart; writes of all lifetimes together."""

Key = tuple[date, str]
"""A day in UTC and the catalogue's id of a model (or what stands there where it is not known)."""


@dataclass(slots=True)
class Entry:
    """One day of one model. ``usd`` None: this party knows no dollars (yet)."""

    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    usd: Usd | None = None
    usd_by_kind: dict[str, Usd] = field(default_factory=dict[str, Usd])
    calls: int | None = None
    unpriced: int = 0
    without_usage: int = 0
    batch_tokens: int = 0
    uncounted_usd: Usd = ZERO_USD  # of lines whose tokens cannot be told
    regions: set[str] = field(default_factory=set[str])
    scopes: set[str] = field(default_factory=set[str])
    tiers: set[str] = field(default_factory=set[str])
    principals: dict[str, Usd] = field(default_factory=dict[str, Usd])

    @property
    def total(self) -> int:
        return sum(self.tokens.values())

    def spend(self, kind: str, usd: Usd) -> None:
        """Add dollars of one kind of token."""
        self.usd = (self.usd or ZERO_USD) + usd
        self.usd_by_kind[kind] = self.usd_by_kind.get(kind, ZERO_USD) + usd


@dataclass(slots=True)
class Book:
    """What one party counted. ``unmatched`` are dollars of lines that no model could be told of, by what they say."""

    party: str
    entries: dict[Key, Entry] = field(default_factory=dict[Key, Entry])
    unmatched: dict[str, Usd] = field(default_factory=dict[str, Usd])
    adjustments: dict[str, Usd] = field(default_factory=dict[str, Usd])  # tax, credits, discounts: not compared
    regions: tuple[str, ...] = ()  # the Regions that were read; () all
    notes: list[str] = field(default_factory=list[str])
    lost_calls: int = 0
    lost_until: date | None = None
    simulated_calls: int = 0

    def of(self, key: Key) -> Entry:
        """The entry of a day and model, new where there is none."""
        return self.entries.setdefault(key, Entry())

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day with an entry."""
        found = [day for day, _ in self.entries]
        return (min(found), max(found)) if found else None

    def called_in(self, region: str) -> list[str]:
        """The ids by which models were called in a Region (or where the Region is not known)."""
        found: set[str] = set()
        for (_, model), entry in self.entries.items():
            if region in entry.regions or "" in entry.regions:
                found |= {model if scope == "in_region" else f"{scope}.{model}" for scope in entry.scopes}
        return sorted(found)

    def usd(self) -> Usd:
        return sum((entry.usd or ZERO_USD for entry in self.entries.values()), ZERO_USD)

    def between(self, first: date | None, last: date | None) -> Iterator[tuple[Key, Entry]]:
        """Entries of these days, both included."""
        for key, entry in sorted(self.entries.items()):
            if (first is None or key[0] >= first) and (last is None or key[0] <= last):
                yield key, entry


def decimal(value: object) -> Decimal:
    """An amount as a file holds it: decimal text, or the shortest text of a double."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value or 0))
