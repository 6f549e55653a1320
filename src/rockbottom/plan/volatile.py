"""Text in front of the conversation that changes with every call: clocks at sight, ids and counters once seen to."""

import re
from collections import OrderedDict

from msgspec import Struct

_HEAD, _TAIL = 600, 300  # characters in which a volatile sentence is looked for: that is where programs put them
_KEPT = 512
_CLOCK = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}"
    r"|\b(?:time|now|timestamp|clock)\b[^\n]{0,40}?\b\d{1,2}:\d{2}"
    r"|\b(?:time|timestamp|epoch)\b[^\n]{0,20}?\b1[6-9]\d{8}(?:\d{3})?\b",
    re.IGNORECASE,
)
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b(?=[0-9a-zA-Z_-]*\d)[0-9a-zA-Z_-]{6,}\b|\d+")
_MARKED = re.compile(r"[\d-]")  # each of the two needs one of these: most sentences have none, and are told so quickly
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class _Fate(Struct):
    """What became of texts that differ only in numbers and ids: the last one's hash, changes, repetitions."""

    last: int
    changed: int = 0
    same: int = 0


class Volatiles:
    """Remembers, of at most a few hundred kinds of text, whether their numbers change from call to call."""

    def __init__(self) -> None:
        self._fates: OrderedDict[int, _Fate] = OrderedDict()
        self._skeletons: OrderedDict[tuple[int, int], tuple[int, str, bool]] = OrderedDict()
        """By hash and length of a text; whether the sentence has a clock."""

    def sentence_in(self, text: str, *, count: bool) -> str:
        """The sentence (or line) that changes with every call, or ``""``; ``count``: this is a new call."""
        if len(text) < 8:
            return ""
        key = hash(text), len(text)  # not the text itself, which may be a whole book
        known = self._skeletons.get(key)
        if known is None:
            sentence = _sentence(text)
            known = self._skeletons[key] = (_skeleton(text), sentence, _CLOCK.search(sentence) is not None)
            if len(self._skeletons) > _KEPT:
                self._skeletons.popitem(last=False)
        skeleton, sentence, clock = known
        if not sentence:
            return ""
        fate = self._fates.get(skeleton)
        if fate is None:
            fate = self._fates[skeleton] = _Fate(hash(text))
            if len(self._fates) > _KEPT:
                self._fates.popitem(last=False)
        elif count:
            if fate.last == hash(text):
                fate.same += 1
            else:
                fate.changed += 1
            fate.last = hash(text)
            self._fates.move_to_end(skeleton)
        return sentence if fate.changed >= fate.same and (clock or fate.changed >= 2) else ""


def _skeleton(text: str) -> int:
    head, middle, tail = text[:_HEAD], text[_HEAD:-_TAIL], text[max(_HEAD, len(text) - _TAIL) :]
    return hash((_without_changing(head), middle, _without_changing(tail)))


def _without_changing(text: str) -> str:
    return _CHANGING.sub("#", text) if _MARKED.search(text) else text


def _sentence(text: str) -> str:
    """The one sentence with a clock or, without any, the first with a number or id; whole lines where short."""
    parts = [part for line in text[:_HEAD].split("\n") for part in _parts(line)]
    if len(text) > _HEAD:
        parts = parts[:-1]  # cut off in the middle
        tail = text[max(_HEAD, len(text) - _TAIL) :]
        parts += [part for line in tail.split("\n")[1:] for part in _parts(line)]
    marked = [part for part in parts if _MARKED.search(part)]
    for pattern in (_CLOCK, _CHANGING):
        for part in marked:
            if pattern.search(part):
                return part
    return ""


def _parts(line: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(line) if part.strip()]


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of a text; what stands between them is left out."""
    return [part for line in text.split("\n") for part in _parts(line)]


def changed_parts(text: str, before: frozenset[int]) -> tuple[str, ...]:
    """The sentences of a text that are not among those before (given by their hashes), or all of it if most are not."""
    parts = [part for part in sentences_of(text) if hash(part) not in before]
    return (text,) if 2 * sum(map(len, parts)) > len(text) else tuple(parts)


def without(text: str, sentence: str) -> str:
    """The text without that sentence and the space behind it."""
    before, separator, after = text.partition(sentence)
    return before + after.lstrip(" \n") if separator else text
