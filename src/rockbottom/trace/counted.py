"""Requests of which only counters were kept: what repeats in them is inferred, session by session.

A transcript or a span says how many tokens were read and written, and not which. What is read must have been sent
before, and an agent's conversation is only added to; so a request begins with the one whose entry it reads, or, in a
session that is known to grow, with the longest earlier one that is no longer than itself. Prefixes that are known this
way are named by session and length. What a session's first request reads, others wrote: it is the front of a prompt,
named by its length alone. A block of such a trace is a run of tokens of the kind ``counted``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import Any

from rockbottom.figures import bare, thousands
from rockbottom.prompt import Prompt
from rockbottom.quantities import Undecodable, Usage
from rockbottom.trace.columns import KINDS, NO_TTL, SectionCode, Trace, observed
from rockbottom.trace.damages import Damages
from rockbottom.trace.gathering import Gathered
from rockbottom.trace.reading import ReadPart
from rockbottom.trace.records import MOST_TOKENS
from rockbottom.trace.stored_prompts import stored_blocks

NO_BLOCKS = "prompts are not in it: what repeats is inferred from its counters, session by session"
"""The note of a source that has counters and no prompts."""

_COUNTED = KINDS.index("counted")
_MOST_ENDS = 24  # of the prefixes of one request; the shorter ones of a long session are left out
_MOST_OPEN = 8  # conversations of one session that may still be continued
_OF_BEDROCK = re.compile(r"arn:|(?:[a-z-]+\.)?[a-z0-9]+\.[a-z]")


@dataclass(frozen=True, slots=True)
class Counted:
    """One request. ``usage`` None: the source does not say what was read and written, only what came and went.

    ``identity`` is the id under which its writer may repeat it; empty: none. ``elsewhere``: it went to another service
    than Bedrock. ``label`` is what the reader was told to tell requests apart by. ``prompt`` is there where the source
    keeps it: its blocks are then the trace's, and nothing is inferred.
    """

    at: float
    model: str
    tokens_in: int
    tokens_out: int | None
    usage: Usage | None
    session: str | None = None
    identity: str = ""
    region: str | None = None
    elsewhere: bool = False
    label: str | None = None
    prompt: Prompt | None = None


@dataclass(slots=True)
class _Conversation:
    """Requests that begin with each other; ``ends`` are the lengths of the prefixes that are known."""

    number: int
    model: str
    longest: int = 0
    requests: int = 0
    ends: set[int] = field(default_factory=set[int])


@dataclass(slots=True)
class _Session:
    grows: bool
    fronts: set[int] = field(default_factory=set[int])
    conversations: list[_Conversation] = field(default_factory=list[_Conversation])
    count: int = 0

    def placed(self, request: Counted) -> _Conversation:
        """The conversation that a request continues or begins, with its prefixes added."""
        usage = request.usage
        read = usage.cache_read if usage else 0
        chosen = self._continued(request, read)
        if chosen is None:
            chosen = _Conversation(self.count, request.model)
            self.count += 1
            self.conversations = [*self.conversations, chosen][-_MOST_OPEN:]
            if read:
                self.fronts.add(read)
        elif read and read not in self.fronts:
            self.grows = True  # its reads have shown that it is only added to
            chosen.ends.add(read)
        if usage and usage.cache_write:
            chosen.ends.add(read + usage.cache_write)
        if self.grows:
            chosen.ends.add(request.tokens_in)
        chosen.longest, chosen.requests = max(chosen.longest, request.tokens_in), chosen.requests + 1
        if chosen.requests == 2:  # what it took over from is over: a compacted history does not come back
            self.conversations = [
                conversation
                for conversation in self.conversations
                if conversation.number >= chosen.number or conversation.model != chosen.model
            ]
        return chosen

    def _continued(self, request: Counted, read: int) -> _Conversation | None:
        if read and read not in self.fronts:
            for conversation in reversed(self.conversations):
                if read in conversation.ends:
                    return conversation
        if not self.grows:
            return None
        shorter = [
            conversation for conversation in self.conversations if max(read, conversation.longest) <= request.tokens_in
        ]
        return max(shorter, key=lambda conversation: (conversation.longest, conversation.number), default=None)


@dataclass(slots=True)
class CountedRequests:
    """Gathers requests into a trace. ``grows``: every session is a conversation that is only added to."""

    key: bytes
    grows: bool = False
    _requests: list[Counted] = field(default_factory=list[Counted])
    _known: dict[str, int] = field(default_factory=dict[str, int])
    repeated: int = 0

    def add(self, request: Counted | None) -> None:
        """Adds a request, if any; of one that is repeated the most complete reply counts, at its first instant.

        Raises Undecodable where it is longer than any column holds, or of an instant that no clock shows.
        """
        if request is None:
            return
        usage = request.usage
        cached = usage.cache_read + usage.cache_write if usage else 0
        if max(request.tokens_in, request.tokens_out or 0, cached) > MOST_TOKENS:
            raise Undecodable(f"a request of {thousands(request.tokens_in)} tokens")
        if not 0 <= request.at < _LATEST_S:
            raise Undecodable(f"a request at {bare(request.at)} seconds since 1970")
        place = self._known.get(request.identity) if request.identity else None
        if place is None:
            self._known[request.identity] = len(self._requests)
            self._requests.append(request)
            return
        self.repeated += 1
        before = self._requests[place]
        if (request.tokens_out or 0) >= (before.tokens_out or 0):
            self._requests[place] = replace(request, at=min(before.at, request.at))

    def part(self, damages: Damages, size: int) -> ReadPart:
        """The part of a source that these requests are, with what its writer repeated and what went elsewhere."""
        damages.repeated += self.repeated
        damages.elsewhere += sum(request.elsewhere for request in self._requests)
        return ReadPart(self.trace(), damages, size)

    def trace(self) -> Trace:
        """The requests in order of time, with the blocks that their counters prove."""
        tells = any(request.usage is not None for request in self._requests)
        sessions: dict[str, _Session] = {}
        placed: list[tuple[Counted, _Session | None, _Conversation | None]] = []
        for request in sorted(self._requests, key=lambda request: request.at):
            counted = _uncached(request) if tells and request.usage is None else request
            if counted.session is None or counted.prompt is not None:
                placed.append((counted, None, None))
                continue
            session = sessions.setdefault(counted.session, _Session(self.grows))
            placed.append((counted, session, session.placed(counted)))
        gathered = Gathered()
        for request, session, conversation in placed:
            self._gather(gathered, request, session, conversation)
        return gathered.trace()

    def _gather(
        self, gathered: Gathered, request: Counted, session: _Session | None, conversation: _Conversation | None
    ) -> None:
        names = {
            "session": request.session,
            "model": _as_of_bedrock(request.model) if request.elsewhere else request.model,
            "region": request.region,
            "label": request.label,
        }
        if request.prompt is not None:
            blocks = stored_blocks(request.prompt, request.tokens_in, request.usage, self.key)
            points = [(after, _ttl_of(request.usage)) for after in blocks.points]
            gathered.add(
                _numbers(request), names, blocks.prefix, blocks.depth, blocks.section, blocks.kind, blocks.weight,
                points, blocks.begins,
            )  # fmt: skip
            return
        ends = list(self._ends(request, session, conversation))
        usage = request.usage
        points: list[tuple[int, int]] = []
        if usage is not None and usage.cache_read + usage.cache_write:
            cached = usage.cache_read + usage.cache_write
            points = [
                (number, _ttl_of(usage))  # where others' entries were read, a point stands
                for number, (depth, _, section) in enumerate(ends, 1)
                if depth == cached or (section == SectionCode.SYSTEM and depth < cached)
            ]
        gathered.add(
            _numbers(request),
            names,
            [prefix for _, prefix, _ in ends],
            [depth for depth, _, _ in ends],
            [section for _, _, section in ends],
            [_COUNTED] * len(ends),
            [1] * len(ends),
            points,
        )

    def _ends(
        self, request: Counted, session: _Session | None, conversation: _Conversation | None
    ) -> Iterator[tuple[int, int, int]]:
        """Depth, prefix and section of every prefix of a request that is known, and of the whole of it."""
        if session is None or conversation is None:
            return
        fronts = sorted(depth for depth in session.fronts if depth <= request.tokens_in)
        ends = sorted(depth for depth in conversation.ends if depth <= request.tokens_in)[-_MOST_ENDS:]
        for depth in fronts:
            yield depth, self._name("front", depth), SectionCode.SYSTEM
        last = fronts[-1] if fronts else 0
        for depth in ends:
            if depth > last:
                yield depth, self._name(request.session, conversation.number, depth), SectionCode.MESSAGES
        if request.tokens_in > max([last, *ends[-1:]]):
            whole = (request.session, conversation.number, request.identity or request.at, "all")
            yield request.tokens_in, self._name(*whole), SectionCode.MESSAGES

    def _name(self, *parts: object) -> int:
        text = "\0".join(map(str, parts)).encode("utf-8", "replace")
        return int.from_bytes(blake2b(text, key=self.key[:64], digest_size=8).digest(), "little")


def _ttl_of(usage: Usage | None) -> int:
    """The code of the lifetime at which most was written."""
    writes = usage.writes() if usage is not None else {}
    return max(writes, key=lambda ttl: writes[ttl]).code if writes else NO_TTL


def _uncached(request: Counted) -> Counted:
    """A request of a source that names what was read and written where anything was."""
    return replace(request, usage=Usage(request.tokens_in, request.tokens_out or 0))


def _numbers(request: Counted) -> Mapping[str, Any]:
    numbers: dict[str, Any] = {} if request.usage is None else {**observed(request.usage)}
    numbers.update({"at": request.at, "tokens_in": request.tokens_in})
    if request.tokens_out is not None:
        numbers["tokens_out"] = request.tokens_out
    if request.identity:
        digest = blake2b(request.identity.encode("utf-8", "replace"), digest_size=8).digest()
        numbers["identity"] = int.from_bytes(digest, "little")
    return numbers


@cache
def _as_of_bedrock(name: str) -> str:
    """The id by which Bedrock serves a model that was called elsewhere: of its global profile where it has one.

    A name that the catalogue does not know stays as it is.
    """
    from rockbottom.catalog import CatalogError, Scope, load_catalog

    try:
        model = load_catalog().model(name).model
    except CatalogError:
        return name
    scopes = [scope for scope in (Scope.GLOBAL, *model.profiles) if scope in model.profiles]
    return f"{scopes[0].value}.{model.id}" if scopes else model.id


def exclusive(total: int, output: int, read: int, write: int, write_1h: int = 0) -> Usage:
    """The usage of a source whose input counts what was read and written too, as far as it can."""
    return Usage(max(0, total - read - write), output, read, write - min(write, write_1h), 0, min(write, write_1h))


def is_of_bedrock(model: str) -> bool:
    """Whether a model id is one of Bedrock's: an ARN, or a name behind that of its maker."""
    return _OF_BEDROCK.match(model) is not None


def instant_of(value: object) -> float | None:
    """Seconds since the epoch of an instant as text or number; one without an offset is in UTC. None: it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) / 1000 if value > 10 * _LATEST_S else float(value)
    if not isinstance(value, str):
        return None
    try:
        stamp = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    return (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)).timestamp()


_LATEST_S = 1e10  # the year 2286; what is more than ten times as much is milliseconds


def count_of(value: object) -> int | None:
    """A number of tokens, also as a table or OTLP spells it: ``"6137"``, ``6137.0``. None: it is none."""
    if isinstance(value, str) and value.strip().removesuffix(".0").isdecimal():
        return int(value.strip().removesuffix(".0"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 and value == int(value) else None
