"""What planning and applying adds to a call, beside LiteLLM's injection and what plain boto3 does anyway.

Medians of the processor time of one thread, in one run on one machine: read the ratios before the milliseconds.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.placement.environments import HERE, clean_environment
from benchmarks.placement.online import EPOCH
from benchmarks.placement.workloads import SONNET, Body, tools_of, words

from rockbottom.plan import Planner

SIZES = {"50 messages, 80 KB": (50, 80_000), "50 messages, 800 KB": (50, 800_000)}
LIMIT_MS = {"50 messages, 80 KB": 1.0, "50 messages, 800 KB": 5.0}
_ROUNDS, _STARTS = 40, 7
_BYTES_PER_TOKEN = 5.2  # of the made-up words


def conversation(messages: int, size: int, seed: int = 1) -> Body:
    """An agent's conversation of so many messages and about so many bytes of JSON, ending with a tool result."""
    rng = random.Random(seed)
    each = max(20.0, (size - 6_000) / _BYTES_PER_TOKEN / messages - 25)
    talk: list[Body] = [{"role": "user", "content": [{"text": words(rng, each)}]}]
    while len(talk) < messages - 1:
        number = len(talk)
        use = {"toolUseId": f"tooluse_{number:05d}", "name": "tool_1", "input": {"query": words(rng, 8)}}
        talk.append({"role": "assistant", "content": [{"text": words(rng, each)}, {"toolUse": use}]})
        result = {"toolUseId": use["toolUseId"], "content": [{"text": words(rng, each)}]}
        talk.append({"role": "user", "content": [{"toolResult": result}]})
    return {
        "modelId": SONNET,
        "system": [{"text": words(rng, 800)}],
        "toolConfig": {"tools": tools_of(rng, 900)},
        "messages": talk,
    }


def _median_ms(samples: list[float]) -> float:
    return round(1000 * statistics.median(samples), 3)


def _fresh(told: str) -> Body:
    return json.loads(told)


def _cpu(call: Callable[[], object]) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started


def first_sight(body: Body) -> Iterator[float]:
    """Planning and applying a conversation of which no text was ever sent, in a planner that knows others."""
    planner, number = Planner(), 0
    planner.plan(conversation(6, 8_000, 99), now=EPOCH)
    while True:
        number += 1
        told = json.dumps(body).replace("tooluse_", f"tool{number:03d}_")
        fresh = _fresh(told.replace('"text": "', f'"text": "{number:03d} '))  # every text is one that nobody has sent
        fresh["system"].insert(0, {"text": f"Session {number}."})
        yield _cpu(partial(_plan, planner, fresh, EPOCH + number))


def next_turn(body: Body, *, same_objects: bool = False) -> Iterator[float]:
    """Planning and applying the next turn of a conversation that the planner has seen growing.

    ``same_objects``: the caller keeps the message objects of earlier turns, as programs with a list do; else every
    request is new in memory, as behind a proxy.
    """
    planner, number, count = Planner(), 0, len(body["messages"])
    while True:
        number += 1
        mine = _fresh(json.dumps(body).replace("tooluse_", f"t{number:03d}_"))
        for turn in range(count - 6, count + 1, 2):
            request = {**mine, "messages": mine["messages"][:turn]}
            request = request if same_objects else _fresh(json.dumps(request))
            seconds = _cpu(partial(_plan, planner, request, EPOCH + 100 * number + turn))
        yield seconds


def _plan(planner: Planner, request: Body, now: float) -> Body:
    return planner.plan(request, now=now).apply(request)


def plain_boto3(body: Body) -> Iterator[float]:
    """A whole ``converse`` call of plain boto3 short of the network: checked, serialised, signed, parsed."""
    import boto3
    from botocore.awsrequest import AWSResponse

    client = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    reply = {
        "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }

    class Raw:
        def stream(self, **_: Any) -> list[bytes]:
            return [json.dumps(reply).encode()]

    def answered(request: Any, **_: Any) -> Any:
        return AWSResponse(request.url, 200, {"content-type": "application/json"}, Raw())

    client.meta.events.register("before-send.bedrock-runtime.Converse", answered)
    told = json.dumps(body)
    while True:
        yield _cpu(partial(client.converse, **_fresh(told)))


WAYS: dict[str, Callable[[Body], Iterator[float]]] = {
    "rockbottom, first sight": first_sight,
    "rockbottom, next turn": next_turn,
    "rockbottom, next turn, same objects": partial(next_turn, same_objects=True),
    "plain boto3": plain_boto3,
}


def medians(body: Body, rounds: int = _ROUNDS) -> dict[str, float]:
    """Milliseconds of every way, in turns, so that whatever else the machine does falls on all of them."""
    running = {name: way(body) for name, way in WAYS.items()}
    samples: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, way in running.items():
            samples[name].append(next(way))
    return {name: _median_ms(seconds[2:]) for name, seconds in samples.items()}


def litellm_ms(python: Path, bodies: dict[str, Body], rounds: int = _ROUNDS) -> dict[str, float]:
    """LiteLLM's injection of two points, in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder) / "job.json", Path(folder) / "out.json"
        job.write_text(json.dumps({"bodies": bodies, "rounds": rounds}))
        command = [str(python), str(HERE / "drivers" / "litellm_speed.py"), str(job), str(out)]
        subprocess.run(command, check=True, capture_output=True, timeout=600, env=clean_environment())
        return {name: _median_ms(samples) for name, samples in json.loads(out.read_text()).items()}


_START = """
import json, time
begun = time.thread_time()
import boto3
there = time.thread_time()
import rockbottom
named = time.thread_time()
rockbottom.attach
able = time.thread_time()
rockbottom.Planner()
print(json.dumps([there - begun, named - there, able - named, time.thread_time() - able]))
"""


def starts_ms() -> dict[str, float]:
    """What each step of a start takes of the processor, in programs of their own."""
    names = ("import boto3", "import rockbottom", "rockbottom.attach", "rockbottom.Planner()")
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", _START], check=True, capture_output=True).stdout)
        for _ in range(_STARTS)
    ]
    return {name: _median_ms([run[place] for run in runs]) for place, name in enumerate(names)}


def measured(litellm_python: Path | None) -> dict[str, dict[str, float]]:
    """Every figure, by conversation; importing under ``import``."""
    bodies = {name: conversation(*size) for name, size in SIZES.items()}
    figures = {name: medians(body) for name, body in bodies.items()}
    for name, body in bodies.items():
        figures[name]["bytes"] = len(json.dumps(body))
    if litellm_python is not None:
        for name, median in litellm_ms(litellm_python, bodies).items():
            figures[name]["litellm injection"] = median
    figures["import"] = starts_ms()
    return figures
