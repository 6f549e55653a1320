"""Files for their owner alone, as what holds prompts, answers, tags or secrets is; and files replaced in one step."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file that only its owner reads and writes."""


def private(path: str | Path, flags: int) -> int:
    """Open a file; one that is made is its owner's alone (mode 0600), one that is there keeps its mode.

    It is an opener: ``open(path, "wb", opener=private)``. Raises OSError.
    """
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), PRIVATE)


def make_private(path: str | Path) -> None:
    """Make an empty file where there is none, for SQLite, which opens files itself and gives their mode to its own.

    One that is there is not opened: closing it would let go of the locks that this process holds on it through SQLite
    (https://sqlite.org/howtocorrupt.html, 2.2). Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A path beside a file to write to; what is there at the end of the block takes the file's place in one step.

    So a reader sees the old file or the new one, and nothing is left of a block that fails. Raises OSError with the
    name of the file; for what is there and is no regular file (a device, a pipe), too: it is never replaced.
    """
    with named(path):
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a regular file", str(path))
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
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
