"""Made-up workloads, as streams of (seconds, converse arguments); every size and seed is a parameter."""

import heapq
import random
from collections.abc import Iterable, Iterator
from typing import Any

Timed = tuple[float, dict[str, Any]]
CLAUDE = "global.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-pro-v1:0"
_WORDS = [
    "account",
    "order",
    "status",
    "refund",
    "policy",
    "the",
    "of",
    "and",
    "to",
    "in",
    "booking",
    "agent",
    "shipment",
    "returned",
    "window",
    "after",
    "number",
    "customer",
    "please",
    "check",
    "whether",
    "value",
    "table",
    "index",
    "error",
    "file",
    "module",
    "test",
    "request",
    "answer",
    "result",
    "page",
    "section",
]


def prose(rng: random.Random, tokens: int) -> str:
    """Prose of roughly so many tokens."""
    return " ".join(
        rng.choice(_WORDS) + str(rng.randrange(1000)) * (rng.random() < 0.1) for _ in range(int(tokens / 1.15))
    )


def tool(rng: random.Random, number: int, tokens: int) -> dict[str, Any]:
    """One tool definition."""
    schema = {"type": "object", "properties": {"query": {"type": "string", "description": prose(rng, 10)}}}
    return {"toolSpec": {"name": f"tool_{number}", "description": prose(rng, tokens), "inputSchema": {"json": schema}}}


def agent(
    rng: random.Random,
    *,
    turns: int,
    prefix: int = 3000,
    gap: float = 20.0,
    parallel: int = 1,
    result: int = 120,
    start: float = 0.0,
    model: str = CLAUDE,
    stamp: bool = False,
    shared: random.Random | None = None,
) -> Iterator[Timed]:
    """A tool-using conversation: every turn the model calls ``parallel`` tools and gets their results."""
    fixed = shared or rng
    tools = [tool(fixed, number, max(20, prefix // 3 // 8)) for number in range(8)]
    policy = prose(fixed, prefix * 2 // 3)
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": prose(rng, 60)}]}]
    now = start
    for _ in range(turns):
        lead = f"Current time: 2026-11-20T10:{int(now) // 60 % 60:02d}:{int(now) % 60:02d}Z. " if stamp else ""
        yield (
            now,
            {
                "modelId": model,
                "system": [{"text": lead + policy}],
                "toolConfig": {"tools": tools},
                "messages": list(messages),
            },
        )
        names = [f"call_{rng.randrange(10**9)}" for _ in range(parallel)]
        calls = [{"toolUse": {"toolUseId": n, "name": "tool_1", "input": {"query": prose(rng, 8)}}} for n in names]
        results = [
            {"toolResult": {"toolUseId": n, "status": "success", "content": [{"text": prose(rng, result)}]}}
            for n in names
        ]
        messages = [
            *messages,
            {"role": "assistant", "content": [{"text": prose(rng, 25)}, *calls]},
            {"role": "user", "content": results},
        ]
        now += gap * rng.uniform(0.9, 1.1)


def questions(
    rng: random.Random, *, count: int, prefix: int = 3000, question: int = 700, gap: float = 20.0, model: str = CLAUDE
) -> Iterator[Timed]:
    """One-off questions on one shared system prompt."""
    policy = prose(rng, prefix)
    now = 0.0
    for _ in range(count):
        yield (
            now,
            {
                "modelId": model,
                "system": [{"text": policy}],
                "messages": [{"role": "user", "content": [{"text": prose(rng, question)}]}],
            },
        )
        now += rng.expovariate(1 / gap)


def documents(
    rng: random.Random, *, count: int, size: int = 5000, gap: float = 20.0, split: bool = False, model: str = CLAUDE
) -> Iterator[Timed]:
    """One-off documents under a tiny system prompt."""
    now = 0.0
    for _ in range(count):
        text, question = prose(rng, size), prose(rng, 20)
        content = [{"text": text}, {"text": question}] if split else [{"text": question + "\n" + text}]
        yield (
            now,
            {
                "modelId": model,
                "system": [{"text": "Summarise the document in three sentences."}],
                "messages": [{"role": "user", "content": content}],
            },
        )
        now += rng.expovariate(1 / gap)


def side_by_side(*streams: Iterable[Timed]) -> Iterator[Timed]:
    """Several streams on one clock."""
    return heapq.merge(*streams, key=lambda timed: timed[0])


def named(name: str, seed: int = 0, scale: float = 1.0) -> list[Timed]:
    """The ten workloads by letter, at a size."""
    rng = random.Random(f"{name}{seed}")
    prefix = int(3000 * scale)

    def sessions(count: int, every: float, **options: Any) -> list[Timed]:
        one = random.Random(f"{name}{seed}shared")
        state = one.getstate()
        streams = []
        for number in range(count):
            fixed = random.Random()
            fixed.setstate(state)
            streams.append(list(agent(rng, prefix=prefix, start=number * every, shared=fixed, **options)))
        return list(side_by_side(*streams))

    if name == "A":
        return sessions(1, 60, turns=3)
    if name == "A4":
        return sessions(4, 60, turns=3)
    if name == "B":
        return sessions(1, 60, turns=3, parallel=12)
    if name == "C":
        return sessions(1, 0, turns=30)
    if name == "D":
        return list(questions(rng, count=40, prefix=prefix))
    if name == "E":
        return list(documents(rng, count=40, size=int(5000 * scale)))
    if name == "E2":
        return list(documents(rng, count=40, size=int(5000 * scale), split=True))
    if name == "F":
        return sessions(1, 0, turns=12, gap=420)
    if name == "G":
        return sessions(1, 60, turns=3, stamp=True)
    if name == "H":
        return sessions(1, 60, turns=3, model=NOVA)
    if name == "J":
        return sessions(1, 60, turns=3, parallel=25)
    raise KeyError(name)
