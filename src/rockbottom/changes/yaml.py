"""A template of CloudFormation as YAML. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rockbottom.quantities import is_list, is_object


def yaml_text(value: Any) -> str:
    """A JSON value as YAML: texts stay quoted as in JSON, which YAML reads as the same."""
    return "\n".join(_yaml(value, 0)) + "\n"


def _yaml(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if is_object(value) and value:
        for key, inner in value.items():
            yield from _entry(f"{pad}{_key(str(key))}:", inner, depth)
    elif is_list(value) and value:
        for inner in value:
            lines = list(_yaml(inner, depth + 1))
            yield f"{pad}- {lines[0].lstrip()}"
            yield from lines[1:]
    else:
        yield f"{pad}{json.dumps(value, ensure_ascii=False)}"


def _entry(head: str, inner: Any, depth: int) -> Iterator[str]:
    if isinstance(inner, (Mapping, list)) and inner:
        yield head
        yield from _yaml(inner, depth + 1)
    else:
        yield f"{head} {json.dumps(inner, ensure_ascii=False)}"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(::[A-Za-z0-9]+)*", key) else json.dumps(key)
