"""A replay as one HTML page: no network, no script, light and dark, readable on a phone."""

from collections.abc import Iterator
from html import escape

from rockbottom.documents import BillResult, PolicyDetails, ReconciliationResult, ReplayResult
from rockbottom.figures import counted, share, tokens
from rockbottom.rendering.paid import prices_in_words
from rockbottom.rendering.replays import (
    answer_in_words,
    dollars,
    policies_in_words,
    reads_per_write,
    share_never_read,
    shown_policy,
    switch_in_words,
    than_without_caching,
)
from rockbottom.rendering.told_pages import Html, bar, page_start, told_table

_STYLE = """
.key i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 .9rem;vertical-align:-.1rem}
.key i:first-child{margin-left:0}
@media(max-width:40rem){
.policies td:last-child{display:block}
.policies th:last-child{display:none}
.policies tr{display:grid;grid-template-columns:minmax(0,10fr) minmax(0,6fr) minmax(0,8fr)}
.policies tr{border-bottom:1px solid var(--line)}
.policies td,.policies th{border:0}.policies td:last-child{grid-column:1/-1}}
"""


def replay_page(replay: ReplayResult) -> str:
    return "".join(_parts(replay))


def _parts(replay: ReplayResult) -> Iterator[str]:
    yield page_start("Replay", answer_in_words(replay), style=_STYLE)
    models = ", ".join(dict.fromkeys(model.name for model in replay.models))
    yield f"<p>{counted(replay.requests, 'request')} · {escape(models)} · {prices_in_words(replay)}</p>"
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
    observed, predicted = dollars(reconciliation.observed_usd), dollars(reconciliation.predicted_usd)
    difference = "the same" if observed == predicted else dollars(more, signed=True)
    yield f"<details><summary>By the counters of the log {observed}, by the rules {predicted}: {difference}</summary>"
    rows = [
        (row.cause, dollars(row.difference_usd, signed=True), tokens(row.requests),
         tokens(row.predicted_read_tokens), tokens(row.observed_read_tokens))
        for row in reconciliation.causes
    ]  # fmt: skip
    yield from told_table(("cause", "difference", "requests", "read as predicted", "read as observed"), rows)
    yield "</details>"


def _policies(replay: ReplayResult) -> Iterator[str]:
    yield '<h2>Every policy</h2><p class="key"><i class="read"></i>read<i class="write"></i>written'
    yield '<i class="plain"></i>uncached</p><table class="policies"><thead><tr><th>policy<th>input $<th>against no'
    yield " caching<th>input tokens</thead><tbody>"
    for bill in replay.policies:
        yield _policy(bill, shown_policy(bill.policy))
    if replay.clairvoyant is not None:
        yield _policy(replay.clairvoyant, "least possible")
    yield "</tbody></table>"


def _policy(bill: BillResult, name: str) -> str:
    counts = {"read": bill.read_tokens, "write": bill.written_tokens, "plain": bill.uncached_tokens}
    bars = bar(counts, sum(counts.values()))
    counted = ", ".join(f"{name} {tokens(count)}" for name, count in counts.items())
    cells = f"<td>{escape(name)}<td>{dollars(bill.input_usd)[1:]}<td>{than_without_caching(bill)}"
    return f'<tr>{cells}<td title="{counted}">{bars}</tr>'


def _details(name: str, details: PolicyDetails) -> Iterator[str]:
    yield f"<details><summary>{escape(shown_policy(name))}: what became of the tokens</summary>"
    yield f"<p>{tokens(details.written_tokens)} tokens written, {tokens(details.never_read_tokens)} of them never read"
    yield f"{share_never_read(details)}.</p>"
    yield "<h2>Hit rate by the time since a prompt's last use</h2>"
    yield from told_table(
        ("since its last use", "requests", "tokens seen before", "hit rate", ""),
        [
            (row.gap, tokens(row.requests), tokens(row.repeated_tokens),
             "" if row.hit_rate is None else share(row.hit_rate),
             Html(bar({"read": row.read_tokens}, row.repeated_tokens)))
            for row in details.gaps
            if row.requests
        ],
    )  # fmt: skip
    yield "<h2>Tokens read per token written, by prefix</h2>"
    yield from told_table(
        ("prefix", "requests", "tokens in", "read", "written", "read per written"),
        [
            (row.prefix[:8], tokens(row.requests), tokens(row.tokens_in), tokens(row.read_tokens),
             tokens(row.written_tokens), reads_per_write(row))
            for row in details.families
        ],
    )  # fmt: skip
    yield "<h2>The minute with the most tokens that count against the quota</h2>"
    yield from told_table(
        ("model", "without caching", "with it", ""),
        [
            (row.model, tokens(row.peak_minute_without), tokens(row.peak_minute),
             Html(bar({"plain": row.peak_minute}, row.peak_minute_without)))
            for row in details.quota
        ],
    )  # fmt: skip
    yield "</details>"
