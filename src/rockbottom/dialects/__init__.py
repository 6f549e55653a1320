"""The spellings of a request and of its reply: bodies read into prompts, points put in, streams cut and assembled.

Pure: reads no clock and no network, and never changes the caller's objects.
"""

from rockbottom.dialects.anthropic import read_anthropic
from rockbottom.dialects.converse import read_converse
from rockbottom.dialects.nova import read_nova
from rockbottom.dialects.reading import Reader
from rockbottom.dialects.replies import (
    METRICS,
    anthropic_chunks,
    anthropic_reply,
    converse_events,
    converse_reply,
    nova_chunks,
    nova_reply,
)
from rockbottom.dialects.writing import (
    with_anthropic_points,
    with_converse_points,
    with_nova_points,
    without_points,
)

__all__ = [
    "METRICS",
    "Reader",
    "anthropic_chunks",
    "anthropic_reply",
    "converse_events",
    "converse_reply",
    "nova_chunks",
    "nova_reply",
    "read_anthropic",
    "read_converse",
    "read_nova",
    "with_anthropic_points",
    "with_converse_points",
    "with_nova_points",
    "without_points",
]
