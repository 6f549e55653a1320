"""Memory given back to the system."""

import ctypes
from collections.abc import Callable
from functools import lru_cache


def give_back() -> None:
    """Let the C library give back what is free between what is used; nothing where it cannot (glibc alone does).

    It keeps pages that held the bodies of requests, as it takes them for needed again: a tenth of a gateway's memory.
    It takes about a millisecond.
    """
    _trim()(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda _: 0
