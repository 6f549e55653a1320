"""Lines at the end of the newest volume, one ``write`` each; who finds a volume full begins the next.

A file opened with O_APPEND takes each write whole and at its end, whoever else writes. Every process appends to the
newest volume; if two find it full at once they begin the same one.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rockbottom.files import make_folder, private
from rockbottom.ledger.places import volume_path, volumes_of
from rockbottom.ledger.trimming import trim
from rockbottom.process import is_of_this_machine

RESERVE = "reserve"
_BLOCK = 4096
_AMPLE = 4  # the reserve is taken where so many times as much is free
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Reserve:
    """A file of nothing beside the volumes, which is cut shorter to make room for a line that finds none.

    It is cut by a block or two for each line, just before that line is written, so that what else writes to the disk
    has no time to take the room. Processes that write to one folder share it. Where the system allocates no room ahead
    (``posix_fallocate``) there is none.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._path, self.size = folder / RESERVE, size
        self.was_filled = False

    def fill(self) -> None:
        """Take what is missing of it, where the disk has ample room. Never raises."""
        self.was_filled = True
        allocate = getattr(os, "posix_fallocate", None)
        if not self.size or allocate is None:
            return
        with suppress(OSError):
            file = private(self._path, os.O_RDWR | os.O_CREAT)
            try:
                room = os.fstatvfs(file)
                if os.fstat(file).st_size < self.size and room.f_bavail * room.f_frsize >= _AMPLE * self.size:
                    allocate(file, 0, self.size)
            finally:
                os.close(file)

    def made_room(self, error: OSError, size: int) -> bool:
        """Whether it gave room for so many bytes, after an error that said that there is none. Never raises."""
        if not self.size or error.errno not in _FULL:
            return False
        try:
            left = os.stat(self._path).st_size
            os.truncate(self._path, max(0, left - (size // _BLOCK + 2) * _BLOCK))
        except OSError:
            return False
        return left > 0


_LARGEST_VOLUME, _SMALLEST_VOLUME = 16 << 20, 1 << 16


class Appender:
    """Appends to the volumes in a folder. One thread at a time.

    ``warn`` is told of an error that the room that is kept could mend, and what happens meanwhile.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        reserve_bytes: int,
        clock: Callable[[], float],
        warn: Callable[[OSError, str], None],
    ) -> None:
        self.volume_bytes = min(_LARGEST_VOLUME, max(_SMALLEST_VOLUME, max_bytes // 8))
        self.is_local = False  # what was opened last lies on a disk of this machine
        self._folder = folder
        self._max_bytes = max_bytes
        self._clock = clock
        self._warn = warn
        self._file = -1
        self._number: int = 0
        self._full: int = 0  # the number of a volume that took no more although it is small
        self._reserve = Reserve(folder, reserve_bytes)

    @property
    def is_open(self) -> bool:
        return self._file >= 0

    def append(self, line: bytes) -> None:
        """Append a line, which ends in a newline. Raises OSError where it is not in the file, or not whole."""
        try:
            self._write(line)
        except OSError as error:
            self._write_in_kept_room(line, error)

    def keep_room(self, reserve_bytes: int) -> None:
        """Keep so much of the disk for lines that find it full."""
        if reserve_bytes != self._reserve.size:
            self._reserve = Reserve(self._folder, reserve_bytes)
            self.shut()  # it is taken when a volume is opened

    def shut(self) -> None:
        """Close the volume; ``append`` opens it again."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def _write(self, line: bytes) -> None:
        if self._file < 0:
            line = self._open() + line
        written = os.write(self._file, line)
        if written < len(line):
            # The disk is full, or will be: close what was begun, so that nobody writes behind it on the same line.
            os.write(self._file, b"\n")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        state = os.fstat(self._file)
        if state.st_nlink == 0:  # another process removed this volume before it saw our record
            self.shut()
            self._write(line)
        elif state.st_size >= self.volume_bytes:
            self.shut()

    def _write_in_kept_room(self, line: bytes, error: OSError) -> None:
        """Write where the room that is kept makes it possible, and raise the error where it does not."""
        while True:
            self.shut()  # what was begun of the line is ended when the volume is opened
            if error.errno == errno.EFBIG:  # this process may not make a file that long: the next is a new file
                self._full = self._number
            if not self._reserve.made_room(error, len(line)):
                raise error
            self._warn(error, "and the disk space reserved for this is now used")
            try:
                return self._write(line)
            except OSError as again:
                error = again

    def _open(self) -> bytes:
        """Open the volume to append to; a newline where its last line was torn."""
        volumes = volumes_of(self._folder)
        number, begun = (volumes[-1].number, False) if volumes else (1, True)
        if volumes:
            size = _size_of(volumes[-1].path)
            begun = size >= self.volume_bytes or (number == self._full and size > 0)
            number += begun
        else:
            make_folder(self._folder)
        path = volume_path(self._folder, number)
        self._file = private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._number = number
        if begun:
            trim(self._folder, self._max_bytes - self.volume_bytes, self._clock())
        if begun or not self._reserve.was_filled:  # not after each failure: a quota's end shows nowhere but there
            self._reserve.fill()
        state = os.fstat(self._file)
        self.is_local = stat.S_ISREG(state.st_mode) and is_of_this_machine(path)
        return b"\n" if state.st_size and os.pread(self._file, 1, state.st_size - 1) != b"\n" else b""


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
