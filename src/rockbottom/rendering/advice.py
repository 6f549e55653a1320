"""Advice as text for a terminal."""

from decimal import Decimal

from rockbottom.advise import AdviceResult, LeverResult
from rockbottom.catalog import Tier
from rockbottom.figures import Cell, Column, Paint, change, decimals_for, paragraph, table, usd
from rockbottom.quantities import Usd

_SIGNS = {"pull": ("✓", "good"), "ask": ("?", "warn"), "in use": ("✓", "dim"), "excluded": ("✗", "dim")}


def advice_text(document: AdviceResult, *, width: int = 80, colour: bool = False) -> str:
    """Ranked levers, then for each that matters its evidence, its risk and what to do."""
    paint = Paint(colour)
    lines = [*_title(document, width, paint), "", *_table(document, width, paint), ""]
    for number, row in enumerate(document.levers, 1):
        lines += _details(number, row, width, paint)
    lines += ["", paint(f" prices of {document.priced_on}; savings a month; outputs held equal", "dim")]
    return "\n".join(lines) + "\n"


def _title(document: AdviceResult, width: int, paint: Paint) -> list[str]:
    before, after = document.before_usd, document.after_usd
    places = decimals_for([before]) if before < 1 else 2
    head = f"{document.workload} · {document.name} ({document.scope.value}) · {document.evidence}"
    said = f"${usd(before, places)} a month without any lever; nothing known here lowers it"
    if after < before:
        send = document.send
        tier = "" if send.tier is Tier.DEFAULT else f", tier {send.tier.value}"
        said = (
            f"${usd(before, places)} a month without any lever, ${usd(after, places)} with those marked ✓ "
            f"({change(document.saved or Decimal(0))}): {send.way}, {send.model}{tier}"
        )
    return [paint(line, "bold") for line in _wrapped(head, width)] + _wrapped(said, width)


def _table(document: AdviceResult, width: int, paint: Paint) -> list[str]:
    columns = [
        Column(""), Column("lever", right=False), Column("saves alone $"), Column("share"), Column("together $"),
        Column("", right=False),
    ]  # fmt: skip
    values = [row.saves_alone_usd for row in document.levers if row.saves_alone_usd is not None]
    places = decimals_for(values) if values and max(values) < 1 else 2
    rows: list[list[Cell]] = []
    for number, row in enumerate(document.levers, 1):
        sign, style = _SIGNS.get(row.status, ("·", "dim"))
        part = row.saves_alone
        rows.append([
            Cell(str(number), "dim"), Cell(f"{sign} {row.lever.value}", style), _money(row.saves_alone_usd, places),
            Cell("" if part is None else change(part)), _money(row.saves_together_usd, places),
            Cell(row.status, "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _money(saved: Usd | None, places: int) -> Cell:
    return Cell("") if saved is None else Cell(usd(saved, places), "" if saved > 0 else "dim")


def _details(number: int, row: LeverResult, width: int, paint: Paint) -> list[str]:
    """What stands behind a row; one line for what is not offered."""
    head = f"{number:>2} {row.lever.value}: "
    if row.status == "not offered":
        return [paint(line, "dim") for line in _wrapped(head + row.evidence, width)]
    lines = _wrapped(head + row.evidence, width)
    if row.status in ("pull", "ask"):
        lines += _wrapped(f"risk: {row.risk}", width, 4)
        lines += _wrapped(f"do: {row.how}", width, 4)
    return lines


def _wrapped(text: str, width: int, indent: int = 1) -> list[str]:
    space = " " * indent
    return paragraph(text, width, space, space + "   ")
