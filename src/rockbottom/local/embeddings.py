"""Models that embed, rerank or paint: native bodies on InvokeModel in, vectors, an order or a picture out.

Which there are is data.
"""

import base64
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from rockbottom.files import packaged
from rockbottom.local.failures import invalid
from rockbottom.local.native import malformed
from rockbottom.local.pictures import painted
from rockbottom.local.vectors import Vector, likeness, vector_of
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
Count = Callable[[str], int]
_RERANKED_LENGTH = 256
_TOKEN = re.compile(r"\w+|[^\w\s]")
_MOST_TEXTS = 96  # of Cohere, and of a reranked list 1,000
_MOST_DOCUMENTS = 1000
_INPUT_TYPES = ("search_document", "search_query", "classification", "clustering", "image")


@dataclass(frozen=True, slots=True)
class Embedding:
    """One such model. ``lengths``: those of its vectors, the usual one first."""

    id: str
    name: str
    form: str
    lengths: tuple[int, ...]
    lowers: bool = False
    by_type: bool = False
    profiles: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # of a body; empty: any
    most_chars: int | None = None  # of a text
    most_tokens: int | None = None


@cache
def embedding_models() -> Mapping[str, Embedding]:
    """Every model by the ids that it is called by."""
    models: dict[str, Embedding] = {}
    for model in msgspec.convert(packaged("local", "embeddings")["models"], list[Embedding]):
        models |= dict.fromkeys([model.id, *(f"{scope}.{model.id}" for scope in model.profiles)], model)
    return models


def embedding_model(identifier: str) -> Embedding | None:
    """The model behind an id or the ARN of one; None where it is none of these."""
    models = embedding_models()
    return models.get(identifier) or models.get(identifier.rpartition("/")[2])


def answer_embedding(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    """The reply to a native body and its input tokens. Raises ServiceFailure."""
    return _FORMS[model.form](model, body, identity)


def _check_members(model: Embedding, body: Json, *required: str) -> None:
    """Raise for members that are missing or unknown; all are named, one behind the other, as recorded."""
    missing = [f"#: required key [{name}] not found" for name in required if body.get(name) is None]
    extra = [f"#: extraneous key [{name}] is not permitted" for name in body if name not in model.members]
    if missing or (extra and model.members):
        raise malformed("".join([*missing, *(extra if model.members else ())]))


def _titan(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    image = body.get("inputImage") if "image" in model.id else None
    _check_members(model, body, *(("inputText",) if image is None else ()))
    parts = [part for part in (body.get("inputText"), image) if part is not None]
    if not all(isinstance(part, str) for part in parts):
        raise malformed("#/inputText: expected type: String")
    text = " ".join(parts)  # an image beside a text changes the vector
    if not text:
        raise malformed("expected minLength: 1, actual: 0")
    config = body.get("embeddingConfig")
    dimensions = config.get("outputEmbeddingLength") if is_object(config) else body.get("dimensions")
    vector = _vector(model, text, dimensions)
    if body.get("normalize") is False:
        vector = [value * 12.0 for value in vector]  # of a norm that is not 1, as asked
    tokens = _words(str(body.get("inputText") or "")) + 1
    if model.most_tokens is not None and tokens > model.most_tokens:
        raise invalid(
            f"400 Bad Request: Too many input tokens. Max input tokens: {model.most_tokens}, "
            f"request input token count: {tokens} "
        )
    types = _types(body.get("embeddingTypes"))
    reply: Json = {"embedding": vector, "inputTextTokenCount": tokens}
    if model.by_type:
        reply["embeddingsByType"] = {kind: _as_type(vector, kind) for kind in types}
        if "float" not in types:
            del reply["embedding"]
    return reply, tokens


def _nova(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    params = body.get("singleEmbeddingParams")
    if not is_object(params):
        raise malformed("#: required key [singleEmbeddingParams] not found")
    kind = next((name for name in ("text", "image", "audio", "video") if is_object(params.get(name))), None)
    if kind is None:
        raise malformed("#/singleEmbeddingParams: required key [text] not found")
    content: Any = params[kind]
    text = content.get("value") if kind == "text" else str(content.get("source"))
    if not isinstance(text, str) or not text:
        raise malformed(f"#/singleEmbeddingParams/{kind}: required key [value] not found")
    vector = _vector(model, text, params.get("embeddingDimension"))
    return {"embeddings": [{"embeddingType": kind.upper(), "embedding": vector}]}, _words(text) + 1


def _cohere(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    member = next((name for name in ("texts", "images", "inputs") if is_list(body.get(name))), "texts")
    _check_members(model, body, member, "input_type")
    listed: Any = body[member]
    inputs = _texts_of_inputs(listed) if member == "inputs" else listed
    if not is_list(inputs) or not all(isinstance(text, str) for text in inputs):
        raise malformed(f"#/{member}: expected type: JSONArray of texts")
    if not 1 <= len(inputs) <= _MOST_TEXTS:
        bound = f"maximum item count: {_MOST_TEXTS}" if inputs else "minimum item count: 1"
        raise malformed(f"#/{member}: expected {bound}, found: {len(inputs)}")
    if body["input_type"] not in _INPUT_TYPES:
        raise malformed(f"#/input_type: {body['input_type']} is not a valid enum value")
    for place, text in enumerate(inputs if member == "texts" else ()):
        if model.most_chars is not None and len(text) > model.most_chars:
            raise malformed(f"#/texts/{place}: expected maxLength: {model.most_chars}, actual: {len(text)}")
    vectors = [_vector(model, str(text), body.get("output_dimension")) for text in inputs]
    types = body.get("embedding_types")
    texts: Sequence[Any] = inputs if member == "texts" else ()
    reply: Json = {"id": identity, "texts": [str(text).lower() if model.lowers else text for text in texts]}
    if is_list(types) or model.by_type:
        kinds = [str(kind) for kind in types] if is_list(types) else ["float"]
        reply["embeddings"] = {kind: [_as_type(vector, kind) for vector in vectors] for kind in kinds}
        reply["response_type"] = "embeddings_by_type"
    else:
        reply |= {"embeddings": vectors, "response_type": "embeddings_floats"}
    return reply, sum(_words(str(text)) + 1 for text in inputs)


def _texts_of_inputs(inputs: Sequence[Any]) -> list[str]:
    """The texts of Cohere 4's inputs, whose content are parts; an image counts as its address."""
    texts: list[str] = []
    for item in inputs:
        parts = item.get("content") if is_object(item) else None
        texts.append(
            " ".join(str(part.get("text") or part.get("image_url")) for part in parts or () if is_object(part))
        )
    return texts


def _rerank(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str) or not query:
        raise malformed("#: required key [query] not found")
    if not is_list(documents):
        raise malformed("#: required key [documents] not found")
    if not 1 <= len(documents) <= _MOST_DOCUMENTS:
        bound = f"maximum item count: {_MOST_DOCUMENTS}" if documents else "minimum item count: 1"
        raise malformed(f"#/documents: expected {bound}, found: {len(documents)}")
    texts = [str(item.get("text", item)) if is_object(item) else str(item) for item in documents]
    query_vector = vector_of(query, _RERANKED_LENGTH)
    scored = [(likeness(query_vector, vector_of(text, _RERANKED_LENGTH)), place) for place, text in enumerate(texts)]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    most = body.get("top_n")
    shown = scored[:most] if isinstance(most, int) and most > 0 else scored
    results = [{"index": place, "relevance_score": round(score, 8)} for score, place in shown]
    return {"results": results}, sum(map(_words, [query, *texts]))


def _stable_image(model: Embedding, body: Json, identity: str) -> tuple[Json, int]:
    _check_members(model, body, "prompt")
    return painted(body), 0  # a picture is billed, no token


_FORMS: Mapping[str, Callable[[Embedding, Json, str], tuple[Json, int]]] = {
    "titan": _titan,
    "nova": _nova,
    "cohere": _cohere,
    "rerank": _rerank,
    "stable_image": _stable_image,
}


def _vector(model: Embedding, text: str, dimensions: Any) -> Vector:
    length = model.lengths[0] if dimensions is None else dimensions
    if length not in model.lengths:
        listed = ", ".join(map(str, sorted(model.lengths)))
        raise invalid(f"{dimensions!r} is not a valid number of dimensions of {model.id}; it has {listed}.")
    return vector_of(text, length, model.id)


def _types(listed: Any) -> list[str]:
    return [str(kind) for kind in listed] if is_list(listed) and listed else ["float"]


def _as_type(vector: Vector, kind: str) -> Any:
    """A vector in one of the types that a request may ask for."""
    if kind == "float":
        return vector
    if kind == "int8":
        return [max(-128, min(127, round(value * 127))) for value in vector]
    if kind == "uint8":
        return [max(0, min(255, round(value * 127) + 128)) for value in vector]
    if kind == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    if kind == "binary":
        return [int(value > 0) for value in vector]
    if kind == "ubinary":
        bits = [int(value > 0) for value in vector]
        return [int("".join(map(str, bits[place : place + 8])), 2) for place in range(0, len(bits), 8)]
    raise invalid(f"{kind!r} is not a type of embedding; there are float, int8, uint8, binary, ubinary and base64.")


def _words(text: str) -> int:
    """Words and marks of a text, which is close to what Titan counts (recorded: 5 for ``Hello, world!``, one added)."""
    return len(_TOKEN.findall(text))
