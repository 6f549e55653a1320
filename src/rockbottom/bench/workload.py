"""A workload: what is sent, to which models, down which lanes, and how often it happens in real life.

The file format is documented in docs/reference/workload.md. Everything is checked while reading; nothing
is sent, and no file but those named in the workload is opened.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rockbottom.advise import Guarding, Lines
from rockbottom.bench.besides import read_beside, read_guardrail
from rockbottom.bench.errors import InvalidWorkload
from rockbottom.bench.quality import Grading, ReadFile, read_checks, read_grading, workload_field
from rockbottom.bench.recorded import RecordedConversation, Turn, read_recorded
from rockbottom.extras import Field
from rockbottom.figures import thousands
from rockbottom.files import content_of
from rockbottom.prompt import Api

DEFAULT_LANES = ("baseline", "cached", "cached-tools", "cached-1h", "cached-tail", "auto")
LAYERS = ("system", "documents", "each-document")
APIS = tuple(api.value for api in Api)
_FIELDS = (
    "name", "about", "api", "stream", "system", "documents", "layers", "tools", "conversations", "models", "lanes",
    "seconds_between_turns", "traffic", "inference", "grading", "guardrail", "beside",
)  # fmt: skip
_MAX_FILE_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands in the system part of every request, after the system text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ProjectedTraffic:
    """What the bill is projected to."""

    conversations_per_day: int = 1000
    days: int = 30


@dataclass(frozen=True, slots=True)
class Inference:
    """Parameters of every request; None leaves the parameter out."""

    max_tokens: int = 1024
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload, as its file says.

    ``digest`` names the exact content of the files it was read from, ``sent`` what of it reaches a model: two workloads
    of the same ``sent`` differ only in how answers are graded, projected or named.
    """

    name: str
    about: str
    file: str
    digest: str
    api: str
    stream: bool
    system: str
    documents: tuple[Document, ...]
    layers: tuple[str, ...]
    tools: tuple[Mapping[str, Any], ...]
    conversations: tuple[RecordedConversation, ...]
    models: tuple[str, ...]
    lanes: tuple[str, ...]
    seconds_between_turns: float
    traffic: ProjectedTraffic
    inference: Inference
    grading: Grading = field(default_factory=Grading)
    sent: str = ""
    guardrail: Guarding | None = None
    beside: Lines = ()

    @property
    def slug(self) -> str:
        """A short name for folders: the file's, else the workload's, in lower case."""
        stem = Path(self.file).stem or self.name
        return "".join(char if char.isalnum() else "-" for char in stem.lower()).strip("-") or "workload"

    @property
    def turns(self) -> int:
        """Requests in one pass over all conversations."""
        return sum(len(conversation.turns) for conversation in self.conversations)


def load_workload(path: str | Path) -> Workload:
    """The workload of a YAML file; raises InvalidWorkload, or OSError when the file cannot be read."""
    path = Path(path)
    return read_workload(_read_text(path), str(path), path.parent)


def read_workload(text: str, file: str = "workload.yaml", folder: Path = Path()) -> Workload:
    """The workload of a YAML text; files that it names are looked for in ``folder``."""
    top = workload_field(text, file)
    reader = _Reader(folder, text)
    return reader.workload(top)


class _Reader:
    """Reads the fields and remembers the digest of everything that was read, the text of the workload first."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.digest = folder, hashlib.sha256(text.encode())

    def workload(self, top: Field) -> Workload:
        fields = top.members(_FIELDS, required=("name", "conversations"))
        api = fields["api"].one_of(APIS) if "api" in fields else "converse"
        documents = self.documents(fields.get("documents"))
        workload = Workload(
            name=fields["name"].text().strip(),
            about=fields["about"].text().strip() if "about" in fields else "",
            file=top.file,
            digest="",
            api=api,
            stream=fields["stream"].flag() if "stream" in fields else False,
            system=self.text(fields["system"]) if "system" in fields else "",
            documents=documents,
            layers=_layers(fields.get("layers"), bool(documents), "system" in fields),
            tools=self.tools(fields.get("tools")),
            conversations=self.conversations(fields["conversations"]),
            models=_names(fields.get("models")) or ("amazon.nova-pro-v1:0",),
            lanes=_names(fields.get("lanes")) or DEFAULT_LANES,
            seconds_between_turns=_seconds(fields.get("seconds_between_turns")),
            traffic=_traffic(fields.get("traffic")),
            inference=_inference(fields.get("inference")),
            grading=read_grading(fields.get("grading")),
            guardrail=read_guardrail(fields.get("guardrail")),
            beside=read_beside(fields.get("beside")),
        )
        return replace(workload, digest=self.digest.hexdigest()[:16], sent=_sent(workload))

    def text(self, field: Field) -> str:
        """Text, or ``{file: path}``."""
        if not field.is_mapping():
            return field.text()
        return self.file_of(field.members(("file",), required=("file",))["file"])[1]

    def file_of(self, field: Field) -> tuple[Path, str]:
        path = self.folder / field.text()
        try:
            text = _read(path)
        except (OSError, UnicodeDecodeError) as error:
            raise field.fault(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from error
        self.digest.update(text.encode())
        return path, text

    def documents(self, field: Field | None) -> tuple[Document, ...]:
        if field is None:
            return ()
        return tuple(self.document(item) for item in field.items())

    def document(self, item: Field) -> Document:
        members = item.members(("name", "text", "file"), required=("name",))
        if ("text" in members) == ("file" in members):
            raise item.fault("give either 'text' or 'file'")
        text = members["text"].text() if "text" in members else self.file_of(members["file"])[1]
        return Document(members["name"].text(), text)

    def tools(self, field: Field | None) -> tuple[Mapping[str, Any], ...]:
        if field is None:
            return ()
        if field.is_mapping():
            path, text = self.file_of(field.members(("file",), required=("file",))["file"])
            field = workload_field(text, str(path))
        return tuple(_tool(item) for item in field.items())

    def conversations(self, field: Field) -> tuple[RecordedConversation, ...]:
        if field.is_mapping():
            return self.recorded(field)
        conversations = tuple(_conversation(item, index, self.file_of) for index, item in enumerate(field.items()))
        if not conversations:
            raise field.fault("expected at least one conversation")
        return conversations

    def recorded(self, field: Field) -> tuple[RecordedConversation, ...]:
        members = field.members(("recorded", "limit", "turns"), required=("recorded",))
        limit = members["limit"].whole(least=1) if "limit" in members else 1
        turns = members["turns"].whole(least=1) if "turns" in members else None
        path = self.folder / members["recorded"].text()
        try:
            conversations = read_recorded(path, limit, turns)
        except OSError as error:
            raise members["recorded"].fault(f"cannot read {path}: {error.strerror or error}") from error
        except ValueError as error:
            raise members["recorded"].fault(f"{path}: {error}") from error
        if not conversations:
            raise members["recorded"].fault(f"{path} holds no conversation with an answer in it")
        self.digest.update(repr(conversations).encode())
        return conversations


def _sent(workload: Workload) -> str:
    talks = [
        (conversation.system, conversation.tools, [(turn.messages, turn.answer) for turn in conversation.turns])
        for conversation in workload.conversations
    ]
    parts = (
        workload.api, workload.stream, workload.system, workload.documents, workload.layers, workload.tools, talks,
        workload.inference, workload.seconds_between_turns,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _read(path: Path) -> str:
    data = content_of(path)
    if len(data) > _MAX_FILE_BYTES:
        raise InvalidWorkload(str(path), 1, 1, "", f"the file is larger than {thousands(_MAX_FILE_BYTES)} bytes")
    return data.decode("utf-8-sig")


def _read_text(path: Path) -> str:
    try:
        return _read(path)
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise InvalidWorkload(
            str(path), line, column, "", f"not UTF-8 text (byte 0x{error.object[error.start]:02x})",
            fix="save the file as UTF-8; docs/reference/workload.md describes what it holds",
        ) from error  # fmt: skip


def _layers(field: Field | None, has_documents: bool, has_system: bool) -> tuple[str, ...]:
    """Where the cached lanes close a prefix; by default once, after everything that stays the same."""
    if field is None:
        return ("documents",) if has_documents else ("system",) if has_system else ()
    chosen = tuple(item.one_of(LAYERS) for item in field.items())
    if len(set(chosen)) < len(chosen) or {"documents", "each-document"} <= set(chosen):
        raise field.fault("names the same place twice")
    if not has_documents and {"documents", "each-document"} & set(chosen):
        raise field.fault("names documents, but the workload has none")
    if "system" in chosen and not has_system:
        raise field.fault("names 'system', but the workload has no system text")
    return tuple(layer for layer in LAYERS if layer in chosen)


def _tool(item: Field) -> Mapping[str, Any]:
    spec = item.members(("toolSpec",), required=("toolSpec",))["toolSpec"]
    members = spec.members(("name", "description", "inputSchema", "strict"), required=("name", "inputSchema"))
    members["name"].text()
    if "json" not in (schema := members["inputSchema"].plain()) or not isinstance(schema["json"], dict):
        raise members["inputSchema"].fault("expected {json: {...}} with a JSON schema in it")
    return {"toolSpec": spec.plain()}


def _conversation(item: Field, index: int, read_file: ReadFile) -> RecordedConversation:
    members = item.members(("name", "turns"), required=("turns",))
    turns: list[Turn] = []
    waiting: list[str] = []  # ids of tool uses that the next turn must answer
    for number, entry in enumerate(members["turns"].items()):
        turn, waiting = _turn(entry, number, waiting, read_file)
        turns.append(turn)
    if not turns:
        raise members["turns"].fault("expected at least one turn")
    name = members["name"].text() if "name" in members else f"conversation {index + 1}"
    return RecordedConversation(name, tuple(turns))


def _turn(field: Field, number: int, waiting: list[str], read_file: ReadFile) -> tuple[Turn, list[str]]:
    members = field.members(("user", "results", "answer", "uses", "grade"))
    results = members["results"].items() if "results" in members else []
    if len(results) != len(waiting):
        raise field.fault(f"the turn before used {len(waiting)} tools, and {len(results)} results are given")
    content: list[Mapping[str, Any]] = [
        {"toolResult": {"toolUseId": use, "content": [_result(item)]}}
        for use, item in zip(waiting, results, strict=True)
    ]
    if "user" in members:
        content.append({"text": members["user"].text()})
    if not content:
        raise field.fault("expected 'user' text or 'results'")
    answer, uses = _answer(members, number)
    label = members["user"].text() if "user" in members else f"{len(results)} tool result{'s' * (len(results) != 1)}"
    checks, criteria = read_checks(members.get("grade"), read_file)
    message = {"role": "user", "content": content}
    return Turn(" ".join(label.split()), (message,), answer, checks, criteria), uses


def _result(item: Field) -> Mapping[str, Any]:
    return {"json": item.plain()} if item.is_mapping() else {"text": item.text()}


def _answer(members: Mapping[str, Field], number: int) -> tuple[tuple[Mapping[str, Any], ...] | None, list[str]]:
    blocks: list[Mapping[str, Any]] = [{"text": members["answer"].text()}] if "answer" in members else []
    ids: list[str] = []
    for index, item in enumerate(members["uses"].items() if "uses" in members else []):
        use = item.members(("name", "input"), required=("name",))
        ids.append(f"tooluse_{number + 1:02d}{index + 1:02d}")
        arguments: Any = use["input"].plain() if "input" in use else {}
        blocks.append({"toolUse": {"toolUseId": ids[-1], "name": use["name"].text(), "input": arguments}})
    return (tuple(blocks) or None), ids


def _names(field: Field | None) -> tuple[str, ...]:
    if field is None:
        return ()
    names = [item.text() for item in field.items()] if field.is_list() else [field.text()]
    if not names:
        raise field.fault("expected at least one name")
    if len(set(names)) < len(names):
        raise field.fault("a name is given twice")
    return tuple(names)


def _seconds(field: Field | None) -> float:
    return field.number(least=0, most=86_400) if field else 10.0


def _traffic(field: Field | None) -> ProjectedTraffic:
    if field is None:
        return ProjectedTraffic()
    members = field.members(("conversations_per_day", "days"))
    per_day = members["conversations_per_day"].whole(least=1) if "conversations_per_day" in members else 1000
    return ProjectedTraffic(per_day, members["days"].whole(least=1, most=3660) if "days" in members else 30)


def _inference(field: Field | None) -> Inference:
    if field is None:
        return Inference()
    members = field.members(("max_tokens", "temperature", "top_p", "stop"))
    return Inference(
        max_tokens=members["max_tokens"].whole(least=1) if "max_tokens" in members else 1024,
        temperature=members["temperature"].number(least=0, most=1) if "temperature" in members else None,
        top_p=members["top_p"].number(least=0, most=1) if "top_p" in members else None,
        stop=tuple(item.text() for item in members["stop"].items()) if "stop" in members else (),
    )
