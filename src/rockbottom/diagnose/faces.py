"""The face of a block: what it says, whatever API it was written for, and hashes that ignore what may not matter.

Three hashes of growing tolerance tell what kind of difference two blocks have: equal ``sorted_keys`` means
that only the order of JSON keys differs, equal ``collapsed`` that white space does, equal ``masked`` that
timestamps, ids or counters do.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import msgspec

from rockbottom.diagnose.volatile import masked
from rockbottom.prompt import digest_of
from rockbottom.quantities import is_list, is_object

Block = Mapping[str, Any]

_SKETCH = 12
_SKETCH_CHARS = 400
_SPACE = re.compile(r"\s+")
_PIECE = re.compile(r"[^\n.!?]{12,}")


@dataclass(frozen=True, slots=True)
class Face:
    """One block. ``text`` is its text, or its JSON in the order given; ``member`` names where that text stands.

    ``sketch`` are a few hashes of its sentences: two long texts that share some are versions of each other.
    """

    text: str
    member: str
    sorted_keys: bytes
    collapsed: bytes
    masked: bytes
    sketch: tuple[int, ...]


def face_of(block: Any, role: str) -> Face:
    """The face of a block as sent by ``role``."""
    value, member = _neutral(block)
    exact = value if isinstance(value, str) else _encoded(value)
    inner = _parsed(value) if isinstance(value, str) else value
    ordered = value if inner is None else _encoded(inner, "sorted")
    collapsed = _SPACE.sub(" ", ordered if inner is None else _encoded(_tidied(inner), "sorted")).strip()
    mask = masked(collapsed)
    return Face(exact, member, _hash(role, ordered), _hash(role, collapsed), _hash(role, mask), _sketch(exact))


def _neutral(block: Any) -> tuple[Any, str]:
    """What the block says, in one vocabulary, and the path from the block to it in its own."""
    if not is_object(block):
        return block, ""
    if isinstance(block.get("text"), str):
        return block["text"], "text"
    for member, shape in _SHAPES.items():
        if member in block:
            return shape(block[member]), member
    native = _NATIVE.get(str(block.get("type", "")))
    if native is not None:
        return native(block), ""
    if "input_schema" in block:
        return _tool(block.get("name"), block.get("description"), block["input_schema"]), ""
    return block, next(iter(block), "")


def _tool(name: Any, description: Any, schema: Any) -> Any:
    return {"name": name, "description": description, "inputSchema": schema}


def _result(identifier: Any, content: Any) -> Any:
    parts = [content] if isinstance(content, str) else [_neutral(part)[0] for part in content or ()]
    return {"toolUseId": identifier, "content": parts}


def _use(identifier: Any, name: Any, value: Any) -> Any:
    return {"toolUseId": identifier, "name": name, "input": value}


def _spec(spec: Block) -> Any:
    schema: Block = spec.get("inputSchema") or {}
    return _tool(spec.get("name"), spec.get("description"), schema.get("json"))


_SHAPES: Mapping[str, Callable[[Block], Any]] = {
    "toolSpec": _spec,
    "toolUse": lambda use: _use(use.get("toolUseId"), use.get("name"), use.get("input")),
    "toolResult": lambda result: _result(result.get("toolUseId"), result.get("content")),
}
_NATIVE: Mapping[str, Callable[[Block], Any]] = {
    "tool_use": lambda use: _use(use.get("id"), use.get("name"), use.get("input")),
    "tool_result": lambda result: _result(result.get("tool_use_id"), result.get("content")),
}


def same_order(text: str, other: str) -> bool:
    """Whether two texts are the same JSON with its keys in the same order: they differ in spacing or escapes alone."""
    inner = _parsed(text), _parsed(other)
    return None not in inner and _encoded(inner[0]) == _encoded(inner[1])


def _parsed(text: str) -> Any:
    """The JSON that a text is, or None when it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _tidied(value: Any) -> Any:
    if isinstance(value, str):
        return _SPACE.sub(" ", value).strip()
    if is_list(value):
        return [_tidied(item) for item in value]
    if is_object(value):
        return {key: _tidied(inner) for key, inner in value.items()}
    return value


def _encoded(value: Any, order: Any = None) -> str:
    return msgspec.json.encode(value, order=order).decode("utf-8", "replace")


def _hash(role: str, text: str) -> bytes:
    return digest_of("face", role, text.encode("utf-8", "surrogatepass"))


def _sketch(text: str) -> tuple[int, ...]:
    if len(text) < _SKETCH_CHARS:
        return ()
    hashes = {crc32(piece.encode("utf-8", "surrogatepass")) for piece in _PIECE.findall(text)}
    return tuple(sorted(hashes)[:_SKETCH])
