"""An estimate as one HTML page: the answer, the curve of cost against the shared prefix, and its numbers."""

from collections.abc import Iterator

from rockbottom.advise import EstimateResult, SweepResult
from rockbottom.figures import tokens, usd
from rockbottom.quantities import Usd
from rockbottom.rendering.curves import CURVE_STYLE, crossover_words, curve_svgs
from rockbottom.rendering.estimates import answer_in_words, contested_in_words
from rockbottom.rendering.told_pages import page_start, paragraphs, told_table

_ROWS = 12  # of the table, some


def curve_page(document: EstimateResult, sweep: SweepResult) -> str:
    """One self-contained page with the answer, the curve and its numbers."""
    return "".join(_parts(document, sweep))


def _parts(document: EstimateResult, sweep: SweepResult) -> Iterator[str]:
    shape = document.shape
    yield page_start(f"{document.name}: an estimate", f"{answer_in_words(document)}.", style=CURVE_STYLE)
    about = (
        f"{document.name} ({document.scope.value}), {shape.requests:,f} requests a month, "
        f"prompts of {tokens(sweep.prompt_tokens)} tokens, {tokens(shape.output_tokens)} out, "
        f"prices of {document.priced_on}. Arithmetic on the numbers given; nothing was measured."
    )
    yield from paragraphs([about], "soft")
    yield "<h2>A month's bill, by how much of the prompt stays the same</h2>"
    yield f"<figure>{curve_svgs(sweep)}</figure>"
    yield from paragraphs(f"{text[0].upper()}{text[1:]}." for text in crossover_words(sweep, shape.turns))
    yield "<details><summary>The numbers</summary>"
    heads = ("prefix tokens", "question tokens", "no caching $", "batch $", "cached $")
    yield from told_table(heads, _rows(sweep))
    yield "</details>"
    contested = [f"{text}." for text in contested_in_words(document)]
    if contested:
        yield f"<details><summary>Prices on which sources disagree ({len(contested)})</summary>"
        yield from paragraphs(contested, "soft")
        yield "</details>"
    yield "</html>\n"


def _rows(sweep: SweepResult) -> Iterator[tuple[str, ...]]:
    for point in sweep.points[:: max(1, len(sweep.points) // _ROWS)]:
        bills = map(_money, (point.none, point.batch, point.cached))
        yield tokens(point.prefix_tokens), tokens(point.question_tokens), *bills


def _money(cost: Usd | None) -> str:
    return "–" if cost is None else usd(cost, 2 if cost >= 10 else None)
