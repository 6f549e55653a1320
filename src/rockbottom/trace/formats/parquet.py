"""The Parquet file that ``rockbottom trace import`` writes."""

from collections.abc import Sequence
from pathlib import Path

from rockbottom.trace.addresses import UnreadableSource
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of, local
from rockbottom.trace.parquet import read_parquet
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """One file, as it was written. Raises UnreadableSource for a Parquet file of another kind."""
    path = local(part)
    try:
        return ReadPart(read_parquet(path), Damages(), path.stat().st_size)
    except ValueError as error:
        raise UnreadableSource(
            f"{path}: {error}",
            fix="rockbottom trace import SOURCE --out FILE.parquet; records of a log are read as JSON or CSV, "
            "which Athena writes too (UNLOAD ... format = 'JSON')",
        ) from error


def _recognises(path: Path, head: bytes) -> bool:
    return head.startswith(b"PAR1")


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if name.endswith(".parquet")]


READER = LogReader("parquet", "a trace written by `rockbottom trace import`", _recognises, _parts, read)
