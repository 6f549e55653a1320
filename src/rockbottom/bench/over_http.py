"""One request to a surface that boto3 has no operation for, over the connection and with the key of a boto3 client."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rockbottom.bench.requests import BenchRequest
from rockbottom.catalog import MANTLE, RUNTIME, surface_named
from rockbottom.client import with_usage
from rockbottom.dialects import CHAT, host_of
from rockbottom.prompt import json_bytes
from rockbottom.wire import DONE, Event, SseDecoder

_SERVICES = {MANTLE: "bedrock-mantle", RUNTIME: "bedrock"}
_CODES = {401: "UnrecognizedClientException", 403: "AccessDeniedException", 429: "ThrottlingException"}


class SignedAddress(NamedTuple):
    """Where a request goes, and the name by which its signature knows the service."""

    url: str
    service: str


def address_of(client: Any, model_id: str, request: BenchRequest) -> SignedAddress:
    """The address for a model: bedrock-mantle for bare ids, else the client's own endpoint."""
    host = host_of(request.dialect.api, model_id) or RUNTIME
    base = str(client.meta.endpoint_url).rstrip("/")
    family = surface_named(model_id).mantle_path if host == MANTLE else ""
    path = next(path for path in request.dialect.paths if path.startswith(f"{family}/"))
    if host == MANTLE and (urlsplit(base).hostname or "").endswith("amazonaws.com"):
        base = f"https://{MANTLE}.{client.meta.region_name}.api.aws"
    return SignedAddress(base + path, _SERVICES[host])


def opened(client: Any, model_id: str, request: BenchRequest, *, stream: bool) -> Any:
    """The reply of the service, its body unread where it streams.

    Raises botocore's ClientError for a refusal, and what botocore raises for a connection that fails.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    body: dict[str, Any] = request.arguments(model_id)
    if stream:
        body = {**body, "stream": True}
        body = with_usage(body) if request.dialect is CHAT else body
    where = address_of(client, model_id, request)
    http_request: Any = AWSRequest(
        "POST", where.url, {"content-type": "application/json"}, json_bytes(body), stream_output=stream
    )
    bearer = os.environ.get("AWS_BEARER_TOKEN_BEDROCK")
    if bearer:
        http_request.headers["authorization"] = f"Bearer {bearer}"
    else:
        key = client._get_credentials().get_frozen_credentials()
        signer: Any = SigV4Auth(key, where.service, client.meta.region_name)
        signer.add_auth(http_request)
    reply = client._endpoint.http_session.send(http_request.prepare())
    if reply.status_code >= 400:
        raise _refusal(reply.status_code, reply.content, request.dialect.operations[stream])
    return reply


def events_of(reply: Any) -> Iterator[Event]:
    """The events of a streamed reply as they come."""
    decoder = SseDecoder()
    for piece in reply.raw.stream(amt=None):
        for name, data in decoder.feed(piece):
            if data != DONE:
                payload = json.loads(data)
                yield name or str(payload.get("type", "")), payload


def _refusal(status: int, content: bytes, operation: str) -> Exception:
    """An error of the service, whatever its shape, as botocore tells those that it knows."""
    from botocore.exceptions import ClientError

    try:
        reply: Any = json.loads(content)
    except ValueError:
        reply = {}
    error: Mapping[str, Any] = reply.get("error") or reply
    message = str(error.get("message") or content.decode("utf-8", "replace")[:300])
    code = _CODES.get(status, "ValidationException" if status < 500 else "InternalServerException")
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )
