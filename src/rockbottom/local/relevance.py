"""Which sentences of a text bear on a question: a small scorer in the manner of BM25, over an index of sentence
starts that is made once per text and kept while it is used.

A sentence scores, for every term of the question that it holds, the term's rarity in the text; long
sentences are marked down. Terms are matched as word beginnings, which is a poor man's stemming.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import log

_WORD = re.compile(r"[a-z0-9]{2,}")
_BOUNDARY = re.compile(r"(?:(?<=[.!?])\s+|\n+)")
_SUFFIX = re.compile(r"(?:ations?|ings?|ies|ed|es|s|y)$")
_MAX_TERMS = 12
_MAX_HITS = 8
_MAX_TEXT_CHARS = 2_000_000
_TYPICAL_CHARS = 120
_COMMON = frozenset(
    _WORD.findall("""
the and for are was were with that this from have has had you your our its can could would should will shall
may what when where which who whom whose why how does did into about than then them they their there here
please tell give me my we us is it in on of to an as at be by do if or not no any all some
""")
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence that bears on the question, with its score and its place in the text."""

    score: float
    place: int
    text: str


@dataclass(frozen=True, slots=True)
class _Index:
    lowered: str
    starts: list[int]


class Reader:
    """Finds passages; keeps the indexes of recent texts, at most ``capacity_chars`` of them."""

    def __init__(self, capacity_chars: int = 8_000_000) -> None:
        self._capacity = capacity_chars
        self._kept = 0
        self._indexes: dict[str, _Index] = {}

    def passages(self, texts: Iterable[str], question: str, limit: int = 3) -> list[Passage]:
        """The best sentences of the texts, in the order in which they stand; empty when none bears on it."""
        terms = terms_of(question)
        if not terms:
            return []
        found: list[Passage] = []
        for number, text in enumerate(texts):
            if len(text) >= 12:
                found += self._of_text(text, terms, number << 32)
        best: dict[str, Passage] = {}
        for passage in sorted(found, key=lambda passage: (-passage.score, passage.place)):
            best.setdefault(passage.text, passage)
            if len(best) == limit:
                break
        return sorted(best.values(), key=lambda passage: passage.place)

    def _of_text(self, text: str, terms: tuple[str, ...], place: int) -> Iterable[Passage]:
        index = self._index(text)
        scores: dict[int, float] = {}
        for term in terms:
            hits = _sentences_with(index, term)
            if hits:
                rarity = log(1 + len(index.starts) / len(hits))
                for sentence in hits:
                    scores[sentence] = scores.get(sentence, 0.0) + rarity
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:8]
        for sentence, score in best:
            start = index.starts[sentence]
            end = index.starts[sentence + 1] if sentence + 1 < len(index.starts) else min(len(text), _MAX_TEXT_CHARS)
            said = text[start:end].strip()[:600]
            yield Passage(score / (1 + max(0, len(said) - _TYPICAL_CHARS) / 600), place + start, said)

    def _index(self, text: str) -> _Index:
        index = self._indexes.pop(text, None)
        if index is None:
            lowered = text[:_MAX_TEXT_CHARS].lower()
            index = _Index(lowered, [0, *(match.end() for match in _BOUNDARY.finditer(lowered))])
            self._kept += len(text)
        self._indexes[text] = index  # the newest stand last
        while self._kept > self._capacity and len(self._indexes) > 1:
            oldest = next(iter(self._indexes))
            self._kept -= len(oldest)
            del self._indexes[oldest]
        return index


def _sentences_with(index: _Index, term: str) -> set[int]:
    hits: set[int] = set()
    at = index.lowered.find(term)
    while at >= 0 and len(hits) < _MAX_HITS:
        if at == 0 or not index.lowered[at - 1].isalnum():
            sentence = bisect_right(index.starts, at) - 1
            hits.add(sentence)
            at = index.starts[sentence + 1] - 1 if sentence + 1 < len(index.starts) else len(index.lowered)
        at = index.lowered.find(term, at + 1)
    return hits


def terms_of(question: str) -> tuple[str, ...]:
    """The words of a question worth looking for, without their endings, at most twelve."""
    words = (word for word in _WORD.findall(question.lower()) if word not in _COMMON)
    stems = (_SUFFIX.sub("", word) if len(word) > 5 else word for word in words)
    return tuple(dict.fromkeys(stems))[:_MAX_TERMS]
