"""Files for their owner alone, as what holds prompts, answers, tags or secrets is; and files replaced in one step."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from stat import S_IMODE

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700
_SHARED = 0o666  # less the umask, as every program makes files


def private(path: str | Path, flags: int) -> int:
    """Open a file; one that is made is its owner's alone (mode 0600), one that is there keeps its mode.

    It is an opener: ``open(path, "wb", opener=private)``. Raises OSError.
    """
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), _PRIVATE)


def make_private(path: str | Path) -> None:
    """Make an empty file where there is none, for SQLite, which opens files itself and gives their mode to its own.

    One that is there is not opened: closing it would let go of the locks that this process holds on it through SQLite
    (https://sqlite.org/howtocorrupt.html, 2.2). Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))


def make_folder(path: Path) -> None:
    """Make a folder, and what is missing above it, for its owner alone (mode 0700). Raises OSError."""
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Generator[Path]:
    """A file beside a file to write to; what is there at the end of the block takes the file's place in one step.

    So a reader sees the old file or the new one, and nothing is left of a block that fails. A new file is its owner's
    alone unless it is ``shared``, one that is replaced keeps its mode. Raises OSError with the name of the file; for
    what is there and is no regular file (a device, a pipe), too: it is never replaced.
    """
    with named(path):
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a regular file", str(path))
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
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
def named(path: str | Path) -> Generator[None]:
    """Give an OSError of the block the name of its file where it has none: a write to a full disk tells none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
