"""Requests of a log made columns: blocks hashed as the bytes they were logged as, points taken out, tokens shared out.

Two blocks are the same where their bytes in the log are the same, so another spelling of the same JSON counts
as a change (the service's own sensitivity to it was not measured). A block's digest is a keyed BLAKE2b of its
bytes; a prefix is the chain of its blocks' digests. The tokens that the service counted are shared out
over the blocks in proportion to what each is estimated to count; where nothing was counted the estimates stand.
"""

import re
from array import array
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import numpy as np

from rockbottom.dialects import CONVERSE, POINT_MARKS, POINT_MEMBERS, api_of
from rockbottom.prompt import Api, Meter, Parameters, seeds_of
from rockbottom.quantities import UNNAMED, Ttl, decoded, decoder_of
from rockbottom.trace.columns import API_CODES, KINDS, NO_TTL, SectionCode, Trace, observed
from rockbottom.trace.counts import model_of, usage_of
from rockbottom.trace.gathering import Gathered, key_words
from rockbottom.trace.labels import label_of_record
from rockbottom.trace.pieces import Piece
from rockbottom.trace.records import NOTHING, Body, Columnar, Message, Raw, ToolConfig
from rockbottom.trace.weighing import Weigher, Weighers

_CODE = {name: code for code, name in enumerate(KINDS)}
_CONVERSE = {
    b"text": "text", b"image": "image", b"document": "document", b"video": "video", b"audio": "audio",
    b"toolUse": "tool_use", b"toolResult": "tool_result", b"reasoningContent": "reasoning",
    b"guardContent": "guard", b"citationsContent": "citations", b"searchResult": "search_result",
    b"toolSpec": "tool", b"systemTool": "system_tool", b"toolAddition": "tool_addition",
    b"toolRemoval": "tool_removal",
}  # fmt: skip
_ANTHROPIC = {
    b"text": "text", b"image": "image", b"document": "document", b"tool_use": "tool_use",
    b"tool_result": "tool_result", b"thinking": "reasoning", b"redacted_thinking": "reasoning",
    b"search_result": "search_result", b"input_text": "text", b"output_text": "output_text", b"reasoning": "reasoning",
    b"input_image": "image", b"image_url": "image", b"input_file": "document", b"function_call": "tool_use",
    b"custom_tool_call": "tool_use", b"function": "tool_use", b"function_call_output": "tool_result",
    b"custom_tool_call_output": "tool_result",
}  # fmt: skip
_TEXT_FORMATS = re.compile(rb'"format"\s*:\s*"(?:csv|docx?|xlsx?|html|txt|md)"')
_FIRST_NAME = re.compile(rb'\s*\{\s*"(\w+)"')
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_TTL = re.compile(rb'"ttl"\s*:\s*"?(\w*)')
_TTLS = {ttl.value.encode(): ttl for ttl in Ttl}
_ASKED = {NO_TTL: UNNAMED, **{ttl.code: ttl for ttl in Ttl}}
_MEMBERS = "|".join(sorted(POINT_MEMBERS)).encode()
_MARK = rb'"(?:' + _MEMBERS + rb')"\s*:\s*\{[^{}]*\}'
_MARK_AFTER, _MARK_BEFORE = re.compile(rb"\s*,\s*" + _MARK), re.compile(_MARK + rb"\s*,?\s*")
_EXPLICIT = re.compile(rb'"mode"\s*:\s*"explicit"')


class _Block(NamedTuple):
    raw: bytes
    kind: int


class Gatherer:
    """Adds records to columns; ``key`` is the secret of the hashes, ``by`` the key of the labels.

    Remembers pieces, up to ``capacity`` bytes.
    """

    def __init__(self, key: bytes, by: str = "", capacity: int = 64 << 20) -> None:
        self._by = by
        self._gathered = Gathered()
        self._digest = blake2b(b"block", key=key[:64], digest_size=8)
        self._identity = blake2b(b"request", key=key[:64], digest_size=8)
        self._words = key_words(key)
        self._starts: dict[tuple[int, bytes], blake2b] = {}
        self._known: dict[tuple[int, str, bool, bytes], Piece] = {}
        self._weighers: Weighers | None = None
        self._bytes, self._capacity = 0, capacity
        self._seeds: dict[tuple[bytes, ...], tuple[int, int, int, int]] = {}
        self._plain: tuple[int, int, int, int] | None = None  # of a request without any such parameter
        self._seeds_of_request: list[tuple[int, int, int, int]] = []
        self._beside: list[int] = []

    def add(self, record: Columnar, body: Body | None, reply: Callable[[], bytes]) -> None:
        """One record with its body, where it is known, and what gives the JSON of its reply.

        Raises Undecodable for blocks of no known shape and counts that no column holds.
        """
        parsed = body or _NO_BODY
        api = api_of(record.operation)
        model = model_of(record, reply)
        weigher = self._weigher(model, api)
        pieces = self._pieces(parsed, weigher, native=api.native)
        points: list[tuple[int, int]] = []
        before = 0
        for piece in pieces:
            if piece.points:
                points.extend((before + after, ttl) for after, ttl in piece.points)
            before += len(piece.section)
        if parsed.prompt_cache_options and _EXPLICIT.search(bytes(parsed.prompt_cache_options)):
            points.insert(0, (0, NO_TTL))
        seeds = self._seeds_for(parsed, pieces, weigher.meter)
        numbers = _numbers(record, reply, points)
        numbers["at"] = record.at
        numbers["api"] = int(API_CODES[api])
        numbers["parameters"] = seeds[3]
        numbers["identity"] = self._id(record.requestId)
        names = {
            "session": session_of(record), "account": record.accountId, "model": model,
            "region": record.region, "served": record.inferenceRegion or record.region,
            "label": label_of_record(record, self._by) if self._by else None,
        }  # fmt: skip
        self._seeds_of_request.append(seeds)
        self._beside.append(weigher.beside[bool(parsed.toolConfig or parsed.tools)])
        self._gathered.add_pieces(numbers, names, pieces, points)

    def trace(self) -> Trace:
        """The columns: digests chained into prefixes, tokens shared out over the blocks."""
        from rockbottom.trace.chaining import chained
        from rockbottom.trace.depths import deepened

        seeds, beside = np.array(self._seeds_of_request, np.uint64), np.array(self._beside, np.int64)
        return deepened(chained(self._gathered.trace(), seeds, *self._words), beside)

    def _id(self, text: str) -> int:
        if not text:
            return 0
        state = self._identity.copy()
        state.update(text.encode())
        return int.from_bytes(state.digest(), "little") or 1

    def _weigher(self, model: str, api: Api) -> Weigher:
        if self._weighers is None:
            from rockbottom.catalog import load_catalog

            self._weighers = Weighers(load_catalog())
        return self._weighers.of(model, api)

    def _pieces(self, body: Body, weigher: Weigher, *, native: bool) -> list[Piece]:
        pieces: list[Piece] = []
        anthropic = native and not body.toolConfig and not body.schemaVersion
        if tools := body.toolConfig or body.tools:
            pieces.append(self._piece(SectionCode.TOOLS, bytes(tools), anthropic, weigher))
        for system in (body.system, body.instructions):
            if system:
                pieces.append(self._piece(SectionCode.SYSTEM, bytes(system), anthropic, weigher))
        if body.input:
            pieces += [self._piece(SectionCode.MESSAGES, raw, True, weigher) for raw in _input(bytes(body.input))]
        known = self._known
        for message in body.messages or ():
            raw = bytes(message)
            piece = known.get((SectionCode.MESSAGES, weigher.name, anthropic, raw))
            pieces.append(self._piece(SectionCode.MESSAGES, raw, anthropic, weigher) if piece is None else piece)
        return pieces

    def _piece(self, section: int, raw: bytes, anthropic: bool, weigher: Weigher) -> Piece:
        key = (section, weigher.name, anthropic, raw)
        piece = self._known.get(key)
        if piece is None:
            piece = self._taken_apart(section, raw, anthropic, weigher)
            self._bytes += len(raw) + 400
            if self._bytes > self._capacity:
                self._known.clear()
                self._bytes = len(raw) + 400
            self._known[key] = piece
        return piece

    def _taken_apart(self, section: int, raw: bytes, anthropic: bool, weigher: Weigher) -> Piece:
        role, choice = b"", b""
        if section == SectionCode.MESSAGES:
            message = _message(raw)
            role, listed = message.role.encode(), _content(message.content)
            if message.tool_calls:
                listed = [*listed, bytes(message.tool_calls)]
            elif message.content is None and raw.startswith(b"{") and b'"type"' in raw:  # an item that is no message
                listed = [raw]
        elif section == SectionCode.SYSTEM:
            listed = _content(_system(raw))
        elif raw.lstrip()[:1] == b"{":
            config = _tool_config(raw)
            listed, choice = [bytes(tool) for tool in config.tools or ()], bytes(config.toolChoice)
        else:
            listed = [bytes(tool) for tool in _tools(raw) or ()]
        blocks: list[_Block] = []
        points: list[tuple[int, int]] = []
        for item in listed:
            _take(blocks, points, item, section, anthropic)
        start = self._start_of(section, role)
        digests, kinds, weights = array("Q"), bytearray(), bytearray()
        for raw_block, kind in blocks:
            state = start.copy()
            state.update(raw_block)
            digests.append(int.from_bytes(state.digest(), "little"))
            kinds.append(kind)
            weights.append(2 if kind == _TEXT_DOCUMENT else 1)
        texts = section != SectionCode.TOOLS and kinds.count(_TEXT) == len(kinds)
        sizes = array("i", weigher.tokens_of(section, raw, [block.raw for block in blocks], texts=texts))
        return Piece(
            digests, sizes, bytes([section]) * len(blocks), bytes(kinds), bytes(weights), _begins(section, len(blocks)),
            tuple(points), _CODE["image"] in kinds, choice,
        )  # fmt: skip

    def _start_of(self, section: int, role: bytes) -> "blake2b":
        """The digest of a block before its bytes; roles are few."""
        start = self._starts.get((section, role))
        if start is None:
            start = self._digest.copy()
            start.update(b"%c%s\0" % (section, role))
            if len(self._starts) < 100:
                self._starts[section, role] = start
        return start

    def _seeds_for(self, body: Body, pieces: list[Piece], meter: Meter) -> tuple[int, int, int, int]:
        images = any(piece.images for piece in pieces)
        choice = pieces[0].choice if pieces else b""
        members = (body.additionalModelRequestFields, body.outputConfig, choice, body.thinking, body.output_config,
                 body.output_format, body.tool_choice, body.prompt_cache_key)  # fmt: skip
        if not images and members == _NOTHING_GIVEN and self._plain is not None:
            return self._plain
        key = (b"1" if images else b"", *map(bytes, members))
        cached = self._seeds.get(key)
        if cached is None:
            if len(self._seeds) > 10_000:
                self._seeds.clear()
            named = tuple(member.decode() for member in key[-1:] if member not in _NO_KEY)
            seeds = seeds_of(
                named, _parameters_of(key[1:-1], images, meter), "all"
            )  # entries of one key are not another's
            words = [int.from_bytes(seed[:8], "little") for seed in seeds]
            whole = int.from_bytes(blake2b(b"".join(seeds), digest_size=8).digest(), "little")
            cached = self._seeds[key] = (words[0], words[1], words[2], whole)
        if not any(key):
            self._plain = cached
        return cached


def _begins(section: int, blocks: int) -> bytes:
    """A message begins with its first block; tools and system are none."""
    return b"\1" + bytes(blocks - 1) if section == SectionCode.MESSAGES and blocks else bytes(blocks)


_NO_BODY = Body()
_NOTHING_GIVEN = (NOTHING, NOTHING, b"", NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)
_NO_KEY = (b"", b"null", b'""')
_message = decoder_of(Message)
_system = decoder_of(str | list[Raw] | None)
_tools = decoder_of(list[Raw] | None)
_tool_config = decoder_of(ToolConfig)


def _input(raw: bytes) -> list[bytes]:
    """The items of the input of Responses; a text is one message of the user's."""
    value = _system(raw)
    if isinstance(value, str):
        return [b'{"role":"user","content":' + raw + b"}"]
    return [bytes(item) for item in value or ()]


_TEXT, _TEXT_DOCUMENT = _CODE["text"], _CODE["text_document"]


def _content(content: str | list[Raw] | None) -> list[bytes]:
    if content is None:
        return []
    if isinstance(content, str):
        # A string and one text block are the same prompt (Anthropic's shorthand).
        return [b'{"type":"text","text":' + msgspec.json.encode(content) + b"}"]
    return [bytes(raw) for raw in content]


def _take(blocks: list[_Block], points: list[tuple[int, int]], raw: bytes, section: int, anthropic: bool) -> None:
    """One member of a list of blocks: a block, a point, or a block with a point on it."""
    marked = b"cache" in raw and any(mark in raw for mark in POINT_MARKS)  # one look at most blocks
    if not marked:
        if raw.startswith(b'{"text":') and section:  # what most blocks are, in either dialect; no tool
            blocks.append(_Block(raw, _TEXT))
            return
        blocks.append(_Block(raw, _kind_of(raw, anthropic, section)))
        return
    name = _first_name(raw)
    if name == b"cachePoint" and len(raw) < 80:
        points.append((len(blocks), _ttl_of(raw)))
    elif name == b"toolResult":  # a point inside Converse's toolResult does nothing
        blocks.append(_Block(_unmarked(raw), _CODE["tool_result"]))
    else:
        bare = _unmarked(raw)
        blocks.append(_Block(bare, _kind_of(bare, anthropic, section)))
        points.append((len(blocks), _ttl_of(raw)))


def _unmarked(raw: bytes) -> bytes:
    return _MARK_BEFORE.sub(b"", _MARK_AFTER.sub(b"", raw))


def _first_name(raw: bytes) -> bytes:
    match = _FIRST_NAME.match(raw)
    return match[1] if match else b""


def _ttl_of(raw: bytes) -> int:
    """The code of the longest lifetime named; ``UNNAMED`` stands for one that is not known."""
    names = _TTL.findall(raw)
    if not names:
        return NO_TTL
    return max((_TTLS.get(name, UNNAMED) for name in names), key=lambda ttl: ttl.seconds).code


def _kind_of(raw: bytes, anthropic: bool, section: int) -> int:
    name = _first_name(raw)
    if section == SectionCode.TOOLS:
        return _CODE["system_tool" if name == b"systemTool" else "tool"]
    if name == b"type" or anthropic:
        match = _TYPE.search(raw) if name != b"text" else None
        return _CODE[_ANTHROPIC.get(match[1], "unknown")] if match else _CODE["text"]
    kind = _CODE[_CONVERSE.get(name, "unknown")]
    if kind == _CODE["document"] and _TEXT_FORMATS.search(raw):
        return _TEXT_DOCUMENT
    return kind


def _numbers(record: Columnar, reply: Callable[[], bytes], points: list[tuple[int, int]]) -> dict[str, Any]:
    usage, output = usage_of(record, reply, {_ASKED[code] for _, code in points})
    numbers: dict[str, Any] = {"tokens_out": output}
    if usage is not None:
        numbers.update(observed(usage))
    return numbers


def session_of(record: Columnar) -> str | None:
    """The session a request belongs to, where its metadata say."""
    metadata = record.requestMetadata or {}
    return next((metadata[name] for name in _SESSION_NAMES if name in metadata), None)


_SESSION_NAMES = ("session", "sessionId", "session_id", "conversation", "conversationId", "conversation_id", "thread")


def _parameters_of(members: tuple[bytes, ...], images: bool, meter: Meter) -> Parameters:
    extra, output, choice, thinking, native_output, output_format, native_choice = (
        decoded(part) if part else None for part in members
    )
    tool_choice: Any = choice if native_choice is None else {str(native_choice.get("type", "auto")): {}}
    fields = dict(extra or {})
    for name, value in (("thinking", thinking), ("output_config", native_output), ("output_format", output_format)):
        if value is not None:
            fields[name] = value
    body: dict[str, Any] = {"additionalModelRequestFields": fields, "outputConfig": output or {}}
    body["toolConfig"] = {"toolChoice": tool_choice or {}}
    read = CONVERSE.read(body, meter).parameters
    return Parameters(read.thinking, read.effort, read.output_schema, read.tool_choice, images, read.citations)
