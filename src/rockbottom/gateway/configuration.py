"""The configuration of a gateway: one YAML file, checked whole, each error with its line and field."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from rockbottom.budgets import Budget
from rockbottom.extras import yaml_root, yaml_value
from rockbottom.files import content_of
from rockbottom.gateway.errors import BadConfiguration
from rockbottom.process import is_loopback
from rockbottom.quantities import RockbottomError, Undecodable, is_list, is_object
from rockbottom.sharing import BadAddress, address_of

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHERE = re.compile(r" - at `\$\.?(.*)`$")
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
    """The largest body (MB of a million bytes), and seconds to connect, to wait for bytes of a reply, to drain."""

    body_mb: Positive = 32.0
    connect_s: Positive = 10.0
    read_s: Positive = 900.0
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
    period: str
    tags: dict[str, str] = {}
    per: list[str] = []
    action: str = "stop"
    reserve_usd: str | int = 0
    unpriced: str = "allow"

    def budget(self) -> Budget:
        """The budget. Raises BadBudget."""
        return Budget(**msgspec.to_builtins(self))


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gateway is told. ``keys`` is its table of virtual keys; without one it is open, on loopback only.

    ``state`` keeps what the planner learns, or ``share`` is the address of a store through which gateways learn as
    one, ``ledger`` is a folder for records, ``ship`` says where copies of these go, ``tags`` are put on every call.
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
        """Its budgets. Raises BadBudget."""
        return tuple(row.budget() for row in self.budgets)


def read_configuration(path: Path, env: Mapping[str, str]) -> Configuration:
    """The configuration in a file; ``${NAME}`` in a value is the environment's. Raises BadConfiguration, OSError."""
    root, plain = _composed(path)
    filled = _filled(plain, env, path)
    try:
        configuration = msgspec.convert(
            {**filled, "folder": path.parent} if isinstance(filled, dict) else filled, Configuration
        )
    except (msgspec.ValidationError, TypeError) as error:
        where = _WHERE.search(str(error))
        raise _bad(path, root, where[1] if where else "", _WHERE.sub("", str(error))) from error
    _check(configuration, path, root)
    for number, row in enumerate(configuration.budgets):
        try:
            row.budget()
        except RockbottomError as error:
            raise _bad(path, root, f"budgets[{number}]", str(error).rstrip(".")) from error
    return configuration


def _composed(path: Path) -> tuple[Any, Any]:
    """The nodes of the file, which know their lines, and what they mean."""
    try:
        content = content_of(path)
    except FileNotFoundError as error:
        least = f"printf 'upstream:\\n  region: us-east-1\\nledger: ledger\\n' > {path}"
        raise BadConfiguration(f"{path}: no such file; this writes the smallest one:", fix=least) from error
    try:
        root = yaml_root(content.decode())
        return root, yaml_value(root) if root is not None else {}
    except (Undecodable, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path} is not YAML: {error}") from error


def _check(configuration: Configuration, path: Path, root: Any) -> None:
    if configuration.share is not None:
        if configuration.state is not None:
            raise _bad(path, root, "state", "gateways that share keep what they learn in the store", fix="leave it out")
        try:
            address_of(configuration.share, {})
        except BadAddress as error:
            raise _bad(path, root, "share", str(error).rstrip("."), fix=error.fix) from error
    places = (
        ("listen", configuration.listen, 8787),
        ("admin", configuration.admin, 4748),
        ("metrics", configuration.metrics, 9477),
    )
    for field, address, example in places:
        if address is None:
            continue
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            fix = f"{field}: 127.0.0.1:{example}"
            raise _bad(path, root, field, f"{address!r} is not an address and a port", fix=fix)
    if configuration.keys is None and not is_loopback(configuration.host):
        fix = "keys: keys.json, and rockbottom gateway key add NAME; or listen on 127.0.0.1"
        raise _bad(
            path, root, "listen", f"other machines can reach {configuration.host}, and there are no keys", fix=fix
        )
    if configuration.admin is not None and not is_loopback(configuration.admin.rpartition(":")[0].strip("[]")):
        fix = "admin: 127.0.0.1:4748, and reach it through ssh or kubectl port-forward"
        raise _bad(
            path,
            root,
            "admin",
            f"other machines can reach {configuration.admin}, and the page has no password",
            fix=fix,
        )
    if configuration.admin is not None and configuration.ledger is None:
        raise _bad(path, root, "admin", "there is no ledger to show", fix="ledger: ledger")
    if configuration.ship is not None and configuration.ledger is None:
        raise _bad(path, root, "ship", "there is no ledger to ship", fix="ledger: ledger")
    for field, url in (("runtime", configuration.upstream.url), ("mantle", configuration.upstream.mantle_url)):
        if not re.match(r"https?://[^/]+$", url):
            raise _bad(path, root, f"upstream.{field}", f"{url!r} is not an address like https://host")


def _bad(path: Path, root: Any, field: str, fault: str, *, fix: str | None = None) -> BadConfiguration:
    place = f", line {_line(root, field)}" if field and root is not None else ""
    return BadConfiguration(f"{path}{place}: {field + ': ' if field else ''}{fault}.", fix=fix)


def _line(root: Any, field: str) -> int:
    """The line of a field like ``limits.body_mb`` or ``budgets[1].period``; of what is above it where it is missing."""
    node = root
    for part in re.findall(r"[^.\[\]]+", field):
        below = _below(node.value, part)
        if below is None:
            break
        node = below
    return node.start_mark.line + 1


def _below(inner: Any, part: str) -> Any:
    """The node of a member or an element; None where there is none."""
    if not is_list(inner):
        return None
    if part.isdigit():
        return inner[int(part)] if int(part) < len(inner) else None
    pairs: list[Any] = [pair for pair in inner if isinstance(pair, tuple)]
    return next((value for name, value in pairs if name.value == part), None)


def _filled(value: Any, env: Mapping[str, str], path: Path) -> Any:
    if is_object(value):
        return {name: _filled(inner, env, path) for name, inner in value.items()}
    if is_list(value):
        return [_filled(inner, env, path) for inner in value]
    if not isinstance(value, str):
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in env]
    if missing:
        raise BadConfiguration(f"{path}: ${{{missing[0]}}} is not set in the environment.")
    return _VARIABLE.sub(lambda match: env[match[1]], value)
