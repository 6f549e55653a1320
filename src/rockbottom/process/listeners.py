"""What every server of the house does with the signals that end it and the files that it may open."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def ended_by_signals(handler: Callable[[int, Any], None]) -> Generator[None]:
    """SIGINT and SIGTERM go to the handler for the length of the block; only the main thread can hear them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def most_files() -> None:
    """Let this process open as many files and connections as its system allows; shells often start it with 1,024."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # macOS takes no limit above its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
