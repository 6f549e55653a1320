"""The metrics that are published: their names, their units, and what each of them means."""

from dataclasses import dataclass
from enum import Enum

NAMESPACE = "BedrockLLMOps"
MODEL_DIMENSION = "ModelId"


class MetricUnit(Enum):
    """The unit of a metric; the value is CloudWatch's spelling (US dollars have none there)."""

    COUNT = "Count"
    PERCENT = "Percent"
    MILLISECONDS = "Milliseconds"
    USD = "None"


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: looked up by identity, which is felt in every call
class Definition:
    """One metric: ``meaning`` is a sentence; ``samples`` says what CloudWatch's SampleCount counts."""

    name: str
    unit: MetricUnit
    meaning: str
    samples: str = "calls"


CACHE_HIT_TOKENS = Definition("CacheHitTokens", MetricUnit.COUNT, "Prompt tokens read from the cache.")
CACHE_HIT_RATE = Definition(
    "CacheHitRate",
    MetricUnit.PERCENT,
    "Tokens read as a share of the whole prompt: read / (uncached + read + written). Each token weighs the same.",
    "prompt tokens",
)
CACHE_WRITE_TOKENS = Definition("CacheWriteTokens", MetricUnit.COUNT, "Prompt tokens written to the cache.")
UNCACHED_INPUT_TOKENS = Definition(
    "UncachedInputTokens", MetricUnit.COUNT, "Prompt tokens neither read nor written (Bedrock's inputTokens)."
)
OUTPUT_TOKENS = Definition("OutputTokens", MetricUnit.COUNT, "Tokens of the answers.")
COST = Definition("Cost", MetricUnit.USD, "US dollars, of calls whose price is known.", "priced calls")
COST_PER_REQUEST = Definition(
    "CostPerRequest", MetricUnit.USD, "US dollars of one call; its Average is the cost per request.", "priced calls"
)
SAVING = Definition(
    "Saving", MetricUnit.USD, "US dollars against the same calls without caching; negative for a loss.", "priced calls"
)
WRITE_WASTE = Definition(
    "WriteWaste",
    MetricUnit.USD,
    "US dollars paid above the input price for tokens that were written and that no later call read in their lifetime.",
    "priced writes",
)
TIME_TO_FIRST_TOKEN = Definition(
    "TimeToFirstToken", MetricUnit.MILLISECONDS, "Until a stream's first token; percentiles work.", "streams"
)
POINTS_WITHOUT_CACHING = Definition(
    "PointsWithoutCaching",
    MetricUnit.COUNT,
    "1 for a call that sent cachePoints and neither read nor wrote, else 0; its Average is their share.",
    "calls with cachePoints",
)
HEARTBEAT = Definition(
    "Heartbeat",
    MetricUnit.COUNT,
    "1 while a process publishes, with or without calls; it has no dimension.",
    "heartbeats",
)

DEFINITIONS = (
    CACHE_HIT_TOKENS,
    CACHE_HIT_RATE,
    CACHE_WRITE_TOKENS,
    UNCACHED_INPUT_TOKENS,
    OUTPUT_TOKENS,
    COST,
    COST_PER_REQUEST,
    SAVING,
    WRITE_WASTE,
    TIME_TO_FIRST_TOKEN,
    POINTS_WITHOUT_CACHING,
)
"""All of calls, in the order in which they are listed."""
