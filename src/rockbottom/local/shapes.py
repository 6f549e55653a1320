"""Bodies checked against the botocore service model, compiled once into closures.

A checker takes a value, its path and the list of complaints; it walks what the model constrains and
nothing else, so that 30 KB of text cost one ``isinstance``. A path is a link to the path above it and becomes text
only in a complaint. Complaints are worded as AWS words them:

    1 validation error detected: Value 'x' at 'messages.1.member.role' failed to satisfy constraint:
    Member must satisfy enum value set: [user, assistant, system]

Unknown members are ignored, as the service ignores them (recorded: a cachePoint nested in
toolResult.content over plain HTTP is accepted and has no effect).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from botocore.loaders import Loader

from rockbottom.figures import bare
from rockbottom.local.failures import ServiceFailure, invalid

Json = dict[str, Any]
_Path = tuple[Any, str | int] | None
"""Where a value stands: the path of what holds it, and its name there or its number from 1; None is the body itself."""
Checker = Callable[[Any, _Path, list[str]], None]

# The keys that AWS lists when a content block sets two (recorded by envoyproxy/ai-gateway issue 1717,
# 2026-01; shorter than the service model's own list).
_RECORDED_UNION_KEYS: Mapping[str, str] = {
    "ContentBlock": "text, image, toolUse, toolResult, document, video, cachePoint, reasoningContent, "
    "citationsContent, searchResult",
}
# Patterns that accept any text and are not worth running.
_ANYTHING = (r"[\s\S]*", r"[\s\S]+", ".*")
# Enums whose values the service refuses in words of its own (``accepted.check_tier``).
_WORDED_APART = frozenset({"ServiceTierType"})
# Unions that ignore a member they do not know (recorded for this one, Sonnet 4.6 over plain HTTP, 2026-10).
_LENIENT_UNIONS = frozenset({"ToolResultContentBlock"})


@dataclass(frozen=True, slots=True)
class BodyChecker:
    """Checks the JSON body of one operation."""

    operation: str
    check: Checker

    def __call__(self, body: object) -> Json:
        """The body, if it is one. Raises ServiceFailure (ValidationException, SerializationException)."""
        if not isinstance(body, dict):
            raise ServiceFailure("SerializationException", "The request body must be a JSON object")
        complaints: list[str] = []
        self.check(body, None, complaints)
        if complaints:
            noun = "error" if len(complaints) == 1 else "errors"
            raise invalid(f"{len(complaints)} validation {noun} detected: {'; '.join(complaints)}")
        return cast(Json, body)


def service_model(service: str) -> Json:
    """The service model of the installed botocore."""
    loader: Any = Loader()
    return loader.load_service_model(service, "service-2")


def body_checker(model: Json, operation: str) -> BodyChecker:
    """The checker of an operation's body: its input members that travel in the JSON."""
    compiler = _Compiler(model["shapes"])
    shape = model["shapes"][model["operations"][operation]["input"]["shape"]]
    members = {name: member for name, member in shape["members"].items() if "location" not in member}
    required = [name for name in shape.get("required", ()) if name in members]
    return BodyChecker(operation, compiler.structure(compiler.members(members), required))


class _Compiler:
    """Shapes to checkers; None where a shape constrains nothing."""

    def __init__(self, shapes: Json) -> None:
        self._shapes = shapes
        self._made: dict[str, Checker | None] = {}

    def checker(self, name: str) -> Checker | None:
        """The checker of a shape, made once; a shape inside itself is looked up when it is needed."""
        if name not in self._made:
            self._made[name] = partial(self._late, name)
            self._made[name] = self._make(name, self._shapes[name])
        return self._made[name]

    def _late(self, name: str, value: Any, path: _Path, complaints: list[str]) -> None:
        checker = self._made[name]
        if checker is not None:
            checker(value, path, complaints)

    def _make(self, name: str, shape: Json) -> Checker | None:
        kind = shape["type"]
        if kind == "structure":
            if shape.get("document"):
                return None
            checks = self.members(shape["members"])
            check = self.structure(checks, shape.get("required", ()))
            return _union(name, tuple(shape["members"]), checks, check) if shape.get("union") else check
        if kind == "list":
            member = shape["member"]["shape"]
            return _list(self.checker(member), shape.get("min"), shape.get("max"), texts=self._holds_text(member))
        if kind == "map":
            return _map(
                self.checker(shape["key"]["shape"]),
                self.checker(shape["value"]["shape"]),
                shape.get("min"),
                shape.get("max"),
            )
        if kind in ("string", "blob", "timestamp"):
            return _string(shape) if kind == "string" and name not in _WORDED_APART else _text
        if kind == "boolean":
            return _boolean
        return _number(kind in ("integer", "long"), shape.get("min"), shape.get("max"))

    def _holds_text(self, name: str) -> bool:
        """Whether a shape is a union one of whose members is a text that may be anything."""
        shape = self._shapes[name]
        text = shape["members"].get("text") if shape.get("union") else None
        return text is not None and self.checker(text["shape"]) is _text

    def members(self, members: Mapping[str, Json]) -> dict[str, Checker]:
        """The checkers of those members that are constrained."""
        return {name: checker for name, member in members.items() if (checker := self.checker(member["shape"]))}

    def structure(self, checks: Mapping[str, Checker], required: Any) -> Checker:
        """The checker of a structure whose members these check."""
        needed = tuple(required)

        def check(value: Any, path: _Path, complaints: list[str]) -> None:
            fields: Json = value
            if not isinstance(value, dict):
                raise _wrong_type(path, "an object", value)
            for name in needed:
                if fields.get(name) is None:
                    complaints.append(_complaint("null", (path, name), "Member must not be null"))
            for name, item in fields.items():
                member = checks.get(name)
                if member is not None and item is not None and not (member is _text and type(item) is str):
                    member(item, (path, name), complaints)

        return check


def _complaint(value: str, path: _Path, constraint: str) -> str:
    return f"Value {value} at '{_dotted(path)}' failed to satisfy constraint: {constraint}"


def _dotted(path: _Path) -> str:
    """A path as AWS writes it: ``messages.1.member.role``."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(f"{part}.member" if isinstance(part, int) else part)
    return ".".join(reversed(parts))


def _shown(value: Any) -> str:
    text = str(value)
    return f"'{text if len(text) <= 200 else text[:200] + '...'}'"


def _wrong_type(path: _Path, expected: str, value: object) -> ServiceFailure:
    place = _dotted(path) or "the request body"
    return ServiceFailure("SerializationException", f"{place} must be {expected}, not {_json_type(value)}")


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names: dict[type[Any], str] = {
        dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"
    }  # fmt: skip
    return names.get(type(value), "null")


def _union(name: str, members: tuple[str, ...], checks: Mapping[str, Checker], check: Checker) -> Checker:
    known = frozenset(members)
    listed = _RECORDED_UNION_KEYS.get(name, ", ".join(members))

    def check_union(value: Any, path: _Path, complaints: list[str]) -> None:
        fields: Json = value
        if not isinstance(value, dict):
            raise _wrong_type(path, "an object", value)
        if len(fields) == 1:  # nearly always, and then its one member is all there is to look at
            for key, item in fields.items():
                if item is not None and key in known:
                    member = checks.get(key)
                    if member is not None and not (member is _text and type(item) is str):
                        member(item, (path, key), complaints)
                    return
        present = [key for key in fields if key in known and fields[key] is not None]
        if len(present) != 1 and not (not present and fields and name in _LENIENT_UNIONS):
            can = "can only" if present else "must"
            raise invalid(f"{name} object at {_zero_based(path)} {can} set one of the following keys: {listed}.")
        check(fields, path, complaints)

    return check_union


def _zero_based(path: _Path) -> str:
    # Union errors count from 0 without "member" (recorded: messages.0.content.0), constraint errors from 1.
    place = _dotted(path).replace(".member", "")
    return ".".join(str(int(part) - 1) if part.isdigit() else part for part in place.split("."))


def _list(member: Checker | None, minimum: int | None, maximum: int | None, *, texts: bool) -> Checker:
    bounded = minimum is not None or maximum is not None

    def check(value: Any, path: _Path, complaints: list[str]) -> None:
        items: list[Any] = value
        if not isinstance(value, list):
            raise _wrong_type(path, "a list", value)
        if bounded:
            _check_length(len(items), value, path, minimum, maximum, complaints)
        if texts and len(items) == 1:  # most lists of blocks are one text, and then there is nothing more to look at
            only = items[0]
            if type(only) is dict and len(cast(Json, only)) == 1 and type(cast(Json, only).get("text")) is str:
                return
        if member is not None:
            for number, item in enumerate(items, 1):
                member(item, (path, number), complaints)

    return check


def _map(key: Checker | None, value_checker: Checker | None, minimum: int | None, maximum: int | None) -> Checker:
    def check(value: Any, path: _Path, complaints: list[str]) -> None:
        fields: Json = value
        if not isinstance(value, dict):
            raise _wrong_type(path, "an object", value)
        _check_length(len(fields), value, path, minimum, maximum, complaints)
        for name, item in fields.items():
            if key is not None:
                key(name, path, complaints)
            if value_checker is not None:
                value_checker(item, (path, name), complaints)

    return check


def _check_length(
    length: int, value: Any, path: _Path, minimum: int | None, maximum: int | None, complaints: list[str]
) -> None:
    if minimum is not None and length < minimum:
        complaints.append(
            _complaint(_shown(value), path, f"Member must have length greater than or equal to {minimum}")
        )
    if maximum is not None and length > maximum:
        complaints.append(_complaint(_shown(value), path, f"Member must have length less than or equal to {maximum}"))


def _text(value: Any, path: _Path, complaints: list[str]) -> None:
    if not isinstance(value, str):
        raise _wrong_type(path, "a string", value)


def _boolean(value: Any, path: _Path, complaints: list[str]) -> None:
    if not isinstance(value, bool):
        raise _wrong_type(path, "a boolean", value)


def _string(shape: Json) -> Checker:
    values = frozenset(shape["enum"]) if "enum" in shape else None
    pattern = _compiled(shape.get("pattern"))
    minimum, maximum = shape.get("min"), shape.get("max")
    if values is None and pattern is None and not minimum and maximum is None:
        return _text

    def check(value: Any, path: _Path, complaints: list[str]) -> None:
        if not isinstance(value, str):
            raise _wrong_type(path, "a string", value)
        if values is not None:
            if value not in values:
                listed = ", ".join(shape["enum"])
                complaints.append(_complaint(_shown(value), path, f"Member must satisfy enum value set: [{listed}]"))
            return
        _check_length(len(value), value, path, minimum, maximum, complaints)
        if pattern is not None and len(value) <= (maximum or len(value)) and not pattern.fullmatch(value):
            complaints.append(
                _complaint(
                    _shown(value),
                    path,
                    f"Member must satisfy regular expression pattern: {shape['pattern']}",
                )
            )

    return check


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    # Patterns that accept any text are not worth running; ones that Python cannot read are the SDK's to check.
    if pattern is None or pattern in _ANYTHING:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _number(whole: bool, minimum: float | None, maximum: float | None) -> Checker:
    def check(value: Any, path: _Path, complaints: list[str]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(path, "a number", value)
        if whole and isinstance(value, float) and not value.is_integer():
            raise _wrong_type(path, "a whole number", value)
        if minimum is not None and value < minimum:
            complaints.append(
                _complaint(_shown(value), path, f"Member must have value greater than or equal to {bare(minimum)}")
            )
        if maximum is not None and value > maximum:
            complaints.append(
                _complaint(_shown(value), path, f"Member must have value less than or equal to {bare(maximum)}")
            )

    return check
