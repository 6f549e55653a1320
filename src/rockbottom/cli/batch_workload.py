"""A workload file as batch records: every turn of every conversation as a request of its own."""

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from rockbottom.bench import Workload, load_workload
from rockbottom.catalog import CatalogError, load_catalog, refused_members
from rockbottom.prompt import Api
from rockbottom.quantities import RockbottomError


class NotBatchable(RockbottomError):
    """A workload whose turns depend on answers that nobody has written down."""


def bodies_of(path: Path, model: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs of a recordId and a Converse body for a model. Raises InvalidWorkload, NotBatchable."""
    workload = load_workload(path)
    refused = _refused(model)
    for number, conversation in enumerate(workload.conversations, 1):
        messages: list[Mapping[str, Any]] = []
        for turn_number, turn in enumerate(conversation.turns, 1):
            messages.extend(turn.messages)
            yield f"c{number:05d}-t{turn_number:03d}", _body(workload, conversation, messages, refused)
            if turn.answer is not None:
                messages.append({"role": "assistant", "content": list(turn.answer)})
            elif turn_number < len(conversation.turns):
                raise NotBatchable(
                    f"{path}: turn {turn_number} of {conversation.name} has no answer, and the next turn needs one.",
                    fix="write 'answer:' there, or keep one turn to a conversation: batch answers all at once",
                )


def leaves_temperature_out(path: Path, model: str) -> bool:
    """Whether the workload sets a temperature that this model would refuse. Raises InvalidWorkload."""
    return load_workload(path).inference.temperature is not None and "temperature" in _refused(model)


def _refused(model: str | None) -> Container[str]:
    """The settings with which the model would not answer; none where nobody knows it."""
    try:
        return () if model is None else refused_members(load_catalog().model(model).model.id, Api.CONVERSE.value)
    except CatalogError:
        return ()


def _body(
    workload: Workload, conversation: Any, messages: list[Mapping[str, Any]], refused: Container[str]
) -> dict[str, Any]:
    texts = conversation.system
    if texts is None:
        texts = [text for text in (workload.system, *(document.text for document in workload.documents)) if text]
    tools = workload.tools if conversation.tools is None else conversation.tools
    chosen = workload.inference
    config: dict[str, Any] = {"maxTokens": chosen.max_tokens}
    if chosen.temperature is not None and "temperature" not in refused:
        config["temperature"] = chosen.temperature
    if chosen.top_p is not None and "top_p" not in refused:
        config["topP"] = chosen.top_p
    if chosen.stop:
        config["stopSequences"] = list(chosen.stop)
    body: dict[str, Any] = {"messages": list(messages), "inferenceConfig": config}
    if texts:
        body["system"] = [{"text": text} for text in texts]
    if tools:
        body["toolConfig"] = {"tools": list(tools)}
    return body
