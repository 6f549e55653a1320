"""Recorded conversations and documents with questions, in Converse shape: one request per assistant turn or question.

JSON lines with a ``kind``: ``prefix`` (a shared system and tools, by ``prefix_id``), ``conversation``
(``messages``, perhaps ``message_times``) and ``document`` (a ``document`` and its ``questions``). Nothing was
counted, so tokens are estimated with the weights of one model's tokenizer (option ``tokenizer``), and a
conversation without times is put on a clock of its own: one request a ``gap_s`` (default 30), conversations
one after another. No cachePoints are recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rockbottom.dialects import CONVERSE
from rockbottom.prompt import Meter, Section
from rockbottom.quantities import RockbottomError, decoded
from rockbottom.trace.columns import API_CODES, KINDS
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of
from rockbottom.trace.gathering import Gathered
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.stored_prompts import chained

_KIND = {name: code for code, name in enumerate(KINDS)}


@dataclass(slots=True)
class _Clock:
    """Instants for conversations that carry none, a fixed pause apart."""

    gap_s: float
    now: float = 0.0

    def tick(self) -> float:
        self.now += self.gap_s
        return self.now


@dataclass(slots=True)
class _State:
    meter: Meter
    key: bytes
    clock: _Clock
    gathered: Gathered = field(default_factory=Gathered)
    prefixes: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


def read(part: str, settings: ReaderSettings) -> ReadPart:
    damages, size = Damages(), 0
    state = _State(_meter(settings), settings.key, _Clock(float(settings.options.get("gap_s", 30))))
    for number, text in lines_of(part, damages):
        size += len(text)
        try:
            _add(state, decoded(text))
        except RockbottomError as error:
            damages.add(f"{part}:{number}", str(error))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # another shape
            damages.add(f"{part}:{number}", f"{type(error).__name__}: {error}")
    return ReadPart(state.gathered.trace(), damages, size)


def _meter(settings: ReaderSettings) -> Meter:
    from rockbottom.catalog import load_catalog

    weights = load_catalog().token_weights
    tokenizer = settings.options.get("tokenizer")
    return Meter(weights[tokenizer] if tokenizer else next(iter(weights.values())))


def _add(state: _State, record: Mapping[str, Any]) -> None:
    kind = record["kind"]
    if kind == "prefix":
        state.prefixes[record["prefix_id"]] = record
    elif kind == "conversation":
        for at, body in _turns(record, state.prefixes[record["prefix_id"]], state.clock):
            _request(state, body, at, record["conversation_id"], record.get("model", ""))
    elif kind in ("document", "docqa"):
        for question in record["questions"]:
            content = [{"text": record["document"]}, {"text": question["question"]}]
            body = {"system": record["system"], "messages": [{"role": "user", "content": content}]}
            _request(state, body, state.clock.tick(), record["document_id"], "")


def _turns(
    record: Mapping[str, Any], prefix: Mapping[str, Any], clock: _Clock
) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """One request per assistant turn: the messages before it, at the time of the last of them."""
    messages, times = record["messages"], record.get("message_times")
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            at = float(times[max(0, i - 1)]) if times else clock.tick()
            body: dict[str, Any] = {"system": prefix["system"], "messages": messages[:i]}
            if prefix.get("tools"):
                body["toolConfig"] = {"tools": prefix["tools"]}
            yield at, body


def _request(state: _State, body: Mapping[str, Any], at: float, session: str, model: str) -> None:
    prompt = CONVERSE.read(body, state.meter)
    numbers = {"at": at, "tokens_in": prompt.tokens, "api": API_CODES[prompt.api]}
    segments = prompt.segments
    state.gathered.add(
        numbers,
        {"session": session, "model": model},
        list(chained(prompt, state.key)),
        list(prompt.depths[1:]),
        [_SECTION[segment.section.value] for segment in segments],
        [_KIND[segment.kind.value] for segment in segments],
        [segment.blocks for segment in segments],
        begins=[segment.section is Section.MESSAGES and segment.index == 0 for segment in segments],
    )


_SECTION = {"tools": 0, "system": 1, "messages": 2}


def _recognises(path: Path, head: bytes) -> bool:
    return b'"kind"' in head[:200] and (b'"prefix_id"' in head or b'"document_id"' in head)


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if ".json" in Path(name).name]


READER = LogReader("conversations", "conversations and documents in Converse shape", _recognises, _parts, read)
