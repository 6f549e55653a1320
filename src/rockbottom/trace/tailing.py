"""Logs followed while they are written: files that grow or appear, objects that are delivered, events of a log group.

What comes is text, piece by piece, each read once; a record that comes twice all the same is known by its request id,
which is for whoever reads it. Objects are looked for behind the newest name of each account and Region, and now and
then among all of them: one may be delivered late.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rockbottom.quantities import Undecodable, decoded, is_object, reason_of
from rockbottom.trace.addresses import UnreadableSource, is_log_group, is_s3
from rockbottom.trace.files import chunks_of, is_utf8, log_groups, objects_of
from rockbottom.trace.formats import bedrock_logs
from rockbottom.trace.reading import ReaderSettings, ReadPart
from rockbottom.trace.sources import is_log, log_names

_PACKED = b"\x1f\x8b"
_OVERLAP_MS = 120_000  # events come late, and out of order
_FOLDER = re.compile(r".*/BedrockModelInvocationLogs/[^/]+/")
_ALL_AGAIN_S = 600.0
_BEFORE = len("2026/11/29/18/")  # names hold the hour: one hour's folder is looked through again


@dataclass(slots=True)
class Tail:
    """Follows one source. ``since`` leaves out what is older, as far as names and times of files tell."""

    source: str
    since: float
    clock: Callable[[], float]
    _read: dict[str, int] = field(default_factory=dict[str, int])  # bytes of a file, or 1 for an object
    _newest: dict[str, str] = field(default_factory=dict[str, str])  # by folder of an account and Region
    _listed_at: float = float("-inf")
    _since_ms: int | None = None

    def pieces(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """What came since the last time, as name and text. Raises UnreadableSource."""
        if is_log_group(self.source):
            yield from self._events()
        elif is_s3(self.source):
            yield from self._objects()
        else:
            yield from self._files()

    def _files(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        for name in log_names(self.source):
            path = Path(name)
            try:
                stat = path.stat()
                with path.open("rb") as file:
                    head = file.read(len(_PACKED) + 2)
                converted = head.startswith(_PACKED) or not is_utf8(head)
            except OSError:  # gone again
                continue
            before = self._read.get(name, 0)
            if stat.st_size == before or (not before and stat.st_mtime < self.since):
                continue
            if converted or stat.st_size < before:
                self._read[name] = stat.st_size
                yield name, chunks_of(name)
            elif (text := _whole_lines(path, before)) is not None:
                self._read[name] = before + len(text)
                yield name, iter([text])

    def _objects(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        now = self.clock()
        whole = now - self._listed_at >= _ALL_AGAIN_S or not self._newest
        listed: list[tuple[str, float]] = []
        if whole:
            self._listed_at = now
            listed = objects_of(self.source)
        else:
            for newest in self._newest.values():
                listed += objects_of(self.source, newest[:-1])
        for name, modified in listed:
            if name in self._read or modified < self.since or not is_log(name):
                continue
            self._read[name] = 1
            folder = _FOLDER.match(name)
            if folder is not None:
                before = self._newest.get(folder[0], "")
                self._newest[folder[0]] = max(before, name[: folder.end() + _BEFORE])
            yield name, chunks_of(name)

    def _events(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        group, age = log_groups().name_and_age(self.source)
        if self._since_ms is None:
            since = self.since if age is None else self.clock() - age
            self._since_ms = int(since * 1000)
        for events in log_groups().pages(group, self._since_ms):
            if not events:
                continue
            latest = max(int(event["timestamp"]) for event in events)
            self._since_ms = max(self._since_ms, latest - _OVERLAP_MS)
            new = [event for event in events if self._is_new(event)]
            if new:
                yield self.source, iter([log_groups().text_of(new)])

    def _is_new(self, event: dict[str, Any]) -> bool:
        key = str(event.get("eventId") or (event["timestamp"], event["message"]))
        if key in self._read:
            return False
        if len(self._read) > 200_000:
            for old in list(self._read)[:100_000]:
                del self._read[old]
        self._read[key] = 1
        return True


def log_part(name: str, settings: ReaderSettings, text: Iterator[bytes]) -> ReadPart:
    """The requests in the new text of a log."""
    return bedrock_logs.read(name, settings, text)


def _whole_lines(path: Path, start: int) -> bytes | None:
    """What a file holds from a place on, up to its last newline or a whole record behind it; None: neither."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
    except OSError as error:
        raise UnreadableSource(f"{path}: {reason_of(error)}") from error
    end = data.rfind(b"\n") + 1
    if _is_record(data[end:]):  # nothing can follow on its line
        end = len(data)
    return data[:end] if end else None


def _is_record(text: bytes) -> bool:
    try:
        return is_object(decoded(text))
    except Undecodable:
        return False
