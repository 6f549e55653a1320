"""What the surfaces refuse: a model on the wrong path, parameters that it does not take, items that nobody reads.

Words are those recorded (sample-per-model-bedrock, vercel-ai-mantle, litellm 38489); where a source gives only that
something is refused, they are OpenAI's or Anthropic's own, which docs/reference/local-endpoint.md says.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rockbottom.catalog import MANTLE, RUNTIME, Model, Surface, limit, surface_of
from rockbottom.dialects import GUARDRAIL_CONFIG, SurfaceRoute, named_tier
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.prompt import Api
from rockbottom.quantities import is_list, is_object

Json = Mapping[str, Any]
_DEFAULT_PROJECT = r"default|arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d{12}:project/default"
_KNOWN_TIERS = ("auto", "default", "flex", "priority")
_UNREAD = ("agent_message", "context_compaction", "local_shell_call")
_TOOLS = {
    RUNTIME: ("function", "mcp", "custom", "apply_patch", "namespace", "tool_search", "computer"),
    MANTLE: ("function", "mcp", "custom", "namespace", "tool_search", "web_search"),
}


def check_place(route: SurfaceRoute, api: Api, name: str, surface: Surface) -> None:
    """Raise for a model that this path does not serve."""
    host = route.host or MANTLE
    elsewhere = host == MANTLE and route.family != surface.mantle_path
    if api.value in surface.apis(host) and elsewhere and route.family == "/v1":
        raise invalid(f"model `{name}` isn't supported on this route")
    if api.value not in surface.apis(host) or elsewhere:
        words = f"The model '{name}' does not support the '{route.path}' API"
        # On bedrock-runtime an id with a version, which bedrock-mantle does not know, is not found on Responses
        # (gpt-oss, Qwen3), another one refused (GLM, DeepSeek); models of neither are not found (00-foundations/04).
        if host == RUNTIME and (not surface.runtime or (api is Api.RESPONSES and ":" in name)):
            raise ServiceFailure("ResourceNotFoundException", words)
        raise invalid(words)


def check_headers(route: SurfaceRoute, headers: Mapping[bytes, bytes]) -> None:
    """Raise for a project, and a signature without the hash of the body, that bedrock-runtime does not take.

    "Runtime takes only ``default`` or the own default ARN" (inference-responses-api, workspaces); a 401 for
    UNSIGNED-PAYLOAD, which bedrock-mantle accepts (a provider survey of 2026-09-25). Words are ours.
    """
    if route.host == RUNTIME and headers.get(b"x-amz-content-sha256") == b"UNSIGNED-PAYLOAD":
        raise ServiceFailure("UnauthorizedException", "The signature does not cover the body (UNSIGNED-PAYLOAD).")
    project = headers.get(b"openai-project", b"default").decode("latin-1")
    if route.host == RUNTIME and not route.of_anthropic and not re.fullmatch(_DEFAULT_PROJECT, project):
        raise invalid(f"Invalid 'OpenAI-Project': '{project}'. Only the default project is supported.")


def check_parameters(route: SurfaceRoute, api: Api, body: Json, model: Model, surface: Surface) -> None:
    """Raise for the first member of a body that the model does not take there."""
    for member, words in surface.refuses.get(api.value, {}).items():
        if body.get(member) is not None and not (member == "temperature" and _thinks(body)):
            raise invalid(words)  # beside thinking a temperature is refused in the words for that
    tier = named_tier(body)
    if tier is not None and tier not in surface.tiers:
        if api is not Api.MESSAGES and tier not in _KNOWN_TIERS:
            raise invalid(f"Invalid value: '{tier}'. Supported values are: 'auto', 'default', 'flex', and 'priority'.")
        raise invalid(f"service_tier '{tier}' is not supported for this model.")
    if api is Api.MESSAGES:
        _check_messages(route, body)
        return
    _check_caching(body, surface)
    if api is Api.CHAT:
        _check_chat(body, model)
    else:
        _check_responses(route, body, surface)
    _check_efforts(body, surface)


def _check_caching(body: Json, surface: Surface) -> None:
    options = body.get("prompt_cache_options")
    if options is None or surface.options == "ignored":
        return
    if surface.options == "refused":
        raise invalid("prompt_cache_options is not supported on this model")
    if not is_object(options):
        raise invalid("Invalid type for 'prompt_cache_options': expected an object.")
    for member, values in (("ttl", ("30m",)), ("mode", ("implicit", "explicit"))):
        value = options.get(member)
        if value is not None and value not in values:
            known = " and ".join(f"'{accepted}'" for accepted in values)
            raise invalid(f"Invalid value: '{value}'. Supported values are: {known}.")


def _check_efforts(body: Json, surface: Surface) -> None:
    reasoning = body.get("reasoning")
    effort = reasoning.get("effort") if is_object(reasoning) else body.get("reasoning_effort")
    if effort is not None and surface.efforts and effort not in surface.efforts:
        *known, last = (f"'{level}'" for level in surface.efforts)
        raise invalid(
            f"Unsupported value: '{effort}' is not supported with the '{body['model']}' model. "
            f"Supported values are: {', '.join(known)}, and {last}."
        )


def _check_chat(body: Json, model: Model) -> None:
    messages = body["messages"]
    if not is_list(messages) or not messages:
        raise invalid("Invalid 'messages': expected a list of at least one message.")
    for number, message in enumerate(messages):
        if not is_object(message) or not isinstance(message.get("role"), str):
            raise invalid(f"Invalid 'messages[{number}]': expected an object with a role.")
    if body.get("tools") and surface_of(model).tools_or_effort and body.get("reasoning_effort") not in (None, "none"):
        raise invalid(
            f"Function tools with reasoning_effort are not supported for {body['model']} in /v1/chat/completions. "
            "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        )


def _check_responses(route: SurfaceRoute, body: Json, surface: Surface) -> None:
    if body.get("background") and route.host == RUNTIME:
        raise invalid("The background parameter is not supported.")
    if GUARDRAIL_CONFIG in body:
        raise invalid(f"Unknown parameter: '{GUARDRAIL_CONFIG}'.")
    output_tokens = body.get("max_output_tokens")
    least = limit("responses_output_tokens")
    if output_tokens is not None and (type(output_tokens) is not int or output_tokens < least):
        raise invalid(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {least}, "
            f"but got {output_tokens} instead."
        )
    for tool in _objects(body.get("tools")):
        if tool.get("type") not in _TOOLS[route.host or MANTLE]:
            raise invalid(f"Unsupported tool type: '{tool.get('type')}'.")
        if tool.get("type") == "web_search" and not surface.web_search:
            raise invalid(f"Tool type 'web_search' is not supported for model `{body['model']}`.")
    choice = body.get("tool_choice")
    if surface.tool_choices and isinstance(choice, str) and choice not in surface.tool_choices:
        known = ", ".join(f'"{option}"' for option in surface.tool_choices)
        raise invalid(
            f"The model '{body['model']}' does not support tool_choice '\"{choice}\"' for {route.path} API. "
            f"Supported options: [{known}]"
        )
    for item in _objects(body.get("input")):
        if item.get("type") in _UNREAD:
            raise invalid("Invalid 'input': value did not match any expected variant")
        if route.host == RUNTIME:
            _check_images(item)


def _check_images(item: Json) -> None:
    for part in _objects(item.get("content")):
        url = part.get("image_url")
        if part.get("type") == "input_image" and isinstance(url, str) and not url.startswith(("data:", "s3://")):
            raise invalid("Invalid 'image_url': only data and s3:// URLs are supported.")


def _thinks(body: Json) -> bool:
    thinking = body.get("thinking")
    return is_object(thinking) and thinking.get("type") in ("enabled", "adaptive")


def _check_messages(route: SurfaceRoute, body: Json) -> None:
    config = body.get("output_config")
    if route.host == MANTLE and is_object(config) and "format" in config:
        raise invalid("output_config.format: Extra inputs are not permitted")
    for member in ("fallbacks", GUARDRAIL_CONFIG):
        if member in body:
            raise invalid(f"{member}: Extra inputs are not permitted")


def missing(route: SurfaceRoute, member: str) -> ServiceFailure:
    """The refusal of a body that lacks a member."""
    words = f"{member}: Field required" if route.of_anthropic else f"Missing required parameter: '{member}'."
    return invalid(words)


def _objects(listed: object) -> Iterable[Json]:
    return (item for item in listed if is_object(item)) if is_list(listed) else ()
