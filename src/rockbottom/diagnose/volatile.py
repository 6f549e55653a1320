"""Text that changes from request to request: timestamps, ids and counters, found and masked.

Two texts with the same mask differ in nothing else. The patterns are of the usual spellings; a change that
matches none of them is shown as plain text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class VolatileKind(Enum):
    """What a changing span is, as far as its spelling tells."""

    TIMESTAMP = "timestamp"
    ID = "id"
    COUNTER = "counter"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Span:
    """A volatile span of a text: its kind and where it stands, in characters."""

    kind: VolatileKind
    start: int
    end: int


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm]\b)?(?:Z|[+-]\d{2}:?\d{2})?"
_PATTERN = re.compile(
    rf"""
    (?P<id>\b[0-9a-fA-F]{{8}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{12}}\b)
    |(?P<timestamp>
        {_DAY.replace(" ", "[ ]")}\b\d{{4}}[-/]\d{{2}}[-/]\d{{2}}(?:[T ,]+{_CLOCK.replace(" ", "[ ]")})?
        |{_DAY.replace(" ", "[ ]")}\b(?:\d{{1,2}}[ ]{_MONTH}[ ]\d{{4}}|{_MONTH}[ ]\d{{1,2}},?[ ]\d{{4}})
            (?:[ ,]+(?:at[ ])?{_CLOCK.replace(" ", "[ ]")})?
        |\b{_CLOCK.replace(" ", "[ ]")}
        |\b1[5-9]\d{{8}}(?:\d{{3}}|\.\d+)?\b
     )
    |(?P<token>\b(?=[A-Za-z_-]*\d)(?=[0-9_-]*[A-Za-z])[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*\b)
    |(?P<counter>\d+)
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"\d+")
_BEFORE_DIGIT = 40  # the longest that a span goes back from its first digit: weekday, month, the letters of an id
_ID_CHARS = 8  # a mix of letters and digits as long as this is taken for an id; shorter ones are names ("s3", "v2")


def spans_of(text: str) -> Iterator[Span]:
    """The volatile spans of a text, from left to right, not overlapping."""
    for match in _found_in(text):
        group, start, end = match.lastgroup, match.start(), match.end()
        if group == "token":
            if end - start >= _ID_CHARS and sum(char.isdigit() for char in match[0]) >= 2:
                yield Span(VolatileKind.ID, start, end)
                continue
            for digits in _DIGITS.finditer(match[0]):
                yield Span(VolatileKind.COUNTER, start + digits.start(), start + digits.end())
        else:
            yield Span(VolatileKind(group), start, end)


def _found_in(text: str) -> Iterator[re.Match[str]]:
    """Matches of the pattern. All contain a digit, so only what stands near one is looked at: most text has none."""
    position = 0
    while (digit := _DIGITS.search(text, position)) is not None:
        match = _PATTERN.search(text, max(position, digit.start() - _BEFORE_DIGIT))
        if match is None:
            return
        yield match
        position = match.end()


def masked(text: str) -> str:
    """The text with every volatile span replaced by the first letter of its kind."""
    parts: list[str] = []
    last = 0
    for span in spans_of(text):
        parts += text[last : span.start], "\0", span.kind.value[0]
        last = span.end
    parts.append(text[last:])
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class TextChange:
    """Where two texts differ first: what changed there, and from what to what."""

    kind: VolatileKind
    start: int
    before: str
    after: str


def change_between(before: str, after: str) -> TextChange:
    """The first change; named by its kind where the texts have the same mask up to and including it."""
    new_end = old_end = 0
    for new, old in zip(spans_of(after), spans_of(before), strict=False):
        if new.kind is not old.kind or after[new_end : new.start] != before[old_end : old.start]:
            break
        texts = before[old.start : old.end], after[new.start : new.end]
        if texts[0] != texts[1]:
            return TextChange(new.kind, new.start, *texts)
        new_end, old_end = new.end, old.end
    head, tail = common_ends(before, after)
    return TextChange(VolatileKind.TEXT, head, before[head : len(before) - tail], after[head : len(after) - tail])


def common_ends(before: str, after: str) -> tuple[int, int]:
    """How many characters two texts share at the start, and at the end without overlap."""
    head = _common(before, after)
    room = min(len(before), len(after)) - head
    tail = min(room, _common(before[head:][::-1], after[head:][::-1]))
    return head, tail


def _common(first: str, second: str) -> int:
    """Length of the common start, found by halving: comparing slices is much faster than characters."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
