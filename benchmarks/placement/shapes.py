"""Sizes and shapes of traffic for which a rule placed by hand is known: long prompts, herds, fleets, changing fronts.

Each kind says which placement by hand it is compared with, and how many times that bill it may cost at most. Usage
comes back ``latency`` seconds after a request left, so that requests beside each other are planned without it; whoever
would have been held back by an attached client starts when the first reply begins.
"""

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from benchmarks.placement.blocks import BlockRequest, Interner, request_of
from benchmarks.placement.stress import segment

from rockbottom.prompt import Section, Segment

BLOCK = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """Requests, the rule of ``fixed.RULES`` that they are held against, and the factor allowed over its bill."""

    requests: Sequence[BlockRequest]
    by_hand: str
    factor: float
    latency: float = 0.0


Talk = Iterator[tuple[float, list[Segment], int]]
"""Instant, segments, and where tools and system end."""


def shape_of(kind: str, seed: int) -> Shape:
    """The requests of a kind; the same seed gives the same ones."""
    make, by_hand, factor, latency = KINDS[kind]
    interner = Interner()
    requests = [
        request_of(interner, at, parts, fixed, max(fixed, len(parts) - 1))
        for at, parts, fixed in make(random.Random(f"{kind}:{seed}"))
    ]
    return Shape(sorted(requests, key=lambda request: request.at), by_hand, factor, latency)


def _text(name: str, tokens: float, message: int = 0, index: int = 0) -> Segment:
    return segment(name, max(1, round(tokens / BLOCK)), Section.MESSAGES, message, index)


def _system(name: str, tokens: float) -> Segment:
    return segment(name, max(1, round(tokens / BLOCK)), Section.SYSTEM)


def _turns(
    rng: random.Random, name: str, front: Sequence[Segment], fixed: int, gaps: Iterator[float], tokens: tuple[int, int]
) -> Talk:
    """A conversation: every turn adds a message of the user's and, from the second on, the answer before it."""
    parts, now, number = list(front), 0.0, len(front)
    for gap in gaps:
        now += gap
        parts = [*parts, _text(f"{name} {number}", rng.uniform(*tokens), number)]
        number += 1
        yield now, parts, fixed


def conversation(thousands: int, turns: int = 40) -> Callable[[random.Random], Talk]:
    """On a first prompt of so many thousand tokens, as system prompt or, every other seed, in the first message."""

    def make(rng: random.Random) -> Talk:
        size = 1000 * thousands * rng.uniform(0.9, 1.1)
        gaps = (rng.uniform(25, 35) for _ in range(turns))
        if rng.random() < 0.5:
            return _turns(rng, "talk", [_system("system", size)], 1, gaps, (300, 1500))
        front = [_system("system", 600), _text("document", size)]
        return _turns(rng, "talk", front, 1, gaps, (300, 1500))

    return make


def asked_again(thousands: int, questions: int = 10) -> Callable[[random.Random], Talk]:
    """One long prompt, short questions 15 s apart."""

    def make(rng: random.Random) -> Talk:
        system = _system("system", 1000 * thousands * rng.uniform(0.95, 1.05))
        for number in range(questions):
            yield 15.0 * number, [system, _text(f"question {number}", 64)], 1

    return make


def herd(workers: int, thousands: float, rounds: int = 3) -> Callable[[random.Random], Talk]:
    """Workers that start at once on one prompt; all but the first are held until its reply begins, after a second."""

    def make(rng: random.Random) -> Talk:
        system = _system("system", 1000 * thousands * rng.uniform(0.95, 1.05))
        for worker in range(workers):
            now = 0.0 if not worker else 1.0 + rng.uniform(0.0, 0.04)
            for number in range(rounds):
                yield now, [system, _text(f"worker {worker} {number}", 128)], 1
                now += 1.2 + rng.uniform(0.0, 0.3)

    return make


def users(number: int, thousands: int, questions: int = 6, own: bool = True) -> Callable[[random.Random], Talk]:
    """Users who each ask about a long document, their own or one for all; they start within a minute."""

    def make(rng: random.Random) -> Talk:
        for user in range(number):
            now, name = rng.uniform(0, 60), f"document {user if own else 0}"
            document = _system(name, 1000 * thousands)
            for question in range(questions):
                yield now, [document, _text(f"{user} {question}", 100)], 1
                now += rng.uniform(30, 60)

    return make


def fleet(share: float, sessions: int = 60, turns: int = 30) -> Callable[[random.Random], Talk]:
    """Sessions on one shared prompt, a share of whose gaps is about ten minutes."""

    def make(rng: random.Random) -> Talk:
        system, start = _system("shared", 3840), 0.0
        for session in range(sessions):
            start += rng.expovariate(1 / 240)
            gaps = (rng.uniform(540, 660) if rng.random() < share else rng.uniform(5, 40) for _ in range(turns))
            for at, parts, fixed in _turns(rng, f"s{session}", [system], 1, gaps, (4 * BLOCK, 10 * BLOCK)):
                yield start + at, parts, fixed

    return make


def one_off_documents(number: int) -> Callable[[random.Random], Talk]:
    """Documents that are never seen again: in the message, beside the question or in one block, or as system prompt."""

    def make(rng: random.Random) -> Talk:
        now, system, size = 0.0, _system("system", 64), rng.choice((2500, 5000, 20_000, 60_000))
        place = rng.choice(("beside", "one block", "system", "no system"))
        for document in range(number):
            tokens, question = size * rng.uniform(0.7, 1.3), _text(f"q {document}", 64, 0, 1)
            text = _text(f"document {document}", tokens)
            parts, fixed = {
                "beside": ([system, text, question], 1),
                "one block": ([system, text], 1),
                "system": ([_system(f"document {document}", tokens), question], 1),
                "no system": ([text, question], 0),
            }[place]
            yield now, parts, fixed
            now += rng.expovariate(1 / 25)

    return make


def one_off_questions(number: int) -> Callable[[random.Random], Talk]:
    """A long system prompt, with tools or without, shared by questions that are never seen again."""

    def make(rng: random.Random) -> Talk:
        now, front = 0.0, [_system("system", rng.choice((2000, 3000, 8000)))]
        if rng.random() < 0.5:
            front.insert(0, segment("tools", 20, Section.TOOLS))
        size = rng.choice((130, 400, 1300, 2500))
        for question in range(number):
            yield now, [*front, _text(f"question {question}", size * rng.uniform(0.7, 1.3))], len(front)
            now += rng.expovariate(1 / 25)

    return make


def slow_agent(rng: random.Random) -> Talk:
    """An agent whose tools take 7 to 15 minutes."""
    gaps = (rng.uniform(420, 900) for _ in range(40))
    return _turns(rng, "agent", [_system("system", rng.choice((3000, 8000, 40_000)))], 1, gaps, (400, 1500))


def hourly_sessions(rng: random.Random) -> Talk:
    """Eight sessions of one application, each a dozen quick turns, an hour apart."""
    system = _system("application", 6000)
    for session in range(8):
        gaps = (rng.uniform(10, 60) for _ in range(12))
        for at, parts, fixed in _turns(rng, f"h{session}", [system], 1, gaps, (200, 900)):
            yield 3700.0 * session + at, parts, fixed


def changing_front(turns: int) -> Callable[[random.Random], Talk]:
    """A conversation behind a first block that is another one in every request, or whose blocks change places."""

    def make(rng: random.Random) -> Talk:
        kind, policy = rng.choice(("word", "passage", "order")), _system("policy", rng.choice((2000, 4000)))
        gaps = (rng.uniform(15, 25) for _ in range(turns))
        first, second = _system("guide", 900), _system("examples", 700)
        for number, (at, parts, _) in enumerate(_turns(rng, "talk", [], 0, gaps, (300, 900))):
            if kind == "order":
                front = [first, second, policy] if number % 2 else [second, first, policy]
            else:
                front = [_system(f"front {number}", 64 if kind == "word" else 1500), policy]
            yield at, [*front, *parts], len(front)

    return make


def side_by_side(*talks: Talk) -> Talk:
    """Several on one clock."""
    tie = count()
    keyed = [((at, next(tie), (at, parts, fixed)) for at, parts, fixed in talk) for talk in talks]
    for _, _, item in heapq.merge(*keyed):
        yield item


Maker = Callable[[random.Random], Talk]
KINDS: dict[str, tuple[Maker, str, float, float]] = {
    **{f"TALK{size}k": (conversation(size), "all 5m", 1.03, 1.0) for size in (60, 130, 160, 200, 400, 800)},
    **{f"ASKED{size}k": (asked_again(size), "system 5m", 1.05, 1.0) for size in (60, 135, 212, 425, 850)},
    "HERD300x4k": (herd(300, 4.3), "system 5m", 1.15, 1.05),
    "HERD12x56k": (herd(12, 56), "system 5m", 1.15, 1.05),
    "HERD60x56k": (herd(60, 56), "system 5m", 1.15, 1.05),
    "USERS10x80k": (users(10, 80), "system 5m", 1.1, 2.0),
    "USERS10x200k": (users(10, 200), "system 5m", 1.1, 2.0),
    "USERS12x80k": (users(12, 80), "system 5m", 1.1, 2.0),
    "USERS10on1": (users(10, 80, own=False), "system 5m", 1.1, 2.0),
    **{f"FLEET.{share:02d}": (fleet(share / 100), "all 5m", 1.0, 1.0) for share in (5, 10, 20, 30)},
    **{
        f"ONEOFF{number}": (one_off_documents(number), "none", most, 1.0)
        for number, most in ((25, 1.04), (40, 1.03), (80, 1.015))
    },
    **{f"QUESTIONS{number}": (one_off_questions(number), "system 5m", 1.03, 1.0) for number in (25, 40, 80)},
    "SLOWAGENT": (slow_agent, "all 1h", 1.2, 1.0),
    "HOURLY": (hourly_sessions, "all 5m", 1.02, 1.0),
    "FRONT7": (changing_front(7), "none", 1.05, 1.0),
    "FRONT40": (changing_front(40), "none", 1.01, 1.0),
}
