"""A million batch records built, split, rejoined and reconciled: records a second and the most memory used.

Two rates: by the clock on the wall, and by processor time, which does not depend on what else the machine does.
The peer is a plain loop over the same file with json.loads, in the same run. ``ROWS=100000`` makes it shorter.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = int(os.environ.get("ROWS", "1000000"))
_TEXT = "Summarise the ticket below in one sentence. The customer writes that the parcel did not arrive. " * 3
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def _input(path: Path) -> None:
    with path.open("w") as file:
        for number in range(ROWS):
            body = {
                "messages": [{"role": "user", "content": [{"text": f"{number}: {_TEXT}"}]}],
                "inferenceConfig": {"maxTokens": 100},
            }
            file.write(json.dumps({"recordId": f"TICKET-{number:09d}", "modelInput": body}) + "\n")


def _output(spooled: Path, path: Path) -> None:
    """What Bedrock would write for these records: the input echoed, in another order."""
    answer = (
        b'{"modelOutput":{"output":{"message":{"role":"assistant","content":[{"text":"The parcel is late."}]}},'
        b'"stopReason":"end_turn","usage":{"inputTokens":80,"outputTokens":6,"totalTokens":86}},'
    )
    with spooled.open("rb") as source, path.open("wb") as file:
        held: list[bytes] = []
        for line in source:
            held.append(answer + line[1:])
            if len(held) == 1000:
                file.writelines(reversed(held))
                held.clear()
        file.writelines(held)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _rates(name: str, begin: tuple[float, float], end: tuple[float, float], more: str = "") -> None:
    wall, processor = (ROWS / (late - early) for early, late in zip(begin, end, strict=True))
    print(f"  {name:32} {wall:12,.0f} {processor:12,.0f}  {more}".rstrip(), flush=True)


def _peer(path: Path) -> None:
    begin = _now()
    seen = set()
    with path.open("rb") as file:
        for line in file:
            seen.add(json.loads(line)["recordId"])
    _rates("json.loads of each line (peer)", begin, _now())


def work(folder: Path) -> None:
    """The measured part, in a process of its own so that its memory is its own."""
    from rockbottom.batch.limits import packaged_limits
    from rockbottom.batch.records import Kind, RecordChecker, lines_of
    from rockbottom.batch.rejoining import Rejoin
    from rockbottom.batch.splitting import jobs_of
    from rockbottom.batch.spool import ordinals_of, spool

    begin = _now()
    checker = RecordChecker(Kind.CONVERSE, "anthropic", MODEL, packaged_limits())
    spooled = spool(lines_of(folder / "in.jsonl", checker), folder / "records.jsonl")
    checker.raise_if_refused("in.jsonl")
    built = _now()
    jobs = jobs_of(spooled.sizes, packaged_limits())
    split = _now()
    checker._seen.clear()
    _output(folder / "records.jsonl", folder / "out.jsonl.out")
    wrote = _now()
    rejoined = Rejoin(ordinals_of(folder / "records.jsonl"))
    rejoined.take(folder / "out.jsonl.out")
    with (folder / "results.jsonl").open("wb") as file:
        file.writelines(rejoined.rows())
    tally = rejoined.count()
    done = _now()
    assert tally.answered == ROWS, tally
    assert tally.usage.input == 80 * ROWS
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"batch, {ROWS:,} records of {spooled.bytes // ROWS} bytes, {len(jobs)} jobs; records a second")
    print(f"  {'':32} {'wall clock':>12} {'processor':>12}")
    _rates("built", begin, built)
    _rates("split", built, split)
    _rates("reconciled", wrote, done)
    whole = (split[0] + done[0] - wrote[0], split[1] + done[1] - wrote[1])
    _rates("all of it", begin, whole, "limit 20,000")
    print(f"  {'most memory':32} {memory:12,.0f} MB            limit 500", flush=True)


def main() -> None:
    """Make the input, measure the peer, then the work."""
    if len(sys.argv) > 1:
        work(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _input(folder / "in.jsonl")
        subprocess.run([sys.executable, __file__, name], check=True)
        _peer(folder / "in.jsonl")


if __name__ == "__main__":
    main()
