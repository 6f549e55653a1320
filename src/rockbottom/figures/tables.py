"""Text tables: numbers on the right, words on the left, no rules, at most the width that there is."""

from collections.abc import Sequence
from typing import NamedTuple

from rockbottom.figures.palette import Paint
from rockbottom.figures.texts import clipped, printable


class Column(NamedTuple):
    """A heading and how its cells stand; ``wide`` columns give way when the table is too broad."""

    heading: str
    right: bool = True
    wide: bool = False


class Cell(NamedTuple):
    """A text and how it is painted (see ``Paint``); ``spans`` lets it run over the rest of its row."""

    text: str
    style: str = ""
    spans: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, paint: Paint) -> list[str]:
    """The lines of a table, a heading first; a wide column is cut so that the table fits ``width``."""
    rows = [[cell._replace(text=printable(cell.text)) for cell in row] for row in rows]
    sizes = [
        max([len(column.heading), *(len(row[index].text) for row in rows if index < len(row) and not row[index].spans)])
        for index, column in enumerate(columns)
    ]
    gap = 2 if sum(sizes) + 2 * len(sizes) - 1 <= width else 1
    over = 1 + sum(sizes) + gap * (len(sizes) - 1) - width
    for index, column in enumerate(columns):
        if column.wide and over > 0:
            sizes[index] = max(8, sizes[index] - over)
    lines = [_line([Cell(column.heading, "dim") for column in columns], columns, sizes, gap, paint)]
    lines.extend(_line(row, columns, sizes, gap, paint) for row in rows)
    return lines


def _line(row: Sequence[Cell], columns: Sequence[Column], sizes: Sequence[int], gap: int, paint: Paint) -> str:
    parts: list[str] = []
    for cell, column, size in zip(row, columns, sizes, strict=False):
        if cell.spans:
            parts.append(paint(cell.text, cell.style))
            break
        text = clipped(cell.text, size)
        padding = " " * (size - len(text))
        painted = paint(text, cell.style)
        parts.append(padding + painted if column.right else painted + padding)
    return (" " + (" " * gap).join(parts)).rstrip()
