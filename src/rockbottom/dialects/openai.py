"""What OpenAI's two surfaces, Chat Completions and Responses, have in common: parts, tools, caching, counters.

A prefix is marked with ``prompt_cache_breakpoint`` on a part that the caller wrote; the service adds a point of its own
at the latest message unless ``prompt_cache_options.mode`` is ``explicit`` (aws-prompt-caching).
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from rockbottom.dialects.assembly import Assembly, schema_of
from rockbottom.dialects.blocks import Weighed, weigh_block
from rockbottom.dialects.members import CACHE_BREAKPOINT
from rockbottom.dialects.usage import Counters, no_split
from rockbottom.prompt import (
    BlockKind,
    MalformedBody,
    Meter,
    Parameters,
    Placement,
    Section,
    digest_of,
    json_bytes,
    packed,
)
from rockbottom.quantities import Usage, is_list, is_object
from rockbottom.wire import Json

MARK = CACHE_BREAKPOINT
OPTIONS = "prompt_cache_options"
ENDS = ("response.completed", "response.incomplete", "response.failed")
"""The last event of a stream of Responses; a failed one has no usage."""
_MARKED = {"mode": "explicit"}
_TEXTS = ("text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text")
_IMAGES, _FILES = ("image_url", "input_image"), ("file", "input_file")
_MEDIA = frozenset((*_IMAGES, *_FILES))
_INSTRUCTING = ("system", "developer")


def instructs(message: object) -> bool:
    """Whether a message is one of the system's."""
    return is_object(message) and message.get("role") in _INSTRUCTING


def leading(messages: Sequence[Any]) -> int:
    """How many messages at the start are the system's: they make up the system section."""
    return next((number for number, message in enumerate(messages) if not instructs(message)), len(messages))


def name_of(message: Mapping[str, Any], content: Any) -> bytes | None:
    """A name for a message, type for type; None for points, for media (big when kept whole), for what has none."""
    if type(content) is list:
        for part in cast("list[Any]", content):
            if type(part) is not dict:
                return None
            fields = cast("dict[str, Any]", part)
            if MARK in fields or fields.get("type") in _MEDIA:
                return None
    return packed(message)


def read_messages(
    assembly: Assembly, messages: Sequence[Any], first: int, read: Callable[[Assembly, Any, int], bytes | None]
) -> None:
    """The messages from the first that is not the system's; a talk that goes on is known as a whole up to there.

    ``read`` adds one of them, by its number, and answers with the name that it is kept under.
    """
    overhead, count = assembly.overhead, len(messages) - _TURN
    last: object = messages[count - 1] if count > first else None
    fields = cast("dict[str, Any]", last) if type(last) is dict else None
    name = None if fields is None else name_of(fields, fields.get("content"))
    earlier = None if name is None else (name, count, overhead)
    known = assembly.resume(earlier, messages)
    name = b""
    for number in range(max(known, first), len(messages)):
        named = read(assembly, messages[number], number)
        name = None if name is None else named
    if name and count > first:
        assembly.keep_history((name, len(messages), overhead), earlier)


_TURN = 2  # messages by which a talk grows between two requests: a reply or a call, and what comes back to it


def read_parts(assembly: Assembly, content: Any, section: Section, role: str, message: int, place: str) -> None:
    """The content of one message: a text, or a list of parts with the points on them."""
    if content is None:
        return
    if isinstance(content, str):
        kind = BlockKind.OUTPUT_TEXT if role == "assistant" else BlockKind.TEXT
        assembly.add(Weighed(kind, *assembly.meter.text(content, "text", role)), section, role, message, 0)
        return
    if not is_list(content):
        raise MalformedBody(f"{place}.content", type(content).__name__, wanted="a string or a list")
    for index, part in enumerate(content):
        at = f"{place}.content[{index}]"
        if not is_object(part):
            raise MalformedBody(at, type(part).__name__, wanted="an object")
        assembly.add(weigh_part(part, role, assembly.meter, at), section, role, message, index)
        if part.get(MARK):
            assembly.add_point({}, section, message, index, decorates=True)


def weigh_part(part: Mapping[str, Any], role: str, meter: Meter, place: str) -> Weighed:
    """One part of a message. Raises MalformedBody."""
    kind = part.get("type")
    try:
        if kind in _TEXTS:
            text = part.get("text") if kind != "refusal" else part.get("refusal")
            if not isinstance(text, str):
                raise MalformedBody(f"{place}.text", type(text).__name__, wanted="a string")
            spoken = BlockKind.OUTPUT_TEXT if role == "assistant" else BlockKind.TEXT
            return Weighed(spoken, *meter.text(text, "text", role))
        if kind in _IMAGES:
            return _image(part, role, meter)
        if kind in _FILES:
            return _file(part, role, meter)
        return Weighed(BlockKind.UNKNOWN, *meter.json(bare(part), str(kind), role))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(place, f"{type(error).__name__}: {error}", wanted="a content part") from error


def _image(part: Mapping[str, Any], role: str, meter: Meter) -> Weighed:
    image: Any = part.get("image_url") or part.get("file_id") or ""
    url = str(image.get("url", "")) if is_object(image) else str(image)
    media, data = _data_of(url)
    if data is None:
        return Weighed(BlockKind.IMAGE, digest_of("image", role, json_bytes(bare(part))), meter.weights.image_tokens)
    block = {"image": {"format": media.rpartition("/")[2], "source": {"bytes": data}}}
    return weigh_block(block, role, meter, "image")


def _file(part: Mapping[str, Any], role: str, meter: Meter) -> Weighed:
    file: Any = part.get("file") if is_object(part.get("file")) else part
    media, data = _data_of(str(file.get("file_data") or ""))
    if data is None:
        digest = digest_of("document", role, json_bytes(bare(part)))
        return Weighed(BlockKind.DOCUMENT, digest, meter.weights.image_tokens)
    if media.startswith("text/"):
        text = data.decode("utf-8", "replace")
        return Weighed(BlockKind.DOCUMENT, digest_of("document", role, data), meter.tokens_of_text(text))
    source = {"format": media.rpartition("/")[2] or "pdf", "source": {"bytes": data}}
    return weigh_block({"document": source}, role, meter, "file")._replace(kind=BlockKind.DOCUMENT)


def _data_of(url: str) -> tuple[str, bytes | None]:
    """The media type and the bytes of a ``data:`` URL; no bytes where the content lies elsewhere."""
    if not url.startswith("data:"):
        return "", None
    head, _, text = url[5:].partition(",")
    try:
        return head.partition(";")[0], base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return head.partition(";")[0], text.encode("utf-8", "surrogatepass")


def read_tools(assembly: Assembly, tools: Iterable[Any]) -> None:
    """The tool definitions, each as its JSON."""
    assembly.begin_list(Section.TOOLS)
    for index, tool in enumerate(tools):
        if not is_object(tool):
            raise MalformedBody(f"tools[{index}]", type(tool).__name__, wanted="an object")
        assembly.add(Weighed(BlockKind.TOOL, *as_json(assembly.meter, tool, "tool", "")), Section.TOOLS, "", 0, index)


def as_json(meter: Meter, value: object, kind: str, role: str) -> tuple[bytes, int]:
    """Digest and tokens of what is no text. Raises MalformedBody for what is not JSON."""
    try:
        return meter.json(value, kind, role)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(kind, f"{type(error).__name__}: {error}", wanted="JSON") from error


def bare(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part without the point on it."""
    return {member: value for member, value in part.items() if member != MARK}


def without_marks(content: Any) -> Any:
    """The parts of a message, or of what a tool answered, without the points on them; the very same where no list."""
    return [bare(part) if is_object(part) else part for part in content] if is_list(content) else content


def is_marked(content: Any) -> bool:
    """Whether a part of it has a point."""
    return is_list(content) and any(is_object(part) and bool(part.get(MARK)) for part in content)


def parameters_of(body: Mapping[str, Any], effort: object, schema: object) -> Parameters:
    """What besides the text decides whether a prefix is the same one."""
    choice: Any = body.get("tool_choice") or "auto"
    kind = str(choice.get("type", "auto")) if is_object(choice) else str(choice)
    return Parameters(
        effort=effort if isinstance(effort, str) else "",
        output_schema=schema_of(schema),
        tool_choice={"required": "any", "function": "tool"}.get(kind, kind),
        cache_key=str(body.get("prompt_cache_key") or ""),
    )


def implicit_of(body: Mapping[str, Any]) -> bool | None:
    """What a body says about a point that the service adds by itself; None: nothing."""
    options = body.get(OPTIONS)
    mode = options.get("mode") if is_object(options) else None
    return None if mode is None else mode != "explicit"


def marked_parts(content: Any, indexes: Iterable[int], kind: str) -> list[Any]:
    """The content of a message with points on some of its parts; a text becomes one part of ``kind``."""
    parts: list[Any] = [{"type": kind, "text": content}] if isinstance(content, str) else list(content)
    for index in indexes:
        parts[index] = {**parts[index], MARK: dict(_MARKED)}
    return parts


def by_message(placements: Iterable[Placement], segments: Sequence[Any]) -> Mapping[int, list[int]]:
    """The indexes of the parts to be marked, by the number of their message."""
    marked: dict[int, list[int]] = {}
    for placement in placements:
        segment = segments[placement.after - 1]
        marked.setdefault(segment.message, []).append(segment.index)
    return marked


def counters(prefix: str, output: str) -> Counters:
    """The counters of a surface, whose input counts what was read and written too."""
    details = f"{prefix}_tokens_details"
    return Counters(
        f"{prefix}_tokens",
        f"{output}_tokens",
        (f"{details}.cached_tokens",),
        (f"{details}.cache_write_tokens",),
        no_split,
        inclusive=True,
        tells="total_tokens",
    )


def usage_with(usage: Usage, prefix: str, output: str) -> Json:
    """The sums of a ``usage`` object, of which the input is all of the prompt."""
    return {f"{prefix}_tokens": usage.total_input, f"{output}_tokens": usage.output, "total_tokens": usage.total}


def input_of(arguments: object) -> Any:
    """The input of a tool call, which travels as JSON text; text that is no JSON comes back under ``text``."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return {"text": arguments}


def text_of(content: Any) -> str:
    """The texts of a message's content, joined."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or () if is_object(part))


def unspelled_parts(content: Any) -> list[Json]:
    """The parts of a message in Converse's blocks; media have no part in an answer."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    blocks: list[Json] = []
    for part in content or ():
        if part.get("type") in _TEXTS and part.get("text"):
            blocks.append({"text": part["text"]})
        elif part.get("type") in _FILES:
            file: Any = part.get("file") if is_object(part.get("file")) else part
            media, data = _data_of(str(file.get("file_data") or ""))
            text = data.decode("utf-8", "ignore") if data is not None and media.startswith("text/") else ""
            blocks.append({"document": {"source": {"text": text}}})
    return blocks


def unspelled_format(form: object) -> Json:
    """A JSON schema that the answer must follow, as Converse's ``outputConfig``; empty where none is given."""
    described = form.get("json_schema") if is_object(form) and is_object(form.get("json_schema")) else form
    if not is_object(form) or form.get("type") != "json_schema" or not is_object(described):
        return {}
    schema = json_bytes(described.get("schema") or {}).decode("utf-8", "surrogatepass")
    structure = {"jsonSchema": {"schema": schema, "name": str(described.get("name") or "answer")}}
    return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}


def unspelled_effort(effort: Any) -> Json:
    """An effort of reasoning as Converse carries it to models that take one; empty where none is given."""
    return {"additionalModelRequestFields": {"reasoning_effort": effort}} if isinstance(effort, str) else {}


def unspelled_tool(function: Mapping[str, Any]) -> Json:
    """A function as Converse's tool."""
    described = {"description": function["description"]} if function.get("description") else {}
    schema: Json = {"json": function.get("parameters") or {}}
    return {"toolSpec": {"name": function.get("name", ""), **described, "inputSchema": schema}}


def unspelled_choice(choice: Any) -> Json:
    """A tool choice as Converse's."""
    if is_object(choice):
        function = choice.get("function")
        name = function.get("name") if is_object(function) else choice.get("name")
        return {"tool": {"name": name}} if name else {"auto": {}}
    return {"any": {}} if choice == "required" else {"auto": {}}


STATUS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "guardrail_intervened": "content_filter",
}
"""Why an answer ended: in Converse's words, and in those of Chat Completions."""


class OpenAI:
    """What bodies of both surfaces have in common; ``messages`` names the member that holds them."""

    messages: str

    def without_points(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without points, and without a word about caching."""
        bare = {member: value for member, value in body.items() if member != OPTIONS}
        return {**bare, self.messages: _unmarked(body.get(self.messages))}

    def explicit_only(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body with no other points than its own."""
        options = body.get(OPTIONS)
        return {**body, OPTIONS: {**(options if is_object(options) else {}), "mode": "explicit"}}


def _unmarked(messages: Any) -> Any:
    """The messages without points."""
    if not is_list(messages):
        return messages
    return [_unmarked_in(message) if is_object(message) else message for message in messages]


def _unmarked_in(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message, or what a tool answered, without points."""
    members = {member: without_marks(message[member]) for member in ("content", "output") if member in message}
    return {**message, **members}
