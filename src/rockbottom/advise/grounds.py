"""What the row of a lever rests on, as figures; ``rendering`` makes sentences of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from rockbottom.advise.capacity import HourlyCapacity
from rockbottom.quantities import Usd


class Why(Enum):
    """Grounds without a figure."""

    EVIDENCE = "what the evidence itself says"
    GLOBAL_GIVEN = "the id given is that of the global profile"
    NOT_OFFERED = "the lever has no price here, or was not tried"
    NO_UNIT_PRICE = "no model-unit price is public"
    NO_MODEL_NAMED = "no other model was named"
    EVERY_TENTH_TOKEN = "every tenth token cut from prompts"
    STUDENT_KNOWN = "Bedrock distils this model into a smaller one"
    REPLAYED_BY_RULE = "what a rule of routing would have cost can be replayed on recorded requests"


@dataclass(frozen=True, slots=True)
class CachedShare:
    """How much of the input one way of sending reads."""

    way: str
    read_share: Decimal


@dataclass(frozen=True, slots=True)
class InBatch:
    """Batch against caching: the break-even of reads, and the greatest share read here; None: no price, no caching."""

    lane: str | None
    break_even: Decimal | None
    read_share: Decimal | None


class NoSpare(Enum):
    """Why there is no share of reads that may be lost before the global profile loses."""

    NOTHING_CACHED = "without caching there are no misses to add"
    UNPRICED = "its misses could not be priced"
    FREE_MISSES = "a miss costs no more than a read here"


@dataclass(frozen=True, slots=True)
class Globally:
    """The global profile: ``measured`` is the share of input read there by a lane of a run.

    ``spare`` is the share of reads that may become writes before its lower price is lost.
    """

    given: str
    on: date
    lane: str | None
    measured: Decimal | None
    spare: Decimal | NoSpare | None


@dataclass(frozen=True, slots=True)
class OnFlex:
    """Whether the flex tier has prices of cached reads."""

    lane: str | None
    cached: bool


@dataclass(frozen=True, slots=True)
class ByTheHour:
    """Capacity by the hour whose price was read, and how many tokens an hour this workload averages."""

    offers: tuple[HourlyCapacity, ...]
    tokens_hour: Decimal


@dataclass(frozen=True, slots=True)
class GuardedTurn:
    """A month of a guardrail on the whole prompt, and on the user's turn alone."""

    whole_usd: Usd
    turn_usd: Usd
    cached_read_usd: Usd | None


@dataclass(frozen=True, slots=True)
class ModelUnits:
    """A month of provisioned throughput at the user's price, against the bill with the levers pulled."""

    units: int
    usd_hour: Usd
    usd: Usd
    best_usd: Usd


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Another model for the same tokens; ``quality`` is what grading said of it, None: it was only named."""

    given: str
    usd: Usd
    quality: str | None = None


@dataclass(frozen=True, slots=True)
class UnderBar:
    """Models of the same run that grading put under the bar."""

    names: tuple[str, ...]


Ground = Why | CachedShare | InBatch | Globally | OnFlex | ByTheHour | GuardedTurn | ModelUnits | OtherModel | UnderBar
