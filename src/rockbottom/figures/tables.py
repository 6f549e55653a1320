"""Text tables: numbers on the right, words on the left, no rules, at most the width that there is."""

from collections.abc import Sequence
from typing import NamedTuple

from rockbottom.figures.palette import Paint
from rockbottom.figures.texts import clipped, paragraph, printable, room

_LEAST_WIDE = 8


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


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, paint: Paint, *, indent: int = 1
) -> list[str]:
    """The lines of a table, a heading first; a wide column is cut so that the table fits ``width``.

    Where even that is not enough each row becomes a paragraph: its first cell, then every other with its heading.
    """
    if not indent:
        return [line[1:] for line in table(columns, rows, width + 1, paint)]
    rows = [[cell._replace(text=printable(cell.text)) for cell in row] for row in rows]
    sizes = [
        max([
            room(column.heading),
            *(room(row[index].text) for row in rows if index < len(row) and not row[index].spans),
        ])
        for index, column in enumerate(columns)
    ]  # fmt: skip
    gap = 2 if sum(sizes) + 2 * len(sizes) - 1 <= width else 1
    for index, column in enumerate(columns):
        over = 1 + sum(sizes) + gap * (len(sizes) - 1) - width
        if column.wide and over > 0:
            sizes[index] = max(min(sizes[index], _LEAST_WIDE), sizes[index] - over)
    if 1 + sum(sizes) + gap * (len(sizes) - 1) > width:
        return [line for row in rows for line in _stacked(columns, row, width, paint)]
    lines = _line([Cell(column.heading, "dim") for column in columns], columns, sizes, gap, paint, width)
    for row in rows:
        lines += _line(row, columns, sizes, gap, paint, width)
    return lines


def _line(
    row: Sequence[Cell], columns: Sequence[Column], sizes: Sequence[int], gap: int, paint: Paint, width: int
) -> list[str]:
    """A row on one line, and more only where its last cell spans more than there is."""
    parts: list[str] = []
    for place, (cell, column, size) in enumerate(zip(row, columns, sizes, strict=False)):
        if cell.spans:
            start = 1 + sum(sizes[:place]) + gap * place
            first, *more = paragraph(cell.text, max(width - start, _LEAST_WIDE)) or [""]
            below = [" " * start + paint(line, cell.style) for line in more]
            return [(" " + (" " * gap).join([*parts, paint(first, cell.style)])).rstrip(), *below]
        text = clipped(cell.text, size)
        padding = " " * (size - room(text))
        painted = paint(text, cell.style)
        parts.append(padding + painted if column.right else painted + padding)
    return [(" " + (" " * gap).join(parts)).rstrip()]


def _stacked(columns: Sequence[Column], row: Sequence[Cell], width: int, paint: Paint) -> list[str]:
    """A row too wide for the line: its cells one below the other, each under its heading."""
    first, *others = row
    labelled = [
        cell.text if cell.spans or not column.heading.strip() else f"{column.heading.strip()} {cell.text}".strip()
        for column, cell in zip(columns[1:], others, strict=False)
        if cell.text.strip()
    ]
    head = [paint(line, first.style) for line in paragraph(first.text, width, " ", "   ")]
    return [*head, *paragraph(" · ".join(labelled), width, "   ", "   ")]
