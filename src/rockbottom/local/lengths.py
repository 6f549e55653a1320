"""How long a text was asked for, and a text of that length.

A model that is asked for 800 words, or for a story, writes until it is done or its limit is reached; so tests of
limits, of cancelling and of streams ask for one. What counts is the length: the text goes round what the prompt says.
"""

import re
from collections.abc import Iterator

_ASKING = ("writ", "tell", "compose", "draft", "generate", "count", "long")
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d{1,6})"
_LENGTH = re.compile(rf"{_NUMBER}[\s-]+(word|line|sentence|paragraph|page)s?\b(?!\s+or\s+(?:less|fewer))")
_CEILING = re.compile(
    r"\b(?:under|below|within|at\s+most|less\s+than|fewer\s+than|no\s+more\s+than|(?:maximum|max|limit)(?:\s+of)?|up\s+to)\W*$"
)
_BEFORE = 40  # characters in front of a number that may say that it is a ceiling
_NO_CEILING = re.compile(r"\bno\s+(?:less|fewer)\s+than\W*$")
_WORDS = {"word": 1, "line": 10, "sentence": 12, "paragraph": 80, "page": 400}
_LEAST = 100  # a shorter one is as long as what the prompt says
_COUNTING = re.compile(
    r"(?:^|[.!?:\n][ \t]*|\b(?:please|you|then|and)\s+)count\s+(?:slowly\s+|aloud\s+|out\s+loud\s+)?"
    rf"(?:from\s+{_NUMBER}\s+)?(?:up\s+)?to\s+{_NUMBER}"
)
_WORK = re.compile(
    r"\b(?:write|tell|compose|draft|generate)\b(?:\s+(?:me|us))?\s+an?\s+((?:[\w,-]+\s+){0,4}?)"
    r"(?:story|tale|essay|novel|poem|speech|article|guide)\b"
)
_BRIEF = re.compile(r"\b(?:short|brief|tiny|quick|mini|one|two|three|single)\b")
_WORK_WORDS = 400
_MOST = 8_000  # words or numbers: as much as models give at most in one reply


def long_text(question: str, prompt: str) -> str | None:
    """The text that a question asks for where it asks for a long one, out of what the prompt says to it."""
    lowered = question.lower()
    if not any(map(lowered.__contains__, _ASKING)):
        return None
    counted = _COUNTING.search(lowered)
    if counted is not None:
        first, last = _number(counted[1] or "1"), _number(counted[2])
        return ", ".join(map(str, range(first, min(last, first + _MOST) + 1))) if last > first else None
    words = _words_asked_for(lowered)
    return None if words is None else " ".join(_round(f"{prompt} {question}".split(), words))


def _words_asked_for(question: str) -> int | None:
    for match in _LENGTH.finditer(question):
        words, before = _number(match[1]) * _WORDS[match[2]], question[max(0, match.start() - _BEFORE) : match.start()]
        if words >= _LEAST and (_NO_CEILING.search(before) or not _CEILING.search(before)):
            return min(words, _MOST)
    work = _WORK.search(question)
    return None if work is None or _BRIEF.search(work[1]) else _WORK_WORDS


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))


def _round(words: list[str], count: int) -> Iterator[str]:
    for place in range(count):
        yield words[place % len(words)]
