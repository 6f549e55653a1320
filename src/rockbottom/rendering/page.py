"""The report page: one self-contained HTML file, drawn from the results of a bench run.

No network, no library: styles and the small script are put into the page, charts are SVG written here. Every text
that comes from the run is escaped; the page's own policy forbids everything else.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from html import escape
from importlib import resources

from rockbottom.documents import BenchLane, BenchModel, BenchResults, Costs, PriceRow, Verdict
from rockbottom.figures import Cell, change, counted, decimals_for, page_colours, share, tokens, usd
from rockbottom.quantities import Usd
from rockbottom.rendering import sentences
from rockbottom.rendering.answers import (
    attached_lanes,
    before_words,
    dearest_model,
    headline,
    lane_words,
    model_heads,
    model_rows,
    notes,
    told_lane,
)
from rockbottom.rendering.comma import csv_of
from rockbottom.rendering.quality import quality_section
from rockbottom.rendering.stacks import KINDS, lane_numbers, stacks_svgs
from rockbottom.rendering.waterfall import combined_steps, steps_of, waterfall_svg

_COSTS: tuple[tuple[str, Callable[[Costs], Usd]], ...] = (
    ("$ / month (assumed)", lambda cost: cost.month),
    ("$ / conversation", lambda cost: cost.conversation),
    ("$ / request", lambda cost: cost.request),
    ("$ / 1,000 requests", lambda cost: cost.requests_1000),
    ("$ / day (assumed)", lambda cost: cost.day),
)


def page_of(document: BenchResults) -> str:
    focus = _focus(document)
    body = "".join([
        _header(document, focus), _waterfall(document, focus), _models(document), quality_section(document),
        _lanes(document), _verdicts(document, focus), _stacks(document, focus), _provenance(document),
    ])  # fmt: skip
    style, script = page_colours() + _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src '{_digest(script)}'"
    title = escape(f"{document.workload.name}: what it costs on Bedrock")
    csv = _json_text(csv_of(document))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><main>{body}</main>"
        '<div id="tip" class="tip" role="status" hidden></div>'
        f'<script type="application/json" id="csv">{csv}</script><script>{script}</script></body></html>\n'
    )


def _focus(document: BenchResults) -> BenchModel:
    """The model that the headline speaks of; the first where none was finished."""
    return dearest_model(document) or document.models[0]


def _header(document: BenchResults, model: BenchModel) -> str:
    base, lane = model.baseline, told_lane(model)
    first, *others = headline(document)
    parts = [
        f'<header><p class="kicker">{_kicker(document, model)}</p>',
        f"<h1>{escape(first)}</h1>",
        *(f"<p>{escape(sentence)}</p>" for sentence in others),
    ]
    if base.cost and lane and lane.cost:
        how = "simulated locally" if document.provenance.simulated else "measured"
        saved = lane.saved or Decimal(0)
        parts.append(
            '<div class="three">'
            f"<div><span>a month {before_words(model)}, at the assumed traffic</span>"
            f"<strong>${sentences.month(base.cost.month)}</strong></div>"
            f"<div><span>with {escape(lane_words(lane))}, {how}</span>"
            f"<strong>${sentences.month(lane.cost.month)}</strong></div>"
            f'<div class="best"><span>{"dearer" if saved < 0 else "saved"}</span>'
            f"<strong>{share(abs(saved))}</strong></div>"
            "</div>"
        )
    facts = [f"assumed: {sentences.traffic(document)}", sentences.outputs(document), sentences.priced(document)]
    parts.append(f'<p class="note">{escape(" · ".join(facts))}</p>')
    parts += [
        f'<p class="note warn">Contested: {escape(sentence)}.</p>' for sentence in sentences.contested(document, model)
    ]
    return "".join(parts) + "</header>"


def _kicker(document: BenchResults, model: BenchModel) -> str:
    facts = [
        document.workload.name, counted(document.workload.turns, "turn"), model.name,
        f"prefix {tokens(model.prefix_tokens)} tokens", sentences.where(document),
        sentences.counting(document, model),
    ]  # fmt: skip
    return escape(" · ".join(facts))


def _waterfall(document: BenchResults, model: BenchModel) -> str:
    steps = steps_of(document, model)
    if len(steps) < 2:
        return ""
    steps += combined_steps(document, model)
    why = "Hatched: simulated, or a price on which sources disagree." if any(step.hatched for step in steps) else ""
    return (
        f"<section><h2>From the bill {before_words(model)} to {escape(_goal(model))}</h2>"
        f"<p class=note>{escape(model.name)}, US dollars a month at the assumed traffic. "
        f'{why}</p><figure class="waterfall">{waterfall_svg(steps, "hatch")}</figure></section>'
    )


def _goal(model: BenchModel) -> str:
    lane = told_lane(model)
    return f"the bill with {lane_words(lane)}" if lane is not None else "the bill with it"


def _stacks(document: BenchResults, focus: BenchModel) -> str:
    charts: list[str] = []
    for model in document.models:
        svgs = stacks_svgs(model)
        if not svgs:
            continue
        lanes = " · ".join(f"{number} {escape(name)}" for number, name in lane_numbers(model))
        opened = " open" if model is focus else ""
        charts.append(
            f"<details{opened}><summary>{escape(model.name)}</summary>"
            f'<figure><figcaption>{lanes}</figcaption><div class="stacks">{svgs}</div></figure></details>'
        )
    if not charts:
        return ""
    keys = "".join(f'<li><i style="background:var(--{kind})"></i>{escape(name)}</li>' for kind, name in KINDS)
    return (
        "<details class=part><summary>Tokens per turn</summary><p class=note>The lanes of each turn side by side. "
        "Point at a bar, or move to it with the tabulator key, for its numbers.</p>"
        f'<ul class="keys">{keys}</ul>{"".join(charts)}</details>'
    )


def _models(document: BenchResults) -> str:
    """The table that the terminal shows: a row for each model."""
    first, *others = model_heads(document)
    heads = f"<th scope=col class=words>{escape(first)}</th>" + "".join(
        f"<th scope=col>{escape(h)}</th>" for h in others
    )
    rows = "".join(
        f"<tr><td class=words>{escape(name.text)}</td>{''.join(map(_cell, cells, others))}</tr>"
        for name, *cells in model_rows(document)
    )
    words = "".join(f'<p class="note">{escape(note)}</p>' for note in notes(document))
    return (
        '<section><h2>Every model</h2><div class="scroll" tabindex="0"><table class=cards>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{words}</section>"
    )


def _cell(cell: Cell, head: str) -> str:
    if cell.spans:
        return f"<td class=why colspan=4>{escape(cell.text)}</td>"
    tone = f' class="{cell.style}"' if cell.style else ""
    return f'<td{tone} data-head="{escape(head)}">{escape(cell.text)}</td>'


def _lanes(document: BenchResults) -> str:
    headings = [heading for heading, _ in _COSTS]
    heads = ["model", "lane", headings[0], "change", "uncached", "read", "written", "output", *headings[1:]]
    head = "".join(
        f'<th scope="col"{" class=words" if index < 2 else ""}><button type="button">{escape(name)}</button></th>'
        for index, name in enumerate(heads)
    )
    costs = [lane.cost for model in document.models for lane in model.lanes if lane.cost]
    decimals = [_decimals([amount(cost) for cost in costs]) for _, amount in _COSTS]
    rows = "".join(_row(model, lane, decimals, heads) for model in document.models for lane in model.lanes)
    named = "".join(f"{escape(text)} " for text in attached_lanes(document))
    return (
        '<details class=part><summary>Every lane</summary><div class="bar"><p class="note">Tokens of one pass of the '
        f"workload; costs on equal outputs. {named}Click a heading to sort.</p>"
        '<button type="button" class="copy" id="copy">Copy as CSV</button></div>'
        '<div class="scroll" tabindex="0"><table class="sorts cards">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _decimals(values: Sequence[Decimal]) -> int:
    """Enough for the smallest value of the column to keep two figures, at most eight."""
    positive = [value for value in values if value]
    if not positive:
        return 2
    return min(8, max(decimals_for(positive), 1 - min(positive).adjusted()))


def _row(model: BenchModel, lane: BenchLane, decimals: Sequence[int], heads: Sequence[str]) -> str:
    start = f"<td>{escape(model.name)}</td><td class=words>{escape(lane.name)}</td>"
    cost, usage = lane.cost, lane.usage
    if cost is None or usage is None:
        return f'<tr>{start}<td class="why" colspan="10">{escape(lane.why)}</td></tr>'
    counts = "".join(map(_number, (usage.input, usage.read, usage.write, usage.output), heads[4:8]))
    month, *bills = (
        f'<td data-head="{escape(head)}" data-value="{amount(cost)}">{usd(amount(cost), places)}</td>'
        for (head, amount), places in zip(_COSTS, decimals, strict=True)
    )
    saved = lane.saved or Decimal(0)
    colour = "good" if saved > 0 else "bad" if saved < 0 else "zero"
    shown = "" if lane.name == "baseline" else change(saved)
    best = ' class="best"' if lane is told_lane(model) else ""
    change_cell = f'<td class="{colour}" data-head="{heads[3]}" data-value="{-saved}">{shown}</td>'
    return f"<tr{best}>{start}{month}{change_cell}{counts}{''.join(bills)}</tr>"


def _number(value: int, head: str) -> str:
    return f'<td data-head="{head}" data-value="{value}"{"" if value else " class=zero"}>{tokens(value)}</td>'


def _verdicts(document: BenchResults, focus: BenchModel) -> str:
    parts: list[str] = []
    for model in document.models:
        shown = [
            (lane, verdict)
            for lane in model.lanes
            for verdict in lane.verdicts
            if lane.name != "baseline" or not verdict.passed
        ]
        if shown:
            failed = any(not verdict.passed for _, verdict in shown)
            opened = " open" if failed else ""
            mark = ' <span class="bad">✗</span>' if failed else ' <span class="good">✓</span>'
            items = "".join(_verdict(lane, verdict) for lane, verdict in shown)
            parts.append(
                f"<details{opened}><summary>{escape(model.name)}{mark}</summary>"
                f'<ul class="verdicts">{items}</ul></details>'
            )
    if not parts:
        return ""
    wrong = any("open" in part[:14] for part in parts)
    summary = "not all passed" if wrong else "all passed"
    opened = " open" if wrong else ""
    return f"<details class=part{opened}><summary>Checks of every lane: {summary}</summary>{''.join(parts)}</details>"


def _verdict(lane: BenchLane, verdict: Verdict) -> str:
    sign, colour, spoken = ("✓", "good", "passed") if verdict.passed else ("✗", "bad", "failed")
    caution = f' <span class="warn">({escape(verdict.caution)})</span>' if verdict.caution else ""
    return (
        f'<li><span class="sign {colour}" role="img" aria-label="{spoken}">{sign}</span>'
        f"<b>{escape(lane.name)}</b>: {escape(verdict.says)}{caution}</li>"
    )


def _provenance(document: BenchResults) -> str:
    provenance, workload = document.provenance, document.workload
    errors = "; ".join(f"{model.name}: {sentences.counting(document, model)}" for model in document.models)
    facts = [
        ("where", sentences.where(document)),
        ("when", f"{provenance.first_turn_at or 'nothing measured'} to {provenance.last_turn_at or '–'}"),
        ("tokens", errors),
        ("times", sentences.timing(document)),
        ("outputs", "each turn is billed with the output tokens that the baseline got at that turn"),
        ("repeats", f"{sentences.repeats(document)}; the row shown is the one whose bill is the median"),
        ("a month", f"{sentences.traffic(document)}; {sentences.month_formed_in_full()}"),
        ("workload", f"{workload.file}, {workload.api}, content {workload.digest}"),
        ("prices of", provenance.priced_on),
        *([("note", provenance.note)] if provenance.note else []),
    ]
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    contested = "".join(f"<li>{escape(line)}</li>" for line in sentences.contested(document))
    rules = "".join(
        f"<li>{escape(model.name)}: {escape(line)}</li>"
        for model in document.models
        for line in sentences.contested_rules(model)
    )
    return (
        f"<details class=part><summary>Where these figures come from</summary><dl>{terms}</dl>"
        f"{f'<h3>Prices on which sources disagree</h3><ul>{contested}</ul>' if contested else ''}"
        f"{f'<h3>Rules on which sources disagree</h3><ul>{rules}</ul>' if rules else ''}"
        f"<h3>Price rows used</h3>{_prices(provenance.prices)}</details>"
    )


_PRICE_HEADS = ("model", "unit", "scope, tier", "$ per million", "in force from", "checked", "source")


def _prices(rows: Sequence[PriceRow]) -> str:
    body = "".join(_price(row) for row in rows)
    words = ("unit", "scope, tier", "source")
    heads = "".join(f"<th scope=col{' class=words' * (head in words)}>{head}</th>" for head in _PRICE_HEADS)
    return (
        f'<div class="scroll" tabindex="0"><table class=cards><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _price(row: PriceRow) -> str:
    unit, scope, usd_head, since, checked, source = (f'data-head="{head}"' for head in _PRICE_HEADS[1:])
    return (
        f"<tr><td>{escape(row.model)}</td><td class=words {unit}>{escape(sentences.UNIT_WORDS[row.unit])}</td>"
        f"<td class=words {scope}>{row.scope.value}, {row.tier.value}</td><td {usd_head}>{row.usd_per_mtok}</td>"
        f"<td {since}>{escape(row.valid_from)}</td><td {checked}>{escape(row.checked_on)}</td>"
        f"<td class=words {source}>{_link(row)}</td></tr>"
    )


def _link(row: PriceRow) -> str:
    text = escape(f"{row.source} ({row.place})")
    if not row.url.startswith("https://"):
        return text
    return f'<a href="{escape(row.url, quote=True)}" rel="noreferrer">{text}</a>'


@cache
def _asset(name: str) -> str:
    return (resources.files("rockbottom.rendering") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json_text(text: str) -> str:
    """A JSON string that cannot end the script element that it stands in."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
