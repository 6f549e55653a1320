"""The gateway on a socket: started, watched, drained; in a thread for tests, in the foreground for the command line."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import uvicorn

from rockbottom.budgets import Budgets
from rockbottom.client import Attachment, Carriage, Report, carrier, equip
from rockbottom.gateway.configuration import Configuration, read_configuration
from rockbottom.gateway.errors import GatewayError
from rockbottom.gateway.identities import Identities
from rockbottom.gateway.keys import GatewayKey, KeyTable, key_secret
from rockbottom.gateway.metering import Metering
from rockbottom.gateway.owners import Owners
from rockbottom.gateway.relaying import Relay
from rockbottom.gateway.shipping import Shipping
from rockbottom.gateway.upstream import UpstreamClient
from rockbottom.ledger import is_s3, ledger_key
from rockbottom.process import give_back, most_files
from rockbottom.quantities import RockbottomError
from rockbottom.serving import Connection, Server, bound, configured, in_foreground, in_thread
from rockbottom.sharing import SqliteStore, Store, address_of

_log = logging.getLogger("rockbottom.gateway")
Kind = tuple[str, bool, bool]
"""What makes callers share a planner: marks of their own, moving of volatile text, only observing."""
Message = MutableMapping[str, Any]


_RESERVE = 4 << 20  # bytes of the ledger's disk: some 8,000 calls
_TRIM_TICKS = 100  # of a tenth of a second
_FIXED = ("listen", "tls", "admin", "metrics", "otel", "metric_tags")  # fields that take a restart


class _Connection(Connection):
    """A gateway keeps many idle callers, and takes large bodies over slow lines."""

    max_connections = 16_000
    read_seconds = 300.0

    def connection_made(self, transport: Any) -> None:
        self.write_seconds = cast("Gateway", cast(Any, self).app).configuration.limits.write_s
        super().connection_made(transport)


class Gateway:
    """One gateway: its configuration, its keys, its planners, its way to the service. An ASGI application."""

    def __init__(self, configuration: Configuration, env: Mapping[str, str]) -> None:
        self.configuration = configuration
        self._env = env
        self.draining = False
        self._budgets = _budgets_of(configuration)
        self._ways = [UpstreamClient(configuration.upstream, configuration.limits)]
        self._attachments: dict[Kind, Attachment] = {}
        self._shipping = _shipping_of(configuration)
        self.metering = Metering(configuration)
        self._name_prefixes_alike()
        self._owners = Owners(_owners_store(configuration))
        self._relay = Relay(
            configuration, self._identities(configuration), self._ways[0], self.attachment_for, self._owners
        )
        self.attachment_for(GatewayKey("", ""))  # the planner is loaded before the first caller waits for it

    @property
    def under_way(self) -> int:
        """Requests that are not answered yet."""
        return self._relay.under_way

    @property
    def answered(self) -> int:
        """Requests that were answered so far."""
        return self._relay.answered

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """What plans and books, of each kind of caller so far."""
        return tuple(self._attachments.values())

    def attachment_for(self, key: GatewayKey) -> Attachment:
        """What plans and books the calls of a key; keys that want the same share one."""
        configuration = self.configuration
        kind = key.marks, key.move_volatile, key.dry_run or configuration.dry_run
        if kind not in self._attachments:
            self._attachments[kind] = carrier(self._carriage(kind))
        return self._attachments[kind]

    def _carriage(self, kind: Kind) -> Carriage:
        configuration = self.configuration
        marks, move_volatile, dry_run = kind
        return Carriage(
            configuration.upstream.region,
            configuration.upstream.url,
            self._ways[-1].credentials.own,
            own_points=marks,
            move_volatile=move_volatile,
            dry_run=dry_run,
            state=configuration.path(configuration.state),
            share=configuration.share,
            ledger=configuration.path(configuration.ledger),
            reserve_bytes=_RESERVE,
            sinks=self.metering.sinks,
            tags=configuration.tags,
            budget=self._budgets,
        )

    def reload(self, configuration: Configuration) -> tuple[str, ...]:
        """Take over a configuration; what is under way ends as it began, what was learned stays.

        The fields that changed and take a restart. Raises GatewayError, OSError, and stays as it was then.
        """
        before, identities = self.configuration, self._relay.identities.renewed(self._table(configuration))
        ledgers = [(version.ledger, version.keys, version.ship) for version in (before, configuration)]
        budgets, rows = self._budgets, configuration.budget_rows()
        if configuration.ledger != before.ledger or not rows or budgets is None:
            budgets = _budgets_of(configuration)
        fixed = {
            **{name: getattr(configuration, name) != getattr(before, name) for name in _FIXED},
            "ship": ledgers[0] != ledgers[1] and (before.ship or configuration.ship) is not None,
        }
        self.configuration, self._budgets = configuration, budgets
        if budgets is not None:
            budgets.renew(*rows)
        if (configuration.upstream, configuration.limits) != (before.upstream, before.limits):
            self._ways.append(UpstreamClient(configuration.upstream, configuration.limits))
        self._relay.take_over(configuration, identities, self._ways[-1])
        learning = [(version.upstream, version.state, version.share) for version in (before, configuration)]
        if learning[0] != learning[1]:
            for attachment in self._attachments.values():
                attachment.detached()  # what it learned is where the next one reads it
            self._attachments = {}
            self.attachment_for(GatewayKey("", ""))
        for kind, attachment in self._attachments.items():
            equip(attachment, self._carriage(kind))
        return tuple(name for name, changed in fixed.items() if changed)

    def reports(self) -> tuple[Report, ...]:
        """What came of the calls so far, of each kind of caller."""
        return tuple(attachment.report() for attachment in self.attachments)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            own = self._own(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
            if own is None:
                await self._relay.carry(scope, receive, send)
            else:
                await _plain(send, *own)

    def _own(self, path: str) -> tuple[int, bytes] | None:
        if path == "/health":
            return 200, b"alive\n"
        if path == "/ready":
            return (503, b"draining\n") if self.draining else (200, self._readiness())
        return None

    def _readiness(self) -> bytes:
        """Ready, and what is wrong with the store that it shares, for calls go on without that."""
        troubles = dict.fromkeys(attachment.trouble for attachment in self.attachments if attachment.trouble)
        return "".join(f"{line}\n" for line in ("ready", *troubles)).encode()

    async def _lifespan(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._warmed()
                self.metering.start()
                if self._shipping is not None:
                    self._shipping.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.metering.stop()
                for way in self._ways:
                    way.close()
                for attachment in self._attachments.values():
                    attachment.detached()
                await asyncio.to_thread(self._owners.close)
                if self._shipping is not None:
                    await asyncio.to_thread(self._shipping.stop)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _warmed(self) -> None:
        """Load what signs before the first caller waits for it, and say where there is nothing to sign with."""
        try:
            credentials = await asyncio.to_thread(self._ways[-1].credentials.own)
        except Exception as error:
            credentials = None
            _log.warning("AWS credentials cannot be used (%s): %s", type(error).__name__, error)
        if credentials is None and not self._ways[-1].credentials.bearer:
            _log.warning("no AWS credentials were found; calls are answered with 503 until there are some")

    def _name_prefixes_alike(self) -> None:
        """Gateways with one master secret name the same prefix alike in their ledgers, so that these read as one."""
        ledger, keys = (self.configuration.path(name) for name in (self.configuration.ledger, self.configuration.keys))
        if ledger is not None and keys is not None:
            with suppress(OSError):  # who records says what is wrong with the folder
                ledger_key(ledger, shared=b"ledger:" + key_secret(keys, self._env))

    def _identities(self, configuration: Configuration) -> Identities:
        return Identities(self._table(configuration))

    def _table(self, configuration: Configuration) -> KeyTable | None:
        path = configuration.path(configuration.keys)
        return None if path is None else KeyTable(path, key_secret(path, self._env))


def _owners_store(configuration: Configuration) -> Store | None:
    """Where it is remembered whose responses are: among gateways that share, else beside the table of keys."""
    if configuration.share is not None:
        return address_of(configuration.share, os.environ).store("owners")
    keys = configuration.path(configuration.keys)
    return None if keys is None else SqliteStore(str(keys.with_name(f"{keys.stem}.owners.db")))


def _budgets_of(configuration: Configuration) -> Budgets | None:
    rows = configuration.budget_rows()
    folder = configuration.path(configuration.ledger) or configuration.folder
    return Budgets(*rows, file=folder / "budgets.db", simulated=True) if rows else None


def _shipping_of(configuration: Configuration) -> Shipping | None:
    ledger = configuration.path(configuration.ledger)
    if ledger is None or configuration.ship is None:
        return None
    to = configuration.ship.to
    at = to if is_s3(to) else str(configuration.path(to))
    return Shipping(ledger, msgspec.structs.replace(configuration.ship, to=at), configuration.upstream)


async def _plain(send: Callable[[Message], Awaitable[None]], status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(Server):
    """A server that is not ready from the signal to stop on, and finishes what is under way first."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, started: Callable[[], None]) -> None:
        super().__init__(config, started)
        self._gateway = gateway
        self._answered = 0

    async def on_tick(self, counter: int) -> bool:
        """As every server, and every ten seconds give back the memory that bodies took, where there were any."""
        if counter % _TRIM_TICKS == 0 and self._gateway.answered != self._answered:
            self._answered = self._gateway.answered
            give_back()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The second signal ends what is still under way."""
        self._gateway.draining = True
        super().handle_exit(sig, frame)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that listens."""

    url: str
    gateway: Gateway = field(repr=False)


def _server(
    configuration: Configuration,
    env: Mapping[str, str],
    listener: socket.socket,
    on_start: Callable[[RunningGateway], None],
) -> _Server:
    gateway = Gateway(configuration, env)
    context = configuration.tls_context()
    host = f"[{configuration.host}]" if ":" in configuration.host else configuration.host
    running = RunningGateway(f"http{'s' if context else ''}://{host}:{listener.getsockname()[1]}", gateway)
    config = configured(
        gateway,
        connection=_Connection,
        grace_s=int(configuration.limits.drain_s),
        context=context,
        date_header=False,
    )
    return _Server(config, gateway, lambda: on_start(running))


def serve_gateway(path: Path, env: Mapping[str, str], on_start: Callable[[RunningGateway], None]) -> None:
    """Serve until SIGINT or SIGTERM, draining then; SIGHUP reads the file again. Raises CannotListen."""
    configuration = read_configuration(path, env)
    most_files()
    listener = bound(configuration.host, configuration.port, fix="another address in listen: (port 0: any free one)")
    started_gateways: list[RunningGateway] = []

    def started(running: RunningGateway) -> None:
        started_gateways.append(running)
        on_start(running)

    def reload(*_: Any) -> None:
        try:
            fixed = started_gateways[0].gateway.reload(read_configuration(path, env))
            _log.warning("read %s again%s", path, f"; {', '.join(fixed)} takes a restart" if fixed else "")
        except (RockbottomError, OSError, IndexError) as error:
            _log.warning("%s stays as it was: %s", path, error)

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, reload)
    try:
        in_foreground(_server(configuration, env, listener, started), listener)
    finally:
        listener.close()


@contextmanager
def running_gateway(configuration: Configuration, env: Mapping[str, str] | None = None) -> Generator[RunningGateway]:
    """A gateway in a thread of this process; stops with the block. Raises CannotListen, GatewayError."""
    listener = bound(configuration.host, configuration.port, fix="another address in listen: (port 0: any free one)")
    started: list[RunningGateway] = []
    with closing(listener):
        server = _server(configuration, os.environ if env is None else env, listener, started.append)
        with in_thread(server, listener, name="rockbottom-gateway", end_s=15) as listens:
            if not listens:
                raise GatewayError("the gateway did not start")
            yield started[0]
