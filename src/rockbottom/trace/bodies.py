"""Requests of a log made columns: blocks hashed as they were logged, points taken out, tokens shared out.

Two texts are the same where they read the same, as a string or as a block. Other blocks are where their bytes are, so
another spelling of the same JSON counts as a change (the service's own sensitivity to it was not measured). A block's
digest is a keyed BLAKE2b of that; a prefix is the chain of its blocks' digests. The tokens that the service counted are
shared out over the blocks in proportion to what each is estimated to count; where nothing was counted the estimates
stand.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import numpy as np

from rockbottom.dialects import TIER_MEMBERS, api_of, host_of, tier_of
from rockbottom.prompt import Api, seeds_of
from rockbottom.quantities import UNNAMED, Ttl, decoded, decoder_of
from rockbottom.trace.columns import API_CODES, NO_TTL, OpeningCode, SectionCode, Trace, observed
from rockbottom.trace.counts import model_of, usage_of
from rockbottom.trace.estimates import Estimates
from rockbottom.trace.gathering import Gathered, key_words
from rockbottom.trace.labels import label_of_record
from rockbottom.trace.logged_blocks import (
    IMAGE,
    TEXT,
    TEXT_DOCUMENT,
    kinds_by_role,
    leading_of,
    listed_in,
    named_by,
    take,
)
from rockbottom.trace.pieces import Piece, row_of
from rockbottom.trace.records import NOTHING, Body, Columnar, Raw
from rockbottom.trace.weighing import Weigher, Weighers

_ASKED = {NO_TTL: UNNAMED, **{ttl.code: ttl for ttl in Ttl}}
_TALK, _MOST_TALKS = 3, 256
"""From so many messages a request is looked at as one of a conversation; so many conversations are remembered."""
_EXPLICIT = re.compile(rb'"mode"\s*:\s*"explicit"')


class BodyGatherer:
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
        self._estimates = Estimates()
        self._weighers: Weighers | None = None
        self._tiers: dict[tuple[bytes, ...], str] = {}
        self._bytes, self._capacity = 0, capacity
        self._last: dict[int, tuple[Raw, tuple[str, bool], Piece]] = {}
        self._talks: dict[tuple[str, bool, bytes], tuple[list[Raw], list[Piece]]] = {}  # the least recent one first
        self._seeds: dict[tuple[bytes, ...], tuple[int, int, int, int]] = {}
        self._plain: dict[str, tuple[int, int, int, int]] = {}  # of requests without any such parameter, by dialect
        self._seeds_of_request: list[tuple[int, int, int, int]] = []
        self._beside: list[int] = []

    def add(self, record: Columnar, body: Body | None, reply: Callable[[], bytes]) -> bool:
        """One record with its body, where it is known, and what gives the JSON of its reply.

        False: it is left out, for it was counted at no token, so that no model saw its prompt.

        It comes without blocks where the service keeps a part of the prompt, as what repeats of it is not there to be
        seen. Raises Undecodable for blocks of no known shape and counts that no column holds.
        """
        parsed = body or _NO_BODY
        if any(bytes(member) not in _NO_KEY for member in (parsed.previous_response_id, parsed.conversation)):
            self._gathered.unseen.append(record.at)
            parsed = _NO_BODY
        api = api_of(record.operation)
        model = model_of(record, reply)
        weigher = self._weigher(model, api)
        pieces = self._pieces(parsed, weigher, native=api.native)
        points: list[tuple[int, int]] = []
        before, images = 0, False
        for piece in pieces:
            if piece.points:
                points.extend((before + after, ttl) for after, ttl in piece.points)
            before += piece.blocks
            images |= piece.images
        if parsed.prompt_cache_options and _EXPLICIT.search(bytes(parsed.prompt_cache_options)):
            points.insert(0, (0, NO_TTL))
        seeds = self._seeds_for(parsed, pieces[0].choice if pieces else b"", images, weigher)
        numbers = _numbers(record, reply, points)
        if pieces and numbers.get("tokens_in") == 0 and not numbers["tokens_out"]:
            return False
        numbers["at"] = record.at
        numbers["api"] = int(API_CODES[api])
        numbers["host"], numbers["opening"] = bool(host_of(api, model)), _opening(parsed)
        numbers["parameters"] = seeds[3]
        numbers["identity"] = self._id(record.requestId)
        names = {
            "session": session_of(record), "account": record.accountId, "model": model,
            "region": record.region, "served": record.inferenceRegion or record.region,
            "label": label_of_record(record, self._by) if self._by else None,
        }  # fmt: skip
        tiers = _tiers(parsed)
        if any(tiers):
            names["tier"] = self._tier(tiers)
        self._seeds_of_request.append(seeds)
        self._beside.append(weigher.beside[bool(parsed.toolConfig or parsed.tools)])
        self._gathered.add_rows(numbers, names, b"".join([piece.rows for piece in pieces]), points)
        return True

    def trace(self) -> Trace:
        """The columns: digests chained into prefixes, tokens shared out over the blocks."""
        from rockbottom.trace.chaining import chained
        from rockbottom.trace.depths import deepened

        seeds, beside = np.array(self._seeds_of_request, np.uint64), np.array(self._beside, np.int64)
        trace = self._gathered.trace()
        trace = replace(trace, blocks=replace(trace.blocks, depth=self._estimates.tokens()[trace.blocks.depth]))
        return deepened(chained(trace, seeds, *self._words), beside)

    def _tier(self, members: tuple[Raw, ...]) -> str:
        """The name of the tier that these members of a body ask for; they are few, and the same in most bodies."""
        key = tuple(map(bytes, members))
        name = self._tiers.get(key)
        if name is None:
            with_values = {name: decoded(raw) for name, raw in zip(TIER_MEMBERS, key, strict=True) if raw}
            name = tier_of(with_values).value
            if len(self._tiers) < 100:
                self._tiers[key] = name
        return name

    def _id(self, text: str) -> int:
        if not text:
            return 0
        state = self._identity.copy()
        state.update(text.encode())
        return int.from_bytes(state.digest(), "little") or 1

    def _weigher(self, model: str, api: Api) -> Weigher:
        if self._weighers is None:
            from rockbottom.catalog import load_catalog

            self._weighers = Weighers(load_catalog(), self._estimates)
        return self._weighers.of(model, api)

    def _pieces(self, body: Body, weigher: Weigher, *, native: bool) -> list[Piece]:
        pieces: list[Piece] = []
        anthropic = native and not body.toolConfig and not body.schemaVersion
        if tools := body.toolConfig or body.tools:
            pieces.append(self._repeated(SectionCode.TOOLS, tools, anthropic, weigher))
        for system in (body.system, body.instructions):
            if system:
                pieces.append(self._repeated(SectionCode.SYSTEM, system, anthropic, weigher))
        items, messages = _input(bytes(body.input)) if body.input else [], body.messages or []
        if weigher.of_openai and (leading := leading_of(items or messages)):
            for raw in (items or messages)[:leading]:
                pieces.append(self._piece(SectionCode.SYSTEM, bytes(raw), True, weigher))
            items, messages = items[leading:], messages if items else messages[leading:]
        pieces += [self._piece(SectionCode.MESSAGES, raw, True, weigher) for raw in items]
        if messages:
            pieces += self._talk(messages, anthropic, weigher)
        return pieces

    def _talk(self, messages: list[Raw], anthropic: bool, weigher: Weigher) -> list[Piece]:
        """The messages of a request: those that the last one of its conversation began with are not looked up again."""
        if len(messages) < _TALK:
            return [self._piece(SectionCode.MESSAGES, bytes(message), anthropic, weigher) for message in messages]
        name = (weigher.name, anthropic, bytes(messages[0]))
        sent, pieces = self._talks.pop(name, ((), ()))
        if messages[: len(sent)] != sent:
            pieces = pieces[: _alike(messages, sent)]
        more = messages[len(pieces) :]
        pieces = [*pieces, *(self._piece(SectionCode.MESSAGES, bytes(raw), anthropic, weigher) for raw in more)]
        self._talks[name] = messages, pieces
        if len(self._talks) > _MOST_TALKS:
            del self._talks[next(iter(self._talks))]
        return pieces

    def _repeated(self, section: int, raw: Raw, anthropic: bool, weigher: Weigher) -> Piece:
        """A piece that is mostly that of the request before: comparing is quicker than looking it up."""
        last = self._last.get(section)
        if last is not None and last[0] == raw and last[1] == (weigher.name, anthropic):
            return last[2]
        piece = self._piece(section, bytes(raw), anthropic, weigher)
        self._last[section] = raw, (weigher.name, anthropic), piece
        return piece

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
        of_system = weigher.of_openai and section == SectionCode.SYSTEM and raw.startswith(b"{")
        spelled_in = SectionCode.MESSAGES if of_system else section
        role, listed, choice = listed_in(spelled_in, raw)
        is_result = weigher.of_openai and role == b"tool"  # one, whatever its parts
        if is_result:
            listed = [raw]
        blocks: list[tuple[bytes, int]] = []
        points: list[tuple[int, int]] = []
        for item in listed:
            take(blocks, points, item, section, anthropic)
        kinds = [kind for _, kind in blocks]
        texts = section != SectionCode.TOOLS and kinds.count(TEXT) == len(kinds) and not is_result
        numbers = weigher.weigh(spelled_in, raw, [raw_block for raw_block, _ in blocks], texts=texts)
        if weigher.of_openai:
            kinds = kinds_by_role(kinds, section, role)
        start, begins = self._start_of(section, role), int(spelled_in == SectionCode.MESSAGES)
        rows = bytearray()
        for (raw_block, _), kind, number in zip(blocks, kinds, numbers, strict=True):
            state = start.copy()
            state.update(named_by(raw_block, kind))
            weight = 2 if kind == TEXT_DOCUMENT else 1
            rows += row_of(int.from_bytes(state.digest(), "little"), number, section, kind, weight, begins)
            begins = 0  # a message begins with its first block; tools and system are none
        return Piece(bytes(rows), len(blocks), tuple(points), IMAGE in kinds, choice)

    def _start_of(self, section: int, role: bytes) -> "blake2b":
        """The digest of a block before its bytes; roles are few."""
        start = self._starts.get((section, role))
        if start is None:
            start = self._digest.copy()
            start.update(b"%c%s\0" % (section, role))
            if len(self._starts) < 100:
                self._starts[section, role] = start
        return start

    def _seeds_for(self, body: Body, choice: bytes, images: bool, weigher: Weigher) -> tuple[int, int, int, int]:
        members = (choice, body.prompt_cache_key, *_parameters(body))
        plain = not images and members == _NOTHING_GIVEN
        if plain and weigher.spelling in self._plain:
            return self._plain[weigher.spelling]
        key = (b"1" if images else b"", weigher.spelling.encode(), *map(bytes, members))
        cached = self._seeds.get(key)
        if cached is None:
            if len(self._seeds) > 10_000:
                self._seeds.clear()
            named = () if key[3] in _NO_KEY else (key[3].decode(),)
            members_by_name = {
                "toolConfig": b'{"toolChoice":%b}' % key[2] if key[2] else b"",
                **dict(zip(_NAMES, key[4:], strict=True)),
            }
            # Entries of one key are not another's.
            seeds = seeds_of(named, replace(weigher.parameters(members_by_name), images=images), "all")
            words = [int.from_bytes(seed[:8], "little") for seed in seeds]
            whole = int.from_bytes(blake2b(b"".join(seeds), digest_size=8).digest(), "little")
            cached = self._seeds[key] = (words[0], words[1], words[2], whole)
        if plain:
            self._plain[weigher.spelling] = cached
        return cached


def _alike(messages: Sequence[Raw], sent: Sequence[Raw]) -> int:
    """How many messages two requests begin with alike."""
    pairs = enumerate(zip(messages, sent, strict=False))
    return next((place for place, (now, before) in pairs if now != before), min(len(messages), len(sent)))


_NO_BODY = Body()
_NAMES = (
    "additionalModelRequestFields", "outputConfig", "thinking", "output_config", "output_format", "tool_choice",
    "reasoning", "reasoning_effort", "text", "response_format",
)  # fmt: skip
"""Members of bodies that may be parameters of the cache key, whatever the surface."""
_parameters = attrgetter(*_NAMES)
_tiers = attrgetter(*TIER_MEMBERS)
_NOTHING_GIVEN = (b"", *[NOTHING] * (1 + len(_NAMES)))
_NO_KEY = (b"", b"null", b'""')
_system = decoder_of(str | list[Raw] | None)


def _input(raw: bytes) -> list[bytes]:
    """The items of the input of Responses; a text is one message of the user's."""
    value = _system(raw)
    if isinstance(value, str):
        return [b'{"role":"user","content":' + raw + b"}"]
    return [bytes(item) for item in value or ()]


def _opening(body: Body) -> OpeningCode:
    """What a body says of whether more will follow it."""
    if bytes(body.prompt_cache_key) not in _NO_KEY:
        return OpeningCode.KEYED
    return OpeningCode.TEXT if bytes(body.input)[:1] == b'"' else OpeningCode.LIST


def _numbers(record: Columnar, reply: Callable[[], bytes], points: list[tuple[int, int]]) -> dict[str, Any]:
    usage, output = usage_of(record, reply, {_ASKED[code] for _, code in points} if points else ())
    numbers: dict[str, Any] = {"tokens_out": output}
    if usage is not None:
        numbers.update(observed(usage))
    return numbers


def session_of(record: Columnar) -> str | None:
    """The session a request belongs to, where its metadata say."""
    metadata = record.requestMetadata
    return next((metadata[name] for name in _SESSION_NAMES if name in metadata), None) if metadata else None


_SESSION_NAMES = ("session", "sessionId", "session_id", "conversation", "conversationId", "conversation_id", "thread")
