"""Records to volumes by any number of threads and processes, and into memory where the disk takes none now.

A record is in the file when ``record`` returns, so a process that is killed loses at most the one under way. On a disk
of this machine the caller's thread writes it. A disk that a network or a program serves may hang for good, and a thread
with it: there a thread of our own writes, which is waited for half a second at most; so on a disk of this machine that
was slow within the last minute. One that kept a call for seconds keeps no other: from then on the thread writes, and
nobody waits for it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from rockbottom.figures import thousands
from rockbottom.files import from_here
from rockbottom.ledger.appending import Appender
from rockbottom.ledger.records import CallRecord
from rockbottom.ledger.trimming import note
from rockbottom.process import UNWAITED_S, Handover, close_at_exit, hold_over_forks, seconds_left

log = logging.getLogger("rockbottom.ledger")

MAX_BYTES = 1 << 30
"""Bytes of volumes that are kept by default: about two million calls."""

_HELD_LINES, _HELD_BYTES = 10_000, 4 << 20
_RETRY_S = 1.0
_PATIENCE_S = 0.5
_HUNG_S = 5.0
_encode = msgspec.json.Encoder().encode


class LedgerWriter:
    """A sink that appends to the ledger in a folder. Thread-safe, fork-safe, safe beside other processes.

    ``max_bytes`` bounds the volumes together: the oldest is removed when a new one is begun, which is logged and
    noted. Where nothing can be written (full disk, no permission, a disk that hangs) one warning is logged, records
    wait in memory (10,000 or 4 MiB; ``dropped`` counts what did not fit) and go to disk when it takes them again.
    ``reserve_bytes`` of the disk are kept for the lines that find it full.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        max_bytes: int = MAX_BYTES,
        reserve_bytes: int = 0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = from_here(folder)
        self.max_bytes = max_bytes
        self.dropped = 0
        self.disk = Appender(self.folder, max_bytes, reserve_bytes, clock, self._warn_of)
        self._clock, self._monotonic = clock, monotonic
        self._writing = threading.Lock()  # whose turn it is at the disk; a hung one keeps it
        self._memory = threading.Lock()  # what is held; never kept over a look at the disk, and taken after the other
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._lost = 0  # since the disk failed
        self._is_failing, self._tried_at = False, 0.0
        self._writes_here = self._has_hung = False  # in the caller's thread; for longer than any disk is slow
        self._slow_at = self._turn_began = float("-inf")
        self._is_closing, self._is_held_for_fork = False, False
        self._warned: set[str] = set()
        self._handover = Handover("ledger", self._deliver_in_turn, _PATIENCE_S)
        hold_over_forks(self, inner=True)
        close_at_exit(self)

    @property
    def held(self) -> int:
        """Records that wait in memory for a disk that takes them."""
        return len(self._held)

    def record(self, call: CallRecord) -> None:
        """Append one call; half a second is waited for it at most, or not at all. Never raises."""
        try:
            line = _encode(call) + b"\n"
        except Exception as error:  # e.g. half of a surrogate pair in a tag
            self.dropped += 1
            self._warn("unwritable", f"a call could not be recorded ({type(error).__name__}); it is left out")
            return None
        patience_s = None
        if self._writes_here:
            if self._entered():
                return self._record_here(line)
            self._writes_here, patience_s = False, 0.0  # one who was here before is stuck, and we waited
        elif self._has_hung:
            patience_s = 0.0
        with self._memory:
            self._hold(line)
        if self._is_due and not self._handover.ask(patience_s):
            self._warn(
                "slow",
                f"{self.folder} takes more than half a second for a record; calls do not wait for it, and what is in "
                "memory until it is written would be lost with this process",
            )
        return None

    def close(self) -> None:
        """Try once more to write what is held, and close the file; ``record`` opens it again. What is still held then
        is lost with the process, which is logged. A second is waited for a disk at most."""
        if self.disk.is_open or self._held:
            self._is_failing, self._is_closing = False, True
            self._handover.ask(_PATIENCE_S + seconds_left(_PATIENCE_S))
        if self._held:
            says = "rockbottom: %d calls are in memory only: nothing can be written to %s"
            log.warning(says, len(self._held), self.folder)

    def keep_room(self, reserve_bytes: int) -> None:
        """Keep so much of the disk for lines that find it full."""
        if self._writing.acquire(timeout=_PATIENCE_S):
            try:
                self.disk.keep_room(reserve_bytes)
            finally:
                self._writing.release()

    # On disk, each in its turn ------------------------------------------------------------------------------

    def _entered(self) -> bool:
        """Take the turn at the disk. False: whoever has it is stuck there; many who take it one by one are not."""
        while not self._writing.acquire(True, _PATIENCE_S):
            if self._monotonic() - self._turn_began >= _PATIENCE_S:
                return False
        return True

    def _record_here(self, line: bytes) -> None:
        """Write in the caller's thread, whose turn it is, and end the turn."""
        try:
            began = self._turn_began = self._monotonic()
            if self._held:
                with self._memory:
                    self._hold(line)
                self._deliver()
            elif not self._append(line):
                with self._memory:
                    self._hold(line)
            if self._monotonic() - began > _PATIENCE_S or not self.disk.is_local:
                self._settle(began)
        finally:
            self._writing.release()

    def _deliver_in_turn(self) -> None:
        with self._writing:
            began = self._turn_began = self._monotonic()
            self._deliver()
            self._settle(began)
            if self._is_closing:
                self._is_closing = False
                self.disk.shut()

    def _settle(self, began: float) -> None:
        """Say who writes next: the caller, where the disk is the machine's own and was quick for a minute."""
        now = self._monotonic()
        if now - began > _PATIENCE_S:
            self._slow_at, self._has_hung = now, self._has_hung or now - began > _HUNG_S
        self._writes_here = self.disk.is_local and not self._has_hung and now - self._slow_at > UNWAITED_S

    @property
    def _is_due(self) -> bool:
        """Whether a disk that refused is to be tried again; abs: the clock may jump backwards."""
        return not self._is_failing or abs(self._clock() - self._tried_at) >= _RETRY_S

    def _deliver(self) -> None:
        if not self._is_due:
            return
        while (line := self._next()) is not None:
            if not self._append(line):
                with self._memory:
                    self._hold(line, first=True)
                return
        if self._lost:
            note(self.folder, {"at": self._clock(), "dropped": self._lost})
            log.warning(
                "rockbottom: %d calls could not be recorded while nothing could be written to %s",
                self._lost,
                self.folder,
            )
        self._lost = 0

    def _append(self, line: bytes) -> bool:
        try:
            self.disk.append(line)
        except (OSError, ValueError) as error:  # a ValueError: a name that can be none of a folder
            self._is_failing, self._tried_at = True, self._clock()
            meanwhile = f"and the latest {thousands(_HELD_LINES)} are kept in memory until they can be written"
            self._warn_of(error, meanwhile)
        else:
            self._is_failing = False
        return not self._is_failing

    # In memory ----------------------------------------------------------------------------------------------

    def _next(self) -> bytes | None:
        with self._memory:
            if not self._held:
                return None
            line = self._held.popleft()
            self._held_bytes -= len(line)
            return line

    def _hold(self, line: bytes, first: bool = False) -> None:
        (self._held.appendleft if first else self._held.append)(line)
        self._held_bytes += len(line)
        while len(self._held) > _HELD_LINES or self._held_bytes > _HELD_BYTES:
            self._held_bytes -= len(self._held.popleft())
            self.dropped += 1
            self._lost += 1

    def _warn_of(self, error: OSError | ValueError, meanwhile: str) -> None:
        why = getattr(error, "strerror", None) or error
        self._warn(
            f"{why} {meanwhile}", f"calls cannot be recorded in {self.folder} ({why}); they go through, {meanwhile}"
        )

    def _warn(self, key: str, message: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            log.warning("rockbottom: %s", message)

    # Fork ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Wait until no thread is inside, so that the copy of the process is whole; not for one that is stuck."""
        self._is_held_for_fork = self._writing.acquire(timeout=_PATIENCE_S)
        self._memory.acquire()

    def after_fork_in_parent(self) -> None:
        self._memory.release()
        if self._is_held_for_fork:
            self._writing.release()

    def after_fork_in_child(self) -> None:
        """New locks; what is held is the parent's to write. The open file may be shared: it is append-only."""
        self._writing, self._memory = threading.Lock(), threading.Lock()
        self._held, self._held_bytes, self._lost = deque(), 0, 0
        self._handover.after_fork_in_child()
