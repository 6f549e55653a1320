"""Values that satisfy a JSON schema, taken from a text where it holds them.

Without chance: the same schema and text give the same value. Required members are always there, others where the text
names them. What a text does not hold is the least that the schema accepts.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, cast

from rockbottom.local.evidence import Evidence, words_of
from rockbottom.local.patterns import least_match
from rockbottom.local.schema_conditions import Bounds, further_names, implied, kind_beside, number_of
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
_DEPTH = 24
_MOST_VALUES = 5_000  # of one sample: a schema of references that lead back to each other would have no end
_MOST_ITEMS = 50
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "person@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}
_KINDS_OF_FORMATS = {"date": ("date",), "email": ("email",), "uri": ("url",), "url": ("url",)}
# What a member's name says of its value, by any of its words.
_KINDS: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (frozenset({"email", "mail", "recipient"}), ("email",)),
    (frozenset({"url", "uri", "link", "href", "website"}), ("url",)),
    (frozenset({"path", "file", "filename", "directory", "folder", "dir"}), ("quoted", "path")),
    (frozenset({"date", "day", "when", "deadline"}), ("date", "day")),
    (frozenset({"time", "hour", "at"}), ("clock",)),
    (frozenset({"expression", "formula", "equation", "calculation"}), ("quoted", "sum")),
    (frozenset({"id", "identifier", "number", "code", "key", "reference", "sku"}), ("quoted", "code", "number")),
)
_NAMED = ("quoted", "name", "code", "object")
_WHOLE = frozenset({"query", "question", "prompt", "input", "message", "request", "task", "instruction", "search"})
_PLAIN = frozenset({"type", "title", "description", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"})
# Members that are run as a program: never a sentence, which a shell would take for commands.
_RUN = {"command": "true", "cmd": "true", "script": "true", "code": "None", "sql": "SELECT 1", "python": "None"}


def sample_of(schema: Json, text: str | Evidence) -> Json:
    """An object for a tool's input schema, or any schema of an object."""
    value = _Sampling(schema, Evidence(text) if isinstance(text, str) else text).value(schema, "", _DEPTH)
    return cast(Json, value) if isinstance(value, dict) else {}


def value_of(schema: Json, evidence: Evidence) -> Any:
    """A value that a JSON schema accepts, filled from what the prompt says where it says something."""
    return _Sampling(schema, evidence).value(schema, "", _DEPTH)


class _Sampling:
    """One schema filled from one text."""

    def __init__(self, root: Json, evidence: Evidence) -> None:
        self._root = root
        self._evidence = evidence
        self._left = _MOST_VALUES
        self._within: list[str] = []  # references that are being filled: what leads back to one can be left out

    def value(self, schema: Any, name: str, depth: int) -> Any:
        """A value for a schema; ``name`` is the member's, ``""`` at the top."""
        self._left -= 1
        if not isinstance(schema, dict) or depth == 0 or self._left < 0:
            return None
        reference = cast(Json, schema).get("$ref")
        if not isinstance(reference, str):
            return self._value(cast(Json, schema), name, depth)
        self._within.append(reference)
        try:
            return self._value(cast(Json, schema), name, depth)
        finally:
            self._within.pop()

    def _value(self, schema: Json, name: str, depth: int) -> Any:
        fields = self._resolved(schema)
        if is_list(fields.get("allOf")):
            fields = self._merged(fields)
        if "const" in fields:
            return fields["const"]
        if is_list(fields.get("enum")) and fields["enum"]:
            values = list(fields["enum"])
            choice = self._evidence.member(values)
            if choice is None:
                choice = fields["default"] if "default" in fields and fields["default"] in values else values[0]
            return choice
        for union in ("anyOf", "oneOf"):
            if is_list(fields.get(union)) and fields[union]:
                return self._of_union(fields, union, name, depth)
        kind = kind_beside(fields["not"]) if "not" in fields and "type" not in fields else None
        return self._typed(fields if kind is None else {**fields, "type": kind}, name, depth)

    def _leads_back(self, schema: Any) -> bool:
        """Whether a schema is, or may be, one that is being filled."""
        if not is_object(schema):
            return False
        choices = [choice for union in ("anyOf", "oneOf") if is_list(choice := schema.get(union))]
        inner = [part for parts in choices for part in parts] + [schema.get("items")]
        return schema.get("$ref") in self._within or any(self._leads_back(part) for part in inner if part is not None)

    def _of_union(self, fields: Json, union: str, name: str, depth: int) -> Any:
        rest = {member: value for member, value in fields.items() if member not in (union, "default", "title")}
        choices = [choice for choice in fields[union] if not (is_object(choice) and choice.get("type") == "null")]
        if any(self._leads_back(choice) for choice in fields[union]):
            choices = [choice for choice in fields[union] if not self._leads_back(choice)]
        chosen: Any = next(filter(self._is_told, choices), (choices or fields[union])[0])
        if is_object(chosen) and rest:
            chosen = self._merged({"allOf": [rest, chosen]})
        return self.value(chosen, name, depth - 1)

    def _is_told(self, choice: Any) -> bool:
        """Whether the text names the constant that tells a choice of a union from the others."""
        members = self._resolved(dict(choice)).get("properties") if is_object(choice) else None
        values = [part["const"] for part in members.values() if "const" in part] if is_object(members) else []
        return self._evidence.member(values) is not None

    def _typed(self, fields: Json, name: str, depth: int) -> Any:
        kind = _type_of(fields)
        if kind == "object":
            return self._object(fields, depth)
        if kind == "array":
            return self._array(fields, name, depth)
        if kind in ("integer", "number"):
            return self._number(fields, name, whole=kind == "integer")
        if kind == "boolean":
            return bool(fields.get("default", True)) and not self._evidence.denies(name)
        return None if kind == "null" else self._string(fields, name)

    def _object(self, fields: Json, depth: int) -> Json:
        properties = fields.get("properties")
        required = fields.get("required")
        known = dict(properties) if is_object(properties) else {}
        needed = [member for member in required if isinstance(member, str)] if is_list(required) else []
        filled: Json = {}
        for member, schema in known.items():
            # Where nothing is required and nothing has a default, all of it is meant.
            meant = not needed and not (is_object(schema) and "default" in schema) and not self._leads_back(schema)
            if member in needed or meant or self._is_named(schema, member):
                filled[member] = self.value(schema, member, depth - 1)
        for member in needed:
            if member not in filled:
                more = fields.get("additionalProperties")
                filled[member] = self.value(more if is_object(more) else {}, member, depth - 1)
        for branch in list(implied(fields, filled)):
            self._add_implied(filled, fields, branch, depth)
        self._add_further(filled, known, fields, depth)
        return filled

    def _add_implied(self, filled: Json, fields: Json, branch: Json, depth: int) -> None:
        """Fill what a branch requires, and fill anew what it says more of."""
        whole = self._merged({"allOf": [branch, {key: fields[key] for key in ("properties",) if key in fields}]})
        stated = branch.get("properties")
        own = dict(stated) if is_object(stated) else {}
        properties, required = whole.get("properties"), branch.get("required")
        known = dict(properties) if is_object(properties) else {}
        for member in [*(required if is_list(required) else ()), *(name for name in own if name in filled)]:
            schema = own.get(member, known.get(member, {}))
            if member in known and member in own and is_object(known[member]):
                schema = self._merged({"allOf": [own[member], known[member]]})
            filled[member] = self.value(schema, member, depth - 1)

    def _add_further(self, filled: Json, known: Json, fields: Json, depth: int) -> None:
        """Fill further members until there are as many as there must be."""
        lacking = _bound(fields.get("minProperties"), 0) - len(filled)
        names = [(name, schema) for name, schema in known.items() if name not in filled]
        if lacking > len(names):
            names += islice(further_names(fields, {**known, **filled}), lacking - len(names))
        for name, schema in names[: max(lacking, 0)]:
            filled[name] = self.value(schema, name, depth - 1)

    def _is_named(self, schema: Any, name: str) -> bool:
        """Whether the text holds a value for a member that may be left out: a word of its enum, a number."""
        if not is_object(schema):
            return False
        fields = self._resolved(dict(schema))
        for union in ("anyOf", "oneOf"):
            choices = fields.get(union)
            if is_list(choices):
                return any(self._is_named(choice, name) for choice in choices)
        values = fields.get("enum")
        if is_list(values):
            return self._evidence.member(list(values)) is not None
        if _type_of(fields) in ("integer", "number"):
            beside = self._evidence.beside(name, r"[-+]?\d+(?:\.\d+)?")
            if beside is not None:
                self._evidence.release(beside)
            return beside is not None
        return False

    def _array(self, fields: Json, name: str, depth: int) -> list[Any]:
        least, most = _bound(fields.get("minItems"), 0), _bound(fields.get("maxItems"), _MOST_ITEMS)
        prefix: Any = fields.get("prefixItems")
        if is_list(prefix):
            return [self.value(schema, name, depth - 1) for schema in prefix]
        items: Any = fields.get("items", {"type": "string"})
        resolved = self._resolved(dict(items)) if is_object(items) else {}
        values: list[Any] = []
        if most and _PLAIN.issuperset(resolved):
            values = self._listed(resolved, name)
        while len(values) < min(max(least, 0 if self._leads_back(items) else 1), most):
            values.append(self.value(items, name, depth - 1))
        contained = fields.get("contains")
        if is_object(contained) and most:
            values[most - 1 :] = []
            values.append(self.value({"allOf": [contained, resolved]}, name, depth - 1))
        if fields.get("uniqueItems"):
            choices: Any = resolved.get("enum")
            values = _unique(values, choices if is_list(choices) else ())
        return values[:most]

    def _listed(self, items: Json, name: str) -> list[Any]:
        kind = _type_of(items) if items else "string"
        if kind == "string":
            texts = self._evidence.list_beside(name) or self._evidence.all("quoted", "name")
            return [text for text in texts if _fits(text, items)]
        if kind in ("integer", "number"):
            bounds = Bounds.of(items, whole=kind == "integer")
            numbers = list(iter(lambda: self._evidence.number("", bounds.accepts), None))
            return [int(number) if bounds.whole else number for number in numbers]
        return []

    def _number(self, fields: Json, name: str, *, whole: bool) -> float | int:
        bounds = Bounds.of(fields, whole=whole)
        number = self._evidence.number(name, bounds.accepts)
        if number is not None:
            return int(number) if whole else number
        default = number_of(fields.get("default"))
        return default if default is not None else bounds.smallest()

    def _string(self, fields: Json, name: str) -> str:
        pattern = _compiled(fields.get("pattern"))
        form = str(fields.get("format"))
        if pattern is not None:
            match = self._evidence.matching(pattern)
            return match if match is not None and _fits(match, fields) else least_match(fields["pattern"]) or ""
        if form in _FORMATS:
            return (form in _KINDS_OF_FORMATS and self._evidence.next(*_KINDS_OF_FORMATS[form])) or _FORMATS[form]
        text = self._text(fields, name)
        most, least = fields.get("maxLength"), fields.get("minLength")
        if isinstance(most, int):
            text = text[: max(most, 0)]
        return text.ljust(least, ".") if isinstance(least, int) and least < 10_000 else text

    def _text(self, fields: Json, name: str) -> str:
        evidence, words = self._evidence, words_of(name)
        run = next((_RUN[word] for word in words if word in _RUN and len(words) <= 2), None)
        if run is not None:
            return evidence.next("quoted") or run
        for names, kinds in _KINDS:
            if names.intersection(words) and (hint := evidence.next(*kinds)):
                return hint
        if words and not _WHOLE.intersection(words):
            beside = evidence.beside(name, r"[\w.@/+-]*\w", quoted=True)
            hint = beside or evidence.next(*_NAMED) or (evidence.near(name) if evidence.near else None)
            if hint:
                return hint
        elif hint := evidence.next("quoted"):
            return hint
        default = fields.get("default")
        return default if isinstance(default, str) else " ".join(evidence.text.split())[:80] or "value"

    def _resolved(self, fields: Json) -> Json:
        for _ in range(_DEPTH):
            reference = fields.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                return fields
            place: Any = self._root
            for part in filter(None, reference[1:].split("/")):
                name = part.replace("~1", "/").replace("~0", "~")
                place = cast(Json, place).get(name) if isinstance(place, dict) else None
            rest = {member: value for member, value in fields.items() if member != "$ref"}
            fields = {**(cast(Json, place) if isinstance(place, dict) else {}), **rest}
        return fields

    def _merged(self, fields: Json) -> Json:
        merged: Json = {key: value for key, value in fields.items() if key != "allOf"}
        for part in fields["allOf"]:
            if isinstance(part, dict):
                for key, value in self._resolved(cast(Json, part)).items():
                    present = merged.get(key)
                    if key == "properties" and isinstance(value, dict):
                        merged[key] = {**(cast(Json, present) if isinstance(present, dict) else {}), **value}
                    elif key == "required" and isinstance(value, list):
                        merged[key] = [*(cast("list[Any]", present) if isinstance(present, list) else []), *value]
                    else:
                        merged.setdefault(key, value)
        return merged


def _type_of(fields: Json) -> str:
    kind = fields.get("type")
    if isinstance(kind, list):
        kinds = [name for name in cast(list[Any], kind) if name != "null"]
        kind = kinds[0] if kinds else "null"
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in fields else "array" if "items" in fields else "string"


def _bound(value: Any, otherwise: int) -> int:
    return min(value, _MOST_ITEMS) if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _fits(text: str, fields: Json) -> bool:
    most, least = fields.get("maxLength"), fields.get("minLength")
    return not (isinstance(most, int) and len(text) > most) and not (isinstance(least, int) and len(text) < least)


def _unique(values: Iterable[Any], choices: Iterable[Any]) -> list[Any]:
    """The values, each changed where it stood before: into the next of the choices, where there are any."""
    unique: list[Any] = []
    for value in values:
        value = next((choice for choice in choices if choice not in unique), value) if value in unique else value
        while value in unique:
            if isinstance(value, bool):
                value = not value
                break
            value = value + 1 if isinstance(value, int | float) else f"{value}{len(unique)}"
        if value not in unique:
            unique.append(value)
    return unique


def _compiled(pattern: Any) -> re.Pattern[str] | None:
    if not isinstance(pattern, str) or len(pattern) > 1_000:
        return None
    try:
        return re.compile(pattern)
    except (re.error, RecursionError):
        return None
