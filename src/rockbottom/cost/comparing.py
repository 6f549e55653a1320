"""Calls left unplanned on purpose, beside the planned ones: what each paid, how soon it answered, how sure that is.

Conversations are dealt into groups by chance, whatever their length, and a group is the unit of the intervals: calls of
one conversation are alike, so that to count each of them as a witness of its own would make the intervals too narrow.
What is compared is the share paid of what the same tokens would cost without caching, because the calls of two arms
are not the same calls. The interval of a ratio of sums is that of the delta method over groups, at 95%.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from msgspec import Struct

from rockbottom.figures import counted, milliseconds, paragraph, share, thousands
from rockbottom.quantities import ZERO_USD, Usd

GROUPS = 32
"""Groups of conversations in each arm."""

LEAST_GROUPS = 20
"""Groups with calls that an arm needs before anything is said; some thirty conversations fill as many."""

_T = 2.1  # 97.5th percentile of Student's t: 2.09 at 19 degrees of freedom, 2.04 at 31
PLANNED, HELD_OUT = "planned", "held out"


class Arm(Struct, frozen=True):
    """Which arm a conversation is in, and in which group of it; as text it is what a record of a call keeps."""

    held_out: bool
    group: int

    def __str__(self) -> str:
        return f"{HELD_OUT if self.held_out else PLANNED}:{self.group}"

    @classmethod
    def of(cls, text: str) -> "Arm | None":
        """The arm that a record names; None where it names none."""
        name, _, group = text.partition(":")
        if name not in (PLANNED, HELD_OUT) or not group.isdigit() or int(group) >= GROUPS:
            return None
        return cls(name == HELD_OUT, int(group))


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Sums over the calls of one group; ``streams`` of them said when their first token came."""

    calls: int = 0
    cost_usd: Usd = ZERO_USD
    uncached_usd: Usd = ZERO_USD
    streams: int = 0
    first_ms: float = 0.0

    def __add__(self, other: "ArmSums") -> "ArmSums":
        return ArmSums(
            self.calls + other.calls,
            self.cost_usd + other.cost_usd,
            self.uncached_usd + other.uncached_usd,
            self.streams + other.streams,
            self.first_ms + other.first_ms,
        )


class Ratio(Struct, frozen=True):
    """A ratio of sums, with the ends of its interval."""

    value: float
    low: float
    high: float

    def minus(self, other: "Ratio") -> "Ratio":
        """The difference of two that know nothing of each other."""
        reach = sqrt((self.high - self.value) ** 2 + (other.high - other.value) ** 2)
        difference = self.value - other.value
        return Ratio(difference, difference - reach, difference + reach)

    def to_dict(self) -> dict[str, float]:
        """Its members for JSON, rounded to six decimals."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


class ArmFigures(Struct, frozen=True):
    """One arm. ``paid``: cost as a share of the cost without caching; ``first_ms``: mean time to the first token.

    A ratio is None where the groups with calls are too few to say.
    """

    calls: int
    groups: int
    cost_usd: Usd
    uncached_usd: Usd
    paid: Ratio | None
    first_ms: Ratio | None

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text."""
        return {
            "calls": self.calls,
            "groups": self.groups,
            "cost_usd": str(self.cost_usd),
            "uncached_usd": str(self.uncached_usd),
            "paid": self.paid.to_dict() if self.paid else None,
            "first_ms": self.first_ms.to_dict() if self.first_ms else None,
        }


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """The planned calls and those that were held out."""

    planned: ArmFigures
    held_out: ArmFigures

    @property
    def saved(self) -> Ratio | None:
        """What planning saved, as a share of the cost without caching; None: not enough to say."""
        if self.held_out.paid is None or self.planned.paid is None:
            return None
        return self.held_out.paid.minus(self.planned.paid)

    @property
    def sooner_ms(self) -> Ratio | None:
        """How much sooner planned streams began to answer, in milliseconds; None: not enough to say."""
        if self.held_out.first_ms is None or self.planned.first_ms is None:
            return None
        return self.held_out.first_ms.minus(self.planned.first_ms)

    def to_dict(self) -> dict[str, Any]:
        """Its members for JSON; None for a ratio that cannot be formed."""
        return {
            "planned": self.planned.to_dict(),
            "held_out": self.held_out.to_dict(),
            "saved": self.saved.to_dict() if self.saved else None,
            "sooner_ms": self.sooner_ms.to_dict() if self.sooner_ms else None,
        }

    def __str__(self) -> str:
        """The sentences, in lines of at most 80 columns."""
        return "\n".join(line for text in self.sentences() for line in paragraph(text, 80))

    def sentences(self) -> list[str]:
        """What there is to say for a person."""
        return _sentences(self)


def compared(groups: Mapping[Arm, ArmSums]) -> ArmComparison | None:
    """The comparison of what was summed by arm and group; None where there is nothing."""
    if not groups:
        return None
    planned, held_out = (
        [group for arm, group in groups.items() if arm.held_out is is_held_out] for is_held_out in (False, True)
    )
    return ArmComparison(_figures(planned), _figures(held_out))


def _figures(groups: Sequence[ArmSums]) -> ArmFigures:
    total = sum(groups, ArmSums())
    paid = [(float(group.cost_usd), float(group.uncached_usd)) for group in groups if group.uncached_usd]
    times = [(group.first_ms, float(group.streams)) for group in groups if group.streams]
    return ArmFigures(total.calls, len(groups), total.cost_usd, total.uncached_usd, _ratio(paid), _ratio(times))


def _ratio(pairs: Sequence[tuple[float, float]]) -> Ratio | None:
    """Sum over sum, and how far the same of other groups might lie from it; None of too few."""
    if len(pairs) < LEAST_GROUPS:
        return None
    whole = sum(below for _, below in pairs)
    ratio = sum(above for above, _ in pairs) / whole
    squares = sum((above - ratio * below) ** 2 for above, below in pairs)
    reach = _T * sqrt(squares * len(pairs) / (len(pairs) - 1)) / whole
    return Ratio(ratio, ratio - reach, ratio + reach)


def _sentences(comparison: ArmComparison) -> list[str]:
    planned, held_out = comparison.planned, comparison.held_out
    head = (
        f"held out: {counted(held_out.calls, 'call')} left unplanned for comparison, {thousands(planned.calls)} planned"
    )
    if comparison.saved is None or held_out.paid is None or planned.paid is None:
        return [head, f"not enough to say what planning saves: {_missing(comparison)}"]
    paid = f"held-out calls paid {_shares(held_out.paid)} of their cost without caching"
    paid += f", planned ones {_shares(planned.paid)}"
    lines = [head, f"{paid}; planning saved {_shares(comparison.saved)}{_unless_seen(comparison.saved)}"]
    if comparison.sooner_ms is None or held_out.first_ms is None or planned.first_ms is None:
        return [*lines, "too few streams to compare how soon they answered"]
    first = f"first token after {_times(held_out.first_ms)} ms held out, {_times(planned.first_ms)} ms planned"
    return [*lines, first + _unless_seen(comparison.sooner_ms)]


def _missing(comparison: ArmComparison) -> str:
    least = min(comparison.planned.groups, comparison.held_out.groups)
    return f"{least} of {GROUPS} groups of conversations have calls, {LEAST_GROUPS} are needed"


def _unless_seen(difference: Ratio) -> str:
    return ": no difference is visible" if difference.low <= 0 <= difference.high else ""


def _shares(ratio: Ratio) -> str:
    return f"{share(ratio.value)} ({share(ratio.low)} to {share(ratio.high)})"


def _times(ratio: Ratio) -> str:
    return f"{milliseconds(ratio.value)} ({milliseconds(ratio.low)} to {milliseconds(ratio.high)})"
