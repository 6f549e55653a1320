"""The file of budgets, and memory in its place while the file does not work or its disk does not answer."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rockbottom.budgets.store import WAIT_S, BudgetStore
from rockbottom.process import MEMORY, Deputy

Answer = TypeVar("Answer")

_GRACE_S = 0.5  # beyond what is waited for others that write to the file: what a disk takes that answers
_TRY_AGAIN_S = 60.0


class SparedStore:
    """A store that answers always. ``failed`` is told why its file does not; it is tried again after a minute."""

    def __init__(self, path: Path | str, failed: Callable[[Exception], None]) -> None:
        self._store = BudgetStore(path)
        self._failed = failed
        self._deputy = Deputy("budgets", WAIT_S + _GRACE_S) if path != MEMORY else None
        self._spare: BudgetStore | None = None
        self._spare_since = 0.0

    def use(self, now: float, job: Callable[[BudgetStore], Answer]) -> Answer:
        """Do ``job`` with the file, or with what is in its place ``now``."""
        if self._deputy is None:
            return job(self._store)
        spare = self._spare
        if spare is not None and abs(now - self._spare_since) < _TRY_AGAIN_S:
            return job(spare)
        try:
            return self._deputy.answer(lambda: self._in_file(job))
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            self._spare_since = now
            return job(self._in_place())

    def _in_file(self, job: Callable[[BudgetStore], Answer]) -> Answer:
        """Do it with the file, when what was counted meanwhile is in there."""
        spare, self._spare = self._spare, None  # who waits no longer, because this hangs, begins another
        if spare is not None:
            try:
                self._store.absorb(spare)
            except BaseException:
                self._in_place().absorb(spare)
                raise
        return job(self._store)

    def _in_place(self) -> BudgetStore:
        self._spare = self._spare or BudgetStore(MEMORY)
        return self._spare

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        if self._deputy is not None:
            with suppress(sqlite3.Error, OSError):
                self._deputy.answer(self._store.close)

    def after_fork_in_child(self) -> None:
        """A connection of its own; what was counted in the file's place is the parent's."""
        self._spare = None
        self._store.after_fork_in_child()
        if self._deputy is not None:
            self._deputy.after_fork_in_child()
