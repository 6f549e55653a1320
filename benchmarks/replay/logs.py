"""Invocation logs to columns: how many megabytes of uncompressed JSON a second on one core, hashing included.

    python benchmarks/replay/logs.py                      # 400 MB, plain and gzip
    python benchmarks/replay/logs.py --gigabytes 10 FOLDER  # writes a large folder of gzip files for an import

The traffic is made up: agents whose conversations grow turn by turn behind shared tools and instructions, each
request logged with its whole body, as Bedrock does, 100 to 200 requests a file.
"""

import argparse
import gzip
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
MODEL = "global.anthropic.claude-sonnet-4-6"
POINT = {"cachePoint": {"type": "default"}}
WORDS = """
account order invoice refund shipping delivery policy customer agent window limit region token request answer table
column index query engine reader writer branch commit review merge build failure retry timeout latency please check
whether because therefore however although between during without within under above after before
""".split()  # noqa: SIM905


def prose(chance: random.Random, size: int) -> str:
    """Made-up words, so many characters."""
    parts: list[str] = []
    length = 0
    while length < size:
        word = chance.choice(WORDS) if chance.random() < 0.9 else f"{chance.getrandbits(32):x}"
        parts.append(word)
        length += len(word) + 1
    return " ".join(parts)


def tools(chance: random.Random) -> list[dict]:
    """Twenty tools of about a kilobyte."""
    return [
        {"toolSpec": {"name": f"tool_{number}", "description": prose(chance, 500), "inputSchema": {"json": {
            "type": "object", "properties": {name: {"type": "string", "description": prose(chance, 90)}
                                             for name in ("path", "pattern", "line", "why")}}}}}
        for number in range(20)
    ]  # fmt: skip


def records(seed: int) -> Iterator[bytes]:
    """The log of one application without end: conversations of up to forty turns, one after another."""
    chance = random.Random(seed)
    given, system = {"tools": tools(chance)}, [{"text": prose(chance, 6_000)}, POINT]
    number, at = 0, 1_790_000_000 + seed * 100_000
    while True:
        messages: list[dict] = [{"role": "user", "content": [{"text": prose(chance, 800)}]}]
        before = 0
        for turn in range(chance.randint(3, 40)):
            number, at = number + 1, at + chance.randint(3, 40)
            yield record(f"{seed}-{number}", at, given, system, messages, before)
            before = sum(len(str(message)) for message in messages) // 4
            use = f"tooluse_{chance.getrandbits(64):x}"
            messages = [
                *messages,
                {"role": "assistant", "content": [{"text": prose(chance, 300)}, {"toolUse": {
                    "toolUseId": use, "name": f"tool_{turn % 20}", "input": {"path": prose(chance, 60)}}}]},
                {"role": "user", "content": [{"toolResult": {
                    "toolUseId": use, "content": [{"text": prose(chance, chance.randint(200, 5_000))}]}}]},
            ]  # fmt: skip


def questions(seed: int) -> Iterator[bytes]:
    """The log of single questions, each with a passage of its own that nobody sends again: nothing to remember."""
    chance = random.Random(seed)
    given, system = {"tools": []}, [{"text": prose(chance, 1_500)}, POINT]
    number, at = 0, 1_790_000_000
    while True:
        number, at = number + 1, at + 1
        content = [{"text": prose(chance, chance.randint(500, 8_000))}, {"text": prose(chance, 100)}]
        yield record(f"{seed}-{number}", at, given, system, [{"role": "user", "content": content}], 0)


def record(name: str, at: int, given: dict, system: list, messages: list, before: int) -> bytes:
    """One line."""
    marked = [*messages[:-1], {**messages[-1], "content": [*messages[-1]["content"], POINT]}]
    body = {"messages": marked, "system": system, "toolConfig": given}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    line = {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": stamp, "accountId": "111122223333",
        "region": "us-east-1", "requestId": name, "operation": "Converse", "modelId": MODEL,
        "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 20,
                  "cacheReadInputTokenCount": before + 6_000 if before else 0,
                  "cacheWriteInputTokenCount": 900 if before else 6_200},
        "output": {"outputContentType": "application/json", "outputTokenCount": 120, "outputBodyJson": {
            "output": {"message": {"role": "assistant", "content": [{"text": "Done." * 40}]}},
            "stopReason": "tool_use", "usage": {"inputTokens": 20, "outputTokens": 120}}},
    }  # fmt: skip
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def write(folder: Path, source: Iterator[bytes], size: int, packed: bool, a_file: int = 10 << 20) -> int:
    """Files of about ``a_file`` bytes (unpacked) until ``size`` is reached; the bytes written, unpacked."""
    folder.mkdir(parents=True, exist_ok=True)
    written = number = 0
    while written < size:
        lines, length = [], 0
        while length < a_file:
            line = next(source)
            lines.append(line)
            length += len(line)
        name = folder / f"{number:05d}.json{'.gz' if packed else ''}"
        name.write_bytes(gzip.compress(b"".join(lines), 4) if packed else b"".join(lines))
        written, number = written + length, number + 1
    return written


def measured(folder: Path) -> dict:
    """Megabytes a second of processor time and by the clock, the best of three."""
    from rockbottom.trace import read_trace

    read_trace(str(folder))  # compiles, or loads what was compiled
    runs = []
    for _ in range(3):
        cpu, wall = time.process_time(), time.perf_counter()
        reading = read_trace(str(folder))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        runs.append((reading.bytes_read / cpu / 1e6, reading.bytes_read / wall / 1e6))
    requests, blocks = len(reading.trace), len(reading.trace.blocks.depth)
    cpu, wall = (round(max(run[kind] for run in runs)) for kind in (0, 1))
    return {"requests": requests, "blocks": blocks, "bytes_of_json": reading.bytes_read,
            "mb_per_s": {"cpu": cpu, "wall": wall}}  # fmt: skip


def main() -> int:
    """Measure, or write a large folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float)
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args()
    if asked.gigabytes:
        print(write(asked.folder, records(1), int(asked.gigabytes * 1e9), packed=True))
        return 0
    sys.path.insert(0, str(REPO / "src"))
    with tempfile.TemporaryDirectory() as name:
        found = {}
        for kind, packed in (("plain", False), ("gzip", True)):
            for shape, source, size in (("agents", records(1), 400 << 20), ("questions", questions(1), 100 << 20)):
                folder = Path(name) / f"{shape}-{kind}"
                write(folder, source, size, packed)
                found[folder.name] = measured(folder)
    print(json.dumps({"load_average": os.getloadavg(), **found}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
