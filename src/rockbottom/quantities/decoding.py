"""JSON and TOML from outside, decoded; whatever is wrong with them is one error of this project.

A decoder meets malformed JSON, bytes that are no UTF-8, nesting deeper than the interpreter's stack and numbers that
no machine type holds. Each raises an error of its own kind, so each caller that lists them forgets one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar, overload

from rockbottom.quantities.errors import Fault, RockbottomError


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is a JSON object; keys are taken to be strings, as in every body."""
    return type(value) is dict or isinstance(value, Mapping)  # the first test is the fast and common one


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether the value is a JSON list (boto3 takes tuples too)."""
    return type(value) is list or isinstance(value, list | tuple)


T = TypeVar("T")
_HEADING = re.compile(r"\s*\[(\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_MALFORMED = (ValueError, RecursionError, OverflowError)  # msgspec's errors and UnicodeDecodeError are ValueErrors


class Undecodable(RockbottomError):
    """Bytes from outside are not the text that they should be; the message says what is wrong and where."""


class UnexpectedAnswer(RockbottomError):
    """What answered a call of AWS's does not speak as AWS does: a proxy, or a server of something else."""

    fault = Fault.SERVICE


_CHECK = "check --endpoint-url, and AWS_ENDPOINT_URL in the environment"


class AwsAnswer(dict[str, Any]):
    """The answer to a call of AWS's. Raises UnexpectedAnswer for a member that it should have and does not."""

    def __missing__(self, name: str) -> Any:
        raise UnexpectedAnswer(f"the answer of the service has no {name}", fix=_CHECK)

    def word(self, name: str) -> str:
        """A member that is text, as a status is. Raises UnexpectedAnswer."""
        value = self[name]
        if not isinstance(value, str) or not value:
            raise UnexpectedAnswer(f"the service answered with {value!r:.60} as {name}, which is no word", fix=_CHECK)
        return value


def error_code(error: BaseException) -> str:
    """The code of an answer of AWS in an error of botocore; empty where the error is no answer.

    An error of the connection has a member ``response`` too, which is None.
    """
    answer: object = getattr(error, "response", None)
    fault: object = answer.get("Error") if is_object(answer) else None
    return str(fault.get("Code", "")) if is_object(fault) else ""


@overload
def decoder_of(kind: type[T], *, strict: bool = True) -> Callable[[bytes | str], T]: ...
@overload
def decoder_of(kind: Any, *, strict: bool = True) -> Callable[[bytes | str], Any]: ...
def decoder_of(kind: Any, *, strict: bool = True) -> Callable[[bytes | str], Any]:
    """A function that decodes JSON into ``kind`` (any type that msgspec knows) and raises Undecodable.

    ``strict`` False: ``6137.0`` and ``"6137"`` are read where an integer belongs.
    """
    import msgspec  # here, not above: most programs that import this room decode nothing

    decode = msgspec.json.Decoder(kind, strict=strict).decode

    def read(data: bytes | str) -> Any:
        try:
            return decode(data)
        except _MALFORMED as error:
            raise Undecodable(reason_of(error)) from error

    return read


@overload
def decoded(data: bytes | str, kind: type[T]) -> T: ...
@overload
def decoded(data: bytes | str, kind: Any = Any) -> Any: ...
def decoded(data: bytes | str, kind: Any = Any) -> Any:
    """The JSON value in ``data``, checked against ``kind``. Raises Undecodable."""
    import msgspec  # here, not above: most programs that import this room decode nothing

    try:
        return msgspec.json.decode(data, type=kind)
    except _MALFORMED as error:
        raise Undecodable(reason_of(error)) from error


def toml_of(data: bytes | str) -> dict[str, Any]:
    """The tables of a TOML text, fractions as Decimal. Raises Undecodable."""
    import tomllib
    from decimal import Decimal

    try:
        return tomllib.loads(data if isinstance(data, str) else data.decode(), parse_float=Decimal)
    except _MALFORMED as error:
        raise Undecodable(reason_of(error)) from error


def toml_line(text: str, name: str) -> int:
    """The line of a name (``table.key``, ``tables[1].key``) in a TOML text; of the nearest table above it, else 1."""
    within, above, arrays = "", (0, 1), dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        heading = _HEADING.match(line)
        word = _KEY.match(line)
        if heading:
            within = ".".join(_bare(part) for part in heading[2].split("."))
            if heading[1]:
                arrays[within] = arrays.get(within, -1) + 1
            for array, index in arrays.items():
                if f"{within}.".startswith(f"{array}."):
                    within = f"{array}[{index}]{within[len(array) :]}"
            place = within
        elif word:
            place = ".".join(filter(None, (within, *(_bare(part) for part in word[1].split(".")))))
        else:
            continue
        if place == name:
            return number
        if name.startswith((f"{place}.", f"{place}[")) and len(place) > above[0]:
            above = len(place), number
    return above[1]


def _bare(part: str) -> str:
    return part.strip().strip("\"'")


def reason_of(error: Exception) -> str:
    """What is wrong, in words fit to show; of the system without its number and the name of a file."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
