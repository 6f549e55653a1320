"""The columnar schema of recorded requests, and one reader per log format. May open files; nothing else."""

from typing import TYPE_CHECKING, Any

from rockbottom.extras import needing
from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.trace.addresses import UnreadableSource, is_log_group, is_s3
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
    from rockbottom.trace.damages import Damage, Damages
    from rockbottom.trace.facts import TraceFacts, facts_of, unknown_models
    from rockbottom.trace.files import CutShort, chunks_in, chunks_of, files_of, pieces_of
    from rockbottom.trace.invocations import Invocation, first_two, invocations_of, only_one
    from rockbottom.trace.labels import BY_COLUMN
    from rockbottom.trace.logs import text_lines
    from rockbottom.trace.merging import Merged, merged
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
    "Damage",
    "Damages",
    "Invocation",
    "LogReader",
    "Merged",
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
    "UnreadableSource": "addresses",
    "is_log_group": "addresses",
    "is_s3": "addresses",
    "APIS": "columns",
    "KINDS": "columns",
    "NO_TTL": "columns",
    "UNKNOWN": "columns",
    "ApiCode": "columns",
    "OpeningCode": "columns",
    "Array": "columns",
    "Blocks": "columns",
    "Points": "columns",
    "RequestColumns": "columns",
    "SectionCode": "columns",
    "Trace": "columns",
    "empty_trace": "columns",
    "selected": "columns",
    "usage_at": "columns",
    "compiled": "compiling",
    "inlined": "compiling",
    "without_contents": "contents",
    "Damage": "damages",
    "Damages": "damages",
    "TraceFacts": "facts",
    "facts_of": "facts",
    "unknown_models": "facts",
    "CutShort": "files",
    "chunks_in": "files",
    "chunks_of": "files",
    "files_of": "files",
    "pieces_of": "files",
    "Invocation": "invocations",
    "first_two": "invocations",
    "invocations_of": "invocations",
    "only_one": "invocations",
    "BY_COLUMN": "labels",
    "text_lines": "logs",
    "Merged": "merging",
    "merged": "merging",
    "notes_of": "parquet",
    "read_parquet": "parquet",
    "write_parquet": "parquet",
    "ReadPart": "reading",
    "LogReader": "reading",
    "ReaderSettings": "reading",
    "Reading": "reading",
    "assembled": "reading",
    "read_trace": "reading",
    "reader_of": "reading",
    "readers": "reading",
    "passed_over": "sources",
    "csv_rows": "tables",
    "spelled_object": "tables",
    "Tail": "tailing",
    "log_part": "tailing",
}
_look_up = late(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    with needing("rockbottom.trace", "replay"):
        return _look_up(name)
