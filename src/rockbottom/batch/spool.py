"""The records of an attempt in one file on disk, in the order given; files for S3 are slices of it."""

import hashlib
import io
import os
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from rockbottom.batch.splitting import Slice
from rockbottom.batch.state import damaged
from rockbottom.files import named, private
from rockbottom.quantities import Undecodable, decoder_of


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was written: the bytes of each line, all bytes, and the digest of the file."""

    sizes: "array[int]"
    bytes: int
    digest: str


class _Identity(msgspec.Struct):
    recordId: str  # AWS's spelling


_identity = decoder_of(_Identity)


def spool(lines: Iterable[bytes], path: Path) -> Spooled:
    """Write the records and force them out; the file has its name only when it is whole."""
    sizes = array("L")
    digest = hashlib.blake2b(digest_size=16)
    partial = path.with_suffix(".partial")
    total = 0
    with named(path), open(partial, "wb", buffering=1 << 20, opener=private) as file:
        for line in lines:
            file.write(line)
            digest.update(line)
            sizes.append(len(line))
            total += len(line)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return Spooled(sizes, total, digest.hexdigest())


def record_ids(path: Path) -> Iterator[str]:
    """The recordIds of a spool, in its order. Raises DamagedRun."""
    start = len(b'{"recordId":"')
    with path.open("rb", buffering=1 << 20) as file:
        for number, line in enumerate(file, 1):  # as records.py writes it; a quote inside the id would be escaped
            try:
                name = line[start : line.index(b'","modelInput":', start)]
                yield _identity(line).recordId if b"\\" in name else name.decode()
            except (ValueError, Undecodable) as error:
                raise damaged(path, number, str(error)) from error


def ordinals_of(path: Path) -> dict[str, int]:
    """The place of each recordId in a spool, from 0. Raises DamagedRun, also where one stands there twice."""
    ordinals: dict[str, int] = {}
    for ordinal, record_id in enumerate(record_ids(path)):
        if ordinals.setdefault(record_id, ordinal) != ordinal:
            raise damaged(path, ordinal + 1, f"its recordId {record_id} is that of line {ordinals[record_id] + 1} too")
    return ordinals


def chosen_lines(path: Path, flags: bytearray) -> Iterator[bytes]:
    """The lines of a spool whose flag is set."""
    with path.open("rb", buffering=1 << 20) as file:
        for flag, line in zip(flags, file, strict=True):
            if flag:
                yield line


class SliceFile(io.RawIOBase):
    """A slice of a file as a file of its own, which is what S3's upload reads."""

    def __init__(self, file: IO[bytes], part: Slice) -> None:
        super().__init__()
        self._source, self._part, self._at = file, part, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        """The offset in bytes from the slice's beginning."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset, counted in the slice like ``io`` counts it; returns the new one."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._part.length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """At most ``size`` bytes; the rest of the slice when it is negative or None."""
        left = max(0, self._part.length - self._at)
        size = left if size is None or size < 0 else min(size, left)
        self._source.seek(self._part.offset + self._at)
        content = self._source.read(size)
        self._at += len(content)
        return content
