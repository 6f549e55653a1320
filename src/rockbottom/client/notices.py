"""Says once, with the fix, when caching does not happen.

Three cases: points were sent and neither a read nor a write came back; prefixes are written and never read;
the stable part of the prompt changes from call to call (the place is named). No text of a prompt is logged
beyond the twelve characters at the place where it changes, and those only when they are digits and signs of
a date or a number.
"""

import re
from collections import OrderedDict

from msgspec import Struct, field

from rockbottom.dialects import Request, block_of
from rockbottom.figures import thousands
from rockbottom.prompt import Section
from rockbottom.quantities import Usage, is_object

IDLE_CALLS = 3  # calls in a row with points and neither read nor write
UNREAD_WRITES = 8  # writes of one family without a single read in between
CHANGED_CALLS = 4  # calls in a row whose stable part differs at the same place
UNDER_MINIMUM, VOLATILE_TEXT, TOOLS_CHANGED, TOOLS_REORDERED, TTL_EXPIRED = "RB002", "RB003", "RB004", "RB005", "RB012"
"""Values of ``diagnose.Cause`` that are seen without looking at other calls (a test holds the two together)."""

_MOST_FAMILIES = 256
_MOST_SHAPES = 64
_LONGEST_TEXT = 400_000
_DATE_LIKE = re.compile(r"[\d:\-+./TZ ]{4,32}")


class _Family(Struct):
    idle: int = 0
    unread: int = 0
    raised: set[str] = field(default_factory=set[str])


Texts = tuple[tuple[str, str], ...]
"""Places of the stable part, each with its text (of a tool: its digest)."""


_Front = tuple[str, bytes]


class _Shape(Struct):
    """The stable texts of the last request of one shape, and how often they changed at one place in a row.

    ``front`` names its tools and system.
    """

    key: tuple[object, ...]
    texts: Texts
    front: _Front
    place: str = ""
    runs: int = 0
    is_raised: bool = False


class Noticer:
    """Watches calls; ``look`` and ``changing`` answer with what is to be said now. Called under a lock."""

    def __init__(self) -> None:
        self._families: OrderedDict[tuple[str, str], _Family] = OrderedDict()
        self._shapes: OrderedDict[tuple[object, ...], _Shape] = OrderedDict()
        self._fronts: dict[_Front, _Shape] = {}  # shapes by the front that they had last
        self.cause = ""  # the rule of ``diagnose.Cause`` that the last request shown to ``changing`` breaks

    def look(self, request: Request, usage: Usage, minimum: int) -> list[str]:
        """The notices that a finished call gives rise to; ``request`` is as it was sent."""
        if not request.prompt.points or not usage.total:  # nothing counted: no model saw it
            return []
        family = self._family(request)
        notices = [self._idle(family, request, usage, minimum), self._unread(family, request, usage)]
        return [text for text in notices if text]

    def _family(self, request: Request) -> _Family:
        key = (request.model.given, request.hashes[request.stable].hex())
        family = self._families.setdefault(key, _Family())
        self._families.move_to_end(key)
        if len(self._families) > _MOST_FAMILIES:
            self._families.popitem(last=False)
        return family

    def _idle(self, family: _Family, request: Request, usage: Usage, minimum: int) -> str | None:
        family.idle = 0 if usage.cache_read or usage.cache_write else family.idle + 1
        if family.idle < IDLE_CALLS or "idle" in family.raised:
            return None
        family.raised.add("idle")
        deepest = max(point.after for point in request.prompt.points)
        tokens = request.prompt.depths[deepest]
        model = request.model.model.name
        if tokens < 1.25 * minimum:
            why = (
                f"the prefix is about {thousands(tokens)} tokens and {model} caches prefixes of "
                f"{thousands(minimum)} and more"
            )
            fix = "move more of the stable text before the point, or send no cachePoint there"
        else:
            why = (
                f"the prefix is about {thousands(tokens)} tokens, above the documented minimum of {thousands(minimum)}"
            )
            fix = f"`rockbottom probe --model {request.model.given}` measures the real minimum on your account"
        return f"{model}: {IDLE_CALLS} calls with cachePoints neither read nor wrote the cache; {why}. Fix: {fix}."

    def _unread(self, family: _Family, request: Request, usage: Usage) -> str | None:
        if usage.cache_read:
            family.unread = 0
        elif usage.cache_write:
            family.unread += 1
        if family.unread < UNREAD_WRITES or "unread" in family.raised:
            return None
        family.raised.add("unread")
        return (
            f"{request.model.model.name}: the cache was written {UNREAD_WRITES} times in a row and never read. "
            "Fix: put what changes from call to call behind the last cachePoint, or send no cachePoint "
            "where a prompt is sent only once."
        )

    def changing(self, request: Request) -> list[str]:
        """What a request shows beside the one before it of the same shape; ``request`` is as the caller wrote it."""
        self.cause = ""
        front = (request.model.given, request.hashes[request.stable])
        shape = self._fronts.get(front)
        if shape is not None:  # as the one before it of its shape: no text of it needs to be looked at
            shape.runs = 0
            self._shapes.move_to_end(shape.key)
            return []
        texts = tuple(_stable_texts(request))
        if not texts or sum(len(text) for _, text in texts) > _LONGEST_TEXT:
            return []
        key = (request.model.given, tuple(place for place, _ in texts))
        shape = self._shapes.get(key)
        if shape is None:
            self._shapes[key] = self._fronts[front] = _Shape(key, texts, front)
            if len(self._shapes) > _MOST_SHAPES:
                _, oldest = self._shapes.popitem(last=False)
                self._fronts.pop(oldest.front, None)
            return []
        self._shapes.move_to_end(key)
        self._fronts.pop(shape.front, None)
        self._fronts[front], shape.front = shape, front
        return self._compared(shape, texts, request)

    def _compared(self, shape: _Shape, texts: Texts, request: Request) -> list[str]:
        change = _change(shape.texts, texts)
        shape.texts = texts
        if change is None:
            shape.runs = 0
            return []
        self.cause = change.rule
        shape.runs = shape.runs + 1 if change.place == shape.place else 1
        shape.place = change.place
        if shape.runs < CHANGED_CALLS or shape.is_raised:
            return []
        shape.is_raised = True
        lost = request.prompt.depths[request.stable]
        return [
            f"{request.model.model.name}: {change.where} changes from call to call, so nothing behind it "
            f"({thousands(lost)} "
            f"tokens of tools and system at most) can be read from the cache. Fix: {change.fix}."
        ]


class _Change(Struct, frozen=True):
    place: str
    where: str
    fix: str
    rule: str


def _change(old: Texts, new: Texts) -> _Change | None:
    """The one place at which two stable parts differ; None where they are equal or simply others."""
    differing = [
        (place, before, after) for (place, before), (_, after) in zip(old, new, strict=True) if before != after
    ]
    if not differing:
        return None
    place, before, after = differing[0]
    if all(_is_tool(difference) for difference, _, _ in differing):
        if len(differing) > 1 and sorted(difference[1] for difference in differing) == sorted(
            difference[2] for difference in differing
        ):
            sort = "always send the tools in the same order, for example sorted by name"
            return _Change("tools", f"the order of {place.partition('[')[0]}", sort, TOOLS_REORDERED)
        same = "keep the tool definitions the same, byte for byte"
        return _Change(place, place, same, TOOLS_CHANGED) if len(differing) == 1 else None
    if len(differing) > 1 or not _mostly_equal(before, after):
        return None
    offset = _first_difference(before, after)
    where = f"{place} byte {len(after[:offset].encode('utf-8', 'surrogatepass'))}{_shown(after, offset)}"
    move = "move it behind the stable text, ideally into the last user message"
    return _Change(place, where, move, VOLATILE_TEXT)


def _is_tool(place: str) -> bool:
    return place.startswith(("toolConfig", "tools"))


def _stable_texts(request: Request) -> list[tuple[str, str]]:
    """What tools and system say, by their places: texts, and the digests of tools."""
    body, prompt = request.body, request.prompt
    if isinstance(body.get("system"), str):
        return [("system", body["system"])]
    rows: list[tuple[str, str]] = []
    for segment in prompt.segments[: request.stable]:
        if segment.section is Section.TOOLS:
            rows.append((prompt.place(segment), segment.digest.hex()))
            continue
        block = block_of(body, prompt.api, request.model.model.vendor, segment)
        if is_object(block) and isinstance(block.get("text"), str):
            rows.append((prompt.place(segment), block["text"]))
    return rows


def _first_difference(old: str, new: str) -> int:
    low, high = 0, min(len(old), len(new))
    while low < high:  # bisection on equal beginnings: each comparison runs at memory speed
        middle = (low + high + 1) // 2
        if old[:middle] == new[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _mostly_equal(old: str, new: str) -> bool:
    """Whether one place changed inside an otherwise equal text: half of it stands before or after the change."""
    before = _first_difference(old, new)
    after = _first_difference(old[before:][::-1], new[before:][::-1])
    return 2 * (before + after) >= max(len(old), len(new))


def _shown(text: str, offset: int) -> str:
    start = max(
        (match.start() for match in _DATE_LIKE.finditer(text[: offset + 32]) if match.end() > offset), default=-1
    )
    match = _DATE_LIKE.match(text, start) if start >= 0 else None
    shown = match[0].strip() if match else ""
    return f' ("{shown[:12]}...")' if shown else ""
