"""Files that are made from volumes, beside them: sums for good, rows for as long as their volume is there.

A file belongs to one volume as it was when it was closed, by its first line and its size, and both are in its name; it
is put in place whole. So several processes may make the same file at once, a volume that grew after all is summed
anew, and the sums of a volume that was removed stay. All of it may be deleted; what is there still is made again.

Beside each file stands the digest of its bytes: one that does not fit it any more is left out, which is said. (A format
that decodes is no proof: a bit that flips in a column of numbers is another number.)
"""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from rockbottom.files import private
from rockbottom.ledger import identity_of
from rockbottom.quantities import reason_of

log = logging.getLogger("rockbottom.ledger")

FOLDER = "tables"
VERSION = 5
"""Bump it with any change of what is in the files: those of another version are made anew."""

_NAME = re.compile(rf"([0-9]{{6,}})-([0-9a-f]{{16}})-([0-9]+)\.([a-z]+){VERSION}\.parquet")

_TAIL_BYTES = 4096
_CHECK = ".check"


class VolumeKey(NamedTuple):
    """A closed volume, as its files name it."""

    number: int
    identity: int
    size: int

    @classmethod
    def of(cls, number: int, path: Path) -> "VolumeKey":
        """The volume as it is now, up to its last whole line: as far as it is taken in. Raises OSError."""
        return cls(number, identity_of(path), _whole_bytes_of(path))


class Files:
    """The files of one ledger. Where its folder cannot be written they are ``temporary``, and go with ``close``."""

    def __init__(self, ledger: Path) -> None:
        self.folder = ledger / FOLDER
        self.temporary = False
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with _draft(self.folder / "probe"):
                pass
        except OSError as error:
            why = reason_of(error)
            log.warning("rockbottom: no sums can be kept in %s (%s); they are made at every start", ledger, why)
            self.folder, self.temporary = Path(tempfile.mkdtemp(prefix="rockbottom-")), True

        self._inode = self.folder.stat().st_ino
        self._sound: set[tuple[str, int, int]] = set()  # names, sizes and times of files that were looked at

    def is_there(self) -> bool:
        """Whether the folder is the one that was opened."""
        try:
            return self.folder.stat().st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, key: VolumeKey, kind: str) -> Path:
        """Where the file of a kind is, or will be."""
        return self.folder / f"{key.number:06}-{key.identity:016x}-{key.size}.{kind}{VERSION}.parquet"

    def all(self, kind: str) -> dict[VolumeKey, Path]:
        """The files of a kind by their volume, the oldest volume first; of a volume that grew only the latest."""
        latest: dict[tuple[int, int], tuple[VolumeKey, Path]] = {}
        for path in sorted(self.folder.iterdir()):
            match = _NAME.fullmatch(path.name)
            if match is None or match[4] != kind:
                continue
            key = VolumeKey(int(match[1]), int(match[2], 16), int(match[3]))
            known = latest.get(key[:2])
            if known is None or known[0].size < key.size:
                latest[key[:2]] = key, path
        return dict(latest[place] for place in sorted(latest))

    def is_sound(self, path: Path) -> bool:
        """Whether a file is there and as it was written; one that is not is removed. One without a digest is taken."""
        try:
            state = path.stat()
            seen = (path.name, state.st_size, state.st_mtime_ns)
            if seen in self._sound:
                return True
            digest = _check_of(path).read_bytes() if _check_of(path).exists() else None
            if digest is not None and digest != _digest_of(path):
                self.remove(path)
                return False
        except FileNotFoundError:
            return False
        self._sound.add(seen)
        return True

    @contextlib.contextmanager
    def put(self, key: VolumeKey, kind: str) -> Generator[Path]:
        """A draft to write into, readable by its owner alone; it becomes the file when the block ends well."""
        path = self.path(key, kind)
        with _draft(path) as draft:
            yield draft
            with _draft(_check_of(path)) as check:
                check.write_bytes(_digest_of(draft))
                os.replace(check, _check_of(path))
            os.replace(draft, path)
        for other in self.folder.glob(f"{key.number:06}-{key.identity:016x}-*.{kind}{VERSION}.parquet"):
            if other != path:
                other.unlink(missing_ok=True)
                _check_of(other).unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        log.warning("rockbottom: %s is damaged; it is left out, and made again where its volume still exists", path)
        with contextlib.suppress(OSError):
            self.forget(path)

    @staticmethod
    def forget(path: Path) -> None:
        """Remove a file that nobody needs any more."""
        path.unlink(missing_ok=True)
        _check_of(path).unlink(missing_ok=True)


def _check_of(path: Path) -> Path:
    return path.with_name(path.name + _CHECK)


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest().encode()


def _whole_bytes_of(path: Path) -> int:
    """The bytes of a file up to its last newline."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - _TAIL_BYTES)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            end = begin
    return 0


@contextlib.contextmanager
def _draft(path: Path) -> Generator[Path]:
    draft = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    os.close(private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)
