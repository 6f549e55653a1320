"""One request over boto3: Converse, ConverseStream or InvokeModel, and what can go wrong with it in our own words."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rockbottom.bench.errors import BenchError, EndpointDied, EndpointRefused, SdkTooOld, WrongSetting
from rockbottom.bench.replies import Reply, converse_blocks, counted
from rockbottom.bench.requests import Request
from rockbottom.quantities import Ttl

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
        missing = "cachePoint"
    elif wants_ttl and "ttl" not in model.shape_for("CachePointBlock").members:
        missing = "the ttl of a cachePoint"
    else:
        return
    raise SdkTooOld(
        f"botocore {botocore.__version__} does not know {missing}; rockbottom needs 1.42 or later",
        fix="pip install --upgrade 'boto3>=1.42'",
    )


def send(client: Any, model_id: str, request: Request, *, stream: bool, ttl: Ttl, clock: Clock) -> Reply:
    """Send one request and wait for the whole reply.

    ``ttl`` is the lifetime that the request asked for, for services that do not split writes by it. Raises
    EndpointRefused (it would be refused again) or EndpointDied (it may work later).
    """
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
    from urllib3.exceptions import HTTPError

    try:
        if request.dialect != "converse":
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
    except (HTTPError, ParserError, OSError, ValueError, KeyError) as error:  # cut in the middle of a reply
        raise EndpointDied(f"the reply broke off: {type(error).__name__}: {error}") from error


def failure_of(error: Any, model_id: str) -> BenchError:
    """What a botocore ClientError means here."""
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
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


def _converse(client: Any, model_id: str, request: Request, ttl: Ttl, clock: Clock) -> Reply:
    begun = clock()
    reply = client.converse(modelId=model_id, **request.body)
    return Reply(
        usage=counted(reply["usage"], ttl),
        content=tuple(reply["output"]["message"]["content"]),
        stop_reason=reply["stopReason"],
        latency_ms=reply.get("metrics", {}).get("latencyMs"),
        elapsed_ms=_ms(begun, clock),
        request_id=_request_id(reply),
    )


def _converse_stream(client: Any, model_id: str, request: Request, ttl: Ttl, clock: Clock) -> Reply:
    begun = clock()
    reply = client.converse_stream(modelId=model_id, **request.body)
    first: float | None = None
    gathered = _Gathered()
    for event in reply["stream"]:
        if first is None and "contentBlockDelta" in event:
            first = _ms(begun, clock)
        gathered.take(event)
    if gathered.usage is None:
        raise EndpointDied("the stream ended without its metadata, so its tokens are not known")
    return Reply(
        usage=counted(gathered.usage, ttl),
        content=gathered.content(),
        stop_reason=gathered.stop_reason,
        latency_ms=gathered.latency_ms,
        elapsed_ms=_ms(begun, clock),
        first_ms=first,
        request_id=_request_id(reply),
    )


class _Gathered:
    """The events of a stream put together again."""

    def __init__(self) -> None:
        self.usage: Mapping[str, Any] | None = None
        self.latency_ms: float | None = None
        self.stop_reason = ""
        self._blocks: dict[int, dict[str, Any]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            if use := start["start"].get("toolUse"):
                self._blocks[start["contentBlockIndex"]] = {"use": use, "input": []}
        elif "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]
            block = self._blocks.setdefault(delta["contentBlockIndex"], {"text": []})
            if "text" in delta["delta"] and "text" in block:
                block["text"].append(delta["delta"]["text"])
            elif "toolUse" in delta["delta"]:
                block["input"].append(delta["delta"]["toolUse"]["input"])
        elif "messageStop" in event:
            self.stop_reason = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            self.usage = event["metadata"]["usage"]
            self.latency_ms = event["metadata"].get("metrics", {}).get("latencyMs")

    def content(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(_whole(block) for _, block in sorted(self._blocks.items()))


def _whole(block: Mapping[str, Any]) -> Mapping[str, Any]:
    if "use" in block:
        given = "".join(block["input"])
        use = block["use"]
        return {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"], "input": json.loads(given or "{}")}}
    return {"text": "".join(block["text"])}


def _invoke(client: Any, model_id: str, request: Request, ttl: Ttl, clock: Clock) -> Reply:
    begun = clock()
    reply = client.invoke_model(
        modelId=model_id, contentType="application/json", accept="application/json", body=json.dumps(request.body)
    )
    body: Any = json.loads(reply["body"].read())
    elapsed = _ms(begun, clock)
    if request.dialect == "anthropic":
        usage, content = counted(body["usage"], ttl), converse_blocks(_blocks(body["content"]))
        stop = body.get("stop_reason") or ""
    else:
        usage, content = counted(body["usage"], ttl), tuple(body["output"]["message"]["content"])
        stop = body.get("stopReason") or ""
    return Reply(usage, content, stop, None, elapsed, None, _request_id(reply))


def _blocks(content: Any) -> Iterable[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _ms(begun: float, clock: Clock) -> float:
    return (clock() - begun) * 1000


def _request_id(reply: Mapping[str, Any]) -> str:
    return str(reply.get("ResponseMetadata", {}).get("RequestId", ""))
