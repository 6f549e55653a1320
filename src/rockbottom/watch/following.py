"""A view that follows one ledger, whatever happens to its folder: not there yet, rotated, deleted, made anew."""

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from rockbottom.catalog import Catalog
from rockbottom.ledger.trimming import notes_of
from rockbottom.watch.asking import AUTO, calls_ahead, snapshot_from
from rockbottom.watch.digest import Digest
from rockbottom.watch.periods import Period
from rockbottom.watch.snapshot import Snapshot, State
from rockbottom.watch.tables import NAME

Clock = Callable[[], float]


class View:
    """Follows the ledger in a folder. ``clock`` is the time of day, ``timer`` a monotonic one, both in seconds.

    Its methods may be called from several threads; one at a time gets in.
    """

    def __init__(self, folder: Path | str, catalog: Catalog, clock: Clock, timer: Clock) -> None:
        self.folder = Path(folder)
        self._catalog, self._clock, self._timer = catalog, clock, timer
        self._digest: Digest | None = None
        self._inode = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the digest."""
        with self._lock:
            self._let_go()

    @property
    def in_memory(self) -> bool:
        """Whether the digest could not be kept on disk, so that only this view knows what it took in."""
        return self._digest is not None and self._digest.in_memory

    def follow(self, seconds: float) -> bool:
        """Take in what was recorded since, for about so long at most; whether all of it was taken."""
        began = self._timer()
        with self._lock:
            try:
                digest = self._there()
                if digest is None:
                    return True
                for _ in digest.take(self._clock()):
                    if self._timer() - began >= seconds:
                        return False
            except (OSError, sqlite3.Error):  # taken by another process, or deleted under us: the next time is soon
                if not self.folder.is_dir():
                    self._let_go()
            return True

    def share_read(self) -> float:
        """How much of the ledger was taken in, from 0 to 1."""
        with self._lock:
            return 1.0 if self._digest is None else self._digest.share_read()

    def snapshot(self, period: Period, side: str = AUTO) -> Snapshot:
        """What the ledger says now, as far as it was taken in."""
        now = self._clock()
        with self._lock:
            try:
                digest = self._there()
                if digest is not None:
                    return snapshot_from(digest, self._state(digest, now), period, side, now)
            except (OSError, sqlite3.Error):
                self._let_go()
            return self._nothing(period, side, now)

    def _there(self) -> Digest | None:
        """The digest of the folder as it is now; None while there is no folder."""
        if not self.folder.is_dir():
            self._let_go()
            return None
        if self._digest is not None and not self._digest.in_memory and self._inode_now() != self._inode:
            self._let_go()  # deleted, or deleted and made anew
        if self._digest is None:
            self._digest = Digest(self.folder, self._catalog)
            self._inode = self._inode_now()
        return self._digest

    def _inode_now(self) -> int:
        try:
            return os.stat(self.folder / NAME).st_ino
        except OSError:
            return 0

    def _let_go(self) -> None:
        if self._digest is not None:
            self._digest.close()
            self._digest = None

    def _state(self, digest: Digest, now: float) -> State:
        removed = dropped = 0
        for note in notes_of(self.folder):
            removed += int(note.get("calls", 0)) if "removed" in note else 0
            dropped += int(note.get("dropped", 0))
        return State(
            str(self.folder), True, int(digest.fact("calls")), int(digest.fact("damaged")), removed, dropped,
            calls_ahead(digest.connection, now), digest.fact("last_at") or None, digest.share_read(), digest.in_memory,
        )  # fmt: skip

    def _nothing(self, period: Period, side: str, now: float) -> Snapshot:
        empty = Digest.empty(self._catalog)
        try:
            return snapshot_from(empty, State(str(self.folder), self.folder.is_dir()), period, side, now)
        finally:
            empty.close()
