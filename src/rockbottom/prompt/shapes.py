"""What a decoded JSON value or a boto3 argument is, told to the type checker as well."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from rockbottom.prompt.errors import MalformedBody


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is a JSON object; keys are taken to be strings, as in every body."""
    return type(value) is dict or isinstance(value, Mapping)  # the first test is the fast and common one


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether the value is a JSON list (boto3 takes tuples too)."""
    return type(value) is list or isinstance(value, list | tuple)


def list_at(body: Mapping[str, Any], member: str, place: str) -> Iterable[Any]:
    """The list under a member, empty when it is absent; anything else there is malformed."""
    value = body.get(member)
    if value is None:
        return ()
    if not is_list(value):
        raise MalformedBody(place, type(value).__name__, wanted="a list")
    return value


def object_at(body: Mapping[str, Any], member: str, place: str) -> Mapping[str, Any]:
    """The object under a member, empty when it is absent; anything else there is malformed."""
    value = body.get(member)
    if value is None:
        return {}
    if not is_object(value):
        raise MalformedBody(place, type(value).__name__, wanted="an object")
    return value
