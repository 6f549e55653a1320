"""Plans whose usage has not come back: what was counted for them, and what they could cost at worst."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct, field

from rockbottom.plan.conditions import Conditions
from rockbottom.plan.entries import Writing
from rockbottom.plan.runs import Run
from rockbottom.quantities import Ttl

_ROUGHLY = 1.1  # the shares of a prompt that plans estimate and replies count differ by less than a tenth


class Awaited(Struct, kw_only=True):
    """A request whose reply is awaited, by the planner that planned it or by one that learns with it."""

    at: float
    tokens: int
    path: tuple[Run, ...]
    depths: Sequence[int]
    placed: frozenset[int]
    hit: int  # where the entry ends that it should read, in segments; 0: none
    writing: Writing = field(default_factory=Writing)
    by_itself: bool = False  # its read is one of the service's own point, which looks back from the latest message
    by_hand: int = 0  # tokens that are read by its points where that does not look back

    def confirm(self, cached: int, total: int) -> None:
        """What its reply says was read or written is there: shares of the prompt, whose tokens are only estimated."""
        reached = _ROUGHLY * cached * self.tokens / max(1, total)
        marked, depths = self.placed | {self.hit} if self.hit else self.placed, self.depths
        if not marked:
            return
        shallowest = min(marked)
        for run in self.path:
            if run.end < shallowest:
                break
            for entry in run.entries:
                if entry.position in marked and depths[entry.position] <= reached:
                    entry.confirmed = True

    def unwrite(self) -> None:
        """Drop the entries that it was to write: no model saw it."""
        for run in self.path:
            for entry in run.entries:
                if entry.writing is self.writing:
                    entry.drop()

    def forget(self, read: int) -> None:
        """Drop the entries that were believed alive deeper than what was read; what it wrote itself stays."""
        for run in self.path:
            for entry in run.entries:
                position = entry.position
                if position in self.placed:
                    entry.insured = False
                elif self.depths[position] > read * _ROUGHLY and entry.until <= self.at + Ttl.ONE_HOUR.seconds:
                    entry.drop()


class Pending(Awaited, kw_only=True):
    """One plan in flight; ``extra`` are input tokens beyond the bill without caching, which is ``tokens``."""

    conditions: Conditions
    extra: Decimal
    risk: Decimal  # what it may cost beyond ``extra``
    read: int
    hour_share: float
    confirmed: bool = False  # a reply had said that what it reads is there
    relied: bool = False  # its read, after a long gap, is of an entry that only an insured tail can have kept
    across: bool = False  # its read is of a five-minute entry by points for an hour
    certain: int = 0  # tokens of the read that come even if the insurance does not work
