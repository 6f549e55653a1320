"""One request: over boto3, or over HTTP to a surface that boto3 does not know; and what can go wrong, in our words."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from rockbottom.bench.errors import BenchError, EndpointDied, EndpointRefused, SdkTooOld, WrongSetting
from rockbottom.bench.over_http import events_of, opened
from rockbottom.bench.replies import BenchReply, counted
from rockbottom.bench.requests import BenchRequest
from rockbottom.catalog import botocore_since
from rockbottom.dialects import CACHE_POINT, CONVERSE
from rockbottom.extras import upgrade_command
from rockbottom.process import content_of_reply
from rockbottom.quantities import Ttl
from rockbottom.wire import Event, WireError

Clock = Callable[[], float]
"""Seconds of a monotonic clock."""

_CREDENTIALS = {
    "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException",
    "InvalidClientTokenId", "MissingAuthenticationTokenException", "IncompleteSignatureException",
}  # fmt: skip
_PASSING = {
    "ThrottlingException", "ServiceUnavailableException", "InternalServerException", "ModelTimeoutException",
    "ModelNotReadyException", "ModelStreamErrorException", "ModelErrorException",
}  # fmt: skip


def check_sdk(client: Any, *, wants_ttl: bool) -> None:
    """Refuse a boto3 that would reject a cachePoint (or its ttl) before sending it; raises SdkTooOld."""
    import botocore

    model = client.meta.service_model
    shapes = set(model.shape_names)
    if "CachePointBlock" not in shapes:
        missing, since = CACHE_POINT, botocore_since(CACHE_POINT)
    elif wants_ttl and "ttl" not in model.shape_for("CachePointBlock").members:
        missing, since = f"the ttl of a {CACHE_POINT}", botocore_since("ttl")
    else:
        return
    raise SdkTooOld(
        f"botocore {botocore.__version__} does not know {missing}; {since} and later do",
        fix=upgrade_command(f"boto3>={since}"),
    )


def send(client: Any, model_id: str, request: BenchRequest, *, stream: bool, ttl: Ttl, clock: Clock) -> BenchReply:
    """Send one request and wait for the whole reply.

    ``ttl`` is the lifetime that the request asked for, for services that do not split writes by it. Raises
    EndpointRefused (it would be refused again) or EndpointDied (it may work later).
    """
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    try:
        if request.names_model:
            return _over_http(client, model_id, request, ttl, clock, stream=stream)
        if not request.is_converse:
            return _invoke(client, model_id, request, ttl, clock)
        return (_converse_stream if stream else _converse)(client, model_id, request, ttl, clock)
    except ParamValidationError as error:
        raise EndpointRefused(f"boto3 refuses the request: {error}", code="ParamValidation") from error
    except ClientError as error:  # EventStreamError is one
        raise failure_of(error, model_id) from error
    except HTTPClientError as error:
        raise EndpointDied(f"the endpoint stopped answering: {error}") from error
    except BotoCoreError as error:
        raise before_sending(error) from error
    except (HTTPError, ParserError, ResponseParserError, OSError, ValueError, KeyError) as error:  # cut in its middle
        raise EndpointDied(f"the reply broke off: {type(error).__name__}: {error}") from error


def failure_of(error: Any, model_id: str) -> BenchError:
    """What a botocore ClientError means here."""
    fault = error.response.get("Error", {})
    code, message = str(fault.get("Code", "")), str(fault.get("Message", ""))
    code = code[:1].upper() + code[1:]  # an exception inside a stream is spelt with a small first letter
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _CREDENTIALS:
        expired = "have expired" if "Expired" in code else "are not accepted"
        return EndpointRefused(
            f"the AWS credentials {expired} ({code}: {message})",
            code=code,
            fix="aws sts get-caller-identity --profile NAME shows who you are",
        )
    if code == "AccessDeniedException" and "prompt caching" not in message:
        return EndpointRefused(
            f"no access to {model_id} on Bedrock ({message})",
            code=code,
            fix="enable the model for this Region in the Bedrock console and allow bedrock:InvokeModel on it",
        )
    if code in _PASSING or status >= 500:
        return EndpointDied(f"{code or status}: {message}")
    return EndpointRefused(f"{code}: {message}", code=code)


def before_sending(error: Exception) -> BenchError:
    """What a botocore error means that came before anything was sent."""
    name = type(error).__name__
    if name == "ProfileNotFound":
        return WrongSetting(str(error), fix="aws configure list-profiles")
    if name in ("NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError",
                "UnauthorizedSSOTokenError", "SSOTokenLoadError", "CredentialRetrievalError"):  # fmt: skip
        return EndpointRefused(
            f"no AWS credentials: {error}",
            code=name,
            fix="aws configure, or --profile NAME; --endpoint local needs none",
        )
    if name == "NoRegionError":
        return EndpointRefused("no AWS Region is set", code=name, fix="--region us-east-1")
    if name.endswith("ConnectionError") or name == "ResponseStreamingError":
        return EndpointDied(f"cannot reach the endpoint: {error}")
    return EndpointRefused(f"{name}: {error}", code=name)


def _converse(client: Any, model_id: str, request: BenchRequest, ttl: Ttl, clock: Clock) -> BenchReply:
    begun = clock()
    reply = client.converse(modelId=model_id, **request.body)
    return _told(reply, request, ttl, _ms(begun, clock), _request_id(reply))


def _converse_stream(client: Any, model_id: str, request: BenchRequest, ttl: Ttl, clock: Clock) -> BenchReply:
    begun = clock()
    reply = client.converse_stream(modelId=model_id, **request.body)
    first: float | None = None
    events: list[tuple[str, Any]] = []
    for event in reply["stream"]:
        if first is None and "contentBlockDelta" in event:
            first = _ms(begun, clock)
        events.extend(event.items())
    try:
        whole = CONVERSE.assembled(events)
    except WireError as error:
        raise EndpointDied(f"{error}, so its tokens are not known") from error
    return _told(whole, request, ttl, _ms(begun, clock), _request_id(reply), first)


def _invoke(client: Any, model_id: str, request: BenchRequest, ttl: Ttl, clock: Clock) -> BenchReply:
    begun = clock()
    reply = client.invoke_model(
        modelId=model_id, contentType="application/json", accept="application/json", body=json.dumps(request.body)
    )
    whole: Any = json.loads(content_of_reply(reply["body"]))
    return _told(whole, request, ttl, _ms(begun, clock), _request_id(reply))


def _over_http(
    client: Any, model_id: str, request: BenchRequest, ttl: Ttl, clock: Clock, *, stream: bool
) -> BenchReply:
    begun = clock()
    reply = opened(client, model_id, request, stream=stream)
    first: float | None = None
    if stream:
        events: list[Event] = []
        for event in events_of(reply):
            events.append(event)
            if first is None and len(events) > request.dialect.lead:
                first = _ms(begun, clock)
        try:
            whole: Any = request.dialect.assembled(events)
        except WireError as error:
            raise EndpointDied(f"{error}, so its tokens are not known") from error
    else:
        whole = json.loads(reply.content)
    request_id = str(reply.headers.get("x-amzn-requestid", ""))
    return _told(whole, request, ttl, _ms(begun, clock), request_id, first)


def _told(
    whole: Any, request: BenchRequest, ttl: Ttl, elapsed_ms: float, request_id: str, first_ms: float | None = None
) -> BenchReply:
    content, stop_reason = request.dialect.told(whole)
    latency_ms = whole.get("metrics", {}).get("latencyMs")
    usage = counted(whole["usage"], request.dialect, ttl)
    return BenchReply(usage, content, stop_reason, latency_ms, elapsed_ms, first_ms, request_id)


def _ms(begun: float, clock: Clock) -> float:
    return (clock() - begun) * 1000


def _request_id(reply: Mapping[str, Any]) -> str:
    return str(reply.get("ResponseMetadata", {}).get("RequestId", ""))
