"""The records of a ledger as they were written, while others go on writing."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from rockbottom.files import from_here
from rockbottom.ledger.errors import NoLedger
from rockbottom.ledger.lines import found_in
from rockbottom.ledger.places import volumes_of
from rockbottom.ledger.records import CallRecord

CHUNK_BYTES = 4 << 20
_MOST_LOCATED = 1000


class DamagedLine(NamedTuple):
    """Bytes that are no record: which volume, where in it, how many, and what the decoder says."""

    volume: str
    offset: int
    size: int
    why: str


class LedgerReader:
    """Reads a ledger. ``damaged`` lists torn lines met so far (the first thousand; ``damaged_count`` counts all).

    ``unfinished`` counts last lines without an end: a call being recorded now, or a volume that was cut off.
    ``bytes_read`` is how far the volume was read that was read last.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = from_here(folder)
        self.damaged: list[DamagedLine] = []
        self.damaged_count = self.unfinished = 0
        self.bytes_read = 0

    def calls(self, since: float | None = None, until: float | None = None) -> Iterator[CallRecord]:
        """Every call in the order in which they were written, which a clock that jumps does not change.

        ``since`` (included) and ``until`` (excluded) are compared with ``at``, in seconds since the epoch. A line
        that is still being written is left for the next time; a closed volume that ended before ``since`` is not
        read. Raises NoLedger.
        """
        if not self.folder.is_dir():
            raise NoLedger(
                f"{self.folder} holds no ledger.", fix="record one with rockbottom.attach(client, ledger=True)"
            )
        self.damaged, self.damaged_count, self.unfinished = [], 0, 0
        volumes = volumes_of(self.folder)
        for place, volume in enumerate(volumes):
            last = place + 1 == len(volumes)
            if since is not None and not last and volume.ended_before(since):
                continue
            for call in self.calls_of(volume.path, last):
                if (since is None or call.at >= since) and (until is None or call.at < until):
                    yield call

    def calls_of(self, path: Path, last: bool = True) -> Iterator[CallRecord]:
        """The calls of one volume; in the ``last`` one an unfinished line is being written, elsewhere it is torn."""
        try:
            file = path.open("rb")
        except FileNotFoundError:  # removed since it was listed
            return
        with file:
            yield from self.calls_in(file, path.name, last)

    def calls_in(self, file: IO[bytes], name: str, last: bool = True) -> Iterator[CallRecord]:
        """The calls of an open file, wherever it lies; damage is listed under ``name``."""
        for offset, data, whole in chunks_of(file, 0):
            if not whole and last:
                self.unfinished += 1
                return  # somebody may be writing it now
            self.bytes_read = offset + len(data) + whole
            for entry in found_in(data, offset):
                if entry.call is not None:
                    yield entry.call
                else:
                    self._damage(DamagedLine(name, entry.offset, entry.torn, entry.why))

    def _damage(self, line: DamagedLine) -> None:
        self.damaged_count += 1
        if len(self.damaged) < _MOST_LOCATED:
            self.damaged.append(line)


def chunks_of(file: IO[bytes], offset: int) -> Iterator[tuple[int, bytes, bool]]:
    """Runs of whole lines from ``offset`` on, each with where it begins; a last unfinished line comes with False."""
    if offset:  # what comes over the network cannot seek
        file.seek(offset)
    rest = b""
    while data := file.read(CHUNK_BYTES):
        data = rest + data
        end = data.rfind(b"\n") + 1
        if end:
            yield offset, data[: end - 1], True
        offset, rest = offset + end, data[end:]
    if rest:
        yield offset, rest, False
