"""Virtual keys: who may call, for whom, what for. Secrets are derived, so the table holds none.

A key is an id and a version; its secret is an HMAC of both under the gateway's master secret. The same key signs as an
AWS access key (id and secret), and goes as a bearer token or ``x-api-key`` (``id.secret``).
"""

import hmac
import os
import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from rockbottom.extras import json_field, yaml_struct
from rockbottom.files import alone, content_of, make_folder, replacing
from rockbottom.gateway.errors import BadConfiguration, bad_field
from rockbottom.quantities import Undecodable, decoded

Marks = Literal["keep", "complete", "replace"]
_PREFIX = "RBK"
_SECRET_BYTES = 30


class GatewayKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One caller. ``versions`` are those whose secrets are taken, the last is the current one; none: revoked.

    ``models`` are ids or beginnings of ids that it may call (none: all), ``per_minute`` the most requests in a minute,
    ``marks`` what happens to cachePoints of the caller's own, ``role`` the ARN of a role that its calls are made with,
    ``strip`` beginnings of texts of the system that go no further, since they change with every call, ``batches``
    whether it may make batches and files, of whose requests the gateway sees nothing.
    """

    id: str
    name: str
    versions: tuple[int, ...] = (1,)
    tags: dict[str, str] = {}
    models: tuple[str, ...] = ()
    per_minute: int | None = None
    marks: Marks = "keep"
    dry_run: bool = False
    role: str | None = None
    move_volatile: bool = False
    strip: tuple[str, ...] = ()
    batches: bool = False
    created: str = ""

    @property
    def revoked(self) -> bool:
        """Whether no secret of it is taken any more."""
        return not self.versions

    def may_call(self, model: str) -> bool:
        """Whether a model may be called with it, by its id or ARN."""
        return not self.models or any(model.startswith(allowed) for allowed in self.models)


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[GatewayKey] = []


class KeyTable:
    """The keys in a file, and their secrets by the master secret. Raises BadConfiguration for files that are none."""

    def __init__(self, path: Path, master: bytes) -> None:
        self.path, self._master = path, master
        self._keys = {key.id: key for key in _read(path)}
        self._secrets: dict[tuple[str, int], str] = {}

    @property
    def keys(self) -> Sequence[GatewayKey]:
        """All keys, revoked ones too, in the order in which they were added."""
        return tuple(self._keys.values())

    def named(self, name: str) -> GatewayKey:
        """The key with this id or name. Raises BadConfiguration."""
        keys = [key for key in self._keys.values() if name in (key.id, key.name)]
        if len(keys) != 1:
            known = ", ".join(key.name for key in self._keys.values()) or "none"
            raise BadConfiguration(f"{len(keys)} keys are called {name!r}; there are: {known}.")
        return keys[0]

    def secrets_of(self, identity: str) -> tuple[GatewayKey, tuple[str, ...]] | None:
        """A key by its id with the secrets that are taken; None where there is none, or it is revoked."""
        key = self._keys.get(identity)
        return None if key is None or key.revoked else (key, tuple(self._secret(key.id, v) for v in key.versions))

    def of_token(self, token: str) -> GatewayKey | None:
        """The key of a bearer token; None where it is none."""
        identity, _, secret = token.partition(".")
        key_and_secrets = self.secrets_of(identity)
        if key_and_secrets is None or not secret:
            return None
        key, taken = key_and_secrets
        return key if any(hmac.compare_digest(secret.encode(), known.encode()) for known in taken) else None

    def secret(self, key: GatewayKey) -> str:
        """The current secret of a key."""
        return self._secret(key.id, key.versions[-1])

    def put(self, key: GatewayKey) -> None:
        """Add a key, or replace the one with its id, in the file too. Raises OSError."""
        self._keys[key.id] = key
        make_folder(self.path.parent)
        table = msgspec.json.encode(_Table(list(self._keys.values())))
        _replace(self.path, msgspec.json.format(table, indent=1) + b"\n")

    def _secret(self, identity: str, version: int) -> str:
        secret = self._secrets.get((identity, version))
        if secret is None:
            derived = hmac.digest(self._master, f"{identity}:{version}".encode(), "sha256")
            secret = self._secrets[identity, version] = urlsafe_b64encode(derived[:_SECRET_BYTES]).decode()
        return secret


def new_key(name: str, now: float, **settings: object) -> GatewayKey:
    """A key with an id of its own; ``now`` in seconds since the epoch."""
    identity = _PREFIX + b32encode(secrets.token_bytes(10)).decode()
    created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.convert({"id": identity, "name": name, "created": created, **settings}, GatewayKey)


def rotated(key: GatewayKey, *, keep: int = 1) -> GatewayKey:
    """The key with a new secret; its last ``keep`` secrets are taken too."""
    following = max(key.versions, default=0) + 1
    return msgspec.structs.replace(key, versions=(*key.versions[len(key.versions) - keep :], following))


def revoked(key: GatewayKey) -> GatewayKey:
    """The key of which no secret is taken any more."""
    return msgspec.structs.replace(key, versions=())


def key_secret(table: Path, env: Mapping[str, str]) -> bytes:
    """The master secret of a key table: from ``ROCKBOTTOM_GATEWAY_SECRET``, else from a file beside the table.

    The file is made where there is none.

    Raises BadConfiguration for one shorter than 32 characters, OSError.
    """
    master = env.get("ROCKBOTTOM_GATEWAY_SECRET", "").strip().encode()
    if not master:
        master = _secret_in(table.with_name(f"{table.stem}.secret"))
    if len(master) < 32:
        raise BadConfiguration(f"the master secret of the gateway has {len(master)} characters; it takes 32 or more.")
    return master


def _secret_in(path: Path) -> bytes:
    make_folder(path.parent)
    if not path.exists():
        with alone(path):
            if not path.exists():
                _replace(path, secrets.token_urlsafe(48).encode() + b"\n")
    return content_of(path).strip()


def _replace(path: Path, content: bytes) -> None:
    with replacing(path) as beside, open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> list[GatewayKey]:
    try:
        text = content_of(path)
    except FileNotFoundError:
        return []
    try:
        keys = decoded(text, _Table).keys
    except Undecodable as error:
        yaml_struct(json_field(text.decode(errors="replace"), str(path), bad_field), _Table)
        raise BadConfiguration(f"{path} is not a table of keys: {error}.") from error
    ids = [key.id for key in keys]
    if len(set(ids)) < len(ids):
        twice = next(identity for identity in ids if ids.count(identity) > 1)
        raise BadConfiguration(f"{path}: two keys have the id {twice}.", fix="take one of them out")
    return keys
