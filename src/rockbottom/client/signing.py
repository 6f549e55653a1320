"""Signing a changed request anew, with the very key that signed it before."""

from collections.abc import Callable, Mapping
from typing import Any

CredentialSource = Callable[[], Any]
"""Gives botocore credentials, or None."""

_MOST_USED = 64
_USED: dict[str, Any] = {}  # by key id
_SIGNATURE = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-length")


def remember_key(credentials: Any) -> None:
    """Hold credentials that somebody is about to sign with, so that a changed request can be signed anew.

    They stay in memory, as they do with who uses them, and the latest 64 are held.
    """
    frozen = credentials.get_frozen_credentials()
    _USED[frozen.access_key] = frozen
    while len(_USED) > _MOST_USED:
        del _USED[next(iter(_USED))]


def credentials_of(client: Any, explicit: Any = None) -> CredentialSource:
    """Where the credentials of a client come from: ``explicit``, its own arguments, else botocore's usual chain.

    ``explicit`` is a session of boto3 or botocore, or credentials of botocore.
    """
    credentials: list[Any] = []

    def source() -> Any:
        if not credentials:
            is_session = hasattr(explicit, "get_frozen_credentials")
            credentials.append(explicit if is_session else (explicit or _session(client)).get_credentials())
        return credentials[0]

    return source


def _session(client: Any) -> Any:
    import botocore.session  # whoever signs requests for AWS has it

    session: Any = botocore.session.Session(profile=getattr(client, "aws_profile", None))
    key, secret = getattr(client, "aws_access_key", None), getattr(client, "aws_secret_key", None)
    if key and secret:
        session.set_credentials(key, secret, getattr(client, "aws_session_token", None))
    return session


def resigned(request: Any, body: bytes, source: CredentialSource) -> Mapping[str, str] | None:
    """The headers of a new signature over ``body``; None where the key that signed before is not at hand."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    scope = _scope(request.headers["authorization"])
    credentials = source()
    if scope is None:
        return None
    key, region, service = scope
    frozen = credentials.get_frozen_credentials() if credentials is not None else None
    if frozen is None or frozen.access_key != key:
        frozen = _USED.get(key)
    if frozen is None:
        return None
    signed = {
        name.strip()
        for name in request.headers["authorization"].partition("SignedHeaders=")[2].split(",")[0].split(";")
    }
    headers = {name: value for name, value in request.headers.items() if name.lower() in signed}
    unsigned = {name: value for name, value in headers.items() if name.lower() not in (*_SIGNATURE, "host")}
    again = AWSRequest(method=request.method, url=str(request.url), headers=unsigned, data=body)
    signer: Any = SigV4Auth(frozen, service, region)
    signer.add_auth(again)
    return dict(again.headers.items())


def _scope(authorization: str) -> tuple[str, str, str] | None:
    """Key id, Region and service of ``AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...``."""
    parts = authorization.partition("Credential=")[2].partition(",")[0].strip().split("/")
    return (parts[0], parts[2], parts[3]) if len(parts) == 5 else None
