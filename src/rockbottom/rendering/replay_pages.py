"""A replay as one HTML page: no network, no script, light and dark, readable on a phone."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from rockbottom.documents import BillResult, PolicyDetails, ReconciliationResult, ReplayResult
from rockbottom.figures import counted, page_colours, share, tokens
from rockbottom.rendering.replays import (
    answer_in_words,
    dollars,
    policies_in_words,
    reads_per_write,
    share_never_read,
    switch_in_words,
    than_without_caching,
)

_STYLE = """
body{background:var(--ground);color:var(--ink)}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;font-weight:600;font-size:1.15rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}
th{font-weight:600}th:first-child,td:first-child{text-align:left}
.bar{display:flex;height:.9rem;min-width:9rem;background:var(--panel)}.bar i{display:block}
.read{background:var(--read)}.write{background:var(--write)}.plain{background:var(--uncached)}
.key i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 .9rem;vertical-align:-.1rem}
.key i:first-child{margin-left:0}
.soft{color:var(--soft)}
@media(max-width:40rem){td,th{padding:.3rem .35rem}
table.told thead{display:none}
table.told tr{display:flex;flex-wrap:wrap;gap:0 .9rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
table.told td{border:0;padding:0;text-align:left}table.told td:first-child{flex-basis:100%;font-weight:600}
table.told td[data-head]::before{content:attr(data-head) " ";color:var(--soft)}
.policies td:last-child{display:block}
.policies th:last-child{display:none}
.policies tr{display:grid;grid-template-columns:minmax(0,10fr) minmax(0,6fr) minmax(0,8fr)}
.policies tr{border-bottom:1px solid var(--line)}
.policies td,.policies th{border:0}.policies td:last-child{grid-column:1/-1}}
"""


def replay_page(replay: ReplayResult) -> str:
    return "".join(_parts(replay))


def _parts(replay: ReplayResult) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>Replay</title><style>{page_colours()}{_STYLE}</style><h1>{escape(answer_in_words(replay))}</h1>"
    models = ", ".join(dict.fromkeys(model.name for model in replay.models))
    yield f"<p>{counted(replay.requests, 'request')} · {escape(models)} · {replay.tier.value} tier · prices of "
    yield f"{replay.on.isoformat()}</p>"
    yield f"<p><strong>{escape(switch_in_words(replay))}</strong></p>"
    yield from _policies(replay)
    if replay.reconciliation:
        yield from _reconciliation(replay.reconciliation)
    name = replay.shown_policy
    if name is not None:
        yield from _details(name, replay.details[name])
    yield "<details><summary>How to read this</summary><p>Cheaper and dearer: the input bill against the one "
    yield "without caching. "
    yield f"{escape(policies_in_words(replay))}.</p>"
    yield f'<p class="soft">Assumed: {escape("; ".join(replay.assumptions))}.</p></details></html>\n'


def _reconciliation(reconciliation: ReconciliationResult) -> Iterator[str]:
    more = reconciliation.observed_usd - reconciliation.predicted_usd
    yield f"<details><summary>By the counters of the log {dollars(reconciliation.observed_usd)}, "
    yield f"by the rules {dollars(reconciliation.predicted_usd)}: "
    yield f"{dollars(more, signed=True)}</summary>"
    rows = [
        (row.cause, dollars(row.difference_usd, signed=True), tokens(row.requests),
         tokens(row.predicted_read_tokens), tokens(row.observed_read_tokens))
        for row in reconciliation.causes
    ]  # fmt: skip
    yield from _table(("cause", "difference", "requests", "read as predicted", "read as observed"), rows)
    yield "</details>"


def _policies(replay: ReplayResult) -> Iterator[str]:
    yield '<h2>Every policy</h2><p class="key"><i class="read"></i>read<i class="write"></i>written'
    yield '<i class="plain"></i>uncached</p><table class="policies"><thead><tr><th>policy<th>input $<th>against no'
    yield " caching<th>input tokens</thead><tbody>"
    for bill in replay.policies:
        yield _policy(bill, bill.policy)
    yield _policy(replay.clairvoyant, "least possible")
    yield "</tbody></table>"


def _policy(bill: BillResult, name: str) -> str:
    counts = {"read": bill.read_tokens, "write": bill.written_tokens, "plain": bill.uncached_tokens}
    bars = _bar(counts, sum(counts.values()))
    counted = ", ".join(f"{name} {tokens(count)}" for name, count in counts.items())
    cells = f"<td>{escape(name)}<td>{dollars(bill.input_usd)[1:]}<td>{than_without_caching(bill)}"
    return f'<tr>{cells}<td title="{counted}">{bars}</tr>'


def _bar(counts: dict[str, int], whole: int) -> str:
    widths = {name: 100 * count / (whole or 1) for name, count in counts.items()}
    return f'<span class="bar">{"".join(f"<i class={n!r} style=width:{w:.2f}%></i>" for n, w in widths.items())}</span>'


def _details(name: str, details: PolicyDetails) -> Iterator[str]:
    yield f"<details><summary>{escape(name)}: what became of the tokens</summary>"
    yield f"<p>{tokens(details.written_tokens)} tokens written, {tokens(details.never_read_tokens)} of them never read"
    yield f"{share_never_read(details)}.</p>"
    yield "<h2>Hit rate by the time since a prompt's last use</h2>"
    yield from _table(
        ("since its last use", "requests", "tokens seen before", "hit rate", ""),
        [
            (row.gap, tokens(row.requests), tokens(row.repeated_tokens),
             "" if row.hit_rate is None else share(row.hit_rate),
             _Html(_bar({"read": row.read_tokens}, row.repeated_tokens)))
            for row in details.gaps
            if row.requests
        ],
    )  # fmt: skip
    yield "<h2>Tokens read per token written, by prefix</h2>"
    yield from _table(
        ("prefix", "requests", "tokens in", "read", "written", "read per written"),
        [
            (row.prefix[:8], tokens(row.requests), tokens(row.tokens_in), tokens(row.read_tokens),
             tokens(row.written_tokens), reads_per_write(row))
            for row in details.families
        ],
    )  # fmt: skip
    yield "<h2>The minute with the most tokens that count against the quota</h2>"
    yield from _table(
        ("model", "without caching", "with it", ""),
        [
            (row.model, tokens(row.peak_minute_without), tokens(row.peak_minute),
             _Html(_bar({"plain": row.peak_minute}, row.peak_minute_without)))
            for row in details.quota
        ],
    )  # fmt: skip
    yield "</details>"


class _Html(str):
    """Markup already; not to be escaped."""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield '<div class="wide"><table class="told"><thead><tr>'
    yield f"{''.join(f'<th>{escape(head)}' for head in heads)}</thead><tbody>"
    for row in rows:
        cells = (cell if isinstance(cell, _Html) else escape(cell) for cell in row)
        first, *others = cells
        columns = "".join(
            f'<td data-head="{escape(head)}">{cell}' for head, cell in zip(heads[1:], others, strict=True)
        )
        yield f"<tr><td>{first}{columns}</tr>"
    yield "</tbody></table></div>"
