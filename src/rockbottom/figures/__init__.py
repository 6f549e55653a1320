"""Figures as people read them: money, tokens, shares and times as text, tables and paragraphs, one palette.

Nothing here knows a terminal: its width is a parameter, and whether there is colour is the ``Paint``'s.
"""

from rockbottom.figures.money import Steps, decimals_for, usd, usd_exact
from rockbottom.figures.numbers import (
    MINUS,
    change,
    counted,
    duration,
    megabytes,
    milliseconds,
    rounded,
    share,
    short_tokens,
    tokens,
)
from rockbottom.figures.palette import Paint, colour, page_colours
from rockbottom.figures.tables import Cell, Column, table
from rockbottom.figures.texts import clipped, paragraph, printable, visible

__all__ = [
    "MINUS",
    "Cell",
    "Column",
    "Paint",
    "Steps",
    "change",
    "clipped",
    "colour",
    "counted",
    "decimals_for",
    "duration",
    "megabytes",
    "milliseconds",
    "page_colours",
    "paragraph",
    "printable",
    "rounded",
    "share",
    "short_tokens",
    "table",
    "tokens",
    "usd",
    "usd_exact",
    "visible",
]
