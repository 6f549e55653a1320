"""Records read, checked against what batch refuses, and written one to a line.

What batch refuses is AWS's: no prompt caching (a record with a cachePoint ends in an error 403, recorded on a public
run), no tools, no structured output, no member that a body of the model does not have. AWS's own validation does not
look into ``modelInput``, so everything that can be seen here is seen before anything is uploaded and paid for.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.bodies import BodyShape, looks_like, shape_of
from rockbottom.batch.errors import InvalidRecords, Problem
from rockbottom.batch.limits import BatchLimits
from rockbottom.batch.openai_lines import barred_in, fault_of_line, same_model
from rockbottom.dialects import CONVERSE, POINT_MARKS, POINT_MEMBERS, Dialect, api_of, dialect_for
from rockbottom.figures import thousands
from rockbottom.quantities import Undecodable, decoded, decoder_of, is_list, is_object

Json = Mapping[str, Any]
_members = decoder_of(dict[str, msgspec.Raw])
_text = decoder_of(str)
_encode = msgspec.json.Encoder().encode
_EMPTY = ([b"[]"], [b"[", b"]"], [b"null"])
_KEPT = 100  # problems kept to be shown; the rest are counted


class _Record(msgspec.Struct):
    recordId: str  # AWS's spelling
    modelInput: msgspec.Raw


_record = decoder_of(_Record)


class Kind(Enum):
    """``modelInvocationType``: the language of the bodies."""

    CONVERSE = "Converse"
    INVOKE = "InvokeModel"
    CHAT = "ChatCompletions"
    """Lines of the OpenAI Batch API, through which they go."""


_BARRED: Mapping[str, str] = {
    "toolConfig": "batch has no tool calling",
    "tools": "batch has no tool calling",
    "outputConfig": "batch has no structured output",
    "output_config": "batch has no structured output",
    "output_format": "batch has no structured output",
}
_ELSEWHERE: Mapping[str, str] = {
    "model": "the model is the job's (--model), and AWS refuses it in a body",
    "stream": "batch does not stream, and AWS refuses this in a body",
}


@dataclass(slots=True)
class RecordChecker:
    """Turns lines and bodies into records; keeps the problems it finds.

    ``strip_points`` takes cachePoints out instead of refusing them; ``stripped`` counts the records it did that to.
    ``given_model`` is the model of the job: a body that names another one is refused. ``on_demand``: the records are
    not for a job, so what only batch refuses (tools, structured output, cachePoints) is taken.
    """

    kind: Kind
    vendor: str
    given_model: str
    limits: BatchLimits
    strip_points: bool = False
    on_demand: bool = False
    problems: list[Problem] = field(default_factory=list[Problem])
    total_problems: int = 0
    stripped: int = 0
    _seen: set[str] = field(default_factory=set[str])
    _dialect: Dialect | None = None
    _required: tuple[str, ...] = ()
    _shape: BodyShape | None = None
    _hint: str = ""

    def __post_init__(self) -> None:
        self._dialect = dialect_for(api_of(self.kind.value), self.vendor)
        required = self._dialect.required if self._dialect is not None else ()
        self._required = tuple(name for name in required if name != "model")
        self._shape = shape_of(self._dialect)

    def line(self, number: int, raw: bytes) -> bytes | None:
        """The record of one line of JSONL, newline included; None when it is refused. ``number`` counts from 1."""
        try:
            record = _record(raw)
            return self._taken(number, record.recordId, record.modelInput)
        except Undecodable:
            return self._odd_line(number, raw)

    def _odd_line(self, number: int, raw: bytes) -> bytes | None:
        """A line that is not an ordinary record: a bare body, a record without an id, or neither."""
        try:
            members = _members(raw)
        except Undecodable as error:
            return self._refuse(number, None, "line", f"not a JSON object: {error}")
        if self.kind is Kind.CHAT and "body" in members:
            return self._request(number, members)
        if "modelInput" in members:
            return self._record(number, members.get("recordId"), bytes(members["modelInput"]))
        return self._record(number, None, raw.strip())

    def _request(self, number: int, members: Mapping[str, msgspec.Raw]) -> bytes | None:
        """The record of a line of the OpenAI Batch API."""
        fault = fault_of_line(members)
        if fault is not None:
            return self._refuse(number, None, *fault)
        return self._record(number, members.get("custom_id"), bytes(members["body"]))

    def body(self, number: int, record_id: str | None, body: Json) -> bytes | None:
        """The line of a job for a body that a program gives; None where it is refused."""
        try:
            encoded = _encode(body)
        except (TypeError, ValueError, RecursionError) as error:
            return self._refuse(number, record_id, "modelInput", f"not JSON: {error}")
        return self._record(number, None if record_id is None else msgspec.Raw(_encode(record_id)), encoded)

    def raise_if_refused(self, source: str) -> None:
        """Raise InvalidRecords when anything was refused."""
        if not self.total_problems:
            return
        points = any(problem.why.startswith("batch does not cache") for problem in self.problems)
        fix = "--strip-cache-points takes the cachePoints out; cached on demand may be cheaper: see the estimate"
        raise InvalidRecords(self.problems, self.total_problems, source, fix=fix if points else self._hint or None)

    def _record(self, number: int, raw_id: msgspec.Raw | None, body: bytes) -> bytes | None:
        record_id = self._identity(number, raw_id)
        return None if record_id is None else self._taken(number, record_id, body)

    def _taken(self, number: int, record_id: str, body: bytes | msgspec.Raw) -> bytes | None:
        """The line of a record whose id is a text."""
        try:
            return self._checked(number, record_id, bytes(body))
        except Undecodable as error:
            return self._refuse(number, record_id, "modelInput", f"not a JSON object: {error}")

    def _checked(self, number: int, record_id: str, body: bytes) -> bytes | None:
        if record_id in self._seen or not record_id:
            why = "is on an earlier line too; each must be unique" if record_id else "empty"
            return self._refuse(number, record_id or None, "recordId", why)
        self._seen.add(record_id)
        members = _members(body)
        broken = not_utf8(body)
        if broken:
            return self._refuse(number, record_id, "modelInput", broken)
        named = "model" if self.kind is Kind.CHAT else "modelId"
        if named in members:
            changed = self._without_model(number, record_id, body, named)
            if changed is None:
                return None
            body = changed
            members.pop(named)
        wrong = self._wrong(members, body)
        if wrong is not None:
            return self._refuse(number, record_id, *wrong)
        if not self.on_demand and (_may_hold_points(body) or b"\\u00" in body):
            changed = self._without_points(number, record_id, body)
            if changed is None:
                return None
            body = changed
        line = b'{"recordId":%b,"modelInput":%b}\n' % (_encode(record_id), _one_line(body))
        if len(line) > min(self.limits.record_bytes, self.limits.file_bytes):
            most = min(self.limits.record_bytes, self.limits.file_bytes)
            return self._refuse(
                number,
                record_id,
                "modelInput",
                f"{thousands(len(line))} bytes; at most {thousands(most)} are accepted",
            )
        return line

    def _identity(self, number: int, raw: msgspec.Raw | None) -> str | None:
        record_id = f"R{number:010d}"
        if raw is not None:
            try:
                record_id = _text(bytes(raw))
            except Undecodable:
                self._refuse(number, None, "recordId", "not a text")
                return None
        return record_id

    def _wrong(self, members: Mapping[str, msgspec.Raw], body: bytes) -> tuple[str, str] | None:
        if not self.on_demand and self.kind is Kind.CHAT and (barred := barred_in(members)) is not None:
            return f"modelInput.{barred[0]}", barred[1]
        if not self.on_demand and not _BARRED.keys().isdisjoint(members):
            for name, why in _BARRED.items():
                if name in members and bytes(members[name]) not in (b"null", b"{}", b"[]"):
                    return f"modelInput.{name}", why
        for name in self._required:
            if name not in members:
                self._hint = self._hint or looks_like(members.keys())
                return f"modelInput.{name}", f"missing; every {self.kind.value} body of {self.vendor} needs it"
        messages = members.get("messages")
        if messages is not None and len(memoryview(messages)) < 8 and bytes(messages).split() in _EMPTY:
            return "modelInput.messages", "empty"
        return None if self._shape is None else self._misshapen(self._shape, members, body)

    def _misshapen(self, shape: BodyShape, members: Mapping[str, msgspec.Raw], body: bytes) -> tuple[str, str] | None:
        """What is no member or no message of the dialect that the model of the job speaks."""
        if not members.keys() <= shape.members:
            unknown = members.keys() - shape.members
            self._hint = self._hint or looks_like(members.keys())
            name = min(unknown)
            return f"modelInput.{name}", _ELSEWHERE.get(
                name, f"not a member of {self.kind.value} bodies of {self.vendor}"
            )
        return shape.fault(body)

    def _without_model(self, number: int, record_id: str, body: bytes, member: str) -> bytes | None:
        whole = decoded(body)
        named = whole.pop(member)
        if named != self.given_model and not (self.kind is Kind.CHAT and same_model(named, self.given_model)):
            why = f"names {named}, and the job runs {self.given_model}; a job has one model"
            return self._refuse(number, record_id, f"modelInput.{member}", why)
        return _encode(whole)

    def _without_points(self, number: int, record_id: str, body: bytes) -> bytes | None:
        whole = decoded(body)
        place = point_in(whole, "modelInput")
        if place is None:
            return body
        if not self.strip_points:
            return self._refuse(number, record_id, place, "batch does not cache; the record would end in an error 403")
        self.stripped += 1
        return _encode((self._dialect or CONVERSE).without_points(whole))

    def _refuse(self, number: int, record_id: str | None, member: str, why: str) -> None:
        self.total_problems += 1
        if len(self.problems) < _KEPT:
            self.problems.append(Problem(number, record_id, member, why))


def _may_hold_points(body: bytes) -> bool:
    return b"cache" in body and any(mark in body for mark in POINT_MARKS)  # one look at most bodies


def point_in(value: Any, place: str) -> str | None:
    """Where the first cachePoint of a body stands, or None. Tool inputs and schemas are not looked into."""
    stack: list[tuple[Any, str]] = [(value, place)]
    while stack:
        node, at = stack.pop()
        if is_object(node):
            for name in POINT_MEMBERS:
                if name in node:
                    return f"{at}.{name}"
            stack.extend(
                (node[name], f"{at}.{name}")
                for name in ("messages", "content", "tools", "toolConfig", "system")
                if name in node
            )
        elif is_list(node):
            stack.extend((item, f"{at}.{index}") for index, item in enumerate(node))
    return None


def _one_line(body: bytes) -> bytes:
    # Newlines in JSON stand only between its parts; a text spells them out.
    return body if b"\n" not in body else body.replace(b"\r", b"").replace(b"\n", b" ")


def not_utf8(body: bytes) -> str | None:
    """Why the bytes of a record are no UTF-8, and what to do; None where they are."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return (
            f"not UTF-8 at byte {thousands(error.start)}; iconv -f cp1252 -t utf-8 FILE writes it where it "
            "came from Windows"
        )
    return None


def lines_of(path: Path, checker: RecordChecker) -> Iterator[bytes]:
    """The records of a JSONL file; refused ones are left out and kept in the checker. Blank lines do not count.

    UTF-8 with or without a byte order mark, UTF-16 and UTF-32, packed with gzip or not.
    """
    from rockbottom.trace import pieces_of  # here: its room reads columns too, which takes a while to load

    for piece, first in pieces_of(str(path)):
        for number, raw in enumerate(io.BytesIO(piece), first):
            if not raw.isspace():
                record = checker.line(number, raw)
                if record is not None:
                    yield record


def lines_of_bodies(bodies: Iterable[Json | tuple[str, Json]], checker: RecordChecker) -> Iterator[bytes]:
    """The records of Python bodies, or of pairs of a recordId and a body."""
    for number, entry in enumerate(bodies, 1):
        record_id, body = entry if isinstance(entry, tuple) else (None, entry)
        if record_id is None and "modelInput" in body:
            record_id, body = body.get("recordId"), body["modelInput"]
        record = checker.body(number, record_id, body)
        if record is not None:
            yield record
