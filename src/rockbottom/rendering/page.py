"""The report page: one self-contained HTML file, drawn from the JSON document of a bench run.

No network, no library: styles and the small script are put into the page, charts are SVG written here. Every text
that comes from the run is escaped; the page's own policy forbids everything else.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from html import escape
from importlib import resources
from typing import Any

from rockbottom.figures import change, decimals_for, page_colours, share, tokens, usd
from rockbottom.rendering import sentences
from rockbottom.rendering.comma import csv_of
from rockbottom.rendering.quality import quality_section
from rockbottom.rendering.stacks import KINDS, lane_numbers, stacks_svg
from rockbottom.rendering.waterfall import combined_steps, steps_of, waterfall_svg

Json = Mapping[str, Any]
_COSTS = (
    ("conversation", "$ / conversation"),
    ("request", "$ / request"),
    ("requests_1000", "$ / 1,000 requests"),
    ("day", "$ / day"),
)


def page_of(document: Json) -> str:
    """The whole page."""
    focus = _focus(document)
    body = "".join([
        _header(document, focus), _waterfall(document, focus), quality_section(document), _stacks(document, focus),
        _table(document), _verdicts(document, focus), _provenance(document),
    ])  # fmt: skip
    style, script = page_colours() + _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src '{_digest(script)}'"
    title = escape(f"{document['workload']['name']}: what it costs on Bedrock")
    csv = _json_text(csv_of(document))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><main>{body}</main>"
        '<div id="tip" class="tip" role="status" hidden></div>'
        f'<script type="application/json" id="csv">{csv}</script><script>{script}</script></body></html>\n'
    )


def _focus(document: Json) -> Json:
    """The model that the headline speaks of: the dearest uncached when models were compared, else the first."""
    found = document["combined"]
    models: Sequence[Json] = document["models"]
    if found:
        return next(model for model in models if model["name"] == found["from_model"])
    return models[0]


def _header(document: Json, model: Json) -> str:
    lanes = {lane["name"]: lane for lane in model["lanes"]}
    base, best = lanes["baseline"], lanes.get(model["best"] or "")
    parts = [
        f'<header><p class="kicker">{_kicker(document, model)}</p>',
        f"<h1>{escape(sentences.headline(document, model))}</h1>",
    ]
    if base["cost"] and best and best["cost"]:
        saved = Decimal(best["saved"] or 0)
        parts.append(
            '<div class="three">'
            f"<div><span>a month without caching</span><strong>${_month(base)}</strong></div>"
            f"<div><span>{escape(sentences.least_of(document))}</span><strong>${_month(best)}</strong></div>"
            f'<div class="best"><span>saved by {escape(best["name"])}</span><strong>{share(saved)}</strong></div>'
            "</div>"
        )
    said = [sentences.traffic(document), sentences.outputs(document), sentences.priced(document)]
    parts.append(f'<p class="note">{escape(" · ".join(said))}</p>')
    if both := sentences.combined(document):
        parts.append(f"<p>{escape(both)}.</p>")
    parts += [f'<p class="note warn">Contested: {escape(one)}.</p>' for one in _of_model(document, model)]
    return "".join(parts) + "</header>"


def _month(lane: Json) -> str:
    return sentences.month(Decimal(lane["cost"]["month"]))


def _kicker(document: Json, model: Json) -> str:
    workload = document["workload"]
    said = [
        workload["name"], f"{workload['turns']} turns", model["name"],
        f"prefix {tokens(model['prefix_tokens'])} tokens", sentences.where(document),
        sentences.counting(document, model),
    ]  # fmt: skip
    return escape(" · ".join(said))


def _of_model(document: Json, model: Json) -> list[str]:
    mine = {**document, "contested": [one for one in document["contested"] if one["model"] == model["name"]]}
    return sentences.contested(mine)


def _waterfall(document: Json, model: Json) -> str:
    steps = steps_of(document, model)
    if len(steps) < 2:
        return ""
    steps += combined_steps(document, model)
    why = "Hatched: simulated, or a price on which sources disagree." if any(step.hatched for step in steps) else ""
    return (
        f"<section><h2>From the bill to the least bill</h2><p class=note>{escape(model['name'])}, US dollars a month. "
        f'{why}</p><figure class="waterfall">{waterfall_svg(steps, "hatch")}</figure></section>'
    )


def _stacks(document: Json, focus: Json) -> str:
    charts: list[str] = []
    for model in document["models"]:
        svg = stacks_svg(model)
        if not svg:
            continue
        lanes = " · ".join(f"{number} {escape(name)}" for number, name in lane_numbers(model))
        opened = " open" if model is focus else ""
        charts.append(
            f"<details{opened}><summary>{escape(model['name'])}</summary>"
            f'<figure><figcaption>{lanes}</figcaption><div class="scroll" tabindex="0">{svg}</div></figure></details>'
        )
    if not charts:
        return ""
    names = {"input": "uncached"}
    keys = "".join(
        f'<li><i style="background:var(--{names.get(kind, kind)})"></i>{escape(name)}</li>' for kind, name in KINDS
    )
    return (
        "<section><h2>Tokens per turn</h2><p class=note>Lanes side by side; point at a bar, or move to it with the "
        f'tabulator key, for its numbers.</p><ul class="keys">{keys}</ul>{"".join(charts)}</section>'
    )


def _table(document: Json) -> str:
    heads = ["model", "lane", "$ / month", "vs baseline", "uncached", "read", "written", "output"]
    heads += [label for _, label in _COSTS]
    head = "".join(
        f'<th scope="col"{" class=words" if index < 2 else ""}><button type="button">{escape(name)}</button></th>'
        for index, name in enumerate(heads)
    )
    costs = [lane["cost"] for model in document["models"] for lane in model["lanes"] if lane["cost"]]
    decimals = {key: _decimals([Decimal(cost[key]) for cost in costs]) for key in ("month", *dict(_COSTS))}
    rows = "".join(_row(model, lane, decimals) for model in document["models"] for lane in model["lanes"])
    return (
        '<section><div class="bar"><h2>Every lane</h2><button type="button" class="copy" id="copy">Copy as CSV</button>'
        '</div><p class="note">Tokens of one pass of the workload; costs on equal outputs. Click a heading to sort.</p>'
        '<div class="scroll" tabindex="0"><table class="sorts">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _decimals(values: Sequence[Decimal]) -> int:
    """Enough for the smallest value of the column to keep two figures, at most eight."""
    positive = [value for value in values if value]
    if not positive:
        return 2
    return min(8, max(decimals_for(positive), 1 - min(positive).adjusted()))


def _row(model: Json, lane: Json, decimals: Mapping[str, int]) -> str:
    start = f"<td>{escape(model['name'])}</td><td class=words>{escape(lane['name'])}</td>"
    if not lane["cost"]:
        return f'<tr>{start}<td class="why" colspan="10">{escape(lane["why"])}</td></tr>'
    usage, cost = lane["usage"], lane["cost"]
    counts = "".join(_number(usage[key]) for key in ("input", "read", "write", "output"))
    bills = {key: f'<td data-value="{cost[key]}">{usd(Decimal(cost[key]), decimals[key])}</td>' for key in decimals}
    saved = Decimal(lane["saved"] or 0)
    colour = "good" if saved > 0 else "bad" if saved < 0 else "zero"
    shown = "" if lane["name"] == "baseline" else change(saved)
    best = ' class="best"' if lane["name"] == model["best"] else ""
    change_cell = f'<td class="{colour}" data-value="{-saved}">{shown}</td>'
    return f"<tr{best}>{start}{bills.pop('month')}{change_cell}{counts}{''.join(bills.values())}</tr>"


def _number(value: int) -> str:
    return f'<td data-value="{value}"{"" if value else " class=zero"}>{tokens(value)}</td>'


def _verdicts(document: Json, focus: Json) -> str:
    parts: list[str] = []
    for model in document["models"]:
        items: list[str] = []
        for lane in model["lanes"]:
            said = [one for one in lane["verdicts"] if lane["name"] != "baseline" or not one["passed"]]
            items += [_verdict(lane, one) for one in said]
        if items:
            failed = any("class=bad" in item or '"sign bad"' in item for item in items)
            opened = " open" if failed or model is focus else ""
            mark = ' <span class="bad">✗</span>' if failed else ' <span class="good">✓</span>'
            parts.append(
                f"<details{opened}><summary>{escape(model['name'])}{mark}</summary>"
                f'<ul class="verdicts">{"".join(items)}</ul></details>'
            )
    return f"<section><h2>Verdicts</h2>{''.join(parts)}</section>" if parts else ""


def _verdict(lane: Json, verdict: Json) -> str:
    sign, colour, spoken = ("✓", "good", "passed") if verdict["passed"] else ("✗", "bad", "failed")
    caution = f' <span class="warn">({escape(verdict["caution"])})</span>' if verdict["caution"] else ""
    return (
        f'<li><span class="sign {colour}" role="img" aria-label="{spoken}">{sign}</span>'
        f"<b>{escape(lane['name'])}</b>: {escape(verdict['says'])}{caution}</li>"
    )


def _provenance(document: Json) -> str:
    provenance, workload = document["provenance"], document["workload"]
    errors = "; ".join(f"{model['name']}: {sentences.counting(document, model)}" for model in document["models"])
    facts = [
        ("where", sentences.where(document)),
        ("when", f"{provenance['first_turn_at'] or 'nothing measured'} to {provenance['last_turn_at'] or '–'}"),
        ("tokens", errors),
        ("times", sentences.timing(document)),
        ("outputs", "each turn is billed with the output tokens that the baseline got at that turn"),
        ("repeats", f"{sentences.repeats(document)}; the row shown is the one whose bill is the median"),
        ("a month", f"{sentences.traffic(document)}; {sentences.month_formed_in_full()}"),
        ("workload", f"{workload['file']}, {workload['api']}, content {workload['digest']}"),
        ("prices of", provenance["priced_on"]),
        *([("note", provenance["note"])] if provenance["note"] else []),
    ]
    said = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(text))}</dd>" for name, text in facts)
    contested = "".join(f"<li>{escape(one)}</li>" for one in sentences.contested(document))
    rules = "".join(
        f"<li>{escape(model['name'])}: {escape(one)}</li>"
        for model in document["models"]
        for one in sentences.contested_rules(model)
    )
    return (
        f"<section><h2>Where these figures come from</h2><dl>{said}</dl>"
        f"{f'<h3>Prices on which sources disagree</h3><ul>{contested}</ul>' if contested else ''}"
        f"{f'<h3>Rules on which sources disagree</h3><ul>{rules}</ul>' if rules else ''}"
        f"<h3>Price rows used</h3>{_prices(provenance['prices'])}</section>"
    )


def _prices(rows: Sequence[Json]) -> str:
    body = "".join(
        f"<tr><td>{escape(row['model'])}</td><td class=words>{escape(sentences.UNIT_WORDS[row['unit']])}</td>"
        f"<td class=words>{escape(row['scope'])}, {escape(row['tier'])}</td><td>{escape(row['usd_per_mtok'])}</td>"
        f"<td>{escape(row['valid_from'])}</td><td>{escape(row['checked_on'])}</td>"
        f"<td class=words>{_link(row)}</td></tr>"
        for row in rows
    )
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope=col>model</th><th scope=col class=words>unit</th>'
        "<th scope=col class=words>scope, tier</th><th scope=col>$ per million</th><th scope=col>in force from</th>"
        "<th scope=col>checked</th><th scope=col class=words>source</th></tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _link(row: Json) -> str:
    text = escape(f"{row['source']} ({row['place']})")
    if not str(row["url"]).startswith("https://"):
        return text
    return f'<a href="{escape(row["url"], quote=True)}" rel="noreferrer">{text}</a>'


@cache
def _asset(name: str) -> str:
    return (resources.files("rockbottom.rendering") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json_text(text: str) -> str:
    """A JSON string that cannot end the script element that it stands in."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
