"""What every server of the house does with its socket and with the signals that end it."""

import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not listening yet; port 0: any free one. Raises OSError, OverflowError."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


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
