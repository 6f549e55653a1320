"""One turn as a request: a body of the API that its lane speaks, with the lane's cachePoints.

The parts of a request are the same in every dialect; only the spelling differs. Nothing of the workload is
shared with the body in a way that a caller could change.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rockbottom.bench.lanes import Lane, Spot
from rockbottom.bench.recorded import RecordedConversation
from rockbottom.bench.workload import Workload
from rockbottom.catalog import CacheRules, Model, refused_members
from rockbottom.dialects import CONVERSE, Dialect, asking_for, converse_point, dialect_of
from rockbottom.prompt import Meter, Prompt, Section, json_bytes
from rockbottom.quantities import Ttl

NONCE_LABEL = "Run"


@dataclass(frozen=True, slots=True)
class RequestParts:
    """What a request is made of. ``closed`` holds the indexes of the system texts after which a layer ends."""

    tools: tuple[Mapping[str, Any], ...]
    system: tuple[str, ...]
    closed: frozenset[int]
    messages: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """A body in the dialect of its API, ready to be sent; ``points`` is how many cachePoints it carries."""

    dialect: Dialect
    body: dict[str, Any]
    points: int

    @property
    def is_converse(self) -> bool:
        return not self.dialect.api.native

    @property
    def names_model(self) -> bool:
        """Whether it is sent over plain HTTP, its body naming the model."""
        return self.dialect.api.names_model

    def arguments(self, model_id: str) -> dict[str, Any]:
        """The keyword arguments with which boto3 sends it to a model, or the body that is sent over HTTP."""
        if self.names_model:
            return {"model": model_id, **self.body}
        payload = {"body": json_bytes(self.body)} if self.dialect.api.wrapped else self.body
        return {"modelId": model_id, **payload}


def parts_of(
    workload: Workload, conversation: RecordedConversation, messages: Sequence[Mapping[str, Any]], nonce: str = ""
) -> RequestParts:
    """The parts of one request.

    ``nonce`` keeps runs apart on a service whose cache cannot be emptied: one line at the start of everything
    that can be cached, of the same length in every lane.
    """
    tools = workload.tools if conversation.tools is None else conversation.tools
    texts, closed = _system(workload, conversation)
    if nonce:
        tools, texts = _marked(tools, texts, f"{NONCE_LABEL} {nonce}.")
    return RequestParts(tuple(tools), tuple(texts), frozenset(closed), tuple(messages))


def request_of(parts: RequestParts, lane: Lane, workload: Workload, model: Model, rules: CacheRules) -> BenchRequest:
    """The body of a request down a lane.

    A point that the model would refuse (Nova after a tool result, or after tools) is left out, and so is a sampling
    setting (a temperature, for Claude from Opus 4.7 on).
    """
    dialect = dialect_of(lane.spoken(workload), model)
    spots = set(lane.spots)
    if Spot.TAIL in spots and _tail_kind(parts) in rules.illegal_after:
        spots.discard(Spot.TAIL)
    if Section.TOOLS.value not in rules.sections:
        spots.discard(Spot.TOOLS)
    ttl = lane.ttl if rules.accepts_ttl_field else None
    settings = inference_of(workload, refused_members(model.id, dialect.api.value))
    body = dialect.spelled(_converse(parts, spots, ttl) | {"inferenceConfig": settings})
    body |= asking_for(lane.tier, dialect.api)
    if lane.spots:
        body = dict(dialect.explicit_only(body))  # the service's own points are the baseline's
    points = (Spot.TAIL in spots) + (len(parts.closed) if Spot.LAYERS in spots else 0)
    return BenchRequest(dialect, body, points + (Spot.TOOLS in spots and bool(parts.tools)))


def prompt_of_request(request: BenchRequest, meter: Meter) -> Prompt:
    """The canonical prompt of a body, its tokens estimated by ``meter``."""
    return request.dialect.read(request.body, meter)


def _system(workload: Workload, conversation: RecordedConversation) -> tuple[list[str], set[int]]:
    if conversation.system is not None:
        texts = list(conversation.system)
        return texts, {len(texts) - 1} if texts else set()
    texts = [workload.system] if workload.system else []
    closed = {0} if "system" in workload.layers else set[int]()
    first = len(texts)
    texts += [document.text for document in workload.documents]
    if "documents" in workload.layers:
        closed.add(len(texts) - 1)
    if "each-document" in workload.layers:
        closed |= set(range(first, len(texts)))
    return texts, closed


def _marked(
    tools: Sequence[Mapping[str, Any]], texts: Sequence[str], line: str
) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    if tools:  # tools come first in the order that the service reads
        spec = dict(tools[0]["toolSpec"])
        spec["description"] = f"{line} {spec.get('description', '')}".strip()
        tools = [{**tools[0], "toolSpec": spec}, *tools[1:]]
    return tools, [f"{line}\n{texts[0]}", *texts[1:]] if texts else [line]


def _tail_kind(parts: RequestParts) -> str:
    kinds = {"text": "text", "toolResult": "tool_result", "toolUse": "tool_use", "document": "document"}
    last: Any = parts.messages[-1]["content"][-1] if parts.messages else {}
    return next((kind for key, kind in kinds.items() if key in last), "unknown")


def _converse(parts: RequestParts, spots: set[Spot], ttl: Ttl | None) -> dict[str, Any]:
    point = converse_point(ttl)
    body = CONVERSE.without_points({"messages": list(parts.messages)})
    system: list[Any] = []
    for index, text in enumerate(parts.system):
        system.append({"text": text})
        if Spot.LAYERS in spots and index in parts.closed:
            system.append(point)
    if system:
        body["system"] = system
    if parts.tools:
        body["toolConfig"] = {"tools": [*parts.tools, *([point] if Spot.TOOLS in spots else [])]}
    if Spot.TAIL in spots:
        last = body["messages"][-1]
        body["messages"][-1] = {**last, "content": [*last["content"], point]}
    return body


def inference_of(workload: Workload, refused: Container[str]) -> dict[str, Any]:
    """The settings of a request, but for what the model refuses, with which it would not answer at all."""
    inference = workload.inference
    settings: dict[str, Any] = {"maxTokens": inference.max_tokens}
    if inference.temperature is not None and "temperature" not in refused:
        settings["temperature"] = inference.temperature
    if inference.top_p is not None and "top_p" not in refused:
        settings["topP"] = inference.top_p
    if inference.stop:
        settings["stopSequences"] = list(inference.stop)
    return settings
