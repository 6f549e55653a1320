"""The columnar schema of recorded requests, and one reader per log format. May open files; nothing else."""

from rockbottom.trace.columns import (
    KINDS,
    UNKNOWN,
    ApiCode,
    Array,
    Blocks,
    Points,
    Requests,
    SectionCode,
    Trace,
    TtlCode,
    empty_trace,
    selected,
)
from rockbottom.trace.files import UnreadableSource
from rockbottom.trace.merging import Merged, merged
from rockbottom.trace.reading import (
    Damage,
    Damages,
    Part,
    Reader,
    Reading,
    Settings,
    assembled,
    read_trace,
    reader_of,
    readers,
)

__all__ = [
    "KINDS",
    "UNKNOWN",
    "ApiCode",
    "Array",
    "Blocks",
    "Damage",
    "Damages",
    "Merged",
    "Part",
    "Points",
    "Reader",
    "Reading",
    "Requests",
    "SectionCode",
    "Settings",
    "Trace",
    "TtlCode",
    "UnreadableSource",
    "assembled",
    "empty_trace",
    "merged",
    "read_trace",
    "reader_of",
    "readers",
    "selected",
]
