"""An application on a socket: in the foreground for the command line, in a thread for tests and the bench."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn

from rockbottom.process import ended_by_signals
from rockbottom.serving.connections import Connection

_STARTUP_SECONDS = 30.0


class Server(uvicorn.Server):
    """A server that ends well on signals, closes what keeps it waiting, and says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started
        self.settled = threading.Event()
        """Set once the server listens, or has ended without."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on SIGINT and SIGTERM, and count that as a good end; uvicorn would raise the signal once more."""
        with ended_by_signals(self.handle_exit):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then call ``started``."""
        await super().startup(sockets)
        if self.started:
            self._started()
            self.settled.set()

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn does ten times a second, and once a second close what keeps it waiting."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(Any, connection).close_if_slow(now)  # a Connection, or what it has become
        return await super().on_tick(counter)


def configured(
    application: Any,
    *,
    connection: type[Connection] = Connection,
    grace_s: int,
    context: ssl.SSLContext | None = None,
    date_header: bool = True,
) -> uvicorn.Config:
    """How an application is served; ``grace_s`` is how long what is under way may take at the end."""
    config = uvicorn.Config(
        application,
        http=connection,
        loop="auto",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_level="critical",
        log_config=None,
        server_header=False,
        date_header=date_header,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace_s,
        backlog=2048,
        proxy_headers=False,
        ws="none",
    )
    config.load()
    config.ssl = context
    return config


def in_foreground(server: Server, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    # What was loaded stays for good, and bodies are trees without cycles: collect less often, but not too much at once,
    # for every call under way waits meanwhile (50,000 objects took 27 ms of a loaded processor, 10,000 some 5).
    gc.freeze()
    gc.set_threshold(10_000, 20, 250)
    server.run(sockets=[listener])


@contextmanager
def in_thread(server: Server, listener: socket.socket, *, name: str, end_s: float) -> Generator[bool]:
    """Serve in a thread of this process for the length of the block, which is given whether it listens.

    ``end_s`` is how long its end may take.
    """

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            server.settled.set()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield server.settled.wait(_STARTUP_SECONDS) and server.started
    finally:
        server.should_exit = True
        thread.join(end_s)
