"""Requests set apart, and what ``--strict`` refuses, as text."""

from collections.abc import Iterator, Sequence

from rockbottom.catalog import SetApart
from rockbottom.documents import AloneRequests
from rockbottom.figures import counted, usd
from rockbottom.rendering.paid import decimals_of, unread_in_words

_NAMED = 10  # models that are named where more are set apart


def apart_text(apart: Sequence[SetApart]) -> Iterator[str]:
    """Which requests are not in the answer, because their model is not known or has no price."""
    if not apart:
        return
    requests, models = sum(part.requests for part in apart), len(apart)
    yield f"{counted(requests, 'request')} to {counted(models, 'model')} set apart, not in what follows:"
    for part in apart[:_NAMED]:
        fix = f" ({part.fix})" if part.fix else ""
        counts = f"{counted(part.requests, 'request')}, {counted(part.tokens, 'token')}"
        yield f"  {part.model or 'no model'}: {counts}: {part.why}{fix}"
    if models > _NAMED:
        yield f"  and {counted(models - _NAMED, 'more model')}"


def alone_text(alone: AloneRequests) -> str:
    """Requests whose prompts are not known, and what they cost."""
    least = "" if alone.whole else "at least "
    amount = usd(alone.usd, decimals_of(alone.usd), symbol=True)
    return f"{unread_in_words(alone)} cost {least}{amount}"


def unfinished_text(lines: int) -> str:
    """Last lines of a ledger that have no end."""
    return f"{counted(lines, 'last line')} without an end left out: being written now, or cut off"


def not_all_text(damaged: int, apart: Sequence[SetApart]) -> str:
    """What ``--strict`` refuses; empty where everything was read and is known."""
    requests = sum(part.requests for part in apart)
    if not damaged and not requests:
        return ""
    unknown = f"{counted(requests, 'request')} to models that are not known or have no price"
    return f"--strict: {counted(damaged, 'damaged line')}, {unknown}"
