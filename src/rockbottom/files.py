"""Files for their owner alone, as what holds prompts, answers, tags or secrets is; files replaced in one step; and what
a path names read whole, whatever it names.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from errno import EBUSY, EFBIG, EINVAL, ENXIO
from functools import cache
from io import FileIO
from pathlib import Path
from stat import S_IMODE, S_ISFIFO
from typing import Any

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700
_SHARED = 0o666  # less the umask, as every program makes files
_MOST_BYTES = 1 << 28  # settings, prices, requests, documents; recorded traffic is read in pieces
_PIECE_BYTES = 1 << 20
_LOOK_MS = 20
_OTHER_END_MS = 5_000  # how long a named pipe is given until somebody opens its other end
_OTHER_WRITER_MS = 60_000


def private(path: str | Path, flags: int) -> int:
    """Open a file; one that is made is its owner's alone (mode 0600), one that is there keeps its mode.

    It is an opener: ``open(path, "wb", opener=private)``. Raises OSError; also for a named pipe that nobody reads.
    """
    flags |= getattr(os, "O_CLOEXEC", 0)
    if flags & os.O_WRONLY and Path(path).is_fifo():
        return _to_a_reader(path, flags)
    return os.open(path, flags, _PRIVATE)


def _to_a_reader(path: str | Path, flags: int) -> int:
    """Open a named pipe for writing, once somebody has opened its other end. Raises OSError where nobody does."""
    import select  # only for pipes, which have no names everywhere

    for _ in range(0, _OTHER_END_MS, _LOOK_MS):
        try:
            pipe = os.open(path, flags | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != ENXIO:
                raise
            select.poll().poll(_LOOK_MS)
        else:
            os.set_blocking(pipe, True)
            return pipe
    raise OSError(ENXIO, "nobody reads from this pipe", str(path))


def _check_name(path: str | Path) -> None:
    """Raise OSError for what no file can be called; Python raises ValueError, which nobody expects of a file."""
    if "\0" in str(path):
        raise OSError(EINVAL, "a name with a zero byte in it", str(path))
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise OSError(EINVAL, "a name with half a character in it", ascii(str(path))) from error


def make_private(path: str | Path) -> None:
    """Make an empty file where there is none, for SQLite, which opens files itself and gives their mode to its own.

    One that is there is not opened: closing it would let go of the locks that this process holds on it through SQLite
    (https://sqlite.org/howtocorrupt.html, 2.2). Raises OSError.
    """
    _check_name(path)
    with suppress(FileExistsError):
        os.close(private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))


def make_folder(path: Path) -> None:
    """Make a folder, and what is missing above it, for its owner alone (mode 0700). Raises OSError."""
    _check_name(path)
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


@contextmanager
def folder_made(path: Path) -> Generator[None]:
    """A folder for what is written meanwhile; where that fails, what was made of it and is empty is taken away again.

    Raises OSError.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        make_folder(path)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # never made, or not empty
                folder.rmdir()
        raise


def content_of(path: str | Path, at_most: int = _MOST_BYTES) -> bytes:
    """All of a file.

    Raises OSError with the name of the file; for one of more than ``at_most`` bytes, as a device without an end is,
    and for a named pipe that nobody writes to, too.
    """
    _check_name(path)
    with named(path), open(path, "rb", buffering=0, opener=_without_waiting) as file:
        content = bytearray(_first_of_pipe(file) if _is_pipe(path) else b"")
        while piece := file.read(_PIECE_BYTES):
            content += piece
            if len(content) > at_most:
                raise OSError(EFBIG, f"larger than {at_most >> 20} MB")
    return bytes(content)


def is_path(value: object) -> bool:
    """Whether it can be the path of a file."""
    return isinstance(value, (str, os.PathLike))


def from_here(path: str | Path) -> Path:
    """The path as it is seen from the folder in force, for what opens it later: a program may go to another folder."""
    with suppress(OSError):  # the folder in force was removed
        return Path(path).absolute()
    return Path(path)


def _is_pipe(path: str | Path) -> bool:
    return S_ISFIFO(os.stat(path).st_mode)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe at once, and not when somebody opens its other end. It is an opener."""
    return os.open(path, flags | os.O_NONBLOCK if _is_pipe(path) else flags)


def _first_of_pipe(file: FileIO) -> bytes:
    """Its first byte; none where it is empty or not written yet. Raises OSError where nobody opens its other end."""
    import select  # only for pipes, which have no names everywhere

    waiting: Any = select.poll()
    waiting.register(file, select.POLLIN)
    events = waiting.poll(_OTHER_END_MS)  # nothing at all where nobody came, or where somebody came and is slow
    first = file.read(1)  # b"" where nobody is there, None where somebody is
    if first == b"" and not events:
        raise OSError(ENXIO, "nobody writes to this pipe")
    os.set_blocking(file.fileno(), True)
    return first or b""


def regular(path: Path) -> Path:
    """The path. Raises OSError with its name where what is there is no regular file: a device, a pipe, a folder.

    Those are never replaced, and what is read more than once is not read from them.
    """
    _check_name(path)
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "not a regular file", str(path))
    return path


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Generator[Path]:
    """A file beside a file to write to; what is there at the end of the block takes the file's place in one step.

    So a reader sees the old file or the new one, and nothing is left of a block that fails. A new file is its owner's
    alone unless it is ``shared``, one that is replaced keeps its mode. Raises OSError with the name of the file; for
    what is there and is no regular file (a device, a pipe), too: it is never replaced.
    """
    with named(path):
        regular(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with named(path, beside):
        beside.unlink(missing_ok=True)  # of a process of the same number that was killed
        try:
            os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SHARED if shared else _PRIVATE))
            if path.exists():
                beside.chmod(S_IMODE(path.stat().st_mode))
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Generator[None]:
    """Only one process at a time changes a file: it locks the folder, which has to be there.

    That leaves no file behind, and the system lets go of it when a process dies. Raises OSError, also where another one
    does not let go.
    """
    try:
        import fcntl
        import select
    except ImportError:  # Windows: two at once are not told apart
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        for _ in range(0, _OTHER_WRITER_MS, _LOOK_MS):
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                select.poll().poll(_LOOK_MS)
            except OSError:  # a file system without locks
                break
        else:
            raise OSError(EBUSY, "another process is writing it", str(path))
        yield
    finally:
        os.close(folder)


@contextmanager
def named(path: str | Path, beside: Path | None = None) -> Generator[None]:
    """Give an OSError of the block the name of its file where it has none: a write to a full disk tells none.

    So does one that has the name of a file ``beside`` it, of which nobody knows but us.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or error.filename == str(beside):
            error.filename = str(path)
        raise


@cache
def packaged(room: str, name: str, number: Callable[[str], Any] = float) -> dict[str, Any]:
    """The tables of ``data/NAME.toml`` that a room brings; read once, and nobody's to change.

    ``number`` makes what has a point: of money it is ``Decimal``.
    """
    import tomllib  # not for an attached client
    from importlib.resources import files

    text = files(f"rockbottom.{room}").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=number)
