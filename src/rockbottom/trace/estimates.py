"""Tokens of the texts of a whole log, estimated together by a compiled loop.

Each text counts what ``Meter.tokens_of_text`` says of it; a block counts what its texts do, and a number of its own.
"""

from array import array
from collections.abc import Mapping

import numpy as np

from rockbottom.prompt import CLASSES, FEATURES, sample_of
from rockbottom.quantities import TokenWeights
from rockbottom.trace.columns import Array

_CLASSES = np.frombuffer(CLASSES, np.uint8)
_MOST_BYTES = 8 << 20  # of text that waits


class Estimates:
    """Blocks with their texts, one behind another; ``tokens`` are those of each block.

    ``texts`` and ``blocks`` say how many there are; ``cut`` forgets what came after.
    """

    def __init__(self) -> None:
        self._weights: list[tuple[list[float], float]] = []
        self._numbers: dict[str, int] = {}
        self._samples: list[bytes] = []
        self._bytes = 0
        self._times, self._of = array("d"), array("i")
        self._fixed, self._until = array("q"), array("q")
        self._counted: list[Array] = []
        self._texts_counted = 0

    def number_of(self, weights: TokenWeights) -> int:
        """The number by which texts name their weights."""
        number = self._numbers.setdefault(weights.family, len(self._weights))
        if number == len(self._weights):
            self._weights.append((_row(weights.tokens_per), float(weights.scale)))
        return number

    def add_text(self, text: str, weights: int) -> None:
        """One text of the block that is added next."""
        if text:
            sample, times = sample_of(text)
            self._samples.append(sample)
            self._times.append(times)
            self._of.append(weights)
            self._bytes += len(sample)

    def add_block(self, tokens: int = 0) -> int:
        """A block of the texts added since the last one, and of so many tokens besides; its number."""
        self._fixed.append(tokens)
        self._until.append(self._texts_counted + len(self._samples))
        return len(self._fixed) - 1

    def drop_texts(self) -> None:
        """Forget the texts added since the last block."""
        settled = (self._until[-1] if self._until else 0) - self._texts_counted
        del self._samples[settled:], self._times[settled:], self._of[settled:]

    def settle(self) -> None:
        """Count what waits, if that is much; between blocks only."""
        if self._bytes > _MOST_BYTES:
            self._count()

    def tokens(self) -> Array:
        """The tokens of each block."""
        self._count()
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate([*self._counted, _NONE]))))
        upto = sums[np.frombuffer(self._until, np.int64)] if self._until else _NONE
        return np.frombuffer(self._fixed, np.int64) + np.diff(upto, prepend=0) if self._fixed else _NONE

    def _count(self) -> None:
        if not self._samples:
            return
        from rockbottom.trace.counting import counted_features  # numba; explain reads logs and needs no columns

        ends = np.cumsum(np.fromiter(map(len, self._samples), np.int64, len(self._samples)))
        counts = counted_features(np.frombuffer(b"".join(self._samples), np.uint8), ends, _CLASSES)
        of = np.frombuffer(self._of, np.int32)
        rows, scales = np.array([row for row, _ in self._weights]), np.array([scale for _, scale in self._weights])
        weighed = counts * rows[of]
        estimated = weighed[:, 0]
        for feature in range(1, len(FEATURES)):  # one after the other, as the meter adds them up
            estimated = estimated + weighed[:, feature]
        whole = np.ceil(estimated * np.frombuffer(self._times, np.float64) * scales[of]).astype(np.int64)
        self._counted.append(np.maximum(whole, 1))
        self._texts_counted += len(self._samples)
        self._samples, self._bytes = [], 0
        self._times, self._of = array("d"), array("i")


_NONE = np.zeros(0, np.int64)


def _row(tokens_per: Mapping[str, float]) -> list[float]:
    """The weights in the order of ``FEATURES``; not every tokenizer has one of its own for capitals."""
    return [float(tokens_per.get(feature, 0)) for feature in FEATURES]
