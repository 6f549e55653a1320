"""The arguments of converse() or invoke_model(), opened and closed again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.prompt import Api, MalformedBody
from rockbottom.quantities import is_object


@dataclass(frozen=True, slots=True)
class Opened:
    """A request and its body as an object; for converse() they are the same."""

    api: Api
    body: Mapping[str, Any]


def opened(request: Mapping[str, Any]) -> Opened:
    """The body of a request. Raises MalformedBody when an invoke_model body is not JSON text of an object."""
    if "body" not in request:
        return Opened(Api.CONVERSE, request)
    body = request["body"]
    if not isinstance(body, str | bytes | bytearray):
        raise MalformedBody("body", type(body).__name__, wanted="text or bytes")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("body", f"{type(error).__name__}: {error}", wanted="JSON") from error
    if not is_object(read):
        raise MalformedBody("body", type(read).__name__, wanted="an object")
    return Opened(Api.INVOKE, read)


def closed(request: Mapping[str, Any], body: Mapping[str, Any], api: Api) -> dict[str, Any]:
    """The request with another body, as the type that the caller gave."""
    if api is Api.CONVERSE:
        return dict(body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    given = request["body"]
    if isinstance(given, str):
        return {**request, "body": text}
    return {**request, "body": text.encode("utf-8", "surrogatepass")}
