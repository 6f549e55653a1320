"""What a request asks of the form of its answer: a document of a schema, thinking, citations. Bodies as Converse's."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from rockbottom.dialects import page_texts
from rockbottom.local.bodies import NOT_JSON
from rockbottom.local.failures import invalid
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
_MEMO_CHARS, _LARGE_KEPT = 200_000, 16


@dataclass(frozen=True, slots=True)
class Cited:
    """A document that may be cited: its number among the documents, its title, and its text.

    ``chunks`` is where each part of a document in parts begins, or each page of a PDF; empty where it is one text.
    ``pages`` is how many pages a PDF has, 0 where it is none.
    """

    number: int
    title: str
    text: str
    chunks: tuple[int, ...] = ()
    pages: int = 0


class Held(NamedTuple):
    """The text of a document, of each page of a PDF where that is known; and how many pages a PDF has."""

    texts: tuple[str, ...]
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Thinking:
    """Thinking was asked for; Claude signs it."""

    signed: bool


def calls_at_once(body: Mapping[str, Any]) -> bool:
    """Whether a body of Anthropic's or Converse's lets one reply call several tools (``disable_parallel_tool_use``)."""
    holders = body, _object(body, "additionalModelRequestFields")
    return not any(_object(holder, "tool_choice").get("disable_parallel_tool_use") for holder in holders)


_large: dict[bytes, Held] = {}  # of documents too large to be kept whole, by their digests


def schema_of(body: Mapping[str, Any]) -> Json | None:
    """The JSON schema that the answer must fit. Raises ServiceFailure for one that is no JSON object."""
    output = _object(body, "outputConfig")
    extra = _object(body, "additionalModelRequestFields")
    schema: Any = _object(_object(_object(output, "textFormat"), "structure"), "jsonSchema").get("schema")
    if schema is None:
        schema = _object(_object(extra, "output_config"), "format").get("schema")
    if schema is None:
        schema = _object(extra, "output_format").get("schema")
    if isinstance(schema, str):
        try:
            schema = msgspec.json.decode(schema)
        except NOT_JSON as error:
            raise invalid(f"outputConfig.textFormat: the schema is not valid JSON: {error}") from error
    if schema is not None and not is_object(schema):
        raise invalid("outputConfig.textFormat: the schema must be a JSON object")
    return None if schema is None else dict(schema)


def thinking_of(body: Mapping[str, Any]) -> Thinking | None:
    """Whether thinking was asked for, in any of the ways in which models let it be (recorded requests)."""
    extra = _object(body, "additionalModelRequestFields")
    if _object(extra, "thinking").get("type") not in (None, "disabled"):
        return Thinking(signed=True)
    config = extra.get("reasoningConfig", extra.get("reasoning_config"))
    kind = config.get("type") if is_object(config) else config
    effort = extra.get("reasoning_effort")
    if kind in (None, "disabled", "none") and effort in (None, "none"):
        return None
    return Thinking(signed=False)


def cited_of(messages: Iterable[Mapping[str, Any]]) -> list[Cited]:
    """The documents for which citations are switched on, as far as they are text."""
    cited: list[Cited] = []
    number = -1
    for message in messages:
        for block in message.get("content") or ():
            document = block.get("document")
            if document is None or not is_object(document):
                continue
            number += 1
            if not _object(document, "citations").get("enabled"):
                continue
            source, title = _object(document, "source"), str(document.get("name") or "")
            content = source.get("content")
            if isinstance(source.get("text"), str):
                cited.append(Cited(number, title, source["text"]))
            elif is_list(content):
                cited.append(_in_parts(number, title, [str(part.get("text", "")) for part in content]))
            elif (inside := held_by(source.get("bytes"))).texts:
                cited.append(_of_bytes(number, title, inside))
    return cited


def held_by(raw: object) -> Held:
    """What the bytes of a document hold, base64 as they travel; nothing where they are no text and no readable PDF."""
    if not isinstance(raw, str):
        return Held(())
    if len(raw) <= _MEMO_CHARS:
        return _held_by(raw)
    digest = blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if digest not in _large:
        if len(_large) >= _LARGE_KEPT:
            _large.clear()
        _large[digest] = _held_by.__wrapped__(raw)
    return _large[digest]


@lru_cache(maxsize=128)
def _held_by(raw: str) -> Held:
    try:
        data = base64.b64decode(raw)
        return Held(*page_texts(data)) if data.startswith(b"%PDF") else Held((data.decode(),))
    except (binascii.Error, ValueError):
        return Held(())


def _of_bytes(number: int, title: str, inside: Held) -> Cited:
    if not inside.pages:
        return Cited(number, title, inside.texts[0])
    whole = _in_parts(number, title, inside.texts)
    return Cited(number, title, whole.text, whole.chunks if len(inside.texts) == inside.pages else (), inside.pages)


def _in_parts(number: int, title: str, texts: Sequence[str]) -> Cited:
    starts: list[int] = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    return Cited(number, title, "\n".join(texts), tuple(starts))


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if is_object(value) else {}
