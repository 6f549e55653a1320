"""Prefix hashes of conversations that go on: only what is new of them is hashed.

Hashing is a tenth of what planning a next turn of a hundred blocks takes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from operator import attrgetter

from rockbottom.prompt import BlockKind, PrefixHash, Section, Segment, prefix_hashes

_FEWEST, _KEPT = 16, 256  # segments that are worth remembering, conversations that are remembered

_digest = attrgetter("digest")
_SILENT = Segment(Section.MESSAGES, BlockKind.REASONING, b"dropped", 0)

Seeds = tuple[bytes, bytes, bytes]


class Chains:
    """Remembers the last prompt of each conversation, known by the digest of its first segment after ``fixed``."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Seeds, bytes], tuple[Sequence[Segment], tuple[PrefixHash, ...]]] = OrderedDict()

    def hashes(self, segments: Sequence[Segment], seeds: Seeds, fixed: int) -> tuple[PrefixHash, ...]:
        """One hash per prefix length, from 0 to all segments (see ``prefix_hashes``), no two of them equal.

        A block that the service drops has no digest and would leave two places with one name. Here it takes part as
        one that says nothing: a conversation that was sent without it is another one.
        """
        if not all(map(_digest, segments)):
            segments = [segment if segment.digest else _SILENT for segment in segments]
        if len(segments) < _FEWEST or fixed >= len(segments):
            return prefix_hashes(segments, seeds)
        key = seeds, segments[fixed].digest
        earlier, known = self._known.get(key, ((), ()))
        goes_on = len(earlier) <= len(segments) and segments[: len(earlier)] == earlier
        hashes = prefix_hashes(segments, seeds, known if goes_on else ())
        self._known[key] = segments, hashes
        self._known.move_to_end(key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return hashes
