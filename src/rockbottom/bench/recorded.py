"""Conversations: written in a workload, or recorded as JSON lines in Converse shape.

A recorded file holds one conversation a line: ``{"system": [...], "tools": [...], "messages": [...]}``, plain or
gzipped. Lines of ``kind: prefix`` hold a system text and tools that later lines name by ``prefix_id``. Every
assistant message is the answer to one request, which is everything before it.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rockbottom.figures import thousands
from rockbottom.files import regular
from rockbottom.grading import Check
from rockbottom.quantities import Undecodable, decoded, is_list, is_object

_MAX_LINE_CHARS = 30_000_000


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: the messages that it adds to the conversation, and the fixed answer to it (or None).

    Messages and answers are in Converse shape. ``label`` is what a table shows. ``checks`` decide the model's own
    answer, ``criteria`` are what a judge grades it on beside those of the workload.
    """

    label: str
    messages: tuple[Mapping[str, Any], ...]
    answer: tuple[Mapping[str, Any], ...] | None
    checks: tuple[Check, ...] = ()
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedConversation:
    """Turns in order; ``system`` and ``tools`` replace those of the workload where they were recorded."""

    name: str
    turns: tuple[Turn, ...]
    system: tuple[str, ...] | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None


def read_recorded(path: Path, limit: int, turns: int | None) -> tuple[RecordedConversation, ...]:
    """The first ``limit`` conversations with an answer, each cut to its first ``turns`` requests.

    Raises OSError for a file that cannot be read and ValueError (with the line) for one that is not what it should be.
    """
    prefixes: dict[str, Mapping[str, Any]] = {}
    conversations: list[RecordedConversation] = []
    for number, record in _records(path):
        if record.get("kind") == "prefix":
            prefixes[str(record.get("prefix_id"))] = record
            continue
        conversation = _conversation(record, prefixes, number)
        if conversation.turns:
            cut = conversation.turns[:turns]
            conversations.append(RecordedConversation(conversation.name, cut, conversation.system, conversation.tools))
        if len(conversations) == limit:
            break
    return tuple(conversations)


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(regular(path), "rt", encoding="utf-8") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(_MAX_LINE_CHARS + 1), ""), 1):
            if len(line) > _MAX_LINE_CHARS:
                raise ValueError(f"line {number} is longer than {thousands(_MAX_LINE_CHARS)} characters")
            if not line.strip():
                continue
            try:
                record = decoded(line)
            except Undecodable as error:
                raise ValueError(f"line {number} is not JSON: {error}") from error
            if not is_object(record):
                raise ValueError(f"line {number}: expected an object")
            yield number, record


def _conversation(
    record: Mapping[str, Any], prefixes: Mapping[str, Mapping[str, Any]], number: int
) -> RecordedConversation:
    prefix = prefixes.get(str(record.get("prefix_id")), {})
    messages = record.get("messages")
    if not is_list(messages) or not all(_is_message(message) for message in messages):
        raise ValueError(f"line {number}: expected 'messages' in Converse shape (role and a list of content)")
    system: Any = record.get("system") or prefix.get("system") or []
    tools: Any = record.get("tools") or prefix.get("tools") or []
    return RecordedConversation(
        str(record.get("conversation_id") or f"line {number}"),
        tuple(_turns(messages)),
        tuple(str(block["text"]) for block in system if is_object(block) and block.get("text")),
        tuple(tool for tool in tools if "toolSpec" in tool),
    )


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[Turn]:
    waiting: list[Mapping[str, Any]] = []
    for message in messages:
        if message["role"] != "assistant":
            waiting.append(message)
        elif waiting:
            yield Turn(_label(waiting[-1]), tuple(waiting), tuple(message["content"]))
            waiting = []


def _label(message: Mapping[str, Any]) -> str:
    texts = [str(block["text"]) for block in message["content"] if "text" in block]
    results = sum("toolResult" in block for block in message["content"])
    label = " ".join(" ".join(texts).split())
    return label or f"{results} tool result{'s' * (results != 1)}"


def _is_message(message: Any) -> bool:
    return (
        is_object(message)
        and message.get("role") in ("user", "assistant")
        and isinstance(message.get("content"), list)
        and bool(message["content"])
    )
