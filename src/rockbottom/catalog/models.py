"""What a model id means: which model, reached how, from where."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from rockbottom.quantities import Source


class Scope(Enum):
    """Where a request may be processed, which decides its price; the value is the id prefix AWS uses."""

    IN_REGION = "in_region"
    US = "us"
    EU = "eu"
    APAC = "apac"
    JP = "jp"
    AU = "au"
    CA = "ca"
    IN = "in"
    US_GOV = "us-gov"
    GLOBAL = "global"


class Tier(Enum):
    """The service tier a price belongs to.

    Batch is a tier of the price list, not of ``serviceTier``; optimized is ``performanceConfig`` with its latency
    optimized. Reserved has no price for a token: its capacity is paid by the hour.
    """

    DEFAULT = "default"
    FLEX = "flex"
    PRIORITY = "priority"
    BATCH = "batch"
    OPTIMIZED = "optimized"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Model:
    """One foundation model: its bare id, who makes it, what it is called, and what is known of it."""

    id: str  # bare id, as in arn:aws:bedrock:<region>::foundation-model/<id>
    name: str  # what people call it: "Claude Sonnet 4.6"
    vendor: str  # anthropic | amazon | openai | meta | qwen | ...
    tokenizer: str  # key of TokenWeights; never shared between generations
    context_window: int | None
    count_tokens: bool | None  # does bedrock-runtime CountTokens take it; None: not known
    in_region: bool | None  # may the bare id be invoked on bedrock-runtime; None: not known
    profiles: tuple[Scope, ...]  # the system profiles known to exist
    aliases: tuple[str, ...]  # short spellings a person may type ("sonnet-4-6", "nova-pro")
    released_on: date | None
    source: Source


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model id resolved: the string the caller gave, the model behind it, its scope and Region.

    ``region`` is the Region named by an ARN, else None. ``scope`` is IN_REGION for a bare id or a
    foundation-model ARN. ``application_profile`` is the ARN when it came through one.
    """

    given: str
    model: Model
    scope: Scope
    region: str | None = None
    application_profile: str | None = None

    @property
    def id(self) -> str:
        """The model's id behind the prefix of its scope, as AWS spells it: ``us.anthropic.claude-sonnet-4-6``."""
        return self.model.id if self.scope is Scope.IN_REGION else f"{self.scope.value}.{self.model.id}"

    @property
    def sent_as(self) -> str:
        """What a request names: an ARN as it was given, else ``id``, as a person may give a short name."""
        text = self.given.strip()
        return text if text.startswith("arn:") else self.id
