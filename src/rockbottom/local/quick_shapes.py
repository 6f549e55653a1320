"""The quick half of checking a body: a yes without a path or a complaint, compiled from the same service model.

A yes means that ``shapes`` would find nothing to complain about. Anything unusual (an empty member, a constraint that
is not simple) is a no, and then ``shapes`` looks again and words what is wrong: nothing here decides what an error is.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

Json = dict[str, Any]
Passes = Callable[[Any], bool]
_MATCHED_CHARS = 4096


def quick_check(shapes: Mapping[str, Json], members: Mapping[str, Json], required: Any) -> Passes:
    """Whether a value is surely a structure with these members."""
    return _Compiler(shapes).structure(members, required)


class _Compiler:
    """Shapes to predicates; None where a shape constrains nothing."""

    def __init__(self, shapes: Mapping[str, Json]) -> None:
        self._shapes = shapes
        self._made: dict[str, Passes | None] = {}

    def structure(self, members: Mapping[str, Json], required: Any) -> Passes:
        """Whether a value is an object with all that is required, and members that pass."""
        return _structure(self._members(members), frozenset(required))

    def _members(self, members: Mapping[str, Json]) -> dict[str, Passes | None]:
        return {name: self._predicate(member["shape"]) for name, member in members.items()}

    def _predicate(self, name: str) -> Passes | None:
        if name not in self._made:
            self._made[name] = partial(self._late, name)
            self._made[name] = self._make(self._shapes[name])
        return self._made[name]

    def _late(self, name: str, value: Any) -> bool:
        made = self._made[name]
        return made is None or made(value)

    def _make(self, shape: Json) -> Passes | None:
        kind = shape["type"]
        if kind == "structure":
            if shape.get("document"):
                return None
            members = self._members(shape["members"])
            return _union(members) if shape.get("union") else _structure(members, frozenset(shape.get("required", ())))
        if kind == "list":
            return _list(self._predicate(shape["member"]["shape"]), shape.get("min") or 0, shape.get("max"))
        if kind in ("string", "blob", "timestamp"):
            return _string(shape) if kind == "string" else _text
        if kind == "boolean":
            return _boolean
        return _never if kind == "map" else _number(kind in ("integer", "long"), shape.get("min"), shape.get("max"))


def _never(value: Any) -> bool:
    return False


def _text(value: Any) -> bool:
    return type(value) is str


def _boolean(value: Any) -> bool:
    return type(value) is bool


def _structure(members: Mapping[str, Passes | None], required: frozenset[str]) -> Passes:
    def passes(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, item in value.items():
            if item is None:
                return False
            member = members.get(name)
            if member is not None and not member(item):
                return False
        return True

    return passes


def _union(members: Mapping[str, Passes | None]) -> Passes:
    def passes(value: Any) -> bool:
        if type(value) is not dict or len(value) != 1:
            return False
        for name, item in value.items():
            if item is None or name not in members:
                return False
            member = members[name]
            return member is None or member(item)
        return False

    return passes


def _list(member: Passes | None, least: int, most: int | None) -> Passes:
    def passes(value: Any) -> bool:
        if type(value) is not list or len(value) < least or (most is not None and len(value) > most):
            return False
        if member is not None:
            for item in value:
                if not member(item):
                    return False
        return True

    return passes


def _string(shape: Json) -> Passes:
    if "enum" in shape:
        values = frozenset(shape["enum"])
        return lambda value: type(value) is str and value in values
    least, most = shape.get("min") or 0, shape.get("max")
    pattern = shape.get("pattern")
    if pattern is not None and pattern not in ANYTHING:
        return _matching(pattern, least, most)
    if not least and most is None:
        return _text
    return lambda value: type(value) is str and least <= len(value) and (most is None or len(value) <= most)


def _matching(pattern: str, least: int, most: int | None) -> Passes:
    """Only for strings of a limited length: a pattern over megabytes is for the thorough half to decide on."""
    if most is None or most > _MATCHED_CHARS:
        return _never
    try:
        matches = re.compile(pattern).fullmatch
    except re.error:
        return _never
    return lambda value: type(value) is str and least <= len(value) <= most and matches(value) is not None


def _number(whole: bool, least: float | None, most: float | None) -> Passes:
    kinds = (int,) if whole else (int, float)

    def passes(value: Any) -> bool:
        return type(value) in kinds and (least is None or value >= least) and (most is None or value <= most)

    return passes


ANYTHING = (r"[\s\S]*", r"[\s\S]+", ".*")
"""Patterns that accept any text and are not worth running."""
