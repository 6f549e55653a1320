"""A daemon thread that is started when there is first something to do, and again where it has gone."""

import threading
from collections.abc import Callable


class Worker:
    """Runs ``run`` in a daemon thread called ``rockbottom-NAME`` from the first ``start`` on."""

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        self.name = f"rockbottom-{name}"
        self._run = run
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None  # None again as soon as it has ended

    @property
    def alive(self) -> bool:
        return self._thread is not None

    def start(self) -> bool:
        """Have it run. False: there are no more threads, or the interpreter is shutting down; ask again later."""
        if self.alive:
            return True
        with self._starting:
            if self.alive:
                return True
            thread = threading.Thread(target=self._until_it_ends, name=self.name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _until_it_ends(self) -> None:
        try:
            self._run()
        finally:  # noted here, because asking a thread costs each caller more than what he is here for
            with self._starting:
                self._thread = None

    def join(self, patience_s: float) -> None:
        """Wait until it has ended, for ``patience_s`` seconds at most; at once where it never began."""
        thread = self._thread
        if thread is not None:
            thread.join(patience_s)

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent: the next ``start`` begins another."""
        self._starting = threading.Lock()
        self._thread = None
