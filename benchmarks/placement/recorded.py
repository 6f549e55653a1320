"""The recorded sets as streams of blocks, with a clock for those that have none.

The folder is found through ROCKBOTTOM_DATA (default ``../shared/data`` beside the repository) and is no part of the
project. Trace sets keep their real token counts; text sets count four characters as a token. Clocks of tau, livemcp
and cuad are invented: 5 to 15 s before a tool result, else lognormal with median 30 s (sigma 1.8, at most 6 h);
documents get their questions in bursts. The sessions of the coding-agent set start at random.
"""

import gzip
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.placement.blocks import BlockRequest, Interner, request_of

from rockbottom.prompt import BlockKind, Section, Segment, digest_of

_CHARS_PER_TOKEN = 4
_RUN = 16  # a segment of a trace is at most so many blocks: no request shows where later ones will part from it
Maker = Callable[[random.Random, Interner], Iterator[BlockRequest]]


def folder() -> Path:
    """Where the recorded traffic is looked for."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("ROCKBOTTOM_DATA") or beside)


def read(name: str) -> Iterator[dict[str, Any]]:
    """The records of one file; a conversation gets the prefix it names."""
    prefixes: dict[str, dict[str, Any]] = {}
    with gzip.open(folder() / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "prefix":
                prefixes[record["prefix_id"]] = record
            elif record["kind"] == "conversation":
                prefix = prefixes[record["prefix_id"]]
                yield {**record, "system": prefix["system"], "tools": prefix["tools"]}
            else:
                yield record


# ---- sets with block ids


def weka(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Coding-agent sessions; block ids are local to a session and its sub-agents."""
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in read("traces/claude_code_weka_public"):
        sessions[record["session_id"].split("#")[0]].append(record)
    span = 1800.0 * len(sessions)
    for name, records in sessions.items():
        start = rng.uniform(0, span)
        made: dict[tuple[int, int, bool, bool], Segment] = {}
        paths = [_ids(record)[: max(0, record["input_tokens"] - 2) // 64] for record in records]
        cuts = _cuts(paths)
        for record, path in zip(records, paths, strict=True):
            fixed = (record.get("tool_tokens") or 0) + (record.get("system_tokens") or 0)
            result = "tool_result" in (record.get("input_types") or ())
            segments, at_fixed, last = _runs(name, path, 64, cuts, fixed // 64, result, made)
            rest = record["input_tokens"] - 64 * len(path)
            yield request_of(interner, start + record["t_seconds"], segments, at_fixed, last, rest)


def moon(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Chat with global block ids of 512 tokens; nothing tells system from messages."""
    records = list(read("traces/mooncake_conversation_public"))
    paths = [_ids(record)[: record["input_tokens"] // 512] for record in records]
    for record, path in zip(records, paths, strict=True):
        names = [digest_of("moon", "user", b"%d" % block) for block in path]
        segments = [
            Segment(Section.MESSAGES, BlockKind.TEXT, name, 512, 0, "user", 0, place)
            for place, name in enumerate(names)
        ]
        rest = record["input_tokens"] - 512 * len(path)
        yield request_of(interner, record["t_seconds"], segments, 0, max(0, len(segments) - 1), rest)


def _ids(record: Mapping[str, Any]) -> list[int]:
    return [block for start, count in record["block_runs"] for block in range(start, start + count)]


def _cuts(paths: Sequence[Sequence[int]]) -> set[int]:
    """Blocks after which some prompt ends or two part (a block id names its whole prefix)."""
    after: dict[int, int] = {}
    cuts = {path[-1] for path in paths if path}
    for path in paths:
        for one, other in pairwise(path):
            if after.setdefault(one, other) != other:
                cuts.add(one)
    return cuts


def _runs(
    name: str,
    path: Sequence[int],
    size: int,
    cuts: set[int],
    fixed: int,
    result: bool,
    made: dict[tuple[int, int, bool, bool], Segment],
) -> tuple[list[Segment], int, int]:
    """The blocks run together; where tools and system end; where the last message starts."""
    segments: list[Segment] = []
    start = at_fixed = 0
    for place, block in enumerate(path, 1):
        end = place == len(path)
        if not (end or block in cuts or place == fixed or place % _RUN == 0):
            continue
        key = (block, start, end and result, end)
        known = made.get(key)
        if known is None:
            digest, tokens = digest_of(name, "", b"%d" % block), (place - start) * size
            if place <= fixed:
                known = Segment(Section.SYSTEM, BlockKind.TEXT, digest, tokens, 0, "", 0, len(segments))
            else:
                kind = BlockKind.TOOL_RESULT if result and end else BlockKind.TEXT
                known = Segment(Section.MESSAGES, kind, digest, tokens, 0, "user", 2 if end else 0, len(segments))
            made[key] = known
        segments.append(known)
        if place <= fixed:
            at_fixed = len(segments)
        start = place
    return segments, at_fixed, max(at_fixed, len(segments) - 1)


# ---- sets of text


def star(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Support dialogues between people, wall clock."""
    yield from _talks("conversations/star_public", rng, interner)


def miniswe(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """A coding agent, real instants."""
    yield from _talks("conversations/miniswe_public", rng, interner)


def tau(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Customer support with tools; invented clock, a conversation about every 90 s."""
    yield from _talks("conversations/tau_airline_public", rng, interner, 90.0)


def livemcp(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Tool agents with long results; invented clock, a task about every 10 minutes."""
    yield from _talks("conversations/livemcp_public", rng, interner, 600.0)


def cuad(rng: random.Random, interner: Interner) -> Iterator[BlockRequest]:
    """Questions about contracts in bursts: some eight questions about 30 s apart, then a pause of hours."""
    now = 0.0
    for record in read("docqa/cuad_public"):
        now += rng.expovariate(1 / 600)
        at, name = now, record["document_id"]
        system = _prefix([], record["system"])
        document = _segment("text", record["document"], "user", 0, 0, name)
        for question in record["questions"]:
            asked = _segment("text", question["question"], "user", 0, 1, name)
            yield request_of(interner, at, [*system, document, asked], len(system), len(system))
            at += _pause(rng) if rng.random() < 0.87 else rng.expovariate(1 / 28_800)


def _talks(name: str, rng: random.Random, interner: Interner, every_s: float | None = None) -> Iterator[BlockRequest]:
    """One request for each turn of the assistant; ``every_s`` invents a clock."""
    start = 0.0
    for talk in read(name):
        prefix = _prefix(talk["tools"], talk["system"])
        segments, ends = list(prefix), []
        for number, message in enumerate(talk["messages"]):
            ends.append(len(segments))
            for index, block in enumerate(message["content"]):
                kind, value = next(iter(block.items()))
                segments.append(_segment(kind, value, message["role"], number, index))
        if every_s is not None:
            start += rng.expovariate(1 / every_s)
        now = start
        for number, message in enumerate(talk["messages"]):
            if message["role"] != "assistant" or number == 0:
                continue
            if every_s is None:
                now = float(talk["message_times"][number - 1])
            elif number > 1:
                results = any("toolResult" in block for block in talk["messages"][number - 1]["content"])
                now += rng.uniform(5, 15) if results else _pause(rng)
            yield request_of(interner, now, segments[: ends[number]], len(prefix), ends[number - 1])


def _pause(rng: random.Random) -> float:
    return min(21_600.0, rng.lognormvariate(3.4012, 1.8))


def _prefix(tools: Sequence[Any], system: Sequence[Any]) -> list[Segment]:
    told = [_json(Section.TOOLS, BlockKind.TOOL, tool, "", 0, place) for place, tool in enumerate(tools)]
    return told + [
        _piece(Section.SYSTEM, BlockKind.TEXT, block["text"], "", 0, place) for place, block in enumerate(system)
    ]


_KINDS = {"text": BlockKind.TEXT, "toolUse": BlockKind.TOOL_USE, "toolResult": BlockKind.TOOL_RESULT}


def _segment(kind: str, value: Any, role: str, message: int, index: int, salt: str = "") -> Segment:
    if kind == "text":
        return _piece(Section.MESSAGES, BlockKind.TEXT, value, role, message, index, salt)
    return _json(Section.MESSAGES, _KINDS[kind], value, role, message, index)


def _json(section: Section, kind: BlockKind, value: Any, role: str, message: int, index: int) -> Segment:
    return _piece(section, kind, json.dumps(value, separators=(",", ":")), role, message, index)


def _piece(
    section: Section, kind: BlockKind, text: str, role: str, message: int, index: int, salt: str = ""
) -> Segment:
    digest = digest_of(kind.value, role, text.encode("utf-8", "surrogatepass"), salt.encode())
    return Segment(section, kind, digest, -(-len(text) // _CHARS_PER_TOKEN), 0, role, message, index)


SETS: dict[str, Maker] = {
    "weka": weka,
    "moon": moon,
    "star": star,
    "miniswe": miniswe,
    "tau": tau,
    "livemcp": livemcp,
    "cuad": cuad,
}


def ordered(make: Maker, seed: int, interner: Interner | None = None) -> list[BlockRequest]:
    """The requests of a set in the order of their instants."""
    made = make(random.Random(seed), interner or Interner())
    return sorted(made, key=lambda request: request.at)
