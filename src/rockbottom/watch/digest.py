"""The digest of a ledger: sums by minute, hour and day, and its misses, kept in SQLite beside the volumes.

The ledger's own index knows calls one by one; what a miss is needs the calls before it, in their order, with their
hashes. So the digest reads the volumes once, as they grow, and keeps sums only: how large the ledger is makes no
difference to how fast a view of it is. How far each volume was read is kept in the same transaction as what was
added, so several processes may follow one ledger and every call is counted once. Safe to delete.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from rockbottom.catalog import Catalog
from rockbottom.ledger import CallRecord
from rockbottom.ledger.lines import found_in
from rockbottom.ledger.places import Volume, identity_of, volumes_of
from rockbottom.ledger.reading import chunks_of
from rockbottom.watch import tables
from rockbottom.watch.misses import Miss
from rockbottom.watch.periods import DAY_S, KEPT_S, grains_of
from rockbottom.watch.sums import COLUMNS, FAMILY, MOST_NAMES, OTHER, TAG, Sums, is_sound
from rockbottom.watch.tally import Listener, Tally, kinds_of

log = logging.getLogger("rockbottom.watch")

_MOST_MISSES = 5_000
_TENDED_EVERY_S = 10.0
_LONGEST_SCRAP = 1 << 20
_WARM_BYTES = 8 << 20  # what is heard again after a start, so that the first calls are judged too
_Place = tuple[int, int, bool, str, str]
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Miss).decode


class Digest:
    """Follows the ledger in a folder; ``take`` adds what was recorded since. For one thread at a time.

    Where the folder cannot be written the digest is kept in memory (``in_memory``). ``damaged`` counts torn lines.
    """

    def __init__(self, folder: Path | str, catalog: Catalog) -> None:
        self.folder = Path(folder)
        self.in_memory = False
        self.connection = self._opened()
        self._listener = Listener(catalog)
        self._heard: dict[tuple[str, int], int] = {}
        self._tended_at = 0.0
        self._misses_put = 0

    @classmethod
    def empty(cls, catalog: Catalog) -> "Digest":
        """A digest of nothing, in memory."""
        return cls(os.devnull, catalog)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    # Following ----------------------------------------------------------------------------------------------

    def take(self, now: float) -> Iterator[int]:
        """Add what was recorded since; one step a run of lines (about 4 MB), each with how many calls it held.

        May be left after any step; what was added stays added.
        """
        volumes = volumes_of(self.folder)
        if not self._heard:
            self._pass_over(volumes[:-1])
        for volume in volumes:
            while not self._is_at_end(volume) and (calls := self._next_run(volume, now)) is not None:
                yield calls
        if abs(now - self._tended_at) >= _TENDED_EVERY_S:
            self._tended_at = now
            with tables.writing(self.connection):
                self._put(self._listener.settle(now, self.fact("settled_until")), now)
                self._prune(now)

    def _pass_over(self, volumes: list[Volume]) -> None:
        """What was taken in whole before this start is not heard again; the newest volume is, for its last calls."""
        known = {
            name: place for name, *place in self.connection.execute("SELECT volume, identity, read_to FROM progress")
        }
        for volume in volumes:
            try:
                identity, size = identity_of(volume.path), volume.path.stat().st_size
            except OSError:
                continue
            if known.get(volume.path.name) == [identity, size]:
                self._heard[volume.path.name, identity] = size

    def _is_at_end(self, volume: Volume) -> bool:
        try:
            key = volume.path.name, identity_of(volume.path)
            size = volume.path.stat().st_size
        except OSError:
            return True
        return self._heard.get(key) == size

    def share_read(self) -> float:
        """How much of the ledger was taken in, by its bytes: from 0 to 1."""
        known = dict(self.connection.execute("SELECT volume, read_to FROM progress").fetchall())
        total = read = 0
        for volume in volumes_of(self.folder):
            taken = known.get(volume.path.name, 0)
            try:
                size = _readable(volume.path, taken)
            except OSError:
                continue
            total, read = total + size, read + min(size, taken)
        return read / total if total else 1.0

    def _next_run(self, volume: Volume, now: float) -> int | None:
        try:
            file = volume.path.open("rb")
        except OSError:  # removed since it was listed
            return None
        with file, tables.writing(self.connection):
            state = volume.path.stat()
            key = volume.path.name, identity_of(volume.path)
            read_to = self._read_to(key, state.st_size)
            if read_to == 0 and state.st_mtime < now - KEPT_S[DAY_S]:  # older than anything that is shown
                self._read(key, state.st_size)
                return None
            self._warm(volume, key, read_to, now)
            for begin, data, whole in chunks_of(file, read_to):
                if not whole:
                    return None  # somebody is writing it
                calls = self._add(list(self._calls_in(data, begin)), now)
                self._read(key, begin + len(data) + 1)
                return calls
        return None

    def _calls_in(self, data: bytes, begin: int) -> Iterator[CallRecord]:
        torn = 0
        for found in found_in(data, begin):
            if found.call is not None and is_sound(found.call):
                yield found.call
            else:
                torn += 1
        if torn:
            self._note("damaged", self.fact("damaged") + torn)

    def _warm(self, volume: Volume, key: tuple[str, int], read_to: int, now: float) -> None:
        """Hear again what another process, or an earlier run, has added: what comes next is judged against it."""
        heard = max(self._heard.get(key, 0), read_to - _WARM_BYTES)
        if heard >= read_to:
            return
        with volume.path.open("rb") as file:
            for begin, data, _ in chunks_of(file, heard):
                if begin >= read_to:
                    break
                calls = (found.call for found in found_in(data[: read_to - begin], begin))
                self._listener.hear((call for call in calls if call is not None and is_sound(call)), now)
        self._heard[key] = read_to

    def _read_to(self, key: tuple[str, int], size: int) -> int:
        known = self.connection.execute("SELECT identity, read_to FROM progress WHERE volume = ?", key[:1]).fetchone()
        if known is None or known[0] != key[1] or known[1] > size:  # new, or another file under an old name
            self._heard.pop(key, None)
            return 0
        return int(known[1])

    def _read(self, key: tuple[str, int], to: int) -> None:
        self.connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (*key, to))
        self._heard[key] = to

    # Adding -------------------------------------------------------------------------------------------------

    def _add(self, calls: list[CallRecord], now: float) -> int:
        tally = self._listener.tally(calls, now, self.fact("settled_until"))
        self._put(tally, now)
        if calls:
            self._note("calls", self.fact("calls") + len(calls))
            self._note("last_at", max(self.fact("last_at"), *(call.at for call in calls if call.at <= now + 120), 0.0))
        return len(calls)

    def _put(self, tally: Tally, now: float) -> None:
        run = self.connection.executemany
        rows = self._bounded(_grained(tally, now))
        run(tables.ADD_SUMS, ((*place, *(getattr(sums, name) for name in COLUMNS)) for place, sums in rows.items()))
        run(tables.ADD_LATENCIES, _grained_latencies(tally, now))
        misses = sorted(tally.misses, key=lambda miss: miss.at)[-_MOST_MISSES:]
        run("INSERT INTO misses VALUES (?, ?, ?)", ((miss.local, miss.at, _encode(miss)) for miss in misses))
        self._misses_put += len(misses)
        if self._misses_put > _MOST_MISSES:
            self._misses_put = 0
            self._prune_misses()
        self._note("settled_until", tally.settled_until)

    def _bounded(self, rows: dict[_Place, Sums]) -> dict[_Place, Sums]:
        """The same sums with at most so many tags and families in one stretch; the others are added as one."""
        bounded: dict[_Place, Sums] = {}
        for stretch, places in groupby(sorted(rows), key=itemgetter(0, 1, 2, 3)):
            names: set[str] | None = None
            for place in places:
                if stretch[3] in (TAG, FAMILY):
                    names = self._names_of(stretch) if names is None else names
                    if place[4] not in names and len(names) >= MOST_NAMES:
                        bounded.setdefault((*stretch, OTHER), Sums()).add(rows[place])
                        continue
                    names.add(place[4])
                bounded[place] = rows[place]
        return bounded

    def _names_of(self, stretch: tuple[int, int, bool, str]) -> set[str]:
        sql = "SELECT name FROM sums WHERE grain = ? AND start = ? AND local = ? AND kind = ?"
        return {row[0] for row in self.connection.execute(sql, stretch)}

    def _prune(self, now: float) -> None:
        run = self.connection.execute
        for grain, kept in KEPT_S.items():
            run("DELETE FROM sums WHERE grain = ? AND start < ?", (grain, now - kept - grain))
            run("DELETE FROM latencies WHERE grain = ? AND start < ?", (grain, now - kept - grain))
        self._prune_misses()

    def _prune_misses(self) -> None:
        run = self.connection.execute
        for local in (0, 1):
            oldest = "SELECT at FROM misses WHERE local = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
            run(f"DELETE FROM misses WHERE local = ? AND at <= ({oldest})", (local, local, _MOST_MISSES))

    # Facts --------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> float:
        """A number that is kept: ``calls`` taken in, ``damaged`` lines, ``last_at``; 0 where there is none."""
        row = self.connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0.0

    def _note(self, name: str, value: float) -> None:
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def latest_misses(self, since: float, until: float, local: bool, most: int) -> list[Miss]:
        """The latest misses of a stretch of time, the newest first."""
        sql = "SELECT body FROM misses WHERE local = ? AND at >= ? AND at < ? ORDER BY at DESC LIMIT ?"
        return [_decode(row[0]) for row in self.connection.execute(sql, (local, since, until, most))]

    # Opening ------------------------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        path = self.folder / tables.NAME
        if not self.folder.is_dir():
            self.in_memory = True
            return tables.opened(tables.MEMORY)
        try:
            return tables.opened(str(path))
        except sqlite3.OperationalError as error:
            if (
                getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            ):  # another process is making it: the next time is soon
                raise
            log.warning("rockbottom: no digest can be kept in %s (%s); it is in memory", self.folder, error)
        except sqlite3.DatabaseError as error:  # no database, or a damaged one
            log.warning("rockbottom: %s is damaged (%s); it is made anew", path, error)
            try:
                tables.put_aside(path)
                return tables.opened(str(path))
            except (OSError, sqlite3.Error):
                pass
        self.in_memory = True
        return tables.opened(tables.MEMORY)


def _grained(tally: Tally, now: float) -> dict[_Place, Sums]:
    """Sums in every grain in which they are kept."""
    rows: dict[_Place, Sums] = {}
    for start, local, kind, name, sums in kinds_of(tally):
        for grain in grains_of(start, now):
            rows.setdefault((grain, start // grain * grain, local, kind, name), Sums()).add(sums)
    return rows


def _grained_latencies(tally: Tally, now: float) -> list[tuple[int, int, bool, str, int, int]]:
    return [
        (grain, latency.start // grain * grain, latency.local, latency.model, latency.step, calls)
        for latency, calls in tally.latencies.items()
        for grain in grains_of(latency.start, now)
    ]


def _readable(path: Path, taken: int) -> int:
    """The bytes of a volume that can be taken in: without a last line that was cut off, or is just being written."""
    size = path.stat().st_size
    if not 0 < size - taken <= _LONGEST_SCRAP:
        return size
    with path.open("rb") as file:
        file.seek(taken)
        return size if b"\n" in file.read(size - taken) else taken
