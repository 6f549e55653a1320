"""OpenAI's Responses over HTTP: bodies, points, counters and streams.

``instructions`` and messages of the system at the start are the system section. A point stands on a part of a message
that the caller wrote, never on ``instructions``, tools or what the model gave out (aws-prompt-caching).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rockbottom.catalog import Model, surface_of
from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import Weighed
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_POINT
from rockbottom.dialects.openai import (
    ENDS,
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
from rockbottom.dialects.sse import SseCounts, is_error
from rockbottom.prompt import (
    Api,
    BlockKind,
    KeptByService,
    MalformedBody,
    Meter,
    Placement,
    Prompt,
    Section,
    json_bytes,
    list_at,
    object_at,
)
from rockbottom.quantities import Usage, is_object
from rockbottom.wire import SSE_TYPE, Event, Json, sse_frame

_KINDS = {
    "function_call": BlockKind.TOOL_USE,
    "custom_tool_call": BlockKind.TOOL_USE,
    "mcp_call": BlockKind.TOOL_USE,
    "function_call_output": BlockKind.TOOL_RESULT,
    "custom_tool_call_output": BlockKind.TOOL_RESULT,
    "reasoning": BlockKind.REASONING,
}
_RESULTS = ("function_call_output", "custom_tool_call_output")


def _read_item(assembly: Assembly, item: Any, number: int, section: Section = Section.MESSAGES) -> bytes | None:
    place = f"input[{number}]"
    if not is_object(item):
        raise MalformedBody(place, type(item).__name__, wanted="an object")
    content, kind = item.get("content"), item.get("type", "message")
    role = _role(item, kind)
    named = name_of(item, item.get("output") if kind in _RESULTS else content) if section is Section.MESSAGES else None
    key = assembly.recall(named, section, role, number) if named is not None else None
    if named is not None and key is None:
        return named
    if named is None:
        assembly.begin_list(section)
    start = len(assembly.segments)
    if kind == "message":
        read_parts(assembly, content, section, role, number, place)
    else:
        bare = {member: value for member, value in item.items() if member not in ("id", "status")}
        marked = kind in _RESULTS and is_marked(item.get("output"))
        if marked:
            bare["output"] = without_marks(item["output"])
        weighed = Weighed(_KINDS.get(str(kind), BlockKind.UNKNOWN), *as_json(assembly.meter, bare, str(kind), role))
        assembly.add(weighed, section, role, number, 0)
        if marked:
            assembly.add_point({}, section, number, 0, decorates=True)
    if key is not None and len(assembly.segments) > start:
        assembly.meter.keep_segments(key, tuple(assembly.segments[start:]))
    return named


def _role(item: Mapping[str, Any], kind: Any) -> str:
    if kind == "message":
        return str(item.get("role", ""))
    return "user" if kind in _RESULTS else "assistant"


COUNTERS = counters("input", "output")


class Responses(OpenAI):
    """Responses, streamed or not."""

    name = "responses"
    lead = 4
    api = Api.RESPONSES
    vendor = None
    operations = ("Responses", "ResponsesStream")
    paths: Mapping[str, str] = {"/openai/v1/responses": "Responses", "/v1/responses": "Responses"}
    required = ("model", "input")
    messages = "input"
    counters = COUNTERS
    stream_type = SSE_TYPE

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read, or that lies with the service."""
        for member in ("previous_response_id", "conversation"):
            if body.get(member) is not None:
                raise KeptByService(member, "a talk that the service keeps", wanted="the whole input")
        assembly = Assembly(meter)
        read_tools(assembly, list_at(body, "tools", "tools"))
        instructions = body.get("instructions")
        if isinstance(instructions, str) and instructions:
            assembly.begin_list(Section.SYSTEM)
            weighed = Weighed(BlockKind.INSTRUCTIONS, *meter.text(instructions, "text", "system"))
            assembly.add(weighed, Section.SYSTEM, "", 0, 0)
        items = items_of(body)
        system = leading(items)
        for number, item in enumerate(items[:system]):
            _read_item(assembly, item, number, Section.SYSTEM)
        read_messages(assembly, items, system, _read_item)
        reasoning = object_at(body, "reasoning", "reasoning")
        form = object_at(body, "text", "text").get("format")
        plain = is_object(form) and form.get("type") == "text"
        parameters = parameters_of(body, reasoning.get("effort"), None if plain else form)
        return assembly.prompt(self.api, parameters, implicit_of(body), bare=isinstance(body.get("input"), str))

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with points on the parts named; texts become parts."""
        items = list(items_of(body))
        for number, indexes in by_message(placements, prompt.segments).items():
            item = items[number]
            kind = "output_text" if item.get("role") == "assistant" else "input_text"
            items[number] = {**item, "content": marked_parts(item["content"], indexes, kind)}
        return {**body, "input": items}

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body as one of these; the model is the caller's to name."""
        config: Mapping[str, Any] = converse.get("inferenceConfig") or {}
        tools: Mapping[str, Any] = converse.get("toolConfig") or {}
        items: list[Json] = []
        if system := _spelled_parts(converse.get("system") or (), "input_text"):
            items.append({"role": "system", "content": system})
        for message in converse["messages"]:
            items += _spelled_items(message)
        body: dict[str, Any] = {"input": items, "store": False}
        if config.get("maxTokens") is not None:
            body["max_output_tokens"] = config["maxTokens"]
        body |= {ours: config[theirs] for theirs, ours in _LIMITS.items() if theirs in config}
        if listed := [_spelled_tool(tool) for tool in tools.get("tools") or () if "toolSpec" in tool]:
            body["tools"] = listed
        return body

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's, as far as an answer depends on it."""
        items = items_of(body)
        system = [{"text": body["instructions"]}] if body.get("instructions") else []
        system += [{"text": text_of(item.get("content"))} for item in items if instructs(item)]
        limit = body.get("max_output_tokens")
        text: Mapping[str, Any] = body.get("text") or {}
        reasoning = body.get("reasoning")
        messages = [_unspelled_item(item) for item in items if not instructs(item)]
        converse: dict[str, Any] = {
            "inferenceConfig": {"maxTokens": limit} if limit is not None else {},
            "system": system,
            "messages": [message for message in messages if message["content"]],
            **unspelled_format(text.get("format")),
            **unspelled_effort(reasoning.get("effort") if is_object(reasoning) else None),
        }
        choice = body.get("tool_choice")
        tools: list[Json] = [unspelled_tool(tool) for tool in body.get("tools") or () if tool.get("type") == "function"]
        if tools and choice != "none":
            converse["toolConfig"] = {"tools": tools, "toolChoice": unspelled_choice(choice)}
        return converse

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The texts and tool uses of a whole reply in Converse's blocks, and why it stopped."""
        from rockbottom.dialects.responses_replies import told_items

        return told_items(reply)

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """``usage`` of a reply; gpt-oss counts no writes (recorded, see catalog/data/surfaces.toml)."""
        details: Json = {"cached_tokens": usage.cache_read}
        if surface_of(model).writes_counted:
            details["cache_write_tokens"] = usage.cache_write
        sums = usage_with(usage, "input", "output")
        return {**sums, "input_tokens_details": details, "output_tokens_details": {"reasoning_tokens": 0}}

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's as one of these."""
        from rockbottom.dialects.responses_replies import responses_answer

        return responses_answer(reply, exchange)

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The events of a whole reply; its usage is in the last alone."""
        from rockbottom.dialects.responses_replies import responses_events

        return responses_events(reply, piece_chars)

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The frames of its events: GPT-5 and later put the data before the name, gpt-oss sends data alone."""
        order = surface_of(model).frames
        for name, payload in events:
            yield sse_frame(json_bytes(payload), "" if order == "data" else name, data_first=order == "data_first")

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of a stream. Raises TruncatedStream where its last event never came, StreamFailed."""
        from rockbottom.dialects.responses_replies import responses_reply

        return responses_reply(events)

    def counting(self) -> "_Counting":
        """What picks the counts out of one stream."""
        return _Counting(COUNTERS.counts)


class _Counting(SseCounts):
    def begins(self, data: bytes) -> bool:
        return b".delta" in data or b"output_item.added" in data

    def tells(self, data: bytes) -> bool:
        return b'"response.' not in data or _ends(data)

    def look(self, name: str, payload: Mapping[str, Any]) -> None:
        if payload.get("type") in ENDS:
            response = payload.get("response")
            counts = self._counted(response.get("usage")) if is_object(response) else None
            if counts is not None:
                self.counts = counts
            else:
                self.failed = True
        elif payload.get("type") == "error" or is_error(payload):
            self.failed = True


def _ends(data: bytes) -> bool:
    return any(end.encode() in data for end in ENDS)


def items_of(body: Mapping[str, Any]) -> Sequence[Any]:
    """The items of the input; a text is one message of the user's. Raises MalformedBody."""
    items = body.get("input")
    if isinstance(items, str):
        return ({"role": "user", "content": items},)
    return tuple(list_at(body, "input", "input"))


_LIMITS = {"temperature": "temperature", "topP": "top_p"}


def _spelled_tool(tool: Mapping[str, Any]) -> Json:
    spec = tool["toolSpec"]
    described = {"description": spec["description"]} if spec.get("description") else {}
    return {"type": "function", "name": spec["name"], **described, "parameters": spec["inputSchema"]["json"]}


def _spelled_parts(blocks: Iterable[Json], kind: str) -> list[Json]:
    """Texts as parts, a point on the part that it closes; a point after what is no text has no form here."""
    parts: list[Json] = []
    for block in blocks:
        if CACHE_POINT in block:
            if parts and kind == "input_text":
                parts[-1] = {**parts[-1], MARK: {"mode": "explicit"}}
        elif "text" in block:
            parts.append({"type": kind, "text": block["text"]})
        elif "toolUse" not in block and "toolResult" not in block:
            raise MalformedBody("content", f"a {next(iter(block), 'empty')} block", wanted="one that Responses has")
    return parts


def _spelled_items(message: Mapping[str, Any]) -> Iterator[Json]:
    role, blocks = message["role"], message["content"]
    for block in blocks:
        if "toolResult" in block:
            result = block["toolResult"]
            output = "".join(part["text"] if "text" in part else _json(part.get("json")) for part in result["content"])
            yield {"type": "function_call_output", "call_id": result["toolUseId"], "output": output}
    if parts := _spelled_parts(blocks, "output_text" if role == "assistant" else "input_text"):
        yield {"role": role, "content": parts}
    for block in blocks:
        if "toolUse" in block:
            use = block["toolUse"]
            call = {"call_id": use["toolUseId"], "name": use["name"], "arguments": _json(use["input"])}
            yield {"type": "function_call", **call}


def _json(value: Any) -> str:
    return json_bytes(value).decode("utf-8", "surrogatepass")


def _unspelled_item(item: Mapping[str, Any]) -> Json:
    kind = item.get("type", "message")
    if kind in _RESULTS:
        content = [{"text": text_of(item.get("output"))}]
        return {"role": "user", "content": [{"toolResult": {"toolUseId": item.get("call_id"), "content": content}}]}
    if kind == "function_call":
        use = {
            "toolUseId": item.get("call_id"),
            "name": item.get("name"),
            "input": input_of(item.get("arguments")),
        }
        return {"role": "assistant", "content": [{"toolUse": use}]}
    return {
        "role": item.get("role"),
        "content": unspelled_parts(item.get("content")) if kind == "message" else [],
    }


RESPONSES = Responses()
