"""OpenAI's Chat Completions over HTTP: bodies, points, counters and streams, for every vendor that Bedrock serves so.

A message of the system at the start is the system section; what a tool answered is a message of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rockbottom.catalog import Model, surface_of
from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import Weighed
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_POINT
from rockbottom.dialects.openai import (
    MARK,
    OpenAI,
    as_json,
    by_message,
    counters,
    implicit_of,
    input_of,
    instructs,
    is_marked,
    leading,
    marked_parts,
    name_of,
    parameters_of,
    read_messages,
    read_parts,
    read_tools,
    text_of,
    unspelled_choice,
    unspelled_effort,
    unspelled_format,
    unspelled_parts,
    unspelled_tool,
    usage_with,
    without_marks,
)
from rockbottom.dialects.sse import SseCounts
from rockbottom.dialects.streams import StreamCounts
from rockbottom.prompt import (
    Api,
    BlockKind,
    MalformedBody,
    Meter,
    Placement,
    Prompt,
    Section,
    json_bytes,
    list_at,
)
from rockbottom.quantities import Usage, is_object
from rockbottom.wire import DONE, SSE_TYPE, Event, Json, sse_frame


def _read_message(assembly: Assembly, message: Any, number: int, section: Section = Section.MESSAGES) -> bytes | None:
    place = f"messages[{number}]"
    if not is_object(message):
        raise MalformedBody(place, type(message).__name__, wanted="an object")
    content, role = message.get("content"), str(message.get("role", ""))
    named = name_of(message, content) if section is Section.MESSAGES else None
    key = None
    if named is not None:
        key = assembly.recall(named, section, role, number)
        if key is None:
            return named
    else:
        assembly.begin_list(section)
    start = len(assembly.segments)
    if role == "tool":
        _add_result(assembly, message, number)
    else:
        read_parts(assembly, content, section, role, number, place)
        _add_calls(assembly, message.get("tool_calls"), number, len(assembly.segments) - start)
    if key is not None and len(assembly.segments) > start:
        assembly.meter.keep_segments(key, tuple(assembly.segments[start:]))
    return named


def _add_calls(assembly: Assembly, calls: Any, number: int, index: int) -> None:
    for call in calls or ():
        weighed = Weighed(BlockKind.TOOL_USE, *as_json(assembly.meter, call, "tool_calls", "assistant"))
        assembly.add(weighed, Section.MESSAGES, "assistant", number, index)
        index += 1


def _add_result(assembly: Assembly, message: Mapping[str, Any], number: int) -> None:
    content = message.get("content")
    result = [message.get("tool_call_id"), without_marks(content)]
    weighed = Weighed(BlockKind.TOOL_RESULT, *as_json(assembly.meter, result, "tool", "tool"))
    assembly.add(weighed, Section.MESSAGES, "tool", number, 0)
    if is_marked(content):
        assembly.add_point({}, Section.MESSAGES, number, 0, decorates=True)


COUNTERS = counters("prompt", "completion")


class Chat(OpenAI):
    """Chat Completions, streamed or not."""

    name = "chat"
    lead = 1
    api = Api.CHAT
    vendor = None
    operations = ("ChatCompletions", "ChatCompletionsStream")
    paths: Mapping[str, str] = dict.fromkeys(("/openai/v1/chat/completions", "/v1/chat/completions"), operations[0])
    required = ("model", "messages")
    messages = "messages"
    counters = COUNTERS
    stream_type = SSE_TYPE

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read."""
        assembly = Assembly(meter)
        read_tools(assembly, list_at(body, "tools", "tools"))
        messages: Sequence[Any] = tuple(list_at(body, "messages", "messages"))
        system = leading(messages)
        for number, message in enumerate(messages[:system]):
            _read_message(assembly, message, number, Section.SYSTEM)
        read_messages(assembly, messages, system, _read_message)
        parameters = parameters_of(body, body.get("reasoning_effort"), body.get("response_format"))
        return assembly.prompt(self.api, parameters, implicit_of(body))

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with points on the parts named; texts become parts."""
        messages = list(body["messages"])
        for number, indexes in by_message(placements, prompt.segments).items():
            message = messages[number]
            messages[number] = {**message, "content": marked_parts(message["content"], indexes, "text")}
        return {**body, "messages": messages}

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body as one of these; the model is the caller's to name."""
        config: Mapping[str, Any] = converse.get("inferenceConfig") or {}
        tools: Mapping[str, Any] = converse.get("toolConfig") or {}
        messages: list[Json] = []
        if system := _spelled_parts(converse.get("system") or ()):
            messages.append({"role": "system", "content": system})
        for message in converse["messages"]:
            messages += _spelled_message(message)
        body: dict[str, Any] = {"messages": messages}
        if config.get("maxTokens") is not None:
            body["max_completion_tokens"] = config["maxTokens"]
        body |= {ours: config[theirs] for theirs, ours in _LIMITS.items() if theirs in config}
        if listed := [_spelled_tool(tool) for tool in tools.get("tools") or () if "toolSpec" in tool]:
            body["tools"] = listed
        return body

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's, as far as an answer depends on it."""
        stop = body.get("stop")
        limits = {
            "maxTokens": body.get("max_completion_tokens") or body.get("max_tokens"),
            "stopSequences": [stop] if isinstance(stop, str) else stop,
        }
        messages: Sequence[Any] = body.get("messages") or ()
        converse: dict[str, Any] = {
            "inferenceConfig": {name: value for name, value in limits.items() if value is not None},
            "system": [{"text": text_of(message.get("content"))} for message in messages if instructs(message)],
            "messages": [_unspelled_message(message) for message in messages if not instructs(message)],
            **unspelled_format(body.get("response_format")),
            **unspelled_effort(body.get("reasoning_effort")),
        }
        functions: list[Any] = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
        choice = body.get("tool_choice")
        if functions and choice != "none":
            tools: list[Json] = [unspelled_tool(function) for function in functions]
            converse["toolConfig"] = {"tools": tools, "toolChoice": unspelled_choice(choice)}
        return converse

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The texts and tool uses of a whole reply in Converse's blocks, and why it stopped."""
        from rockbottom.dialects.chat_replies import told_message

        return told_message(reply)

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """``usage`` of a reply. Which models give details was recorded (see catalog/data/surfaces.toml)."""
        reply_usage = usage_with(usage, "prompt", "completion")
        if surface_of(model).chat_details:
            reply_usage["prompt_tokens_details"] = {
                "audio_tokens": 0,
                "cache_write_tokens": usage.cache_write,
                "cached_tokens": usage.cache_read,
            }
            reply_usage["completion_tokens_details"] = {
                "accepted_prediction_tokens": 0,
                "audio_tokens": 0,
                "reasoning_tokens": 0,
                "rejected_prediction_tokens": 0,
            }
        return reply_usage

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's as one of these."""
        from rockbottom.dialects.chat_replies import chat_answer

        return chat_answer(reply, exchange)

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The chunks of a whole reply, its usage in one of its own at the end."""
        from rockbottom.dialects.chat_replies import chat_chunks

        return chat_chunks(reply, piece_chars)

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The frames of its events; the usage only where it was asked for, as OpenAI's API has it."""
        options = body.get("stream_options")
        counted = is_object(options) and options.get("include_usage") is True
        for name, chunk in events:
            if name != "usage" or counted:
                yield sse_frame(json_bytes(chunk))
        yield sse_frame(DONE)

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of its chunks. Raises TruncatedStream when the stream has no end."""
        from rockbottom.dialects.chat_replies import chat_reply

        return chat_reply(chunk for _, chunk in events)

    def counting(self) -> StreamCounts:
        """What picks the counts out of one stream."""
        return _Counting(COUNTERS.counts)


class _Counting(SseCounts):
    def look(self, name: str, payload: Mapping[str, Any]) -> None:
        counts = self._counted(payload.get("usage"))
        if counts is not None:
            self.counts = counts
        elif payload.get("error") is not None:
            self.failed = True

    def tells(self, data: bytes) -> bool:
        return b'"usage"' in data or b'"error"' in data


_LIMITS = {"temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}


def _spelled_tool(tool: Mapping[str, Any]) -> Json:
    spec = tool["toolSpec"]
    described = {"description": spec["description"]} if spec.get("description") else {}
    function = {"name": spec["name"], **described, "parameters": spec["inputSchema"]["json"]}
    return {"type": "function", "function": function}


def _spelled_parts(blocks: Iterable[Json], kind: str = "text") -> list[Json]:
    """Texts as parts, a point on the part that it closes; a point after what is no text has no form here."""
    parts: list[Json] = []
    for block in blocks:
        if CACHE_POINT in block:
            if parts:
                parts[-1] = {**parts[-1], MARK: {"mode": "explicit"}}
        elif "text" in block:
            parts.append({"type": kind, "text": block["text"]})
        elif "toolUse" not in block and "toolResult" not in block:
            member = next(iter(block), "empty")
            raise MalformedBody("content", f"a {member} block", wanted="one that Chat Completions has a form of")
    return parts


def _spelled_message(message: Mapping[str, Any]) -> Iterator[Json]:
    role, blocks = message["role"], message["content"]
    for block in blocks:
        if "toolResult" in block:
            result = block["toolResult"]
            text = "".join(part["text"] if "text" in part else _json(part.get("json")) for part in result["content"])
            yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": text}
    parts = _spelled_parts(blocks)
    calls = [
        {
            "id": block["toolUse"]["toolUseId"],
            "type": "function",
            "function": {"name": block["toolUse"]["name"], "arguments": _json(block["toolUse"]["input"])},
        }
        for block in blocks
        if "toolUse" in block
    ]
    if parts or calls:
        yield {"role": role, "content": parts or None, **({"tool_calls": calls} if calls else {})}


def _json(value: Any) -> str:
    return json_bytes(value).decode("utf-8", "surrogatepass")


def _unspelled_message(message: Mapping[str, Any]) -> Json:
    if message.get("role") == "tool":
        content = [{"text": text_of(message.get("content"))}]
        return {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": message.get("tool_call_id"), "content": content}}],
        }
    blocks = unspelled_parts(message.get("content"))
    for call in message.get("tool_calls") or ():
        function: Mapping[str, Any] = call.get("function") or {}
        use = {"toolUseId": call.get("id"), "name": function.get("name"), "input": input_of(function.get("arguments"))}
        blocks.append({"toolUse": use})
    return {"role": message.get("role"), "content": blocks}


CHAT = Chat()
