"""Functions compiled to machine code, typed as what they were.

The compiled code is kept beside the source, in the user's cache folder or where ``NUMBA_CACHE_DIR`` says, so only the
first run compiles. Where none of these can be written (AWS Lambda, a read-only container) it goes to the folder for
temporary files, and where that is no safe place, each run compiles anew.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled by numba: no Python objects inside, the interpreter's lock released."""
    return _compiled_and_cached(function, {"nogil": True})


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled by numba, meant to be called from compiled functions."""
    return _compiled_and_cached(function, {"nogil": True, "inline": "never"})


def _compiled_and_cached(function: Callable[P, R], options: dict[str, Any]) -> Callable[P, R]:
    """Compiled when it is first called, and kept for the next process where there is a folder for it."""
    decorate = cast(Callable[..., Callable[[Callable[P, R]], Callable[P, R]]], numba.njit)  # pyright: ignore  # untyped
    try:
        return decorate(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder that it may write to
        folder = _temporary()
    if folder is None:
        return decorate(**options)(function)
    settings = cast(Any, numba).config
    before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder)
    try:
        return decorate(cache=True, **options)(function)
    except RuntimeError:
        return decorate(**options)(function)
    finally:
        settings.CACHE_DIR = before


def _temporary() -> Path | None:
    """A folder of this user alone among the temporary files: what is kept there is loaded as code."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    try:
        folder = Path(tempfile.gettempdir()) / f"rockbottom-numba-{owner}"
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    private = status.st_uid == owner and not status.st_mode & 0o077 and folder.is_dir() and not folder.is_symlink()
    return folder if owner is not None and private else None
