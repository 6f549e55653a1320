"""The first question: from how many tokens on is a prefix cached?"""

from functools import cache

from rockbottom.catalog import load_catalog
from rockbottom.figures import thousands
from rockbottom.probe.steps import ProbeAnswer, ProbeReply, Send, Steps
from rockbottom.probe.subject import ProbedModel, marked, unmeasured

_ABOVE, _BELOW = 1.06, 0.96  # of a documented minimum: where it is tried first
_TOKENS_PER_WORD = 1.15  # of the made-up texts; if it is less, the first text is too short and another follows


def minimum(subject: ProbedModel) -> Steps:
    """From how many tokens on is anything cached?

    Just above and just below the documented minimum first; only where that does not settle it, the other values that
    models have, and last by halving. Every step is a text of its own; the shortest that is cached serves the others.
    """
    documented = max(16, subject.rules.minimum_tokens)
    low, high, reply = 0, int(documented * _ABOVE / _TOKENS_PER_WORD), ProbeReply()
    least, most, rest, per_word = 0, 0, 0, 1.0
    for _ in range(4):
        system = subject.fresh(high)
        reply = yield Send(marked(subject, system))
        per_word = max(0.1, reply.usage.total_input / high)
        if reply.written:
            subject.base, subject.base_tokens = system, reply.written
            most, rest = reply.written, reply.usage.total_input - reply.written
            break
        if reply.error:
            break
        low, least = high, reply.usage.total_input
        high = (
            max(int(high * 1.9), int(documented * _ABOVE / per_word))
            if least >= documented
            else int(high * documented * _ABOVE / max(1, least))
        )  # a first text may come out too short, because its tokens were only estimated
    if not reply.written:
        return ProbeAnswer("minimum_tokens", None, reply.message or f"nothing cached at {thousands(high)} words", False)
    for _ in range(12):
        candidates = _between(subject, least, most)
        if len(candidates) == 1 and least >= candidates[0] * 0.9:
            break
        if most - least <= max(8, most // 32) or high - low <= 2:
            break
        middle = _next_words(candidates, low, high, per_word)
        system = subject.fresh(middle)
        reply = yield Send(marked(subject, system))
        if reply.error:
            return unmeasured("minimum_tokens", reply, False)
        if reply.written:
            high, most = middle, reply.written
        else:
            low, least = middle, reply.usage.total_input - rest
    candidates = _between(subject, least, most)
    answer = 0 if least == 0 and most < 64 else candidates[0] if candidates else most
    subject.words = max(64, int((answer or most) * _ABOVE / per_word))  # from here on, just enough to be cached
    return ProbeAnswer(
        "minimum_tokens", str(answer), f"{thousands(least)} tokens not cached, {thousands(most)} cached", False
    )


def _between(subject: ProbedModel, least: int, most: int) -> list[int]:
    """The minimums that are known of some model and fit what was seen, the documented one first."""
    known = dict.fromkeys((subject.rules.minimum_tokens, *_minima()))
    return [candidate for candidate in known if least < candidate <= most]


@cache
def _minima() -> tuple[int, ...]:
    """The minima that models of the catalogue have, or had."""
    catalog = load_catalog()
    rows = (rules for model in catalog.models.values() for rules in catalog.rule_history(model))
    return tuple(sorted({rules.minimum_tokens for rules in rows} - {0}))


def _next_words(candidates: list[int], low: int, high: int, per_word: float) -> int:
    """How many words to try next: just below the likeliest candidate, then almost none, then the middle."""
    for candidate in candidates:
        below = int(candidate * _BELOW / per_word)
        if low < below < high:
            return below
    return 4 if low < 4 < high and not low else (low + high) // 2
