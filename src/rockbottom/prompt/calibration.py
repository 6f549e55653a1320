"""An estimate corrected by what the service counted.

The first estimate of a tokenizer has a stated error; every reply tells the true size of a prompt. The
correction is one factor, learned from totals, so that long prompts count for more than short ones.
"""

from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from rockbottom.quantities import TokenWeights

_LEAST_TOKENS = 500  # before this much was counted, a correction would be noise


class Calibration(Struct, frozen=True):
    """What was estimated and what was counted so far, for one tokenizer generation; never for another.

    ``deviation`` sums, prompt by prompt, how far the estimate was off (tokens), for the error to state.
    """

    estimated: int = 0
    counted: int = 0
    deviation: int = 0

    def learned(self, estimated: int, counted: int) -> "Calibration":
        """The calibration after one more prompt: its estimate before correction, and the service's count."""
        if estimated <= 0 or counted <= 0:
            return self
        off = abs(round(estimated * self.factor) - counted)
        return Calibration(self.estimated + estimated, self.counted + counted, self.deviation + off)

    @property
    def factor(self) -> Fraction:
        """What to multiply an estimate by; 1 until enough was counted."""
        if self.counted < _LEAST_TOKENS or not self.estimated:
            return Fraction(1)
        return Fraction(self.counted, self.estimated)

    def error(self, stated: Fraction) -> Fraction:
        """The relative error to state: the mean one seen, or the stated one until enough was counted."""
        return Fraction(self.deviation, self.counted) if self.counted >= _LEAST_TOKENS else stated


def corrected(weights: TokenWeights, calibration: Calibration) -> TokenWeights:
    """The weights of a tokenizer with its scale and stated error as a calibration has them."""
    return replace(weights, scale=weights.scale * calibration.factor, error=calibration.error(weights.error))
