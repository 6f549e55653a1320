"""The ten workloads A to J: complete Converse bodies without cachePoints, each with its instant.

Everything is drawn from the seed; a size changes prefix, growth and gaps together. The figures of the default
size follow from a little algebra on the rule that wins each row (README.md), the other sizes are there so that
nothing is fitted to one.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SONNET = "us.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-pro-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcd1234efgh"
PROFILES = {PROFILE: "anthropic.claude-sonnet-4-6"}
"""Application profiles of the workloads, and the foundation model behind each."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A Converse body (modelId included, no cachePoints) and the second at which it is sent."""

    at: float
    body: Body


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests in the order of their instants. ``base`` is the id that names the model behind ``modelId``."""

    row: str
    size: str
    seed: int
    base: str
    requests: tuple[Request, ...]

    @property
    def name(self) -> str:
        """Unique among workloads."""
        return f"{self.row}-{self.size}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Size:
    """What a size scales: the stable prefix in tokens, the growth against the default's, gaps, and turns."""

    prefix: int
    growth: float
    gap: float
    turns: float


SIZES = {
    "default": Size(3_000, 1.0, 1.0, 1.0),
    "small": Size(1_600, 0.6, 0.5, 1.34),
    "large": Size(14_000, 3.0, 2.5, 1.67),
}

_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ter",
    "van",
    "sol",
    "dri",
    "pen",
    "qua",
    "res",
    "tin",
    "gor",
    "bel",
    "fum",
    "nak",
    "zes",
    "ort",
    "wil",
    "ham",
    "jun",
)
_TOKENS_PER_WORD = 1.28  # of the words below, by the estimate for this tokenizer; sizes need not be exact


def words(rng: random.Random, tokens: float) -> str:
    """About so many tokens of made-up prose, never the same twice."""
    count = max(1, round(tokens / _TOKENS_PER_WORD))
    said = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3))) for _ in range(count)]
    for place in range(11, len(said), 12):
        said[place] += "."
    return " ".join(said)


def tools_of(rng: random.Random, tokens: float) -> list[Body]:
    """Six tools whose definitions weigh about so much together."""
    return [
        {
            "toolSpec": {
                "name": f"tool_{number}",
                "description": words(rng, max(20.0, tokens / 6 - 105)),
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
                        "required": ["query"],
                    }
                },
            }
        }
        for number in range(6)
    ]


class _Conversation:
    """A conversation that grows; ``body`` is the request of this moment."""

    def __init__(self, rng: random.Random, prefix: int, model: str = SONNET, tool_share: float = 0.3) -> None:
        self.rng, self.calls = rng, 0
        self.model = model
        self.tools = tools_of(rng, prefix * tool_share)
        self.system = [{"text": words(rng, prefix * (1 - tool_share))}]
        self.messages: list[Body] = []

    def body(self, system: list[Body] | None = None) -> Body:
        return {
            "modelId": self.model,
            "system": [dict(block) for block in system or self.system],
            "toolConfig": {"tools": self.tools},
            "messages": [{"role": m["role"], "content": list(m["content"])} for m in self.messages],
        }

    def ask(self, tokens: float) -> None:
        self.messages.append({"role": "user", "content": [{"text": words(self.rng, tokens)}]})

    def answer(self, tokens: float) -> None:
        self.messages.append({"role": "assistant", "content": [{"text": words(self.rng, tokens)}]})

    def call(self, count: int, tokens_each: float) -> None:
        """The model calls tools side by side, and their results come back; a pair weighs ``tokens_each``."""
        uses, results = [], []
        for _ in range(count):
            self.calls += 1
            use = {
                "toolUseId": f"tooluse_{self.calls:05d}",
                "name": f"tool_{self.rng.randrange(6)}",
                "input": {"query": words(self.rng, 6), "limit": self.rng.randint(1, 9)},
            }
            uses.append({"toolUse": use})
            text = words(self.rng, max(4, tokens_each - 45))
            results.append({"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": text}]}})
        said = {"text": words(self.rng, 12)}
        self.messages.append({"role": "assistant", "content": [said, *uses]})
        self.messages.append({"role": "user", "content": results})


def _jittered(rng: random.Random, seconds: float) -> float:
    return seconds * rng.uniform(0.85, 1.15)


def _turns(
    rng: random.Random, size: Size, calls: int, tokens_each: float, model: str = SONNET, base_turns: int = 3
) -> Iterator[tuple[float, _Conversation]]:
    """Turns of a user's question, a round of tool calls, an answer: two requests a turn."""
    talk, now = _Conversation(rng, size.prefix, model), 0.0
    for _ in range(round(base_turns * size.turns)):
        talk.ask(60 * size.growth)
        yield now, talk
        now += _jittered(rng, 20 * size.gap)
        talk.call(calls, tokens_each)
        yield now, talk
        now += _jittered(rng, 20 * size.gap)
        talk.answer(120 * size.growth)


def _agent(
    rng: random.Random, size: Size, steps: int, tokens: float, gap: float
) -> Iterator[tuple[float, _Conversation]]:
    """An agent that calls one tool a step."""
    talk, now = _Conversation(rng, size.prefix), 0.0
    talk.ask(80)
    for _ in range(round(steps * size.turns)):
        yield now, talk
        talk.call(1, tokens * size.growth)
        now += gap * rng.uniform(0.9, 1.1)


def _a(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 1, 480 * size.growth):
        yield Request(at, talk.body())


def _b(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 12, 90 * max(1, size.growth / 2)):
        yield Request(at, talk.body())


def _c(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _agent(rng, size, 30, 420, 15 * size.gap):
        yield Request(at, talk.body())


def _d(rng: random.Random, size: Size) -> Iterator[Request]:
    system, now = [{"text": words(rng, size.prefix)}], 0.0
    for _ in range(round(40 * size.turns)):
        question = [{"role": "user", "content": [{"text": words(rng, 0.419 * size.prefix)}]}]
        yield Request(now, {"modelId": SONNET, "system": system, "messages": question})
        now += _jittered(rng, 30 * size.gap)


def _e(rng: random.Random, size: Size) -> Iterator[Request]:
    system, now = [{"text": words(rng, 60)}], 0.0
    for _ in range(round(40 * size.turns)):
        document = {"text": words(rng, 5_000 * size.growth)}
        asked = {"text": words(rng, 30)}
        yield Request(
            now,
            {
                "modelId": SONNET,
                "system": system,
                "messages": [{"role": "user", "content": [document, asked]}],
            },
        )
        now += _jittered(rng, 30 * size.gap)


def _f(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _agent(rng, size, 11, 590, 420):
        yield Request(at, talk.body())


def _g(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 1, 480 * size.growth):
        clock = f"{9 + int(at) // 3600:02d}:{int(at) // 60 % 60:02d}:{int(at) % 60:02d}"
        told = {"text": f"The current time is 2026-11-20 {clock}."}
        yield Request(at, talk.body([told, *talk.system]))


def _h(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 1, 480 * size.growth, NOVA):
        yield Request(at, talk.body())


def _i(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 1, 480 * size.growth, PROFILE):
        yield Request(at, talk.body())


def _j(rng: random.Random, size: Size) -> Iterator[Request]:
    for at, talk in _turns(rng, size, 25, 67 * max(1, size.growth / 2)):
        yield Request(at, talk.body())


MAKERS: dict[str, Callable[[random.Random, Size], Iterator[Request]]] = {
    "A": _a,
    "B": _b,
    "C": _c,
    "D": _d,
    "E": _e,
    "F": _f,
    "G": _g,
    "H": _h,
    "I": _i,
    "J": _j,
}


def workload(row: str, size: str = "default", seed: int = 1) -> Workload:
    """The workload of a row, a size and a seed; the same arguments give the same bodies."""
    rng = random.Random(f"{row if row not in 'GHI' else 'A'}:{size}:{seed}")
    requests = tuple(MAKERS[row](rng, SIZES[size]))
    return Workload(row, size, seed, NOVA if row == "H" else SONNET, requests)
