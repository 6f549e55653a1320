"""Ctrl-C while DuckDB answers: it ends the query by an error of its own, which is an interrupt again here."""

import contextlib
from collections.abc import Generator

_DUCKDB_SAYS = "Query interrupted"


@contextlib.contextmanager
def interruptible() -> Generator[None]:
    """Raises KeyboardInterrupt where a query ended by a signal, which DuckDB tells as a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != _DUCKDB_SAYS:
            raise
        raise KeyboardInterrupt from error
