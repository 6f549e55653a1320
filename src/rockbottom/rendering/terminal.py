"""The results as text for a terminal or a log: 80 columns are enough, colour only repeats what signs say."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    change,
    clipped,
    decimals_for,
    milliseconds,
    paragraph,
    table,
    tokens,
    usd,
)
from rockbottom.rendering import sentences
from rockbottom.rendering.quality import quality_text

Json = Mapping[str, Any]
_PASS, _FAIL = "✓", "✗"


def text_of(document: Json, *, width: int = 80, colour: bool = False, every_lane: bool = False) -> str:
    """The whole report as text; ``every_lane`` shows the turns of all lanes and not only of the best."""
    paint = Paint(colour)
    lines: list[str] = []
    for model in document["models"]:
        lines += [*_model(document, model, width, paint, every_lane), ""]
    if len(document["models"]) > 1:
        lines += [*_across(document, width, paint), ""]
    if graded := quality_text(document, width, paint):
        lines += [*graded, ""]
    return "\n".join([*lines, *_footer(document, width, paint)]) + "\n"


def _model(document: Json, model: Json, width: int, paint: Paint, every_lane: bool) -> list[str]:
    lines = _title(document, model, width, paint)
    for lane in model["lanes"]:
        if lane["turns"] and (every_lane or lane["name"] == _shown_lane(model)):
            lines += ["", *_turns(document, lane, width, paint)]
    return [*lines, "", *_lanes(document, model, width, paint), *_verdicts(model, width, paint)]


def _title(document: Json, model: Json, width: int, paint: Paint) -> list[str]:
    workload = document["workload"]
    turns, talks = workload["turns"], workload["conversations"]
    size = f"{turns} turns" if talks == 1 else f"{talks} conversations, {turns} turns"
    name = f"{workload['name']} · {size} · {model['name']}"
    prefix = f"prefix {tokens(model['prefix_tokens'])} tokens"
    how = f"{sentences.where(document)}, {sentences.counting(document, model)}"
    if len(name) + len(prefix) + len(how) + 5 <= width:
        left = f"{name} · {prefix}"
        return [paint(left, "bold") + " " * (width - len(left) - len(how)) + paint(how, "dim")]
    return [paint(clipped(name, width), "bold"), paint(f"  {clipped(f'{prefix} · {how}', width - 2)}", "dim")]


def _shown_lane(model: Json) -> str | None:
    """The lane whose turns are shown: the best one, or else the first that has any."""
    if model["best"]:
        return model["best"]
    return next((lane["name"] for lane in model["lanes"] if lane["turns"]), None)


def _turns(document: Json, lane: Json, width: int, paint: Paint) -> list[str]:
    streamed = any(turn["first_ms"] is not None for turn in lane["turns"])
    talks = document["workload"]["conversations"] > 1
    columns = [
        Column("turn"), Column(lane["name"], right=False, wide=True), Column("input"), Column("read"),
        Column("write"), Column("output"), Column("ms"), *([Column("first")] if streamed else []),
        Column("$"), Column("vs base"), Column("cache", right=False),
    ]  # fmt: skip
    decimals = decimals_for([Decimal(turn["usd"]) for turn in lane["turns"]])
    rows: list[list[Cell]] = []
    for turn in lane["turns"]:
        number = f"{turn['conversation']}.{turn['turn']}" if talks else str(turn["turn"])
        saved = Decimal(turn["saved"]) if turn["saved"] is not None else None
        rows.append([
            Cell(number), Cell(turn["label"]), _count(turn["input"]), _count(turn["read"], "good"),
            _count(turn["write"], "warn"), _count(turn["output"]), Cell(milliseconds(turn["latency_ms"]), "dim"),
            *([Cell(milliseconds(turn["first_ms"]), "dim")] if streamed else []),
            Cell(usd(Decimal(turn["usd"]), decimals)), _saved(saved),
            Cell(turn["cache"], "good" if turn["cache"] == "hit" else "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _lanes(document: Json, model: Json, width: int, paint: Paint) -> list[str]:
    both = any(_differs(lane) for lane in model["lanes"])
    money_columns = [("conversation", "$/conv."), ("requests_1000", "$/1,000 req"), ("month", "$/month")]
    if width >= 110:
        money_columns = [("request", "$/request"), *money_columns[:2], ("day", "$/day"), money_columns[2]]
    columns = [
        Column("lane", right=False), Column("input"), Column("read"), Column("write"), Column("output"),
        *(Column(heading) for _, heading in money_columns), Column("vs base"),
    ]  # fmt: skip
    costs = [lane["cost"] for lane in model["lanes"] if lane["cost"]]
    decimals = {key: decimals_for([Decimal(cost[key]) for cost in costs]) for key, _ in money_columns}
    rows: list[list[Cell]] = []
    for lane in model["lanes"]:
        rows.append(_lane_row(lane, money_columns, decimals, lane["name"] == model["best"]))
        if both and lane["measured_cost"]:
            rows.append(_measured_row(lane, money_columns, decimals))
    return table(columns, rows, width, paint)


def _lane_row(
    lane: Json, money_columns: Sequence[tuple[str, str]], decimals: Mapping[str, int], best: bool
) -> list[Cell]:
    name = Cell(lane["name"], "bold" if best else "")
    if not lane["cost"]:
        return [name, Cell(lane["why"], "bad" if lane["status"] in ("refused", "unfinished") else "dim", spans=True)]
    usage = lane["usage"]
    saved = Decimal(lane["saved"]) if lane["saved"] is not None and lane["name"] != "baseline" else None
    return [
        name, _count(usage["input"]), _count(usage["read"], "good"), _count(usage["write"], "warn"),
        _count(usage["output"]),
        *(Cell(usd(Decimal(lane["cost"][key]), decimals[key]), "bold" if best else "") for key, _ in money_columns),
        _saved(saved),
    ]  # fmt: skip


def _measured_row(lane: Json, money_columns: Sequence[tuple[str, str]], decimals: Mapping[str, int]) -> list[Cell]:
    cost = lane["measured_cost"]
    return [
        Cell("  own output", "dim"), Cell(""), Cell(""), Cell(""),
        Cell(tokens(lane["usage"]["measured_output"]), "dim"),
        *(Cell(usd(Decimal(cost[key]), decimals[key]), "dim") for key, _ in money_columns), Cell(""),
    ]  # fmt: skip


def _differs(lane: Json) -> bool:
    return bool(lane["cost"]) and lane["cost"]["run"] != lane["measured_cost"]["run"]


def _verdicts(model: Json, width: int, paint: Paint) -> list[str]:
    lines: list[str] = []
    size = max(len(lane["name"]) for lane in model["lanes"])
    for lane in model["lanes"]:
        failed = any(not one["passed"] for one in lane["verdicts"])
        if not lane["verdicts"] or (lane["name"] == "baseline" and not failed):
            continue
        said = [(_PASS if one["passed"] else _FAIL) + " " + one["says"] for one in lane["verdicts"]]
        head = f" {lane['name']:<{size}}  "
        room = width - len(head)  # a short verdict stays on one line, a long one breaks between words
        kept = [one if len(one) > room else one.replace(" ", "\0") for one in said]
        for index, line in enumerate(paragraph("   ".join(kept), room)):
            start = head if index == 0 else " " * len(head)
            lines.append(start + _signs(line.replace("\0", " "), paint))
        lines += [
            line
            for one in lane["verdicts"] if one["caution"]
            for line in _paragraph(f"! {one['caution']}", width, paint, indent=len(head))
        ]  # fmt: skip
    return lines


def _signs(line: str, paint: Paint) -> str:
    return line.replace(_PASS, paint(_PASS, "good")).replace(_FAIL, paint(_FAIL, "bad"))


def _across(document: Json, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("model", right=False), Column("no caching $/month"), Column("best lane", right=False),
        Column("$/month"), Column("vs base"), Column("vs dearest"),
    ]  # fmt: skip
    found = document["combined"]
    dearest = Decimal(found["from_cost"]["month"]) if found else None
    rows: list[list[Cell]] = []
    for model in document["models"]:
        lanes = {lane["name"]: lane for lane in model["lanes"]}
        base, best = lanes["baseline"], lanes.get(model["best"] or "")
        if not base["cost"] or not best:
            rows.append([Cell(model["name"]), Cell(base["why"] or "not finished", "bad", spans=True)])
            continue
        least = Decimal(best["cost"]["month"])
        rows.append([
            Cell(model["name"]), Cell(usd(Decimal(base["cost"]["month"]), 2)), Cell(best["name"]),
            Cell(usd(least, 2), "bold"), _saved(Decimal(best["saved"] or 0)),
            _saved(1 - least / dearest if dearest else None),
        ])  # fmt: skip
    lines = table(columns, rows, width, paint)
    if said := sentences.combined(document):
        lines += _paragraph(said, width, paint, style="bold")
    return lines


def _footer(document: Json, width: int, paint: Paint) -> list[str]:
    facts = [
        sentences.traffic(document), sentences.outputs(document), sentences.priced(document),
        sentences.timing(document),
    ]  # fmt: skip
    if document["provenance"]["repeats"] > 1:
        facts.append(sentences.repeats(document))
    lines = _paragraph(" · ".join(facts), width, paint)
    lines += _paragraph(sentences.month_formed(), width, paint)
    if document["provenance"]["note"]:
        lines += _paragraph(document["provenance"]["note"], width, paint)
    for said in sentences.contested(document):
        lines += _paragraph(f"contested: {said}", width, paint, style="warn")
    return lines


def _paragraph(text: str, width: int, paint: Paint, *, style: str = "dim", indent: int = 1) -> list[str]:
    space = " " * indent
    return [paint(line, style) for line in paragraph(text, width, space, space + "  ")]


def _count(value: int | None, style: str = "") -> Cell:
    return Cell(tokens(value), style if value else "dim")


def _saved(saved: Decimal | None) -> Cell:
    if saved is None:
        return Cell("")
    return Cell(change(saved), "good" if saved > 0 else "bad" if saved < 0 else "dim")
