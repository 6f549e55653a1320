"""Requests told apart by whose they were, as a table and as CSV."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, Protocol

import msgspec

from rockbottom.documents import GroupResult
from rockbottom.figures import Cell, Column, Paint, share, table, tokens, usd
from rockbottom.quantities import ZERO_USD, Usd

_SHOWN = 20


class PaidGroup(Protocol):
    """What a line is made of; ``paid_usd`` None: a price is missing."""

    @property
    def label(self) -> str | None: ...
    @property
    def requests(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def read_tokens(self) -> int: ...
    @property
    def paid_usd(self) -> Usd | None: ...
    @property
    def attached_usd(self) -> Usd | None: ...


_NONE = "(not recorded)"


def groups_text(by: str, groups: Sequence[PaidGroup], decimals: int, *, width: int = 80) -> Iterator[str]:
    """A line for each group, the one that paid most first: what it paid, and what it would have with the planner."""
    attached = any(group.attached_usd is not None for group in groups)
    first, *others = group_heads(by, attached=attached)
    columns = [Column(first, right=False, wide=True), *map(Column, others)]
    rows = [list(map(Cell, group_cells(group, decimals, attached=attached))) for group in groups[:_SHOWN]]
    yield from table(columns, rows, width, Paint(False), indent=0)
    rest = groups[_SHOWN:]
    if rest:
        paid = sum((group.paid_usd or ZERO_USD for group in rest), ZERO_USD)
        yield f"and {tokens(len(rest))} more, ${usd(paid, decimals)} together; --json and --csv have all"


def group_heads(by: str, *, attached: bool) -> list[str]:
    """The heads of the columns that ``group_cells`` fills."""
    return [f"by {by}", "requests", "read", "paid $", *(["attached $", "wasted $"] if attached else [])]


def group_cells(group: PaidGroup, decimals: int, *, attached: bool) -> list[str]:
    """One group's cells; the last two are left out where its bill attached is not known."""
    read = share(group.read_tokens / group.input_tokens) if group.input_tokens else ""
    cells = [
        _NONE if group.label is None else group.label, tokens(group.requests), read,
        "no price" if group.paid_usd is None else usd(group.paid_usd, decimals),
    ]  # fmt: skip
    if attached and group.attached_usd is not None and group.paid_usd is not None:
        saved = group.paid_usd - group.attached_usd
        cells += [usd(group.attached_usd, decimals), usd(saved, decimals)]
    return cells


def groups_csv(by: str, groups: Sequence[GroupResult]) -> str:
    """A line for each group; money in exact US dollars, an empty label where none was recorded."""
    out = StringIO()
    names = [by if name == "label" else name for name in GroupResult.__struct_fields__]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for group in groups:
        values: dict[str, Any] = msgspec.to_builtins(group)
        writer.writerow("" if value is None else value for value in values.values())
    return out.getvalue()
