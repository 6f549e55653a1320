"""Today's date inside a prefix: two calls a second apart do not show it, the pin would break tomorrow."""

from collections.abc import Iterator
from datetime import date

from rockbottom.diagnose import VolatileKind, spans_of
from rockbottom.pins.prefix import Prefix

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def dates_in(prefix: Prefix, today: date) -> Iterator[tuple[str, str]]:
    """Place and spelling of the first occurrence of today's date in each block."""
    for index, block in enumerate(prefix.blocks):
        spelling = _today_in(prefix.text(index) or "", today)
        if spelling is not None:
            yield block.place, spelling


def _today_in(text: str, today: date) -> str | None:
    month = _MONTHS[today.month - 1]
    names = (month, month[:3])
    spellings = {today.isoformat(), today.strftime("%Y/%m/%d")}
    spellings |= {f"{day} {name} {today.year}" for name in names for day in (today.day, f"{today.day:02d}")}
    spellings |= {f"{name} {today.day}, {today.year}" for name in names}
    if not any(spelling in text for spelling in spellings):
        return None
    for span in spans_of(text):
        stretch = text[span.start : span.end]
        if span.kind is VolatileKind.TIMESTAMP and any(spelling in stretch for spelling in spellings):
            return stretch
    return None
