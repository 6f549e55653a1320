"""What every reader of a log format is given and gives back, and how a reader is found.

A reader is one module in ``rockbottom.trace.formats`` with a ``READER``; nothing else has to be told.
A source is cut into parts (files, usually), so that parts can be read one after another in bounded memory,
by several processes, or on several machines, and taken up again after an interruption.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import IO

from rockbottom.quantities import RockbottomError
from rockbottom.trace.columns import Trace
from rockbottom.trace.merging import merged

HEAD_BYTES = 65_536
KEPT_DAMAGES = 100
LOOKED_AT = 8  # files of a folder that a format may be recognised by
LINES_BYTES = 1 << 20  # what is read at once fits the processor's cache until it is decoded


class UnreadableSource(RockbottomError):
    """A source is not there, or no reader knows its format."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One line that could not be read: where it stands and what is wrong with it."""

    place: str
    why: str


@dataclass(slots=True)
class Damages:
    """Collects damage: all of it counted, the first hundred located."""

    count: int = 0
    first: list[Damage] = field(default_factory=list[Damage])
    failed: int = 0  # calls that the service refused: they cost nothing and are left out
    simulated: int = 0  # calls that went to a local endpoint

    def add(self, place: str, why: str) -> None:
        """One more damaged line."""
        self.count += 1
        if len(self.first) < KEPT_DAMAGES:
            self.first.append(Damage(place, why))

    def extend(self, other: "Damages") -> None:
        """The damage of another part as well."""
        self.count += other.count
        self.failed += other.failed
        self.simulated += other.simulated
        self.first.extend(other.first[: KEPT_DAMAGES - len(self.first)])


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reader is told. ``key`` is the secret of the hashes (empty: unkeyed, for use within one process).

    ``partial_blocks`` says what becomes of a last block that is not full: ``keep`` it as a shorter block, or
    ``drop`` it (its tokens stay in the prompt, never cached). ``options`` are a format's own.
    """

    key: bytes = b""
    partial_blocks: str = "drop"
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of one part of a source, and what could not be read."""

    trace: Trace
    damages: Damages
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Reader:
    """One log format. ``recognises`` looks at a path and the first bytes of it, unpacked."""

    name: str
    summary: str
    recognises: Callable[[Path, bytes], bool]
    parts: Callable[[str], Sequence[str]]
    read: Callable[[str, Settings], Part]


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole source read."""

    trace: Trace
    reader: str
    damages: Damages
    duplicates: int
    reordered: int
    bytes_read: int


@cache
def readers() -> Mapping[str, Reader]:
    """Every reader by name: one module each in ``rockbottom.trace.formats``."""
    package = import_module("rockbottom.trace.formats")
    modules = sorted(found.name for found in iter_modules(package.__path__))
    loaded = [import_module(f"{package.__name__}.{name}") for name in modules]
    return {module.READER.name: module.READER for module in loaded}


def reader_of(source: str, name: str | None = None) -> Reader:
    """The reader named, or the one that recognises the source. Raises UnreadableSource."""
    known = readers()
    if name is not None:
        if name not in known:
            raise UnreadableSource(f"no reader {name!r}; there are {', '.join(known)}")
        return known[name]
    if source.startswith("s3://"):
        return known["bedrock-logs"]
    for name_of_file in files_of(source)[:LOOKED_AT]:
        path = Path(name_of_file)
        head = head_of(path)
        for reader in known.values():
            if reader.recognises(path, head):
                return reader
    raise UnreadableSource(
        f"{source}: no reader knows this format; there are {', '.join(known)}", fix="name one with --format"
    )


def read_trace(source: str, settings: Settings | None = None, name: str | None = None) -> Reading:
    """A whole source as one trace. Raises UnreadableSource when it is not there or not known."""
    reader = reader_of(source, name)
    chosen = settings or Settings()
    return assembled(reader.name, [reader.read(part, chosen) for part in reader.parts(source)])


def assembled(reader: str, parts: Sequence[Part]) -> Reading:
    """The parts of one source put together."""
    damages = Damages()
    for part in parts:
        damages.extend(part.damages)
    whole = merged([part.trace for part in parts])
    size = sum(part.bytes_read for part in parts)
    return Reading(whole.trace, reader, damages, whole.duplicates, whole.reordered, size)


def files_of(source: str) -> Sequence[str]:
    """The file itself, or every file below a folder in order of name."""
    path = Path(source)
    if path.is_file():
        return [source]
    found = sorted(str(file) for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not found:
        raise UnreadableSource(f"{source}: no such file or folder, or nothing in it")
    return found


def opened(path: Path) -> IO[bytes]:
    """The file for reading bytes, unpacked where its name says that it is packed."""
    if path.suffix != ".gz":
        return path.open("rb")
    try:
        from isal import igzip  # twice as fast as zlib where it is installed
    except ModuleNotFoundError:
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return igzip.open(path, "rb")  # type: ignore[return-value]


def head_of(path: Path) -> bytes:
    """The first bytes, unpacked."""
    try:
        with opened(path) as file:
            return file.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise UnreadableSource(f"{path}: {error}") from error


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1."""
    number, rest = 0, b""
    with opened(path) as file:
        while data := file.read(LINES_BYTES):
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                number += 1
                if line and not line.isspace():
                    yield number, line
    if rest and not rest.isspace():
        yield number + 1, rest


def pieces_of(file: IO[bytes], size: int = 64 << 20) -> Iterator[tuple[bytes, int]]:
    """Pieces of whole lines, each ending with a newline, and the number of its first line (from 1)."""
    rest, line, data = b"", 1, file.read(size)
    while data:
        following = file.read(size)
        end = data.rfind(b"\n") + 1
        if end:
            piece = rest + data[:end] if rest or end < len(data) else data
            rest = data[end:]
            yield piece, line
            line += piece.count(b"\n") if following or rest else 0
        else:
            rest += data
        data = following
    if rest:
        yield rest + b"\n", line
