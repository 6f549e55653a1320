"""Where a text differs from the one whose pieces were kept: at which character, what kind of edit, how much of it."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from rockbottom.figures import counted, thousands
from rockbottom.pins.pieces import Pieces, piece_hash

_CANDIDATES = 8  # pieces of equal hash that are looked at: in a text that repeats itself there are hundreds


class Edit(Enum):
    """How a text was edited."""

    INSERTED = "inserted"
    REMOVED = "removed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class EditPlace:
    """The first edit of a text. It begins at the character ``at`` (from 0), or less than ``within`` behind it.

    ``before`` and ``after`` are the characters that differ in the earlier text and in today's, at most; their
    difference is exact. ``others`` is how many further edits follow.
    """

    edit: Edit
    at: int
    within: int
    before: int
    after: int
    others: int = 0

    @property
    def grown(self) -> int:
        """By how many characters the text grew at this place."""
        return self.after - self.before

    def __str__(self) -> str:
        within = f", beginning between characters {thousands(self.at)} and {thousands(self.at + self.within)}"
        where = within if self.within else f" at character {thousands(self.at)}"
        more = f"; {counted(self.others, 'more edit')} behind it" if self.others else ""
        return f"{self._amount()}{where}{more}"

    def _amount(self) -> str:
        if self.edit is Edit.INSERTED:
            return f"{counted(self.grown, 'character')} inserted"
        if self.edit is Edit.REMOVED:
            return f"{counted(-self.grown, 'character')} removed" + (", or replaced by fewer" if self.after else "")
        grown = f"{thousands(abs(self.grown))} {'longer' if self.grown > 0 else 'shorter'} than before"
        return f"up to {counted(self.before, 'character')} changed, {grown if self.grown else 'as long as before'}"


class _Span(NamedTuple):
    """What differs, in characters: from where to where in the earlier text, and in today's."""

    old_from: int
    old_to: int
    new_from: int
    new_to: int

    @property
    def before(self) -> int:
        return self.old_to - self.old_from

    @property
    def after(self) -> int:
        return self.new_to - self.new_from


def placed_in(pieces: Pieces, key: bytes, text: str) -> EditPlace | None:
    """Where today's text first differs from the one of the pieces; None where they show no difference."""
    comparison = _Comparison(pieces, key, text)
    spans = comparison.spans()
    return comparison.told(spans[0], len(spans) - 1) if spans else None


@dataclass(slots=True)
class _Comparison:
    pieces: Pieces
    key: bytes
    text: str
    _by_hash: dict[bytes, list[int]] = field(default_factory=dict[bytes, list[int]])

    def spans(self) -> list[_Span]:
        """What differs, from the front to the end: one span where one edit explains it, else as many as it takes."""
        same, at = self._run(0, 0)
        if same == len(self.pieces) and at == len(self.text):
            return []
        whole = self._up_to_the_tail(same, at)
        if min(whole.before, whole.after) <= 2 * self.pieces.width:
            return [whole]
        return list(self._resynchronised(same, at))

    def told(self, span: _Span, others: int) -> EditPlace:
        """The edit of a span: of an insertion the character is found by leaving it out of today's text."""
        grown = span.after - span.before
        inserted = self._inserted_at(span) if grown > 0 else None
        if inserted is not None:
            return EditPlace(Edit.INSERTED, inserted, 0, 0, grown, others)
        if not span.after:
            return EditPlace(Edit.REMOVED, span.new_from, 0, span.before, 0, others)
        width = self.pieces.width
        edit = Edit.REMOVED if grown < 0 and span.after < 2 * width else Edit.REPLACED
        return EditPlace(edit, span.new_from, width, span.before, span.after, others)

    def _inserted_at(self, span: _Span) -> int | None:
        """The last character at which leaving out what is too much makes the earlier piece whole again."""
        if span.before > self.pieces.width:
            return None
        accepted_hash, grown = self.pieces.hash(span.old_from // self.pieces.width), span.after - span.before
        if not span.before:
            return span.new_from
        today = self.text[span.new_from : span.new_to]
        for at in range(span.before, -1, -1):
            if piece_hash(self.key, today[:at] + today[at + grown :]) == accepted_hash:
                return span.new_from + at
        return None

    def _run(self, index: int, at: int) -> tuple[int, int]:
        """The first piece from ``index`` on that does not follow in today's text from ``at`` on, and where."""
        while index < len(self.pieces) and self.pieces.holds_at(index, self.text, at, self.key):
            at += self.pieces.start(index + 1) - self.pieces.start(index)
            index += 1
        return index, at

    def _up_to_the_tail(self, index: int, at: int) -> _Span:
        """What differs from here to the pieces that both texts end with."""
        pieces, shift = self.pieces, len(self.text) - self.pieces.length
        last = len(pieces)
        while last > index:
            start = pieces.start(last - 1) + shift
            if start < at or not pieces.holds_at(last - 1, self.text, start, self.key):
                break
            last -= 1
        return _Span(pieces.start(index), pieces.start(last), at, max(at, pieces.start(last) + shift))

    def _resynchronised(self, index: int, at: int) -> Iterator[_Span]:
        """What differs from here on, up to where pieces stand in today's text again, over and over."""
        while index < len(self.pieces) or at < len(self.text):
            again = self._next(index, at)
            if again is None:
                yield self._up_to_the_tail(index, at)
                return
            yield _Span(self.pieces.start(index), self.pieces.start(again[0]), at, again[1])
            index, at = self._run(*again)

    def _next(self, index: int, at: int) -> tuple[int, int] | None:
        """The piece, and its character in today's text, from which both go on with the least between: two in a row."""
        width, text = self.pieces.width, self.text
        best: tuple[int, int] | None = None
        least = len(text) + self.pieces.length
        for start in range(at, len(text) - width + 1):
            if start - at >= least:
                break
            piece = self._piece_at(index, start)
            if piece is not None and (piece - index) * width + start - at < least:
                best, least = (piece, start), (piece - index) * width + start - at
        return best

    def _piece_at(self, index: int, start: int) -> int | None:
        """The first piece from ``index`` on that stands here, and the next behind it."""
        indices = self._hashes().get(piece_hash(self.key, self.text[start : start + self.pieces.width]), [])
        first = bisect_left(indices, index)
        for candidate in indices[first : first + _CANDIDATES]:
            if self._followed(candidate, start + self.pieces.width):
                return candidate
        return None

    def _followed(self, index: int, at: int) -> bool:
        if index + 1 == len(self.pieces):
            return at == len(self.text)
        return self.pieces.holds_at(index + 1, self.text, at, self.key)

    def _hashes(self) -> dict[bytes, list[int]]:
        if not self._by_hash:
            for index in range(len(self.pieces)):
                self._by_hash.setdefault(self.pieces.hash(index), []).append(index)
        return self._by_hash
