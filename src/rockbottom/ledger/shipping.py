"""A ledger's files copied to a depot, each whole and again when it has grown, under a name of the ledger's own.

What lies in the depot says how far it is, so nothing is kept here that a crash could lose: a file that is there with
the same digest is shipped, one that is there with the digest of a shorter beginning of ours is replaced, and any other
is another ledger's (a copy of this folder ships too) and stays.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rockbottom.files import private
from rockbottom.ledger.depots import Depot, Stored, digest_of
from rockbottom.ledger.places import NOTES, Volume, volumes_of
from rockbottom.ledger.trimming import note

ID = "id"
SETTLED_S = 60.0
"""A closed volume that was not written for so long is written no more: every writer has gone on to the next."""

_ID_BYTES = 8


class Shipment(NamedTuple):
    """One round: files and bytes put, volumes removed here once shipped, files refused because another's is there."""

    files: int
    bytes: int
    removed: int
    refused: tuple[str, ...]


class Shipper:
    """Ships the ledger in a folder. ``delete``: volumes that are closed and shipped are removed here.

    For one thread at a time; several processes may ship one folder.
    """

    def __init__(self, folder: Path, depot: Depot, clock: Callable[[], float], *, delete: bool = False) -> None:
        self.folder, self.depot, self.delete = folder, depot, delete
        self._clock = clock
        self._known: dict[str, Stored] = {}
        self._done: dict[str, tuple[int, int]] = {}  # files as they were when the depot had all of them

    def ship(self) -> Shipment:
        """Ship what the depot lacks. Raises NotShipped, OSError; what was shipped until then is."""
        volumes = volumes_of(self.folder)
        own = ledger_id(self.folder) if volumes else ""
        files = size = removed = 0
        refused: list[str] = []
        for path in (*(volume.path for volume in volumes), self.folder / NOTES):
            state = _state_of(path)
            if state is None or state == self._done.get(path.name):
                continue
            content = _whole_lines(path)
            put = self._put(f"{own}/{path.name}", content) if content else 0
            if put is None:
                refused.append(path.name)
            elif self._known.get(f"{own}/{path.name}"):
                self._done[path.name] = state
            files, size = files + bool(put), size + (put or 0)
        for volume in volumes[:-1] if self.delete else ():
            removed += self._remove(volume, f"{own}/{volume.path.name}")
        return Shipment(files, size, removed, tuple(refused))

    def _put(self, name: str, content: bytes) -> int | None:
        """How many bytes were put: none where all are there; None where they may not be."""
        there = self._known.get(name)
        if there is None or there.size != len(content):
            there = self.depot.stored(name)
        if there is not None and there.digest == digest_of(content[: there.size]):
            if there.size == len(content):
                self._known[name] = there
                return 0
        elif there is not None:
            self._known.pop(name, None)
            return None
        put = self.depot.put(name, content, there)
        if put is None:  # another process of this folder was quicker: the next round sees what it put
            self._known.pop(name, None)
            return 0
        self._known[name] = put
        return len(content)

    def _remove(self, volume: Volume, name: str) -> int:
        """Remove a closed volume that is in the depot as it is here; how many were."""
        with contextlib.suppress(FileNotFoundError):
            if volume.path.stat().st_mtime > self._clock() - SETTLED_S:
                return 0
            content = _whole_lines(volume.path)
            there = self.depot.stored(name)
            if there is not None and there[:2] == (len(content), digest_of(content)):
                volume.path.unlink()
                note(self.folder, {"at": self._clock(), "shipped": volume.path.name, "bytes": len(content)})
                self._known.pop(name, None)
                return 1
        return 0


def ledger_id(folder: Path, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """The id of this ledger among all others, made when first asked for. Raises OSError.

    Several processes may ask at once: the first one's stays.
    """
    path = folder / ID
    with contextlib.suppress(FileNotFoundError):
        identity = path.read_text(encoding="ascii").strip()
        if len(identity) == 2 * _ID_BYTES:
            return identity
        path.unlink()  # cut short by a full disk
    identity = random(_ID_BYTES).hex()
    draft = folder / f".{ID}-{os.getpid()}-{identity}"
    try:
        with open(draft, "w", encoding="ascii", opener=private) as file:
            file.write(identity)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii")


def _state_of(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written; None: it is not there."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_size, state.st_mtime_ns


def _whole_lines(path: Path) -> bytes:
    """What a file holds up to its last newline; the line behind it may be under way."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]
