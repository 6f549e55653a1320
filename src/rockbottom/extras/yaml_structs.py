"""A YAML text read as structs of msgspec: by their types alone, each fault at its line and field."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast

from rockbottom.extras.yaml_fields import Field

S = TypeVar("S")


def yaml_struct(field: Field, kind: type[S], *, without: Collection[str] = ()) -> S:
    """A struct, from a mapping with its members but those ``without``.

    A member of numbers or text takes a number as it is written. Raises the field's error for a name that is unknown,
    repeated or missing, and for a value of another kind than its type.
    """
    from msgspec import inspect  # here, not above: rooms that read no settings stand on this one

    return cast("S", _struct(field, inspect.type_info(kind), without))


def _struct(field: Field, info: Any, without: Collection[str]) -> Any:
    types = {member.encode_name: member for member in info.fields if member.name not in without}
    members = field.members(types, [name for name, member in types.items() if member.required])
    return info.cls(**{types[name].name: _value(member, types[name].type) for name, member in members.items()})


def _value(field: Field, info: Any) -> Any:
    kind = type(info).__name__
    if kind == "UnionType":
        return _of_union(field, {type(choice).__name__: choice for choice in info.types})
    if kind == "StructType":
        return _struct(field, info, ())
    if kind == "DictType":
        return {name: _value(value, info.value_type) for name, value in field.entries()}
    if kind in ("ListType", "VarTupleType"):
        values = [_value(item, info.item_type) for item in field.items()]
        return values if kind == "ListType" else tuple(values)
    return _SCALARS[kind](field, info)


def _of_union(field: Field, choices: dict[str, Any]) -> Any:
    if choices.pop("NoneType", None) is not None and field.is_nothing():
        return None
    if choices.keys() == {"StrType", "IntType"}:
        return field.text_or_amount()
    (only,) = choices.values()
    return _value(field, only)


_SCALARS: Mapping[str, Callable[[Field, Any], Any]] = {
    "StrType": lambda field, _: field.text(may_be_empty=True),
    "BoolType": lambda field, _: field.flag(),
    "IntType": lambda field, info: field.whole(least=-(1 << 63) if info.ge is None else info.ge),
    "FloatType": lambda field, info: field.positive() if info.gt == 0 else field.number(least=float("-inf")),
    "EnumType": lambda field, info: info.cls(field.one_of([choice.value for choice in info.cls])),
    "LiteralType": lambda field, info: field.one_of(info.values),
}
