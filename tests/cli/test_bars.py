"""Progress while a command works: one line, empty at the end, nothing where nobody looks."""

import io
import sys

import pytest

from rockbottom.cli import bars


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _drawn(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO) -> str:
    """What a wait of several draws leaves on a stream, interrupted by ctrl-C."""
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(bars, "_EVERY_S", 0.0)
    with pytest.raises(KeyboardInterrupt), bars.working("replaying 3 requests"):
        for _ in range(2000):
            if screen.getvalue().count("replaying") > 1 or not screen.isatty():
                break
            bars.time.sleep(0.01)
        raise KeyboardInterrupt
    return screen.getvalue()


def test_a_long_wait_shows_its_seconds_on_one_line_that_is_empty_afterwards(monkeypatch):
    """Also when it is interrupted."""
    monkeypatch.setenv("TERM", "xterm")
    drawn = _drawn(monkeypatch, _Screen())
    assert drawn.startswith("\r\x1b[Kreplaying 3 requests: under 1 s")
    assert drawn.endswith("\r\x1b[K")
    assert "\n" not in drawn


def test_a_pipe_gets_no_progress(monkeypatch):
    """Not one byte."""
    assert _drawn(monkeypatch, io.StringIO()) == ""
