"""A replay's document as one HTML page: no network, no script, light and dark."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from typing import Any

from rockbottom.cli.replay_text import text_of

Json = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--read:#2a9d6f;--write:#d58a1f;--plain:#8a8f98;--line:#8883}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}.bar{display:flex;height:.9rem;min-width:12rem}.bar i{display:block}
.read{background:var(--read)}.write{background:var(--write)}.plain{background:var(--plain)}
pre{overflow-x:auto;border:1px solid var(--line);padding:1rem}
"""


def page_of(document: Json) -> str:
    """The whole page."""
    return "".join(_parts(document))


def _parts(document: Json) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>Replay</title><style>{_STYLE}</style><h1>{escape(_headline(document))}</h1>"
    yield "<table><thead><tr><th>policy<th>input $<th>relative<th>captured<th>tokens: "
    yield "read, written, uncached</thead><tbody>"
    for row in document["policies"]:
        yield _row(row)
    yield _row({**document["clairvoyant"], "captured": None})
    yield "</tbody></table><h2>In words</h2><pre>"
    yield escape("\n".join(text_of(document)))
    yield "</pre></html>\n"


def _headline(document: Json) -> str:
    rows = [*document["policies"]]
    best = min(rows, key=lambda row: Decimal(row["usd"]))
    least = Decimal(document["clairvoyant"]["usd"])
    now = next((row for row in rows if row["policy"] == "as_recorded"), rows[0])
    return (
        f"${Decimal(now['usd']):,.2f} with {now['policy']}; ${Decimal(best['usd']):,.2f} with {best['policy']}; "
        f"no less than ${least:,.2f}"
    )


def _row(row: Json) -> str:
    relative = "" if row["relative_input_cost"] is None else f"{row['relative_input_cost']:.3f}"
    captured = "" if row["captured"] is None else f"{row['captured']:.1%}"
    written = row["written_5m_tokens"] + row["written_1h_tokens"]
    counts = {"read": row["read_tokens"], "write": written, "plain": row["uncached_tokens"]}
    whole = sum(counts.values()) or 1
    bars = "".join(f'<i class="{name}" style="width:{100 * count / whole:.2f}%"></i>' for name, count in counts.items())
    said = ", ".join(f"{count:,}" for count in counts.values())
    cells = f"<td>{escape(row['policy'])}<td>{Decimal(row['input_usd']):,.4f}<td>{relative}<td>{captured}"
    return f'<tr>{cells}<td title="{said}"><span class="bar">{bars}</span></tr>'
