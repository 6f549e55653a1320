"""Ctrl-C while DuckDB answers."""

import pytest

from rockbottom.process import interruptible


def test_a_query_that_a_signal_ended_is_an_interrupt_and_no_error_of_ours():
    """DuckDB tells it by a RuntimeError, with which every command of a ledger ended as an internal error."""
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise RuntimeError("Query interrupted")


def test_other_errors_stay_what_they_are():
    """Only DuckDB's words are an interrupt."""
    with pytest.raises(RuntimeError, match="another"), interruptible():
        raise RuntimeError("another")
