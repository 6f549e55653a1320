"""An explanation of a log as one HTML page: the verdict, the causes by cost, an example and a fix of each."""

from collections.abc import Iterator
from html import escape

from rockbottom.diagnose import CauseTotal, Findings, explained_groups, prompts_of
from rockbottom.documents import PromptParts
from rockbottom.figures import counted, share
from rockbottom.quantities import ZERO_USD
from rockbottom.rendering.explanations import (
    NO_MISS,
    costs_in_words,
    facts_in_words,
    finding_in_words,
    fix_in_words,
    month_heading,
    remarks_in_words,
    verdict_in_words,
)
from rockbottom.rendering.groups import group_cells, group_heads
from rockbottom.rendering.paid import decimals_of
from rockbottom.rendering.prompts import prompts_in_words
from rockbottom.rendering.told_pages import Html, bar, page_start, paragraphs, told_table

_OPEN = 3  # causes whose example and fix are shown at once; the others are folded


def explanation_page(findings: Findings, simulated: int = 0, by: str = "", *, every: bool = False) -> str:
    """The page; ``every`` lists every miss of a cause, not one example."""
    return "".join(_parts(findings, simulated, by, every))


def _parts(findings: Findings, simulated: int, by: str, every: bool) -> Iterator[str]:
    yield page_start("Why the cache missed", verdict_in_words(findings, simulated))
    yield from paragraphs(facts_in_words(findings, simulated))
    yield from _groups(findings, by)
    yield "<h2>Every cause</h2>"
    if not findings.totals:
        yield from paragraphs([NO_MISS])
    else:
        yield from _causes(findings)
        for number, total in enumerate(findings.totals):
            yield from _cause(total, every, opened=number < _OPEN)
    prompts = prompts_of(findings.parts)
    if prompts is not None and prompts.usd:
        yield from _prompts(prompts)
    yield from paragraphs(remarks_in_words(findings), "soft")
    yield "</html>\n"


def _causes(findings: Findings) -> Iterator[str]:
    month = month_heading(findings)
    whole = int(findings.usd * 1_000_000)
    rows: list[list[str]] = []
    for total in findings.totals:
        cost = total.usd if total.unpriced < len(total.findings) else None
        paid = costs_in_words(cost, findings)
        row = [f"{total.cause.title} ({total.cause.value})", f"{len(total.findings):,}", f"{total.tokens:,}", paid[0]]
        rows.append([*row, *([paid[1]] if month else []), Html(bar({"write": int(total.usd * 1_000_000)}, whole))])
    paid = costs_in_words(findings.usd, findings)
    misses = sum(len(total.findings) for total in findings.totals)
    row = ["all misses", f"{misses:,}", f"{findings.missed:,}", paid[0]]
    rows.append([*row, *([paid[1]] if month else []), ""])
    yield from told_table(("cause", "misses", "tokens", "cost", *([month] if month else []), ""), rows)


def _cause(total: CauseTotal, every: bool, *, opened: bool) -> Iterator[str]:
    title = f"{total.cause.title}: {counted(len(total.findings), 'miss', 'misses')}"
    yield f"<details{' open' * opened}><summary>{escape(title)}</summary>"
    for finding in total.findings if every else [total.example]:
        yield from paragraphs(finding_in_words(finding), "soft")
    yield from paragraphs(fix_in_words(total))
    yield "</details>"


def _groups(findings: Findings, by: str) -> Iterator[str]:
    groups = explained_groups(findings)
    if groups:
        decimals = decimals_of(max(group.paid_usd or ZERO_USD for group in groups))
        attached = any(group.attached_usd is not None for group in groups)
        heads = group_heads(by, attached=attached)
        rows = [group_cells(group, decimals, attached=attached) for group in groups]
        yield from told_table(heads, ([*row, *[""] * (len(heads) - len(row))] for row in rows))


def _prompts(prompts: PromptParts) -> Iterator[str]:
    yield "<h2>What prompts are made of</h2>"
    rows = [
        (part.name, f"{part.tokens:,}", share(part.usd / prompts.usd), Html(bar({"plain": part.tokens}, whole)))
        for whole in [sum(part.tokens for part in prompts.parts)]
        for part in prompts.parts
    ]
    yield from told_table(("part", "tokens", "share of the cost", ""), rows)
    yield from paragraphs(prompts_in_words(prompts))
