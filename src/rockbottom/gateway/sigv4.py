"""Signatures of callers verified, and requests to the service signed (Signature Version 4, AWS General Reference).

Botocore signs as well, and several times as slowly; the tests hold both to the same bytes.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from rockbottom.catalog import limit
from rockbottom.gateway.errors import Refused

_ALGORITHM = "AWS4-HMAC-SHA256"
_DATE = re.compile(r"\d{8}T\d{6}Z")
SERVICES = frozenset({"bedrock", "bedrock-runtime", "bedrock-mantle"})


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header says. Raises Refused for one that says it badly."""

    key: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    hexdigest: str

    @classmethod
    def of(cls, authorization: str) -> "Signature":
        fields: dict[str, str] = {}
        for part in authorization.removeprefix(_ALGORITHM).split(","):
            name, _, value = part.strip().partition("=")
            fields[name] = value
        scope = fields.get("Credential", "").split("/")
        if (
            authorization.count(_ALGORITHM) != 1
            or len(scope) != 5
            or scope[4] != "aws4_request"
            or not fields.get("Signature")
        ):
            raise Refused(
                403, "IncompleteSignatureException", "The Authorization header is not a Signature Version 4 signature."
            )
        signed = tuple(name for name in fields.get("SignedHeaders", "").split(";") if name)
        return cls(scope[0], scope[1], scope[2], scope[3], signed, fields["Signature"])

    @property
    def scope(self) -> str:
        """Day, Region and service, for which the key that signs is made."""
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


@dataclass(slots=True)
class Signed:
    """A request as it came: its path still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    _payload: str = field(default="", init=False, repr=False, compare=False)

    @property
    def payload(self) -> str:
        """The hash of the body, in hexadecimal digits; worked out once."""
        if not self._payload:
            self._payload = hashlib.sha256(self.body).hexdigest()
        return self._payload

    def with_headers(self, headers: Mapping[str, str]) -> "Signed":
        """The request with other headers; its body is not hashed again."""
        request = Signed(self.method, self.path, self.query, headers, self.body)
        request._payload = self._payload
        return request


def verify(request: Signed, signature: Signature, secrets: Iterable[str], now: float) -> None:
    """Raises Refused where none of the secrets made the signature, or it is too old. ``now``: seconds of the epoch."""
    stamp = request.headers.get("x-amz-date", "")
    if not _DATE.fullmatch(stamp) or not stamp.startswith(signature.day):
        raise Refused(403, "IncompleteSignatureException", "x-amz-date is missing, or is not of the signature's day.")
    if abs(now - _instant(stamp)) > limit("signature_seconds"):
        raise Refused(
            403, "InvalidSignatureException", f"Signature expired: {stamp} is not within five minutes of now."
        )
    if not {"host", ":authority"} & set(signature.signed) or signature.service not in SERVICES:
        raise Refused(403, "InvalidSignatureException", "The signature is not over the host, or not for bedrock.")
    payload = request.payload
    if request.headers.get("x-amz-content-sha256", payload) != payload:
        raise Refused(403, "InvalidSignatureException", "x-amz-content-sha256 is not the hash of the body.")
    text = _to_sign(request, signature, stamp)
    for secret in secrets:
        if hmac.compare_digest(_hexdigest(secret, signature, text), signature.hexdigest):
            return
    raise Refused(
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method.",
    )


def signing(request: Signed, credentials: Any, region: str, service: str, now: float) -> dict[str, str]:
    """The headers that sign a request with botocore's frozen credentials, over every header of it; ``now`` as above."""
    stamp = _stamp(int(now))
    headers = {**request.headers, "x-amz-date": stamp}
    added = {"X-Amz-Date": stamp}
    if credentials.token:
        headers["x-amz-security-token"] = added["X-Amz-Security-Token"] = credentials.token
    signed = tuple(sorted(headers))
    signature = Signature(credentials.access_key, stamp[:8], region, service, signed, "")
    text = _to_sign(request.with_headers(headers), signature, stamp)
    hexdigest = _hexdigest(credentials.secret_key, signature, text)
    scope = f"{signature.key}/{signature.scope}"
    added["Authorization"] = f"{_ALGORITHM} Credential={scope}, SignedHeaders={';'.join(signed)}, Signature={hexdigest}"
    return added


def _to_sign(request: Signed, signature: Signature, stamp: str) -> bytes:
    canonical = _canonical(request, signature.signed).encode("utf-8", "surrogateescape")
    return f"{_ALGORITHM}\n{stamp}\n{signature.scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()


def _hexdigest(secret: str, signature: Signature, text: bytes) -> str:
    key = _signing_key(secret, signature.day, signature.region, signature.service)
    return hmac.digest(key, text, "sha256").hex()


def _canonical(request: Signed, signed: Sequence[str]) -> str:
    # Over HTTP/2 the SDK for JavaScript signs the host under the name that it has there.
    values = ((name, request.headers.get("host" if name == ":authority" else name, "")) for name in signed)
    headers = "".join([f"{name}:{' '.join(value.split())}\n" for name, value in values])
    query = _canonical_query(request.query) if request.query else ""
    path = _canonical_path(request.path)
    return "\n".join((request.method, path, query, headers, ";".join(signed), request.payload))


@lru_cache(maxsize=4096)
def _canonical_path(path: str) -> str:
    return quote(path or "/", safe="/-_.~")  # encoded once more, as for every service but S3


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(sorted(f"{_again(name)}={_again(value)}" for name, _, value in pairs))


def _again(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


@lru_cache(maxsize=4096)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=1024)
def _instant(stamp: str) -> float:
    """Seconds since the epoch of a time stamp."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


@lru_cache(maxsize=16)
def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
