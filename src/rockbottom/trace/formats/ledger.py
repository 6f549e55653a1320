"""rockbottom's own ledger: reserved. Its rows are defined by ``monitor``; until then nothing is recognised."""

from collections.abc import Sequence
from pathlib import Path

from rockbottom.trace.reading import Part, Reader, Settings, UnreadableSource


def read(part: str, settings: Settings) -> Part:
    """Raises UnreadableSource: the ledger cannot be read yet."""
    raise UnreadableSource(f"{part}: the ledger of this version cannot be read as a trace")


def _recognises(path: Path, head: bytes) -> bool:
    return False


def _parts(source: str) -> Sequence[str]:
    return [source]


READER = Reader("ledger", "rockbottom's own ledger (not yet readable)", _recognises, _parts, read)
