"""The columnar schema of recorded requests, and one reader per log format. May open files; nothing else."""

from rockbottom.extras import needing

with needing("rockbottom.trace", "replay"):
    from rockbottom.trace.addresses import UnreadableSource, is_log_group, is_s3
    from rockbottom.trace.columns import (
        APIS,
        KINDS,
        NO_TTL,
        UNKNOWN,
        ApiCode,
        Array,
        Blocks,
        Points,
        Requests,
        SectionCode,
        Trace,
        empty_trace,
        selected,
        usage_at,
    )
    from rockbottom.trace.compiled import compiled, inlined
    from rockbottom.trace.damages import Damage, Damages
    from rockbottom.trace.facts import TraceFacts, facts_of, unknown_models
    from rockbottom.trace.files import CutShort, chunks_in, chunks_of, files_of, pieces_of
    from rockbottom.trace.invocations import Invocation, first_two, invocations_of, only_one
    from rockbottom.trace.labels import BY_COLUMN
    from rockbottom.trace.logs import text_lines
    from rockbottom.trace.merging import Merged, merged
    from rockbottom.trace.parquet import notes_of, read_parquet, write_parquet
    from rockbottom.trace.reading import (
        Part,
        Reader,
        ReaderSettings,
        Reading,
        assembled,
        read_trace,
        reader_of,
        readers,
    )
    from rockbottom.trace.tables import spelled_object
    from rockbottom.trace.tailing import Tail, log_part

__all__ = [
    "APIS",
    "BY_COLUMN",
    "KINDS",
    "NO_TTL",
    "UNKNOWN",
    "ApiCode",
    "Array",
    "Blocks",
    "CutShort",
    "Damage",
    "Damages",
    "Invocation",
    "Merged",
    "Part",
    "Points",
    "Reader",
    "ReaderSettings",
    "Reading",
    "Requests",
    "SectionCode",
    "Tail",
    "Trace",
    "TraceFacts",
    "UnreadableSource",
    "assembled",
    "chunks_in",
    "chunks_of",
    "compiled",
    "empty_trace",
    "facts_of",
    "files_of",
    "first_two",
    "inlined",
    "invocations_of",
    "is_log_group",
    "is_s3",
    "log_part",
    "merged",
    "notes_of",
    "only_one",
    "pieces_of",
    "read_parquet",
    "read_trace",
    "reader_of",
    "readers",
    "selected",
    "spelled_object",
    "text_lines",
    "unknown_models",
    "usage_at",
    "write_parquet",
]
