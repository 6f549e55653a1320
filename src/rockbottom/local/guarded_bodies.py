"""The body of a call as a guardrail sees it: Converse's as it is, a native one where headers name the guardrail."""

import re
from collections.abc import Mapping
from typing import Any

from rockbottom.catalog import RUNTIME
from rockbottom.dialects import GUARDRAIL_CONFIG, GUARDRAIL_HEADER, Dialect, enforces_guardrails
from rockbottom.local.calls import RuntimeCall
from rockbottom.local.failures import invalid
from rockbottom.quantities import is_list, is_object
from rockbottom.wire import Json

_IDENTIFIER = GUARDRAIL_HEADER.encode()
_VERSION, _TRACE = b"x-amzn-bedrock-guardrailversion", b"x-amzn-bedrock-trace"
_SUFFIX = re.compile(r"[0-9a-zA-Z]{1,20}")


def guarded_body(call: RuntimeCall, dialect: Dialect, body: Json) -> Mapping[str, Any]:
    """A body in Converse's words, its ``guardrailConfig`` in it; without one where no guardrail is to be applied.

    On InvokeModel the system text is evaluated as well: a recorded assessment of 62 characters was of a message of 34
    and a system text of 28 (panther-labs/panther-analysis, rules of model invocations). Raises ServiceFailure for what
    the API reference of InvokeModel calls an error; the words are ours.
    """
    api = dialect.api
    if not api.native:
        return body
    config = body.get(GUARDRAIL_CONFIG)
    identifier = call.headers.get(_IDENTIFIER, b"").decode("latin-1")
    if api.wrapped and config is not None and not identifier:
        raise invalid(f"{GUARDRAIL_CONFIG} was provided without a guardrail identifier.")
    if not identifier or not enforces_guardrails(api, call.surface.host if call.surface is not None else RUNTIME):
        return {}
    version = call.headers.get(_VERSION, b"").decode("latin-1")
    if api.wrapped and not version:
        raise invalid("A guardrail version is required where a guardrail identifier is provided.")
    guardrail = {
        "guardrailIdentifier": identifier,
        "guardrailVersion": version or "DRAFT",
        "trace": call.headers.get(_TRACE, b"").decode("latin-1").lower(),
        "tagSuffix": _suffix(config),
        "streamProcessingMode": config.get("streamProcessingMode") if is_object(config) else None,
    }
    neutral = dialect.unspelled(body)
    return {**neutral, "messages": _spoken(neutral, with_system=api.wrapped), "guardrailConfig": guardrail}


def _suffix(config: Any) -> str:
    suffix = config.get("tagSuffix") if is_object(config) else None
    if suffix is not None and not (isinstance(suffix, str) and _SUFFIX.fullmatch(suffix)):
        raise invalid(f"{GUARDRAIL_CONFIG}.tagSuffix must be 1 to 20 letters and digits.")
    return suffix or ""


def _spoken(neutral: Mapping[str, Any], *, with_system: bool) -> list[Any]:
    system, messages = neutral.get("system"), neutral.get("messages")
    spoken: list[Any] = list(messages) if is_list(messages) else []
    return [{"role": "system", "content": system}, *spoken] if with_system and is_list(system) else spoken
