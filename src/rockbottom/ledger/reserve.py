"""Room on the disk that a ledger keeps for the day on which the disk is full."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from rockbottom.files import private

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
