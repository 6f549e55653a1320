"""Figures as people read them: money, tokens, shares and times as text, tables and paragraphs, one palette.

Nothing here knows a terminal: its width is a parameter, and whether there is colour is the ``Paint``'s. Neither does
anything here know where its reader lives: the zone of a time is a parameter.
"""

from rockbottom.figures.bounds import without_usage, without_usage_briefly
from rockbottom.figures.money import Steps, decimals_for, usd, usd_exact
from rockbottom.figures.numbers import (
    bare,
    change,
    counted,
    duration,
    megabytes,
    milliseconds,
    rounded,
    share,
    short_tokens,
    thousands,
    tokens,
)
from rockbottom.figures.palette import Paint, colour, page_colours
from rockbottom.figures.tables import Cell, Column, table
from rockbottom.figures.texts import (
    clipped,
    folded,
    indented,
    narrow_name,
    paragraph,
    printable,
    room,
    uncontrolled,
    visible,
)
from rockbottom.figures.times import clock, moment, short_moment

__all__ = [
    "Cell",
    "Column",
    "Paint",
    "Steps",
    "bare",
    "change",
    "clipped",
    "clock",
    "colour",
    "counted",
    "decimals_for",
    "duration",
    "folded",
    "indented",
    "megabytes",
    "milliseconds",
    "moment",
    "narrow_name",
    "page_colours",
    "paragraph",
    "printable",
    "room",
    "rounded",
    "share",
    "short_moment",
    "short_tokens",
    "table",
    "thousands",
    "tokens",
    "uncontrolled",
    "usd",
    "usd_exact",
    "visible",
    "without_usage",
    "without_usage_briefly",
]
