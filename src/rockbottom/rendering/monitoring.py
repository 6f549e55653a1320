"""Alarms, dashboards and budgets as text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from rockbottom.alarms import AlarmPlan, AlarmSettings, PlacedAlarm
from rockbottom.budgets import BudgetAccount, BudgetState
from rockbottom.changes import Step
from rockbottom.cloudwatch import fees
from rockbottom.figures import Cell, Column, Paint, counted, moment, paragraph, printable, table, tokens, usd
from rockbottom.quantities import Usd

_SIGNS = {"create": "+", "update": "~", "delete": "-", "unchanged": "=", "foreign": "!"}


def alarm_steps_text(todo: AlarmPlan) -> Iterator[str]:
    """The account, and what becomes of each thing in it."""
    yield f"account {todo.account}, {todo.region}"
    for step in todo.steps:
        yield from step_text(step)
    if not todo.steps:
        yield "  nothing"


def step_text(step: Step) -> Iterator[str]:
    """A thing in an account, what becomes of it, and where it differs."""
    kind = step.kind.value
    yield f"{_SIGNS[kind]} {kind:<9} {step.thing:<9} {step.name}"
    if kind == "foreign":
        yield "            not made by rockbottom for this stack, and left alone"
    for difference in step.differences:
        yield f"            {difference.setting}: {_short(difference.found)} -> {_short(difference.wanted)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def alarm_cost_text(cost: Usd, alarms: Sequence[PlacedAlarm], settings: AlarmSettings) -> Iterator[str]:
    """What alarms and dashboard cost a month at most, and by which prices."""
    fee = fees()
    metrics = sum(alarm.metrics for alarm in alarms)
    boards = " and 1 dashboard" if settings.dashboard else ""
    yield f"{metrics} alarm metrics{boards}: at most ${usd(cost, 2)} a month"
    yield f"  ${fee.alarm_metric} a metric, ${fee.dashboard} a dashboard; of an account the first"
    yield f"  {fee.free_alarm_metrics} metrics and {fee.free_dashboards} dashboards are free"
    yield f"  ({fee.source.title}, {fee.source.checked_on})"


def budgets_text(
    rows: Sequence[tuple[BudgetAccount, BudgetState]], unpriced: Mapping[BudgetAccount, Mapping[str, int]], *,
    width: int = 80, zone: tzinfo | None = None,
) -> Iterator[str]:  # fmt: skip
    """What was spent and what is held, an account a line; nothing where there is none.

    ``unpriced`` are the models of calls without a known price, and how many.
    """
    if not rows:
        return
    columns = [
        Column("since", right=False), *map(Column, ("spent $", "held $", "calls")), Column("account", right=False),
    ]  # fmt: skip
    cells = [
        [
            Cell(moment(account.start, zone)), *(Cell(usd(amount, 4) if amount else "-") for amount in
            (state.spent, state.held)), Cell(tokens(state.calls)), Cell(account.name),
        ]
        for account, state in rows
    ]  # fmt: skip
    yield from table(columns, cells, width, Paint(False), indent=0)
    for account, state in rows:
        models = ", ".join(f"{printable(model)} {calls:,}" for model, calls in unpriced.get(account, {}).items())
        named = f" ({models})" if models else ""
        notes = [f"{counted(state.unpriced, 'call')} without a price{named}"] if state.unpriced else []
        notes += [f"${usd(state.estimated, 4)} estimated"] if state.estimated else []
        if notes:
            yield from paragraph(f"{printable(account.name)}: of it {' and '.join(notes)}", width, " ", "   ")
