"""Records appended to volumes by any number of threads and processes, one ``write`` each.

A file opened with O_APPEND takes each write whole and at its end, whoever else writes, so a record is on its way to
the disk when ``record`` returns and a process that is killed loses at most the one under way. Every process appends
to the newest volume; whoever finds it full begins the next, and if two do so at once they begin the same one.
"""

import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from rockbottom.figures import thousands
from rockbottom.files import from_here, make_folder, private
from rockbottom.ledger.places import volume_path, volumes_of
from rockbottom.ledger.records import CallRecord
from rockbottom.ledger.reserve import Reserve
from rockbottom.ledger.trimming import note, trim
from rockbottom.process import close_at_exit, hold_over_forks

log = logging.getLogger("rockbottom.ledger")

MAX_BYTES = 1 << 30
"""Bytes of volumes that are kept by default: about two million calls."""

_LARGEST_VOLUME, _SMALLEST_VOLUME = 16 << 20, 1 << 16
_HELD_LINES, _HELD_BYTES = 10_000, 4 << 20
_RETRY_S = 1.0
_encode = msgspec.json.Encoder().encode


class LedgerWriter:
    """A sink that appends to the ledger in a folder. Thread-safe, fork-safe, safe beside other processes.

    ``max_bytes`` bounds the volumes together: the oldest is removed when a new one is begun, which is logged and
    noted. Where nothing can be written (full disk, no permission) one warning is logged, records wait in memory
    (10,000 or 4 MiB; ``dropped`` counts what did not fit) and go to disk when it takes them again. ``reserve_bytes``
    of the disk are kept for the lines that find it full.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        max_bytes: int = MAX_BYTES,
        reserve_bytes: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = from_here(folder)
        self.max_bytes = max_bytes
        self.volume_bytes = min(_LARGEST_VOLUME, max(_SMALLEST_VOLUME, max_bytes // 8))
        self.dropped = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._file = -1
        self._number: int = 0
        self._full: int = 0  # the number of a volume that took no more although it is small
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._lost = 0  # since the disk failed
        self._tried_at = 0.0
        self._reserve = Reserve(self.folder, reserve_bytes)
        self._warned: set[str] = set()
        hold_over_forks(self, inner=True)
        close_at_exit(self)

    @property
    def held(self) -> int:
        """Records that wait in memory for a disk that takes them."""
        return len(self._held)

    def record(self, call: CallRecord) -> None:
        """Append one call. Never raises."""
        try:
            line = _encode(call) + b"\n"
        except Exception as error:  # e.g. half of a surrogate pair in a tag
            self.dropped += 1
            self._warn("unwritable", f"a call could not be recorded ({type(error).__name__}); it is left out")
            return
        with self._lock:
            if self._held:
                self._hold(line)
                if abs(self._clock() - self._tried_at) >= _RETRY_S:  # abs: the clock may jump backwards
                    self._deliver()
            elif not self._append(line):
                self._hold(line)

    def close(self) -> None:
        """Try once more to write what is held, and close the file; ``record`` opens it again. What is still held then
        is lost with the process, which is logged."""
        with self._lock:
            if self._held:
                self._deliver()
            if self._held:
                log.warning("rockbottom: %d calls are in memory alone: %s takes none", len(self._held), self.folder)
            self._shut()

    def keep_room(self, reserve_bytes: int) -> None:
        """Keep so much of the disk for lines that find it full."""
        with self._lock:
            if reserve_bytes != self._reserve.size:
                self._reserve = Reserve(self.folder, reserve_bytes)
                self._shut()  # it is taken when a volume is opened

    # On disk ------------------------------------------------------------------------------------------------

    def _append(self, line: bytes) -> bool:
        while True:
            try:
                self._write(line)
                return True
            except OSError as error:
                if not self._reserve.made_room(error, len(line)):
                    self._failed(error)
                    return False
                self._shut()  # what was begun of the line is ended when the volume is opened
                self._warn_of(error, "and the room that was kept for this is used now")

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
            self._shut()
            self._write(line)
        elif state.st_size >= self.volume_bytes:
            self._shut()

    def _open(self) -> bytes:
        """Open the volume to append to; a newline where its last line was torn."""
        volumes = volumes_of(self.folder)
        number, begun = (volumes[-1].number, False) if volumes else (1, True)
        if volumes:
            size = _size_of(volumes[-1].path)
            begun = size >= self.volume_bytes or (number == self._full and size > 0)
            number += begun
        else:
            make_folder(self.folder)
        path = volume_path(self.folder, number)
        self._file = private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._number = number
        if begun:
            trim(self.folder, self.max_bytes - self.volume_bytes, self._clock())
        if begun or not self._reserve.was_filled:  # not after each failure: a quota's end shows nowhere but there
            self._reserve.fill()
        size = os.fstat(self._file).st_size
        return b"\n" if size and os.pread(self._file, 1, size - 1) != b"\n" else b""

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # In memory ----------------------------------------------------------------------------------------------

    def _failed(self, error: OSError) -> None:
        self._shut()
        self._tried_at = self._clock()
        if error.errno == errno.EFBIG:  # this process may not make a file that long: the next one is a new file
            self._full = self._number
        self._warn_of(error, f"and the latest {thousands(_HELD_LINES)} are kept in memory until they can be written")

    def _warn_of(self, error: OSError, meanwhile: str) -> None:
        message = f"calls cannot be recorded in {self.folder} ({error.strerror}); they go through, {meanwhile}"
        self._warn(f"errno {error.errno} {meanwhile}", message)

    def _hold(self, line: bytes) -> None:
        self._held.append(line)
        self._held_bytes += len(line)
        while len(self._held) > _HELD_LINES or self._held_bytes > _HELD_BYTES:
            self._held_bytes -= len(self._held.popleft())
            self.dropped += 1
            self._lost += 1

    def _deliver(self) -> None:
        while self._held:
            if not self._append(self._held[0]):
                return
            self._held_bytes -= len(self._held.popleft())
        if self._lost:
            note(self.folder, {"at": self._clock(), "dropped": self._lost})
            log.warning("rockbottom: %d calls could not be recorded while %s took none", self._lost, self.folder)
        self._lost = 0

    def _warn(self, key: str, message: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            log.warning("rockbottom: %s", message)

    # Fork ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Wait until no thread is inside, so that the copy of the process is whole."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """A new lock; what is held is the parent's to write. The open file may be shared: it is append-only."""
        self._lock = threading.Lock()
        self._held, self._held_bytes, self._lost = deque(), 0, 0


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
