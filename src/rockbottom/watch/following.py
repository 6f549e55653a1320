"""A view that follows one ledger, whatever happens to its folder: not there yet, rotated, deleted, made anew."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.ledger import LedgerError, NoLedger, notes_of
from rockbottom.tables import LedgerTables, taken_over
from rockbottom.watch.asking import AUTO, calls_ahead, snapshot_from
from rockbottom.watch.composing import snapshot_of
from rockbottom.watch.periods import WatchPeriod
from rockbottom.watch.snapshot import LedgerState, Snapshot, SnapshotParts, SnapshotSums

log = logging.getLogger("rockbottom.watch")

Clock = Callable[[], float]


class View:
    """Follows the ledger in a folder. ``clock`` is the time of day, ``timer`` a monotonic one, both in seconds.

    Its methods may be called from several threads; one at a time gets in.
    """

    def __init__(self, folder: Path | str, catalog: Catalog, clock: Clock, timer: Clock) -> None:
        self.folder = Path(folder)
        self._catalog, self._clock, self._timer = catalog, clock, timer
        self._tables: LedgerTables | None = None
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End what other threads ask of it now, and let go of the tables; nothing is taken in after it."""
        self._stopped = True
        with taken_over(self._lock, lambda: self._tables):
            self._let_go()

    def close(self) -> None:
        """``stop``, and let go of all else that it has."""
        self.stop()

    def follow(self, seconds: float) -> bool:
        """Take in what was recorded since, for about so long at most; whether all of it was taken."""
        began = self._timer()
        with self._lock:
            tables = self._there()
            if tables is None:
                return True
            try:
                for _ in tables.steps():
                    if self._timer() - began >= seconds:
                        return False
            except LedgerError as error:
                if self.folder.is_dir() and not self._stopped:
                    log.warning("rockbottom: %s", error)
                self._let_go()  # deleted under us, or a full disk: the next time is soon
            return True

    def share_read(self) -> float:
        """How much of the ledger was taken in, from 0 to 1."""
        with self._lock:
            return 1.0 if self._tables is None else self._tables.share_read()

    def snapshot(self, period: WatchPeriod, side: str = AUTO) -> Snapshot:
        """What the ledger says now, as far as it was taken in."""
        now = self._clock()
        with self._lock:
            tables = self._there()
            if tables is None:
                side = "aws" if side == AUTO else side
                return snapshot_of(_NOTHING, period, side, LedgerState(str(self.folder), self.folder.is_dir()), now)
            tables.refresh()
            return snapshot_from(tables, self._named, self._state(tables, now), period, side, now)

    def _there(self) -> LedgerTables | None:
        """The tables of the folder as it is now; None while there is no folder, and after ``stop``."""
        if self._tables is not None and not self._tables.is_there():
            self._let_go()  # deleted, or deleted and made anew
        if self._tables is None and not self._stopped:
            try:
                self._tables = LedgerTables(self.folder, self._catalog, self._clock)
            except NoLedger:
                return None
        return self._tables

    def _let_go(self) -> None:
        if self._tables is not None:
            self._tables.close()
            self._tables = None

    def _named(self, model: str) -> str:
        if model not in self._names:
            try:
                self._names[model] = self._catalog.model(model).model.name
            except CatalogError:
                self._names[model] = model
        return self._names[model]

    def _state(self, tables: LedgerTables, now: float) -> LedgerState:
        removed = dropped = 0
        for note in notes_of(self.folder):
            removed += int(note.get("calls", 0)) if "removed" in note else 0
            dropped += int(note.get("dropped", 0))
        return LedgerState(
            str(self.folder), True, tables.calls, tables.damaged, tables.unfinished, removed, dropped,
            calls_ahead(tables, now), tables.last_at, tables.share_read(), tables.temporary,
        )  # fmt: skip


_NOTHING = SnapshotParts(SnapshotSums(), {}, {}, {}, {}, {}, {}, (), SnapshotSums(), None)
