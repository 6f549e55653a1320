"""YAML from outside, decoded by the parser of an extra; whatever is wrong with it is one error, as of JSON and TOML."""

from importlib import import_module
from typing import Any

from rockbottom.extras.missing import needing
from rockbottom.quantities import Undecodable, reason_of

_MALFORMED = (ValueError, RecursionError, OverflowError)
_MOST_ALIASED = 1_000_000  # values of a text that only its aliases make
_ENDLESS = 1 << 60


def _yaml() -> Any:
    """The parser, by name: rooms that know no presentation stand above this one, and decode none of it."""
    with needing("reading YAML"):
        return import_module("yaml")


def yaml_root(text: str) -> Any:
    """The node at the top of a YAML text, which knows its place in it; None where the text is empty.

    Raises Undecodable, also for aliases that written out are millions of values, or have no end.
    """
    yaml = _yaml()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        sizes: dict[int, int] = {}
        if root is not None and _written_out(root, sizes) - len(sizes) > _MOST_ALIASED:
            raise Undecodable(f"its aliases stand for more than {_MOST_ALIASED} values")
    except (yaml.YAMLError, *_MALFORMED) as error:
        raise Undecodable(_said(error)) from error
    return root


def _said(error: Exception) -> str:
    """What is wrong in one line, and in which line of the text where the parser says it."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is not None and problem:
        return f"line {mark.line + 1}: {problem}"
    return reason_of(error).partition("\n")[0]


def _written_out(node: Any, sizes: dict[int, int]) -> int:
    """How many nodes one is with its aliases written out; endless for one within itself."""
    if id(node) not in sizes:
        sizes[id(node)] = _ENDLESS
        parts: list[Any] = [] if isinstance(node.value, str) else node.value
        inner: list[Any] = []
        for part in parts:  # of a mapping pairs
            inner += part if isinstance(part, tuple) else (part,)
        sizes[id(node)] = 1 + sum(_written_out(part, sizes) for part in inner)
    return sizes[id(node)]


def yaml_value(root: Any) -> Any:
    """What a node of a YAML text means; None of none. Raises Undecodable."""
    if root is None:
        return None
    yaml = _yaml()
    try:
        return yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, *_MALFORMED) as error:
        raise Undecodable(_said(error)) from error


def yaml_kind(text: str) -> str:
    """The tag of the kind of value that a text is where nothing stands around it."""
    yaml = _yaml()
    return str(yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False)))
