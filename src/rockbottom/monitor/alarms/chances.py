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
    term = total = math.exp(-mean)
    for count in range(1, seen + 1):
        term *= mean / count
        total += term
    return total
