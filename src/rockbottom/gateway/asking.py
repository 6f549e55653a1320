"""A request with its body read, once; and the bytes that travel for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rockbottom.client import Attachment, Call, counts_nothing, with_usage
from rockbottom.dialects import Params, operation_of
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.keys import GatewayKey
from rockbottom.gateway.routes import GatewayRoute
from rockbottom.gateway.sigv4 import Signed
from rockbottom.gateway.splicing import Unspliceable, has_each_once, spliced, without_elements
from rockbottom.quantities import Undecodable, decoded, is_list, is_object

Body = dict[str, Any]
_READABLE = frozenset({"gzip", "deflate", "identity"})
_BATCH_MODEL = "x-amzn-bedrock-modelid"  # user guide, inference-openai-batch (2026-11-29)


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """A request, its route, and its body as it was read: None where it was not, or is no JSON object."""

    request: Signed
    route: GatewayRoute
    body: Body | None

    @property
    def model(self) -> str:
        """The model that it asks for; "" where it names none."""
        if not self.route.names_model:
            return self.route.model
        named = self.body.get("model") if self.body is not None else None
        return named if isinstance(named, str) else ""

    @property
    def operation(self) -> str:
        """The operation, streamed where the body says so."""
        route = self.route
        if self.body is None or not route.is_planned or not route.names_model:
            return route.operation
        return operation_of(self.body, route.operation)

    @property
    def params(self) -> Params | None:
        """What a client of the surface would be called with."""
        if self.body is None or not self.route.is_planned:
            return None
        if self.route.names_model:
            return self.body
        return {"modelId": self.route.model, **({"body": self.body} if self.route.is_native else self.body)}


def asked_of(request: Signed, route: GatewayRoute) -> RoutedRequest:
    """The request read, where its body matters. Raises Refused for one that cannot be, since it is compressed."""
    if not (route.is_planned or route.names_model):
        return RoutedRequest(request, route, None)
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        message = "The gateway has to read the body; send it without Content-Encoding."
        raise Refused(415, "ValidationException", message)
    try:
        body = decoded(request.body, Body)
    except Undecodable:
        body = None  # the service will say what is wrong with it
    read = RoutedRequest(request, route, body)
    return RoutedRequest(request, route.at(read.model), body)


def model_for(key: GatewayKey, read: RoutedRequest) -> str | None:
    """The model that a key must be allowed to call; None: it asks none.

    Of a member that is there twice the service may take the other one: to a key that may not call every model such a
    body names none.
    """
    if not read.route.asks:
        return _batch_model(key, read)
    if key.models and read.route.names_model and not has_each_once(read.request.body):
        return ""
    return read.model


def _batch_model(key: GatewayKey, read: RoutedRequest) -> str | None:
    """The model that a batch names in its header. Raises Refused for a key that may make none."""
    if not read.route.is_batch:
        return None
    if not key.batches:
        message = f"The key {key.name!r} may not use batches and files (rockbottom gateway key add --batches)."
        raise Refused(403, "AccessDeniedException", message)
    return read.request.headers.get(_BATCH_MODEL, "") if read.route.operation == "CreateBatch" else None


def stripped(read: RoutedRequest, beginnings: Sequence[str]) -> RoutedRequest:
    """The request without texts of the system that begin so; as it is where it has none, or nothing else."""
    body = read.body if read.params is not None and beginnings else None
    system: Any = body.get("system") if body is not None else None
    if body is None or not is_list(system):
        return read
    numbers = [number for number, block in enumerate(system) if _text(block).startswith(tuple(beginnings))]
    if not numbers or len(numbers) == len(system):
        return read
    try:
        data = without_elements(read.request.body, "system", numbers)
    except Unspliceable:
        return read
    rest = [block for number, block in enumerate(system) if number not in numbers]
    return replace(read, request=replace(read.request, body=data), body={**body, "system": rest})


def _text(block: Any) -> str:
    text = block.get("text") if is_object(block) else None
    return text if isinstance(text, str) else ""


def is_counted(attachment: Attachment, call: Call) -> bool:
    """Whether the usage of its stream is to be asked for here."""
    return not attachment.options.dry_run and counts_nothing(call)


def readable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a request whose reply is read on its way: of the encodings that it takes those that are known."""
    accepted = headers.get("accept-encoding")
    if accepted is None:
        return headers
    known = [
        encoding.strip() for encoding in accepted.split(",") if encoding.partition(";")[0].strip().lower() in _READABLE
    ]
    encodings = ", ".join(known) or "identity"
    return headers if encodings == accepted else {**headers, "accept-encoding": encodings}


def travelling(read: RoutedRequest, call: Call, *, counting: bool) -> bytes:
    """The bytes that came, with what the plan adds, and with the usage asked for where it is ``counting``."""
    data, body = read.request.body, read.body
    assert body is not None  # it was planned
    planned: Mapping[str, Any] = body
    if call.changed and read.route.is_native:
        assert call.request is not None  # a changed call was read
        planned = call.request.body
    elif call.changed:
        planned = {name: value for name, value in call.sent.items() if name != "modelId"}
    if counting:
        planned = with_usage(dict(planned))
    return data if planned is body else spliced(data, body, planned)
