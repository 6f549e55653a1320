"""Run inside kvcache-simulator's environment: its compiled core, apart from its reading and its Python.

    peer_core.py TRACE.jsonl DRIVER.cc

The trace is parsed by the peer, written in its own binary form, and its own source compiled with its own
flags behind a small driver that times each part.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from kvcache_sim import cpp_backend
from kvcache_sim.trace import parse_trace_file


def main(trace_file: str, driver: str) -> None:
    trace = parse_trace_file(trace_file, block_size=512)
    source = cpp_backend._cpp_source_path()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "core"
        subprocess.run(
            ["c++", "-std=c++17", "-O3", f'-DPEER_SOURCE="{source}"', driver, "-o", str(program)], check=True
        )
        files = cpp_backend._write_binary_trace(trace, folder)
        # Full before its measured half begins; else the peer stops there.
        capacity, warm = max(1, trace.unique_raw_blocks // 4), trace.request_count // 2
        argv = [str(program), "--policy", "lru", "--ids", str(files.ids), "--tokens", str(files.tokens),
                "--request-ends", str(files.request_ends), "--request-count", str(trace.request_count),
                "--total-blocks", str(len(trace.ids)), "--warmup-requests", str(warm),
                "--capacity", str(capacity)]  # fmt: skip
        found = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
        found = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    print(json.dumps({**found, "requests": trace.request_count, "blocks": len(trace.ids)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
