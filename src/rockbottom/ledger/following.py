"""A ledger read from where it was left, while others go on writing: the one follower of whoever looks or sends."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rockbottom.files import from_here
from rockbottom.ledger.errors import NoLedger
from rockbottom.ledger.lines import Found, found_in
from rockbottom.ledger.places import Volume, volumes_of
from rockbottom.ledger.reading import chunks_of
from rockbottom.ledger.records import CallRecord


class Follower:
    """Reads a ledger on from where it was left. ``position`` is how far each volume was read, by file name, in bytes.

    It counts the run that was given last: who starts there again gets what came since. Raises NoLedger.
    """

    def __init__(self, folder: Path | str, position: Mapping[str, int] | None = None) -> None:
        self.folder = from_here(folder)
        if not self.folder.is_dir():
            raise NoLedger(f"{folder} holds no ledger.", fix="record one with rockbottom.attach(client, ledger=True)")
        self.position = {name: _begin(self.folder / name, offset) for name, offset in (position or {}).items()}
        self.damaged = 0

    def runs(self) -> Iterator[list[CallRecord]]:
        """What was written since, a few thousand calls at a time, up to the end of the ledger as it is now."""
        for _, entries in self.entries():
            calls = [entry.call for entry in entries if entry.call is not None]
            self.damaged += len(entries) - len(calls)
            yield calls

    def entries(self) -> Iterator[tuple[Volume, list[Found]]]:
        """The entries written since, damaged ones too, each run with its volume."""
        volumes = volumes_of(self.folder)
        there = {volume.path.name for volume in volumes}
        self.position = {name: offset for name, offset in self.position.items() if name in there}
        for volume in volumes:
            name = volume.path.name
            for begin, data, whole in _chunks(volume.path, _begin(volume.path, self.position.get(name, 0))):
                if not whole:
                    break  # somebody may be writing it now
                self.position[name] = begin + len(data) + 1
                yield volume, list(found_in(data, begin))

    def read_before(self, since: float) -> Iterator[CallRecord]:
        """Calls that left at ``since`` or later and that lie before ``position``: read already."""
        for volume in volumes_of(self.folder):
            end = self.position.get(volume.path.name, 0)
            if not end or volume.ended_before(since):
                continue
            for begin, data, _ in _chunks(volume.path, 0):
                if begin >= end:
                    break
                for entry in found_in(data[: end - begin], begin):
                    if entry.call is not None and entry.call.at >= since:
                        yield entry.call


def _begin(path: Path, offset: int) -> int:
    """Where to go on: at the start where no line ends there, for then it is another volume under an old name."""
    if not offset:
        return 0
    try:
        with path.open("rb") as file:
            file.seek(offset - 1)
            return offset if file.read(1) == b"\n" else 0
    except FileNotFoundError:
        return 0


def _chunks(path: Path, offset: int) -> Iterator[tuple[int, bytes, bool]]:
    try:
        if offset == path.stat().st_size:
            return
        file = path.open("rb")
    except FileNotFoundError:  # removed since it was listed
        return
    with file:
        yield from chunks_of(file, offset)
