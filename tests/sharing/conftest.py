"""A Valkey or Redis server of one's own on a free port of loopback, and one store of each kind."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rockbottom.sharing import SqliteStore, Store, ValkeyStore

_PROGRAMS = [path for name in ("valkey-server", "redis-server") if (path := shutil.which(name)) is not None]


class Server:
    """A server that can be killed, frozen and started again, empty, on the same port."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self.port = 65_535
        while self.port > 55_000:  # in cluster mode it wants the port 10,000 higher as well
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                self.port = one.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._program, self._folder, self._options = program, folder, options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty: it writes nothing to disk."""
        told = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self._program, *told, *self._options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers)

    def stop(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """The beginning of its answer to a command. Raises OSError."""
        with socket.create_connection(("127.0.0.1", self.port), 0.5) as one:
            one.settimeout(30)
            one.sendall(" ".join(words).encode() + b"\r\n")
            return one.recv(64)

    def _answers(self) -> bool:
        try:
            return self.ask("PING").startswith(b"+PONG")
        except OSError:
            return False


def until(true: Callable[[], Any], seconds: float = 15.0) -> None:
    """Wait for something to become true."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.01)


@contextmanager
def serving(folder: Path, *options: str, started: bool = True, program: str = "") -> Iterator[Server]:
    """A server that ends with the block; ``program``: the first that is there, if none is named."""
    if not _PROGRAMS:
        pytest.skip("wants valkey-server or redis-server: apt-get install redis-server")
    server = Server(program or _PROGRAMS[0], folder, *options)
    try:
        if started:
            server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as one:
        yield one


@pytest.fixture(params=["memory", "sqlite", *(_PROGRAMS or ["server"])], ids=lambda kind: Path(kind).name)
def stores(request: Any, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two members' views of one store, of each kind."""
    if request.param == "memory":
        one = SqliteStore(":memory:")
        yield one, one
    elif request.param == "sqlite":
        path = str(tmp_path / "share.db")
        yield SqliteStore(path, wait_s=30), SqliteStore(path, wait_s=30)
    else:
        with serving(tmp_path, program=request.param) as server:
            yield ValkeyStore(server.url, "test"), ValkeyStore(server.url, "test")
