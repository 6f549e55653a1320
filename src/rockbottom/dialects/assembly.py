"""Segments and points gathered in canonical order, whatever dialect the body is written in."""

from collections.abc import Iterable
from dataclasses import replace
from math import ceil
from typing import Any

import msgspec

from rockbottom.prompt import (
    Api,
    BlockKind,
    CachePoint,
    HistoryKey,
    ListKey,
    ListName,
    MalformedBody,
    Meter,
    Parameters,
    Prompt,
    ReadHistory,
    Section,
    Segment,
    json_bytes,
    packed,
    prompt_of,
)
from rockbottom.quantities import Ttl, is_object

_NUMBERS = {Section.TOOLS: -2, Section.SYSTEM: -1}  # where a message has its number
_TTL_BY_TEXT = {ttl.value: ttl for ttl in Ttl}


class Assembly:
    """Collects one prompt, tools first; overheads of requests, messages and tools go to the block they precede."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.segments: list[Segment] = []
        self.points: list[CachePoint] = []
        self.overhead = meter.weights.request_tokens
        """Tokens that the next block is given besides its own."""
        self._before: BlockKind | None = None
        self._has_tools = False
        self._names: tuple[int, ...] | None = None  # of the messages, where the conversation was read before

    @property
    def kinds(self) -> set[BlockKind]:
        """The kinds of what was gathered so far."""
        return {segment.kind for segment in self.segments}

    def begin_list(self, section: Section) -> None:
        """A new list of blocks (the tools, the system, or the content of one message) begins."""
        self._before = None
        if section is Section.MESSAGES:
            self.overhead += self.meter.weights.message_tokens

    def add(
        self, weighed: tuple[BlockKind, bytes, int, int], section: Section, role: str, message: int, index: int
    ) -> None:
        """Add one block, as ``Weighed`` has it, at its place."""
        if section is Section.TOOLS and not self._has_tools:
            self._has_tools = True
            self.overhead += self.meter.weights.first_tool_tokens
        kind, digest, tokens, blocks = weighed
        segment = Segment(section, kind, digest, tokens + self.overhead, blocks, role, message, index)
        self.overhead = 0
        self.segments.append(segment)
        self._before = kind

    def recall(self, name: ListName, section: Section, role: str, message: int) -> ListKey | None:
        """Begin a list of blocks: add it whole if it was kept (None), else the key to keep it under."""
        self.begin_list(section)
        number = message if section is Section.MESSAGES else _NUMBERS[section]
        key = name, number, role, self.overhead
        known = self.meter.segments(key)
        if known is None:
            return key
        self.segments.extend(known)
        self._has_tools = self._has_tools or section is Section.TOOLS
        self.overhead = 0
        return None

    def resume(self, key: HistoryKey | None, messages: Iterable[object]) -> int:
        """Begin with the conversation under this key, if the messages begin with it; how many are read so."""
        self._names = _names(messages) if self.meter.was_read(key) else None
        history = None if key is None else self.meter.history(key)
        if history is None or self._names is None:
            return 0
        count = len(history.names)
        if self._names[:count] != history.names:
            return 0
        self.segments.extend(history.segments)
        self.overhead = history.overhead
        return count

    def keep_history(self, key: HistoryKey, grown_from: HistoryKey | None) -> None:
        """Keep all messages under this key, in place of the conversation that they have grown from.

        One that was not read before is only noted, because most conversations that are seen once are never seen again.
        """
        history = None
        if self._names is not None:
            first = next((at for at, segment in enumerate(self.segments) if segment.section is Section.MESSAGES), None)
            segments = () if first is None else tuple(self.segments[first:])
            history = ReadHistory(self._names, segments, self.overhead)
        self.meter.keep_history(key, history, grown_from)

    def add_point(self, point: object, section: Section, message: int, index: int, *, decorates: bool = False) -> None:
        """Add a cachePoint; ``decorates`` when it is a member of the block it follows (InvokeModel)."""
        place = f"{section.value} cache point {index}"
        if not is_object(point):
            raise MalformedBody(place, type(point).__name__, wanted="an object")
        ttl = ttl_of(point.get("ttl"), place)
        self.points.append(CachePoint(len(self.segments), ttl, section, self._before, message, index))
        if not decorates:
            self._before = BlockKind.CACHE_POINT

    def prompt(self, api: Api, parameters: Parameters, implicit: bool | None = None, *, bare: bool = False) -> Prompt:
        # That images change the key of the messages is Anthropic's rule; OpenAI's surfaces state none.
        of_openai, kinds = api in (Api.CHAT, Api.RESPONSES), self.kinds
        images = not of_openai and BlockKind.IMAGE in kinds
        if self.meter.weights.drops_thoughts and BlockKind.REASONING in kinds:
            self._drop_thoughts()
        parameters = replace(parameters, images=True) if images else parameters
        form = self._form_tokens(parameters)
        if form and self.segments:  # what says how to answer comes before everything else
            first = self.segments[0]
            self.segments[0] = msgspec.structs.replace(first, tokens=first.tokens + form)
        return prompt_of(api, self.segments, self.points, parameters, implicit, bare=bare)

    def _drop_thoughts(self) -> None:
        """Count no reasoning from before the last message of the user that holds more than results of tools."""
        questions = [
            segment for segment in self.segments if segment.role == "user" and segment.kind is not BlockKind.TOOL_RESULT
        ]
        last = questions[-1].message if questions else -1
        carried = 0  # the first block of a message carries what the message itself adds: the first that stays does
        for place, segment in enumerate(self.segments):
            begins = place == 0 or self.segments[place - 1].message != segment.message
            if segment.kind is BlockKind.REASONING and segment.message < last:
                carried = self.meter.weights.message_tokens if begins else carried
                ends = place + 1 == len(self.segments) or self.segments[place + 1].message != segment.message
                self.segments[place] = msgspec.structs.replace(segment, tokens=carried if ends else 0)
            elif carried and not begins:
                self.segments[place] = msgspec.structs.replace(segment, tokens=segment.tokens + carried)
                carried = 0
            else:
                carried = 0

    def _form_tokens(self, parameters: Parameters) -> int:
        """What the form of the answer that was asked for adds to the prompt."""
        form, tokens = self.meter.weights.form, 0
        if parameters.output_schema and form.schema_tokens:
            counted = self.meter.tokens_of_text(bare_schema(parameters.output_schema))
            tokens += form.schema_tokens + ceil(counted * form.schema_factor)
        if '"enabled"' in parameters.thinking:  # with a budget; adaptive thinking adds nothing
            tokens += form.thinking_tokens
        return tokens + form.citations_tokens * parameters.citations


def _names(messages: Iterable[object]) -> tuple[int, ...] | None:
    """Each message by the hash of its bytes, type for type; None where one has none. As one piece they would be a new
    mapping of memory for every long conversation.
    """
    names: list[int] = []
    for message in messages:
        encoded = packed(message)
        if encoded is None:
            return None
        names.append(hash(encoded))
    return tuple(names)


def ttl_of(text: object, place: str) -> Ttl | None:
    """The lifetime that a point names; None where it names none. Raises MalformedBody."""
    if text is None:
        return None
    ttl = _TTL_BY_TEXT.get(text) if isinstance(text, str) else None
    if ttl is None:
        raise MalformedBody(f"{place} ttl", repr(text), wanted="5m or 1h")
    return ttl


def bare_schema(output_schema: str) -> str:
    """The schema alone of what asks for a form, in whichever dialect: what is billed is neither name nor wrapping."""
    schema: Any = msgspec.json.decode(output_schema)
    for name in ("structure", "jsonSchema", "schema"):
        schema = schema.get(name, schema) if is_object(schema) else schema
    return schema if isinstance(schema, str) else json_bytes(schema).decode("utf-8", "surrogatepass")


def thinking_of(value: object) -> str:
    """A thinking setting in one spelling; absent equals ``{"type": "disabled"}`` (cachecanary-live)."""
    if not is_object(value) or value.get("type") in (None, "disabled"):
        return "disabled"
    return json_bytes(dict(sorted(value.items(), key=lambda item: str(item[0])))).decode("utf-8", "surrogatepass")


def schema_of(value: object) -> str:
    """An output schema in one spelling; key order is kept, because it is part of what is sent."""
    return json_bytes(value).decode("utf-8", "surrogatepass") if value else ""


def effort_of(value: object) -> str:
    """An effort setting; absent equals ``high`` (cachecanary-live)."""
    return value if isinstance(value, str) and value else "high"
