"""What moved between an accepted prefix and the one of today, or between two renderings of one prompt.

Judged from the digests of the blocks; where the earlier text is at hand, ``diagnose`` adds the byte and the words.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum

from rockbottom.diagnose import Cause, Difference, VolatileKind, difference_of
from rockbottom.figures import counted
from rockbottom.pins.pin import Pin
from rockbottom.pins.placing import EditPlace, placed_in
from rockbottom.pins.prefix import PinnedBlock, Prefix, shared_blocks
from rockbottom.pins.spellings import spelling_of
from rockbottom.prompt import BlockKind


class Moved(Enum):
    """What kind of change it was, in words."""

    MODEL = "another model"
    API = "another API"
    PARAMETER = "a cache-key parameter changed"
    POINT = "the cachePoints moved"
    TOOL_ORDER = "tools in another order"
    TOOLS = "tool definitions changed"
    KEY_ORDER = "JSON keys in another order"
    JSON = "the same JSON, written differently"
    WHITESPACE = "only white space differs"
    SPELLING = "the same text, encoded differently"
    STAMP = "a timestamp, id or counter"
    ORDER = "blocks in another order"
    ADDED = "blocks added"
    REMOVED = "blocks removed"
    TEXT = "the text changed"


_RULES: Mapping[Moved, Cause] = {
    Moved.MODEL: Cause.MODEL_SWITCHED,
    Moved.API: Cause.API_SWITCHED,
    Moved.PARAMETER: Cause.PARAMETER_CHANGED,
    Moved.TOOL_ORDER: Cause.TOOLS_REORDERED,
    Moved.TOOLS: Cause.TOOLS_CHANGED,
    Moved.KEY_ORDER: Cause.KEY_ORDER,
    Moved.JSON: Cause.KEY_ORDER,
    Moved.WHITESPACE: Cause.WHITESPACE,
    Moved.STAMP: Cause.VOLATILE_TEXT,
}
_UNKNOWN_BYTE = "the first differing byte is not known: no earlier text was kept"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that moved. ``byte`` None: not known. ``before`` is empty without the earlier text.

    ``placed`` is where it moved by the pieces of the pin; ``after`` is then today's text of the block. ``whole``: a
    block was put in or taken out.
    """

    moved: Moved
    place: str
    evidence: str
    byte: int | None = None
    before: str = ""
    after: str = ""
    others: int = 0
    placed: EditPlace | None = None
    whole: bool = False

    @property
    def rule(self) -> Cause | None:
        """The rule of ``explain`` that says more about it."""
        return _RULES.get(self.moved)

    @property
    def where(self) -> str:
        return self.place if self.byte is None else f"{self.place}, byte {self.byte}"


def changes_from(pin: Pin, new: Prefix, old: Prefix | None = None) -> Sequence[Change]:
    """What moved since a prefix was accepted; ``old`` is the accepted one with its text, where that was kept."""
    changes = list(_outside(pin.model, pin.api, pin.parameters, new))
    block = _block_change(pin.blocks, new, old, pin)
    if block is not None:
        changes.append(block)
    if pin.points != new.points and not _follows(pin.blocks, new.blocks, block):
        evidence = f"{_list(pin.points)} -> {_list(new.points)}"
        changes.append(Change(Moved.POINT, new.points[-1] if new.points else "the request", evidence))
    return changes


def changes_between(old: Prefix, new: Prefix) -> Sequence[Change]:
    """What differs between two renderings of one prompt; both texts are at hand."""
    changes = list(_outside(old.model_name, old.api, old.parameters, new))
    block = _block_change(old.blocks, new, old)
    if block is not None:
        changes.append(block)
    if not changes and old.points != new.points:
        changes.append(Change(Moved.POINT, "the request", f"{_list(old.points)} -> {_list(new.points)}"))
    return changes


def _outside(model: str, api: str, parameters: Mapping[str, str], new: Prefix) -> Iterator[Change]:
    """What is no text: model, API and parameters."""
    if model != new.model_name:
        yield Change(Moved.MODEL, "modelId", f"{model} -> {new.model_name}")
    if api != new.api:
        yield Change(Moved.API, "the operation", f"{api} -> {new.api}")
    for name in sorted({*parameters, *new.parameters}):
        before, after = parameters.get(name), new.parameters.get(name)
        if before != after:
            yield Change(Moved.PARAMETER, name, f"{before or 'neutral'} -> {after or 'neutral'}")


def _block_change(
    before: Sequence[PinnedBlock], new: Prefix, old: Prefix | None, pin: Pin | None = None
) -> Change | None:
    index = shared_blocks(before, new.blocks)
    if index == len(before) == len(new.blocks):
        return None
    change = _judged(before, new, index)
    difference = _difference(old, new, index)
    if difference is not None:
        return _respelled(_with_text(change, difference), difference.after, lambda text: text == difference.before)
    named = _named(change, new, index)
    if old is not None or change.moved not in _INSIDE or change.whole:
        return named
    return _by_pieces(named, before, new, index, pin)


_INSIDE = (Moved.TEXT, Moved.STAMP, Moved.WHITESPACE, Moved.KEY_ORDER, Moved.JSON, Moved.TOOLS)
"""What moves inside a block, so that it has a character."""


def _by_pieces(change: Change, before: Sequence[PinnedBlock], new: Prefix, index: int, pin: Pin | None) -> Change:
    """The change placed by the pieces of the earlier text, where the pin has any."""
    pieces = pin.pieces.get(before[index].place) if pin is not None and index < len(before) else None
    text = new.text(index) if index < new.end else None
    if pin is None or pieces is None or text is None:
        return replace(change, evidence=f"{change.evidence}; {_UNKNOWN_BYTE}")
    key = bytes.fromhex(pin.key)
    respelled = _respelled(change, text, lambda earlier: pieces.are_of(earlier, key))
    return replace(respelled, placed=placed_in(pieces, key, text), after=text)


def _respelled(change: Change, text: str, was: Callable[[str], bool]) -> Change:
    """The change named as one of line ends, of composed signs or of a format, where the earlier text had another."""
    if change.moved not in _INSIDE or change.moved is Moved.STAMP:
        return change
    spelling = spelling_of(text, was)
    if spelling is None:
        return change
    return replace(change, moved=Moved.WHITESPACE if spelling.white_space else Moved.SPELLING, evidence=spelling.says)


def _judged(before: Sequence[PinnedBlock], new: Prefix, index: int) -> Change:
    """The change at the first block that is not the same, from digests alone."""
    after = new.blocks
    old_block = before[index] if index < len(before) else None
    new_block = after[index] if index < len(after) else None
    place = (new_block or old_block or after[-1]).place
    tools = tuple([block.collapsed for block in blocks if block.in_tools] for blocks in (before, after))
    if any(block is not None and block.in_tools for block in (old_block, new_block)):
        if Counter(tools[0]) == Counter(tools[1]) and tools[0] != tools[1]:
            return Change(Moved.TOOL_ORDER, place, f"the same {len(tools[1])} tools in another order")
    elif Counter(block.digest for block in before) == Counter(block.digest for block in after):
        return Change(Moved.ORDER, place, f"the same {len(after)} blocks in another order")
    if old_block is not None and new_block is not None:
        kind = _same_but(old_block, new_block)
        if kind is not None:
            return Change(kind, place, kind.value, others=_others(before, after, index))
    return _aligned(before, after, index, place)


def _same_but(old: PinnedBlock, new: PinnedBlock) -> Moved | None:
    if old.sorted_keys == new.sorted_keys:  # a text has spacing of its own, what is sent as JSON has none
        return Moved.JSON if new.kind == BlockKind.TEXT.value else Moved.KEY_ORDER
    if old.collapsed == new.collapsed:
        return Moved.WHITESPACE
    return Moved.STAMP if old.masked == new.masked else None


def _aligned(before: Sequence[PinnedBlock], after: Sequence[PinnedBlock], index: int, place: str) -> Change:
    """Blocks put in, taken out, or changed, by the longest common run of digests."""
    digests = [[block.digest for block in blocks] for blocks in (before, after)]
    steps = SequenceMatcher(None, *digests, autojunk=False).get_opcodes()
    if len(before) == len(after) and not _others(before, after, index):
        steps = [("replace", index, index + 1, index, index + 1)]  # of two equal blocks one changed: none was put in
    step, old_from, old_to, new_from, new_to = next(opcode for opcode in steps if opcode[0] != "equal")
    others = sum(opcode[0] != "equal" for opcode in steps) - 1
    in_tools = (after[index] if index < len(after) else before[index]).in_tools
    if step == "replace":
        evidence = f"{_tokens(before[old_from:old_to])} -> {_tokens(after[new_from:new_to])}"
        return Change(Moved.TOOLS if in_tools else Moved.TEXT, place, evidence, others=others)
    many, verb = (after[new_from:new_to], "added") if step == "insert" else (before[old_from:old_to], "removed")
    place = many[0].place  # what is gone stood where nothing may stand now, as ``instructions``
    evidence = f"{counted(len(many), 'tool' if in_tools else 'block')} {verb} ({_tokens(many)})"
    moved = Moved.TOOLS if in_tools else Moved.ADDED if step == "insert" else Moved.REMOVED
    return Change(moved, place, evidence, others=others, whole=True)


def _others(before: Sequence[PinnedBlock], after: Sequence[PinnedBlock], index: int) -> int:
    """How many further blocks differ in place; 0 where the lists have different lengths and cannot be paired."""
    if len(before) != len(after):
        return 0
    pairs = zip(before[index + 1 :], after[index + 1 :], strict=True)
    return sum(old.digest != new.digest for old, new in pairs)


def _follows(before: Sequence[PinnedBlock], after: Sequence[PinnedBlock], change: Change | None) -> bool:
    """Whether moved points are no news, because blocks in front of them were put in or taken out."""
    return change is not None and len(before) != len(after)


def _difference(old: Prefix | None, new: Prefix, index: int) -> Difference | None:
    if old is None or old.archive is not new.archive:
        return None
    return difference_of(new.archive, old.sent, new.sent, index)


def _with_text(change: Change, difference: Difference) -> Change:
    """The change with byte and words. What the digests say of its kind stands, unless the text knows better."""
    moved = change.moved
    if moved is Moved.TEXT and difference.cause is Cause.VOLATILE_TEXT and difference.volatile is not VolatileKind.TEXT:
        moved = Moved.STAMP
    if moved is Moved.JSON:
        moved = Moved.WHITESPACE if difference.cause is Cause.WHITESPACE else Moved.KEY_ORDER
    whole = moved in (Moved.ADDED, Moved.REMOVED, Moved.ORDER)
    if whole or (moved is Moved.TOOLS and difference.cause is not Cause.TOOLS_CHANGED):
        return replace(change, place=difference.place if not whole else change.place)
    return replace(
        change, moved=moved, place=difference.place, evidence=difference.evidence, byte=difference.byte,
        before=difference.before, after=difference.after,
    )  # fmt: skip


def _named(change: Change, new: Prefix, index: int) -> Change:
    """A tool's place with its name, which the request of today tells."""
    if index >= new.end or not new.blocks[index].in_tools or new.blocks[index].place != change.place:
        return change
    text = new.text(index) or ""
    start = text.find('"name":"')
    name = text[start + 8 :].split('"', 1)[0] if start >= 0 else ""
    return replace(change, place=f"{change.place} ({name})") if name else change


def _tokens(blocks: Sequence[PinnedBlock]) -> str:
    return counted(sum(block.tokens for block in blocks), "token")


def _list(points: Sequence[str]) -> str:
    return "; ".join(points) or "none"
