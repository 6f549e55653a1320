"""Fronts that change while what follows them goes on: seen by structure, whatever the texts are.

A front is what stands before the messages: tools and system. When a request goes on with the messages of an earlier
one and its front is another, the place of the first difference changes from request to request, and nothing behind it
can be read again. When only the last block of the front is known from an earlier request, that is suspected. Texts are
known by hashes; a few hundred conversations are remembered.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from rockbottom.plan.volatile import changed_parts, sentences_of
from rockbottom.prompt import Prompt, Section

_KEPT, _KEPT_OF_ONE, _BLOCKS_KEPT = 512, 4, 64
_LONGEST_TURN, _SETTLED = 5, 5  # fronts that come again in turn; repetitions after which a front counts as stable
Digests = tuple[bytes, ...]


class Changing(Struct, frozen=True):
    """A front of which some segments change from request to request: those before ``at`` are the same.

    ``certain``: the conversation went on behind another front, and its fronts do not come again in turn. ``stable`` are
    the segments that were in all of them, ``others`` what else was in some; ``reordered``: they are the same in another
    order, and ``order`` is the first.
    """

    at: int
    certain: bool
    stable: frozenset[bytes]
    order: Digests
    reordered: bool = False
    others: Digests = ()


class _Talk(Struct):
    """A conversation as it was last sent: its front, how many segments of messages, and their hash."""

    front: Digests
    count: int
    messages_hash: int
    stable: frozenset[bytes]
    order: Digests  # the front that was there first
    recent: tuple[Digests, ...] = ()  # the fronts before this one, the last first
    repeated: int = 0  # requests in a row that had this front too
    changing: Changing | None = None


class Fronts(Struct):
    """Remembers fronts by the first segment of the messages behind them, and by their own last segment."""

    _talks: OrderedDict[bytes, list[_Talk]] = field(default_factory=OrderedDict[bytes, list[_Talk]])
    _ends: OrderedDict[bytes, Digests] = field(default_factory=OrderedDict[bytes, Digests])

    def see(self, prompt: Prompt, contents: Sequence[bytes] = (), *, count: bool = True) -> Changing | None:
        """What of the front of a prompt changes; None where nothing does, or none is known.

        ``contents`` are what its segments are known by wherever they stand; (): their digests. ``count``: this is a new
        request, to be remembered.
        """
        digests = list(contents) or [segment.digest for segment in prompt.segments]
        fixed = fixed_of(prompt)
        if not 0 < fixed < len(digests):
            return None
        front, messages = tuple(digests[:fixed]), digests[fixed:]
        talks = self._talks.get(messages[0], [])
        old = _continued(talks, front, messages)
        if old is not None and old.front == front and old.count == len(messages):
            return old.changing
        new = _gone_on(old, front, messages) if old is not None else self._begun(front, messages)
        if count:
            self._remember(talks, old, new, messages[0])
        return new.changing

    def _begun(self, front: Digests, messages: Sequence[bytes]) -> _Talk:
        before, talk = (
            self._ends.get(front[-1]),
            _Talk(front, len(messages), hash(tuple(messages)), frozenset(front), front),
        )
        if before is not None and before != front:
            stable = talk.stable.intersection(before)
            talk.changing = Changing(_first_difference(before, front), False, stable, before, _same_set(before, front))
        return talk

    def _remember(self, talks: list[_Talk], old: _Talk | None, new: _Talk, first: bytes) -> None:
        others = [talk for talk in talks if talk is not old and talk.front != new.front]
        self._talks[first] = [*others[1 - _KEPT_OF_ONE :], new]
        self._talks.move_to_end(first)
        self._ends[new.front[-1]] = new.front
        self._ends.move_to_end(new.front[-1])
        for known in (self._talks, self._ends):
            if len(known) > _KEPT:
                known.popitem(last=False)


def _gone_on(old: _Talk, front: Digests, messages: Sequence[bytes]) -> _Talk:
    """The conversation after one more request; what repeats itself often enough counts as stable again."""
    new = _Talk(front, len(messages), hash(tuple(messages)), old.stable, old.order, old.recent)
    if front == old.front:
        new.repeated = old.repeated + 1
        if new.repeated >= _SETTLED:
            new.stable, new.order = frozenset(front), front
    else:
        new.stable = old.stable.intersection(front)
        new.recent = (old.front, *old.recent)[: 2 * _LONGEST_TURN]
    reordered = front != new.order and _same_set(new.order, front)
    if front != old.front or reordered or not new.stable.issuperset(front):
        at = _first_difference(old.front if front != old.front else new.order, front)
        certain = front != old.front and not _in_turn(front, new.recent)
        others = tuple({digest for some in (*new.recent[:_LONGEST_TURN], new.order) for digest in some})
        new.changing = Changing(at, certain, new.stable, new.order, reordered, others)
    return new


def _in_turn(front: Digests, recent: Sequence[Digests]) -> bool:
    """Whether fronts come again in turn: this one and the one before were both sent so many requests ago."""
    return any(
        front == recent[period - 1] and recent[0] == recent[period]
        for period in range(2, min(_LONGEST_TURN, len(recent) - 1) + 1)
    )


class Sentences(Struct):
    """The sentences of system blocks, as hashes, by the digest of the block: to tell which of them change."""

    _of: OrderedDict[bytes, frozenset[int]] = field(default_factory=OrderedDict[bytes, frozenset[int]])

    def keep(self, digest: bytes, text: str) -> None:
        if digest not in self._of:
            self._of[digest] = frozenset(hash(sentence) for sentence in sentences_of(text))
            if len(self._of) > _BLOCKS_KEPT:
                self._of.popitem(last=False)

    def pieces(self, text: str, before: Iterable[bytes]) -> tuple[str, ...]:
        """What of a block none of the blocks before had."""
        return changed_parts(text, frozenset[int]().union(*(self._of.get(digest, frozenset()) for digest in before)))


def fixed_of(prompt: Prompt) -> int:
    """Where tools and system end, in segments."""
    for number, segment in enumerate(prompt.segments):
        if segment.section is Section.MESSAGES:
            return number
    return len(prompt.segments)


def _continued(talks: Sequence[_Talk], front: Digests, messages: Sequence[bytes]) -> _Talk | None:
    """The conversation that these messages go on with: one with the same front before all others."""
    continued: _Talk | None = None
    for talk in talks:
        same = talk.front == front
        if talk.count > len(messages) or (talk.count == len(messages) and not same):
            continue
        if hash(tuple(messages[: talk.count])) == talk.messages_hash:
            if same:
                return talk
            continued = talk
    return continued


def _first_difference(before: Digests, front: Digests) -> int:
    for number, (earlier, later) in enumerate(zip(before, front, strict=False)):
        if earlier != later:
            return number
    return min(len(before), len(front))


def _same_set(before: Digests, front: Digests) -> bool:
    return len(before) == len(front) and sorted(before) == sorted(front)
