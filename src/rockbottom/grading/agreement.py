"""How far a judge agrees with itself: pairs of votes that say the same, Fleiss' kappa, and what the order does."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

Votes = Sequence[Sequence[Hashable]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """``share`` of the pairs of votes on one answer that say the same; ``kappa`` corrects it for chance.

    Both are exact. ``items`` are the answers with two votes or more; without any, or (for kappa) where every vote
    of all says the same, there is nothing to correct and the figure is None.
    """

    items: int
    share: Fraction | None
    kappa: Fraction | None


@dataclass(frozen=True, slots=True)
class Position:
    """What the order of two answers does to a judge.

    ``first`` of ``decided`` votes preferred the answer that was shown first; ``flipped`` of ``swapped`` pairs of votes
    named another winner after the two had changed places.
    """

    first: int
    decided: int
    flipped: int
    swapped: int


def agreement_of(votes: Votes) -> Agreement:
    """The agreement of several votes on each of several answers (Fleiss 1971, with unequal numbers of votes).

    The observed share is the mean over answers; the share expected by chance comes from how often each vote occurs
    over all answers with two votes or more.
    """
    items = [Counter(answer_votes) for answer_votes in votes if len(answer_votes) >= 2]
    if not items:
        return Agreement(0, None, None)
    observed = sum((_pairs_alike(counts) for counts in items), Fraction(0)) / len(items)
    total = sum(items, Counter[Hashable]())
    chance = sum((Fraction(count, total.total()) ** 2 for count in total.values()), Fraction(0))
    return Agreement(len(items), observed, None if chance == 1 else (observed - chance) / (1 - chance))


def position_of(votes: Sequence[Sequence[tuple[str, bool]]]) -> Position:
    """The effect of the order; each vote is its winner (``candidate``, ``reference``, ``same``) and whether swapped.

    Not swapped, the candidate stands first. Votes are paired in their order: a straight one with the next swapped one.
    """
    decided = [(won, swapped) for answer_votes in votes for won, swapped in answer_votes if won != "same"]
    first = sum(won == ("reference" if swapped else "candidate") for won, swapped in decided)
    pairs = [pair for answer_votes in votes for pair in _swapped_pairs(answer_votes)]
    return Position(first, len(decided), sum(a != b for a, b in pairs), len(pairs))


def _pairs_alike(counts: Counter[Hashable]) -> Fraction:
    votes = counts.total()
    return Fraction(sum(count * (count - 1) for count in counts.values()), votes * (votes - 1))


def _swapped_pairs(votes: Sequence[tuple[str, bool]]) -> list[tuple[str, str]]:
    straight = [won for won, swapped in votes if not swapped]
    turned = [won for won, swapped in votes if swapped]
    return list(zip(straight, turned, strict=False))
