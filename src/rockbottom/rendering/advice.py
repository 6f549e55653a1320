"""Advice as text for a terminal, from its JSON document."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rockbottom.figures import Cell, Column, Paint, change, decimals_for, paragraph, table, usd

Json = Mapping[str, Any]
_SIGNS = {"pull": ("✓", "good"), "ask": ("?", "warn"), "in use": ("✓", "dim"), "excluded": ("✗", "dim")}


def advice_text(document: Json, *, width: int = 80, colour: bool = False) -> str:
    """Ranked levers, then for each that matters its evidence, its risk and what to do."""
    paint = Paint(colour)
    lines = [*_title(document, width, paint), "", *_table(document, width, paint), ""]
    for number, row in enumerate(document["levers"], 1):
        lines += _details(number, row, width, paint)
    lines += ["", paint(f" prices of {document['priced_on']}; savings a month; outputs held equal", "dim")]
    return "\n".join(lines) + "\n"


def _title(document: Json, width: int, paint: Paint) -> list[str]:
    before, after = Decimal(document["before_usd"]), Decimal(document["after_usd"])
    places = decimals_for([before]) if before < 1 else 2
    head = f"{document['workload']} · {document['name']} ({document['scope']}) · {document['evidence']}"
    said = f"${usd(before, places)} a month without any lever; nothing known here lowers it"
    if after < before:
        send = document["send"]
        tier = "" if send["tier"] == "default" else f", tier {send['tier']}"
        said = (
            f"${usd(before, places)} a month without any lever, ${usd(after, places)} with those marked ✓ "
            f"({change(Decimal(document['saved']))}): {send['way']}, {send['model']}{tier}"
        )
    return [paint(line, "bold") for line in _wrapped(head, width)] + _wrapped(said, width)


def _table(document: Json, width: int, paint: Paint) -> list[str]:
    columns = [
        Column(""), Column("lever", right=False), Column("saves alone $"), Column("share"), Column("together $"),
        Column("", right=False),
    ]  # fmt: skip
    values = [Decimal(row["saves_alone_usd"]) for row in document["levers"] if row["saves_alone_usd"]]
    places = decimals_for(values) if values and max(values) < 1 else 2
    rows: list[list[Cell]] = []
    for number, row in enumerate(document["levers"], 1):
        sign, style = _SIGNS.get(row["status"], ("·", "dim"))
        share = row["saves_alone"]
        rows.append([
            Cell(str(number), "dim"), Cell(f"{sign} {row['lever']}", style), _money(row["saves_alone_usd"], places),
            Cell("" if share is None else change(Decimal(share))), _money(row["saves_together_usd"], places),
            Cell(row["status"], "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _money(text: str | None, places: int) -> Cell:
    if text is None:
        return Cell("")
    value = Decimal(text)
    return Cell(usd(value, places), "" if value > 0 else "dim")


def _details(number: int, row: Json, width: int, paint: Paint) -> list[str]:
    """What stands behind a row; one line for what is not offered."""
    head = f"{number:>2} {row['lever']}: "
    if row["status"] == "not offered":
        return [paint(line, "dim") for line in _wrapped(head + row["evidence"], width)]
    lines = _wrapped(head + row["evidence"], width)
    if row["status"] in ("pull", "ask"):
        lines += _wrapped(f"risk: {row['risk']}", width, 4)
        lines += _wrapped(f"do: {row['how']}", width, 4)
    return lines


def _wrapped(text: str, width: int, indent: int = 1) -> list[str]:
    space = " " * indent
    return paragraph(text, width, space, space + "   ")
