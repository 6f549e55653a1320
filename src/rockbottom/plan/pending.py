"""Plans whose usage has not come back: what was counted for them, and what they could cost at worst."""

from dataclasses import dataclass, field
from decimal import Decimal

from rockbottom.plan.entries import Writing
from rockbottom.plan.history import Run
from rockbottom.plan.lanes import Lane
from rockbottom.quantities import Ttl, Usage

_ROUGHLY = 1.1  # the shares of a prompt that plans estimate and replies count differ by less than a tenth


@dataclass(slots=True)
class Pending:
    """One plan in flight; amounts in input tokens, beyond (``extra``) and of (``plain``) the bill without caching."""

    lane: Lane
    at: float
    extra: Decimal
    plain: Decimal
    risk: Decimal  # what it may cost beyond ``extra``
    read: int
    hour_share: float
    path: tuple[Run, ...]
    depths: tuple[int, ...]
    placed: frozenset[int]
    hit: int  # where the entry ends that it should read, in segments; 0: none
    confirmed: bool = False  # a reply had said that what it reads is there
    relied: bool = False  # its read, after a long gap, is of an entry that only an insured tail can have kept
    across: bool = False  # its read is of a five-minute entry by points for an hour
    certain: int = 0  # tokens of the read that come even if the insurance does not work
    writing: Writing = field(default_factory=Writing)

    def confirm(self, said: Usage) -> None:
        """What its reply says was read or written is there: shares of the prompt, whose tokens are only estimated."""
        reached = _ROUGHLY * (said.cache_read + said.cache_write) * float(self.plain) / max(1, said.total_input)
        for run in self.path:
            for position, entry in run.entries.items():
                if (position in self.placed or position == self.hit) and self.depths[position] <= reached:
                    entry.confirmed = True

    def forget(self, read: int) -> None:
        """Drop the entries that were believed alive deeper than what was read; what it wrote itself stays."""
        for run in self.path:
            for position, entry in run.entries.items():
                if position in self.placed:
                    entry.insured = False
                elif self.depths[position] > read * _ROUGHLY and entry.until <= self.at + Ttl.ONE_HOUR.seconds:
                    entry.drop()
