"""Recorded traffic as prompts; the folder is found through ROCKBOTTOM_DATA and is not part of the project."""

import importlib.util
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from rockbottom.catalog import load_catalog
from rockbottom.dialects import BodyReader
from rockbottom.prompt import Api, BlockKind, Parameters, Prompt, Section, Segment, digest_of, prompt_of
from tests.plan.traffic import agent

CLAUDE = "global.anthropic.claude-sonnet-4-6"
FOLDER = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
Item = tuple[float, str, Prompt]


def _reader() -> Any:
    spec = importlib.util.spec_from_file_location("recorded_reader", FOLDER / "reader.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stream(name: str) -> list[Item]:
    """One recorded set, or ``mix``, in order of time."""
    if name == "mix":
        return mix()
    return sorted(_SETS[name](random.Random(7)), key=lambda item: item[0])


def _blocks(name: str, tokens_per: int, session_of: Any) -> dict[Any, list[dict]]:
    by: dict[Any, list[dict]] = defaultdict(list)
    for record in _reader().read(f"traces/{name}.jsonl.gz"):
        by[session_of(record)].append(record)
    return by


def weka(rng: random.Random) -> Iterator[Item]:
    """Coding-agent sessions; runs of blocks that no request ends inside are one segment."""
    sessions = _blocks("claude_code_weka_public", 64, lambda r: r["session_id"].split("#")[0])
    span = 1800.0 * len(sessions)
    for name, records in sessions.items():
        start = rng.uniform(0, span)
        yield from _compressed(name, records, 64, start, "agent")


def moon(rng: random.Random) -> Iterator[Item]:
    """Chat with global block ids of 512 tokens."""
    for record in _reader().read("traces/mooncake_conversation_public.jsonl.gz"):
        ids = record["block_ids"]
        full = record["input_tokens"] // 512
        segments = [
            Segment(Section.MESSAGES, BlockKind.TEXT, b"m%d" % i, 512, 0, "user", 0, n)
            for n, i in enumerate(ids[:full])
        ]
        rest = record["input_tokens"] - 512 * len(segments)
        if rest > 0:
            digest = b"r%d.%d" % (ids[-1], rest) if len(ids) > full else b"u%f" % record["t_seconds"]
            segments.append(Segment(Section.MESSAGES, BlockKind.TEXT, digest, rest, 0, "user", 0, len(segments)))
        yield record["t_seconds"], CLAUDE, prompt_of(Api.CONVERSE, segments, (), Parameters())


def _compressed(name: str, records: list[dict], size: int, start: float, kind: str) -> Iterator[Item]:
    """Prompts whose segments are runs of blocks between the places where any two prompts of the session part."""
    paths = []
    for record in records:
        full = (record["input_tokens"] - 2) // size
        paths.append(tuple(record["block_ids"][:full]))
    ends: dict[int, set[int]] = defaultdict(set)  # cut after this block id (an id names its whole prefix)
    children: dict[int, set[int]] = defaultdict(set)
    for path in paths:
        if path:
            ends[0].add(path[-1])
        for a, b in pairwise(path):
            children[a].add(b)
    cuts = set(ends[0]) | {a for a, nexts in children.items() if len(nexts) > 1}
    for number, (record, path) in enumerate(zip(records, paths, strict=True)):
        fixed = record.get("tool_tokens", 0) + record.get("system_tokens", 0)
        segments: list[Segment] = []
        run = depth = 0
        for index, block in enumerate(path):
            run += 1
            here = (index + 1) * size
            at_fixed = depth < fixed <= here < fixed + size
            if block not in cuts and index != len(path) - 1 and not at_fixed:
                continue
            depth = here
            spoken = depth >= fixed + size or any(s.section is Section.MESSAGES for s in segments)
            digest = digest_of("x", "", name.encode(), b"%d" % block, b"%d" % run)
            segments.append(_segment(digest, run * size, spoken, len(segments)))
            run = 0
        rest = max(1, record["input_tokens"] - sum(segment.tokens for segment in segments))
        results = "tool" in str(record.get("input_types"))
        tail_kind = BlockKind.TOOL_RESULT if results else BlockKind.TEXT
        digest = digest_of("rest", "", name.encode(), b"%d" % number)
        segments.append(Segment(Section.MESSAGES, tail_kind, digest, rest, 0, "user", 1, 0))
        yield start + record["t_seconds"], CLAUDE, prompt_of(Api.CONVERSE, segments, (), Parameters())


def _segment(digest: bytes, tokens: int, spoken: bool, number: int) -> Segment:
    if spoken:
        return Segment(Section.MESSAGES, BlockKind.TEXT, digest, tokens, 0, "user", 0, number)
    section, kind = (Section.SYSTEM, BlockKind.TEXT) if number else (Section.TOOLS, BlockKind.TOOL)
    return Segment(section, kind, digest, tokens, 0, "", 0, number)


def _talk(name: str, rng: random.Random, every: float | None, limit: int | None = None) -> Iterator[Item]:
    reader, module = BodyReader.of(load_catalog()), _reader()
    model = load_catalog().model(CLAUDE).model
    for number, talk in enumerate(module.read(f"conversations/{name}.jsonl.gz")):
        if limit and number >= limit:
            break
        now = number * (every or 0.0) * rng.uniform(0.8, 1.2)
        for request in module.requests_of(talk):
            last = request["messages"][-1]["content"]
            at = request["t_seconds"]
            if every is not None or at is None:
                tool = any("toolResult" in block for block in last)
                now += rng.uniform(5, 15) if tool else min(21600, rng.lognormvariate(3.4, 1.8))
                at = now
            body = {"system": request["system"], "messages": request["messages"]}
            if request["tools"]:
                body["toolConfig"] = {"tools": request["tools"]}
            yield at, CLAUDE, reader.read(body, Api.CONVERSE, model)


def cuad(rng: random.Random) -> Iterator[Item]:
    """Questions about contracts, in bursts."""
    reader, module = BodyReader.of(load_catalog()), _reader()
    model = load_catalog().model(CLAUDE).model
    start = 0.0
    for document in module.read("docqa/cuad_public.jsonl.gz"):
        start += rng.expovariate(1 / 400.0)
        now = start
        for request in module.questions_of(document):
            body = {"system": request["system"], "messages": request["messages"]}
            yield now, CLAUDE, reader.read(body, Api.CONVERSE, model)
            now += rng.uniform(10, 60) if rng.random() < 0.85 else min(21600, rng.lognormvariate(6.5, 1.3))


_SETS = {
    "weka": weka,
    "moon": moon,
    "star": lambda rng: _talk("star_public", rng, None, None),
    "star500": lambda rng: _talk("star_public", rng, None, 500),
    "tau": lambda rng: _talk("tau_airline_public", rng, 60.0),
    "livemcp": lambda rng: _talk("livemcp_public", rng, 120.0),
    "miniswe": lambda rng: _talk("miniswe_public", rng, None),
    "cuad": cuad,
}


def blocks(ids: list[tuple[bytes, int]]) -> Prompt:
    """A prompt of a fixed part (the first ids, named s...) and one user message."""
    segments = []
    for number, (name, tokens) in enumerate(ids):
        section = Section.SYSTEM if name.startswith(b"s") else Section.MESSAGES
        role = "" if section is Section.SYSTEM else "user"
        segments.append(Segment(section, BlockKind.TEXT, digest_of("b", role, name), tokens, 0, role, 0, number))
    return prompt_of(Api.CONVERSE, segments, (), Parameters())


def s_e(rng: random.Random, count: int = 3000) -> Iterator[Item]:
    """One-off documents: 192 shared tokens, 5,056 seen once."""
    now = 0.0
    for n in range(count):
        yield now, CLAUDE, blocks([(b"se", 192), (b"d%d" % n, 79 * 64)])
        now += rng.expovariate(1 / 20)


def s_e2(rng: random.Random, count: int = 3000) -> Iterator[Item]:
    """One-off documents in a block of their own, a question in the next."""
    for number, (at, model, prompt) in enumerate(s_e(rng, count)):
        document = 64 * rng.choice((20, 40, 79, 160, 320))
        yield at, model, blocks([(b"se", 192), (b"e%d" % number, document), (b"k%d" % number, 64)])
        del prompt


def s_d(rng: random.Random, count: int = 3000) -> Iterator[Item]:
    """One-off questions on a shared prompt."""
    now = 0.0
    for n in range(count):
        yield now, CLAUDE, blocks([(b"sd", 47 * 64), (b"q%d" % n, 25 * 64)])
        now += rng.expovariate(1 / 30)


def s_f(rng: random.Random) -> Iterator[Item]:
    """Agents with seven-minute gaps."""
    for session in range(10):
        now = session * 8 * 3600.0
        ids = [(b"sf%d" % session, 60 * 64)]
        for turn in range(60):
            ids.append((b"f%d.%d" % (session, turn), 64 * rng.randint(8, 23)))
            yield now, CLAUDE, blocks(list(ids))
            now += 420 + rng.uniform(-15, 15)


def s_fa(rng: random.Random) -> Iterator[Item]:
    """Agents whose tools take between six and twenty minutes."""
    reader, model = BodyReader.of(load_catalog()), load_catalog().model(CLAUDE).model
    for session in range(16):
        gap = rng.choice((400.0, 600.0, 900.0, 1200.0))
        fixed, parallel = rng.choice((1500, 3000, 8000)), rng.choice((1, 1, 4))
        talk = agent(rng, turns=14, prefix=fixed, gap=gap, parallel=parallel, start=session * 9 * 3600.0)
        for at, request in talk:
            yield at, CLAUDE, reader.read(request, Api.CONVERSE, model)


def s_p(rng: random.Random, gap: float, count: int = 1500, name: bytes = b"p") -> Iterator[Item]:
    """Poisson arrivals on one prefix."""
    now = 0.0
    for n in range(count):
        yield now, CLAUDE, blocks([(b"sp" + name, 78 * 64), (b"%b%d" % (name, n), 128)])
        now += rng.expovariate(1 / gap)


_SETS.update(
    {
        "S_E": s_e,
        "S_E2": s_e2,
        "S_D": s_d,
        "S_F": s_f,
        "S_FA": s_fa,
        "P30s": lambda r: s_p(r, 30),
        "P2m": lambda r: s_p(r, 120),
        "P4m": lambda r: s_p(r, 240),
        "P8m": lambda r: s_p(r, 480),
        "P20m": lambda r: s_p(r, 1200),
        "P1h": lambda r: s_p(r, 3600),
        "P2h": lambda r: s_p(r, 7200),
    }
)


def mix() -> list[Item]:
    """E, D, F, tau, cuad, star, livemcp, P20m and P2h side by side: the first 60 hours."""
    items: list[Item] = []
    for number, name in enumerate(("S_E", "S_D", "S_F", "tau", "cuad", "star", "livemcp", "P20m", "P2h")):
        part = sorted(_SETS[name](random.Random(number)), key=lambda item: item[0])
        first = part[0][0]
        items.extend((at - first, model, prompt) for at, model, prompt in part if at - first < 60 * 3600)
    return sorted(items, key=lambda item: item[0])
