"""Training data out of the prompts of a log or of files of bodies, checked as AWS checks it.

One JSON object a line: ``schemaVersion`` bedrock-conversation-2024, ``system``, ``messages`` with text alone
(https://docs.aws.amazon.com/bedrock/latest/userguide/distillation-prepare-datasets.html). 100 to 15,000 prompts: fewer
end a job in its data processing, even after its validation accepted them (seen in a public run). What cannot train a
student (tools, images, a turn without text) is counted by its reason and left out; so is a prompt that came before.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.catalog import Catalog, CatalogError, limit
from rockbottom.dialects import CONVERSE, Dialect, api_of, dialect_for, is_point
from rockbottom.distill.errors import UnfitData
from rockbottom.figures import counted, thousands
from rockbottom.files import regular
from rockbottom.prompt import Api
from rockbottom.quantities import Undecodable, decoder_of, is_list, is_object
from rockbottom.trace import pieces_of

SCHEMA = "bedrock-conversation-2024"
Json = dict[str, Any]
_object = decoder_of(Json)
_SUFFIXES = (".json", ".jsonl", ".gz", ".log")
_REASONS = {
    "tools": "it calls tools",
    "media": "it holds something other than text",
    "roles": "its turns do not alternate, or none is the user's",
    "empty": "a turn has no text",
    "again": "the same prompt came before",
    "unread": "it is not a request",
    "filtered": "its requestMetadata differs",
    "failed": "the call failed",
    "turns": "it has several turns, and the student takes one",
}


@dataclass(slots=True)
class TrainingData:
    """Records fit for training, and how many were left out and why. ``labelled`` have the answer that was logged."""

    records: list[Json] = field(default_factory=list[Json])
    left_out: Counter[str] = field(default_factory=Counter[str])
    labelled: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out, by reason in words."""
        return {_REASONS[name]: count for name, count in self.left_out.most_common()}

    def check(self) -> None:
        """Raise UnfitData where there are too few."""
        least, most = limit("distillation_prompts_least"), limit("distillation_prompts_most")
        if len(self.records) < least:
            left_out = "; ".join(f"{thousands(count)}: {reason}" for reason, count in self.reasons.items())
            raise UnfitData(
                f"{counted(len(self.records), 'prompt')} can train a student, but a job takes {least} to "
                f"{thousands(most)}" + (f" (left out: {left_out})" if left_out else ""),
                fix="a log of more days, or another requestMetadata",
            )

    def lines(self) -> Iterator[bytes]:
        """The lines of the training file as they are sent."""
        return (msgspec.json.encode(record) + b"\n" for record in self.records)


def training_data(
    sources: Sequence[Path], catalog: Catalog, *, metadata: Mapping[str, str], single_turn: bool, answers: bool
) -> TrainingData:
    """The training data of files and folders; at most what a job takes, the first of them.

    ``metadata``: only requests that carry these pairs. ``answers``: with the answers that were logged, as labels.
    """
    training, seen = TrainingData(), set[bytes]()
    for path in _files(sources):
        for value in _objects(path, training):
            if len(training.records) >= limit("distillation_prompts_most"):
                return training
            _take(value, training, seen, catalog, metadata, single_turn=single_turn, answers=answers)
    return training


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from sorted(path for path in source.rglob("*") if path.is_file() and path.suffix in _SUFFIXES)
        else:
            yield regular(source)


def _objects(path: Path, training: TrainingData) -> Iterator[Json]:
    for piece, _ in pieces_of(str(path)):
        for line in io.BytesIO(piece):
            if line.strip():
                try:
                    yield _object(line)
                except Undecodable:
                    training.left_out["unread"] += 1


def _take(
    value: Json, training: TrainingData, seen: set[bytes], catalog: Catalog, metadata: Mapping[str, str], *,
    single_turn: bool, answers: bool,
) -> None:  # fmt: skip
    try:
        record, reply = _record_of(value, catalog, metadata)
        record = _conversation(record, single_turn=single_turn)
    except _LeftOut as left:
        training.left_out[left.reason] += 1
        return
    digest = hashlib.blake2b(msgspec.json.encode(record), digest_size=16).digest()
    if digest in seen:
        training.left_out["again"] += 1
        return
    seen.add(digest)
    answer = _answer_of(reply) if answers else ""
    if answer:
        record["messages"].append({"role": "assistant", "content": [{"text": answer}]})
        training.labelled += 1
    training.records.append(record)


class _LeftOut(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _record_of(value: Json, catalog: Catalog, metadata: Mapping[str, str]) -> tuple[Json, tuple[Json, ...]]:
    """The request in Converse's shape, and the content of its reply where one was logged."""
    logged = value.get("input")
    if not is_object(logged):  # a body alone, or a batch record
        body = value.get("modelInput") if is_object(value.get("modelInput")) else value
        if metadata:
            raise _LeftOut("filtered")
        return _converse(dict(body or {}), CONVERSE if _speaks_converse(body or {}) else None), ()
    if value.get("errorCode"):
        raise _LeftOut("failed")
    carried = value.get("requestMetadata")
    if any(not is_object(carried) or carried.get(name) != expected for name, expected in metadata.items()):
        raise _LeftOut("filtered")
    body = logged.get("inputBodyJson")
    if not is_object(body):
        raise _LeftOut("unread")
    dialect = _dialect_of(value, catalog)
    output = value.get("output")
    reply = output.get("outputBodyJson") if is_object(output) else None
    return _converse(dict(body), dialect), _content_of(reply, dialect)


def _dialect_of(value: Json, catalog: Catalog) -> Dialect | None:
    api = api_of(str(value.get("operation")))
    try:
        return (
            CONVERSE if api is Api.CONVERSE else dialect_for(api, catalog.model(str(value.get("modelId"))).model.vendor)
        )
    except CatalogError:
        return None


def _speaks_converse(body: Mapping[str, Any]) -> bool:
    messages = body.get("messages")
    return is_list(messages) and all(is_object(message) and is_list(message.get("content")) for message in messages)


def _converse(body: Json, dialect: Dialect | None) -> Json:
    if dialect is None:
        raise _LeftOut("unread")
    if body.get("tools") or body.get("toolConfig"):
        raise _LeftOut("tools")
    try:
        return dict(dialect.unspelled(body))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _LeftOut("unread") from error


def _content_of(reply: Any, dialect: Dialect | None) -> tuple[Json, ...]:
    if not is_object(reply) or dialect is None:
        return ()
    try:
        return dialect.told(reply)[0]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ()


def _conversation(body: Json, *, single_turn: bool) -> Json:
    """A record of the schema: texts alone, turns that alternate and end with the user's."""
    messages = body.get("messages")
    if not is_list(messages) or not messages:
        raise _LeftOut("unread")
    turns = [
        {"role": str(message.get("role")), "content": _texts(message.get("content"))}
        for message in messages
        if is_object(message)
    ]
    if not turns:
        raise _LeftOut("unread")
    if [turn["role"] for turn in turns] != ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2):
        raise _LeftOut("roles")
    if turns[-1]["role"] == "assistant":
        turns.pop()
    if single_turn and len(turns) > 1:
        raise _LeftOut("turns")
    system = _texts(body["system"]) if body.get("system") else []
    return {"schemaVersion": SCHEMA, **({"system": system} if system else {}), "messages": turns}


def _texts(content: Any) -> list[Json]:
    if isinstance(content, str):
        content = [{"text": content}]
    blocks = [block for block in (content if is_list(content) else ()) if is_object(block) and not is_point(block)]
    if any(not isinstance(block.get("text"), str) for block in blocks):
        raise _LeftOut("tools" if any("toolUse" in block or "toolResult" in block for block in blocks) else "media")
    texts = [{"text": block["text"]} for block in blocks if block["text"].strip()]
    if not texts:
        raise _LeftOut("empty")
    return texts


def _answer_of(content: tuple[Json, ...]) -> str:
    return "".join(str(block.get("text", "")) for block in content).strip()
