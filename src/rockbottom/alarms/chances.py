"""How often something happens that was seen a few times: the bounds of a rate. Pure."""

import math

CONFIDENCE = 0.95


def rate_at_most(seen: int, exposure: float, confidence: float = CONFIDENCE) -> float:
    """The highest rate under which seeing so few in so much exposure is still as likely as 1 - ``confidence``.

    The exact one-sided Poisson bound (Garwood 1936): nothing seen in 10 days is at most 0.3 a day at 95 percent.
    """
    if exposure <= 0:
        return math.inf
    low, high = 0.0, 10.0 + 4.0 * seen
    for _ in range(100):
        middle = (low + high) / 2
        if _at_most(seen, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high / exposure


def _at_most(seen: int, mean: float) -> float:
    """The chance of ``seen`` or fewer."""
    # By logarithms: e to the power of -mean alone is nothing in floating point from a mean of 746 on.
    log = math.log(mean) if mean > 0 else -math.inf
    terms = ((count * log if count else 0.0) - mean - math.lgamma(count + 1) for count in range(seen + 1))
    return math.fsum(map(math.exp, terms))
