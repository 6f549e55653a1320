"""The spellings of a request and of its reply: bodies read into prompts, points put in, streams cut and assembled.

Pure: reads no clock and no network, and never changes the caller's objects.
"""

from rockbottom.dialects.anthropic import read_anthropic
from rockbottom.dialects.converse import read_converse
from rockbottom.dialects.nova import read_nova
from rockbottom.dialects.reading import Reader
from rockbottom.dialects.registry import counts_of, usage_of
from rockbottom.dialects.replies import (
    METRICS,
    anthropic_chunks,
    anthropic_reply,
    converse_events,
    converse_reply,
    nova_chunks,
    nova_reply,
)
from rockbottom.dialects.request import tier_of
from rockbottom.dialects.usage import INVOKED, NO_SPLIT, Counts, header_counts
from rockbottom.dialects.writing import (
    with_anthropic_points,
    with_converse_points,
    with_nova_points,
    without_points,
)

__all__ = [
    "INVOKED",
    "METRICS",
    "NO_SPLIT",
    "Counts",
    "Reader",
    "anthropic_chunks",
    "anthropic_reply",
    "converse_events",
    "converse_reply",
    "counts_of",
    "header_counts",
    "nova_chunks",
    "nova_reply",
    "read_anthropic",
    "read_converse",
    "read_nova",
    "tier_of",
    "usage_of",
    "with_anthropic_points",
    "with_converse_points",
    "with_nova_points",
    "without_points",
]
