"""The tables of a ledger: its newest calls as rows in memory, sums of the older ones in files beside the volumes.

A volume is summed when it is closed and the last word on its writes is spoken: then its sums are written down, once,
and its rows are let go. What came since, and the volume that is written now, is summed when somebody asks.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rockbottom.catalog import Catalog, load_catalog
from rockbottom.files import from_here
from rockbottom.ledger import Follower, LedgerError, Volume, identity_of, volumes_of
from rockbottom.tables.asked import VIEWS, SqlQueries
from rockbottom.tables.intake import Intake, connected
from rockbottom.tables.keeping import Files, VolumeKey
from rockbottom.tables.summing import ModelSums, Summing
from rockbottom.tables.waste import LONGEST_S

AHEAD_S = 120
"""A stamp that far after now is that of a clock which ran ahead; it says nothing about entries."""

_VOLUMES_AT_ONCE = 8
_LONGEST_SCRAP = 1 << 20

Record = TypeVar("Record")


class LedgerTables:
    """The tables of the ledger in a folder; ``catch_up`` takes in what was recorded since.

    ``rows`` answers SQL over ``calls``, ``minutes``, ``hours``, ``families`` and ``damaged``, with two functions more
    than DuckDB's: ``usd(picousd)`` and the aggregate ``usd_sum(picousd)``, both exact decimal text. Where the folder
    cannot be written, sums are kept for as long as this is open (``temporary``). For one thread at a time; each
    process has its own. Raises NoLedger, NeedsDuckDB.
    """

    def __init__(
        self, folder: Path | str, catalog: Catalog | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = from_here(folder)
        self._follower = Follower(self.folder)
        self.database = connected()
        self._clock = clock
        self._intake = Intake(self.database, catalog or load_catalog())
        self._files = Files(self.folder)
        self._summing = Summing(self.database, self._files, self._intake.prices)
        self._asked = SqlQueries(self.database, self._files, self._intake)
        self._held: dict[int, int] = {}  # volumes with rows that are in no file, each with its identity

    def stop(self) -> None:
        """From another thread: what is asked of it now ends with an error soon, and so does what is asked later."""
        self.database.stop()

    def close(self) -> None:
        self.database.close()
        self._files.close()

    def __enter__(self) -> "LedgerTables":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def temporary(self) -> bool:
        """Whether sums cannot be kept beside the ledger."""
        return self._files.temporary

    @property
    def calls(self) -> int:
        """How many calls were taken in, those of removed volumes among them."""
        return self._summing.calls

    @property
    def damaged(self) -> int:
        """How many damaged lines there are."""
        return self.database.value("SELECT count(*) FROM damaged")

    @property
    def unfinished(self) -> int:
        """How many last lines have no end: a call that is being recorded now, or was cut off."""
        for volume in volumes_of(self.folder)[-1:]:
            with contextlib.suppress(OSError):
                taken = self._follower.position.get(volume.path.name, 0)
                return int(_readable(volume.path, taken) < volume.path.stat().st_size)
        return 0

    @property
    def last_at(self) -> float | None:
        """When the last call left; None where there was none, or only such of a clock that ran ahead."""
        latest = self.database.value('SELECT max("at") FROM recent WHERE timed AND NOT counted') or 0.0
        return max(latest, self._summing.last_at) or None

    def is_there(self) -> bool:
        """Whether the folder is the one that was read: not deleted, nor deleted and made anew."""
        return self.folder.is_dir() and self._files.is_there()

    def refresh(self) -> None:
        """Bring the sums of what is in no file up to date."""
        self._summing.refresh(self._clock())

    def rows(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, locked: bool = False
    ) -> list[dict[str, Any]]:
        """The rows of a question in SQL, as mappings. Raises LedgerError where it is none or is not understood.

        ``locked``: it is somebody else's; from now on nothing is read but what was taken in.
        """
        self.refresh()
        self._summing.make_views()
        if self._asked.names_calls(sql):
            self._asked.make_calls(self._kept_volumes(), self._clock() + AHEAD_S)
        if locked:
            self._asked.lock()
        return self._asked.answer(sql, parameters)

    def records(self, kind: type[Record], sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Record]:
        """The rows of a question in SQL, each as a record whose fields are its columns. Raises as ``rows`` does."""
        return msgspec.convert(self.rows(sql, parameters), list[kind])

    def columns(self) -> dict[str, list[str]]:
        """The columns of each table that can be asked."""
        self._summing.make_views()
        self._asked.show_calls([])
        return {name: [row[0] for row in self.database.run(f"DESCRIBE {name}")] for name in VIEWS}

    def contents(self) -> list[ModelSums]:
        """By model and endpoint, of the calls that are there still: how many, the first and the last instant, how many
        failed, ended without usage, and have a known price."""
        self.refresh()
        there = {key[:2] for volume in volumes_of(self.folder) if (key := _key_of(volume)) is not None}
        return self._summing.contents([key for key in self._summing.kept if key[:2] in there])

    def _kept_volumes(self) -> dict[VolumeKey, Volume]:
        """The volumes that are there and in files."""
        keys = ((_key_of(volume), volume) for volume in volumes_of(self.folder))
        return {key: volume for key, volume in keys if key is not None and key in self._summing.kept}

    # Taking in ----------------------------------------------------------------------------------------------

    def catch_up(self, since: float = 0.0) -> int:
        """Take in what was recorded since the last time; how many calls there were.

        Closed volumes without sums that ended before ``since`` (an instant) are passed over as long as this is open.
        """
        return sum(self.steps(since))

    def steps(self, since: float = 0.0) -> Iterator[int]:
        """``catch_up`` in steps of some volumes or lines; yields the calls of each. May be left after any step."""
        import duckdb

        try:
            yield from self._steps(self._clock(), since)
        except (duckdb.Error, OSError) as error:  # a full disk, or sums beyond what integers hold
            raise LedgerError(
                f"The ledger in {self.folder} cannot be summed: {error}.",
                fix="check the disk and the files in that folder",
            ) from error

    def _steps(self, now: float, since: float) -> Iterator[int]:
        volumes = volumes_of(self.folder)
        self._sum_removed(volumes, now)
        if calls := self._take_kept(volumes, now):
            yield calls
        self._pass_over(volumes[:-1], since)
        unread = [volume for volume in volumes[:-1] if volume.path.name not in self._follower.position]
        for place in range(0, len(unread), _VOLUMES_AT_ONCE):
            yield self._take_volumes(unread[place : place + _VOLUMES_AT_ONCE], volumes, now)
            self._sum_settled(volumes, min(now, self._latest()))
        for volume in volumes[-1:]:
            yield self._take_begun(volume, volumes, now)
        for volume, entries in self._follower.entries():
            self._give_context(volume, volumes, now)
            self._hold(volume)
            yield self._summing.taken(self._intake.take(volume, entries, now + AHEAD_S))
        self._sum_settled(volumes, now)

    def share_read(self) -> float:
        """How much of the ledger was taken in, by its bytes: from 0 to 1."""
        total = read = 0
        for volume in volumes_of(self.folder):
            with contextlib.suppress(OSError):
                taken = self._follower.position.get(volume.path.name, 0)
                size = _readable(volume.path, taken)
                total, read = total + size, read + min(size, taken)
        return read / total if total else 1.0

    def _take_kept(self, volumes: Sequence[Volume], now: float) -> int:
        """Add sums that were written down: of volumes that are as they were then, and of those that were removed."""
        there = {key[:2]: (key, volume) for volume in volumes if (key := _key_of(volume)) is not None}
        known = {key[:2] for key in self._summing.kept} | set(self._held.items())
        files = {
            key: path
            for key, path in self._files.all("sums").items()
            if key[:2] not in known and (key[:2] not in there or there[key[:2]][0] == key) and self._is_sound(key, path)
        }
        before = self.calls
        taken = self._summing.take_kept(files, now)
        for key, path in files.items():
            if key not in taken:
                self._files.remove(path)
            elif key[:2] in there:
                self._follower.position[there[key[:2]][1].path.name] = key.size
        return self.calls - before

    def _pass_over(self, closed: Sequence[Volume], since: float) -> None:
        for volume in closed:
            unread = volume.path.name not in self._follower.position
            if unread and volume.ended_before(since) and (key := _key_of(volume)) is not None:
                self._follower.position[volume.path.name] = key.size

    def _is_sound(self, key: VolumeKey, sums: Path) -> bool:
        """Whether the sums of a volume can be taken, and what stands beside them; else they are made anew together."""
        beside = [self._files.path(key, kind) for kind in ("misses", "damaged")]
        if not self._files.is_sound(sums):
            return False
        if all(self._files.is_sound(path) for path in beside if path.exists()):
            return True
        self._files.remove(sums)
        return False

    def _take_volumes(self, batch: Sequence[Volume], volumes: Sequence[Volume], now: float) -> int:
        self._give_context(batch[0], volumes, now)
        calls, sizes = self._intake.volumes(batch, now + AHEAD_S)
        for volume, size in sizes.items():
            self._hold(volume)
            self._follower.position[volume.path.name] = size
        return self._summing.taken(calls)

    def _take_begun(self, newest: Volume, volumes: Sequence[Volume], now: float) -> int:
        """What there is of the newest volume, where none of it was taken in; the follower goes on behind it."""
        if newest.path.name in self._follower.position:
            return 0
        self._give_context(newest, volumes, now)
        taken = self._intake.begun(newest, now + AHEAD_S)
        if taken is None:
            return 0
        calls, self._follower.position[newest.path.name] = taken
        self._hold(newest)
        return self._summing.taken(calls)

    def _give_context(self, volume: Volume, volumes: Sequence[Volume], now: float) -> None:
        """Before the first calls are judged: the rows of the volume before them, which are counted already."""
        before = [other for other in volumes if other.number < volume.number][-1:]
        if before and not self._held and self._summing.is_empty():
            self._intake.volumes(before, now + AHEAD_S, counted=True)

    def _hold(self, volume: Volume) -> None:
        if volume.number not in self._held:
            with contextlib.suppress(OSError):
                self._held[volume.number] = identity_of(volume.path)

    def _latest(self) -> float:
        """The last instant of the rows that are there."""
        latest = self.database.value('SELECT max("at") FROM recent WHERE timed')
        return float("inf") if latest is None else latest

    # Summing ------------------------------------------------------------------------------------------------

    def _sum_settled(self, volumes: Sequence[Volume], horizon: float) -> None:
        """Sum the closed volumes whose writes are all over."""
        newest = volumes[-1].number if volumes else 0
        ends = self._summing.ends()
        over = [number for number in self._held if number != newest and ends.get(number, 0.0) + LONGEST_S <= horizon]
        self._sum(over, horizon)

    def _sum_removed(self, volumes: Sequence[Volume], now: float) -> None:
        """Sum what was taken in of volumes that are gone, as far as it is known: nobody can read them again."""
        there = {volume.number: volume for volume in volumes}
        gone = [
            number
            for number, identity in self._held.items()
            if number not in there or _identity(there[number]) not in (identity, None)
        ]
        self._sum(gone, now)
        for number in gone:
            if number in there:  # another volume was begun under its name
                self._follower.position.pop(there[number].path.name, None)

    def _sum(self, numbers: Sequence[int], horizon: float) -> None:
        names = {number: f"calls-{number:06}.ndjson" for number in numbers}
        keys = [
            VolumeKey(number, self._held[number], self._follower.position.get(names[number], 0)) for number in numbers
        ]
        if keys:
            self._summing.sum(keys, horizon, self._clock())
            for number in numbers:
                del self._held[number]


def _key_of(volume: Volume) -> VolumeKey | None:
    try:
        return VolumeKey.of(volume.number, volume.path)
    except OSError:
        return None


def _identity(volume: Volume) -> int | None:
    try:
        return identity_of(volume.path)
    except OSError:
        return None


def _readable(path: Path, taken: int) -> int:
    """The bytes of a volume that can be taken in: without a last line that was cut off, or is just being written."""
    size = path.stat().st_size
    if not 0 < size - taken <= _LONGEST_SCRAP:
        return size
    with path.open("rb") as file:
        file.seek(taken)
        return size if b"\n" in file.read(size - taken) else taken
