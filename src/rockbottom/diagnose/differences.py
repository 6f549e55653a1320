"""The first difference between two requests: where it is, what kind it is, and what stood there before and after.

One small judge per cause, asked in order; the first that recognises the difference names it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category, normalize

import msgspec

from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.faces import Face, same_order
from rockbottom.diagnose.sent import Archive, Sent
from rockbottom.diagnose.volatile import VolatileKind, change_between, common_ends
from rockbottom.figures import counted, visible
from rockbottom.prompt import Section, Segment
from rockbottom.quantities import is_list, is_object

_SHOWN = 160
_INSERTED = 4
"""Blocks that may be inserted in a row and still be told from a rewritten text."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two requests part.

    ``place`` is in the words of the later body (``tools[2].toolSpec.description``), ``byte`` counts in the UTF-8
    of the text there; ``before`` and ``after`` are the whole texts; ``evidence`` says what changed in a line.
    """

    cause: Cause
    place: str
    byte: int
    before: str
    after: str
    evidence: str
    volatile: VolatileKind | None = None

    @property
    def where(self) -> str:
        return f"{self.place}, byte {self.byte}"


def first_difference(archive: Archive, earlier: Sent, sent: Sent) -> Difference | None:
    """The first difference of two requests; None where the later one begins with all of the earlier."""
    length = 0
    for old, new in zip(earlier.segments, sent.segments, strict=False):
        if old.digest != new.digest:
            break
        length += 1
    return difference_of(archive, earlier, sent, length)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two requests, the index of the first segment that differs, and the faces that stand there."""

    archive: Archive
    earlier: Sent
    sent: Sent
    index: int

    @property
    def old(self) -> Segment | None:
        return self.earlier.segments[self.index] if self.index < len(self.earlier.segments) else None

    @property
    def new(self) -> Segment | None:
        return self.sent.segments[self.index] if self.index < len(self.sent.segments) else None

    def face(self, segment: Segment | None) -> Face | None:
        return None if segment is None else self.archive.faces.get(segment.digest)

    @property
    def in_tools(self) -> bool:
        return any(segment is not None and segment.section is Section.TOOLS for segment in (self.old, self.new))

    @property
    def in_messages(self) -> bool:
        return self.new is not None and self.new.section is Section.MESSAGES

    def faces(self, section: Section) -> tuple[list[Face], list[Face]]:
        """The faces of one section, before and after."""
        return self._faces(self.earlier, section), self._faces(self.sent, section)

    def _faces(self, sent: Sent, section: Section) -> list[Face]:
        return [self.archive.faces[segment.digest] for segment in sent.prompt.segments if segment.section is section]


_Judged = tuple[Cause, str, VolatileKind | None]


def difference_of(archive: Archive, earlier: Sent, sent: Sent, index: int) -> Difference | None:
    """The difference at segment ``index``, the first that is not the same; None where one request only goes on."""
    pair = _Pair(archive, earlier, sent, index)
    if (pair.old is None or pair.new is None) and not pair.in_tools:
        return None
    cause, evidence, volatile = next(judged for judge in _JUDGES if (judged := judge(pair)) is not None)
    place, byte, before, after = _place(pair)
    return Difference(cause, place, byte, before, after, evidence, volatile)


def _tools_reordered(pair: _Pair) -> _Judged | None:
    if not pair.in_tools:
        return None
    old, new = (Counter(face.collapsed for face in faces) for faces in pair.faces(Section.TOOLS))
    if old != new:
        return None
    before, after = (_names(faces) for faces in pair.faces(Section.TOOLS))
    if before == after:
        return None
    return Cause.TOOLS_REORDERED, f"{_list(before)} -> {_list(after)}", None


def _same_but(attribute: str, cause: Cause, evidence: str) -> Callable[[_Pair], _Judged | None]:
    def judge(pair: _Pair) -> _Judged | None:
        old, new = pair.face(pair.old), pair.face(pair.new)
        if old is None or new is None or pair.old is None or pair.new is None or pair.old.role != pair.new.role:
            return None
        if getattr(old, attribute) != getattr(new, attribute):
            return None
        return cause, evidence, None

    return judge


def _looks_same(pair: _Pair) -> _Judged | None:
    """Texts that differ in what the eye cannot see: composed or not (NFC, NFD), signs of no width."""
    old, new = pair.face(pair.old), pair.face(pair.new)
    if old is None or new is None or _plain(old.text) != _plain(new.text):
        return None
    change = change_between(old.text, new.text)
    before, after = (text.encode("ascii", "backslashreplace").decode() for text in (change.before, change.after))
    return Cause.VOLATILE_TEXT, f'looks the same: "{before[:_SHOWN]}" -> "{after[:_SHOWN]}"', VolatileKind.TEXT


def _plain(text: str) -> str:
    """A text composed, without signs of no width."""
    if text.isascii():  # composed as it is, and each sign has a width
        return text
    composed = normalize("NFC", text)
    unseen = {ord(sign): None for sign in set(composed) if category(sign) == "Cf"}
    return composed.translate(unseen) if unseen else composed


def _white_space(pair: _Pair) -> _Judged | None:
    """The judgement of white space, with the signs themselves where they are no common ones."""
    judged = _same_but("collapsed", Cause.WHITESPACE, "the same text, other white space")(pair)
    old, new = pair.face(pair.old), pair.face(pair.new)
    if judged is None or old is None or new is None:
        return judged
    change = change_between(old.text, new.text)
    if all(sign in " \n\t" for sign in set(change.before + change.after) if sign.isspace()):
        return judged
    return judged[0], f"{judged[1]}: {_quoted(change.before)} -> {_quoted(change.after)}", None


def _inserted(pair: _Pair) -> _Judged | None:
    """A block that stands before the one which was at its place, and which follows it still."""
    if pair.in_tools or pair.old is None or pair.new is None:
        return None
    following = [segment.digest for segment in pair.sent.segments[pair.index + 1 : pair.index + 1 + _INSERTED]]
    if pair.old.digest not in following:
        return None
    count = following.index(pair.old.digest) + 1
    face = pair.face(pair.new)
    cause = Cause.HISTORY_REWRITTEN if pair.in_messages else Cause.VOLATILE_TEXT
    blocks = "a block" if count == 1 else f"{count} blocks"
    return cause, f"{blocks} inserted: {_quoted(face.text if face else '')}", None


def _volatile(pair: _Pair) -> _Judged | None:
    old, new = pair.face(pair.old), pair.face(pair.new)
    if old is None or new is None or old.masked != new.masked:
        return None
    change = change_between(old.text, new.text)
    return Cause.VOLATILE_TEXT, f"{change.kind.value} {_quoted(change.before)} -> {_quoted(change.after)}", change.kind


def _tools_changed(pair: _Pair) -> _Judged | None:
    if not pair.in_tools:
        return None
    old, new = pair.faces(Section.TOOLS)
    before, after = _names(old), _names(new)
    changes = [f"added {name}" for name in after if name not in before]
    changes += [f"removed {name}" for name in before if name not in after]
    if not changes:
        exact = {face.text for face in old}
        changes = [f"definition of {name}" for name, face in zip(after, new, strict=True) if face.text not in exact]
    return Cause.TOOLS_CHANGED, _list(changes) or "tools", None


def _trimmed(pair: _Pair) -> _Judged | None:
    if not pair.in_messages:
        return None
    later = {segment.digest: place for place, segment in enumerate(pair.earlier.segments) if place > pair.index}
    for step, segment in enumerate(pair.sent.segments[pair.index : pair.index + 3]):
        place = later.get(segment.digest)
        if place is not None and place > pair.index + step:
            dropped = place - pair.index
            return Cause.HISTORY_TRIMMED, f"{counted(dropped, 'block')} dropped", None
    return None


def _rewritten(pair: _Pair) -> _Judged | None:
    """A block that other messages follow in both requests is history."""
    if not pair.in_messages or pair.old is None or pair.new is None:
        return None
    if pair.new.message >= pair.sent.segments[-1].message or pair.old.message > pair.new.message:
        return None
    old, new = pair.face(pair.old), pair.face(pair.new)
    if old is None or new is None or pair.old.digest == pair.new.digest:
        return Cause.HISTORY_REWRITTEN, "the model drops earlier thinking when the user speaks again", None
    change = change_between(old.text, new.text)
    return Cause.HISTORY_REWRITTEN, f"{_quoted(change.before)} -> {_quoted(change.after)}", None


def _other_text(pair: _Pair) -> _Judged | None:
    old, new = pair.face(pair.old), pair.face(pair.new)
    if old is None or new is None:
        return Cause.VOLATILE_TEXT, "another block", VolatileKind.TEXT
    change = change_between(old.text, new.text)
    return Cause.VOLATILE_TEXT, f"text {_quoted(change.before)} -> {_quoted(change.after)}", VolatileKind.TEXT


def _same_json(pair: _Pair) -> _Judged | None:
    """Equal values: what differs is the order of keys, or only how the text is spaced."""
    judged = _same_but("sorted_keys", Cause.KEY_ORDER, "the same JSON, keys in another order")(pair)
    old, new = pair.face(pair.old), pair.face(pair.new)
    if judged is not None and old is not None and new is not None and same_order(old.text, new.text):
        return Cause.WHITESPACE, "the same JSON, spaced or escaped differently", None
    return judged


_JUDGES: Sequence[Callable[[_Pair], _Judged | None]] = (
    _tools_reordered,
    _same_json,
    _white_space,
    _looks_same,
    _inserted,
    _volatile,
    _tools_changed,
    _trimmed,
    _rewritten,
    _other_text,
)


def _place(pair: _Pair) -> tuple[str, int, str, str]:
    """Path, byte and the two texts; for a tool or another JSON block down to the member that differs."""
    segment = pair.new or pair.old
    old, new = pair.face(pair.old), pair.face(pair.new)
    before, after = (face.text if face else "" for face in (old, new))
    path = pair.sent.prompt.place(segment) if segment else ""
    if segment and pair.new and pair.sent.prompt.api.native and segment.section is Section.TOOLS:
        path = path.removeprefix("toolConfig.") if pair.sent.model.model.vendor == "anthropic" else path
    member = new.member if new else ""
    if member:
        path += f".{member}"
    if old and new and member != "text":
        difference = _member(before, after)
        if difference is not None:
            inner, before, after = difference
            path += _in_words_of(pair, member, inner)
    head, _ = common_ends(before, after)
    return path, len(after[:head].encode("utf-8", "surrogatepass")), before, after


def _in_words_of(pair: _Pair, member: str, inner: str) -> str:
    """A path inside a face, as the body spells it: faces have one vocabulary for every API."""
    if member == "toolSpec":
        return inner.replace(".inputSchema", ".inputSchema.json", 1)
    if member == "toolResult" and inner.startswith(".content[") and inner.endswith("]"):
        return f"{inner}.text"
    if pair.sent.prompt.api.native and not member:
        native = {".inputSchema": ".input_schema", ".toolUseId": ".id"}
        for ours, theirs in native.items():
            if inner.startswith(ours):
                return theirs + inner.removeprefix(ours)
    return inner


def _member(before: str, after: str) -> tuple[str, str, str] | None:
    """The first member of two JSON texts whose values differ: its path and the two values as text."""
    try:
        old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    except (msgspec.DecodeError, RecursionError):
        return None
    path, values = next(_walk(old, new, ""), ("", None))
    if values is None:
        return None
    before_text, after_text = (
        value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in values
    )
    return path, before_text, after_text


def _walk(old: object, new: object, path: str) -> Iterator[tuple[str, tuple[object, object]]]:
    if is_object(old) and is_object(new) and list(old) == list(new):
        for key in new:
            yield from _walk(old[key], new[key], f"{path}.{key}")
    elif is_list(old) and is_list(new) and len(old) == len(new):
        for index, (old_item, new_item) in enumerate(zip(old, new, strict=True)):
            yield from _walk(old_item, new_item, f"{path}[{index}]")
    elif old != new or (is_object(old) and is_object(new)):
        yield path, (old, new)


def _names(faces: Sequence[Face]) -> list[str]:
    return [_name(face) for face in faces]


def _name(face: Face) -> str:
    start = face.text.find('"name":"')
    return face.text[start + 8 :].split('"', 1)[0] if start >= 0 else face.text[:20]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _quoted(text: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    return visible(msgspec.json.encode(shown).decode("utf-8", "replace"))
