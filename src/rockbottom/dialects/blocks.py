"""Converse content blocks weighed: what kind each is, its digest, its tokens, and how many blocks it counts as."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

from rockbottom.dialects.media import content_bytes, image_size, pdf_of
from rockbottom.dialects.members import CACHE_POINT
from rockbottom.prompt import BlockKind, MalformedBody, Meter, digest_of, json_bytes
from rockbottom.quantities import TokenWeights, is_list, is_object

Block = Mapping[str, Any]


class Weighed(NamedTuple):
    """One block: kind, digest of its content, estimated tokens, blocks as the lookback counts them."""

    kind: BlockKind
    digest: bytes
    tokens: int
    blocks: int = 1


def weigh_block(block: object, role: str, meter: Meter, place: str) -> Weighed:
    """Weigh one Converse content, system or tool block.

    Raises MalformedBody when the block is not an object with exactly one member. A member that is not
    known is weighed as its JSON, so that new block types keep their identity.
    """
    if not is_object(block):
        raise MalformedBody(place, type(block).__name__, wanted="an object")
    if len(block) != 1:
        raise MalformedBody(place, f"{len(block)} members ({', '.join(map(str, block))})", wanted="exactly one member")
    member, value = next(iter(block.items()))
    if member == "text":
        if not isinstance(value, str):
            raise MalformedBody(f"{place}.text", type(value).__name__, wanted="a string")
        return Weighed(BlockKind.TEXT, *meter.text(value, "text", role))
    weigh = _WEIGHERS.get(member)
    if weigh is None:
        return Weighed(BlockKind.UNKNOWN, *_json(meter, block, str(member), role, place))
    try:
        return weigh(value, role, meter)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(f"{place}.{member}", f"{type(error).__name__}: {error}", wanted=f"a {member}") from error


def _json(meter: Meter, value: object, kind: str, role: str, place: str) -> tuple[bytes, int]:
    try:
        return meter.json(value, kind, role)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(place, f"{type(error).__name__}: {error}", wanted="JSON") from error


def _part(value: Any, member: str) -> Any:
    """A member that is an object; empty when it is absent."""
    return value.get(member) or {}


def _image(value: Any, role: str, meter: Meter) -> Weighed:
    return _image_of(_part(value, "source"), str(value.get("format", "")), role, meter)


def _image_of(source: Any, media_format: str, role: str, meter: Meter) -> Weighed:
    data = content_bytes(source.get("bytes"))
    identity = data or json_bytes(source)
    size = image_size(data) if data else None
    weights = meter.weights
    tokens = _image_tokens(size, weights) if size else weights.image_tokens
    return Weighed(BlockKind.IMAGE, digest_of("image", role, media_format.encode(), identity), tokens)


def _image_tokens(size: tuple[int, int], weights: TokenWeights) -> int:
    """What an image of a width and height counts, scaled first as the model does."""
    pixels, edge = size[0] * size[1], max(size)
    if weights.image_edge_pixels and edge > weights.image_edge_pixels:
        pixels = pixels * weights.image_edge_pixels**2 / edge**2
    if weights.image_short_edge_pixels and 0 < min(size) < weights.image_short_edge_pixels:
        pixels = pixels * weights.image_short_edge_pixels**2 / min(size) ** 2
    tokens = ceil(pixels / (weights.image_pixels_per_token or weights.media.image_pixels_per_token))
    return min(tokens, weights.image_most_tokens or tokens)


def _document(value: Any, role: str, meter: Meter) -> Weighed:
    source = _part(value, "source")
    name, media_format = str(value.get("name", "")), str(value.get("format", "txt"))
    if isinstance(source.get("text"), str):
        data = source["text"].encode("utf-8", "surrogatepass")
    elif "content" in source:
        data = json_bytes(source["content"])
    else:
        data = content_bytes(source.get("bytes")) or json_bytes(source)
    label = json_bytes([name, media_format, value.get("context"), value.get("citations")])
    digest = digest_of("document", role, label, data)
    media = meter.weights.media
    if media_format in media.text_document_formats:
        tokens = meter.tokens_of_text(data.decode("utf-8", "replace")) + meter.tokens_of_text(name)
        return Weighed(BlockKind.TEXT_DOCUMENT, digest, tokens, blocks=media.text_document_blocks)
    pdf = pdf_of(data, digest)
    documents = meter.weights.documents
    text = meter.tokens_of_text(pdf.text) if documents.reads_text else 0
    return Weighed(BlockKind.DOCUMENT, digest, pdf.pages * (documents.page_tokens or meter.weights.image_tokens) + text)


def _media(kind: BlockKind) -> Callable[[Any, str, Meter], Weighed]:
    def weigh(value: Any, role: str, meter: Meter) -> Weighed:
        source = _part(value, "source")
        data = content_bytes(source.get("bytes")) or json_bytes(source)
        digest = digest_of(kind.value, role, str(value.get("format", "")).encode(), data)
        weights = meter.weights
        videos = weights.video_tokens if kind is BlockKind.VIDEO else None
        return Weighed(kind, digest, weights.image_tokens if videos is None else videos)

    return weigh


def _tool_use(value: Any, role: str, meter: Meter) -> Weighed:
    parts = [str(value.get("toolUseId", "")), str(value.get("name", "")), value.get("input")]
    return Weighed(BlockKind.TOOL_USE, *meter.json(parts, "toolUse", role))


def _tool_result(value: Any, role: str, meter: Meter) -> Weighed:
    content = value.get("content") or ()
    if not is_list(content):
        raise TypeError(f"content is a {type(content).__name__}")  # a defaultdict would grow by being asked for [0]
    if len(content) == 1 and len(content[0]) == 1 and type(text := content[0].get("text")) is str:
        # One text is by far the most common result; it is weighed once and then only looked up.
        key = (text, "toolResult", role, str(value.get("toolUseId")), str(value.get("status")))
        known = meter.composed(key)
        if known is None:
            known = meter.compose(key, _weighed_result(value, [meter.weigh(text, role)], role, meter))
        return Weighed(BlockKind.TOOL_RESULT, *known)
    parts = [_tool_result_part(part, role, meter) for part in content if CACHE_POINT not in part]
    weighed = _weighed_result(value, [(part.digest, part.tokens) for part in parts], role, meter)
    return Weighed(BlockKind.TOOL_RESULT, *weighed)


def _weighed_result(value: Any, inner: Sequence[tuple[bytes, int]], role: str, meter: Meter) -> tuple[bytes, int]:
    label = json_bytes([value.get("toolUseId"), value.get("status")])
    digest = meter.digest("toolResult", role, label, *(block[0] for block in inner))
    return digest, sum(block[1] for block in inner) + meter.tokens_of_text(str(value.get("toolUseId", "")))


def _tool_result_part(part: Any, role: str, meter: Meter) -> Weighed:
    if "json" in part:
        return Weighed(BlockKind.TEXT, *meter.json(part["json"], "json", role))
    weighed = weigh_block(part, role, meter, "toolResult.content")
    in_result = meter.weights.documents.in_result
    return weighed._replace(tokens=in_result) if weighed.kind is BlockKind.DOCUMENT and in_result else weighed


def _reasoning(value: Any, role: str, meter: Meter) -> Weighed:
    text = _part(value, "reasoningText")
    redacted = content_bytes(value.get("redactedContent"))
    label = json_bytes([text.get("text"), text.get("signature")])
    tokens = meter.tokens_of_text(str(text.get("text") or "")) if text else len(redacted) // 4
    return Weighed(BlockKind.REASONING, digest_of("reasoning", role, label, redacted), tokens)


def _guard(value: Any, role: str, meter: Meter) -> Weighed:
    if "image" in value:
        image = _image(value["image"], role, meter)
        return Weighed(BlockKind.GUARD, image.digest, image.tokens)
    text = _part(value, "text")
    label = json_bytes([text.get("text"), text.get("qualifiers")])
    return Weighed(BlockKind.GUARD, digest_of("guard", role, label), meter.tokens_of_text(str(text.get("text") or "")))


def _citations(value: Any, role: str, meter: Meter) -> Weighed:
    text = "".join(str(part.get("text", "")) for part in value.get("content") or ())
    return Weighed(BlockKind.CITATIONS, meter.json(value, "citations", role)[0], meter.tokens_of_text(text))


def _tool_spec(value: Any, role: str, meter: Meter) -> Weighed:
    schema = _part(value, "inputSchema").get("json")
    parts: list[Any] = [value.get("name"), value.get("description"), schema, bool(value.get("strict"))]
    return Weighed(BlockKind.TOOL, *meter.json(parts, "toolSpec"))


def _as_json(kind: BlockKind) -> Callable[[Any, str, Meter], Weighed]:
    def weigh(value: Any, role: str, meter: Meter) -> Weighed:
        return Weighed(kind, *meter.json(value, kind.value, role))

    return weigh


_WEIGHERS: Mapping[str, Callable[[Any, str, Meter], Weighed]] = {
    "image": _image,
    "document": _document,
    "video": _media(BlockKind.VIDEO),
    "audio": _media(BlockKind.AUDIO),
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": _guard,
    "citationsContent": _citations,
    "searchResult": _as_json(BlockKind.SEARCH_RESULT),
    "toolSpec": _tool_spec,
    "systemTool": _as_json(BlockKind.SYSTEM_TOOL),
    "toolAddition": _as_json(BlockKind.TOOL_ADDITION),
    "toolRemoval": _as_json(BlockKind.TOOL_REMOVAL),
}
