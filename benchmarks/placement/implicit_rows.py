"""Rows on a model whose service caches by itself (GPT-5.6 Sol on Responses), beside two fixed rules.

``implicit`` is the service's default: nothing is sent, it writes every prompt whole. ``first`` is what a gateway sets
(maximhq/bifrost 6699): mode explicit, one mark behind the first block of the input. Bills are by the rules of the cache
and a read at 0.1, a write at 1.25 of the input price, as shares of the bill without caching.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import load_catalog
from rockbottom.dialects import Request, RequestReader
from rockbottom.plan import Planner
from rockbottom.prompt import BlockKind, Placement

SOL = "openai.gpt-5.6-sol"
_READ, _WRITE = 0.1, 1.25
_START, _DAY_S = 1_790_000_000.0, 90_000.0
Call = tuple[float, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class GptLine:
    """One row: bills as shares of that without caching, and the share of its tokens that the planner wrote."""

    row: str
    implicit: float
    first: float
    planner: float
    written: float


def _words(rng: random.Random, count: int) -> str:
    return " ".join(f"{rng.choice(('river', 'stone', 'cloud', 'table'))}{rng.randrange(1000)}" for _ in range(count))


def _said(role: str, *texts: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"role": role, "content": [{"type": kind, "text": text} for text in texts]}


def _begin(rng: random.Random) -> float:
    return _START + rng.random() * _DAY_S


def _chat(rng: random.Random) -> Iterator[Call]:
    """A talk that only grows, a minute between turns."""
    items, now = [_said("system", _words(rng, 800))], _begin(rng)
    for _ in range(8):
        items = [*items, _said("user", _words(rng, 60))]
        yield now, {"model": SOL, "input": items}
        items, now = [*items, _said("assistant", _words(rng, 120))], now + rng.expovariate(1 / 60)


def _document(rng: random.Random) -> Iterator[Call]:
    """One document, another question each time."""
    text, now = _words(rng, 2000), _begin(rng)
    for _ in range(12):
        yield now, {"model": SOL, "input": [_said("user", text, _words(rng, 20))]}
        now += rng.expovariate(1 / 40)


def _fixed_system(rng: random.Random) -> Iterator[Call]:
    """One system text, another question each time."""
    text, now = _words(rng, 2000), _begin(rng)
    for _ in range(12):
        yield now, {"model": SOL, "input": [_said("system", text), _said("user", _words(rng, 20))]}
        now += rng.expovariate(1 / 40)


def _changing_system(rng: random.Random) -> Iterator[Call]:
    """A talk whose first system text is another each time: nothing can be read."""
    text, items, now = _words(rng, 900), list[dict[str, Any]](), _begin(rng)
    for turn in range(10):
        items = [*items, _said("user", _words(rng, 60))]
        yield now, {"model": SOL, "input": [_said("system", f"It is {turn}:{rng.random()}. {text}"), *items]}
        items, now = [*items, _said("assistant", _words(rng, 100))], now + rng.expovariate(1 / 20)


def _changing_tail(rng: random.Random) -> Iterator[Call]:
    """A talk with a last message that says the state of things and is gone in the next request."""
    system, items, now = _said("system", _words(rng, 900)), list[dict[str, Any]](), _begin(rng)
    for _ in range(10):
        items = [*items, _said("user", _words(rng, 60))]
        state = _said("user", f"state {rng.random()} {_words(rng, 40)}")
        yield now, {"model": SOL, "input": [system, *items, state]}
        items, now = [*items, _said("assistant", _words(rng, 100))], now + rng.expovariate(1 / 20)


def _one_off(rng: random.Random) -> Iterator[Call]:
    """A prompt that is never sent again."""
    yield _begin(rng), {"model": SOL, "input": _words(rng, 1200)}


def _agent(rng: random.Random) -> Iterator[Call]:
    """Tools and their results after one question: only the service's own point can stand at the end."""
    tools: list[dict[str, Any]] = [
        {"type": "function", "name": f"t{n}", "description": _words(rng, 40), "parameters": {}} for n in range(10)
    ]
    items, text, now = [_said("user", _words(rng, 100))], _words(rng, 900), _begin(rng)
    for turn in range(20):
        yield now, {"model": SOL, "instructions": text, "tools": tools, "input": items}
        call = {"type": "function_call", "call_id": f"c{turn}", "name": "t1", "arguments": "{}"}
        result = {"type": "function_call_output", "call_id": f"c{turn}", "output": _words(rng, 200)}
        items, now = [*items, call, result], now + rng.expovariate(1 / 8)


_KINDS: dict[str, tuple[Callable[[random.Random], Iterator[Call]], int]] = {
    "gpt-chat": (_chat, 40),
    "gpt-document": (_document, 15),
    "gpt-rules": (_fixed_system, 15),
    "gpt-system": (_changing_system, 15),
    "gpt-tail": (_changing_tail, 15),
    "gpt-one-off": (_one_off, 120),
    "gpt-agent": (_agent, 12),
}
ROWS = (*_KINDS, "gpt-mix")


def gpt_line(row: str, seeds: int) -> GptLine:
    """One row, the mean of so many seeds."""
    lines = [_line(row, seed) for seed in range(1, seeds + 1)]
    columns = zip(*((one.implicit, one.first, one.planner, one.written) for one in lines), strict=True)
    return GptLine(row, *(sum(column) / len(lines) for column in columns))


def gpt_table(lines: list[GptLine]) -> Iterator[str]:
    """The rows as text."""
    if lines:
        yield f"{'GPT-5.6 Sol, Responses':<24}{'implicit':>10}{'first':>10}{'planner':>10}{'written':>10}"
    for one in lines:
        yield f"{one.row:<24}{one.implicit:>10.4f}{one.first:>10.4f}{one.planner:>10.4f}{one.written:>10.4f}"


def _line(row: str, seed: int) -> GptLine:
    calls = _calls(row, seed)
    planner = Planner()
    planned, written = _bill(calls, lambda request, now: planner.plan(request, now=now).apply(request), planner)
    return GptLine(row, _bill(calls, _as_it_is)[0], _bill(calls, _first_block)[0], planned, written)


def _calls(row: str, seed: int) -> list[Call]:
    rng = random.Random(seed)
    kinds = _KINDS.values() if row == "gpt-mix" else (_KINDS[row],)
    return sorted((call for kind, count in kinds for _ in range(count) for call in kind(rng)), key=lambda call: call[0])


def _as_it_is(request: Request, now: float) -> Request:
    return request


def _first_block(request: Request, now: float) -> Request:
    segments = request.prompt.segments
    after = next(number for number, segment in enumerate(segments, 1) if segment.kind is BlockKind.TEXT)
    return request.with_points([Placement(after)], explicit_only=True)


def _bill(
    calls: list[Call], way: Callable[[Request, float], Request], planner: Planner | None = None
) -> tuple[float, float]:
    catalog = load_catalog()
    rules = catalog.rules(catalog.model(SOL), date(2026, 11, 20))
    requests, state, behaviour = RequestReader(catalog), PrefixCache(), behaviour_of(catalog.switches)
    bill = written = tokens = 0.0
    for now, body in calls:
        request = requests.read(body)
        sent = way(request, now)
        state, result = step(state, sent.prompt, now, rules, behaviour, Namespace("", "", SOL))
        if planner is not None:
            planner.observe(sent, result.usage(10), now=now + 1)
        bill += result.uncached + _READ * result.read + _WRITE * result.written
        written += result.written
        tokens += request.prompt.tokens
    return bill / tokens, written / tokens
