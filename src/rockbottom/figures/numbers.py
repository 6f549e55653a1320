"""Numbers as people read them: tokens with thousands, shares as percent, times in the units that matter."""

from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"
_LETTERS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def rounded(value: Decimal | float, decimals: int, *, signed: bool = False) -> str:
    """A number with thousands and so many decimals, halves rounded up; ``signed``: with a plus where it has none."""
    exact = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return f"{exact:{'+' if signed else ''},.{decimals}f}".replace("-", MINUS)


def thousands(count: Decimal | float, *, signed: bool = False) -> str:
    """``12,834``: a whole number, or the nearest one; ``signed``: with a plus where it has none."""
    sign = "+" if signed else ""
    return (f"{count:{sign},}" if isinstance(count, int) else f"{count:{sign},.0f}").replace("-", MINUS)


def bare(value: float) -> str:
    """``0.5``, ``20``: no more digits than it has, six at most."""
    return f"{value:g}"


def tokens(count: int | None) -> str:
    """``12,834``; nothing for None."""
    return "" if count is None else thousands(count)


def short_tokens(count: int, exact_below: int = 10_000) -> str:
    """``8,834``, ``12.8k``, ``1.3M``: tokens where there is little room; every digit below ``exact_below``."""
    if abs(count) >= exact_below:
        for size, letter in _LETTERS:
            if abs(count) >= size:
                return f"{rounded(Decimal(count) / size, 1)}{letter}"
    return tokens(count)


def counted(count: int, noun: str, many: str = "") -> str:
    """``1 call``, ``1,200 calls``; ``many`` is a plural that is not made with an s, or goes on with a verb."""
    return f"{thousands(count)} {noun if count == 1 else many or noun + 's'}"


def share(part: Decimal | float, decimals: int = 0, *, signed: bool = False) -> str:
    """A share (0.48) as percent (``48%``); where rounding would claim all or nothing, a decimal or ``>99.9%``.

    ``signed`` writes a plus as well.
    """
    hundred = Decimal(str(part)) * 100
    size = abs(hundred)
    places = max(decimals, 1) if 99 < size < 100 or 0 < size < 1 else decimals
    finest = Decimal(1).scaleb(-places)
    if size < 100 and size + finest / 2 >= 100:
        return f">{100 - finest}%"
    if size and size < finest / 2:
        return f"<{finest}%"
    return f"{rounded(hundred, places, signed=signed)}%"


def change(saved: Decimal) -> str:
    """A saving as a change of the bill: ``−48%`` when 0.48 was saved, ``+12%`` when it costs more."""
    if saved == 0:
        return "0%"
    return (MINUS if saved > 0 else "+") + share(abs(saved))


def milliseconds(value: float | None) -> str:
    """Whole milliseconds; nothing for None."""
    return "" if value is None else thousands(value)


def megabytes(size: int) -> str:
    """Bytes as ``1.3 MB``, of 1,000,000 bytes."""
    return f"{rounded(Decimal(size) / 10**6, 1)} MB"


def duration(seconds: float) -> str:
    """Seconds in their two largest units: ``800 ms``, ``1.5 s``, ``6 min 43 s``, ``5 h``, ``3 days 4 h``."""
    if not seconds:
        return "under 1 s"  # of times in whole seconds, as logs have them
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)
    units = ((days, "days"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next(place for place, (value, _) in enumerate(units) if value)
    return " ".join(f"{value} {unit}" for value, unit in units[first : first + 2] if value)
