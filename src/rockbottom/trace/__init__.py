"""The columnar schema of recorded requests, and one reader per log format. May open files; nothing else."""

from typing import TYPE_CHECKING, Any

from rockbottom.extras import needing
from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.trace.addresses import UnreadableSource, is_s3
    from rockbottom.trace.columns import (
        APIS,
        KINDS,
        NO_TTL,
        UNKNOWN,
        ApiCode,
        Array,
        Blocks,
        OpeningCode,
        Points,
        RequestColumns,
        SectionCode,
        Trace,
        empty_trace,
        selected,
        usage_at,
    )
    from rockbottom.trace.compiling import compiled, inlined
    from rockbottom.trace.contents import without_contents
    from rockbottom.trace.damages import Damages
    from rockbottom.trace.facts import TraceFacts, facts_of, unknown_models
    from rockbottom.trace.files import CutShort, chunks_in, chunks_of, pieces_of
    from rockbottom.trace.invocations import Invocation, first_two, invocations_of, only_one
    from rockbottom.trace.labels import BY_COLUMN
    from rockbottom.trace.logs import text_lines
    from rockbottom.trace.merging import merged
    from rockbottom.trace.parquet import notes_of, read_parquet, write_parquet
    from rockbottom.trace.reading import (
        LogReader,
        ReaderSettings,
        Reading,
        ReadPart,
        assembled,
        read_trace,
        reader_of,
        readers,
    )
    from rockbottom.trace.sources import passed_over
    from rockbottom.trace.tables import csv_rows, spelled_object
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
    "Damages",
    "Invocation",
    "LogReader",
    "OpeningCode",
    "Points",
    "ReadPart",
    "ReaderSettings",
    "Reading",
    "RequestColumns",
    "SectionCode",
    "Tail",
    "Trace",
    "TraceFacts",
    "UnreadableSource",
    "assembled",
    "chunks_in",
    "chunks_of",
    "compiled",
    "csv_rows",
    "empty_trace",
    "facts_of",
    "first_two",
    "inlined",
    "invocations_of",
    "is_s3",
    "log_part",
    "merged",
    "notes_of",
    "only_one",
    "passed_over",
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
    "without_contents",
    "write_parquet",
]

# The module of each name, imported when it is first asked for: a batch reads files and needs no columns.
_HOMES = {
    "addresses": "UnreadableSource is_s3",
    "columns": (
        "APIS KINDS NO_TTL UNKNOWN ApiCode OpeningCode Array Blocks Points RequestColumns SectionCode Trace "
        "empty_trace selected usage_at"
    ),
    "compiling": "compiled inlined",
    "contents": "without_contents",
    "damages": "Damages",
    "facts": "TraceFacts facts_of unknown_models",
    "files": "CutShort chunks_in chunks_of pieces_of",
    "invocations": "Invocation first_two invocations_of only_one",
    "labels": "BY_COLUMN",
    "logs": "text_lines",
    "merging": "merged",
    "parquet": "notes_of read_parquet write_parquet",
    "reading": "ReadPart LogReader ReaderSettings Reading assembled read_trace reader_of readers",
    "sources": "passed_over",
    "tables": "csv_rows spelled_object",
    "tailing": "Tail log_part",
}
_look_up = late(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    with needing("rockbottom.trace", "replay"):
        return _look_up(name)
