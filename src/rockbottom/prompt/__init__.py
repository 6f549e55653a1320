"""A Converse or InvokeModel body read into canonical order, and a plan written back into it.

Pure: reads no clock and no network, and never changes the caller's objects.
"""

from rockbottom.prompt.anthropic import read_anthropic
from rockbottom.prompt.calibration import Calibration, corrected
from rockbottom.prompt.converse import read_converse
from rockbottom.prompt.errors import MalformedBody
from rockbottom.prompt.hashing import digest_of, prefix_hashes, seed_of, seeds_of
from rockbottom.prompt.meter import Meter, json_bytes
from rockbottom.prompt.nova import read_nova
from rockbottom.prompt.segments import (
    Api,
    BlockKind,
    CachePoint,
    Parameters,
    PrefixHash,
    Prompt,
    Section,
    Segment,
    place_of,
    prompt_of,
)
from rockbottom.prompt.writing import (
    Placement,
    with_anthropic_points,
    with_converse_points,
    with_nova_points,
    without_points,
)

__all__ = [
    "Api",
    "BlockKind",
    "CachePoint",
    "Calibration",
    "MalformedBody",
    "Meter",
    "Parameters",
    "Placement",
    "PrefixHash",
    "Prompt",
    "Section",
    "Segment",
    "corrected",
    "digest_of",
    "json_bytes",
    "place_of",
    "prefix_hashes",
    "prompt_of",
    "read_anthropic",
    "read_converse",
    "read_nova",
    "seed_of",
    "seeds_of",
    "with_anthropic_points",
    "with_converse_points",
    "with_nova_points",
    "without_points",
]
