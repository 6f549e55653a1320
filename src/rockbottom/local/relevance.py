"""Which sentences of a text bear on a question: a small scorer in the manner of BM25.

A sentence scores, for every term of the question that it holds, the term's rarity in the text; long sentences are
marked down. A text seen for the first time is searched as it stands; one that comes again gets an index of its
words, which is kept while it is used. Both find the same kind of sentence, the index all of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log

_WORD = re.compile(r"[a-z0-9]{2,}")
_ENDS = re.compile(r"[.!?]\s+|\n+")
_SUFFIX = re.compile(r"(?:ations?|ings?|ies|ed|es|s|y)$")
_MAX_TERMS = 10
_MAX_HITS = 4  # of one term in a text that is searched
_MAX_POSTINGS = 16  # sentences kept per word of an index
_MAX_SENTENCE = 600
_MAX_INDEXED_CHARS = 500_000
_TYPICAL_CHARS = 120
_COMMON = frozenset(
    _WORD.findall("""
the and for are was were with that this from have has had you your our its can could would should will shall may what
when where which who whom whose why how does did into about than then them they their there here please tell give me my
we us is it in on of to an as at be by do if or not no any all some
""")
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence that bears on the question, with its score and its place in the text."""

    score: float
    place: int
    text: str


@dataclass(frozen=True, slots=True)
class _Postings:
    """The words of a text: where each stands (start and end of sentences), and how rare it is."""

    sentences: Mapping[str, tuple[tuple[int, int], ...]]
    rarity: Mapping[str, float]


class Reader:
    """Finds passages; keeps the indexes of texts that come again, at most ``capacity_chars`` of text."""

    def __init__(self, capacity_chars: int = 8_000_000) -> None:
        self._capacity = capacity_chars
        self._kept = 0
        self._known: dict[str, _Postings | None] = {}

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

    def _of_text(self, text: str, terms: tuple[str, ...], place: int) -> Iterator[Passage]:
        postings = self._postings(text)
        scores: dict[tuple[int, int], float] = {}
        for term in terms:
            if postings is not None:
                hits, rarity = postings.sentences.get(term, ()), postings.rarity.get(term, 0.0)
            else:
                hits = _found(text, term)
                rarity = log(1 + len(text) / _TYPICAL_CHARS / len(hits)) if hits else 0.0
            for sentence in hits:
                scores[sentence] = scores.get(sentence, 0.0) + rarity
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:6]
        for (start, end), score in best:
            said = text[start:end].strip()[:_MAX_SENTENCE]
            yield Passage(score / (1 + max(0, len(said) - _TYPICAL_CHARS) / 600), place + start, said)

    def _postings(self, text: str) -> _Postings | None:
        if len(text) > _MAX_INDEXED_CHARS:
            return None
        if text not in self._known:
            self._remember(text, None)
            return None
        known = self._known.pop(text)
        self._known[text] = known or _postings_of(text)  # the newest stand last
        return self._known[text]

    def _remember(self, text: str, postings: _Postings | None) -> None:
        self._known[text] = postings
        self._kept += len(text)
        while self._kept > self._capacity:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._kept -= len(oldest)


def _found(text: str, term: str) -> tuple[tuple[int, int], ...]:
    """The first sentences that hold a term, in its own case or with a capital."""
    hits: dict[tuple[int, int], None] = {}
    for spelled in (term, term.capitalize()):
        at = text.find(spelled)
        while at >= 0 and len(hits) < _MAX_HITS:
            if at == 0 or not text[at - 1].isalnum():
                sentence = _around(text, at)
                hits[sentence] = None
                at = sentence[1] - 1
            at = text.find(spelled, at + 1)
    return tuple(hits)


def _around(text: str, at: int) -> tuple[int, int]:
    low, high = max(0, at - _MAX_SENTENCE), min(len(text), at + _MAX_SENTENCE)
    start = max(text.rfind(". ", low, at) + 1, text.rfind("\n", low, at), text.rfind("? ", low, at) + 1, low - 1) + 1
    ends = [end for mark in (". ", "\n", "? ") if (end := text.find(mark, at, high)) >= 0]
    return start, min(ends) + 1 if ends else high


def _postings_of(text: str) -> _Postings:
    lowered = text.lower()
    if len(lowered) != len(text):  # some capitals lower to two characters, which would move every place
        lowered = text
    found: dict[str, list[tuple[int, int]]] = {}
    counts: dict[str, int] = {}
    number = start = 0
    for end in (*(match.end() for match in _ENDS.finditer(lowered)), len(lowered)):
        number += 1
        for term in {_stem(word) for word in _WORD.findall(lowered, start, end)}:
            counts[term] = counts.get(term, 0) + 1
            places = found.setdefault(term, [])
            if len(places) < _MAX_POSTINGS:
                places.append((start, end))
        start = end
    rarity = {term: log(1 + number / count) for term, count in counts.items()}
    return _Postings({term: tuple(places) for term, places in found.items()}, rarity)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return _SUFFIX.sub("", word) if 5 < len(word) < 40 else word[:40]


def terms_of(question: str) -> tuple[str, ...]:
    """The words of a question worth looking for, without their endings, at most ten."""
    words = (word for word in _WORD.findall(question.lower()) if word not in _COMMON)
    return tuple(dict.fromkeys(map(_stem, words)))[:_MAX_TERMS]
