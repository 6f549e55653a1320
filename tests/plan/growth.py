"""What memory keeps, measured in a process of its own: ``python -m tests.plan.growth SCENE`` prints bytes as JSON.

Whoever runs many tests in one process has threads of other tests beside it, memos that those filled, and free lists
of the interpreter that hide what is allocated: a figure of one planner must not depend on them.
"""

import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from rockbottom.plan import Planner, planner, returns
from rockbottom.plan.volatile import Volatiles
from rockbottom.prompt import Api, BlockKind, Parameters, Prompt, Section, Segment, digest_of, prompt_of

NOW = 1_795_000_000.0
MODEL = "global.anthropic.claude-sonnet-4-6"
CAPACITY = 3_000


def bytes_kept(scene: str) -> list[int]:
    """The bytes that the scene held at each of its halts, from a new interpreter."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.plan.growth", scene]
    return json.loads(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout)


def _full_planner(blocks: Callable[[int], list[str]]) -> Iterator[None]:
    """3,000 prompts that are never observed; every bound is small enough to be reached by the first halt."""
    planner._IN_FLIGHT_SEGMENTS, planner._IN_FLIGHT_LIMIT, returns._PENDING_LIMIT = 2_000, 200, 1_000
    full = Planner(capacity=CAPACITY)
    for number in range(3_000):
        full.plan_prompt(_prompt(blocks(number)), MODEL, NOW + number / 100)
        if number % 1_500 == 1_499:
            yield
    assert full.history.size <= CAPACITY


def _prompt(names: list[str]) -> Prompt:
    segments = [
        Segment(Section.MESSAGES if n else Section.SYSTEM, BlockKind.TEXT, digest_of("t", "", name.encode()),
                900, 1, "user" if n else "", n, 0)
        for n, name in enumerate(names)
    ]  # fmt: skip
    return prompt_of(Api.CONVERSE, segments, (), Parameters())


def _volatile_texts() -> Iterator[None]:
    """Six hundred system prompts of some 100 kB, each with a time in it."""
    volatiles = Volatiles()
    for number in range(600):
        volatiles.sentence_in(f"It is 2026-11-21 10:{number % 60:02d}. " + f"{number} " * 15_000, count=True)
    yield


SCENES: dict[str, Callable[[], Iterator[None]]] = {
    "one-off": lambda: _full_planner(lambda number: [f"s{number}", f"q{number}"]),
    "long": lambda: _full_planner(lambda number: [f"s{number}", *(f"{number}-{n}" for n in range(40))]),
    "branching": lambda: _full_planner(lambda number: ["s", f"a{number % 50}", f"b{number}", f"c{number}"]),
    "volatile texts": _volatile_texts,
}


def _measure(scene: str) -> list[int]:
    tracemalloc.start()
    sizes: list[int] = []
    for _ in SCENES[scene]():
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    return sizes


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
