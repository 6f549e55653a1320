"""Signatures of callers, verified as AWS verifies them (Signature Version 4, AWS General Reference)."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from rockbottom.gateway.errors import Refused

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW_S = 300.0  # "the request must reach AWS within five minutes of the time stamp" (AWS General Reference)
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
            raise Refused(403, "IncompleteSignatureException", "The Authorization header is no signature of version 4.")
        signed = tuple(name for name in fields.get("SignedHeaders", "").split(";") if name)
        return cls(scope[0], scope[1], scope[2], scope[3], signed, fields["Signature"])


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as it came: its path still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def verify(request: Signed, signature: Signature, secrets: Iterable[str], now: float) -> None:
    """Raises Refused where none of the secrets made the signature, or it is too old. ``now``: seconds of the epoch."""
    stamp = request.headers.get("x-amz-date", "")
    if not _DATE.fullmatch(stamp) or not stamp.startswith(signature.day):
        raise Refused(403, "IncompleteSignatureException", "x-amz-date is missing, or is not of the signature's day.")
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    if abs(now - at) > _SKEW_S:
        raise Refused(
            403, "InvalidSignatureException", f"Signature expired: {stamp} is not within five minutes of now."
        )
    if not {"host", ":authority"} & set(signature.signed) or signature.service not in SERVICES:
        raise Refused(403, "InvalidSignatureException", "The signature is not over the host, or not for bedrock.")
    payload = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", payload) != payload:
        raise Refused(403, "InvalidSignatureException", "x-amz-content-sha256 is not the hash of the body.")
    canonical = hashlib.sha256(_canonical(request, signature.signed, payload).encode("utf-8", "surrogateescape"))
    scope = f"{signature.day}/{signature.region}/{signature.service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{canonical.hexdigest()}".encode()
    for secret in secrets:
        key = _signing_key(secret, signature.day, signature.region, signature.service)
        if hmac.compare_digest(hmac.new(key, text, hashlib.sha256).hexdigest(), signature.hexdigest):
            return
    raise Refused(
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method.",
    )


def _canonical(request: Signed, signed: Sequence[str], payload: str) -> str:
    path = quote(request.path or "/", safe="/-_.~")  # encoded once more, as for every service but S3
    # Over HTTP/2 the SDK for JavaScript signs the host under the name that it has there.
    values = ((name, request.headers.get("host" if name == ":authority" else name, "")) for name in signed)
    headers = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in values)
    return "\n".join((request.method, path, _canonical_query(request.query), headers, ";".join(signed), payload))


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(sorted(f"{_again(name)}={_again(value)}" for name, _, value in pairs))


def _again(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


@lru_cache(maxsize=4096)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
