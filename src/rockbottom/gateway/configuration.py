"""The configuration of a gateway: one YAML file, checked whole, each error with its line and field."""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from rockbottom.budgets import BadBudget, Budget, Period
from rockbottom.extras import Field, yaml_field, yaml_struct
from rockbottom.files import content_of
from rockbottom.gateway.errors import BadConfiguration, bad_field
from rockbottom.process import is_loopback
from rockbottom.quantities import RockbottomError, reason_of
from rockbottom.serving import context_of
from rockbottom.sharing import BadAddress, address_of

_BESIDE = ("folder", "written")  # members that no file has
_SMALLEST = "upstream:\\n  region: us-east-1\\nledger: ledger\\n"
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where requests go. ``runtime`` and ``mantle`` are the two hosts of the Region unless they say otherwise.

    ``surfaces`` says which of them is asked on paths that both have: what the caller or the id of his model tells
    (``by-model``: bedrock-mantle takes bare ids), or always the one. ``profile`` is the AWS profile whose credentials
    sign; by default botocore's usual chain finds them.
    """

    region: str
    runtime: str = ""
    mantle: str = ""
    surfaces: Literal["by-model", "runtime", "mantle"] = "by-model"
    profile: str | None = None

    @property
    def url(self) -> str:
        """The address of bedrock-runtime, without a slash at its end."""
        return (self.runtime or f"https://bedrock-runtime.{self.region}.amazonaws.com").rstrip("/")

    @property
    def mantle_url(self) -> str:
        """The address of bedrock-mantle, without a slash at its end."""
        return (self.mantle or f"https://bedrock-mantle.{self.region}.api.aws").rstrip("/")


class GatewayLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest body (MB of a million bytes), and the most seconds of what is waited for.

    ``connect_s``: for a connection to the service; ``read_s``: until something comes of its reply; ``write_s``: until
    the caller takes something of what waits for him; ``call_s``: for a call as a whole, from its leaving to the last
    byte; ``drain_s``: for what is under way at the end.
    """

    body_mb: Positive = 32.0
    connect_s: Positive = 10.0
    read_s: Positive = 900.0
    write_s: Positive = 300.0
    call_s: Positive = 7200.0
    drain_s: Positive = 600.0


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The files of the gateway's own certificate, in PEM."""

    certificate: str
    key: str


class Ship(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the ledger's files are shipped ``to`` (a folder, or ``s3://bucket/prefix``): each as soon as it is closed,
    the one that is written every ``every_s`` seconds. ``delete`` removes closed files here once they are there."""

    to: str
    every_s: Positive = 60.0
    delete: bool = False


class BudgetRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One budget, as ``rockbottom.Budget`` takes it; it stops calls unless it says otherwise."""

    limit_usd: str | int
    period: Period
    tags: dict[str, str] = {}
    per: list[str] = []
    action: Literal["warn", "stop"] = "stop"
    reserve_usd: str | int = 0
    unpriced: Literal["allow", "stop"] = "allow"

    def budget(self) -> Budget:
        """The budget. Raises BadBudget."""
        return Budget(**msgspec.to_builtins(self))


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gateway is told. ``keys`` is its table of virtual keys; without one it is open, on loopback only.

    ``state`` keeps what the planner learns, or ``share`` is the address of a store through which gateways learn as
    one, ``ledger`` is a folder for records, ``ship`` says where copies of these go, ``tags`` are put on every call.
    ``folder`` is where its file is and ``written`` what stands in it, which knows its lines.
    ``admin`` is a loopback address and port for the page of the ledger (``rockbottom dash``), ``metrics`` an address
    and port for Prometheus, ``otel`` sends spans and metrics to the OpenTelemetry of the process, ``metric_tags`` are
    tags that become labels of both.
    """

    upstream: Upstream
    listen: str = "127.0.0.1:8787"
    keys: str | None = None
    state: str | None = None
    share: str | None = None
    ledger: str | None = None
    ship: Ship | None = None
    budgets: list[BudgetRow] = []
    limits: GatewayLimits = GatewayLimits()
    tls: Tls | None = None
    admin: str | None = None
    metrics: str | None = None
    otel: bool = False
    metric_tags: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    dry_run: bool = False
    folder: Path = Path()
    written: Field | None = None

    @property
    def host(self) -> str:
        """The address that it binds."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Its port; 0: any free one."""
        return int(self.listen.rpartition(":")[2])

    def path(self, name: str | None) -> Path | None:
        """A path of the configuration, from the folder of its file."""
        return None if name is None else self.folder / Path(name).expanduser()

    def budget_rows(self) -> tuple[Budget, ...]:
        """Its budgets. Raises BadConfiguration."""
        rows: list[Budget] = []
        for number, row in enumerate(self.budgets):
            try:
                rows.append(row.budget())
            except BadBudget as error:
                raise self.fault(
                    f"budgets[{number}].{error.field}", str(error).rstrip("."), fix=f'{error.field}: "12.50"'
                ) from error
        return tuple(rows)

    def tls_context(self) -> ssl.SSLContext | None:
        """Its certificate, read; None where it has none. Raises BadConfiguration."""
        if self.tls is None:
            return None
        for name, file in (("certificate", self.tls.certificate), ("key", self.tls.key)):
            try:
                content_of(self.folder / Path(file).expanduser())
            except OSError as error:
                raise self.fault(f"tls.{name}", f"{file} cannot be read: {error.strerror}") from error
        chain, key = (self.folder / Path(file).expanduser() for file in (self.tls.certificate, self.tls.key))
        try:
            return context_of(chain, key)
        except (OSError, ssl.SSLError) as error:
            problem = f"{chain} and {key} are not a certificate and its key in PEM: {reason_of(error)}"
            raise self.fault("tls", problem) from error

    def fault(self, field: str, problem: str, *, fix: str | None = None) -> RockbottomError:
        """The error that a field is wrong, with its line where it was written."""
        if self.written is None:
            return BadConfiguration(f"{field}: {problem}.", fix=fix)
        return self.written.at(field).fault(problem, fix=fix)


def read_configuration(path: Path, env: Mapping[str, str]) -> Configuration:
    """The configuration in a file; ``${NAME}`` in a value is the environment's. Raises BadConfiguration, OSError."""
    try:
        content = content_of(path)
    except FileNotFoundError as error:
        least = f"printf '{_SMALLEST}' > {path}"
        raise BadConfiguration(f"{path}: no such file; this writes the smallest one:", fix=least) from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{path} is not YAML: {reason_of(error)}.") from error
    top = yaml_field(text, str(path), bad_field, fix=f"printf '{_SMALLEST}' > {path}")
    top.fill(env)
    read = yaml_struct(top, Configuration, without=_BESIDE)
    configuration = msgspec.structs.replace(read, folder=path.parent, written=top)
    _check(configuration)
    configuration.budget_rows()
    return configuration


def _check(configuration: Configuration) -> None:
    if configuration.share is not None:
        if configuration.state is not None:
            raise configuration.fault(
                "state", "gateways that share keep what they learn in the store", fix="leave it out"
            )
        try:
            address_of(configuration.share, {})
        except BadAddress as error:
            raise configuration.fault("share", str(error).rstrip("."), fix=error.fix) from error
    _check_addresses(configuration)
    if configuration.ledger is None:
        for field, use in (("admin", "show"), ("ship", "ship")):
            if getattr(configuration, field) is not None:
                raise configuration.fault(field, f"there is no ledger to {use}", fix="ledger: ledger")
    for field, url in (("runtime", configuration.upstream.url), ("mantle", configuration.upstream.mantle_url)):
        if not re.match(r"https?://[^/]+$", url):
            raise configuration.fault(f"upstream.{field}", f"{url!r} is not an address like https://host")


def _check_addresses(configuration: Configuration) -> None:
    for field, example in (("listen", 8787), ("admin", 4748), ("metrics", 9477)):
        address: str | None = getattr(configuration, field)
        host, _, port = (address or "").rpartition(":")
        if address is not None and (not host or not port.isdigit() or int(port) > 65535):
            fix = f"{field}: 127.0.0.1:{example}"
            raise configuration.fault(field, f"{address!r} is not an address and a port", fix=fix)
    if configuration.keys is None and not is_loopback(configuration.host):
        problem = f"other machines can reach {configuration.host}, and there are no keys"
        fix = "keys: keys.json, and rockbottom gateway key add NAME; or listen on 127.0.0.1"
        raise configuration.fault("listen", problem, fix=fix)
    if configuration.admin is not None and not is_loopback(configuration.admin.rpartition(":")[0].strip("[]")):
        problem = f"other machines can reach {configuration.admin}, and the page has no password"
        fix = "admin: 127.0.0.1:4748, and reach it through ssh or kubectl port-forward"
        raise configuration.fault("admin", problem, fix=fix)
