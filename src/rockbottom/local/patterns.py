"""The shortest text that a regular expression matches, for string members of a schema that must match one."""

import re
from typing import Any, cast

_parser: Any = getattr(re, "_parser")  # noqa: B009  # the standard library's own parse tree has no public name
_LONGEST = 1_000


def least_match(pattern: str) -> str | None:
    """A short text that the pattern matches; None where none is found (look-arounds, references)."""
    try:
        text = _of(_parser.parse(pattern))
        return text if re.search(pattern, text) else None
    except (re.error, RecursionError, ValueError, KeyError, OverflowError):
        return None


def _of(parts: Any) -> str:
    return "".join(_part(str(kind), value) for kind, value in parts)[:_LONGEST]


def _part(kind: str, value: Any) -> str:
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if kind == "ANY":
        return "a"
    if kind == "IN":
        return _member(value)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, _, inner = value
        return _of(inner) * min(int(least), _LONGEST)
    if kind == "SUBPATTERN":
        return _of(value[-1])
    if kind == "ATOMIC_GROUP":
        return _of(value)
    if kind == "BRANCH":
        return min((_of(branch) for branch in value[1]), key=len)
    return ""  # where a text begins or ends, and what looks around


_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}


def _member(choices: Any) -> str:
    listed = [(str(kind), value) for kind, value in cast(list[Any], choices)]
    if listed and listed[0][0] == "NEGATE":
        pattern = [(kind, value) for kind, value in listed[1:]]
        return next((char for char in "a0 -_.A~" if not any(_holds(kind, value, char) for kind, value in pattern)), "")
    kind, value = listed[0]
    if kind == "RANGE":
        return chr(value[0])
    return _CATEGORIES.get(str(value), "-") if kind == "CATEGORY" else chr(value)


def _holds(kind: str, value: Any, char: str) -> bool:
    if kind == "RANGE":
        return value[0] <= ord(char) <= value[1]
    if kind == "CATEGORY":
        if str(value) == "CATEGORY_WORD":
            return char.isalnum() or char == "_"
        return char.isdigit() if str(value) == "CATEGORY_DIGIT" else char.isspace()
    return kind == "LITERAL" and value == ord(char)
