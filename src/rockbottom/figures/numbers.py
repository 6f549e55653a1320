"""Numbers as people read them: money with the digits that matter, tokens with thousands, shares as percent."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"


def tokens(count: int | None) -> str:
    """``12,834``; nothing for None."""
    return "" if count is None else f"{count:,}"


def decimals_for(values: Iterable[Decimal]) -> int:
    """How many decimals a column of money needs: four figures of its largest value, two at least."""
    largest = max((abs(value) for value in values), default=Decimal(0))
    if largest >= 10 or largest == 0:
        return 2
    return min(12, 3 - largest.adjusted())


def money(value: Decimal, decimals: int | None = None) -> str:
    """US dollars without a sign, ``384.43`` or ``0.01281``; zero is ``0``."""
    if value == 0:
        return "0"
    places = decimals_for([value]) if decimals is None else decimals
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{rounded:,.{places}f}".replace("-", MINUS)


def percent(share: Decimal) -> str:
    """A share as whole percent, ``48%``; between 99% and 100% with a decimal, so that it never claims all."""
    hundred = share * 100
    if Decimal("99") < abs(hundred) < 100 or (hundred != 0 and abs(hundred) < 1):
        return f"{hundred.quantize(Decimal('0.1')):f}%".replace("-", MINUS)
    return f"{hundred.quantize(Decimal(1), rounding=ROUND_HALF_UP):f}%".replace("-", MINUS)


def change(saved: Decimal) -> str:
    """A saving as a change of the bill: ``−48%`` when 0.48 was saved, ``+12%`` when it costs more."""
    if saved == 0:
        return "0%"
    sign = MINUS if saved > 0 else "+"
    return sign + percent(abs(saved))


def milliseconds(value: float | None) -> str:
    """Whole milliseconds."""
    return "" if value is None else f"{value:,.0f}"


def printable(text: str) -> str:
    """Text that does nothing to a terminal: control characters, which a tag or a name may hold, become ``?``."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def clipped(text: str, width: int) -> str:
    """Text of at most ``width`` characters, with an ellipsis where it was cut."""
    return text if len(text) <= width else text[: max(0, width - 1)].rstrip() + "…"
