"""Signing a changed request anew, with the very key that signed it before."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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

    ``explicit`` is a session of boto3 or botocore, or credentials of botocore. A client that asks a function for its
    credentials at each request has them asked for again.
    """
    credentials: list[Any] = []

    def source() -> Any:
        own = _own_arguments(client)
        if explicit is None and own.provider is not None:
            return own.provider()
        if not credentials:
            is_session = hasattr(explicit, "get_frozen_credentials")
            credentials.append(explicit if is_session else (explicit or _session(client)).get_credentials())
        return credentials[0]

    return source


def _session(client: Any) -> Any:
    import botocore.session  # whoever signs requests for AWS has it

    own = _own_arguments(client)
    session: Any = botocore.session.Session(profile=own.profile)
    if own.key and own.secret:
        session.set_credentials(own.key, own.secret, own.token)
    return session


class _Arguments(NamedTuple):
    """What a client was made with to sign by."""

    key: Any = None
    secret: Any = None
    token: Any = None
    profile: Any = None
    provider: Any = None


def _own_arguments(client: Any) -> _Arguments:
    """The first of the places in which an SDK keeps them that has any; anthropic 2.14, openai 3.57."""
    places = (
        (client, ("aws_access_key", "aws_secret_key", "aws_session_token", "aws_profile", "")),
        (getattr(client, "_bedrock_state", None), _OF_BEDROCK_OPENAI),
        (
            _provider_of(client),
            ("access_key_id", "secret_access_key", "session_token", "profile", "credential_provider"),
        ),
    )
    for place, names in places:
        arguments = _Arguments(*(getattr(place, name, None) if name else None for name in names))
        if arguments.key or arguments.profile or arguments.provider:
            return arguments
    return _Arguments()


_OF_BEDROCK_OPENAI = (
    "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile", "aws_credentials_provider",
)  # fmt: skip
_OF_A_PROVIDER = "access_key_id", "secret_access_key", "session_token", "profile", "credential_provider"


def _provider_of(client: Any) -> Any:
    """What ``OpenAI(provider=bedrock(...))`` was made with, which openai keeps beside the client."""
    module = sys.modules.get("openai._provider")
    try:
        return None if module is None else module._get_provider_definition(client._provider)
    except Exception:  # no such client, or another openai: botocore's chain may still have the key
        return None


def resigned(request: Any, body: bytes, source: CredentialSource) -> Mapping[str, str] | None:
    """The headers of a new signature over ``body``; None where the key that signed before is not at hand."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    scope = _scope(request.headers["authorization"])
    credentials = source()
    if scope is None:
        return None
    key, region, service = scope
    freeze = getattr(credentials, "get_frozen_credentials", None)
    frozen: Any = credentials if freeze is None else freeze()
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
