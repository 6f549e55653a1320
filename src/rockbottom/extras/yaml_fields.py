"""A YAML text read strictly, each value knowing where it stands.

``Field`` wraps a node and its path (``conversations[0].turns[2].user``); every reader either returns a value of the
type asked for or raises the error of whoever reads, with file, line, column and path.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NoReturn, Protocol

from rockbottom.extras.yaml_text import yaml_kind, yaml_root, yaml_value
from rockbottom.figures import bare, thousands
from rockbottom.quantities import RockbottomError, Undecodable

_MAX_DEPTH = 40
_PLAIN = frozenset({"int", "float", "bool", "null"})
_TAG = "tag:yaml.org,2002:"
_MERGE, _FILLED = f"{_TAG}merge", f"{_TAG}filled"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SPOKEN = {
    "str": "text",
    "filled": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "map": "a mapping",
    "seq": "a list",
}


class FieldFault(Protocol):
    """Makes the error of a value that is wrong; line and column count from 1, ``field`` is its path."""

    def __call__(
        self, file: str, line: int, column: int, field: str, problem: str, *, fix: str | None = None
    ) -> RockbottomError: ...


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a YAML text: its node, its path from the top, the file it came from, and whose errors it raises."""

    file: str
    path: str
    node: Any
    faults: FieldFault

    def fault(self, problem: str, *, fix: str | None = None) -> RockbottomError:
        """The error that this value is wrong, at its place."""
        mark = self.node.start_mark
        return self.faults(self.file, mark.line + 1, mark.column + 1, self.path, problem, fix=fix)

    def members(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, "Field"]:
        """The members of a mapping; an unknown, repeated or missing name is a fault."""
        members: dict[str, Field] = {}
        for name, (at_name, member) in self._pairs().items():
            if name not in known:
                raise at_name.fault(_unknown(name, known))
            members[name] = member
        for name in required:
            if name not in members:
                raise self.fault(f"the field '{name}' is missing")
        return members

    def entries(self) -> Iterator[tuple[str, "Field"]]:
        """Names and values of a mapping whose names are free."""
        return ((name, value) for name, (_, value) in self._pairs().items())

    def items(self) -> list["Field"]:
        """The elements of a list."""
        if not self.is_list():
            self._wrong("a list")
        return [self._below(f"{self.path}[{index}]", node) for index, node in enumerate(self.node.value)]

    def at(self, path: str) -> "Field":
        """The value at a path from here; the nearest one above where none stands there."""
        field = self
        for part in re.findall(r"[^.\[\]]+", path):
            if field.is_mapping():
                below = dict(field.entries()).get(part)
            else:
                below = next((item for item in field.items() if item.path.endswith(f"[{part}]")), None)
            if below is None:
                return replace(field, path=path)
            field = below
        return field

    def is_mapping(self) -> bool:
        return self.node.id == "mapping"

    def is_list(self) -> bool:
        return self.node.id == "sequence"

    def is_nothing(self) -> bool:
        """Whether nothing is written there, or null."""
        return self._kind() == "null"

    def fill(self, env: Mapping[str, str]) -> None:
        """Put what the environment says in the place of each ``${NAME}``, here and below; an unset one is a fault."""
        if self.is_mapping():
            for _, below in self.entries():
                below.fill(env)
        elif self.is_list():
            for item in self.items():
                item.fill(env)
        elif self._kind() == "str":
            for name in _VARIABLE.findall(self.node.value):
                if name not in env:
                    raise self.fault(f"${{{name}}} is not set in the environment")
                self.node.tag = _FILLED if self.node.style is None else self.node.tag
            self.node.value = _VARIABLE.sub(lambda match: env[match[1]], self.node.value)

    def _pairs(self) -> dict[str, tuple["Field", "Field"]]:
        """Each name of a mapping, where it stands, and its value; what is merged (``<<``) comes after its own."""
        if not self.is_mapping():
            self._wrong("a mapping")
        pairs: dict[str, tuple[Field, Field]] = {}
        merged: dict[str, tuple[Field, Field]] = {}
        for key, value in self.node.value:
            if key.tag == _MERGE:
                for node in value.value if value.id == "sequence" else (value,):
                    merged = {**self._below(self.path, node)._pairs(), **merged}
                continue
            at_name = self._below(f"{self.path}.{key.value}".lstrip("."), key)
            if key.id != "scalar":
                raise self._below(self.path, key).fault("expected a name, found more than one word")
            if key.value in pairs:
                raise at_name.fault("given twice")
            pairs[key.value] = at_name, replace(at_name, node=value)
        return {**merged, **pairs}

    def _below(self, path: str, node: Any) -> "Field":
        return Field(self.file, path, node, self.faults)

    def text(self, *, may_be_empty: bool = False) -> str:
        """Text, by default some."""
        value = self._scalar("str", "text")
        if not value.strip() and not may_be_empty:
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
        number = self._number()
        if not number >= least or (most is not None and number > most):
            bounds = f"from {bare(least)}" if most is None else f"between {bare(least)} and {bare(most)}"
            raise self.fault(f"expected a number {bounds}, found {bare(number)}")
        return number

    def positive(self) -> float:
        """A number above zero that has an end."""
        number = self._number()
        if not 0 < number < float("inf"):
            raise self.fault(f"expected a number above 0, found {self.node.value}")
        return number

    def amount(self) -> str:
        """A number as it is written, to the last digit."""
        if not (self._is("int") or self._is("float")):
            self._wrong("a number")
        return self.node.value.replace("_", "")

    def text_or_amount(self) -> str:
        """Text, or a number as it is written."""
        return self.amount() if self._is("int") or self._is("float") else self.text()

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
        if self.is_mapping():
            return {name: value.plain(depth + 1) for name, value in self.entries()}
        if self.is_list():
            return [item.plain(depth + 1) for item in self.items()]
        if self._kind() not in _PLAIN:
            return self.node.value
        try:
            return yaml_value(self.node)
        except Undecodable as error:
            raise self.fault(f"expected {_SPOKEN[self._kind()]}, found what is none: {error}") from error

    def _number(self) -> float:
        try:
            return float(re.sub(r"\.(?=inf|nan)", "", self.amount().lower()))
        except ValueError:
            raise self.fault(f"expected a number, found '{self.node.value}'") from None

    def _whole(self) -> int:
        value = self._scalar("int", "a whole number").replace("_", "").replace(",", "")
        try:
            return int(value, 10)
        except ValueError:
            raise self.fault(f"expected a whole number, found '{value}'") from None

    def _scalar(self, kind: str, expected: str) -> str:
        if not self._is(kind):
            self._wrong(expected)
        return self.node.value

    def _is(self, kind: str) -> bool:
        """Whether a value is of a kind; one that the environment gave is of any that its text can be."""
        if self.node.tag == _FILLED:
            return kind in ("str", yaml_kind(self.node.value).removeprefix(_TAG))
        return self._kind() == kind

    def _kind(self) -> str:
        return self.node.tag.removeprefix(_TAG)

    def _wrong(self, expected: str) -> NoReturn:
        kind = _SPOKEN.get(self._kind(), self._kind())
        shown = f" ({_short(self.node.value)})" if self.node.id == "scalar" and self.node.value else ""
        hint = "; put it in quotes" if expected == "text" and shown else ""
        raise self.fault(f"expected {expected}, found {kind}{shown}{hint}")


def yaml_field(text: str, file: str, faults: FieldFault, *, fix: str) -> Field:
    """The top of a YAML text; ``fix`` says what would work where it is empty."""
    try:
        node = yaml_root(text)
    except Undecodable as error:
        cause: Any = error.__cause__
        mark = getattr(cause, "problem_mark", None) or getattr(cause, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = getattr(cause, "problem", None) or getattr(cause, "context", None) or " ".join(str(error).split())
        raise faults(file, line, column, "", f"not YAML: {problem}") from error
    if node is None:
        raise faults(file, 1, 1, "", "the file is empty", fix=fix)
    return Field(file, "", node, faults)


def at_line(file: str, line: int, field: str, problem: str) -> str:
    """The sentence that a field is wrong, which may end in a question."""
    return f"{file}, line {line}: {field + ': ' if field else ''}{problem}{'' if problem.endswith('?') else '.'}"


def json_field(text: str, file: str, faults: FieldFault) -> Field:
    """The top of a JSON text: each is YAML, but for what indents it."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise faults(file, error.lineno, error.colno, "", f"not JSON: {error.msg}") from error
    except RecursionError as error:
        raise faults(file, 1, 1, "", "nested too deep") from error
    return yaml_field(text.replace("\t", " "), file, faults, fix="")


def _unknown(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1, cutoff=0.5)
    return f"unknown field; did you mean '{near[0]}'?" if near else f"unknown field; known are: {', '.join(known)}"


def _short(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= 30 else flat[:29] + "…"
