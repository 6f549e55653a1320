"""What to say when no price is in force: the rows that come closest, and how each differs."""

from collections.abc import Sequence

from rockbottom.catalog.models import Scope
from rockbottom.catalog.prices import REFERENCE_REGION, NoPriceInForce, Price, PriceQuestion
from rockbottom.figures import thousands


def no_price(question: PriceQuestion, rows: Sequence[Price]) -> NoPriceInForce:
    """The error for a question without an answer; ``rows`` are all rows of the model, contested ones too."""
    known = [row for row in rows if not row.contested]
    if not known:
        message = f"No price in force for {question}: the price book has no row for this model."
        return NoPriceInForce(message, fix="rockbottom models")
    best = min(_distance(row, question) for row in known)
    nearest = sorted((row for row in known if _distance(row, question) == best), key=_preference)
    shown = {_difference(row, question): row for row in reversed(nearest)}
    suggestions = "; ".join(f"{text} ({row.place})" for text, row in list(reversed(shown.items()))[:3])
    message = f"No price in force for {question}; nearest: {suggestions}.{_regions(known, question)}"
    return NoPriceInForce(message, nearest=nearest, fix=_fix(nearest[0], question))


def _regions(rows: Sequence[Price], question: PriceQuestion) -> str:
    """The Regions that have the price that was asked for."""
    kind = (question.scope, question.tier, question.unit, question.band)
    there = [row for row in rows if (row.scope, row.tier, row.unit, row.above_context_tokens) == kind]
    regions = sorted({row.region for row in there if row.region and row.in_force(question.on)})
    return f" Regions with such a price: {', '.join(regions)}." if regions else ""


def _fix(row: Price, question: PriceQuestion) -> str:
    if row.scope is not question.scope:
        prefix = "" if row.scope is Scope.IN_REGION else f"{row.scope.value}."
        return f"use the id {prefix}{question.model}"
    return f"rockbottom prices show {question.model}, or bring a price of your own with --prices FILE"


def _preference(row: Price) -> tuple[bool, bool, str]:
    """Scopes that most people can use first, then the order of the file."""
    return row.scope is not Scope.US, row.scope is not Scope.GLOBAL, row.place


def _distance(row: Price, question: PriceQuestion) -> tuple[int, int]:
    """How many things differ, the weightiest first, then the days between."""
    days = 0 if row.in_force(question.on) else abs((row.valid_from - question.on).days)
    far = (
        32 * (row.unit is not question.unit)
        + 16 * (row.tier is not question.tier)
        + 8 * (row.scope is not question.scope)
        + 4 * (row.above_context_tokens != question.band)
        + 2 * (row.region not in (None, question.region or REFERENCE_REGION))
        + (days > 0)
    )
    return far, days


def _difference(row: Price, question: PriceQuestion) -> str:
    """In words, what the row is that was not asked for."""
    parts: list[str] = []
    if row.unit is not question.unit:
        parts.append(f"for {row.unit.value}")
    if row.tier is not question.tier:
        parts.append(f"for the {row.tier.value} tier")
    if row.scope is not question.scope:
        parts.append(f"for {row.scope.value}")
    if row.above_context_tokens != question.band:
        above = row.above_context_tokens
        parts.append(f"for prompts above {thousands(above)} tokens" if above else "for shorter prompts")
    if row.region not in (None, question.region or REFERENCE_REGION):
        parts.append(f"for {row.region}, and Regions differ")
    if not row.in_force(question.on):
        starts = row.valid_from > question.on
        parts.append(f"starting {row.valid_from}" if starts else f"that ended {row.valid_to}")
    return "a row " + ", ".join(parts or ["for no Region in particular, and Regions differ"])
