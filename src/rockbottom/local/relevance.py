"""Which sentences of some texts bear on a question: a small scorer in the manner of BM25.

Each term of the question is looked up in the texts (as a word's beginning, which is a poor man's stemming). The first
few sentences that hold one of its rarest terms are candidates; a candidate scores, for every term that it holds, the
term's rarity, and long sentences are marked down. What was found of a term in a text is kept while the text is in use,
and so are the latest results.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from math import log

_WORD = re.compile(r"[a-z0-9]{2,}")
_SUFFIX = re.compile(r"(?:ations?|ings?|ies|ed|es|s|y)$")
READ_CHARS = 12
"""Shorter texts are not looked at: there is no sentence in them."""
_MAX_TERMS = 8
_LEADS = 4  # the rarest terms, which give the candidates
_MAX_HITS = 3  # candidates that one term gives
_CHARS_PER_FOUND = 16  # a text remembers one term for so many of its characters, which bounds all of them together
_MAX_RESULTS = 2_048  # questions whose passages are remembered,
_MAX_QUESTION = 4_096  # none longer than so many characters
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
    """A sentence that bears on the question, with its score and its place (the text's number, then where in it)."""

    score: float
    place: tuple[int, int]
    text: str


_Span = tuple[int, int]
"""Where a sentence begins and ends in its text."""


class _Counts(dict[str, int]):
    """How often terms stand in a text: a term is counted when it is first asked for, and remembered."""

    def __init__(self, lowered: str) -> None:
        super().__init__()
        self._lowered = lowered
        self._most = len(lowered) / _CHARS_PER_FOUND

    def __missing__(self, term: str) -> int:
        number = self._lowered.count(term)
        if len(self) < self._most:
            self[term] = number
        return number


class _Text:
    """A text in lower case, and what was found in it: how often a term stands there, and its first sentences."""

    __slots__ = ("counts", "lowered", "number", "sentences")

    def __init__(self, number: int, lowered: str) -> None:
        self.number = number  # of its own: a text forgotten and read again gets another
        self.lowered = lowered
        self.counts = _Counts(lowered)
        self.sentences: dict[str, tuple[_Span, ...]] = {}

    def holding(self, term: str, number: int) -> tuple[_Span, ...]:
        """The first sentences with a word that begins with the term, which stands in the text so many times."""
        spans = self.sentences.get(term)
        if spans is None:
            spans = _sentences(self.lowered, term, number)
            if len(self.sentences) * _CHARS_PER_FOUND < len(self.lowered):
                self.sentences[term] = spans
        return spans


class PassageFinder:
    """Finds passages; remembers texts while they are used, at most ``capacity_chars`` of them."""

    def __init__(self, capacity_chars: int = 4_000_000) -> None:
        self._capacity = capacity_chars
        self._kept = 0
        self._known: dict[str, _Text] = {}
        self._numbers = count()
        self._results: dict[tuple[str, tuple[int, ...]], list[Passage]] = {}

    def passages(self, texts: Iterable[str], question: str, limit: int = 3) -> list[Passage]:
        """The best sentences of the texts, in the order in which they stand; empty when none bears on it."""
        readable = [text for text in texts if len(text) >= READ_CHARS]
        if not readable:
            return []
        known = [self._text(text) for text in readable]
        key = question, (limit, *[text.number for text in known])
        result = self._results.pop(key, None)
        if result is None:
            result = _best(readable, _scored(known, terms_of(question)), limit)
        if len(question) <= _MAX_QUESTION:
            if len(self._results) >= _MAX_RESULTS:
                del self._results[next(iter(self._results))]
            self._results[key] = result
        return result

    def _text(self, text: str) -> _Text:
        known = self._known.pop(text, None)
        if known is None:
            lowered = text[:_MAX_TEXT_CHARS].lower()
            # Some capitals lower to two characters, which would move every place after them.
            same = len(lowered) == min(len(text), _MAX_TEXT_CHARS)
            known = _Text(next(self._numbers), lowered if same else text[:_MAX_TEXT_CHARS])
            self._kept += len(text)
        self._known[text] = known  # the one used last stands last
        while self._kept > self._capacity and len(self._known) > 1:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._kept -= len(oldest)
        return known


_Scored = tuple[float, tuple[int, int], int]
"""A candidate: its score with the sign turned, so that the best sorts first, its place, and where it ends."""


def _scored(known: Sequence[_Text], terms: Sequence[str]) -> list[_Scored]:
    """The candidates with their scores."""
    ranked, rarities = _ranked(known, terms)
    scored: list[_Scored] = []
    for place, end in _candidates(known, ranked).items():
        number, start = place
        sentence = known[number].lowered[start:end]
        score = 0.0
        for term, rarity in rarities:
            if term in sentence:
                score += rarity
        excess = end - start - _TYPICAL_CHARS
        scored.append((-score / (1 + excess / _MAX_SENTENCE) if excess > 0 else -score, place, end))
    return scored


_Ranked = list[tuple[int, str, list[int]]]
"""Terms, the rarest first: how often one stands in all texts, the term, and how often in each."""


def _ranked(known: Sequence[_Text], terms: Sequence[str]) -> tuple[_Ranked, list[tuple[str, float]]]:
    """The terms that stand anywhere, and how rare each is."""
    each = [text.counts for text in known]
    ranked: _Ranked = []
    for term in terms:
        times = [counts[term] for counts in each]
        if total := sum(times):
            ranked.append((total, term, times))
    ranked.sort()
    sentences = sum([len(text.lowered) for text in known]) / _TYPICAL_CHARS
    return ranked, [(term, log(1 + sentences / total)) for total, term, _ in ranked]


def _candidates(known: Sequence[_Text], ranked: _Ranked) -> dict[tuple[int, int], int]:
    """The first sentences that hold one of the rarest terms: where each begins, and where it ends."""
    candidates: dict[tuple[int, int], int] = {}
    leads = 0
    for _, term, times in ranked:
        hits = 0
        for number, text in enumerate(known):
            if times[number]:
                for start, end in text.holding(term, times[number])[: _MAX_HITS - hits]:
                    candidates[number, start] = end
                    hits += 1
                if hits == _MAX_HITS:
                    break
        leads += hits > 0
        if leads == _LEADS:
            break
    return candidates


def _best(texts: Sequence[str], scored: list[_Scored], limit: int) -> list[Passage]:
    best: dict[str, Passage] = {}
    for score, place, end in sorted(scored):
        text = texts[place[0]][place[1] : end]
        best.setdefault(text, Passage(-score, place, text))
        if len(best) == limit:
            break
    return sorted(best.values(), key=lambda passage: passage.place)


def _sentences(text: str, term: str, number: int) -> tuple[_Span, ...]:
    """The first sentences with a word that begins with a term; after the last of its ``number`` nothing is read."""
    hits: dict[int, int] = {}
    left, at = number, 0
    while left > 0 and len(hits) < _MAX_HITS and (at := text.find(term, at)) >= 0:
        if at == 0 or not text[at - 1].isalnum():
            start, end = _around(text, at)
            hits[start] = end
            left -= text.count(term, at, end)
            at = end
        else:  # one that begins inside this one would follow a letter too
            left -= 1
            at += len(term)
    return tuple(hits.items())


def _around(text: str, at: int) -> tuple[int, int]:
    """Where the sentence that holds a place begins and ends."""
    start, end = max(0, at - _MAX_SENTENCE), min(len(text), at + _MAX_SENTENCE)
    for mark in (". ", "\n", "? ", "! "):
        before = text.rfind(mark, start, at)
        if before >= 0:
            start = before + len(mark)
        after = text.find(mark, at, end)
        if after >= 0:
            end = after + 1 if mark != "\n" else after
    while start < end and text[start].isspace():
        start += 1
    return start, end


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return _SUFFIX.sub("", word) or word if 5 < len(word) < 40 else word[:40]


def terms_of(question: str) -> tuple[str, ...]:
    """The words of a question worth looking for, without their endings, the first eight."""
    terms: dict[str, None] = {}
    for match in _WORD.finditer(question.lower()):
        word = match[0]
        if word not in _COMMON:
            terms[_stem(word)] = None
            if len(terms) == _MAX_TERMS:
                break
    return tuple(terms)
