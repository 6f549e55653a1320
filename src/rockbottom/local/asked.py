"""What a request asks for, whatever dialect it is written in: the question, the texts it may be answered from,
the tools, and the limits of the answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rockbottom.local.requested import Cited, Thinking, cited_of, held_by, schema_of, thinking_of

Json = dict[str, Any]
_SHORT_CHARS = 600


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the model may call, with the JSON schema of its input."""

    name: str
    schema: Json
    description: str = ""


@dataclass(slots=True)
class NeutralRequest:
    """One request in neutral terms. ``sources`` are texts in prompt order, the question not among them.

    ``forced`` is the name of the tool that must be called, ``""`` when any must be, None when none must. ``results``
    are the texts of the tool results that came after the question, ``called`` the tools that were called since then;
    ``answers_tool`` says that the last message of the user holds a result. ``schema`` is what the answer must fit,
    ``cited`` the documents that it may cite. ``at_once`` says that one reply may call several tools.
    """

    question: str = ""
    sources: list[str] = field(default_factory=list[str])
    tools: list[Tool] = field(default_factory=list[Tool])
    forced: str | None = None
    results: list[str] = field(default_factory=list[str])
    called: list[str] = field(default_factory=list[str])
    answers_tool: bool = False
    at_once: bool = False
    messages: int = 0
    schema: Json | None = None
    thinking: Thinking | None = None
    cited: list[Cited] = field(default_factory=list[Cited])
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()


def asked_of(body: Mapping[str, Any]) -> NeutralRequest:
    """What a body asks, as Converse spells it. Raises TypeError and the like for what has another type than it must."""
    limits: Any = body.get("inferenceConfig") or {}
    task = NeutralRequest(max_tokens=limits.get("maxTokens"), stop_sequences=tuple(limits.get("stopSequences") or ()))
    config: Any = body.get("toolConfig") or {}
    task.tools.extend(_tool(entry["toolSpec"]) for entry in config.get("tools") or () if entry.get("toolSpec"))
    choice: Any = config.get("toolChoice") or {}
    task.forced = "" if "any" in choice else choice.get("tool", {}).get("name") if "tool" in choice else None
    task.sources.extend(block["text"] for block in body.get("system") or () if "text" in block)
    place = _add_messages(task, body.get("messages") or ())
    _check_types(task)
    _settle(task, place)
    if "outputConfig" in body or "additionalModelRequestFields" in body:
        task.schema, task.thinking = schema_of(body), thinking_of(body)
    task.cited = cited_of(body.get("messages") or ())
    return task


def _tool(spec: Json) -> Tool:
    schema: Any = spec.get("inputSchema") or {}
    name, description = spec.get("name", ""), spec.get("description") or ""
    if not (isinstance(name, str) and isinstance(description, str)):
        raise TypeError("the name and the description of a tool are texts")
    return Tool(name, schema.get("json") or {}, description)


def _check_types(task: NeutralRequest) -> None:
    """Raise TypeError where what came from a body has another type than it must."""
    if not _is_number(task.max_tokens):
        raise TypeError("the most tokens of an answer are a number")
    if not all(map(_are_texts, (task.stop_sequences, task.called, task.results, task.sources))):
        raise TypeError("stop sequences, names of tools, results and texts are texts")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and type(value) is not bool)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _add_messages(task: NeutralRequest, messages: Iterable[Json]) -> int | None:
    """Add what the messages hold; the place of the question among the sources, None where nobody asked anything."""
    place: int | None = None
    declared: list[Tool] | None = None  # of a conversation that adds or removes tools on its way
    for message in messages:
        task.messages += 1
        content: Any = message.get("content") or ()
        role = message.get("role")
        if role == "assistant":
            task.called.extend(block["toolUse"].get("name") or "" for block in content if "toolUse" in block)
            continue
        if role == "system":
            declared = task.tools.copy() if declared is None else declared
            _add_instruction(task, content, declared)
            continue
        if len(content) == 1 and "text" in content[0]:  # most messages are one text
            task.answers_tool = False
            if content[0]["text"].strip():
                task.sources.append(content[0]["text"])
                task.called, task.results, place = [], [], len(task.sources) - 1
            continue
        results = [block["toolResult"] for block in content if "toolResult" in block]
        texts, spoken = _converse_texts(content)
        task.answers_tool = bool(results)
        task.sources.extend(texts)
        task.sources.extend(spoken)
        if spoken and not results:
            task.called, task.results = [], []
        if spoken:
            place = len(task.sources) - 1
        task.results.extend(text for result in results for text in _result_texts(result.get("content") or ()))
    return place


def _add_instruction(task: NeutralRequest, content: Iterable[Json], declared: list[Tool]) -> None:
    """Add a message of the system's: its texts, and the tools that are on offer from there on.

    A block adds a tool that is declared, or one that it defines itself (Anthropic's ``tool_definition``, which Converse
    does not have), and removes one by its name.
    """
    for block in content:
        if "text" in block:
            task.sources.append(block["text"])
            continue
        change = block.get("toolAddition") or block.get("toolRemoval")
        if not change:
            continue
        tool: Any = change.get("tool") or {}
        if "toolSpec" in tool:
            declared.append(_tool(tool["toolSpec"]))
        name = declared[-1].name if "toolSpec" in tool else tool.get("name")
        task.tools = [other for other in task.tools if other.name != name]
        if "toolAddition" in block:
            task.tools.extend([other for other in declared if other.name == name][-1:])


def _settle(task: NeutralRequest, place: int | None) -> None:
    """The last text of the user is the question. A long one may hold what it asks about, so then its last paragraph is
    the question and the rest a source, unless it is one paragraph that asks about longer texts."""
    if place is None:
        return
    last = task.sources[place]
    if len(last) > _SHORT_CHARS:
        rest, _, paragraph = last.rpartition("\n\n")
        if rest and paragraph.strip():
            task.sources[place], task.question = rest, paragraph[-_SHORT_CHARS:]
            return
        if sum(map(len, task.sources)) < 2 * len(last):
            task.question = last[-_SHORT_CHARS:]
            return
    task.question = task.sources.pop(place)


def _converse_texts(content: Iterable[Json]) -> tuple[list[str], list[str]]:
    """The texts of documents and results, and those that the user wrote."""
    texts: list[str] = []
    question: list[str] = []
    for block in content:
        if "text" in block:
            question.append(block["text"])
        elif "document" in block:
            texts.append(_document_text(block["document"].get("source") or {}))
        elif "toolResult" in block:
            texts.extend(_result_texts(block["toolResult"].get("content") or ()))
        elif "searchResult" in block:
            texts.extend(part.get("text", "") for part in block["searchResult"].get("content") or ())
    return [text for text in texts if text.strip()], [text for text in question if text.strip()]


def _result_texts(content: Iterable[Json]) -> Iterable[str]:
    for part in content:
        if "text" in part:
            yield part["text"]
        elif "json" in part:
            yield msgspec.json.encode(part["json"]).decode()


def _document_text(source: Json) -> str:
    if isinstance(source.get("text"), str):
        return source["text"]
    if isinstance(source.get("content"), list):
        return "\n".join(part.get("text", "") for part in source["content"])
    return "\n".join(held_by(source.get("bytes")).texts)
