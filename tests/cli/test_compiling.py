"""The engine is compiled once for a machine; whoever waits for it at a terminal is told why."""

import pytest

pytest.importorskip("numba", reason="needs the replay engine: make setup")

from numba.core import event

from rockbottom.cli.compiling import tell_of_compiling


def _compile() -> None:
    event.start_event("numba:compile")
    event.end_event("numba:compile")


def test_a_person_is_told_once_that_something_is_compiled(monkeypatch, capsys):
    """However many functions it is."""
    monkeypatch.setattr("rockbottom.cli.compiling.redraws", lambda: True)
    tell_of_compiling()
    assert capsys.readouterr().err == ""
    _compile()
    _compile()
    assert capsys.readouterr().err == "compiling the engine for this machine, once; this takes up to a minute\n"


def test_nobody_is_told_where_nobody_waits(capsys):
    """Not when it is piped."""
    tell_of_compiling()
    _compile()
    assert capsys.readouterr().err == ""
