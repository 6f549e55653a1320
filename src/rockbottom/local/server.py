"""The application on a socket: in the foreground for the command line, in a thread for tests and the bench."""

import socket
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn

from rockbottom.local.application import Application
from rockbottom.local.certificates import Certificate, certified
from rockbottom.local.failures import LocalError
from rockbottom.local.jobs_s3 import s3_served
from rockbottom.local.settings import EndpointSettings
from rockbottom.local.state import EndpointState, state_of
from rockbottom.serving import Server, bound, configured, in_foreground, in_thread

_GRACE_SECONDS = 5


class _Server(Server):
    """A server that releases replies held back on purpose when it has to stop."""

    def __init__(self, config: uvicorn.Config, application: Application, started: Callable[[], None]) -> None:
        super().__init__(config, started)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release what waits, then as uvicorn does."""
        self._application.stop_waiting()
        await super().shutdown(sockets)


@dataclass(frozen=True, slots=True)
class Running:
    """An endpoint that listens: its URL, and its state for tests in the same process."""

    url: str
    state: EndpointState
    ca_bundle: Path | None = None
    """The file by which clients trust the endpoint where it speaks TLS."""

    @property
    def s3_url(self) -> str | None:
        """Where batch jobs read and write, if anywhere."""
        return self.state.s3_url


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a server stands on: its socket, the S3 of its jobs, its certificate."""

    listener: socket.socket
    s3_url: str | None
    certificate: Certificate | None


@contextmanager
def _beside(settings: EndpointSettings) -> Generator[_Beside]:
    """All of it, for the length of the block. Raises CannotListen, LocalError."""
    with ExitStack() as opened:
        fix = "choose another --port (0: any free one) or --host"
        listener = opened.enter_context(closing(bound(settings.host, settings.port, fix=fix)))
        s3_url = opened.enter_context(s3_served(settings))
        hosts = (settings.host, *settings.hosts)
        certificate = opened.enter_context(certified(hosts)) if settings.tls else None
        yield _Beside(listener, s3_url, certificate)


def _server(settings: EndpointSettings, beside: _Beside, started: Callable[[Running], None]) -> _Server:
    state = state_of(settings)
    state.s3_url = beside.s3_url
    certificate = beside.certificate
    application = Application(state)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme, bundle = ("https", certificate.bundle) if certificate else ("http", None)
    running = Running(f"{scheme}://{host}:{beside.listener.getsockname()[1]}", state, bundle)
    config = configured(application, grace_s=_GRACE_SECONDS, context=certificate.context if certificate else None)
    return _Server(config, application, lambda: started(running))


def serve(settings: EndpointSettings, started: Callable[[Running], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``started`` is called when it listens. Raises CannotListen."""
    with _beside(settings) as beside:
        server = _server(settings, beside, started)
        in_foreground(server, beside.listener)


@contextmanager
def running(settings: EndpointSettings | None = None, **changes: Any) -> Generator[Running]:
    """An endpoint in a thread of this process, on a free port unless told otherwise; stops with the block.

    Raises CannotListen, LocalError when it does not start.
    """
    chosen = replace(settings or EndpointSettings(), **changes)
    started: list[Running] = []
    with _beside(chosen) as beside:
        server = _server(chosen, beside, started.append)
        with in_thread(server, beside.listener, name="rockbottom-local", end_s=_GRACE_SECONDS + 10) as listens:
            if not listens:
                raise LocalError("the local endpoint did not start")
            yield started[0]
