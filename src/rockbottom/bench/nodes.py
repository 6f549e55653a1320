"""A YAML file read strictly, each value knowing where it stands.

``Field`` wraps a node and its path (``conversations[0].turns[2].user``); every reader either returns a
value of the type asked for or raises InvalidWorkload with file, line, column and path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml

from rockbottom.bench.errors import InvalidWorkload
from rockbottom.extras import yaml_root
from rockbottom.figures import bare, thousands
from rockbottom.quantities import Undecodable

_MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_SPOKEN = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "map": "a mapping",
    "seq": "a list",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a YAML file: its node, its path from the top, and the file it came from."""

    file: str
    path: str
    node: yaml.Node

    def fault(self, problem: str, *, fix: str | None = None) -> InvalidWorkload:
        """The error that this value is wrong, at its place."""
        mark = self.node.start_mark
        return InvalidWorkload(self.file, mark.line + 1, mark.column + 1, self.path, problem, fix=fix)

    def members(self, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, "Field"]:
        """The members of a mapping; an unknown, repeated or missing name is a fault."""
        if not isinstance(self.node, yaml.MappingNode):
            self._wrong("a mapping")
        members: dict[str, Field] = {}
        for key, value in self.node.value:
            name = str(key.value)
            member = Field(self.file, f"{self.path}.{name}".lstrip("."), value)
            at_key = Field(self.file, member.path, key)
            if name not in known:
                raise at_key.fault(_unknown(name, known))
            if name in members:
                raise at_key.fault("given twice")
            members[name] = member
        for name in required:
            if name not in members:
                raise self.fault(f"the field '{name}' is missing")
        return members

    def items(self) -> list["Field"]:
        if not isinstance(self.node, yaml.SequenceNode):
            self._wrong("a list")
        return [Field(self.file, f"{self.path}[{index}]", node) for index, node in enumerate(self.node.value)]

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def text(self) -> str:
        """Text that is not empty."""
        value = self._scalar("str", "text")
        if not value.strip():
            raise self.fault("expected text, found nothing but spaces")
        return value

    def flag(self) -> bool:
        return self._scalar("bool", "true or false").lower() in ("true", "yes", "on")

    def whole(self, *, least: int, most: int | None = None) -> int:
        """A whole number within bounds."""
        number = self._whole()
        if number < least or (most is not None and number > most):
            bounds = f"at least {thousands(least)}"
            if most is not None:
                bounds = f"between {thousands(least)} and {thousands(most)}"
            raise self.fault(f"expected a whole number, {bounds}, found {thousands(number)}")
        return number

    def number(self, *, least: float, most: float | None = None) -> float:
        """A number within bounds, whole or not."""
        kind = self._kind()
        if kind not in ("int", "float"):
            self._wrong("a number")
        number = float(self.node.value.replace("_", ""))
        if not number >= least or (most is not None and number > most):
            bounds = f"from {bare(least)}" if most is None else f"between {bare(least)} and {bare(most)}"
            raise self.fault(f"expected a number {bounds}, found {bare(number)}")
        return number

    def one_of(self, choices: Sequence[str]) -> str:
        """One of a closed set of words."""
        value = self._scalar("str", f"one of {', '.join(choices)}")
        if value not in choices:
            near = get_close_matches(value, choices, 1)
            raise self.fault(
                f"expected one of {', '.join(choices)}, found '{value}'"
                + (f"; did you mean {near[0]}?" if near else "")
            )
        return value

    def plain(self, depth: int = 0) -> Any:
        """Any JSON value: what a tool schema or a tool input may hold."""
        if depth > _MAX_DEPTH:
            raise self.fault(f"nested more than {_MAX_DEPTH} deep")
        if isinstance(self.node, yaml.MappingNode):
            return {
                str(key.value): Field(self.file, f"{self.path}.{key.value}", value).plain(depth + 1)
                for key, value in self.node.value
            }
        if isinstance(self.node, yaml.SequenceNode):
            return [item.plain(depth + 1) for item in self.items()]
        return _PLAIN.get(self._kind(), str)(self.node.value)

    def _whole(self) -> int:
        value = self._scalar("int", "a whole number").replace("_", "").replace(",", "")
        try:
            return int(value, 10)
        except ValueError:
            raise self.fault(f"expected a whole number, found '{value}'") from None

    def _scalar(self, kind: str, expected: str) -> str:
        if self._kind() != kind:
            self._wrong(expected)
        return self.node.value

    def _kind(self) -> str:
        return self.node.tag.removeprefix(_TAG)

    def _wrong(self, expected: str) -> NoReturn:
        kind = _SPOKEN.get(self._kind(), self._kind())
        shown = f" ({_short(self.node.value)})" if isinstance(self.node, yaml.ScalarNode) and self.node.value else ""
        hint = "; put it in quotes" if expected == "text" and shown else ""
        raise self.fault(f"expected {expected}, found {kind}{shown}{hint}")


_PLAIN: Mapping[str, Callable[[str], Any]] = {
    "int": lambda text: int(text.replace("_", ""), 0),
    "float": float,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "null": lambda _: None,
}


def read_yaml(text: str, file: str) -> Field:
    """The top of a YAML text; raises InvalidWorkload where it is not YAML or is empty."""
    try:
        node = yaml_root(text)
    except Undecodable as error:
        cause: Any = error.__cause__ if isinstance(error.__cause__, yaml.MarkedYAMLError) else None
        mark = cause and (cause.problem_mark or cause.context_mark)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        fault = (cause and (cause.problem or cause.context)) or " ".join(str(error).split())
        raise InvalidWorkload(file, line, column, "", f"not YAML: {fault}") from error
    if node is None:
        raise InvalidWorkload(file, 1, 1, "", "the file is empty", fix="docs/reference/workload.md shows every field")
    return Field(file, "", node)


def entries(field: Field) -> Iterator[tuple[str, Field]]:
    """Names and values of a mapping whose names are free."""
    if not isinstance(field.node, yaml.MappingNode):
        raise field.fault("expected a mapping")
    for key, value in field.node.value:
        yield str(key.value), Field(field.file, f"{field.path}.{key.value}", value)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1, cutoff=0.5)
    return f"unknown field; did you mean '{near[0]}'?" if near else f"unknown field; known are: {', '.join(known)}"


def _short(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= 30 else flat[:29] + "…"
