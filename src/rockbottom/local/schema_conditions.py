"""What a JSON schema asks beyond members: conditions, dependencies, how many there must be, and bounds of numbers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from rockbottom.local.patterns import least_match
from rockbottom.quantities import is_list, is_object

Number = float | int


def number_of(value: Any) -> Number | None:
    """The value where it is a number; a boolean is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that a schema accepts: from ``least`` to ``most``, themselves left out where ``above``, ``below``."""

    least: Number | None
    most: Number | None
    above: bool
    below: bool
    step: Number | None
    whole: bool

    @classmethod
    def of(cls, fields: dict[str, Any], *, whole: bool) -> "Bounds":
        """The bounds of a schema for a number, or a whole one."""
        low, above = number_of(fields.get("minimum")), number_of(fields.get("exclusiveMinimum"))
        high, below = number_of(fields.get("maximum")), number_of(fields.get("exclusiveMaximum"))
        strictly_above = above is not None and (low is None or low <= above)
        strictly_below = below is not None and (high is None or high >= below)
        step = number_of(fields.get("multipleOf"))
        return cls(
            above if strictly_above else low,
            below if strictly_below else high,
            strictly_above,
            strictly_below,
            step if step is not None and step > 0 else None,
            whole,
        )

    def accepts(self, value: Number) -> bool:
        """Whether the schema takes the value."""
        if self.whole and value != int(value):
            return False
        if self.least is not None and (value < self.least or (self.above and value == self.least)):
            return False
        if self.most is not None and (value > self.most or (self.below and value == self.most)):
            return False
        return self.step is None or value % self.step == 0

    def smallest(self) -> Number:
        """The least that is accepted; without a lower bound 1, or what is nearest below it."""
        return next((value for value in self._candidates() if self.accepts(value)), self.least or 0)

    def _candidates(self) -> list[Number]:
        least, most = self.least, self.most
        if self.step is not None:
            base = ceil((least if least is not None else 1) / self.step) * self.step
            last = floor((most if most is not None else base) / self.step) * self.step
            return [base, base + self.step, last, last - self.step]
        if least is not None:
            between = [] if most is None or self.whole else [(least + most) / 2]
            return [least if not self.whole else ceil(least), floor(least) + 1, *between]
        return [1] if most is None else [1, most if not self.whole else floor(most), ceil(most) - 1]


Json = dict[str, Any]
_NAMES = 64  # that are tried for one pattern
_KINDS = ("string", "integer", "boolean", "object", "array", "null")


def implied(fields: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Json]:
    """The schemas that hold for an object because of what it has: ``then`` or ``else``, and dependencies."""
    condition = fields.get("if")
    if condition is not None:
        branch = fields.get("then" if _holds(condition, filled) else "else")
        if is_object(branch):
            yield dict(branch)
    for member, needed in _items(fields, "dependentRequired"):
        if member in filled and is_list(needed):
            yield {"required": needed}
    for member, schema in _items(fields, "dependentSchemas"):
        if member in filled and is_object(schema):
            yield dict(schema)


def _holds(condition: Any, filled: Mapping[str, Any]) -> bool:
    """Whether an object meets a condition, as far as constants, enums and required members say."""
    if not is_object(condition):
        return condition is not False
    required = condition.get("required")
    if is_list(required) and not all(member in filled for member in required):
        return False
    for member, schema in _items(condition, "properties"):
        if member not in filled or not is_object(schema):
            continue
        if "const" in schema and filled[member] != schema["const"]:
            return False
        values = schema.get("enum")
        if is_list(values) and filled[member] not in values:
            return False
    return True


def further_names(fields: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names that an object may have besides its members, each with its schema, without end where it may have any."""
    for pattern, schema in _items(fields, "patternProperties"):
        stem = least_match(pattern)
        for number in range(len(filled) + _NAMES) if stem is not None else ():
            name = f"{stem}{number or ''}"
            if name and name not in filled and re.search(pattern, name):
                yield name, schema
    more = fields.get("additionalProperties", True)
    if more is not False:
        number = 1
        while True:
            if f"key{number}" not in filled:
                yield f"key{number}", more if is_object(more) else {}
            number += 1


def kind_beside(refused: Any) -> str | None:
    """A type that a ``not`` leaves open; None where it says nothing of types."""
    kind = refused.get("type") if is_object(refused) else None
    kinds = list(kind) if is_list(kind) else [kind]
    return None if kind is None else next((name for name in _KINDS if name not in kinds), None)


def _items(fields: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    value = fields.get(name)
    if is_object(value):
        yield from value.items()
