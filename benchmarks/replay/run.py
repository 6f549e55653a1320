"""Replay beside its peers, on the same machine in the same run.

    python benchmarks/replay/run.py            # needs ROCKBOTTOM_DATA and, for the peers, pip and a C++ compiler

The public part of Mooncake's conversation trace (60% of its families; the whole is not at hand) is repeated with
shifted ids and instants to 120,000 requests. Rates are of processor time of the measured process, children
included, the best of several runs; the wall clock stands beside them. Peers run from the command line in
environments of their own, on the same file and on one repetition of it; kvcache-simulator's compiled code is
timed part by part as well (peer_core.cc), so that core stands beside core. Our whole command is timed too.
"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "src"))
DATA = Path(os.environ.get("ROCKBOTTOM_DATA", REPO.parent / "shared" / "data"))
SOURCE = DATA / "traces" / "mooncake_conversation_public.jsonl.gz"
REQUESTS = 120_000
MODEL, ON = "global.anthropic.claude-sonnet-4-6", "2026-11-01"
PEERS = {
    "kvcache-simulator": ["run", "--trace", "{trace}", "--model", "{kv_model}", "--block-size", "512", "--policies",
                          "lru", "--budgets-gib", "512", "--no-progress", "--format", "json"],
    "llmtrafficlens": ["profile", "--format", "mooncake", "-o", "{folder}/lens", "{trace}"],
}  # fmt: skip
KV_MODEL = "cohere-command-r-plus"


def main() -> int:
    """Run everything and print one JSON document."""
    if not SOURCE.exists():
        print(f"recorded traffic is not here ({SOURCE}): set ROCKBOTTOM_DATA", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, many = folder / "once.jsonl", folder / "many.jsonl"
        single = write_repeated(once, 0)
        write_repeated(many, REQUESTS)
        found = {"load_average": os.getloadavg(), "ours": ours(many, once), "readers_alone": readers(many)}
        if "--no-peers" not in sys.argv:
            found["peers"] = {
                peer: {"once": run_peer(peer, once, single, folder), "many": run_peer(peer, many, REQUESTS, folder)}
                for peer in PEERS
            }
            found["peer_core"] = peer_core(many, folder)
            found["ratios"] = ratios(found)
        print(json.dumps(found, indent=2))
    return 0


def write_repeated(path: Path, requests: int) -> int:
    """The trace in Mooncake's own format, repeated to so many requests (0: once); how many there are."""
    records = list(recorded())
    shift = 1 + max(max(record["hash_ids"]) for record in records)
    written, turn = 0, 0
    with path.open("w") as file:
        while True:
            for record in records:
                moved = {**record, "timestamp": record["timestamp"] + turn * 3_600_000}
                moved["hash_ids"] = [number + turn * shift for number in record["hash_ids"]]
                file.write(json.dumps(moved) + "\n")
                written += 1
                if written == requests:
                    return written
            turn += 1
            if not requests:
                return written


def recorded() -> Iterator[dict]:
    """The records as Mooncake published them."""
    with gzip.open(SOURCE, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            ids = [number for start, count in row["block_runs"] for number in range(start, start + count)]
            yield {"timestamp": round(row["t_seconds"] * 1000), "input_length": row["input_tokens"],
                   "output_length": row["output_tokens"], "hash_ids": ids}  # fmt: skip


def ours(path: Path, once: Path) -> dict:
    """JSON lines to a priced table, whole and in parts; the replay core alone; memory."""
    from datetime import date

    import numba  # noqa: F401  (imports are not part of a rate; the process is measured whole as well)

    from rockbottom.cache import behaviour_of
    from rockbottom.catalog import Tier, load_catalog
    from rockbottom.replay import FIXED, Rates, Stage, bill_of
    from rockbottom.replay.policies import run
    from rockbottom.trace import read_trace

    catalog = load_catalog()
    model, on = catalog.model(MODEL), date.fromisoformat(ON)
    rules, behaviour = catalog.rules(model, on), behaviour_of(catalog.switches)
    rates = Rates(model, Tier.DEFAULT, on, catalog.price_book)

    def whole(source: Path = path) -> Stage:
        stage = Stage.of(read_trace(str(source)).trace, rules, behaviour, rates)
        bill_of(stage, "system_tail_5m", FIXED["system_tail_5m"])
        return stage

    whole(once)  # compiles, or loads what was compiled; small, so that its memory does not count for the large one
    before = _resident()
    stage = whole()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    end_to_end = best(whole)
    core = best(lambda: run(stage, FIXED["system_tail_5m"]))
    numbering = best(lambda: Stage.of(stage.trace, rules, behaviour, rates))
    reading = best(lambda: read_trace(str(path)))
    argv = [sys.executable, "-m", "rockbottom", "replay", str(path), "--model", MODEL, "--on", ON, "--policy",
            "system_tail_5m", "--csv"]  # fmt: skip
    command = timed(argv)
    return {
        "requests": len(stage.trace), "blocks": len(stage.trace.blocks.depth), "file_bytes": path.stat().st_size,
        "end_to_end_requests_per_s": rate(end_to_end), "read_requests_per_s": rate(reading),
        "number_prefixes_requests_per_s": rate(numbering), "core_requests_per_s": rate(core),
        "whole_command": command, "column_bytes": stage.trace.nbytes,
        "resident_before": before, "peak_resident": peak,
    }  # fmt: skip


def rate(seconds: tuple[float, float]) -> dict:
    """Requests a second by processor time and by the clock."""
    return {"cpu": round(REQUESTS / seconds[0]), "wall": round(REQUESTS / seconds[1])}


def best(work: Callable[[], object], times: int = 7) -> tuple[float, float]:
    """The least processor time and the least wall time of several runs."""
    cpu, wall = [], []
    for _ in range(times):
        start, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - began)
    return min(cpu), min(wall)


def readers(path: Path) -> dict:
    """Columnar readers of JSON lines, alone: no hashing, no replay, no prices."""
    found: dict[str, object] = {}
    try:
        import pyarrow.json

        found["pyarrow"] = rate(best(lambda: pyarrow.json.read_json(path), 3))
    except ModuleNotFoundError:
        found["pyarrow"] = "not installed"
    try:
        import polars

        found["polars"] = rate(best(lambda: polars.read_ndjson(path), 3))
    except ModuleNotFoundError:
        found["polars"] = "not installed"
    return found


def peer_core(trace: Path, folder: Path) -> dict:
    """Seconds of every part of kvcache-simulator's compiled code on the same requests, and their rates."""
    here = Path(__file__).parent
    argv = [str(folder / "kvcache-simulator/bin/python"), str(here / "peer_core.py"), str(trace),
            str(here / "peer_core.cc")]  # fmt: skip
    found = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    for part in ("load_and_trie", "lru", "fifo", "ceiling"):
        found[f"{part}_requests_per_s"] = round(REQUESTS / found[f"{part}_s"])
    found["whole_requests_per_s"] = round(REQUESTS / (found["load_and_trie_s"] + found["lru_s"]))
    return found


def ratios(found: dict) -> dict:
    """Ours over theirs: end to end against the faster peer on the same file, core against core."""
    ours, core = found["ours"], found["peer_core"]
    fastest = {
        kind: max(peer["many"]["requests_per_s"][kind] for peer in found["peers"].values()) for kind in ("cpu", "wall")
    }
    end, replay = ours["end_to_end_requests_per_s"], ours["core_requests_per_s"]["cpu"]
    both = 1 / (1 / ours["number_prefixes_requests_per_s"]["cpu"] + 1 / replay)
    return {
        "end_to_end": {kind: round(end[kind] / fastest[kind], 1) for kind in ("cpu", "wall")},
        "policy_alone_against_lru": round(replay / core["lru_requests_per_s"], 1),
        "numbering_and_policy_against_trie_and_lru": round(both / core["whole_requests_per_s"], 1),
        "memory_over_columns": round((ours["peak_resident"] - ours["resident_before"]) / ours["column_bytes"], 2),
    }


def run_peer(name: str, trace: Path, requests: int, folder: Path) -> dict:
    """One peer, from the command line; the second of two runs (the first may build)."""
    environment = folder / name
    if not environment.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(environment / "bin/python"), "-m", "pip", "install", "-q", name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    values = {"trace": str(trace), "folder": str(folder), "kv_model": KV_MODEL}
    argv = [str(environment / "bin" / name), *(part.format(**values) for part in PEERS[name])]
    timed(argv)
    measured = timed(argv)
    measured["requests"] = requests
    measured["requests_per_s"] = {kind: round(requests / measured[f"{kind}_s"]) for kind in ("cpu", "wall")}
    return measured


def timed(argv: list[str]) -> dict:
    """Processor time (children included) and wall time of a command, and how it ended."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(REPO / "src")})
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"exit": done.returncode, "cpu_s": round(cpu, 3), "wall_s": round(wall, 3), "said": done.stderr[-300:]}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
