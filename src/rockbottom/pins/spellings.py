"""Spellings of today's text that the earlier one may have had: line ends, composed signs, the format of JSON.

The earlier text is not at hand; each spelling is tried, and whoever knows its hashes says which it was.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unicodedata import category, normalize

_INDENTS = (None, 1, 2, 3, 4, 8, "\t")
_SEPARATORS = ((", ", ": "), (",", ":"), (",", ": "), (", ", ":"), (" , ", " : "))
_TABS = (2, 4, 8)
_AT_LINE_END = re.compile(r"[ \t]+(?=\r?\n|$)")
_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


class Spelling(NamedTuple):
    """One way to write a text: what changed, in words, if the earlier one was ``text``."""

    says: str
    text: str
    white_space: bool


def spelling_of(text: str, was: Callable[[str], bool]) -> Spelling | None:
    """The spelling that the earlier text had, where ``was`` knows it by; None: it had other words."""
    tried = (spelling for spelling in _spellings(text) if spelling.text != text)
    return next((spelling for spelling in tried if was(spelling.text)), None)


def _spellings(text: str) -> Iterator[Spelling]:
    yield from (Spelling(says, other, white_space=True) for says, other in _line_ends(text))
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield Spelling(f"looks the same: it was composed as {form}", normalize(form, text), white_space=False)
    seen = "".join(sign for sign in text if category(sign) != "Cf")
    yield Spelling("looks the same: characters without width were added", seen, white_space=False)
    yield Spelling("looks the same: a byte order mark is gone", "\ufeff" + text, white_space=False)
    yield Spelling("typographic quotes, which were straight", text.translate(_STRAIGHT), white_space=False)
    yield from _json(text)


def _line_ends(text: str) -> Iterator[tuple[str, str]]:
    for crlf, lf in (("\r\n", "\n"), ("\\r\\n", "\\n")):  # inside JSON they are escaped
        plain = text.replace(crlf, lf)
        yield "line ends are CRLF, and were LF", plain
        yield "line ends are LF, and were CRLF", plain.replace(lf, crlf)
    for end in ("\r\n", "\n"):
        yield "a line break at the end was added", text.removesuffix(end)
        yield "the line break at the end is gone", text + end
    yield "white space at the end was added", text.rstrip()
    yield "white space at the start was added", text.lstrip()
    yield "white space at the start and end was added", text.strip()
    yield "white space at the ends of lines was added", _AT_LINE_END.sub("", text)
    yield "no-break spaces, which were spaces", text.replace("\u00a0", " ")
    yield from ((f"tabs, which were {many} spaces", text.expandtabs(many)) for many in _TABS)


def _json(text: str) -> Iterator[Spelling]:
    if text.lstrip()[:1] not in ("{", "["):
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    for indent in _INDENTS:
        by = "tabs" if indent == "\t" else indent
        for separators in _SEPARATORS:
            for ascii_only in (True, False):
                compact = indent is None and separators == (",", ":")
                layout = f"indented by {by}" if indent else "compact" if compact else "on one line"
                other = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)
                yield Spelling(f"the same JSON, which was {layout}", other, white_space=True)
