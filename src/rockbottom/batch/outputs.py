"""Files of results: whole or not at all when we write them, checked for wholeness when Bedrock did."""

import os
from collections.abc import Iterable
from pathlib import Path

from rockbottom.batch.errors import OutputIncomplete
from rockbottom.batch.rejoining import half_written
from rockbottom.files import named, private
from rockbottom.quantities import Undecodable, decoded

MANIFEST = "manifest.json.out"
"""The file in which Bedrock counts the results of a job."""


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file that has its name only when it is whole and on disk."""
    partial = path.with_name(path.name + ".partial")
    with named(path), open(partial, "wb", buffering=1 << 20, opener=private) as file:
        for line in lines:
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def check_lines(path: Path) -> int:
    """How many lines a file holds. Raises OutputIncomplete when the last is cut off."""
    count = 0
    last = b"\n"
    with path.open("rb", buffering=1 << 20) as file:
        for line in file:
            count += 1
            last = line
    if not last.endswith(b"\n"):
        try:
            decoded(last)
        except Undecodable:
            raise half_written(path, "its last line is cut off") from None
    return count


def drop_torn_line(path: Path) -> None:
    """Cut a last line that is not whole off a file."""
    try:
        check_lines(path)
    except OutputIncomplete:
        whole = path.stat().st_size
        with path.open("rb+") as file:
            at = whole
            while at > 0:
                step = min(at, 1 << 16)
                file.seek(at - step)
                newline_at = file.read(step).rfind(b"\n")
                if newline_at >= 0:
                    file.truncate(at - step + newline_at + 1)
                    return
                at -= step
            file.truncate(0)
