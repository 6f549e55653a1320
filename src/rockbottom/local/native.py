"""Native bodies of InvokeModel: what Anthropic's and Nova's own validators insist on.

Anthropic words a missing field ``max_tokens: Field required``, Nova points into the body: ``#: required key
[messages] not found`` (public issue threads); finer checks of theirs are not repeated here.
"""

from typing import Any, cast

from rockbottom.catalog import limit, refused_members
from rockbottom.dialects import CACHE_CONTROL, Dialect
from rockbottom.local.accepted import (
    check_members,
    check_prefill,
    least_top_p,
    thinking_refused,
)
from rockbottom.local.failures import invalid
from rockbottom.prompt import Api

Json = dict[str, Any]
_BUDGET_TOO_LARGE = (
    "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
)


def check_required(dialect: Dialect, body: Json) -> None:
    """Raise the ValidationException of a native body that lacks a member which its dialect must have."""
    for name in dialect.required if dialect.api.native else ():  # the service model knows Converse's
        if body.get(name) is None:
            raise (
                invalid(f"{name}: Field required")
                if dialect.vendor == "anthropic"
                else malformed(f"#: required key [{name}] not found")
            )


def check_anthropic(body: Json, model: str) -> None:
    """Raise the ValidationException of an Anthropic Messages body that is not as it must be."""
    if not isinstance(body["anthropic_version"], str):
        raise invalid("anthropic_version: Input should be a valid string")
    check_messages(body, model)
    check_temperature(model, body.get("temperature"), body.get("thinking"))
    check_members(body)


def check_messages(body: Json, model: str) -> None:
    """Raise the same for what such a body has on every path."""
    _whole_number(body["max_tokens"], "max_tokens", 0)
    _strings(body.get("stop_sequences"), "stop_sequences")
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise invalid("messages: at least one message is required")
    for number, message in enumerate(cast(list[Any], messages)):
        _check_message(message, number)
    check_prefill(cast(list[Json], messages), model)
    system = body.get("system")
    if system is not None and not isinstance(system, str | list):
        raise invalid("system: Input should be a valid list")
    _dictionaries(system, "system")
    _dictionaries(body.get("tools"), "tools")
    for number, tool in enumerate(cast(list[Json], body.get("tools") or ())):
        for member in ("name", "description"):
            if not isinstance(tool.get(member), str | None):
                raise invalid(f"tools.{number}.custom.{member}: Input should be a valid string")
    for name in ("tool_choice", "thinking", "output_config", "metadata"):
        if body.get(name) is not None and not isinstance(body[name], dict):
            raise invalid(f"{name}: Input should be a valid dictionary")
    choice: Json = body.get("tool_choice") or {}
    check_thinking(body.get("thinking"), forced=choice.get("type") in ("any", "tool"))
    check_thinking_limits(
        body.get("thinking"), body["max_tokens"], body.get("temperature"), tools=bool(body.get("tools"))
    )


def check_message_body(body: Json, model: str) -> None:
    """Raise for a body of Messages: besides, for a kind of thinking that a model does not have, and its ``top_p``.

    Recorded on Messages of bedrock-mantle (sample-per-model-bedrock, 02-anthropic-claude/02).
    """
    check_messages(body, model)
    thinking: Json = body.get("thinking") or {}
    refused = thinking_refused(model, str(thinking.get("type")))
    if refused:
        raise invalid(refused)
    top_p, least = body.get("top_p"), least_top_p()
    if thinking.get("type") in ("enabled", "adaptive") and isinstance(top_p, int | float) and top_p < least:
        raise invalid(
            f"`top_p` must be greater than or equal to {least} or unset when thinking is enabled or in adaptive mode."
        )


def check_unanswered(body: Json, *, stream: bool) -> None:
    """Raise for a body with ``max_tokens`` 0 that asks for more than its prompt to be cached.

    Such a request is "rejected with stream, thinking enabled, structured output, forced tool" (Anthropic, Prompt
    caching, https://platform.claude.com/docs/en/build-with-claude/prompt-caching); the words are ours.
    """
    thinking: Json = body.get("thinking") or {}
    choice: Json = body.get("tool_choice") or {}
    output: Json = body.get("output_config") or {}
    for reason, is_asked_for in (
        ("stream", stream),
        ("thinking", thinking.get("type") in ("enabled", "adaptive")),
        ("output_config.format", bool(output.get("format") or body.get("output_format"))),
        ("tool_choice", choice.get("type") in ("any", "tool")),
    ):
        if is_asked_for:
            raise invalid(f"max_tokens: 0 is not supported together with {reason}.")


def check_thinking(thinking: Any, *, forced: bool) -> None:
    """Raise for a forced tool beside thinking, which Claude does not take (Anthropic's page on extended thinking)."""
    if forced and isinstance(thinking, dict) and cast(Json, thinking).get("type") in ("enabled", "adaptive"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def check_thinking_limits(thinking: Any, max_tokens: Any, temperature: Any, *, tools: bool, lead: str = "") -> None:
    """Raise for a budget that Claude does not take, and for a temperature beside thinking; ``lead`` begins the message.

    Wordings: https://github.com/danny-avila/LibreChat/issues/8346 (the least budget),
    https://github.com/anthropics/claude-code/issues/8756 (the budget and ``max_tokens``),
    https://github.com/aws-samples/sample-voice-of-customer-datalake/pull/323 (temperature),
    https://github.com/dotCipher/opencode-claude-bridge/pull/1 (adaptive). With tools thinking may be interleaved, and
    then a budget may be larger than ``max_tokens`` (Anthropic, Extended thinking).
    """
    fields = cast(Json, thinking) if isinstance(thinking, dict) else {}
    kind, budget = fields.get("type"), fields.get("budget_tokens")
    if kind == "enabled":
        place = f"{lead}thinking.enabled.budget_tokens: "
        if budget is None:
            raise invalid(f"{place}Field required")
        if not isinstance(budget, int) or isinstance(budget, bool):
            raise invalid(f"{place}Input should be a valid integer")
        if budget < limit("thinking_budget_least"):
            raise invalid(f"{place}Input should be greater than or equal to {limit('thinking_budget_least')}")
        if isinstance(max_tokens, int) and budget >= max_tokens and not tools:
            raise invalid(f"{lead}{_BUDGET_TOO_LARGE}")
    if kind in ("enabled", "adaptive") and temperature not in (None, 1):
        adaptive = " or in adaptive mode" if kind == "adaptive" else ""
        raise invalid(f"{lead}`temperature` may only be set to 1 when thinking is enabled{adaptive}.")


def check_temperature(model: str, temperature: object, thinking: Any, *, lead: str = "") -> None:
    """Raise for a temperature where Claude takes none any more, in the words of Messages; ``lead`` begins the message.

    Seen on Converse (https://github.com/cline/cline/issues/10572, https://github.com/DayuanJiang/next-ai-draw-io/issues/861)
    and InvokeModel (https://github.com/promptfoo/promptfoo/issues/10307). Beside thinking it is refused in other words.
    """
    kind = cast(Json, thinking).get("type") if isinstance(thinking, dict) else None
    if temperature is None or kind in ("enabled", "adaptive"):
        return
    words = refused_members(model, Api.MESSAGES.value).get("temperature")
    if words:
        raise invalid(f"{lead}{words}")


def _check_message(message: Any, number: int) -> None:
    if not isinstance(message, dict):
        raise invalid(f"messages.{number}: Input should be a valid dictionary")
    fields = cast(Json, message)
    if fields.get("role") not in ("user", "assistant", "system"):
        raise invalid(f"messages.{number}.role: Input should be 'user' or 'assistant'")
    content = fields.get("content")
    if content is None:
        raise invalid(f"messages.{number}.content: Field required")
    if not isinstance(content, str | list):
        raise invalid(f"messages.{number}.content: Input should be a valid list")
    if number == 0 and fields["role"] == "assistant":
        raise invalid('messages: first message must use the "user" role')
    if content in ("", []) and fields["role"] == "user":
        raise invalid(f"messages.{number}: user messages must have non-empty content")
    _dictionaries(content, f"messages.{number}.content")
    if isinstance(content, list):
        for place, block in enumerate(cast(list[Json], content)):
            _check_block(block, f"messages.{number}.content.{place}")


def _check_block(block: Json, place: str) -> None:
    kind = block.get("type")
    if not isinstance(kind, str):
        raise invalid(f"{place}.type: Field required")
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise invalid(f"{place}.text: Field required")
        if not block["text"]:
            raise invalid(
                f"{place}.text: {CACHE_CONTROL} cannot be set for empty text blocks"
                if block.get(CACHE_CONTROL)
                else "messages: text content blocks must be non-empty"
            )
    elif kind in ("image", "document") and not isinstance(block.get("source"), dict):
        raise invalid(f"{place}.source: Field required")
    elif kind == "tool_result":
        inner = block.get("content")
        if inner is not None and not isinstance(inner, str | list):
            raise invalid(f"{place}.content: Input should be a valid list")
        _dictionaries(inner, f"{place}.content")
    control = block.get(CACHE_CONTROL)
    if control is not None:
        _check_control(control, place, kind)


def _check_control(control: Any, place: str, kind: str) -> None:
    if not isinstance(control, dict):
        raise invalid(f"{place}.{CACHE_CONTROL}: Input should be a valid dictionary")
    if kind in ("thinking", "redacted_thinking"):
        raise invalid(f"{place}.{kind}.{CACHE_CONTROL}: Extra inputs are not permitted")
    fields = cast(Json, control)
    if fields.get("type") != "ephemeral":
        raise invalid(f"{place}.{CACHE_CONTROL}.type: Input should be 'ephemeral'")
    if fields.get("ttl") not in (None, "5m", "1h"):
        raise invalid(f"{place}.{CACHE_CONTROL}.ttl: Input should be '5m' or '1h'")


def check_nova(body: Json, model: str) -> None:
    """Raise the ValidationException of a Nova body that is not as it must be."""
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise malformed("#/messages: expected minimum item count: 1, found: 0")
    for number, message in enumerate(cast(list[Any], messages)):
        fields = cast(Json, message) if isinstance(message, dict) else {}
        if fields.get("role") not in ("user", "assistant"):
            raise malformed(f"#/messages/{number}/role: must be user or assistant")
        if not isinstance(fields.get("content"), list) or not fields["content"]:
            raise malformed(f"#/messages/{number}/content: expected minimum item count: 1, found: 0")
        _dictionaries(fields["content"], f"#/messages/{number}/content")
    _dictionaries(body.get("system"), "#/system")
    config = body.get("inferenceConfig")
    if config is not None and not isinstance(config, dict):
        raise malformed("#/inferenceConfig: expected type: JSONObject")
    limits = cast(Json, config or {})
    for name in ("maxTokens", "max_new_tokens"):
        if limits.get(name) is not None:
            _whole_number(limits[name], f"#/inferenceConfig/{name}", 1)
    _strings(limits.get("stopSequences"), "#/inferenceConfig/stopSequences")
    tools = body.get("toolConfig")
    if tools is not None and not isinstance(tools, dict):
        raise malformed("#/toolConfig: expected type: JSONObject")
    _dictionaries(cast(Json, tools or {}).get("tools"), "#/toolConfig/tools")


def malformed(fault: str) -> Exception:
    """A ValidationException in the words of Bedrock's JSON-schema validator."""
    return invalid(f"Malformed input request: {fault}, please reformat your input and try again.")


def _whole_number(value: Any, place: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"{place}: Input should be a valid integer")
    if value < least:
        raise invalid(f"{place}: Input should be greater than or equal to {least}")


def _strings(value: Any, place: str) -> None:
    items = cast(list[Any], value) if isinstance(value, list) else []
    if value is not None and (not isinstance(value, list) or not all(isinstance(item, str) for item in items)):
        raise invalid(f"{place}: Input should be a valid list of strings")


def _dictionaries(value: Any, place: str) -> None:
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list):
        raise invalid(f"{place}: Input should be a valid list")
    for number, item in enumerate(cast(list[Any], value)):
        if not isinstance(item, dict):
            raise invalid(f"{place}.{number}: Input should be a valid dictionary")
