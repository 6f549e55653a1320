"""What a token estimate counts in a text: words, letters, digits, marks, space, and what is no ASCII.

A long text is judged by slices spread evenly over it, so that the cost of a first sight stays small. Counted is here
twice: by the methods of bytes, which is quickest for one text, and in plain loops that can be compiled, for many.
"""

import re
from collections.abc import Mapping

from rockbottom.prompt.depths import Numbers, WritableNumbers

FEATURES = ("word", "letter", "digit", "punctuation", "newline", "space", "wide", "capital")
"""The members of ``TokenWeights.tokens_per`` in the order of ``count_features``."""

_WHOLE_CHARS, _SLICE_CHARS = 512, 128
_SMALL_LETTER, _CAPITAL, _SHOUTED_FROM = 0, 1, 4  # capitals in a row from which a word counts as shouted


def sample_of(text: str) -> tuple[bytes, float]:
    """What of a text is judged, in UTF-8, and how many times as long the text is."""
    length = len(text)
    if length <= _WHOLE_CHARS:
        return text.encode("utf-8", "surrogatepass"), 1.0
    slices = 4 + length // 2048
    step = length // slices
    if slices == 4:  # the usual one, without a loop
        size, two, three = _SLICE_CHARS, 2 * step, 3 * step
        sample = text[:size] + text[step : step + size] + text[two : two + size] + text[three : three + size]
    else:
        sample = "".join([text[start : start + _SLICE_CHARS] for start in range(0, step * slices, step)])
    return sample.encode("utf-8", "surrogatepass"), length / len(sample)


def weighted(encoded: bytes, tokens_per: Mapping[str, float]) -> float:
    """Tokens of a text in UTF-8 as a weighted count of its features."""
    words = encoded.translate(_WORDS)  # a word begins where a letter follows anything else
    rest = encoded.translate(_CLASS, _SMALL)  # without small letters it is short, and quickly counted
    wide = 0 if encoded.isascii() else rest.count(b"w")
    capital = tokens_per.get("capital")
    loud = capital and b"CCCC" in rest  # most texts have no four capitals in a row, and are told so quickly
    shouted = sum(map(len, _SHOUTED.findall(encoded))) * capital if capital and loud else 0
    digits, newlines, spaces, capitals = rest.count(b"d"), rest.count(b"n"), rest.count(b"s"), rest.count(b"C")
    return (
        (words.count(b" l") + words.startswith(b"l")) * tokens_per["word"]
        + (len(encoded) - len(rest) + capitals) * tokens_per["letter"]
        + digits * tokens_per["digit"]
        + (len(rest) - digits - newlines - spaces - capitals - wide) * tokens_per["punctuation"]
        + newlines * tokens_per["newline"]
        + spaces * tokens_per["space"]
        + wide * tokens_per["wide"]
        + shouted
    )


def count_features(data: Numbers, ends: Numbers, classes: Numbers, counts: WritableNumbers) -> None:
    """Count the features of many texts into ``counts``, eight numbers a text in the order of ``FEATURES``.

    ``data`` are the texts in UTF-8 one behind another, ``ends`` where each ends, ``classes`` is ``CLASSES``.
    """
    place = 0
    for text in range(len(ends)):
        row = text * 8
        words, letters, run, shouted = 0, 0, 0, 0
        in_word = False
        while place < ends[text]:
            kind = classes[data[place]]
            place += 1
            if kind > _CAPITAL:
                counts[row + kind] += 1
                in_word = False
            else:
                letters += 1
                if not in_word:
                    words += 1
                in_word = True
            if kind == _CAPITAL:
                run += 1
            else:
                if run >= _SHOUTED_FROM:
                    shouted += run
                run = 0
        if run >= _SHOUTED_FROM:
            shouted += run
        counts[row] = words
        counts[row + 1] = letters
        counts[row + 7] = shouted


def _class_table() -> bytes:
    marks = bytearray(b"p" * 128 + b"w" * 128)
    for code in range(128):
        char = chr(code)
        if char.isupper():
            marks[code] = ord("C")
        elif char.isdigit():
            marks[code] = ord("d")
        elif char in "\r\n":
            marks[code] = ord("n")
        elif char.isspace():
            marks[code] = ord("s")
    return bytes(marks)


_SHOUTED = re.compile(rb"[A-Z]{4,}")  # such words are cut into more tokens than others
_CLASS = _class_table()
_SMALL = bytes(code for code in range(128) if chr(code).islower())
_WORDS = bytes(ord("l") if code < 128 and chr(code).isalpha() else ord(" ") for code in range(256))
_PLACES = {ord("C"): _CAPITAL, **{ord(mark): place for place, mark in enumerate("dpnsw", 2)}}
CLASSES = bytes(_SMALL_LETTER if code in _SMALL else _PLACES[mark] for code, mark in enumerate(_CLASS))
"""Of each byte the place of its feature in ``FEATURES``; 0 is a small letter and 1 a capital."""
