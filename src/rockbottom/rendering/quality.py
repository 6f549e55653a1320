"""Cost against quality: what grading found, as words, as a table of a terminal, and as an SVG of the page."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import escape
from typing import Any

from rockbottom.figures import Cell, Column, Paint, decimals_for, paragraph, share, table, usd

Json = Mapping[str, Any]
_WIDE, _HIGH, _LEFT, _BOTTOM, _RIGHT, _TOP = 560, 280, 56, 52, 170, 14
_CELLS = 21


def quality_text(document: Json, width: int, paint: Paint) -> list[str]:
    """The lines for a terminal; none where nothing was graded."""
    found = document.get("grading")
    if not found:
        return []
    if found["simulated"]:
        return _wrapped(_ran(found), width, paint, "warn")
    lines = _table(found, width, paint)
    for said, style in sentences_of(found):
        lines += _wrapped(said, width, paint, style)
    return lines


def sentences_of(found: Json) -> Iterator[tuple[str, str]]:
    """What was found in words, each with a style: the verdict first, then the judge, then how it is counted."""
    if found["simulated"]:
        yield _ran(found), "warn"
        return
    yield from _verdict(found)
    for model in found["models"]:
        if model["undecided"]:
            yield (
                f"{model['name']}: {model['undecided']} conversations undecided, and not counted",
                "warn",
            )
    if found["judge"]:
        yield from _judge(found)
    yield (
        (f"quality: share of {found['unit']}; interval: {found['interval']}, repeats of a conversation count as one"),
        "dim",
    )


def quality_section(document: Json) -> str:
    """The section of the page; nothing where nothing was graded."""
    found = document.get("grading")
    if not found:
        return ""
    if found["simulated"]:
        return f'<section><h2>Quality</h2><p class="note warn">{escape(_ran(found))}</p></section>'
    words = "".join(
        f'<p class="note{" warn" if style == "warn" else ""}">{escape(said[0].upper() + said[1:])}.</p>'
        if style != "bold" else f"<p><b>{escape(said[0].upper() + said[1:])}.</b></p>"
        for said, style in sentences_of(found)
    )  # fmt: skip
    svg = quality_svg(found)
    chart = f'<figure class="scroll" tabindex="0">{svg}</figure>' if svg else ""
    return f"<section><h2>Cost against quality</h2>{chart}{words}{_html_table(found)}</section>"


def quality_svg(found: Json) -> str:
    """Every model as a point: a month's bill across, the share that passed up, its interval as a line."""
    models = [one for one in found["models"] if one["usd_month"] is not None and one["share"] is not None]
    if not models:
        return ""
    most = max(float(one["usd_month"]) for one in models) or 1.0
    parts = list(_axes(most))
    if found["bar"] is not None:
        y = _y(float(found["bar"]))
        parts.append(
            f'<line class="axis" style="stroke:var(--ink);stroke-dasharray:4 4" x1="{_LEFT}" x2="{_LEFT + _WIDE}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/><text class="soft" x="{_LEFT + 4}" y="{y - 5:.1f}">bar '
            f"{share(float(found['bar']))}</text>"
        )
    edge = sorted((one for one in models if one["frontier"]), key=lambda one: float(one["usd_month"]))
    dots = " ".join(f"{_x(one, most):.1f},{_y(one['share']):.1f}" for one in edge)
    parts.append(f'<polyline style="fill:none;stroke:var(--read);stroke-width:2" points="{dots}"/>')
    parts += [_point(one, most) for one in models]
    spoken = escape("; ".join(_spoken(one) for one in models), quote=True)
    width, height = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{spoken}">{"".join(parts)}</svg>'
    )


def _ran(found: Json) -> str:
    votes = f" and {found['votes_had']:,} votes" if found["votes_had"] else ""
    return f"{found['says']} (the answers are the local endpoint's; {found['checks_run']:,} checks{votes} ran)"


def _table(found: Json, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("model", right=False, wide=True), Column("$/month"), Column("with", right=False), Column("passed"),
        Column("95%"), Column("0%".ljust(_CELLS - 4) + "100%", right=False), Column("", right=False),
    ]  # fmt: skip
    bills = [Decimal(one["usd_month"]) for one in found["models"] if one["usd_month"] is not None]
    places = decimals_for(bills)
    rows: list[list[Cell]] = []
    for one in sorted(found["models"], key=lambda model: Decimal(model["usd_month"] or 0)):
        name, bill = Cell(one["name"]), _bill(one, places)
        if one["share"] is None:
            rows.append([name, Cell(bill), Cell(one["lane"] or ""), Cell("nothing graded", "dim", spans=True)])
            continue
        styles = {"over": "good", "under": "bad"}
        rows.append([
            name, Cell(bill), Cell(one["lane"] or ""), Cell(_counted(one)), Cell(_between(one)),
            Cell(_line(one, found["bar"]), styles.get(one["standing"] or "", "")),
            Cell("frontier" if one["frontier"] else "", "dim"),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _line(one: Json, bar: str | None) -> str:
    """An interval on a line of cells from 0% to 100%, with the bar as ``|``."""
    cells = [" "] * _CELLS
    low, high, middle = (round(one[key] * (_CELLS - 1)) for key in ("low", "high", "share"))
    cells[low : high + 1] = ["─"] * (high + 1 - low)
    if bar is not None:
        cells[round(float(bar) * (_CELLS - 1))] = "|"
    cells[middle] = "●"
    return "".join(cells)


def _verdict(found: Json) -> Iterator[tuple[str, str]]:
    verdict = found["verdict"]
    if verdict is None:
        yield "no bar was given (--bar 0.9), so there is no verdict", "dim"
        return
    by_name = {one["name"]: one for one in found["models"]}
    bar = share(float(found["bar"]))
    cheapest = by_name.get(verdict["cheapest"] or "")
    if cheapest:
        yield (
            (
                f"{cheapest['name']} is the cheapest model over the bar of {bar}: {_counted(cheapest)} conversations "
                f"passed, with 95% confidence {_between(cheapest)}; ${_month(cheapest)} a month with {cheapest['lane']}"
            ),
            "bold",
        )
    else:
        yield f"no model is known to be over the bar of {bar}", "bold"
    for one in verdict["open"]:
        model, count = by_name[one["name"]], one["conversations_needed"]
        more = f"; about {count:,} conversations would, if that share held" if count else ""
        yield (
            (
                f"{model['name']} (${_month(model)}): not enough to say: {_counted(model)} passed, and "
                f"{_between(model)} spans the bar{more}"
            ),
            "warn",
        )


def _judge(found: Json) -> Iterator[tuple[str, str]]:
    judge = found["judge"]
    invalid = sum(votes["invalid"] for model in found["models"] for votes in model["votes"].values())
    said = f"judge {judge['name']}: {judge['votes']:,} votes, ${usd(Decimal(judge['usd']))}, {invalid:,} invalid"
    for kind in ("rubric", "pair"):
        if judge[kind]:
            said += f"; by {kind} {_agreement(judge[kind])}"
    yield said, "dim"
    pair = judge["pair"]
    if pair and pair["decided"]:
        yield (
            (
                f"order: {pair['first_preferred']} of {pair['decided']} decided votes preferred the answer shown "
                f"first; {pair['flipped']} of {pair['swapped_pairs']} swapped pairs changed the winner"
            ),
            "dim",
        )
    if judge["judges_itself"]:
        yield f"{judge['name']} judges its own answers here; judges favour their own", "warn"
    elif judge["same_vendor"]:
        yield f"the judge comes from the vendor of {', '.join(judge['same_vendor'])}; judges favour relatives", "warn"


def _agreement(one: Json) -> str:
    if one["agreement"] is None:
        return "no two votes on one answer to compare"
    kappa = "no kappa: every vote was the same" if one["kappa"] is None else f"kappa {one['kappa']:.2f}"
    return f"{share(one['agreement'])} of votes agree ({kappa})"


def _axes(most: float) -> Iterator[str]:
    places = decimals_for([Decimal(str(most))])
    for part in (0.0, 0.5, 1.0):
        y, x = _y(part), _LEFT + _WIDE * part
        yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share(part)}</text>'
        label = usd(Decimal(str(most * part)), places)
        yield f'<text class="soft" x="{x:.1f}" y="{_TOP + _HIGH + 20}" text-anchor="middle">${label}</text>'
    middle = _LEFT + _WIDE / 2
    said = "a month by the cheapest lane; the share of conversations that passed upwards"
    yield f'<text class="soft" x="{middle}" y="{_TOP + _HIGH + 42}" text-anchor="middle">{said}</text>'


def _point(one: Json, most: float) -> str:
    x, y = _x(one, most), _y(one["share"])
    fill = "var(--read)" if one["frontier"] else "var(--uncached)"
    return (
        f'<line style="stroke:{fill};stroke-width:2" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(one["low"]):.1f}" '
        f'y2="{_y(one["high"]):.1f}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill:{fill}">'
        f'<title>{escape(_spoken(one))}</title></circle><text x="{x + 9:.1f}" y="{y + 17:.1f}">{escape(one["name"])}'
        "</text>"
    )


def _html_table(found: Json) -> str:
    rows = "".join(
        f"<tr><td>{escape(one['name'])}</td><td>{escape(_bill(one, 2))}</td><td class=words>{escape(one['lane'] or '')}"
        f"</td><td>{_counted(one) if one['share'] is not None else 'nothing graded'}</td><td>"
        f"{_between(one) if one['share'] is not None else ''}</td><td class=words>{escape(one['standing'] or '')}</td>"
        f"<td class=words>{'frontier' if one['frontier'] else ''}</td></tr>"
        for one in found["models"]
    )
    heads = ("model", "$ / month", " lane", "passed", "95% between", " the bar", " ")
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr>'
        + "".join(f"<th scope=col{' class=words' * head.startswith(' ')}>{head.strip()}</th>" for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _x(one: Json, most: float) -> float:
    return _LEFT + _WIDE * float(one["usd_month"]) / most


def _y(share: float) -> float:
    return _TOP + _HIGH * (1 - share)


def _spoken(one: Json) -> str:
    return f"{one['name']}: ${_month(one)} a month, {_counted(one)} passed, between {_between(one)}"


def _counted(one: Json) -> str:
    return f"{one['passed']:g} of {one['conversations']:,}"


def _between(one: Json) -> str:
    return f"{share(one['low'])}–{share(one['high'])}"


def _month(one: Json) -> str:
    return "?" if one["usd_month"] is None else usd(Decimal(one["usd_month"]), 2)


def _bill(one: Json, places: int) -> str:
    return "" if one["usd_month"] is None else usd(Decimal(one["usd_month"]), places)


def _wrapped(text: str, width: int, paint: Paint, style: str) -> list[str]:
    return [paint(line, style) for line in paragraph(text, width, " ", "   ")]
