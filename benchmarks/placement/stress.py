"""Invented traffic: kinds that defeat one fixed rule each, and an adversary that defeats whoever writes.

Blocks of 64 tokens, run together where no request ends or parts: 3 shared blocks are one segment of 192 tokens.
"""

import random
from collections.abc import Callable, Iterator

from benchmarks.placement.blocks import BlockRequest, Interner, request_of

from rockbottom.prompt import BlockKind, Section, Segment, digest_of

BLOCK = 64
Stream = Iterator[BlockRequest]
Maker = Callable[[random.Random, Interner], Stream]


def segment(name: str, blocks: int, section: Section = Section.MESSAGES, message: int = 0, index: int = 0) -> Segment:
    """A text of so many blocks; the name stands for the content."""
    role = "user" if section is Section.MESSAGES else ""
    tokens = blocks * BLOCK
    kind = BlockKind.TOOL if section is Section.TOOLS else BlockKind.TEXT
    return Segment(section, kind, digest_of("text", role, name.encode()), tokens, 0, role, message, index)


def one_off_documents(rng: random.Random, interner: Interner, count: int = 3000) -> Stream:
    """S_E: a tiny shared system prompt, a document seen once."""
    system, now = segment("S_E system", 3, Section.SYSTEM), 0.0
    for number in range(count):
        yield request_of(interner, now, [system, segment(f"S_E {number}", 79)], 1, 1)
        now += rng.expovariate(1 / 20)


def one_off_questions(rng: random.Random, interner: Interner, count: int = 3000) -> Stream:
    """S_D: one long system prompt, a question seen once."""
    system, now = segment("S_D system", 47, Section.SYSTEM), 0.0
    for number in range(count):
        yield request_of(interner, now, [system, segment(f"S_D {number}", 25)], 1, 1)
        now += rng.expovariate(1 / 30)


def slow_agent(rng: random.Random, interner: Interner) -> Stream:
    """S_F: ten sessions of sixty turns, seven minutes apart."""
    for session in range(10):
        now = session * 8 * 3600.0
        parts = [segment(f"S_F system {session}", 60, Section.SYSTEM)]
        for turn in range(60):
            parts.append(segment(f"S_F {session} {turn}", rng.randint(8, 23), message=turn))
            yield request_of(interner, now, parts, 1, len(parts) - 1)
            now += 420 + rng.uniform(-15, 15)


def poisson(mean_s: float, count: int = 1500) -> Maker:
    """S_P: one prefix, two new blocks each time, at exponential gaps."""

    def make(rng: random.Random, interner: Interner) -> Stream:
        system, now = segment(f"S_P{mean_s} system", 78, Section.SYSTEM), 0.0
        for number in range(count):
            yield request_of(interner, now, [system, segment(f"S_P{mean_s} {number}", 2)], 1, 1)
            now += rng.expovariate(1 / mean_s)

    return make


KINDS: dict[str, Maker] = {
    "S_E": one_off_documents,
    "S_D": one_off_questions,
    "S_F": slow_agent,
    "S_P30s": poisson(30),
    "S_P2m": poisson(120),
    "S_P4m": poisson(240),
    "S_P8m": poisson(480),
    "S_P20m": poisson(1200),
    "S_P1h": poisson(3600),
    "S_P2h": poisson(7200),
}


class Adversary:
    """Comes back after 60 s exactly when nothing was written, else with something new."""

    def __init__(self, interner: Interner, count: int = 3000, blocks: int = 80) -> None:
        self._interner, self._left, self._blocks = interner, count, blocks
        self._number, self._now = 0, 0.0
        self._wrote = False

    def next(self) -> BlockRequest | None:
        """The next request, or None at the end."""
        if self._left == 0:
            return None
        self._left -= 1
        self._number += self._wrote
        parts = [segment(f"adversary {self._number}", self._blocks)]
        request = request_of(self._interner, self._now, parts, 0, 0)
        self._now += 60
        return request

    def answer(self, wrote: bool) -> None:
        """Whether the last request wrote anything."""
        self._wrote = wrote
