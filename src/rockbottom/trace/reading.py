"""What every reader of a log format is given and gives back, and how a reader is found.

A reader is one module in ``rockbottom.trace.formats`` with a ``READER``; nothing else has to be told.
A source is cut into parts (files, usually), so that parts can be read one after another in bounded memory,
by several processes, or on several machines, and taken up again after an interruption.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from rockbottom.trace.addresses import UnreadableSource, is_log_group, is_s3
from rockbottom.trace.columns import Trace
from rockbottom.trace.contents import with_needed_contents
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import CutShort, chunks_of, files_of, head_of
from rockbottom.trace.invocations import Invocation
from rockbottom.trace.merging import merged
from rockbottom.trace.sources import is_body
from rockbottom.trace.splitting import Unfinished, candidates

LOOKED_AT = 16  # files of a folder that a format may be recognised by


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a reader is told. ``key`` is the secret of the hashes (empty: unkeyed, for use within one process).

    ``by`` is what requests are told apart by (``trace.KNOWN``, or a key of requestMetadata or tags; empty: nothing).
    ``partial_blocks`` says what becomes of a last block that is not full: ``keep`` it as a shorter block, or
    ``drop`` it (its tokens stay in the prompt, never cached). ``options`` are a format's own.
    """

    key: bytes = b""
    partial_blocks: str = "drop"
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    by: str = ""


@dataclass(frozen=True, slots=True)
class ReadPart:
    """The requests of one part of a source, and what could not be read."""

    trace: Trace
    damages: Damages
    bytes_read: int


@dataclass(frozen=True, slots=True)
class LogReader:
    """One log format. ``recognises`` looks at a path and the first bytes of it, unpacked and as UTF-8.

    ``invocations`` gives the requests of a part with their text; None: the format holds none. ``lacks`` says what such
    a source cannot say, where that decides what can be answered.
    """

    name: str
    summary: str
    recognises: Callable[[Path, bytes], bool]
    parts: Callable[[str], Sequence[str]]
    read: Callable[[str, ReaderSettings], ReadPart]
    invocations: Callable[[str, Damages], Iterator[Invocation]] | None = None
    lacks: str = ""


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
def readers() -> Mapping[str, LogReader]:
    """Every reader by name: one module each in ``rockbottom.trace.formats``."""
    package = import_module("rockbottom.trace.formats")
    modules = sorted(module.name for module in iter_modules(package.__path__))
    loaded = [import_module(f"{package.__name__}.{name}") for name in modules]
    return {module.READER.name: module.READER for module in loaded}


def reader_of(source: str, name: str | None = None) -> LogReader:
    """The reader named, or the one that recognises the source. Raises UnreadableSource."""
    known = readers()
    if name is not None:
        if name not in known:
            raise UnreadableSource(f"there is no format {name!r}; the formats are {', '.join(known)}")
        return known[name]
    refused: UnreadableSource | None = None
    is_empty = True
    for file in _looked_at([file for file in files_of(source) if not is_body(file)]):
        try:
            head = head_of(file)
        except UnreadableSource as error:
            refused = refused or error
            continue
        is_empty = is_empty and not head.strip()
        for reader in known.values():
            if reader.recognises(Path(file), head):
                return reader
    if refused is not None:
        raise refused
    if is_s3(source) or is_log_group(source):
        return known["bedrock-logs"]  # its parts are looked for by name, and it says what it lacks
    if is_empty:
        raise UnreadableSource(f"{source} is empty")
    raise UnreadableSource(
        f"{source}: the format is not recognised; known formats are {', '.join(known)}",
        fix="name the format with --format",
    )


def _looked_at(files: Sequence[str]) -> Sequence[str]:
    """The first files, and as many from among all of them: a folder may begin with what is no traffic."""
    step = max(1, len(files) // LOOKED_AT)
    return list(dict.fromkeys((*files[:LOOKED_AT], *files[::step][:LOOKED_AT])))


def read_trace(source: str, settings: ReaderSettings | None = None, name: str | None = None) -> Reading:
    """A whole source as one trace. Raises UnreadableSource when it is not there or not known."""
    reader = reader_of(source, name)
    chosen = settings or ReaderSettings()
    return assembled(reader.name, [reader.read(part, chosen) for part in reader.parts(source)])


def assembled(reader: str, parts: Sequence[ReadPart], *, grows: bool = False) -> Reading:
    """The parts of one source put together; ``grows``: others will be added to them."""
    damages = Damages()
    for part in parts:
        damages.extend(part.damages)
    whole = merged([part.trace for part in parts])
    size = sum(part.bytes_read for part in parts)
    trace = whole.trace if grows else with_needed_contents(whole.trace)
    return Reading(trace, reader, damages, whole.duplicates, whole.reordered, size)


def lines_of(name: str, damages: Damages) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1; where a file cannot be read on, that is added."""
    try:
        for number, line in candidates(chunks_of(name)):
            if isinstance(line, Unfinished):
                damages.add(f"{name}:{number}", line.why)
            else:
                yield number, line
    except CutShort as error:
        damages.add(name, str(error))
