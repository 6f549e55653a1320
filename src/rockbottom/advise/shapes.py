"""The shape of a workload in a few numbers: how much of each prompt stays the same, and how often it comes.

Layers are the parts of the prompt that stay the same, outermost first (tools and instructions, then a document,
then a customer's settings). A layer with ``variants`` 40 exists in 40 versions, each used equally often. What a
conversation adds turn by turn is ``added_tokens``; what is different in every request is ``question_tokens``.
"""

from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.errors import ImpossibleShape
from rockbottom.quantities import Ttl

_DAY_HOURS = Decimal(24)


@dataclass(frozen=True, slots=True)
class Layer:
    """Tokens that stay the same; ``ttl`` None leaves the lifetime to be chosen."""

    tokens: int
    variants: int = 1
    ttl: Ttl | None = None


@dataclass(frozen=True, slots=True)
class MonthlyTraffic:
    """How requests arrive in a month.

    Conversations of ``turns`` requests, ``turn_gap_s`` seconds apart, begin at random (a Poisson process), in
    windows of ``hours`` hours a day on ``days`` days. A window of less than a day starts with an empty cache.
    """

    requests: Decimal
    turns: int = 1
    turn_gap_s: Decimal = Decimal(0)
    days: int = 30
    hours: Decimal = _DAY_HOURS

    @property
    def windows(self) -> int:
        """Stretches of time without a break: one, or one a day."""
        return 1 if self.hours == _DAY_HOURS else self.days

    @property
    def window_s(self) -> Decimal:
        """The length of one window in seconds."""
        return self.hours * 3600 * self.days / self.windows

    @property
    def sessions(self) -> Decimal:
        return self.requests / self.turns


@dataclass(frozen=True, slots=True)
class WorkloadShape:
    """A workload: raises ImpossibleShape where the numbers contradict each other."""

    layers: tuple[Layer, ...]
    question_tokens: int
    output_tokens: int
    traffic: MonthlyTraffic
    added_tokens: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if self.traffic.requests <= 0 or self.traffic.turns < 1 or self.traffic.days < 1:
            raise ImpossibleShape("a month needs at least one request, one turn and one day")
        if not 0 < self.traffic.hours <= 24:
            raise ImpossibleShape(f"{self.traffic.hours} hours a day: it must be above 0 and at most 24")
        if min(self.question_tokens, self.output_tokens, self.added_tokens, self.traffic.turn_gap_s) < 0:
            raise ImpossibleShape("tokens and seconds cannot be negative")
        if any(layer.tokens < 1 or layer.variants < 1 for layer in self.layers):
            raise ImpossibleShape("a layer has at least one token and one variant")
        variants = [layer.variants for layer in self.layers]
        if variants != sorted(variants):
            raise ImpossibleShape(
                "layers go from the one that fewest versions exist of to the one that most exist of: "
                f"{' then '.join(map(str, variants))} variants cannot share a prefix",
                fix="put what is the same for everybody first",
            )
        if not self.prompt_tokens(1):
            raise ImpossibleShape("the prompt has no tokens")

    @property
    def prefix_tokens(self) -> int:
        return sum(layer.tokens for layer in self.layers)

    def prompt_tokens(self, turn: int) -> int:
        """Tokens of the whole prompt at a turn, the first being 1."""
        return self.prefix_tokens + (turn - 1) * self.added_tokens + self.question_tokens
