"""Features of many texts, counted by a compiled loop. Needs numba."""

import numpy as np

from rockbottom.prompt import FEATURES, count_features
from rockbottom.trace.columns import Array
from rockbottom.trace.compiling import compiled

_count_features = compiled(count_features)


def counted_features(data: Array, ends: Array, classes: Array) -> Array:
    """A row a text with a column for each of ``FEATURES``; see ``count_features``."""
    counts = np.zeros(len(ends) * len(FEATURES), np.int64)
    _count_features(data, ends, classes, counts)
    return counts.reshape(-1, len(FEATURES))
