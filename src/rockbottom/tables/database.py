"""DuckDB as it is used here: every statement ends within a moment of ctrl-C.

What DuckDB computes hears no signal while it lies between two looks of its own, so the main thread has each statement
run by another one, waits where it hears, and tells DuckDB to stop. Other threads run theirs themselves.
"""

import contextlib
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol, TypeVar

_LOOK_S = 0.1
_AGAIN_S = 0.02  # until it is told again: what had not begun yet has not heard it

Row = tuple[Any, ...]
Result = TypeVar("Result")
_Task = tuple[Future[Any], Callable[[], Any]]


class Table(NamedTuple):
    """The rows of an answer, and the names of its columns."""

    names: list[str]
    rows: list[Row]


class Stoppable(Protocol):
    def stop(self) -> None: ...


@contextlib.contextmanager
def taken_over(lock: threading.Lock, busy: Callable[[], Stoppable | None]) -> Generator[None]:
    """Hold a lock; what is ``busy`` in another thread, which holds it now, is stopped."""
    while not lock.acquire(timeout=_AGAIN_S):
        if (computing := busy()) is not None:
            computing.stop()
    try:
        yield
    finally:
        lock.release()


class Database:
    """A connection to DuckDB; for one thread at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._busy: list[Any] = [connection]  # what is told to stop
        self._threads: int = connection.execute("SELECT current_setting('threads')").fetchone()[0]
        self._tasks: SimpleQueue[_Task | None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the statement that another thread runs now; those after it are refused. Both raise duckdb's error."""
        self._stopped = True
        self._interrupt()

    def close(self) -> None:
        if self._tasks is not None:
            self._tasks.put(None)
        self._connection.close()

    def run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Run a statement; its rows."""
        return self.table(sql, parameters).rows

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value that a statement answers with."""
        return self.run(sql, parameters)[0][0]

    def table(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Table:
        """Run a statement; its rows with the names of their columns."""

        def answer() -> Table:
            cursor = self._connection.execute(sql, parameters)
            return Table([column[0] for column in cursor.description or ()], cursor.fetchall())

        return self._heard(answer)

    def run_with_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once with each of these parameters."""
        self._heard(lambda: self._connection.executemany(sql, rows))

    def run_at_once(self, statements: Sequence[str]) -> None:
        """Run statements beside one another, as many as DuckDB has threads."""

        def run(sql: str) -> None:
            with self._connection.cursor() as cursor:
                self._busy.append(cursor)
                cursor.execute(sql)

        def run_all() -> None:
            with ThreadPoolExecutor(self._threads) as pool:
                for done in [pool.submit(run, sql) for sql in statements]:
                    done.result()

        try:
            self._heard(run_all)
        finally:
            del self._busy[1:]

    def kinds(self, sql: str) -> list[Any]:
        """The types of the statements in a text."""
        return [statement.type for statement in self._connection.extract_statements(sql)]

    def _interrupt(self) -> None:
        for connection in tuple(self._busy):
            with contextlib.suppress(Exception):  # closed meanwhile
                connection.interrupt()

    def _heard(self, work: Callable[[], Result]) -> Result:
        if self._stopped:
            import duckdb

            raise duckdb.InterruptException("it was stopped")
        if threading.current_thread() is not threading.main_thread():
            return work()
        if self._tasks is None:  # one thread that stays: DuckDB sets memory up for each that it meets
            self._tasks = SimpleQueue()
            threading.Thread(target=_work_off, args=(self._tasks,), daemon=True).start()
        future = Future[Result]()
        try:
            self._tasks.put((future, work))
            while not future.done():  # again and again: a signal just before a wait begins does not end it
                wait([future], _LOOK_S)
            return future.result()
        except KeyboardInterrupt:
            while not (future.cancel() or future.done()):
                self._interrupt()
                wait([future], _AGAIN_S)
            raise


def _work_off(tasks: "SimpleQueue[_Task | None]") -> None:
    while (task := tasks.get()) is not None:
        future, work = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # raised where it is waited for
                future.set_exception(error)
