"""Configuration of Terraform as text: blocks, arguments, expressions. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rockbottom.quantities import is_list, is_object


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is an expression of Terraform, not a text."""

    text: str


@dataclass(frozen=True, slots=True)
class TerraformBlock:
    """A block: its head, its arguments, the blocks within."""

    head: str
    arguments: Mapping[str, Any]
    blocks: Sequence["TerraformBlock"] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A text in which ``${...}`` is an expression of Terraform."""

    text: str


def lines_of(block: TerraformBlock, depth: int = 0) -> Iterator[str]:
    """The lines of a block, indented by ``depth`` levels."""
    pad = "  " * depth
    yield f"{pad}{block.head} {{"
    width = max((len(key) for key in block.arguments), default=0)
    for key, value in block.arguments.items():
        yield f"{pad}  {key:<{width}} = {_value(value)}"
    for inner in block.blocks:
        yield from lines_of(inner, depth + 1)
    yield f"{pad}}}"


def _value(value: Any) -> str:
    if isinstance(value, Reference):
        return value.text
    if isinstance(value, Template):
        return json.dumps(value.text, ensure_ascii=False)
    if isinstance(value, str):
        # In a quoted text of Terraform a template starts with ${ or %{; doubled, they mean themselves.
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    if is_object(value):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if is_list(value):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return json.dumps(value)
