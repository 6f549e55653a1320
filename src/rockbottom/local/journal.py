"""What is written down of each request: the invocation-log record, and a line in the endpoint's own list."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rockbottom.catalog import RUNTIME, ModelId, Scope
from rockbottom.dialects import (
    GUARDRAIL_HEADER,
    INVOKED,
    SERVICE_TIER,
    UNDOCUMENTED,
    api_of,
    enforces_guardrails,
    invoked,
    named_tier,
)
from rockbottom.local.bodies import NOT_JSON
from rockbottom.local.calls import CountedCall, RuntimeCall
from rockbottom.local.embedded import Embedded
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.invocation_log import Logged
from rockbottom.local.projects import project_of
from rockbottom.local.replying import SentReply
from rockbottom.local.state import EndpointState

Json = dict[str, Any]
_GUARDRAIL = GUARDRAIL_HEADER.encode()


def note(
    state: EndpointState,
    call: RuntimeCall,
    status: int,
    counted: CountedCall | None,
    reply: SentReply | None,
    failure: ServiceFailure | None,
) -> None:
    """Add one request to the endpoint's own list, which keeps the latest thousand."""
    line: Json = {
        "requestId": call.request_id,
        "operation": call.operation,
        "model": call.model,
        "status": status,
        "at": state.clock.now(),
        "account": call.caller.account,
        "region": call.caller.region,
    }
    if call.surface is not None:
        line["host"] = call.surface.route.host
        project = project_of(call.headers)
        if project:
            line["project"] = project
    guardrail = call.headers.get(_GUARDRAIL)
    if guardrail is not None and (api := api_of(call.operation)).native:
        enforced = enforces_guardrails(api, call.surface.host if call.surface is not None else RUNTIME)
        line |= {"guardrail": guardrail.decode("latin-1"), "guardrailEnforced": enforced}
    if counted is not None:
        line["servedBy"] = counted.namespace.region
        if (tier := named_tier(counted.body)) is not None:
            line[SERVICE_TIER] = tier
    if reply is not None:
        line.update(usage=reply.told, latencyMs=reply.latency_ms)
    if failure is not None:
        line.update(error=failure.code, message=failure.message)
        if failure.hint:
            line["hint"] = failure.hint
    state.requests.append(line)


def logged_reply(state: EndpointState, counted: CountedCall, reply: SentReply) -> Logged:
    """The invocation-log record of a call that was answered."""
    call, counts = counted.call, invoked(reply.usage)
    record = _head(call, _log_model(counted.model, call), counted.at)
    if counted.namespace.region != call.caller.region:
        record["inferenceRegion"] = counted.namespace.region
    metadata = counted.body.get("requestMetadata") or _header_metadata(call)
    if metadata:
        record["requestMetadata"] = metadata
    record["output"] = {"outputContentType": "application/json", INVOKED.output: counts.pop(INVOKED.output)}
    record["input"] = {"inputContentType": "application/json", **counts}
    return Logged(
        counted.at,
        call.caller.account,
        call.caller.region,
        call.request_id,
        record,
        call.body,
        _without_twins(counted, reply),
    )


def logged_embedding(state: EndpointState, call: RuntimeCall, embedded: Embedded) -> Logged:
    at = state.clock.now()
    record = _head(call, call.model, at)
    record["output"] = {"outputContentType": "application/json", INVOKED.output: 0}
    record["input"] = {"inputContentType": "application/json", INVOKED.input: embedded.tokens}
    caller = call.caller
    return Logged(at, caller.account, caller.region, call.request_id, record, call.body, embedded.body)


def logged_failure(state: EndpointState, call: RuntimeCall, failure: ServiceFailure) -> Logged | None:
    """The record of a call that failed; None when its body is not even JSON."""
    try:
        msgspec.json.decode(call.body)
    except NOT_JSON:
        return None
    record = _head(call, call.model, state.clock.now())
    record["errorCode"] = failure.code
    record["input"] = {"inputContentType": "application/json"}
    return Logged(state.clock.now(), call.caller.account, call.caller.region, call.request_id, record, call.body, None)


def _head(call: RuntimeCall, model: str, at: float) -> Json:
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "timestamp": stamp,
        "accountId": call.caller.account,
        "identity": {"arn": call.caller.arn},
        "region": call.caller.region,
        "requestId": call.request_id,
        "operation": call.operation,
        "modelId": model,
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }


def _log_model(model: ModelId, call: RuntimeCall) -> str:
    # Delivered records: Converse rows hold the short id, InvokeModel rows the profile's ARN.
    if not api_of(call.operation).native or model.scope is Scope.IN_REGION or call.model.startswith("arn:"):
        return call.model
    return f"arn:aws:bedrock:{call.caller.region}:{call.caller.account}:inference-profile/{call.model}"


def _header_metadata(call: RuntimeCall) -> Json | None:
    raw = call.headers.get(b"x-amzn-bedrock-request-metadata")
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=dict[str, str])
    except msgspec.DecodeError:
        return dict(parse_qsl(raw.decode("latin-1"))) or None


def _without_twins(counted: CountedCall, reply: SentReply) -> bytes:
    """The reply as the log has it: without the undocumented twins, which delivered records lack."""
    if counted.dialect.api.native:
        return reply.output_log
    body: Json | list[Json] = msgspec.json.decode(reply.output_log)
    usages = [body] if isinstance(body, dict) else [event["metadata"] for event in body if "metadata" in event]
    for holder in usages:
        for name in UNDOCUMENTED:
            holder["usage"].pop(name, None)
    return msgspec.json.encode(body)
