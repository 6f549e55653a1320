"""Arguments that satisfy a JSON schema, without chance: the same schema and question give the same arguments."""

from typing import Any, cast

from rockbottom.quantities import is_object

Json = dict[str, Any]
_DEPTH = 8
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "person@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


def sample_of(schema: Json, question: str) -> Json:
    """An object for a tool's input schema; free strings are taken from the question."""
    value = _sample(schema, question, schema, _DEPTH)
    return cast(Json, value) if isinstance(value, dict) else {}


def _sample(schema: Any, question: str, root: Json, depth: int) -> Any:
    if not isinstance(schema, dict) or depth == 0:
        return None
    fields = _resolved(cast(Json, schema), root)
    for name in ("const", "default"):
        if name in fields:
            return fields[name]
    for name in ("enum", "examples"):
        if isinstance(fields.get(name), list) and fields[name]:
            return fields[name][0]
    for name in ("anyOf", "oneOf"):
        if isinstance(fields.get(name), list) and fields[name]:
            choices = [one for one in fields[name] if not (is_object(one) and one.get("type") == "null")]
            return _sample((choices or fields[name])[0], question, root, depth - 1)
    if isinstance(fields.get("allOf"), list):
        fields = _merged(fields, root)
    return _of_type(_type_of(fields), fields, question, root, depth)


def _resolved(fields: Json, root: Json) -> Json:
    for _ in range(_DEPTH):
        reference = fields.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return fields
        found: Any = root
        for part in reference[1:].split("/"):
            if part:
                found = (
                    cast(Json, found).get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else {}
                )
        fields = cast(Json, found) if isinstance(found, dict) else {}
    return fields


def _merged(fields: Json, root: Json) -> Json:
    merged: Json = {key: value for key, value in fields.items() if key != "allOf"}
    for part in fields["allOf"]:
        if isinstance(part, dict):
            for key, value in _resolved(cast(Json, part), root).items():
                if key == "properties" and isinstance(value, dict):
                    merged[key] = {**merged.get(key, {}), **value}
                elif key == "required" and isinstance(value, list):
                    merged[key] = [*merged.get(key, []), *value]
                else:
                    merged.setdefault(key, value)
    return merged


def _type_of(fields: Json) -> str:
    kind = fields.get("type")
    if isinstance(kind, list):
        kinds = [one for one in cast(list[Any], kind) if one != "null"]
        kind = kinds[0] if kinds else "null"
    return kind if isinstance(kind, str) else "object" if "properties" in fields else "string"


def _of_type(kind: str, fields: Json, question: str, root: Json, depth: int) -> Any:
    if kind == "object":
        properties = fields.get("properties")
        wanted = fields.get("required")
        if not isinstance(properties, dict):
            return {}
        known = cast(Json, properties)
        names = cast(list[Any], wanted) if isinstance(wanted, list) and wanted else list(known)
        return {
            name: _sample(known.get(name, {}), question, root, depth - 1) for name in names if isinstance(name, str)
        }
    if kind == "array":
        least = fields.get("minItems")
        return [_sample(fields.get("items"), question, root, depth - 1)] * max(
            1, min(least, 50) if isinstance(least, int) else 1
        )
    if kind in ("integer", "number"):
        return _number(fields)
    if kind == "boolean":
        return True
    return None if kind == "null" else _string(fields, question)


def _number(fields: Json) -> Any:
    lowest, highest = fields.get("minimum", fields.get("exclusiveMinimum")), fields.get("maximum")
    if isinstance(lowest, int | float):
        return lowest + 1 if "exclusiveMinimum" in fields else lowest
    return min(1, highest) if isinstance(highest, int | float) else 1


def _string(fields: Json, question: str) -> str:
    named = _FORMATS.get(str(fields.get("format")))
    if named:
        return named
    text = " ".join(question.split())[:80] or "value"
    most, least = fields.get("maxLength"), fields.get("minLength")
    if isinstance(most, int):
        text = text[: max(most, 0)]
    return text.ljust(least, ".") if isinstance(least, int) and least < 10_000 else text
