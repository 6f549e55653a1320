"""Requests set apart, and what ``--strict`` refuses, as text."""

from collections.abc import Iterator, Sequence

from rockbottom.catalog import SetApart
from rockbottom.figures import tokens

_NAMED = 10  # models that are named where more are set apart


def apart_text(apart: Sequence[SetApart]) -> Iterator[str]:
    """Which requests are not in the answer, because their model is not known or has no price."""
    if not apart:
        return
    requests, models = sum(part.requests for part in apart), len(apart)
    yield f"{tokens(requests)} requests to {tokens(models)} models set apart, not in what follows:"
    for part in apart[:_NAMED]:
        fix = f" ({part.fix})" if part.fix else ""
        counts = f"{tokens(part.requests)}, {tokens(part.tokens)} tokens"
        yield f"  {part.model or 'no model'}: {counts}: {part.why}{fix}"
    if models > _NAMED:
        yield f"  and {tokens(models - _NAMED)} more models"


def not_all_text(damaged: int, apart: Sequence[SetApart]) -> str:
    """What ``--strict`` refuses; empty where everything was read and is known."""
    requests = sum(part.requests for part in apart)
    if not damaged and not requests:
        return ""
    unknown = f"{tokens(requests)} requests to models that are not known or have no price"
    return f"--strict: {tokens(damaged)} damaged lines, {unknown}"
