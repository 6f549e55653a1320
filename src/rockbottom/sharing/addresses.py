"""The address of a store, as one line of text: where it is, whose group this is, and the key of its hashes."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from rockbottom.sharing.errors import BadAddress
from rockbottom.sharing.sqlite import SqliteStore
from rockbottom.sharing.store import Store
from rockbottom.sharing.valkey import ValkeyStore, load_client

KEY_VARIABLE = "ROCKBOTTOM_SHARE_KEY"
_NETWORKED = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIX = "redis://HOST:6379/0?name=GROUP, rediss:// with TLS, or sqlite:///FILE for processes of one machine"


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where those who share meet. ``secret`` keys the hashes of prefixes: all members must have the same.

    ``keyed``: it was made of a key or a password, so nobody else can make it.
    """

    url: str = field(repr=False)  # may hold a password
    name: str
    secret: bytes = field(repr=False)
    keyed: bool = False

    @property
    def ledger_secret(self) -> bytes:
        """What the keys of the members' ledgers are made of; empty where it would be no secret."""
        return b"ledger:" + self.secret if self.keyed else b""

    @property
    def place(self) -> str:
        """The address without user, password and key, as it may be said."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def load(self) -> None:
        """Load what its stores need, before other threads do that."""
        if not self.url.startswith("sqlite:"):
            load_client()

    def store(self, scope: str) -> Store:
        """A store for members of the group in this scope (an account's Region and kind of planner)."""
        name = f"rockbottom:2:{self.name}:{scope}"
        if self.url.startswith("sqlite:"):
            return SqliteStore(
                f"{urlsplit(self.url).path}.{scope.replace(':', '.')}" if scope else urlsplit(self.url).path
            )
        return ValkeyStore(self.url, name)


def address_of(text: str, env: Mapping[str, str]) -> StoreAddress:
    """``redis://HOST:6379/0?name=GROUP&key=KEY``; without ``key`` that of ``ROCKBOTTOM_SHARE_KEY``. Raises BadAddress.

    Where neither is given the key is made of the password in the address, or is the same for everybody: then whoever
    can read the store can test whether a text that he guesses was sent.
    """
    parts = urlsplit(text)
    own = dict(parse_qsl(parts.query, keep_blank_values=True))
    name, key = own.pop("name", "default"), own.pop("key", "") or env.get(KEY_VARIABLE, "")
    if not _NAME.fullmatch(name):
        raise BadAddress(f"{name!r} cannot name a group: letters, digits, '.', '_' and '-'.", fix=_FIX)
    if parts.scheme == "sqlite":
        if not parts.path.strip("/") or parts.netloc:
            raise BadAddress(f"{text!r} names no file.", fix="sqlite:///var/lib/app/share.db")
        scheme = "sqlite"
    elif parts.scheme in _NETWORKED and parts.hostname:
        scheme = _NETWORKED[parts.scheme]
        _check_place(parts)
    else:
        raise BadAddress("share= is not the address of a store.", fix=_FIX)
    url = urlunsplit((scheme, parts.netloc, parts.path, urlencode(own), ""))
    secret = hashlib.blake2b(
        (key or parts.password or "").encode(), digest_size=16, person=b"rockbottom-share"
    ).digest()
    return StoreAddress(url, name, secret, bool(key or parts.password))


def _check_place(parts: SplitResult) -> None:
    """Raises BadAddress where port or database are no numbers; a client library would take the latter for 0."""
    try:
        _ = parts.port
    except ValueError as error:
        raise BadAddress("share= has an invalid port.", fix=_FIX) from error
    database = parts.path.strip("/")
    if database and not database.isdigit():
        raise BadAddress(f"share= names a database {database!r}; databases have numbers.", fix=_FIX)
