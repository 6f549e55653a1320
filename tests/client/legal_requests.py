"""Random requests that the service accepts as they are: conversations of any kind of block, in three dialects.

All chance comes from ``dice``, so that a seed names a conversation.
"""

import base64
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Json = dict[str, Any]
Talk = list[Json]

TEXT_FORMATS = ("txt", "md", "csv", "html")
BINARY_FORMATS = ("pdf", "docx", "xlsx")
SIZES = (1, 1, 4, 4, 12, 12, 60, 60, 250, 250, 1000, 3000)  # words: three of the long ones pass every minimum
WIDTHS = (1, 1, 1, 2, 3, 8, 14, 26)  # blocks of a turn: some reach further than the lookback
PIXEL = b"\x89PNG\r\n\x1a\n"
SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}


def text(dice: Random) -> str:
    """Some words; each beginning is one of few, so that conversations share prefixes now and then."""
    return f"Part {dice.randint(0, 3)}. " + "word " * dice.choice(SIZES)


# -- Converse ------------------------------------------------------------------------------------------


def converse(dice: Random, model: str, *, claude: bool, explicit: bool, long: bool) -> Iterator[Json]:
    """The requests of one growing conversation, as arguments of ``converse()``."""
    request: Json = {"modelId": model, "inferenceConfig": {"maxTokens": 8}}
    tools = _tools(dice)
    if dice.random() < 0.7:
        request["system"] = [{"text": text(dice)} for _ in range(dice.randint(1, 3))]
        if dice.random() < 0.1:
            request["system"].append({"guardContent": {"text": {"text": text(dice)}}})
    if tools:
        request["toolConfig"] = {"tools": tools}
        if dice.random() < 0.3:
            request["toolConfig"]["toolChoice"] = dice.choice(({"auto": {}}, {"any": {}}))
    if claude and dice.random() < 0.3:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        request["additionalModelRequestFields"] = {"thinking": thinking}
        request["inferenceConfig"] = {"maxTokens": 1100}  # more than its budget
        if tools:
            request["toolConfig"].pop("toolChoice", None)  # thinking beside a forced tool is refused
    owned = _converse_owner(dice, claude, long) if explicit and dice.random() < 0.4 else None
    for talk in _talks(dice, bool(tools), claude, _converse_user, _converse_assistant):
        whole = {**request, "messages": talk}
        yield owned(whole) if owned else whole


def _tools(dice: Random) -> Talk:
    if dice.random() < 0.4:
        return []
    return [
        {"toolSpec": {"name": f"t{n}", "description": text(dice), "inputSchema": {"json": SCHEMA}}}
        for n in range(dice.randint(1, 6))
    ]


def _talks(
    dice: Random, tools: bool, claude: bool, user: Callable[..., Talk], assistant: Callable[..., tuple[Talk, list[str]]]
) -> Iterator[Talk]:
    """The message lists of a conversation, turn by turn; every call of a tool is answered in the next message."""
    talk: Talk = []
    asked: list[str] = []
    for turn in range(dice.choice((1, 2, 2, 3, 4))):
        if turn:
            said, asked = assistant(dice, turn, tools, claude)
            talk = [*talk, {"role": "assistant", "content": said}]
        talk = [*talk, {"role": "user", "content": user(dice, turn, asked, claude)}]
        yield talk


def _converse_user(dice: Random, turn: int, asked: list[str], claude: bool) -> Talk:
    blocks = [{"toolResult": {"toolUseId": name, "content": _result(dice)}} for name in asked]
    if asked and dice.random() < 0.6:
        return blocks
    extra: Talk = [{"text": text(dice)}]
    images = documents = 0
    for number in range(dice.choice(WIDTHS)):
        kind = dice.choice(("text", "text", "image", "pdf", "txt", "words", "guard", "search"))
        if kind == "image" and images < 20:
            images += 1
            extra.append({"image": {"format": "png", "source": {"bytes": PIXEL + bytes([number])}}})
        elif kind in ("pdf", "txt", "words") and documents < 5:
            documents += 1
            extra.append({"document": _document(dice, kind, f"d{turn}-{number}")})
        elif kind == "guard":
            extra.append({"guardContent": {"text": {"text": text(dice)}}})
        elif kind == "search" and claude:
            found = {"source": "https://example.org/a", "title": "A", "content": [{"text": text(dice)}]}
            extra.append({"searchResult": found})
        else:
            extra.append({"text": text(dice)})
    if dice.random() < 0.5:
        dice.shuffle(extra)
    return blocks + extra


def _result(dice: Random) -> Talk:
    kind = dice.choice(("text", "text", "json", "image", "several"))
    if kind == "json":
        return [{"json": {"found": text(dice)}}]
    if kind == "image":
        return [{"image": {"format": "png", "source": {"bytes": PIXEL}}}]
    return [{"text": text(dice)} for _ in range(3 if kind == "several" else 1)]


def _document(dice: Random, kind: str, name: str) -> Json:
    if kind == "words":
        return {"name": name, "format": "txt", "source": {"text": text(dice)}}
    kinds = BINARY_FORMATS if kind == "pdf" else TEXT_FORMATS
    document: Json = {"name": name, "format": dice.choice(kinds), "source": {"bytes": text(dice).encode()}}
    if dice.random() < 0.2:
        document["citations"] = {"enabled": True}
    return document


def _converse_assistant(dice: Random, turn: int, tools: bool, claude: bool) -> tuple[Talk, list[str]]:
    blocks: Talk = []
    if claude and dice.random() < 0.4:
        for _ in range(dice.randint(1, 2)):
            told = {"reasoningText": {"text": text(dice), "signature": "c2ln"}}
            blocks.append({"reasoningContent": told if dice.random() < 0.8 else {"redactedContent": b"hidden"}})
    if not blocks or dice.random() < 0.6:
        blocks += [{"text": text(dice)} for _ in range(dice.choice(WIDTHS))]
    if not tools or dice.random() < 0.3:
        return blocks, []
    names = [f"u{turn}x{number}" for number in range(dice.choice(WIDTHS))]
    blocks += [{"toolUse": {"toolUseId": name, "name": "t0", "input": {"q": text(dice)[:300]}}} for name in names]
    return blocks, names


def _converse_owner(dice: Random, claude: bool, long: bool) -> Callable[[Json], Json]:
    """Puts up to four points of the caller's own where they are accepted: one way for a whole conversation."""
    places = dice.sample(("tools", "system", "first", "tail"), dice.randint(1, 4))
    hours = dice.randint(0, 4) if long else 0

    def owned(request: Json) -> Json:
        new, count = dict(request), 0

        def point() -> Json:
            nonlocal count
            count += 1
            ttl = {"ttl": "1h"} if count <= hours else dice.choice(({}, {"ttl": "5m"})) if long else {}
            return {"cachePoint": {"type": "default", **ttl}}

        if "tools" in places and claude and "toolConfig" in new:
            new["toolConfig"] = {**new["toolConfig"], "tools": [*new["toolConfig"]["tools"], point()]}
        if "system" in places and "system" in new and "text" in new["system"][-1]:
            new["system"] = [*new["system"], point()]
        for place, number in (("first", 0), ("tail", len(new["messages"]) - 1)):
            if place in places and (number or place == "first"):
                new["messages"] = _with_point(new["messages"], number, claude, point)
        return new

    return owned


def _with_point(messages: Talk, number: int, claude: bool, point: Callable[[], Json]) -> Talk:
    content = messages[number]["content"]
    takes = ("text", "image", "toolResult") if claude else ("text",)
    for index in range(len(content), 0, -1):
        if next(iter(content[index - 1])) in takes:
            changed = {**messages[number], "content": [*content[:index], point(), *content[index:]]}
            return [*messages[:number], changed, *messages[number + 1 :]]
    return messages


# -- InvokeModel ---------------------------------------------------------------------------------------


def anthropic(dice: Random, model: str, *, long: bool) -> Iterator[Json]:
    """The requests of one growing conversation, as arguments of ``invoke_model()`` on Claude."""
    body: Json = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 8}
    tools = [
        {"name": f"t{n}", "description": text(dice), "input_schema": SCHEMA} for n in range(dice.choice((0, 0, 1, 4)))
    ]
    if tools:
        body["tools"] = tools
    if dice.random() < 0.7:
        blocks = [{"type": "text", "text": text(dice)} for _ in range(dice.randint(1, 3))]
        body["system"] = blocks if dice.random() < 0.6 else text(dice)
    if dice.random() < 0.3:
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        body["max_tokens"] = 1100
    owns = dice.random() < 0.4
    hours = dice.randint(0, 4) if long else 0
    as_bytes = dice.random() < 0.5
    for talk in _talks(dice, bool(tools), True, _anthropic_user, _anthropic_assistant):
        whole = {**body, "messages": [_plain(dice, message) for message in talk]}
        told = json.dumps(_anthropic_owned(whole, hours) if owns else whole)
        yield {"modelId": model, "body": told.encode() if as_bytes else told}


def _plain(dice: Random, message: Json) -> Json:
    """A message of one text, now and then as the plain string that the API also takes."""
    content = message["content"]
    if len(content) == 1 and content[0]["type"] == "text" and dice.random() < 0.3:
        return {**message, "content": content[0]["text"]}
    return message


def _anthropic_user(dice: Random, turn: int, asked: list[str], claude: bool) -> Talk:
    blocks: Talk = []
    for name in asked:
        inner = text(dice) if dice.random() < 0.5 else [{"type": "text", "text": text(dice)}]
        blocks.append({"type": "tool_result", "tool_use_id": name, "content": inner})
    if asked and dice.random() < 0.6:
        return blocks
    pixel = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PIXEL).decode()}
    paper = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.7 ...").decode()}
    for _ in range(dice.choice(WIDTHS)):
        kind = dice.choice(("text", "text", "text", "image", "pdf", "txt"))
        if kind == "image":
            blocks.append({"type": "image", "source": pixel})
        elif kind == "text":
            blocks.append({"type": "text", "text": text(dice)})
        else:
            words = {"type": "text", "media_type": "text/plain", "data": text(dice)}
            blocks.append({"type": "document", "source": paper if kind == "pdf" else words})
    return blocks


def _anthropic_assistant(dice: Random, turn: int, tools: bool, claude: bool) -> tuple[Talk, list[str]]:
    blocks: Talk = []
    if dice.random() < 0.4:
        blocks.append({"type": "thinking", "thinking": text(dice), "signature": "c2ln"})
        if dice.random() < 0.3:
            blocks.append({"type": "redacted_thinking", "data": "aGlkZGVu"})
    if not blocks or dice.random() < 0.6:
        blocks += [{"type": "text", "text": text(dice)} for _ in range(dice.choice(WIDTHS))]
    if not tools or dice.random() < 0.3:
        return blocks, []
    names = [f"u{turn}x{number}" for number in range(dice.choice(WIDTHS))]
    blocks += [{"type": "tool_use", "id": name, "name": "t0", "input": {"q": text(dice)[:300]}} for name in names]
    return blocks, names


def _anthropic_owned(body: Json, hours: int) -> Json:
    """The body with a point on the last tool, the system prompt and the first and last block that take one."""
    new, count = dict(body), 0

    def decorated(blocks: Talk, index: int) -> Talk:
        nonlocal count
        count += 1
        control = {"type": "ephemeral", **({"ttl": "1h"} if count <= hours else {})}
        return [*blocks[:index], {**blocks[index], "cache_control": control}, *blocks[index + 1 :]]

    for member in ("tools", "system"):
        if isinstance(new.get(member), list):
            new[member] = decorated(new[member], len(new[member]) - 1)
    for number in {0: None, len(new["messages"]) - 1: None}:
        content = new["messages"][number]["content"]
        if isinstance(content, list):
            message = {**new["messages"][number], "content": decorated(content, len(content) - 1)}
            new["messages"] = [*new["messages"][:number], message, *new["messages"][number + 1 :]]
    return new


def nova(dice: Random, model: str) -> Iterator[Json]:
    """The requests of one growing conversation, as arguments of ``invoke_model()`` on Nova."""
    body: Json = {"inferenceConfig": {"maxTokens": 8}}
    tools = _tools(dice)
    if tools:
        body["toolConfig"] = {"tools": tools}
    if dice.random() < 0.7:
        body["system"] = [{"text": text(dice)} for _ in range(dice.randint(1, 3))]
    owns = dice.random() < 0.4
    for talk in _talks(dice, bool(tools), False, _nova_user, _converse_assistant):
        whole = {**body, "messages": talk}
        if owns and "system" in whole:
            closing = {**whole["system"][-1], "cachePoint": {"type": "default"}}
            whole["system"] = [*whole["system"][:-1], closing]
        yield {"modelId": model, "body": json.dumps(whole)}


def _nova_user(dice: Random, turn: int, asked: list[str], claude: bool) -> Talk:
    blocks: Talk = [{"toolResult": {"toolUseId": name, "content": [{"text": text(dice)}]}} for name in asked]
    if asked and dice.random() < 0.6:
        return blocks
    pixel = {"image": {"format": "png", "source": {"bytes": base64.b64encode(PIXEL).decode()}}}
    return blocks + [pixel if dice.random() < 0.2 else {"text": text(dice)} for _ in range(dice.choice(WIDTHS))]
