"""One host of Bedrock and who calls it: JSON out, JSON back, errors as boto3 raises them.

Needs botocore (the extra ``aws``) once something is sent.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rockbottom.catalog import MANTLE, RUNTIME
from rockbottom.process import ANSWERING_S, BoundedSession, Wait, awaited, host_of
from rockbottom.quantities import Undecodable, decoded, is_object, json_bytes

Json = Mapping[str, Any]
_BEARER = "AWS_BEARER_TOKEN_BEDROCK"
_TIMEOUT_S = 120
_CODES = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "RequestTimeout",
    409: "ConflictException",
    429: "ThrottlingException",
}


@dataclass(frozen=True, slots=True)
class Host:
    """A host by its URL. ``service`` is what its signatures name.

    ``keys`` are an access key and its secret (``aws_access_key_id``, ``aws_secret_access_key``), which an endpoint on
    this machine takes whatever they are; without them it is the account's own Bedrock API key or credentials.
    """

    url: str
    service: str
    region: str
    profile: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict[str, str])

    def call(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One call; the object that came back. Raises ClientError for an error, BotoCoreError where none came."""
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import ClientError
        from botocore.httpsession import URLLib3Session

        content = b"" if body is None else json_bytes(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        request = AWSRequest(method=method, url=self.url.rstrip("/") + path, headers=all_headers, data=content)
        self._authorize(request)
        session = BoundedSession(URLLib3Session(timeout=_TIMEOUT_S))
        try:
            with awaited(Wait(f"{method} {path.partition('?')[0]}", host_of(self.url), patience_s=ANSWERING_S)):
                reply = session.send(request.prepare())
            status, answer = int(reply.status_code), _object(bytes(reply.content))
        finally:
            session.close()
        fault = _fault(status, answer)
        if fault is not None:
            code, message = fault
            error: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(error, f"{method} {path.partition('?')[0]}")
        return answer

    def _authorize(self, request: Any) -> None:
        """Sign, or put the account's Bedrock API key in, as boto3's own clients choose. Raises NoCredentialsError."""
        from botocore.auth import SigV4Auth
        from botocore.credentials import Credentials
        from botocore.exceptions import NoCredentialsError

        bearer = os.environ.get(_BEARER)
        if bearer and not self.keys:
            request.headers["Authorization"] = f"Bearer {bearer}"
            return
        if self.keys:
            own: Any = Credentials(self.keys["aws_access_key_id"], self.keys["aws_secret_access_key"])
        else:
            import boto3

            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            own = session.get_credentials()
        if own is None:
            raise NoCredentialsError
        signer: Any = SigV4Auth(own.get_frozen_credentials(), self.service, self.region)
        signer.add_auth(request)


def hosts_of(region: str, url: str | None = None, keys: Mapping[str, str] | None = None) -> dict[str, Host]:
    """Both hosts of a Region by name; ``url``: those that an endpoint of ours plays on one port.

    Sources of the names: surfaces of Amazon Bedrock, "Endpoints supported" (bedrock-mantle.REGION.api.aws), botocore.
    """
    keys = keys or {}
    if url is not None:
        base = url.rstrip("/")
        return {
            name: Host(f"{base}/{name}", service, region, keys=keys)
            for name, service in ((MANTLE, "bedrock-mantle"), (RUNTIME, "bedrock"))
        }
    return {
        MANTLE: Host(f"https://{MANTLE}.{region}.api.aws", "bedrock-mantle", region, keys=keys),
        RUNTIME: Host(f"https://{RUNTIME}.{region}.amazonaws.com", "bedrock", region, keys=keys),
    }


def _object(content: bytes) -> dict[str, Any]:
    """The object in a reply; empty where it is none."""
    try:
        return decoded(content, dict[str, Any])
    except Undecodable:
        return {}


def _fault(status: int, reply: Json) -> tuple[str, str] | None:
    """The code and the message of a reply that is none; bedrock-runtime answers a path it has not with a 200.

    That 200 was recorded by vercel/ai, issue 17523: ``Output.__type`` is an UnknownOperationException.
    """
    error, output = reply.get("error"), reply.get("Output")
    message = str(error.get("message")) if is_object(error) else str(reply.get("message") or f"HTTP {status}")
    if status >= 500:
        return "ServiceUnavailableException", message
    if status >= 400:
        return _CODES.get(status, "ValidationException"), message
    if is_object(output) and "__type" in output:
        return "UnknownOperationException", str(output["__type"])
    return None if reply else ("UnknownOperationException", "the reply is not a JSON object")
