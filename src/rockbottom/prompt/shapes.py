"""Members of a body that must be a list or an object where they are there."""

from collections.abc import Iterable, Mapping
from typing import Any

from rockbottom.prompt.errors import MalformedBody
from rockbottom.quantities import is_list, is_object


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
