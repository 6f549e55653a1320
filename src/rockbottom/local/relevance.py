"""Which sentences of a text bear on a question: a small scorer in the manner of BM25.

Each term of the question is looked up in the text (as a word's beginning, which is a poor man's stemming); the first
few sentences that hold it are candidates. A candidate scores, for every term that it holds, the term's rarity in the
text; long sentences are marked down. What was found of a term in a text is kept while the text is in use.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

_WORD = re.compile(r"[a-z0-9]{2,}")
_SUFFIX = re.compile(r"(?:ations?|ings?|ies|ed|es|s|y)$")
_MAX_TERMS = 10
_MAX_HITS = 4  # candidates that one term gives
_MAX_FOUND = 2_000  # terms remembered of one text
_MAX_SENTENCE = 600
_MAX_TEXT_CHARS = 2_000_000
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
class _Sentence:
    start: int
    end: int
    lowered: str


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in lower case, and what was found in it: per term, its first sentences and its rarity."""

    lowered: str
    found: dict[str, tuple[tuple[_Sentence, ...], float]] = field(
        default_factory=dict[str, "tuple[tuple[_Sentence, ...], float]"]
    )


class Reader:
    """Finds passages; remembers texts while they are used, at most ``capacity_chars`` of them."""

    def __init__(self, capacity_chars: int = 8_000_000) -> None:
        self._capacity = capacity_chars
        self._kept = 0
        self._known: dict[str, _Text] = {}

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
        known = self._text(text)
        rarities: dict[str, float] = {}
        candidates: dict[int, _Sentence] = {}
        for term in terms:
            sentences, rarity = known.found.get(term) or _looked_up(known, term)
            if sentences:
                rarities[term] = rarity
                for sentence in sentences:
                    candidates[sentence.start] = sentence
        for sentence in candidates.values():
            score = sum([rarity for term, rarity in rarities.items() if term in sentence.lowered])
            length = sentence.end - sentence.start
            score /= 1 + max(0, length - _TYPICAL_CHARS) / _MAX_SENTENCE
            yield Passage(score, place + sentence.start, text[sentence.start : sentence.end])

    def _text(self, text: str) -> _Text:
        known = self._known.pop(text, None)
        if known is None:
            lowered = text[:_MAX_TEXT_CHARS].lower()
            # Some capitals lower to two characters, which would move every place after them.
            known = _Text(lowered if len(lowered) == min(len(text), _MAX_TEXT_CHARS) else text[:_MAX_TEXT_CHARS])
            self._kept += len(text)
        self._known[text] = known  # the one used last stands last
        while self._kept > self._capacity and len(self._known) > 1:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._kept -= len(oldest)
        return known


def _looked_up(known: _Text, term: str) -> tuple[tuple[_Sentence, ...], float]:
    text = known.lowered
    hits: dict[int, _Sentence] = {}
    at = text.find(term)
    while at >= 0 and len(hits) < _MAX_HITS:
        if at == 0 or not text[at - 1].isalnum():
            start, end = _around(text, at)
            hits[start] = _Sentence(start, end, text[start:end])
            at = end - 1
        at = text.find(term, at + 1)
    count = len(hits) if at < 0 else text.count(term)
    result = tuple(hits.values()), log(1 + len(text) / _TYPICAL_CHARS / count) if hits else 0.0
    if len(known.found) < _MAX_FOUND:
        known.found[term] = result
    return result


def _around(text: str, at: int) -> tuple[int, int]:
    """Where the sentence that holds a place begins and ends."""
    low, high = max(0, at - _MAX_SENTENCE), min(len(text), at + _MAX_SENTENCE)
    start, end = low, high
    for mark in (". ", "\n", "? ", "! "):
        before = text.rfind(mark, low, at)
        if before >= 0:
            start = max(start, before + len(mark))
        after = text.find(mark, at, end)
        if after >= 0:
            end = after + 1 if mark != "\n" else after
    while start < end and text[start].isspace():
        start += 1
    return start, end


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return _SUFFIX.sub("", word) if 5 < len(word) < 40 else word[:40]


def terms_of(question: str) -> tuple[str, ...]:
    """The words of a question worth looking for, without their endings, at most ten."""
    words = (word for word in _WORD.findall(question.lower()) if word not in _COMMON)
    return tuple(dict.fromkeys(map(_stem, words)))[:_MAX_TERMS]
