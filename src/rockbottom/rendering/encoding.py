"""Typed results as JSON text."""

import json
from collections.abc import Sequence

import msgspec


def json_text(result: msgspec.Struct | Sequence[msgspec.Struct], indent: int | None = 2) -> str:
    """A result, or several, as JSON, indented (``indent`` None: on one line); money as exact decimal text.

    Letters beyond ASCII are written as escapes, so that any terminal and any file can take them, half a surrogate pair
    included.
    """
    return json.dumps(msgspec.to_builtins(result), indent=indent)
