"""Numbers of a JSON schema: which it accepts, and the least of them."""

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

Number = float | int


def number_of(value: Any) -> Number | None:
    """The value where it is a number; a boolean is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that a schema accepts: from ``least`` to ``most``, themselves left out where ``above``, ``below``."""

    least: Number | None
    most: Number | None
    above: bool
    below: bool
    step: Number | None
    whole: bool

    @classmethod
    def of(cls, fields: dict[str, Any], *, whole: bool) -> "Bounds":
        """The bounds of a schema for a number, or a whole one."""
        low, above = number_of(fields.get("minimum")), number_of(fields.get("exclusiveMinimum"))
        high, below = number_of(fields.get("maximum")), number_of(fields.get("exclusiveMaximum"))
        strictly_above = above is not None and (low is None or low <= above)
        strictly_below = below is not None and (high is None or high >= below)
        step = number_of(fields.get("multipleOf"))
        return cls(
            above if strictly_above else low,
            below if strictly_below else high,
            strictly_above,
            strictly_below,
            step if step is not None and step > 0 else None,
            whole,
        )

    def accepts(self, value: Number) -> bool:
        """Whether the schema takes the value."""
        if self.whole and value != int(value):
            return False
        if self.least is not None and (value < self.least or (self.above and value == self.least)):
            return False
        if self.most is not None and (value > self.most or (self.below and value == self.most)):
            return False
        return self.step is None or value % self.step == 0

    def smallest(self) -> Number:
        """The least that is accepted; without a lower bound 1, or what is nearest below it."""
        return next((value for value in self._candidates() if self.accepts(value)), self.least or 0)

    def _candidates(self) -> list[Number]:
        least, most = self.least, self.most
        if self.step is not None:
            base = ceil((least if least is not None else 1) / self.step) * self.step
            last = floor((most if most is not None else base) / self.step) * self.step
            return [base, base + self.step, last, last - self.step]
        if least is not None:
            between = [] if most is None or self.whole else [(least + most) / 2]
            return [least if not self.whole else ceil(least), floor(least) + 1, *between]
        return [1] if most is None else [1, most if not self.whole else floor(most), ceil(most) - 1]
