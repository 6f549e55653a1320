"""What a run has done, on disk before it is relied on: one JSON object to a line, each forced out with fsync.

A process may die at any moment. What was written is there; a last line that was cut off is dropped, because nothing
was done on the strength of it. The lock keeps a second process away from the same run.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.errors import DamagedRun, RunBusy
from rockbottom.batch.state import damaged
from rockbottom.files import private
from rockbottom.quantities import Undecodable, decoder_of

Event = dict[str, Any]
_object = decoder_of(Event)
Checkpoint = Callable[[str], None]
"""Called with a name before and after every step that can be lost; for tests that die there."""


class Journal:
    """The events of one run; open it with ``with``. Raises RunBusy when another process has it, DamagedRun."""

    def __init__(self, path: Path, checkpoint: Checkpoint = lambda name: None) -> None:
        self.path = path
        self.checkpoint = checkpoint
        self.events: list[Event] = []
        self._file = -1

    def __enter__(self) -> "Journal":
        self._file = private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise RunBusy(
                f"Another process is working on the run {self.path.parent.name}.",
                fix="wait for it, or follow it with: rockbottom batch status",
            ) from error
        whole = os.pread(self._file, os.fstat(self._file).st_size, 0)
        keep = whole.rfind(b"\n") + 1
        if keep < len(whole):
            os.ftruncate(self._file, keep)
        try:
            self.events = list(events_in(whole[:keep], self.path))
        except DamagedRun:
            os.close(self._file)
            raise
        _sync_folder(self.path.parent)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def append(self, name: str, /, **members: Any) -> Event:
        """Write one event down; it is on disk when this returns."""
        event: Event = {"event": name, **members}
        self.checkpoint(f"before {name}")
        os.write(self._file, msgspec.json.encode(event) + b"\n")
        os.fsync(self._file)
        self.events.append(event)
        self.checkpoint(f"after {name}")
        return event


def read_journal(path: Path) -> list[Event]:
    """The events of a run, without taking it; empty when there is none. Raises DamagedRun."""
    if not path.is_file():
        return []
    whole = path.read_bytes()
    return list(events_in(whole[: whole.rfind(b"\n") + 1], path))


def events_in(whole: bytes, path: Path) -> Iterator[Event]:
    """The objects of JSON lines, whole ones. Raises DamagedRun, which names the file and the line."""
    for number, line in enumerate(whole.split(b"\n"), 1):
        if line:
            yield event_in(line, path, number)


def event_in(line: bytes, path: Path, number: int) -> Event:
    """The object of one line of a run's file. Raises DamagedRun."""
    try:
        return _object(line)
    except Undecodable as error:
        raise damaged(path, number, str(error)) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
