"""Ctrl-C while DuckDB answers."""

import os
import signal
import threading

import duckdb
import pytest

from rockbottom.process import interruptible

_MINUTES = "SELECT count(*) FROM range(3000000) a, range(3000000) b WHERE (a.range * b.range) % 7 = 3"


def test_a_signal_during_a_query_is_an_interrupt_and_no_error_of_ours():
    """DuckDB ends the query by a RuntimeError, with which every command of a ledger ended as an internal error."""
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), interruptible():
        duckdb.connect().execute(_MINUTES).fetchall()
    timer.join()


def test_other_errors_stay_what_they_are():
    """Only DuckDB's words are an interrupt."""
    with pytest.raises(RuntimeError, match="another"), interruptible():
        raise RuntimeError("another")
