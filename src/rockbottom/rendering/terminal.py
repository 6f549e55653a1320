"""The results as text for a terminal or a log: 80 columns are enough, colour only repeats what signs say."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from rockbottom.documents import BenchLane, BenchModel, BenchResults, Costs
from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    clipped,
    counted,
    decimals_for,
    milliseconds,
    paragraph,
    table,
    tokens,
    usd,
)
from rockbottom.quantities import Usd
from rockbottom.rendering import sentences
from rockbottom.rendering.answers import caches_by_itself, headline, notes, told_lane
from rockbottom.rendering.buckets import BUCKETS, by_bucket
from rockbottom.rendering.estimates import besides_text
from rockbottom.rendering.quality import quality_text
from rockbottom.rendering.sentences import saved_cell

_PASS, _FAIL = "✓", "✗"
Amount = Callable[[Costs], Usd]
_NARROW: tuple[tuple[str, Amount], ...] = (
    ("$/conv.", lambda cost: cost.conversation),
    ("$/month (assumed)", lambda cost: cost.month),
)
_BROAD: tuple[tuple[str, Amount], ...] = (
    ("$/request", lambda cost: cost.request), _NARROW[0], ("$/1,000 req", lambda cost: cost.requests_1000), _NARROW[1],
)  # fmt: skip


def text_of(document: BenchResults, *, width: int = 80, colour: bool = False, every_lane: bool = False) -> str:
    """The whole report as text, under the headline; ``every_lane`` shows the turns of all lanes, not only of one."""
    paint = Paint(colour)
    lines = [*_paragraph(" ".join(headline(document)), width, paint, style="bold", indent=0)]
    lines += [line for note in notes(document, by_lane=True) for line in _paragraph(note, width, paint)] + [""]
    for model in document.models:
        lines += [*_model(document, model, width, paint, every_lane), ""]
    if len(document.models) > 1:
        lines += [*_across(document, width, paint), ""]
    if graded := quality_text(document, width, paint):
        lines += [*graded, ""]
    if document.beside:
        lines += [*besides_text(document.beside, width, paint), ""]
    return "\n".join([*lines, *_footer(document, width, paint)]) + "\n"


def _model(document: BenchResults, model: BenchModel, width: int, paint: Paint, every_lane: bool) -> list[str]:
    lines = _title(document, model, width, paint)
    for lane in model.lanes:
        if lane.turns and (every_lane or lane is _shown_lane(model)):
            lines += ["", *_turns(document, lane, width, paint)]
    return [*lines, "", *_lanes(model, width, paint), *_split(model, width, paint), *_verdicts(model, width, paint)]


def _title(document: BenchResults, model: BenchModel, width: int, paint: Paint) -> list[str]:
    workload = document.workload
    turns, talks = workload.turns, workload.conversations
    size = counted(turns, "turn") if talks == 1 else f"{counted(talks, 'conversation')}, {counted(turns, 'turn')}"
    name = f"{workload.name} · {size} · {model.name}"
    prefix = f"prefix {tokens(model.prefix_tokens)} tokens"
    how = f"{sentences.where(document)}, {sentences.counting(document, model)}"
    if len(name) + len(prefix) + len(how) + 5 <= width:
        left = f"{name} · {prefix}"
        return [paint(left, "bold") + " " * (width - len(left) - len(how)) + paint(how, "dim")]
    return [paint(clipped(name, width), "bold"), paint(f"  {clipped(f'{prefix} · {how}', width - 2)}", "dim")]


def _shown_lane(model: BenchModel) -> BenchLane | None:
    """The lane whose turns are shown: the one that the headline speaks of, or else the first that has any."""
    return told_lane(model) or next((lane for lane in model.lanes if lane.turns), None)


def _turns(document: BenchResults, lane: BenchLane, width: int, paint: Paint) -> list[str]:
    streamed = any(turn.first_ms is not None for turn in lane.turns)
    talks = document.workload.conversations > 1
    columns = [
        Column("turn"), Column(lane.name, right=False, wide=True), Column("input"), Column("read"),
        Column("write"), Column("output"), Column("ms"), *([Column("first")] if streamed else []),
        Column("$"), Column("change"), Column("cache", right=False),
    ]  # fmt: skip
    decimals = decimals_for([turn.usd for turn in lane.turns])
    rows: list[list[Cell]] = []
    for turn in lane.turns:
        rows.append([
            Cell(f"{turn.conversation}.{turn.turn}" if talks else str(turn.turn)), Cell(turn.label),
            _count(turn.input), _count(turn.read, "good"), _count(turn.write, "warn"), _count(turn.output),
            Cell(milliseconds(turn.latency_ms), "dim"),
            *([Cell(milliseconds(turn.first_ms), "dim")] if streamed else []),
            Cell(usd(turn.usd, decimals)), saved_cell(turn.saved),
            Cell(turn.cache, "good" if turn.cache == "hit" else "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _lanes(model: BenchModel, width: int, paint: Paint) -> list[str]:
    both = any(_differs(lane) for lane in model.lanes)
    chosen = _BROAD if width >= 110 else _NARROW
    columns = [
        Column("lane", right=False), Column("input"), Column("read"), Column("write"), Column("output"),
        *(Column(heading) for heading, _ in chosen), Column("change"),
    ]  # fmt: skip
    costs = [lane.cost for lane in model.lanes if lane.cost]
    amounts = [(amount, decimals_for(map(amount, costs))) for _, amount in chosen]
    rows: list[list[Cell]] = []
    for lane in model.lanes:
        rows.append(_lane_row(lane, amounts, lane is told_lane(model)))
        if both and lane.usage and lane.measured_cost:
            own = [Cell(tokens(lane.usage.measured_output), "dim"), *_bills(lane.measured_cost, amounts, "dim")]
            rows.append([Cell("  own output", "dim"), Cell(""), Cell(""), Cell(""), *own, Cell("")])
    return table(columns, rows, width, paint)


def _split(model: BenchModel, width: int, paint: Paint) -> list[str]:
    """What the bill of each lane is made of, in dollars a month."""
    splits = [(lane, sums) for lane in model.lanes if (sums := by_bucket(lane))]
    if not splits:
        return []
    places = decimals_for([amount for _, sums in splits for amount in sums.values()])
    columns = [Column("$ a month (assumed)", right=False), *(Column(bucket) for bucket in BUCKETS), Column("in all")]
    rows = [
        [
            Cell(lane.name, "bold" if lane is told_lane(model) else ""),
            *(Cell(usd(sums[bucket], places) if bucket in sums else "") for bucket in BUCKETS),
            Cell(usd(sum(sums.values(), Decimal(0)), places)),
        ]
        for lane, sums in splits
    ]
    return ["", *table(columns, rows, width, paint)]


def _lane_row(lane: BenchLane, amounts: Sequence[tuple[Amount, int]], best: bool) -> list[Cell]:
    style = "bold" if best else ""
    name, cost, usage = Cell(lane.name, style), lane.cost, lane.usage
    if cost is None or usage is None:
        return [name, Cell(lane.why, "bad" if lane.status in ("refused", "unfinished") else "dim", spans=True)]
    return [
        name, _count(usage.input), _count(usage.read, "good"), _count(usage.write, "warn"), _count(usage.output),
        *_bills(cost, amounts, style), saved_cell(lane.saved if lane.name != "baseline" else None),
    ]  # fmt: skip


def _bills(cost: Costs, amounts: Sequence[tuple[Amount, int]], style: str) -> list[Cell]:
    return [Cell(usd(amount(cost), places), style) for amount, places in amounts]


def _differs(lane: BenchLane) -> bool:
    return lane.cost is not None and lane.measured_cost is not None and lane.cost.run != lane.measured_cost.run


def _verdicts(model: BenchModel, width: int, paint: Paint) -> list[str]:
    lines: list[str] = []
    size = max(len(lane.name) for lane in model.lanes)
    for lane in model.lanes:
        if not lane.verdicts or (lane.name == "baseline" and all(verdict.passed for verdict in lane.verdicts)):
            continue
        texts = [(_PASS if verdict.passed else _FAIL) + " " + verdict.says for verdict in lane.verdicts]
        head = f" {lane.name:<{size}}  "
        room = width - len(head)  # a short verdict stays on one line, a long one breaks between words
        unbroken = [text if len(text) > room else text.replace(" ", "\0") for text in texts]
        for index, line in enumerate(paragraph("   ".join(unbroken), room)):
            start = head if index == 0 else " " * len(head)
            lines.append(start + _signs(line.replace("\0", " "), paint))
        for caution in (verdict.caution for verdict in lane.verdicts if verdict.caution):
            lines += _paragraph(f"! {caution}", width, paint, indent=len(head))
    return lines


def _signs(line: str, paint: Paint) -> str:
    return line.replace(_PASS, paint(_PASS, "good")).replace(_FAIL, paint(_FAIL, "bad"))


def _before(document: BenchResults) -> str:
    return "as it comes" if any(map(caches_by_itself, document.models)) else "no caching"


def _across(document: BenchResults, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("$ a month (assumed)", right=False), Column(_before(document)), Column("best lane", right=False),
        Column("by it"), Column("change"), Column("vs dearest"),
    ]  # fmt: skip
    dearest = document.combined.from_cost.month if document.combined else None
    rows: list[list[Cell]] = []
    for model in document.models:
        base, best = model.baseline, model.best_lane
        if base.cost is None or best is None or best.cost is None:
            rows.append([Cell(model.name), Cell(base.why or "not finished", "bad", spans=True)])
            continue
        least = best.cost.month
        rows.append([
            Cell(model.name), Cell(usd(base.cost.month, 2)), Cell(best.name), Cell(usd(least, 2), "bold"),
            saved_cell(best.saved or Decimal(0)), saved_cell(1 - least / dearest if dearest else None),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _footer(document: BenchResults, width: int, paint: Paint) -> list[str]:
    facts = [
        f"assumed: {sentences.traffic(document)}", sentences.outputs(document), sentences.priced(document),
        sentences.timing(document),
    ]  # fmt: skip
    if document.provenance.repeats > 1:
        facts.append(sentences.repeats(document))
    lines = _paragraph(" · ".join(facts), width, paint)
    lines += _paragraph(sentences.month_formed(), width, paint)
    if document.provenance.note:
        lines += _paragraph(document.provenance.note, width, paint)
    for sentence in sentences.contested(document):
        lines += _paragraph(f"contested: {sentence}", width, paint, style="warn")
    return lines


def _paragraph(text: str, width: int, paint: Paint, *, style: str = "dim", indent: int = 1) -> list[str]:
    space = " " * indent
    return [paint(line, style) for line in paragraph(text, width, space, space + "  ")]


def _count(value: int | None, style: str = "") -> Cell:
    return Cell(tokens(value), style if value else "dim")
