"""The way to the two hosts of Amazon Bedrock: one pool of connections, requests signed with the gateway's credentials.

Nothing here sends a request twice. The address comes from the configuration alone; of what a caller sends, his
signature, keys and connection headers stay behind.
"""

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from rockbottom.catalog import MANTLE, RUNTIME
from rockbottom.gateway.configuration import GatewayLimits, Upstream
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.http1 import HostAddress, Pool
from rockbottom.gateway.replies import PipedReply
from rockbottom.gateway.sigv4 import Signed, signing

_STAYS_BEHIND = frozenset(
    {
        "authorization", "connection", "content-length", "host", "keep-alive", "proxy-authenticate", "expect",
        "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "x-amz-content-sha256", "x-amz-date",
        "x-amz-security-token", "x-api-key", "cookie", "forwarded", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-proto",
    }
)  # fmt: skip
_SIGNED = ("content-type", "accept")
_SERVICES = {RUNTIME: "bedrock", MANTLE: "bedrock-mantle"}
"""The names by which signatures know the hosts (botocore; SDKs of Anthropic and OpenAI for bedrock-mantle)."""
_SESSION = "rockbottom-gateway"
_TARGET = re.compile(r"[!-~]+")  # what can stand in a request line
_CUTS = re.compile("[\r\n\0]")  # what ends a header field
_PORTS = {"http": 80, "https": 443}


_Session = tuple[str, tuple[tuple[str, str], ...]]  # the ARN of a role, and the tags of its session


def _session_of(role: str, tags: Mapping[str, str]) -> _Session:
    return role, tuple(sorted(tags.items()))


class FixedKeys(Struct, frozen=True):
    """Keys that never change; botocore's frozen credentials have these members."""

    access_key: str
    secret_key: str
    token: str | None

    def get_frozen_credentials(self) -> "FixedKeys":
        """Itself, as credentials that are refreshed give what they are now."""
        return self


def keys_of_environment(env: Mapping[str, str]) -> FixedKeys | None:
    """The keys that botocore would take from there first; None where there are none, or they end and are read again."""
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key or env.get("AWS_CREDENTIAL_EXPIRATION"):
        return None
    return FixedKeys(access_key, secret_key, env.get("AWS_SECURITY_TOKEN") or env.get("AWS_SESSION_TOKEN") or None)


class Credentials:
    """Botocore's credentials, refreshed as it refreshes them, and those of roles that are assumed for some callers.

    Botocore is loaded where credentials have to be looked for: it takes 10 MB of memory.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._fixed = keys_of_environment(os.environ) if upstream.profile is None else None
        self._session: Any = None
        self._assuming = threading.Lock()
        self._roles: dict[_Session, Any] = {}
        self.bearer = os.environ.get("AWS_BEARER_TOKEN_BEDROCK", "")

    def own(self) -> Any:
        """The gateway's own; None where the chain finds none."""
        return self._fixed or self._botocore().get_credentials()

    def held(self, role: str | None, tags: Mapping[str, str]) -> Any:
        """Those of a role that was assumed already (None: not yet), its session tagged; without a role its own."""
        return self.own() if role is None else self._roles.get(_session_of(role, tags))

    def of(self, role: str | None, tags: Mapping[str, str]) -> Any:
        """The credentials of a role, which is assumed where it was not yet. May call AWS: not for the event loop."""
        if role is None:
            return self.own()
        key = _session_of(role, tags)
        with self._assuming:  # once, however many calls wait for it
            if key not in self._roles:
                self._roles[key] = self._assumed(role, tags)
            return self._roles[key]

    def _botocore(self) -> Any:
        if self._session is None:
            import botocore.session

            self._session = botocore.session.Session(profile=self._upstream.profile)
        return self._session

    def _assumed(self, role: str, tags: Mapping[str, str]) -> Any:
        from botocore.credentials import RefreshableCredentials

        refreshable: Any = RefreshableCredentials
        sts = self._botocore().create_client("sts", region_name=self._upstream.region)

        def refresh() -> dict[str, str]:
            pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
            keys = sts.assume_role(RoleArn=role, RoleSessionName=_SESSION, Tags=pairs)["Credentials"]
            return {
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "token": keys["SessionToken"],
                "expiry_time": keys["Expiration"].isoformat(),
            }

        return refreshable.create_from_metadata(refresh(), refresh, "assume-role")


class UpstreamClient:
    """Sends requests to one address and gives back the reply before its body is read."""

    def __init__(self, upstream: Upstream, limits: GatewayLimits, clock: Callable[[], float] = time.time) -> None:
        self.upstream, self._limits, self._clock = upstream, limits, clock
        self.credentials = Credentials(upstream)
        self._urls = {RUNTIME: upstream.url, MANTLE: upstream.mantle_url}
        self._hosts = {host: _host_header(url) for host, url in self._urls.items()}
        self._addresses = {host: _address(url) for host, url in self._urls.items()}
        self._pool: Pool | None = None  # made in the event loop that uses it

    def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            self._pool.close()

    def url(self, host: str) -> str:
        """The address of a host."""
        return self._urls[host]

    async def send(self, host: str, request: Signed, credentials: Any) -> PipedReply:
        """One attempt at a host. Raises Refused where no reply began."""
        if self._pool is None:
            self._pool = Pool(self._limits.connect_s, self._limits.read_s)
        head = self._head(host, request, self._authority(host, request, credentials))
        try:
            return await self._pool.ask(self._addresses[host], head, request.body)
        except OSError as error:
            late = isinstance(error, TimeoutError)
            detail = "in time" if late else f"({type(error).__name__})"
            message = f"{self._hosts[host]} gave no reply {detail}."
            raise Refused(504 if late else 502, "ServiceUnavailableException", message) from error

    def _head(self, host: str, request: Signed, authority: Mapping[str, str]) -> bytes:
        """Request line and header fields. Raises Refused for what would be another request than it was here."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        fields = {"host": self._hosts[host], **self._headers(request.headers), **authority}
        if request.body or request.method not in ("GET", "DELETE"):
            fields["content-length"] = str(len(request.body))
        if not _TARGET.fullmatch(target) or _CUTS.search("".join([*fields, *fields.values()])):
            message = "The path or a header field has characters that HTTP/1.1 does not allow."
            raise Refused(400, "ValidationException", message)
        lines = [f"{name}: {value}\r\n" for name, value in fields.items()]
        return f"{request.method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Those that travel on: end-to-end ones, without what speaks of the caller."""
        named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
        return {name: value for name, value in headers.items() if name not in _STAYS_BEHIND and name not in named}

    def _authority(self, host: str, request: Signed, credentials: Any) -> Mapping[str, str]:
        if credentials is None and self.credentials.bearer:
            return {"Authorization": f"Bearer {self.credentials.bearer}"}
        if credentials is None:
            raise Refused(503, "ServiceUnavailableException", "The gateway has no AWS credentials (its log says more).")
        headers = {name: request.headers[name] for name in _SIGNED if name in request.headers}
        headers["host"] = self._hosts[host]
        return signing(request.with_headers(headers), credentials, self.upstream.region, _SERVICES[host], self._clock())


def _host_header(url: str) -> str:
    """The Host of requests to an address: without its scheme's own port."""
    place = urlsplit(url)
    own = place.port in (None, _PORTS[place.scheme])
    return place.netloc.rpartition(":")[0].lower() if own and place.port is not None else place.netloc.lower()


def _address(url: str) -> HostAddress:
    place = urlsplit(url)
    return HostAddress(place.hostname or "", place.port or _PORTS[place.scheme], place.scheme == "https")


async def frozen(credentials: Credentials, role: str | None, tags: Mapping[str, str]) -> Any:
    """Credentials as they are now, fetched or refreshed beside the event loop where that takes a call.

    None where a bearer key of the gateway's own stands for them, which none does for a role.
    """
    if role is None and credentials.bearer:
        return None
    source = credentials.held(role, tags)
    if source is not None and not _must_refresh(source):
        return source.get_frozen_credentials()
    source = await asyncio.to_thread(credentials.of, role, tags)
    return None if source is None else await asyncio.to_thread(source.get_frozen_credentials)


def _must_refresh(source: Any) -> bool:
    needed = getattr(source, "refresh_needed", None)
    return bool(needed and needed())
