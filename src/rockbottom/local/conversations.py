"""What a Converse conversation must look like beyond its shapes: roles, empty content, documents, tools.

Wordings recorded in public issue threads: langgenius/dify 12340 and 17545, langchain-ai/langchain-aws 130 and 403,
aws-samples/bedrock-engineer 8, archestra-ai/archestra 4220, anomalyco/opencode 45620, aws/aws-sdk-net 3377,
kirodotdev/Kiro 11026. Names of documents with underscores were accepted (langchain-aws cassettes, 2026). The limits
of images and documents are the service model's (botocore bedrock-runtime, Message); their wording was not recorded and
is ours, which docs/reference/local-endpoint.md says.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from rockbottom.catalog import limit
from rockbottom.dialects import named_tier
from rockbottom.figures import bare
from rockbottom.local.accepted import (
    check_fields,
    check_media,
    check_prefill,
    check_tier,
    may_begin_with_assistant,
)
from rockbottom.local.failures import invalid
from rockbottom.local.native import check_temperature, check_thinking, check_thinking_limits

Json = dict[str, Any]

_MODEL_SAYS = "The model returned the following errors: "
_DOCUMENT_NAME = re.compile(r"[A-Za-z0-9_\s\-()\[\]]+")


def check_conversation(body: Json, model: str) -> None:
    """Raise the ValidationException of the first rule that a Converse body to a model (its bare id) breaks."""
    messages: Sequence[Json] = body.get("messages") or ()
    _check_roles(messages, may_begin_with_assistant(model))
    check_media(messages, model)
    check_tier(named_tier(body) or "default")
    config: Json = body.get("toolConfig") or {}
    if model.startswith("anthropic."):
        fields: Json = body.get("additionalModelRequestFields") or {}
        if fields:
            check_fields(fields)
        choice: Json = config.get("toolChoice") or {}
        check_thinking(fields.get("thinking"), forced="any" in choice or "tool" in choice)
        limits: Json = body.get("inferenceConfig") or {}
        temperature = limits.get("temperature", fields.get("temperature"))
        if temperature is not None:
            check_temperature(model, temperature, fields.get("thinking"), lead=_MODEL_SAYS)
        if "thinking" in fields:
            most = limits.get("maxTokens")
            check_thinking_limits(fields["thinking"], most, temperature, tools=bool(config), lead=_MODEL_SAYS)
    uses_tools = False
    for number, message in enumerate(messages):
        content = message["content"]
        if len(content) == 1 and content[0].get("text"):  # most messages are one text
            continue
        uses_tools = _check_content(number, message) or uses_tools
    for place, block in enumerate(body.get("system") or ()):
        if block.get("text") == "":
            raise invalid(
                f"The text field in the SystemContentBlock object at system.{place} is blank. "
                "Add text to the text field, and try again."
            )
    check_prefill(messages, model, lead=_MODEL_SAYS)
    tools: Any = config.get("tools") or ()
    if uses_tools:
        if not tools:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        _check_pairs(messages)
    _check_tools(tools)


def _check_roles(messages: Sequence[Json], any_begins: bool) -> None:
    roles = _roles(messages)
    if not roles or (roles[0] != "user" and not any_begins):
        raise invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )


def _roles(messages: Sequence[Json]) -> list[str]:
    return [message["role"] for message in messages if message["role"] != "system"]


def check_alternation(messages: Sequence[Json]) -> None:
    """Raise for two messages of one role in a row, where the service does not combine them into one turn."""
    if any(first == second for first, second in pairwise(_roles(messages))):
        raise invalid(
            "A conversation must alternate between user and assistant roles. "
            "Make sure the conversation alternates between user and assistant roles and try again."
        )


def _check_content(number: int, message: Json) -> bool:
    """Check one message; says whether it holds tool calls or results."""
    content = message["content"]
    if not content:
        raise invalid(
            f"The content field in the Message object at messages.{number} is empty. "
            "Add a ContentBlock object to the content field and try again."
        )
    images = documents = 0
    texts = tools = False
    for place, block in enumerate(content):
        if "text" in block:
            texts = True
            if block["text"] == "":
                raise invalid(
                    f"The text field in the ContentBlock object at messages.{number}.content.{place} is "
                    "blank. Add text to the text field, and try again."
                )
        elif "image" in block:
            images += 1
            _check_size(block["image"], "image_bytes", f"messages.{number}.content.{place}.image")
        elif "document" in block:
            documents += 1
            _check_document(block["document"], f"messages.{number}.content.{place}.document")
        elif _is_run_by_caller(block):
            tools = True
    if images or documents:
        _check_media(number, message["role"], images, documents, texts)
    return tools


def _check_media(number: int, role: str, images: int, documents: int, texts: bool) -> None:
    if role != "user":
        raise invalid(f"messages.{number}: images and documents are accepted only in messages of the user role.")
    for count, what in ((images, "images"), (documents, "documents")):
        if count > limit(f"message_{what}"):
            raise invalid(f"messages.{number}: {count} {what}; a message holds at most {limit(f'message_{what}')}.")
    if documents and not texts:
        raise invalid("A text block must be included when using documents.")


def _check_document(document: Json, place: str) -> None:
    name = document["name"]
    if not _DOCUMENT_NAME.fullmatch(name) or re.search(r"\s\s", name):
        raise invalid(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, "
            "parentheses, and square brackets. The name can't contain more than one consecutive whitespace "
            "character."
        )
    _check_size(document, "document_bytes", place)


def _check_size(media: Json, what: str, place: str) -> None:
    source: Any = media.get("source") or {}
    raw = source.get("bytes")
    if isinstance(raw, str) and len(raw) // 4 * 3 > limit(what):
        raise invalid(f"{place}: {len(raw) // 4 * 3} bytes; the limit is {bare(limit(what) / (1 << 20))} MB.")


def _turns(messages: Sequence[Json]) -> Iterator[tuple[int, list[Json]]]:
    """The turns of user and assistant: each with the number of its first message and the blocks of all of them."""
    spoken = ((number, message) for number, message in enumerate(messages) if message["role"] != "system")
    for _, turn in groupby(spoken, key=lambda numbered: numbered[1]["role"]):
        listed = list(turn)
        yield listed[0][0], [block for _, message in listed for block in message["content"]]


def _check_pairs(messages: Sequence[Json]) -> None:
    waiting: list[str] = []
    for number, blocks in _turns(messages):
        content = [block for block in blocks if _is_run_by_caller(block)]
        answered = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
        if len(answered) > len(waiting):
            raise invalid(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number of toolUse "
                "blocks of previous turn."
            )
        missing = [identity for identity in waiting if identity not in answered]
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids: {', '.join(missing)}"
            )
        waiting = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]


def _is_run_by_caller(block: Json) -> bool:
    """Whether a block is a tool's use or result, and not of one that the service ran (those have a ``type``)."""
    tool = block.get("toolUse") or block.get("toolResult")
    return tool is not None and not tool.get("type")


def _check_tools(tools: Sequence[Json]) -> None:
    for place, tool in enumerate(tools):
        spec = tool.get("toolSpec")
        if spec is not None and not isinstance(spec["inputSchema"].get("json"), dict):
            raise invalid(
                f"The format of the value at toolConfig.tools.{place}.toolSpec.inputSchema.json is invalid. "
                "Provide a json object for the field and try again."
            )
        if spec is not None and spec["inputSchema"]["json"].get("type") != "object":
            raise invalid(
                f"The value at toolConfig.tools.{place}.toolSpec.inputSchema.json.type must be one of the following: "
                "object."
            )
