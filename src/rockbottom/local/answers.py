"""The endpoint's own replies: deterministic, taken from the prompt, within the limits that were asked for."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rockbottom.local.asked import NeutralRequest, Tool
from rockbottom.local.calling import tools_for
from rockbottom.local.citations import citation
from rockbottom.local.evidence import Evidence, words_of
from rockbottom.local.lengths import long_text
from rockbottom.local.relevance import READ_CHARS, PassageFinder
from rockbottom.local.schema_samples import sample_of, value_of
from rockbottom.quantities import is_object

Json = dict[str, Any]
Count = Callable[[str], int]
"""Tokens of a text for the model that answers."""

_PASSAGES = 5
NOTHING_FOUND = "The prompt does not say."
_CITING = "The document says: "
"""What stands before the first citation: both replies recorded of Claude Sonnet 5 begin with words of its own."""

_RESULT_CHARS = 600
_THOUGHT_CHARS = 300
_FREE = frozenset({"type", "title", "description", "default"})  # members of a schema that let a text be any


@dataclass(frozen=True, slots=True)
class NeutralReply:
    """A reply in neutral terms: blocks in Converse's shape, why it stopped, and its tokens."""

    content: tuple[Json, ...]
    stop_reason: str
    output_tokens: int
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A reply fixed in advance: its text or whole content, and its token count where that is fixed too.

    With a ``model`` (a part of an id) or ``operations`` it waits for a call of those.
    """

    text: str | None = None
    content: tuple[Json, ...] | None = None
    output_tokens: int | None = None
    stop_reason: str | None = None
    model: str | None = None
    operations: tuple[str, ...] = ()

    def takes(self, operation: str, model: str) -> bool:
        """Whether it is the reply of a call."""
        return (self.model is None or self.model in model) and (not self.operations or operation in self.operations)


_ORDERED = re.compile(
    r"\b(?:reply|respond|answer)\s+with\s+(?:(?:exactly|only|just|simply)\b)?\s*:?\s*"
    r"(?:the\s+(?:exact\s+|single\s+|one\s+)*(?:words?|text|phrase|string)\b\s*:?\s*)?"
    r"(?:[\"“'`]([^\"”'`\n]{1,80})[\"”'`]|((?-i:[A-Z]){2,20})\b|(?<=:\s)(\w{1,20})\b)",
    re.I,
)
"""Words that a question wants to hear: quoted, in capitals, or behind a colon."""


class Answerer:
    """Answers from the prompt; one for the whole endpoint, because it remembers the texts it has read."""

    def __init__(self) -> None:
        self._reader = PassageFinder()

    def answer(self, task: NeutralRequest, count: Count) -> NeutralReply:
        """The reply to what is asked: a tool call when it calls for one, else sentences of the prompt."""
        if task.max_tokens == 0:  # asked for the prompt to be cached, and for no answer
            return NeutralReply((), "max_tokens", 0)
        tools = tools_for(task)
        if task.thinking is None:
            return self._answer(tools, task, count)
        thought = limited(_thought(task, tools), replace(task, stop_sequences=()), count)
        block = _reasoning(thought, signed=task.thinking.signed)
        if thought.stop_reason == "max_tokens":
            return replace(thought, content=(block,))
        limit = task.max_tokens
        left = task if limit is None else replace(task, max_tokens=max(limit - thought.output_tokens, 0))
        answer = self._answer(tools, left, count)
        tokens = thought.output_tokens + answer.output_tokens
        return replace(answer, content=(block, *answer.content), output_tokens=tokens)

    def _answer(self, tools: Sequence[Tool], task: NeutralRequest, count: Count) -> NeutralReply:
        if tools:
            return self._calls(tools, task, count)
        if task.schema is not None:
            return limited(self._document(task.schema, task), task, count)
        cited = self._cited(task, count) if task.cited else None
        if cited is not None:
            return cited
        sentences = self._sentences(task)
        return limited(long_text(task.question, sentences) or sentences, task, count)

    def _document(self, schema: Json, task: NeutralRequest) -> str:
        """A JSON text that fits a schema, out of the question and what the prompt says to it."""
        texts = [*task.results, *task.sources]
        sentences = [passage.text for passage in self._reader.passages(texts, task.question, _PASSAGES)]

        def near(name: str) -> str | None:
            passages = self._reader.passages(texts, " ".join(words_of(name)), 1)
            return passages[0].text if passages else None

        evidence = Evidence("\n".join([task.question, *sentences]), near)
        return msgspec.json.encode(value_of(schema, evidence)).decode()

    def _cited(self, task: NeutralRequest, count: Count) -> NeutralReply | None:
        """The sentences of the documents that may be cited, each with its place; None where none bears on it."""
        documents = [document for document in task.cited if len(document.text) >= READ_CHARS]
        passages = self._reader.passages([document.text for document in documents], task.question)
        if not passages:
            return None
        whole = limited(_CITING + " ".join(passage.text for passage in passages), task, count)
        if whole.stop_reason != "end_turn":
            return whole
        content: list[Json] = [{"text": _CITING}]
        for passage in passages:
            if len(content) > 1:
                content.append({"text": " "})
            content.append(citation(passage, documents[passage.place[0]]))
        return replace(whole, content=tuple(content))

    def _sentences(self, task: NeutralRequest) -> str:
        """What the prompt says to the question; of tool results that were asked for at least their beginning.

        A question that says word for word what to reply with gets that.
        """
        question = task.question
        # The pattern looks at every place of a text, and nearly no question has the word that it needs.
        ordered = _ORDERED.search(question) if "with" in question.lower() or not question.isascii() else None
        if ordered is not None:
            return next(filter(None, ordered.groups()))
        for texts in (task.results, task.sources):
            passages = self._reader.passages(texts, task.question) if texts else ()
            if passages:
                return " ".join([passage.text for passage in passages])
            beginning = " ".join([" ".join(text.split())[:_RESULT_CHARS] for text in task.results])[:_RESULT_CHARS]
            if beginning.strip():
                return beginning.strip()
        return NOTHING_FOUND

    def _calls(self, tools: Sequence[Tool], task: NeutralRequest, count: Count) -> NeutralReply:
        """A reply that calls tools, one behind the other as far as its limit goes."""
        answer = self._call(tools[0], task, count)
        for tool in tools[1:]:
            if answer.stop_reason == "max_tokens":
                break
            limit = task.max_tokens
            left = task if limit is None else replace(task, max_tokens=limit - answer.output_tokens)
            another = self._call(tool, left, count)
            tokens = answer.output_tokens + another.output_tokens
            answer = replace(another, content=(*answer.content, *another.content), output_tokens=tokens)
        return answer

    def _call(self, tool: Tool, task: NeutralRequest, count: Count) -> NeutralReply:
        arguments = sample_of(tool.schema, "\n".join([task.question, *task.results]))
        text = long_text(task.question, tool.description)
        if text is not None:
            written = [name for name in arguments if _holds_work(arguments, name, tool, task)]
            arguments.update(dict.fromkeys(written[:1], text))
        tokens = count(tool.name) + count(msgspec.json.encode(arguments).decode())
        return _called(tool, arguments, tokens, task)


def _holds_work(arguments: Json, name: str, tool: Tool, task: NeutralRequest) -> bool:
    """Whether an argument is the text that was asked for: a free one that the question names, or is called a text."""
    properties: Any = tool.schema.get("properties")
    schema: Any = properties.get(name) if is_object(properties) else None
    if not isinstance(arguments[name], str) or not is_object(schema) or not _FREE.issuperset(schema):
        return False
    return any(word in ("text", "content", "body") or word in task.question.lower() for word in words_of(name))


def _thought(task: NeutralRequest, tools: Sequence[Tool]) -> str:
    question = " ".join(task.question.split())[:_THOUGHT_CHARS]
    names = " and ".join(tool.name for tool in tools)
    plan = "I look at what the prompt says about it."
    if tools:
        plan = f"The tool {names} is for that." if len(tools) == 1 else f"The tools {names} are for that."
    return f"I am asked: {question} {plan}"


def _reasoning(thought: NeutralReply, *, signed: bool) -> Json:
    text = thought.content[0]["text"] if thought.content else ""
    signature = base64.b64encode(hashlib.blake2b(text.encode("utf-8", "surrogatepass")).digest()).decode()
    return {"reasoningContent": {"reasoningText": {"text": text, **({"signature": signature} if signed else {})}}}


def _called(tool: Tool, arguments: Json, tokens: int, task: NeutralRequest) -> NeutralReply:
    limit = task.max_tokens
    cut = limit is not None and tokens > limit
    identity = hashlib.blake2b(f"{tool.name}\0{task.question}\0{task.messages}".encode(), digest_size=11)
    block = {
        "toolUse": {
            "toolUseId": f"tooluse_{identity.hexdigest()}",
            "name": tool.name,
            "input": {} if cut else arguments,
        }
    }
    return NeutralReply(
        (block,), "max_tokens" if cut else "tool_use", min(tokens, limit) if limit is not None else tokens
    )


def scripted(script: Script, task: NeutralRequest, count: Count) -> NeutralReply:
    """The reply that a script fixes; its limits still hold unless the script fixes the tokens."""
    if script.content is not None:
        calls = any("toolUse" in block for block in script.content)
        tokens = count(msgspec.json.encode(script.content).decode())
        answer = NeutralReply(script.content, "tool_use" if calls else "end_turn", tokens)
    elif script.output_tokens is not None:
        tokens = script.output_tokens
        answer = NeutralReply(({"text": script.text or NOTHING_FOUND},), "end_turn", tokens)
    else:
        answer = limited(script.text or NOTHING_FOUND, task, count)
    if script.output_tokens is not None:
        answer = replace(answer, output_tokens=script.output_tokens)
    return replace(answer, stop_reason=script.stop_reason) if script.stop_reason else answer


def limited(text: str, task: NeutralRequest, count: Count) -> NeutralReply:
    """A text cut at the first stop sequence and at the most tokens asked for."""
    places = [(at, stop) for stop in task.stop_sequences if stop and (at := text.find(stop)) >= 0]
    stop = None
    if places:
        at, stop = min(places)
        text = text[:at]
    tokens = count(text)
    if task.max_tokens is not None and tokens > task.max_tokens:
        return NeutralReply(({"text": _cut(text, task.max_tokens, count)},), "max_tokens", task.max_tokens)
    return NeutralReply(({"text": text},) if text else (), "stop_sequence" if stop else "end_turn", tokens, stop)


def _cut(text: str, limit: int, count: Count) -> str:
    """The longest beginning of whole words that counts at most ``limit`` tokens; at least one character."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    whole = text[:low].rpartition(" ")[0] if low < len(text) else text
    return whole or text[: max(low, 1)]
