"""Vectors for texts, without chance: texts that share words point in like directions, the same text in the same.

Each word has a direction of its own, drawn from its hash; a text is the sum of its words' directions.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from math import log1p, sqrt

_WORD = re.compile(r"\w+")
_MOST_WORDS = 512
Vector = list[float]


def vector_of(text: str, length: int, space: str = "") -> Vector:
    """A vector of this length and of norm 1; ``space`` keeps models apart."""
    counts = Counter(_WORD.findall(text.lower())) or Counter([text])
    total = [0.0] * length
    for word, count in counts.most_common(_MOST_WORDS):
        weight = 1.0 + log1p(count - 1)
        drawn = hashlib.shake_256(f"{space}\0{word}".encode("utf-8", "surrogatepass")).digest(length)
        total = [value + weight * (byte - 127.5) for value, byte in zip(total, drawn, strict=True)]
    norm = sqrt(sum(value * value for value in total)) or 1.0
    return [value / norm for value in total]


def likeness(first: Sequence[float], second: Sequence[float]) -> float:
    """How like two vectors of norm 1 are, from 0 to 1."""
    return max(0.0, min(1.0, sum(value * other for value, other in zip(first, second, strict=True))))
