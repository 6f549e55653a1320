"""US dollars as people read them. One formatter; what differs from place to place is the number of decimals."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rockbottom.figures.numbers import rounded

Steps = Sequence[tuple[Decimal | int, int]]
"""Decimals by size: ``((10, 2), (0, 4))`` gives amounts from ten dollars on cents, and smaller ones four decimals."""


def decimals_for(amounts: Iterable[Decimal], figures: int = 4) -> int:
    """How many decimals a column of money needs: so many figures of its largest amount, two decimals at least."""
    largest = max((abs(amount) for amount in amounts), default=Decimal(0))
    if largest == 0:
        return 2
    return max(2, min(12, figures - 1 - largest.adjusted()))


def usd(
    amount: Decimal, decimals: int | Steps | None = None, *, symbol: bool = False, signed: bool = False,
    bare_zero: bool = True,
) -> str:  # fmt: skip
    """US dollars, ``384.43`` or ``0.01281``: four figures, two decimals at least, unless ``decimals`` says how many.

    ``symbol`` puts the dollar sign behind the sign of the amount (``−$1.20``). ``signed`` writes a plus as well. Zero
    is ``0``, so that it stands out among amounts, or has its decimals where ``bare_zero`` is false.
    """
    if amount == 0 and bare_zero:
        return "$0" if symbol else "0"
    text = rounded(amount, _decimals_of(amount, decimals), signed=signed)
    if not symbol:
        return text
    return f"{text[0]}${text[1:]}" if not text[0].isdigit() else f"${text}"


def _decimals_of(amount: Decimal, decimals: int | Steps | None) -> int:
    if decimals is None:
        return decimals_for([amount])
    if isinstance(decimals, int):
        return decimals
    return next(places for least, places in decimals if abs(amount) >= least)


def usd_exact(amount: Decimal) -> str:
    """Every digit and no more: ``0.3``, ``3.75``; a price per million tokens as it is listed."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
