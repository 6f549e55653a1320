"""The bound of a ledger: the oldest volumes go, and what went is logged and noted."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.figures import thousands
from rockbottom.files import private
from rockbottom.ledger.places import NOTES, Volume, volumes_of
from rockbottom.quantities import Undecodable, decoded

log = logging.getLogger("rockbottom.ledger")


def trim(folder: Path, max_bytes: int, now: float) -> int:
    """Remove oldest volumes until the rest hold at most ``max_bytes``; never the newest. The calls removed."""
    volumes = volumes_of(folder)
    sizes = {volume: _size(volume) for volume in volumes}
    total, removed = sum(sizes.values()), 0
    for volume in volumes[:-1]:
        if total <= max_bytes:
            break
        total -= sizes[volume]
        removed += _remove(folder, volume, now)
    if removed:
        log.warning(
            "rockbottom: the ledger in %s has reached its size limit: the oldest %s calls were removed",
            folder,
            thousands(removed),
        )
    return removed


def note(folder: Path, event: dict[str, Any]) -> None:
    """Write down what the ledger lost; where that is not possible it was still logged."""
    with contextlib.suppress(OSError):
        file = private(folder / NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, msgspec.json.encode(event) + b"\n")
        finally:
            os.close(file)


def notes_of(folder: Path) -> Iterator[dict[str, Any]]:
    """What was noted, oldest first: ``removed`` volumes with their ``calls``, and ``dropped`` calls."""
    try:
        lines = (folder / NOTES).read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(Undecodable):
            yield decoded(line, dict[str, Any])


def _remove(folder: Path, volume: Volume, now: float) -> int:
    try:
        calls = _lines(volume.path)
        size = _size(volume)
        volume.path.unlink()
    except OSError:  # another process was first, or may and we may not
        return 0
    note(folder, {"at": now, "removed": volume.path.name, "calls": calls, "bytes": size})
    return calls


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(data.count(b"\n") for data in iter(lambda: file.read(1 << 20), b""))


def _size(volume: Volume) -> int:
    try:
        return volume.path.stat().st_size
    except OSError:
        return 0
