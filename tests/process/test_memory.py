"""Memory given back to the system, where the C library can."""

import ctypes

from rockbottom.process import give_back
from rockbottom.process import memory as memory_module


def test_it_takes_no_argument_and_raises_nothing_on_any_system(monkeypatch):
    """Also where there is no such function: another C library, another system."""
    give_back()

    def missing(*_: object) -> object:
        raise OSError("no such library")

    memory_module._trim.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    give_back()
    memory_module._trim.cache_clear()
