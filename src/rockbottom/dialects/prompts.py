"""Native bodies of InvokeModel that are one text: vendors without caching.

Bodies and replies are those of AWS's pages on model parameters (Llama, Mistral, DeepSeek, Cohere, AI21, Titan Text;
gpt-oss, Qwen and others are spelled as Chat Completions). They carry no points, and nothing is planned on them: the
registry of dialects has none of them, whoever answers such bodies asks for them here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from rockbottom.catalog import Model
from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import Weighed
from rockbottom.dialects.dialect import Dialect, Exchange
from rockbottom.dialects.native_chat import NATIVE_CHAT
from rockbottom.dialects.operations import INVOKE, INVOKE_PATHS
from rockbottom.dialects.streams import METRICS, StreamCounts, pieces
from rockbottom.dialects.usage import Counters, no_split
from rockbottom.prompt import Api, BlockKind, MalformedBody, Meter, Parameters, Placement, Prompt, Section, json_bytes
from rockbottom.quantities import Usage, is_list, is_object
from rockbottom.wire import EVENT_STREAM, Event, Json, TruncatedStream, chunk_frame

COUNTERS = Counters("inputTokens", "outputTokens", ("none",), ("none",), no_split)

# The marks with which a conversation is written into one text, and the speakers that they name.
_TURN = re.compile(
    r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>|<\|im_start\|>\s*(\w+)|(\[INST\])|\n\n(Human|User):|"
    r"<[|｜](User|Assistant)[|｜]>|\n\n(Assistant|Bot):|(\[/INST\])"
)
_MARK = re.compile(r"<\|?[a-z_｜▁]+\|?>|</?s>|<<?/?SYS>>?|<｜[^｜]*｜>", re.I)
_ROLES = {"assistant": "assistant", "bot": "assistant", "[/inst]": "assistant", "system": "system"}


class Form(Struct, frozen=True):
    """How one vendor spells it: where the text, the limit and the stop sequences are, and what a reply looks like.

    ``whole`` makes a reply of text, reason, usage and a name; ``piece`` a chunk of a stream, the reason None before
    the last. ``reasons`` are the vendor's words for an end, a limit.
    """

    name: str
    text: str
    config: str
    limit: str
    stops: str
    reasons: tuple[str, str]
    whole: Callable[[str, str, Json, str], Json]
    piece: Callable[[str, str | None, Json], Json]


class Prompted:
    """A body that is one text."""

    lead = 0
    api = Api.INVOKE
    operations = INVOKE
    paths: Mapping[str, str] = INVOKE_PATHS
    counters = COUNTERS
    stream_type = EVENT_STREAM

    def __init__(self, vendor: str, form: Form) -> None:
        self.vendor: str | None = vendor
        self.name = form.name
        self.required = (form.text,)
        self._form = form

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody."""
        assembly = Assembly(meter)
        assembly.begin_list(Section.MESSAGES)
        text = body.get(self._form.text)
        if not isinstance(text, str):
            raise MalformedBody(self._form.text, type(text).__name__, wanted="a string")
        history = body.get("chat_history")
        for number, turn in enumerate(history if is_list(history) else ()):
            weighed_turn = Weighed(BlockKind.TEXT, *meter.text(str(turn.get("message", "")), "text", "user"))
            assembly.add(weighed_turn, Section.MESSAGES, "user", number, 0)
        weighed = Weighed(BlockKind.TEXT, *meter.text(text, "text", "user"))
        assembly.add(weighed, Section.MESSAGES, "user", len(assembly.segments), 0)
        return assembly.prompt(self.api, Parameters())

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body as it is: it has no place for a point."""
        return dict(body)

    def without_points(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(body)

    def explicit_only(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return body

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """The texts of a Converse body, one after the other."""
        texts = [block.get("text", "") for block in converse.get("system") or ()]
        texts += [block.get("text", "") for message in converse["messages"] for block in message["content"]]
        return {self._form.text: "\n\n".join(filter(None, texts))}

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's: the speakers of its text apart, without their marks."""
        form = self._form
        config: Any = body.get(form.config) if form.config else body
        limits: Mapping[str, Any] = config if is_object(config) else {}
        stops = limits.get(form.stops)
        limited = {"maxTokens": limits.get(form.limit), "stopSequences": stops if is_list(stops) else None}
        turns = list(_turns(str(body.get(form.text, ""))))
        documents = body.get("documents")
        sources = [
            {"text": " ".join(map(str, document.values()))} for document in documents or () if is_object(document)
        ]
        return {
            "inferenceConfig": {name: value for name, value in limited.items() if value is not None},
            "system": [*sources, *({"text": text} for role, text in turns if role == "system")],
            "messages": [{"role": role, "content": _paragraphs(text)} for role, text in turns if role != "system"],
        }

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The text of a whole reply, and why it stopped."""
        return ({"text": _text_of_reply(reply)},), _stopped(reply)

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """The counts, which each vendor's reply has in places of its own."""
        return {"inputTokens": usage.total_input, "outputTokens": usage.output}

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's as one of this vendor."""
        content = reply["output"]["message"]["content"]
        text = "".join(block["text"] for block in content if "text" in block)
        ended, limited = self._form.reasons
        reason = limited if reply["stopReason"] == "max_tokens" else ended
        return self._form.whole(text, reason, reply["usage"], exchange.identity)

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The chunks of a whole reply; the reason and ``metrics`` on the last."""
        parts = list(pieces(_text_of_reply(reply), piece_chars))
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            counts = {"inputTokens": metrics["inputTokenCount"], "outputTokens": metrics["outputTokenCount"]}
            chunk = self._form.piece(part, _stopped(reply) if last else None, counts)
            yield "chunk", {**chunk, METRICS: metrics} if last else chunk

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        return (chunk_frame(json_bytes(chunk)) for _, chunk in events)

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of its chunks. Raises TruncatedStream when the last never came."""
        chunks = [chunk for _, chunk in events]
        if not chunks or METRICS not in chunks[-1]:
            raise TruncatedStream("the stream ended without its last chunk; its usage is unknown")
        counts = {
            "inputTokens": chunks[-1][METRICS]["inputTokenCount"],
            "outputTokens": chunks[-1][METRICS]["outputTokenCount"],
        }
        return self._form.whole("".join(map(_text_of_reply, chunks)), _stopped(chunks[-1]), counts, "")

    def counting(self) -> StreamCounts:
        return StreamCounts(COUNTERS.counts)


def _paragraphs(text: str) -> list[Json]:
    """A text with its last paragraph apart, which in a prompt of one text is the question."""
    rest, _, last = text.rpartition("\n\n")
    return [{"text": part} for part in (rest, last) if part.strip()]


def _turns(text: str) -> Iterator[tuple[str, str]]:
    """Who speaks and what, out of a conversation that is one text; without marks the user says all of it."""
    at, role = 0, "user"
    for match in _TURN.finditer(text):
        yield from _turn(role, text[at : match.start()])
        spoken = next(group for group in match.groups() if group is not None).lower()
        role = _ROLES.get(spoken, "user")
        at = match.end()
    yield from _turn(role, text[at:])


def _turn(role: str, text: str) -> Iterator[tuple[str, str]]:
    bare = _MARK.sub(" ", text).strip()
    if bare:
        yield role, bare


def _text_of_reply(reply: Mapping[str, Any]) -> str:
    """The text of a reply or chunk, wherever its vendor has it."""
    for place in (("generation",), ("outputText",), ("text",)):
        if isinstance(reply.get(place[0]), str):
            return reply[place[0]]
    for name, member in (("outputs", "text"), ("choices", "text"), ("generations", "text"), ("results", "outputText")):
        if is_list(reply.get(name)):
            return str(reply[name][0][member])
    completions: Any = reply.get("completions")
    return str(completions[0]["data"]["text"]) if completions else ""


def _stopped(reply: Mapping[str, Any]) -> str:
    """Why a reply or chunk stopped, in its vendor's word."""
    for name in ("outputs", "choices", "generations", "results", "completions"):
        if is_list(reply.get(name)):
            return _stopped(reply[name][0])
    for name in ("stop_reason", "finish_reason", "completionReason", "finishReason"):
        if reply.get(name) is not None:
            reason: Any = reply[name]
            return str(reason["reason"] if is_object(reason) else reason)
    return ""


def _llama(text: str, reason: str | None, counts: Json) -> Json:
    return {
        "generation": text,
        "prompt_token_count": counts["inputTokens"],
        "generation_token_count": counts["outputTokens"],
        "stop_reason": reason,
    }


def _titan_whole(text: str, reason: str, counts: Json, identity: str) -> Json:
    result = {"tokenCount": counts["outputTokens"], "outputText": text, "completionReason": reason}
    return {"inputTextTokenCount": counts["inputTokens"], "results": [result]}


def _titan_piece(text: str, reason: str | None, counts: Json) -> Json:
    return {
        "outputText": text,
        "index": 0,
        "totalOutputTextTokenCount": counts["outputTokens"] if reason else None,
        "completionReason": reason,
        "inputTextTokenCount": counts["inputTokens"] if reason else None,
    }


def _listed(name: str, word: str = "stop_reason") -> Callable[[str, str | None, Json], Json]:
    return lambda text, reason, counts: {name: [{"text": text, word: reason}]}


def _whole(piece: Callable[[str, str | None, Json], Json]) -> Callable[[str, str, Json, str], Json]:
    return lambda text, reason, counts, identity: piece(text, reason, counts)


def _command_whole(text: str, reason: str, counts: Json, identity: str) -> Json:
    return {"id": identity, "generations": [{"finish_reason": reason, "id": identity, "text": text}]}


def _command_piece(text: str, reason: str | None, counts: Json) -> Json:
    return {"text": text, "is_finished": reason is not None, **({"finish_reason": reason} if reason else {})}


def _command_r_whole(text: str, reason: str, counts: Json, identity: str) -> Json:
    return {"response_id": identity, "generation_id": identity, "text": text, "finish_reason": reason}


def _jurassic(text: str, reason: str, counts: Json, identity: str) -> Json:
    return {"id": identity, "completions": [{"data": {"text": text}, "finishReason": {"reason": reason}}]}


_STOP = ("stop", "length")
_COHERE = ("COMPLETE", "MAX_TOKENS")
_LLAMA = Form("llama", "prompt", "", "max_gen_len", "stop", _STOP, _whole(_llama), _llama)
_MISTRAL = Form("mistral", "prompt", "", "max_tokens", "stop", _STOP, _whole(_listed("outputs")), _listed("outputs"))
_DEEPSEEK = Form("deepseek", "prompt", "", "max_tokens", "stop", _STOP, _whole(_listed("choices")), _listed("choices"))
_COMMAND = Form("command", "prompt", "", "max_tokens", "stop_sequences", _COHERE, _command_whole, _command_piece)
_COMMAND_R = Form("command-r", "message", "", "max_tokens", "stop_sequences", _COHERE, _command_r_whole, _command_piece)
_JURASSIC = Form(
    "jurassic", "prompt", "", "maxTokens", "stopSequences", ("endoftext", "length"), _jurassic, _command_piece
)
_TITAN = Form(
    "titan", "inputText", "textGenerationConfig", "maxTokenCount", "stopSequences", ("FINISH", "LENGTH"),
    _titan_whole, _titan_piece,
)  # fmt: skip

_BY_VENDOR: Mapping[str, tuple[Form, ...]] = {
    "meta": (_LLAMA,),
    "mistral": (_MISTRAL,),
    "deepseek": (_DEEPSEEK,),
    "cohere": (_COMMAND, _COMMAND_R),
    "ai21": (_JURASSIC,),
    "amazon": (_TITAN,),
}
_PROMPTED = {vendor: tuple(Prompted(vendor, form) for form in forms) for vendor, forms in _BY_VENDOR.items()}
_NO_CHAT = frozenset({"meta", "amazon", "cohere"})


def native_dialect_for(model: Model, body: Mapping[str, Any]) -> Dialect | None:
    """The dialect of a native body of a vendor without caching; None where its body is not known.

    Titan Text is of Nova's vendor, and its own. Which of a vendor's spellings it is, the members of the body say.
    """
    if model.vendor == "amazon" and not model.id.startswith("amazon.titan-text"):
        return None
    if model.vendor not in _NO_CHAT and (is_list(body.get("messages")) or model.vendor not in _PROMPTED):
        return NATIVE_CHAT
    spelled = _PROMPTED[model.vendor]
    return next((dialect for dialect in spelled if dialect.required[0] in body), spelled[0])
