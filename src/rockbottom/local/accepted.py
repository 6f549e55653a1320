"""What a model accepts of what the service model allows: media by place, who begins, members of Anthropic's bodies.

The rules are data (``data/accepted.toml``), each with its source.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from rockbottom.dialects import CACHE_CONTROL
from rockbottom.files import packaged
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
_DATE = re.compile(r"-?20\d\d-?\d\d-?\d\d$")
_MEDIA = ("image", "document", "video", "audio")


_data = partial(packaged, "local", "accepted")


@cache
def _media_rules(model: str) -> tuple[Json, ...]:
    return tuple(row for row in _data()["media"] if model.startswith(row["model"]))


@cache
def may_begin_with_assistant(model: str) -> bool:
    """Whether a conversation with the model (its bare id) may begin with the assistant."""
    return any(model.startswith(row["model"]) for row in _data()["begins_with_assistant"])


@cache
def _prefill_refusal(model: str) -> str | None:
    return next((row["text"] for row in _data()["no_prefill"] if model.startswith(row["model"])), None)


def check_prefill(messages: Sequence[Mapping[str, Any]], model: str, *, lead: str = "") -> None:
    """Raise for messages that end with the assistant's, where the model goes on from none; ``lead`` begins the text."""
    if messages[-1].get("role") == "assistant" and (text := _prefill_refusal(model)) is not None:
        raise invalid(f"{lead}{text}")


def least_top_p() -> float:
    """The least ``top_p`` that Claude takes beside thinking."""
    return _data()["thinking"]["least_top_p"]


def thinking_refused(model: str, kind: str) -> str:
    """The words in which a model (its bare id) refuses a kind of thinking; "" where it takes it."""
    rules = _data()["thinking"]["refused"]
    return next((row["text"] for row in rules if row["type"] == kind and model.startswith(tuple(row["models"]))), "")


def check_media(messages: Iterable[Mapping[str, Any]], model: str) -> None:
    """Raise the ValidationException of the first block of a Converse body that the model does not take."""
    rules = _media_rules(model)
    if not rules:
        return
    for message, fields in enumerate(messages):
        for index, block in enumerate(fields.get("content") or ()):
            if "text" in block:  # nearly every block: not worth a generator
                continue
            for place, name, media in _media_of(block):
                for rule in rules:
                    if _matches(rule, place, name, media):
                        raise invalid(rule["text"].format(message=message, index=index, block=name))


def _media_of(block: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    result = block.get("toolResult")
    parts = result.get("content") or () if is_object(result) else (block,)
    for part in parts:
        for name in _MEDIA:
            media = part.get(name)
            if is_object(media):
                yield "message" if part is block else "toolResult", name, media


def _matches(rule: Json, place: str, name: str, media: Mapping[str, Any]) -> bool:
    source = media.get("source")
    media_source = rule.get("media_source")
    return (
        rule["block"] == name
        and rule.get("place", place) == place
        and (media_source is None or (is_object(source) and media_source in source))
    )


def check_members(body: Mapping[str, Any]) -> None:
    """Raise the ValidationException of an Anthropic body with a member that the API does not know."""
    known = _data()["anthropic_members"]
    allowed = [*known["body"], *known["bedrock"], *(known["beta"] if body.get("anthropic_beta") else ())]
    _extra(body, allowed, "")
    for number, tool in enumerate(_objects(body.get("tools"))):
        kind = str(tool.get("type") or "custom")
        _check_tag(kind, number)
        if kind == "custom":
            _extra(tool, known["tool"], f"tools.{number}.custom.")
            _check_control(tool, f"tools.{number}.custom.", known)
    _check_blocks(body.get("system"), "system", known)
    for number, message in enumerate(_objects(body.get("messages"))):
        _extra(message, known["message"], f"messages.{number}.")
        _check_blocks(message.get("content"), f"messages.{number}.content", known)


def check_message_members(body: Mapping[str, Any], betas: str) -> None:
    """Raise ServiceFailure for what Messages does not know: a beta that its header names, a member, a type of tool."""
    names = [name.strip() for name in betas.split(",") if name.strip()]
    rules = _data()["betas"]
    unknown = next((name for name in names if _DATE.sub("", name) not in rules["known"]), None)
    if unknown is not None:
        raise invalid(rules["unknown"].format(name=unknown))
    known = _data()["anthropic_members"]
    with_beta = names or "anthropic_beta" in body
    _extra(body, [*known["body"], *known["messages"], *(known["beta"] if with_beta else ())], "")
    for number, tool in enumerate(_objects(body.get("tools"))):
        kind = str(tool.get("type") or "custom")
        beta = next((beta for start, beta in rules["tools"].items() if kind.startswith(start)), None)
        if beta is not None and not any(name.startswith(beta) for name in names):
            raise _mismatched(kind, number)


def check_fields(fields: Mapping[str, Any]) -> None:
    """As ``check_members``, of the ``additionalModelRequestFields`` of Converse, which reach the same validator."""
    known = _data()["anthropic_members"]
    allowed = [*known["body"], *(known["beta"] if fields.get("anthropic_beta") else ())]
    _extra(fields, allowed, "The model returned the following errors: ")


def check_tier(tier: str) -> None:
    """Raise the ValidationException of a service tier that does not exist, or that needs a reservation."""
    rules = _data()["tiers"]
    if tier not in rules["known"]:
        raise invalid(rules["unknown"])
    if tier in rules["reserved"]:
        raise invalid(rules["unreserved"])


def _check_blocks(content: Any, place: str, known: Json) -> None:
    for index, block in enumerate(_objects(content)):
        kind = block.get("type")
        members = known.get(kind) if isinstance(kind, str) else None
        if is_list(members):
            _extra(block, members, f"{place}.{index}.{kind}.")
        _check_control(block, f"{place}.{index}.", known)


def _check_control(block: Mapping[str, Any], place: str, known: Json) -> None:
    control = block.get(CACHE_CONTROL)
    if is_object(control):
        _extra(control, known[CACHE_CONTROL], f"{place}{CACHE_CONTROL}.ephemeral.")


def _check_tag(kind: str, number: int) -> None:
    if kind.startswith(tuple(_data()["server_tools"]["types"])):
        raise _mismatched(kind, number)


def _mismatched(kind: str, number: int) -> ServiceFailure:
    expected = ", ".join(f"'{tag}'" for tag in _data()["server_tools"]["expected"])
    return invalid(
        f"tools.{number}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
    )


def _extra(fields: Mapping[str, Any], allowed: Collection[Any], place: str) -> None:
    for name in fields:
        if name not in allowed:
            raise invalid(f"{place}{name}: Extra inputs are not permitted")


def _objects(items: Any) -> Iterator[Mapping[str, Any]]:
    for item in items if is_list(items) else ():
        if is_object(item):
            yield item
