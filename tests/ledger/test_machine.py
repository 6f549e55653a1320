"""Whatever happens to a ledger, in whatever order: what was recorded is there, in order, once."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter, appending, volumes_of
from rockbottom.tables import LedgerTables


class Disk:
    """The system's calls, of which ``open`` and ``write`` can be made to fail, and a write to stop half way."""

    def __init__(self) -> None:
        self.broken, self.short = False, False

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, *arguments: Any) -> int:
        if self.broken:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return os.open(*arguments)

    def write(self, file: int, data: bytes) -> int:
        if self.short and len(data) > 1:
            self.short, self.broken = False, True
            return os.write(file, data[: len(data) // 2])
        if self.broken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(file, data)


class LedgerMachine(RuleBasedStateMachine):
    """One process after another writes to a ledger on a bad disk with a bad clock, while tables follow."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.disk, self.kept = Disk(), appending.os
        appending.os = self.disk  # type: ignore[assignment]
        self.now, self.next = 0.0, 0
        self.expected: list[int] = []
        self.tables: LedgerTables | None = None
        self.writer = self._started()

    def _started(self) -> LedgerWriter:
        writer = LedgerWriter(self.folder, clock=lambda: self.now)
        writer.disk.volume_bytes = 2000  # some forty calls a file
        return writer

    @rule(calls=st.integers(1, 60))
    def record(self, calls: int) -> None:
        for _ in range(calls):
            self.expected.append(self.next)
            self.writer.record(CallRecord(float(self.next), "m", "Converse", input=1))
            self.next += 1

    @rule(seconds=st.sampled_from([0.5, 2.0, 3600.0, -2.0, -90_000.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @rule(half=st.booleans())
    def break_the_disk(self, half: bool) -> None:
        self.disk.short, self.disk.broken = half, not half

    @rule()
    def mend_the_disk(self) -> None:
        self.disk.short = self.disk.broken = False

    @precondition(lambda self: volumes_of(self.folder))
    @rule(size=st.integers(1, 30))
    def another_process_dies_while_it_writes(self, size: int) -> None:
        line = b'{"at":7.0,"model":"m","operation":"Converse"}'[:size]
        with volumes_of(self.folder)[-1].path.open("ab") as file:
            file.write(line)

    @rule()
    def die_and_start_again(self) -> None:
        """What waited in memory is gone; everything else is not."""
        if held := self.writer.held:
            del self.expected[-held:]
        self.writer = self._started()

    @precondition(lambda self: self.folder.is_dir())
    @rule()
    def catch_up(self) -> None:
        self.tables = self.tables or LedgerTables(self.folder)
        self.tables.catch_up()
        self._agree(self._read())

    def _read(self) -> list[int]:
        return [int(call.at) for call in LedgerReader(self.folder).calls()]

    def _agree(self, read: list[int]) -> None:
        assert self.tables is not None
        rows = self.tables.rows('SELECT "at" FROM calls ORDER BY id')
        assert [int(row["at"]) for row in rows] == read
        sums = self.tables.rows("SELECT coalesce(sum(calls), 0) AS n, coalesce(sum(input), 0) AS i FROM minutes")
        assert sums == [{"n": len(read), "i": len(read)}]

    @invariant()
    def everything_written_is_there_in_order(self) -> None:
        held = self.writer.held
        assert self._read() == (self.expected[:-held] if held else self.expected)

    def teardown(self) -> None:
        try:
            self.mend_the_disk()
            self.writer.close()
            assert self._read() == self.expected
            self.catch_up()
        finally:
            if self.tables is not None:
                self.tables.close()
            appending.os = self.kept  # type: ignore[attr-defined]
            shutil.rmtree(self.folder)


LedgerMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
