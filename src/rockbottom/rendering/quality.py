"""Cost against quality: what grading found, as words, as a table of a terminal, and as an SVG of the page."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from typing import NamedTuple

from rockbottom.documents import (
    AgreementResult,
    BenchResults,
    GradedAnswers,
    GradedModel,
    GradedVerdict,
    GradingResult,
    JudgeRow,
    SimulatedGrading,
)
from rockbottom.figures import Cell, Column, Paint, decimals_for, indented, share, table, usd

_WIDE, _HIGH, _LEFT, _BOTTOM, _RIGHT, _TOP = 560, 280, 56, 52, 170, 14
_CELLS = 21


def quality_text(document: BenchResults, width: int, paint: Paint) -> list[str]:
    """The lines for a terminal; none where nothing was graded."""
    grading = document.grading
    if grading is None:
        return []
    lines = _table(grading, width, paint) if isinstance(grading, GradedAnswers) else []
    for sentence, style in sentences_of(grading):
        lines += _painted(sentence, width, paint, style)
    return lines


def sentences_of(grading: GradingResult) -> Iterator[tuple[str, str]]:
    """What was found in words, each with a style: the verdict first, then the judge, then how it is counted."""
    if isinstance(grading, SimulatedGrading):
        yield _ran(grading), "warn"
    if not isinstance(grading, GradedAnswers):
        return
    yield from _verdict(grading, grading.verdict)
    for model in grading.models:
        if model.undecided:
            yield f"{model.name}: {model.undecided} conversations undecided, and not counted", "warn"
    if grading.judge:
        yield from _judge(grading.judge, sum(model.votes.invalid for model in grading.models))
    yield (
        f"quality: share of {grading.unit}; interval: {grading.interval}, repeats of a conversation count as one",
        "dim",
    )


def quality_section(document: BenchResults) -> str:
    """The section of the page; nothing where nothing was graded."""
    grading = document.grading
    if isinstance(grading, SimulatedGrading):
        return f'<section><h2>Quality</h2><p class="note warn">{escape(_ran(grading))}</p></section>'
    if not isinstance(grading, GradedAnswers):
        return ""
    words = "".join(
        f'<p class="note{" warn" if style == "warn" else ""}">{escape(sentence[0].upper() + sentence[1:])}.</p>'
        if style != "bold" else f"<p><b>{escape(sentence[0].upper() + sentence[1:])}.</b></p>"
        for sentence, style in sentences_of(grading)
    )  # fmt: skip
    svg = quality_svg(grading)
    chart = f'<figure class="scroll" tabindex="0">{svg}</figure>' if svg else ""
    return f"<section><h2>Cost against quality</h2>{chart}{words}{_html_table(grading)}</section>"


def quality_svg(grading: GradedAnswers) -> str:
    """Every model as a point: a month's bill across, the share that passed up, its interval as a line."""
    points = [point for model in grading.models if (point := _point_of(model)) is not None]
    if not points:
        return ""
    most = max(point.usd for point in points) or 1.0
    parts = list(_axes(most))
    if grading.bar is not None:
        y = _y(float(grading.bar))
        parts.append(
            f'<line class="axis" style="stroke:var(--ink);stroke-dasharray:4 4" x1="{_LEFT}" x2="{_LEFT + _WIDE}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/><text class="soft" x="{_LEFT + 4}" y="{y - 5:.1f}">bar '
            f"{share(float(grading.bar))}</text>"
        )
    edge = sorted((point for point in points if point.model.frontier), key=lambda point: point.usd)
    dots = " ".join(f"{_x(point, most):.1f},{_y(point.share):.1f}" for point in edge)
    parts.append(f'<polyline style="fill:none;stroke:var(--read);stroke-width:2" points="{dots}"/>')
    parts += [_dot(point, most) for point in points]
    spoken = escape("; ".join(_spoken(point.model) for point in points), quote=True)
    width, height = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{spoken}">{"".join(parts)}</svg>'
    )


class _Point(NamedTuple):
    """A model with a bill and a share of conversations that passed."""

    model: GradedModel
    usd: float
    share: float
    low: float
    high: float


def _point_of(model: GradedModel) -> _Point | None:
    if model.usd_month is None or model.share is None or model.low is None or model.high is None:
        return None
    return _Point(model, float(model.usd_month), model.share, model.low, model.high)


def _ran(grading: SimulatedGrading) -> str:
    votes = f" and {grading.votes_had:,} votes" if grading.votes_had else ""
    return f"{grading.says} (the answers are the local endpoint's; {grading.checks_run:,} checks{votes} ran)"


def _table(grading: GradedAnswers, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("model", right=False, wide=True), Column("$/month"), Column("with", right=False), Column("passed"),
        Column("95%"), Column("0%".ljust(_CELLS - 4) + "100%", right=False), Column("", right=False),
    ]  # fmt: skip
    places = decimals_for([model.usd_month for model in grading.models if model.usd_month is not None])
    rows: list[list[Cell]] = []
    for model in sorted(grading.models, key=lambda model: model.usd_month or Decimal(0)):
        start = [Cell(model.name), Cell(_bill(model, places)), Cell(model.lane or "")]
        if model.share is None:
            rows.append([*start, Cell("nothing graded", "dim", spans=True)])
            continue
        styles = {"over": "good", "under": "bad"}
        rows.append([
            *start, Cell(_counted(model)), Cell(_between(model)),
            Cell(_line(model, grading.bar), styles.get(model.standing or "", "")),
            Cell("frontier" if model.frontier else "", "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _line(model: GradedModel, bar: Decimal | None) -> str:
    """An interval on a line of cells from 0% to 100%, with the bar as ``|``."""
    cells = [" "] * _CELLS
    low, high, middle = (round((part or 0) * (_CELLS - 1)) for part in (model.low, model.high, model.share))
    cells[low : high + 1] = ["─"] * (high + 1 - low)
    if bar is not None:
        cells[round(float(bar) * (_CELLS - 1))] = "|"
    cells[middle] = "●"
    return "".join(cells)


def _verdict(grading: GradedAnswers, verdict: GradedVerdict | None) -> Iterator[tuple[str, str]]:
    if verdict is None or grading.bar is None:
        yield "no bar was given (--bar 0.9), so there is no verdict", "dim"
        return
    by_name = {model.name: model for model in grading.models}
    bar = share(float(grading.bar))
    cheapest = by_name.get(verdict.cheapest or "")
    if cheapest:
        yield (
            f"{cheapest.name} is the cheapest model over the bar of {bar}: {_counted(cheapest)} conversations "
            f"passed, with 95% confidence {_between(cheapest)}; ${_month(cheapest)} a month with {cheapest.lane}",
            "bold",
        )
    else:
        yield f"no model is known to be over the bar of {bar}", "bold"
    for candidate in verdict.open:
        model, count = by_name[candidate.name], candidate.conversations_needed
        more = f"; about {count:,} conversations would be enough, if that share holds" if count else ""
        yield (
            f"{model.name} (${_month(model)}): not enough to say: {_counted(model)} passed, and "
            f"{_between(model)} spans the bar{more}",
            "warn",
        )


def _judge(judge: JudgeRow, invalid: int) -> Iterator[tuple[str, str]]:
    text = f"judge {judge.name}: {judge.votes:,} votes, ${usd(judge.usd)}, {invalid:,} invalid"
    for kind, agreement in (("rubric", judge.rubric), ("pair", judge.pair)):
        if agreement:
            text += f"; by {kind} {_agreement(agreement)}"
    yield text, "dim"
    pair = judge.pair
    if pair and pair.decided:
        yield (
            f"order: {pair.first_preferred} of {pair.decided} decided votes preferred the answer shown "
            f"first; {pair.flipped} of {pair.swapped_pairs} swapped pairs changed the winner",
            "dim",
        )
    if judge.judges_itself:
        yield f"{judge.name} judges its own answers here; judges favour their own", "warn"
    elif judge.same_vendor:
        yield (
            f"the judge comes from the vendor of {', '.join(judge.same_vendor)}; judges favour models of their own "
            "vendor",
            "warn",
        )


def _agreement(agreement: AgreementResult) -> str:
    if agreement.agreement is None:
        return "no two votes on one answer to compare"
    kappa = "no kappa: every vote was the same" if agreement.kappa is None else f"kappa {agreement.kappa:.2f}"
    return f"{share(agreement.agreement)} of votes agree ({kappa})"


def _axes(most: float) -> Iterator[str]:
    places = decimals_for([Decimal(str(most))])
    for part in (0.0, 0.5, 1.0):
        y, x = _y(part), _LEFT + _WIDE * part
        yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share(part)}</text>'
        label = usd(Decimal(str(most * part)), places)
        yield f'<text class="soft" x="{x:.1f}" y="{_TOP + _HIGH + 20}" text-anchor="middle">${label}</text>'
    middle = _LEFT + _WIDE / 2
    caption = "a month by the cheapest lane; the share of conversations that passed upwards"
    yield f'<text class="soft" x="{middle}" y="{_TOP + _HIGH + 42}" text-anchor="middle">{caption}</text>'


def _dot(point: _Point, most: float) -> str:
    x, y = _x(point, most), _y(point.share)
    fill = "var(--read)" if point.model.frontier else "var(--uncached)"
    return (
        f'<line style="stroke:{fill};stroke-width:2" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(point.low):.1f}" '
        f'y2="{_y(point.high):.1f}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill:{fill}">'
        f"<title>{escape(_spoken(point.model))}</title></circle>"
        f'<text x="{x + 9:.1f}" y="{y + 17:.1f}">{escape(point.model.name)}</text>'
    )


def _html_table(grading: GradedAnswers) -> str:
    rows = "".join(
        f"<tr><td>{escape(model.name)}</td><td>{escape(_bill(model, 2))}</td>"
        f"<td class=words>{escape(model.lane or '')}</td>"
        f"<td>{'nothing graded' if model.share is None else _counted(model)}</td>"
        f"<td>{'' if model.share is None else _between(model)}</td>"
        f"<td class=words>{escape(model.standing or '')}</td>"
        f"<td class=words>{'frontier' if model.frontier else ''}</td></tr>"
        for model in grading.models
    )
    heads = ("model", "$ / month", " lane", "passed", "95% between", " the bar", " ")
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr>'
        + "".join(f"<th scope=col{' class=words' * head.startswith(' ')}>{head.strip()}</th>" for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _x(point: _Point, most: float) -> float:
    return _LEFT + _WIDE * point.usd / most


def _y(share: float) -> float:
    return _TOP + _HIGH * (1 - share)


def _spoken(model: GradedModel) -> str:
    return f"{model.name}: ${_month(model)} a month, {_counted(model)} passed, between {_between(model)}"


def _counted(model: GradedModel) -> str:
    return f"{model.passed:g} of {model.conversations:,}"


def _between(model: GradedModel) -> str:
    return f"{share(model.low or 0.0)}–{share(model.high or 0.0)}"


def _month(model: GradedModel) -> str:
    return "?" if model.usd_month is None else usd(model.usd_month, 2)


def _bill(model: GradedModel, places: int) -> str:
    return "" if model.usd_month is None else usd(model.usd_month, places)


def _painted(text: str, width: int, paint: Paint, style: str) -> list[str]:
    return [paint(line, style) for line in indented(text, width)]
