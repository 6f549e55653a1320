"""The canonical prompt: segments in the order the service reads them, their tokens, digests and prefix hashes.

Pure, and without a word of how any API spells a request: ``dialects`` reads bodies into it.
"""

from rockbottom.prompt.calibration import Calibration, corrected
from rockbottom.prompt.depths import note_counted, share_out
from rockbottom.prompt.errors import KeptByService, MalformedBody
from rockbottom.prompt.features import CLASSES, FEATURES, count_features, sample_of
from rockbottom.prompt.hashing import digest_of, prefix_hashes, seed_of, seeds_of
from rockbottom.prompt.meter import HistoryKey, ListKey, ListName, Meter, ReadHistory, json_bytes, packed
from rockbottom.prompt.parts import Part, part_of
from rockbottom.prompt.segments import (
    Api,
    BlockKind,
    CachePoint,
    Parameters,
    Placement,
    PrefixHash,
    Prompt,
    Section,
    Segment,
    place_of,
    prompt_of,
    with_placements,
)
from rockbottom.prompt.shapes import list_at, object_at

__all__ = [
    "CLASSES",
    "FEATURES",
    "Api",
    "BlockKind",
    "CachePoint",
    "Calibration",
    "HistoryKey",
    "KeptByService",
    "ListKey",
    "ListName",
    "MalformedBody",
    "Meter",
    "Parameters",
    "Part",
    "Placement",
    "PrefixHash",
    "Prompt",
    "ReadHistory",
    "Section",
    "Segment",
    "corrected",
    "count_features",
    "digest_of",
    "json_bytes",
    "list_at",
    "note_counted",
    "object_at",
    "packed",
    "part_of",
    "place_of",
    "prefix_hashes",
    "prompt_of",
    "sample_of",
    "seed_of",
    "seeds_of",
    "share_out",
    "with_placements",
]
