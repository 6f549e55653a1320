"""Figures as people read them: money, tokens, shares and times as text, tables of columns, one palette."""

from rockbottom.figures.numbers import (
    MINUS,
    change,
    clipped,
    decimals_for,
    milliseconds,
    money,
    percent,
    printable,
    tokens,
)
from rockbottom.figures.tables import Cell, Column, Paint, table

__all__ = [
    "MINUS",
    "Cell",
    "Column",
    "Paint",
    "change",
    "clipped",
    "decimals_for",
    "milliseconds",
    "money",
    "percent",
    "printable",
    "table",
    "tokens",
]
