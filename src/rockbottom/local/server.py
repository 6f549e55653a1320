"""The application on a socket: in the foreground for the command line, in a thread for tests and the bench."""

import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import uvicorn

from rockbottom.local.application import Application
from rockbottom.local.certificates import Certificate, certified
from rockbottom.local.connections import Connection
from rockbottom.local.failures import CannotListen, LocalError
from rockbottom.local.jobs_s3 import s3_served
from rockbottom.local.settings import Settings
from rockbottom.local.state import State, state_of
from rockbottom.process import bound, ended_by_signals

_STARTUP_SECONDS = 30.0
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    """A server that lets go what waits on purpose when it is told to stop, and says when it listens."""

    def __init__(self, config: uvicorn.Config, application: Application, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._application = application
        self._started = started

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on SIGINT and SIGTERM, and count that as a good end; uvicorn would raise the signal once more."""
        with ended_by_signals(self.handle_exit):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, then say so."""
        await super().startup(sockets)
        if self.started:
            self._started()

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn does ten times a second, and once a second close what keeps it waiting."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(Any, connection).close_if_slow(now)  # a Connection, or what it has become
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release what waits, then as uvicorn does."""
        self._application.stop_waiting()
        await super().shutdown(sockets)


@dataclass(frozen=True, slots=True)
class Running:
    """An endpoint that listens: its URL, and its state for tests in the same process."""

    url: str
    state: State
    ca_bundle: Path | None = None
    """The file by which clients trust the endpoint where it speaks TLS."""

    @property
    def s3_url(self) -> str | None:
        """Where batch jobs read and write, if anywhere."""
        return self.state.s3_url


def _listening_socket(settings: Settings) -> socket.socket:
    try:
        return bound(settings.host, settings.port)
    except (OSError, OverflowError) as error:
        raise CannotListen(
            f"cannot listen on {settings.host}:{settings.port}: {error}",
            fix="choose another --port (0: any free one) or --host",
        ) from error


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a server stands on: its socket, the S3 of its jobs, its certificate."""

    listener: socket.socket
    s3_url: str | None
    certificate: Certificate | None


@contextmanager
def _beside(settings: Settings) -> Generator[_Beside]:
    """All of it, for the length of the block. Raises CannotListen, LocalError."""
    with ExitStack() as opened:
        listener = opened.enter_context(closing(_listening_socket(settings)))
        s3_url = opened.enter_context(s3_served(settings))
        hosts = (settings.host, *settings.hosts)
        certificate = opened.enter_context(certified(hosts)) if settings.tls else None
        yield _Beside(listener, s3_url, certificate)


def _server(settings: Settings, beside: _Beside, started: Callable[[Running], None]) -> _Server:
    state = state_of(settings)
    state.s3_url = beside.s3_url
    certificate = beside.certificate
    application = Application(state)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme, bundle = ("https", certificate.bundle) if certificate else ("http", None)
    running = Running(f"{scheme}://{host}:{beside.listener.getsockname()[1]}", state, bundle)
    config = uvicorn.Config(
        application,
        http=Connection,
        loop="auto",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        log_config=None,
        backlog=2048,
        proxy_headers=False,
        ws="none",
    )
    config.load()
    config.ssl = certificate.context if certificate else None
    return _Server(config, application, lambda: started(running))


def serve(settings: Settings, started: Callable[[Running], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``started`` is called when it listens. Raises CannotListen."""
    with _beside(settings) as beside:
        server = _server(settings, beside, started)
        # What was loaded stays for good, and bodies are trees without cycles: collect less often.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        server.run(sockets=[beside.listener])


@contextmanager
def running(settings: Settings | None = None, **changes: Any) -> Generator[Running]:
    """An endpoint in a thread of this process, on a free port unless told otherwise; stops with the block.

    Raises CannotListen, LocalError when it does not start.
    """
    chosen = replace(settings or Settings(), **changes)
    with _beside(chosen) as beside:
        yield from _in_thread(chosen, beside)


def _in_thread(chosen: Settings, beside: _Beside) -> Iterator[Running]:
    ready = threading.Event()
    found: list[Running] = []

    def started(one: Running) -> None:
        found.append(one)
        ready.set()

    server = _server(chosen, beside, started)

    def run() -> None:
        try:
            server.run(sockets=[beside.listener])
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="rockbottom-local", daemon=True)
    thread.start()
    try:
        if not ready.wait(_STARTUP_SECONDS) or not found:
            raise LocalError("the local endpoint did not start")
        yield found[0]
    finally:
        server.should_exit = True
        thread.join(_GRACE_SECONDS + 10)
