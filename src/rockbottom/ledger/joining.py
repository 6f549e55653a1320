"""Several ledgers as one, in the order of time: what a fleet shipped, read as if one machine had recorded it."""

import heapq
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rockbottom.files import make_folder, private
from rockbottom.ledger.lines import START
from rockbottom.ledger.places import volume_path, volumes_of
from rockbottom.ledger.reading import chunks_of
from rockbottom.ledger.trimming import note, notes_of

_VOLUME_BYTES = 16 << 20


def joined(ledgers: Sequence[Path], into: Path) -> None:
    """Write the lines of all these ledgers, damaged ones too, as one ledger in a folder. Raises OSError.

    What one of them lost is noted there; volumes that it removed and that are here all the same were not lost.
    """
    make_folder(into)
    lines = heapq.merge(*map(_timed, ledgers), key=lambda line: line[0])
    for number, batch in enumerate(_batches(line for _, line in lines), 1):
        with open(volume_path(into, number), "wb", opener=private) as file:
            file.writelines(batch)
    for ledger in ledgers:
        for noted in notes_of(ledger):
            if "dropped" in noted or not (ledger / str(noted.get("removed", os.curdir))).exists():
                note(into, noted)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= _VOLUME_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _timed(ledger: Path) -> Iterator[tuple[float, bytes]]:
    """The lines of a ledger with when their calls left; a damaged one goes with the line before it."""
    at = 0.0
    for volume in volumes_of(ledger):
        with volume.path.open("rb") as file:
            for _, data, _ in chunks_of(file, 0):
                for line in data.split(b"\n"):
                    at = _at(line, at)
                    yield at, line + b"\n"


def _at(line: bytes, otherwise: float) -> float:
    if not line.startswith(START):
        return otherwise
    try:
        return float(line[len(START) : line.find(b",")])
    except ValueError:
        return otherwise
