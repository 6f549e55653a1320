"""Advice as text for a terminal."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import UNSET

from rockbottom.advise import ASSUMED, AdviceResult, Lever, LeverResult, TrafficAdvice
from rockbottom.catalog import Tier
from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    change,
    counted,
    decimals_for,
    duration,
    indented,
    share,
    table,
    tokens,
    usd,
)
from rockbottom.quantities import WRITES, Usd
from rockbottom.rendering.groups import groups_text
from rockbottom.rendering.prompts import prompts_text

_SIGNS = {"pull": ("✓", "good"), "ask": ("?", "warn"), "in use": ("✓", "dim"), "excluded": ("✗", "dim")}


def advice_text(document: AdviceResult, *, width: int = 80, colour: bool = False) -> str:
    """What to do first, ranked levers, then for each that matters its evidence, its risk and what to do."""
    paint = Paint(colour)
    lines = [*_next(document, width, paint), *_title(document, width, paint), ""]
    lines += [*_table(document, width, paint), ""]
    for number, row in enumerate(document.levers, 1):
        lines += _details(number, row, width, paint)
    lines += _prompts(document, width)
    if any(row.unit in WRITES.values() and not row.usd_per_mtok for row in document.prices):
        note = f"cache writes of {document.name} cost nothing by the price list; other sources contest that"
        lines += ["", *indented(note, width)]
    note = f" prices of {document.priced_on}; savings {_period(document)}; outputs held equal"
    lines += ["", paint(note, "dim")]
    return "\n".join(lines) + "\n"


def traffic_advice_text(advice: TrafficAdvice, *, width: int = 80, colour: bool = False) -> str:
    """What to do first, the levers in all, a line for each model, then the levers of each model by itself."""
    if len(advice.models) == 1:
        return "\n".join([*_groups(advice, width), advice_text(advice.models[0], width=width, colour=colour)])
    paint = Paint(colour)
    head = f"{advice.source} · {counted(advice.requests, 'request')} · {counted(len(advice.models), 'model')}"
    lines = [*_next(advice, width, paint), *(paint(line, "bold") for line in indented(head, width))]
    lines += [*indented(_bills(advice), width), "", *_sums(advice, width, paint), "", *_models(advice, width, paint)]
    lines += ["", *_groups(advice, width)] if advice.by else []
    for model in advice.models:
        lines += ["", *_title(model, width, paint), "", *_table(model, width, paint), *_prompts(model, width)]
    first = advice.models[0]
    note = f"prices of {first.priced_on}; savings {_period(advice)}; outputs held equal"
    details = "evidence, risk and how of each lever of one model: --only-model ID"
    lines += ["", *(paint(line, "dim") for text in (note, details) for line in indented(text, width))]
    return "\n".join(lines) + "\n"


def _prompts(document: AdviceResult, width: int) -> list[str]:
    """What the prompts are made of, where the traffic tells."""
    return (
        []
        if document.prompts is UNSET
        else [f" {line}".rstrip() for line in prompts_text(document.prompts, width=width - 1)]
    )


def _groups(advice: TrafficAdvice, width: int) -> list[str]:
    """The requests told apart, where that was asked for: what each group paid in the traffic, and could have."""
    if advice.by is UNSET or advice.groups is UNSET:
        return []
    places = _places(group.paid_usd for group in advice.groups)
    return [*(f" {line}" for line in groups_text(advice.by, advice.groups, places, width=width - 1)), ""]


def _next(advice: AdviceResult | TrafficAdvice, width: int, paint: Paint) -> list[str]:
    """The one line to do next."""
    step = advice.next
    if step is None:
        return [*indented("Next: nothing to do; no lever that rockbottom knows lowers this bill", width), ""]
    saving = f"saves {_amount(step.saves_usd, advice)} {_period(advice)}"
    if step.asks:
        text = f"Next: if your rules permit it, allow it with {_ASKS[step.lever]}: {step.lever.value} {saving}"
    elif advice.today_usd - advice.after_usd == step.saves_usd:
        text = f"Next: {step.how}: {_instead(advice)}"
    else:
        text = f"Next: {step.how}: {saving}; with everything marked ✓ {_instead(advice)}"
    return [*(paint(line, "good") for line in indented(text, width)), ""]


_ASKS = {Lever.BATCH: "--wait day", Lever.FLEX: "--wait minutes", Lever.GLOBAL: "--residency none"}


def _instead(advice: AdviceResult | TrafficAdvice) -> str:
    after, today = _amount(advice.after_usd, advice), _amount(advice.today_usd, advice)
    return f"{after} instead of {today} {_period(advice)} ({share(abs(advice.saved or Decimal(0)))} less)"


def _amount(amount: Usd, advice: AdviceResult | TrafficAdvice) -> str:
    """Cents from a dollar on; of less, the digits that the bill of today needs."""
    today = advice.today_usd
    return usd(amount, 2 if today >= 1 else decimals_for([today]), symbol=True, bare_zero=False)


def _period(advice: AdviceResult | TrafficAdvice) -> str:
    assumed = isinstance(advice, AdviceResult) and advice.evidence == ASSUMED
    month = "a month (assumed)" if assumed else "a month"
    return month if advice.span_s is None else f"in {duration(advice.span_s)}"


def _title(document: AdviceResult, width: int, paint: Paint) -> list[str]:
    head = f"{document.workload} · {document.name} ({document.scope.value}) · {document.evidence}"
    return [paint(line, "bold") for line in indented(head, width)] + indented(_bills(document), width)


def _bills(advice: AdviceResult | TrafficAdvice) -> str:
    """The bill of today and the one with the levers to pull, and how it is sent then."""
    today, after = _amount(advice.today_usd, advice), _amount(advice.after_usd, advice)
    bare = isinstance(advice, AdviceResult) and advice.today_usd == advice.before_usd
    how = "without any lever" if bare else "as it is sent"
    text = f"{today} paid {_period(advice)}" if advice.counted else f"{today} {_period(advice)} {how}"
    if advice.after_usd >= advice.today_usd:
        text += "; no lever that rockbottom knows lowers it"
    else:
        text += f", {after} with those marked ✓ ({change(advice.saved or Decimal(0))})"
        if isinstance(advice, AdviceResult):
            send = advice.send
            tier = "" if send.tier is Tier.DEFAULT else f", tier {send.tier.value}"
            text += f": {send.way}, {send.model}{tier}"
    return text if advice.span_s is None else f"{text}. Too short for a month"


def _sums(advice: TrafficAdvice, width: int, paint: Paint) -> list[str]:
    """Levers over all models."""
    columns = [Column("lever", right=False), Column("saves alone $"), Column("together $"), Column("used for")]
    places = _places(row.saves_alone_usd for row in advice.levers)
    rows: list[list[Cell]] = []
    for row in advice.levers:
        sign, style = ("✓", "good") if row.pulled_for else ("·", "dim")
        rows.append([
            Cell(f"{sign} {row.lever.value}", style), _money(row.saves_alone_usd, places),
            _money(row.saves_together_usd if row.pulled_for else None, places),
            Cell(f"{row.pulled_for} of {counted(len(advice.models), 'model')}" if row.pulled_for else "", "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _models(advice: TrafficAdvice, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("model", right=False, wide=True), Column("requests"), Column("today $"), Column("after $"),
        Column("pull", right=False),
    ]  # fmt: skip
    places = _places(model.today_usd for model in advice.models)
    rows = [
        [
            Cell(f"{model.name} ({model.scope.value})"), Cell(tokens(int(model.requests))),
            _money(model.today_usd, places), _money(model.after_usd, places),
            Cell(", ".join(row.lever.value for row in model.levers if row.status == "pull") or "nothing", "dim"),
        ]
        for model in advice.models
    ]  # fmt: skip
    return table(columns, rows, width, paint)


def _places(amounts: Iterable[Usd]) -> int:
    values = list(amounts)
    return decimals_for(values) if values and max(values) < 1 else 2


def _table(document: AdviceResult, width: int, paint: Paint) -> list[str]:
    saves = "alone $ (assumed)" if document.evidence == ASSUMED else "saves alone $"
    columns = [
        Column(""), Column("lever", right=False), Column(saves), Column("share"),
        Column("together $"),
        Column("", right=False),
    ]  # fmt: skip
    places = _places(row.saves_alone_usd for row in document.levers if row.saves_alone_usd is not None)
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
        return [paint(line, "dim") for line in indented(head + row.evidence, width)]
    lines = indented(head + row.evidence, width)
    if row.status in ("pull", "ask"):
        lines += indented(f"risk: {row.risk}", width, 4)
        lines += indented(f"do: {row.how}", width, 4)
    return lines
