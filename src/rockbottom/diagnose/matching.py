"""Which earlier request a request continues, or is a changed version of.

Not the one before it, nor the one of the same session (a log has no sessions): the one that shares most of its
tokens. Found through chained hashes (exact, and with volatile spans masked), through blocks that occur in both,
and through the sentences of long texts, so that one changed word anywhere does not hide the match.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from rockbottom.diagnose.sent import Archive, Sent
from rockbottom.diagnose.volatile import common_ends
from rockbottom.prompt import PrefixHash, Section, Segment

_HOLDERS = 4
_HEAVY_TOKENS = 48  # blocks lighter than this ("ok", "thanks") say nothing about what a request continues
_MAX_CANDIDATES = 12


_Key = TypeVar("_Key")


class Match(NamedTuple):
    """An earlier request and what this one has in common with it.

    ``length`` leading segments are the same (``prefix_tokens``); ``shared_tokens`` counts everything that the
    two have in common, also behind the first difference: what could have been read without it.
    """

    earlier: Sent
    number: int
    length: int
    prefix_tokens: int
    shared_tokens: int


@dataclass(slots=True)
class SeenRequests:
    """Every request seen so far, indexed by what it holds."""

    archive: Archive
    requests: list[Sent] = field(default_factory=list[Sent])
    _exact: dict[PrefixHash, int] = field(default_factory=dict[PrefixHash, int])
    _masked: dict[PrefixHash, int] = field(default_factory=dict[PrefixHash, int])
    _by_block: dict[bytes, deque[int]] = field(default_factory=dict[bytes, deque[int]])
    _by_sentence: dict[int, deque[int]] = field(default_factory=dict[int, deque[int]])

    def add(self, sent: Sent) -> int:
        """Remember a request; its number."""
        number = len(self.requests)
        self.requests.append(sent)
        self._exact.update(dict.fromkeys(sent.content[1:], number))
        self._masked.update(dict.fromkeys(sent.masks[1:], number))
        for segment in sent.prompt.segments:
            face = self.archive.face(segment)
            if segment.tokens >= _HEAVY_TOKENS:
                _push(self._by_block, face.masked, number)
            for sentence in face.sketch:
                _push(self._by_sentence, sentence, number)
        return number

    def longest_prefix(self, sent: Sent) -> tuple[int, int | None]:
        """How many leading segments some earlier request had too, and the latest such request."""
        return _deepest(self._exact, sent.content)

    def seen_tokens(self, sent: Sent) -> int:
        """Tokens of blocks that occurred before, roughly: no match shares more than these and the rewritten ones."""
        seen = 0
        for index, segment in enumerate(sent.prompt.segments):
            face = self.archive.face(segment)
            known = segment.tokens < _HEAVY_TOKENS or face.masked in self._by_block
            if known or any(sentence in self._by_sentence for sentence in face.sketch):
                seen += sent.prompt.depths[index + 1] - sent.prompt.depths[index]
        return seen

    def best(self, sent: Sent) -> Match | None:
        """The earlier request that shares most with this one; of equals the latest.

        A request that this one simply continues beats all older ones: what they share with it beyond that is
        another conversation's text that happens to be the same.
        """
        continued = self._continued(sent)
        matches = [self._match(sent, number) for number in self._candidates(sent) if number >= continued]
        return max(matches, key=lambda match: (match.shared_tokens, match.number), default=None)

    def _continued(self, sent: Sent) -> int:
        """The number of the latest request whose whole conversation this one begins with; 0 where there is none."""
        length, number = self.longest_prefix(sent)
        if number is None or sent.segments[length - 1].section is not Section.MESSAGES:
            return 0
        return number if len(self.requests[number].segments) == length else 0

    def _candidates(self, sent: Sent) -> list[int]:
        votes: Counter[int] = Counter()
        for chain, index in ((sent.content, self._exact), (sent.masks, self._masked)):
            length, number = _deepest(index, chain)
            if number is not None:
                votes[number] += sent.prompt.depths[length] + 1
        for segment in sent.prompt.segments:
            face = self.archive.face(segment)
            for number in self._by_block.get(face.masked, ()):
                votes[number] += segment.tokens
            for sentence in face.sketch:
                for number in self._by_sentence.get(sentence, ()):
                    votes[number] += segment.tokens // len(face.sketch)
        account = sent.record.account
        numbers = [number for number, _ in votes.most_common() if self.requests[number].record.account == account]
        return numbers[:_MAX_CANDIDATES]

    def _match(self, sent: Sent, number: int) -> Match:
        earlier = self.requests[number]
        length = common_length(earlier.content, sent.content)
        prefix = sent.prompt.depths[length]
        return Match(earlier, number, length, prefix, prefix + self._shared_behind(earlier, sent, length))

    def _shared_behind(self, earlier: Sent, sent: Sent, length: int) -> int:
        """Tokens behind the first difference that both have: whole blocks, and the same ends of the changed one."""
        same_api = earlier.prompt.api is sent.prompt.api  # the digests of two APIs' blocks are not comparable
        left = Counter(self._identity(segment, same_api) for segment in earlier.segments[length:])
        shared, depths = 0, sent.prompt.depths
        for index in range(length, len(sent.segments)):
            segment = sent.segments[index]
            identity = self._identity(segment, same_api)
            if left[identity] > 0:
                left[identity] -= 1
                shared += depths[index + 1] - depths[index]
            elif index < len(earlier.segments) and self._is_version(earlier.segments[index], segment):
                shared += self._shared_within(earlier.segments[index], segment, depths[index + 1] - depths[index])
        return shared

    def _identity(self, segment: Segment, same_api: bool) -> bytes:
        face = None if same_api else self.archive.faces.get(segment.digest)
        return segment.digest if face is None else face.collapsed

    def _is_version(self, old: Segment, new: Segment) -> bool:
        return old.section is new.section and old.kind is new.kind and old.role == new.role

    def _shared_within(self, old: Segment, new: Segment, tokens: int) -> int:
        faces = self.archive.faces.get(old.digest), self.archive.faces.get(new.digest)
        if faces[0] is None or faces[1] is None:
            return 0
        if faces[0].collapsed == faces[1].collapsed or faces[0].masked == faces[1].masked:
            return tokens
        head, tail = common_ends(faces[0].text, faces[1].text)
        return tokens * (head + tail) // max(1, len(faces[1].text))


def common_length(first: tuple[PrefixHash, ...], second: tuple[PrefixHash, ...]) -> int:
    """How many leading segments two chains share."""
    low, high = 0, min(len(first), len(second)) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if first[middle] == second[middle]:
            low = middle
        else:
            high = middle - 1
    return low


def is_conversation(match: Match, sent: Sent) -> bool:
    """Whether the two are turns of one conversation: at least two blocks and half of the earlier messages recur."""
    before = [segment.digest for segment in match.earlier.segments if segment.section is Section.MESSAGES]
    after = {segment.digest for segment in sent.segments if segment.section is Section.MESSAGES}
    recurring = sum(digest in after for digest in before)
    return recurring >= 2 and recurring * 2 >= len(before)


def shares_messages(earlier: Sent, sent: Sent) -> bool:
    """Whether any message block of one occurs in the other."""
    before = {segment.digest for segment in earlier.segments if segment.section is Section.MESSAGES}
    return any(segment.digest in before for segment in sent.segments if segment.section is Section.MESSAGES)


def _push(index: dict[_Key, deque[int]], key: _Key, number: int) -> None:
    numbers = index.get(key)
    if numbers is None:
        index[key] = deque((number,), _HOLDERS)
    elif numbers[-1] != number:
        numbers.append(number)


def _deepest(index: dict[PrefixHash, int], chain: tuple[PrefixHash, ...]) -> tuple[int, int | None]:
    low, high = 0, len(chain) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if chain[middle] in index:
            low = middle
        else:
            high = middle - 1
    return low, index.get(chain[low]) if low else None
