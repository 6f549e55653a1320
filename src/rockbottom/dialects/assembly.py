"""Segments and points gathered in canonical order, whatever dialect the body is written in."""

from dataclasses import replace

from rockbottom.dialects.blocks import Weighed
from rockbottom.prompt import (
    Api,
    BlockKind,
    CachePoint,
    ListKey,
    MalformedBody,
    Meter,
    Parameters,
    Prompt,
    Section,
    Segment,
    json_bytes,
    prompt_of,
)
from rockbottom.quantities import Ttl, is_object

_TTL_BY_TEXT = {ttl.value: ttl for ttl in Ttl}


class Assembly:
    """Collects one prompt, tools first; overheads of requests, messages and tools go to the block they precede."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.segments: list[Segment] = []
        self.points: list[CachePoint] = []
        self._overhead = meter.weights.request_tokens
        self._before: BlockKind | None = None
        self._has_tools = False

    def begin_list(self, section: Section) -> None:
        """A new list of blocks (the tools, the system, or the content of one message) begins."""
        self._before = None
        if section is Section.MESSAGES:
            self._overhead += self.meter.weights.message_tokens

    def add(self, weighed: Weighed, section: Section, role: str, message: int, index: int) -> None:
        """Add one block at its place."""
        if section is Section.TOOLS and not self._has_tools:
            self._has_tools = True
            self._overhead += self.meter.weights.first_tool_tokens
        kind, digest, tokens, blocks = weighed
        segment = Segment(section, kind, digest, tokens + self._overhead, blocks, role, message, index)
        self._overhead = 0
        self.segments.append(segment)
        self._before = kind

    def recall(self, name: bytes, role: str, message: int) -> ListKey | None:
        """Begin the content of a message: add it whole if it was kept (None), else the key to keep it under."""
        self.begin_list(Section.MESSAGES)
        key = name, role, message, self._overhead
        known = self.meter.segments(key)
        if known is None:
            return key
        self.segments.extend(known)
        self._overhead = 0
        return None

    def add_point(self, point: object, section: Section, message: int, index: int, *, decorates: bool = False) -> None:
        """Add a cachePoint; ``decorates`` when it is a member of the block it follows (InvokeModel)."""
        place = f"{section.value} cache point {index}"
        if not is_object(point):
            raise MalformedBody(place, type(point).__name__, wanted="an object")
        ttl = self._ttl(point.get("ttl"), place)
        self.points.append(CachePoint(len(self.segments), ttl, section, self._before, message, index))
        if not decorates:
            self._before = BlockKind.CACHE_POINT

    @staticmethod
    def _ttl(text: object, place: str) -> Ttl | None:
        if text is None:
            return None
        ttl = _TTL_BY_TEXT.get(text) if isinstance(text, str) else None
        if ttl is None:
            raise MalformedBody(f"{place} ttl", repr(text), wanted="5m or 1h")
        return ttl

    def prompt(self, api: Api, parameters: Parameters) -> Prompt:
        images = any(segment.kind is BlockKind.IMAGE for segment in self.segments)
        return prompt_of(api, self.segments, self.points, replace(parameters, images=True) if images else parameters)


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
