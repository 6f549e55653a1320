"""What a decoded JSON value or a boto3 argument is, told to the type checker as well."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is a JSON object; keys are taken to be strings, as in every body."""
    return type(value) is dict or isinstance(value, Mapping)  # the first test is the fast and common one


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether the value is a JSON list (boto3 takes tuples too)."""
    return type(value) is list or isinstance(value, list | tuple)
