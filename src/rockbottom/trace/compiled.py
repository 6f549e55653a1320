"""Functions compiled to machine code, typed as what they were.

The compiled code is kept beside the source (or in the user's cache folder), so only the first run compiles.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled by numba: no Python objects inside, the interpreter's lock released."""
    return njit(cache=True, nogil=True)(function)  # pyright: ignore[reportUnknownVariableType, reportCallIssue]


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled by numba, meant to be called from compiled functions."""
    return njit(cache=True, nogil=True, inline="never")(function)  # pyright: ignore
