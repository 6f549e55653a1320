"""The endpoint's clock: the real one with an offset, or one that moves only when told."""

import time
from dataclasses import dataclass
from enum import Enum

from rockbottom.local.failures import invalid


class ClockKind(Enum):
    """REAL runs with the machine's clock (plus what was advanced); MANUAL stands until it is moved."""

    REAL = "real"
    MANUAL = "manual"


@dataclass(slots=True)
class Clock:
    """What the endpoint takes for the time, in seconds since the epoch. Effects are verbs: advance, set."""

    kind: ClockKind = ClockKind.REAL
    base: float = 0.0  # REAL: added to the machine's clock; MANUAL: the instant itself

    def now(self) -> float:
        """The instant, in seconds since the epoch."""
        return self.base if self.kind is ClockKind.MANUAL else time.time() + self.base

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ServiceFailure for a step back: entries would come to life again."""
        if not 0 <= seconds < 1e10:
            raise invalid(f"the clock cannot advance by {seconds} seconds; give 0 or more (set moves it anywhere)")
        self.base += seconds

    def set_to(self, instant: float) -> None:
        """Stand at (MANUAL) or continue from (REAL) an instant."""
        if not 0 <= instant < 253_402_300_800:
            raise invalid(f"{instant} is not an instant between 1970 and 9999 in seconds since the epoch")
        self.base = instant if self.kind is ClockKind.MANUAL else instant - time.time()

    def become(self, kind: ClockKind) -> None:
        """Change the kind without a jump of the time."""
        instant = self.now()
        self.kind = kind
        self.set_to(instant)
