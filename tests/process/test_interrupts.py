"""Ctrl-C while DuckDB answers."""

import signal
import subprocess
import sys
import time

import pytest

from rockbottom.process import interruptible

_ASKING = """
import signal
import duckdb
from rockbottom.process import interruptible

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
connection = duckdb.connect()
print("asking", flush=True)
try:
    with interruptible():
        connection.execute("SELECT count(*) FROM range(3000000) a, range(3000000) b WHERE (a.range * b.range) % 7 = 3")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_signal_during_a_query_is_an_interrupt_and_no_error_of_ours():
    """DuckDB ends the query by a RuntimeError, with which every command of a ledger ended as an internal error."""
    with subprocess.Popen([sys.executable, "-c", _ASKING], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "asking\n"
            time.sleep(0.3)  # the query begins; a signal before it is an interrupt as well
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            process.kill()


def test_other_errors_stay_what_they_are():
    """Only DuckDB's words are an interrupt."""
    with pytest.raises(RuntimeError, match="another"), interruptible():
        raise RuntimeError("another")
