"""Bodies of requests as JSON: whatever was sent, it is an object or a SerializationException."""

from typing import Any, cast

import msgspec

from rockbottom.local.failures import ServiceFailure

Json = dict[str, Any]
_decode = msgspec.json.Decoder().decode
# What the decoder raises for bytes that are no JSON, no UTF-8, or nested deeper than it follows.
NOT_JSON = (msgspec.DecodeError, RecursionError, UnicodeError)


def object_of(body: bytes) -> Json:
    """The JSON object of a body. Raises ServiceFailure (SerializationException)."""
    try:
        value = _decode(body)
    except NOT_JSON as error:
        raise ServiceFailure("SerializationException", f"The request body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ServiceFailure("SerializationException", "The request body must be a JSON object")
    return cast(Json, value)
