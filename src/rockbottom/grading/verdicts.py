"""Which model is the cheapest over a bar, and how sure the conversations counted make one of it.

The unit is the conversation: its repeats are answers to the same question, so they sharpen its own share and do not
count as more conversations. The interval is Wilson's, at 95%. A model is over the bar when the whole interval is, under
it when the whole interval is; anything else is not enough to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import sqrt

from rockbottom.quantities import Usd

_Z = 1.959963984540054  # the 97.5% point of the normal distribution: 95% between the two sides
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A share of conversations that passed: what was counted, and between what it lies with 95% confidence."""

    passed: Fraction
    conversations: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return float(self.passed / self.conversations)


class BarStanding(Enum):
    """Where a model stands against the bar."""

    OVER = "over"
    UNDER = "under"
    UNKNOWN = "not enough to say"


@dataclass(frozen=True, slots=True)
class Graded:
    """A model with its bill (None: it has none) and its interval (None: nothing was graded)."""

    name: str
    usd: Usd | None
    interval: Interval | None

    def standing(self, bar: float) -> BarStanding:
        """Against a bar between 0 and 1."""
        if self.interval is None:
            return BarStanding.UNKNOWN
        if self.interval.low >= bar:
            return BarStanding.OVER
        return BarStanding.UNDER if self.interval.high < bar else BarStanding.UNKNOWN


@dataclass(frozen=True, slots=True)
class CheapestModel:
    """The cheapest model over the bar, None where none is known to be; ``open`` are cheaper ones that may be."""

    bar: float
    cheapest: Graded | None
    open: tuple[Graded, ...]


def interval_of(shares: Sequence[Fraction]) -> Interval | None:
    """The interval of the shares that each conversation passed (0 or 1 without repeats); None without any.

    The sides of Wilson's interval: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    if not shares:
        return None
    passed = sum(shares, Fraction(0))
    low, high = _wilson(float(passed / len(shares)), len(shares))
    return Interval(passed, len(shares), low, high)


def verdict_on(models: Sequence[Graded], bar: float) -> CheapestModel:
    """The verdict; models without a bill or without grades are neither named nor counted as open."""
    priced = sorted((model for model in models if model.usd is not None and model.interval), key=_usd)
    cheapest = next((model for model in priced if model.standing(bar) is BarStanding.OVER), None)
    cheaper = priced if cheapest is None else priced[: priced.index(cheapest)]
    return CheapestModel(bar, cheapest, tuple(model for model in cheaper if model.standing(bar) is BarStanding.UNKNOWN))


def needed(share: float, bar: float) -> int | None:
    """How many conversations would settle it if the share stayed as counted; None: more than a million."""
    low, high = 1, _MOST
    if not _settled(share, high, bar):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _settled(share, middle, bar) else (middle + 1, high)
    return low


def frontier(models: Sequence[Graded]) -> tuple[Graded, ...]:
    """Models that no cheaper one answers as well as, from the cheapest up."""
    edge: list[Graded] = []
    ranked = [candidate for candidate in models if candidate.usd is not None and candidate.interval is not None]
    for candidate in sorted(ranked, key=lambda model: (_usd(model), -_share(model))):
        if not edge or _share(candidate) > _share(edge[-1]):
            edge.append(candidate)
    return tuple(edge)


def _settled(share: float, conversations: int, bar: float) -> bool:
    low, high = _wilson(share, conversations)
    return low >= bar or high < bar


def _wilson(share: float, conversations: int) -> tuple[float, float]:
    n, square = conversations, _Z * _Z
    middle = share + square / (2 * n)
    half = _Z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    whole = 1 + square / n
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def _usd(model: Graded) -> Usd:
    assert model.usd is not None
    return model.usd


def _share(model: Graded) -> float:
    return model.interval.share if model.interval else 0.0
