"""The gateway beside a direct call, a bare relay and LiteLLM's proxy: processor time a call, first byte, memory.

    python benchmarks/bench_gateway.py [--requests 2000] [--rounds 8] [--litellm PATH/bin/litellm] [--json FILE]

All in one run, in turns, before the same local endpoint, with the same bodies of 37 KB and one connection; LiteLLM has
every fourth round. Processor time is that of the process (/proc), so it holds where the machine is busy; times to the
first byte need a quiet one. The bare relay is uvicorn and aiohttp (to be installed beside) passing bytes on, unsigned:
the least that any proxy of this kind does. The gateway verifies a signature of the caller, plans, signs, relays, reads
the usage and writes the ledger.
"""

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from benchmarks.placement.speed import conversation  # noqa: E402

_MODEL = "us.anthropic.claude-sonnet-4-6"
_BARE, _GATEWAY, _PEER = "bare relay", "rockbottom gateway", "LiteLLM proxy, /bedrock"
_TICKS = os.sysconf("SC_CLK_TCK")
_RELAY = """
import sys, aiohttp, uvicorn
upstream, port = sys.argv[1], int(sys.argv[2])
session = None
async def app(scope, receive, send):
    global session
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                session = aiohttp.ClientSession(auto_decompress=False)
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return await session.close()
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {k.decode(): v.decode() for k, v in scope["headers"] if k not in (b"host", b"content-length")}
    async with session.post(upstream + scope["raw_path"].decode(), data=body, headers=headers) as reply:
        kept = [(k.encode(), v.encode()) for k, v in reply.headers.items() if k.lower() != "transfer-encoding"]
        await send({"type": "http.response.start", "status": reply.status, "headers": kept})
        async for piece in reply.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=port, log_level="critical", access_log=False, http="httptools", loop="uvloop", ws="none")
"""
Signer = Callable[[str, bytes], Mapping[str, str]]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def process(*command: str, port: int, env: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that listens, until the block ends."""
    silent = subprocess.DEVNULL
    started = subprocess.Popen(command, stdout=silent, stderr=silent, env={**os.environ, **(env or {})})
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or started.poll() is not None:
                    raise SystemExit(f"{command[0]} did not start") from None
                time.sleep(0.1)
        yield started
    finally:
        started.terminate()
        started.wait(20)


def cpu_s(pid: int) -> float:
    """Processor time of a process and of what it started."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(folder.name) == pid or int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def memory_mb(pid: int) -> float:
    """Resident memory."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


def bodies(count: int, seed: int) -> Iterator[bytes]:
    """Turns of conversations of about 37 KB; each is sent four times as it grows."""
    rng = random.Random(seed)
    while count > 0:
        whole = conversation(24, 37_000, rng.randrange(10**6))
        talk = {name: value for name, value in whole.items() if name != "modelId"}
        for end in range(len(talk["messages"]) - 6, len(talk["messages"]) + 1, 2):
            yield json.dumps({**talk, "messages": talk["messages"][:end]}).encode()
            count -= 1


@dataclass
class Measured:
    """What some rounds of one way took."""

    cpu_s: float = 0.0
    first_s: list[float] = field(default_factory=list[float])
    mb: float = 0.0

    def row(self) -> dict[str, float]:
        """Processor time and first byte of a call in milliseconds, and the memory at the end."""
        points = statistics.quantiles(self.first_s, n=100)
        cpu_ms = self.cpu_s / len(self.first_s) * 1000
        row = {"cpu_ms": cpu_ms, "p50_ms": points[49] * 1000, "p99_ms": points[98] * 1000, "mb": self.mb}
        return {**{name: round(value, 2) for name, value in row.items()}, "requests": len(self.first_s)}


def measure(into: Measured, url: str, pid: int, requests: int, kind: str, sign: Signer, seed: int) -> None:
    """One round: every request on one connection, read to its end."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    path = f"{place.path}/model/{_MODEL}/{kind}"
    before = cpu_s(pid)
    for body in bodies(requests, seed):
        headers = sign(f"{place.scheme}://{place.netloc}{path}", body)
        started = time.perf_counter()
        connection.request("POST", path, body, headers)
        reply = connection.getresponse()
        reply.read1(1)
        into.first_s.append(time.perf_counter() - started)
        reply.read()
        if reply.status != 200:
            raise SystemExit(f"{url}: {reply.status} {reply.reason}")
    connection.close()
    into.cpu_s += cpu_s(pid) - before
    into.mb = memory_mb(pid)


def signer(identity: str, secret: str) -> Signer:
    """Signs as botocore does."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    auth: Any = SigV4Auth(Credentials(identity, secret), "bedrock", "us-east-1")

    def sign(url: str, body: bytes) -> Mapping[str, str]:
        request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
        auth.add_auth(request)
        return dict(request.headers.items())

    return sign


def servers(stack: ExitStack, folder: Path, litellm: str | None) -> dict[str, tuple[str, int, Signer]]:
    """Every way, started: its address, its process, and how its callers sign."""
    from rockbottom.gateway import KeyTable, key_secret, new_key

    python, ports = sys.executable, [free_port() for _ in range(4)]
    env = {"AWS_ACCESS_KEY_ID": "up", "AWS_SECRET_ACCESS_KEY": "up", "AWS_REGION": "us-east-1"}
    serve = (python, "-m", "rockbottom", "serve", "--port", str(ports[0]))
    endpoint = stack.enter_context(process(*serve, port=ports[0]))
    upstream = f"http://127.0.0.1:{ports[0]}"
    ways = {"direct": (upstream, endpoint.pid, signer("any", "any"))}
    if find_spec("aiohttp"):
        relay = stack.enter_context(process(python, "-c", _RELAY, upstream, str(ports[1]), port=ports[1]))
        ways[_BARE] = (f"http://127.0.0.1:{ports[1]}", relay.pid, signer("any", "any"))
    table = KeyTable(folder / "keys.json", key_secret(folder / "keys.json", {}))
    key = new_key("bench", time.time())
    table.put(key)
    (folder / "gateway.yaml").write_text(
        f"listen: 127.0.0.1:{ports[2]}\nupstream: {{region: us-east-1, runtime: '{upstream}'}}\n"
        "keys: keys.json\nledger: ledger\n"
    )
    command = (python, "-m", "rockbottom", "gateway", "--config", str(folder / "gateway.yaml"))
    gateway = stack.enter_context(process(*command, port=ports[2], env=env))
    ways[_GATEWAY] = (f"http://127.0.0.1:{ports[2]}", gateway.pid, signer(key.id, table.secret(key)))
    if litellm:
        ways[_PEER] = _litellm(stack, folder, litellm, ports[3], {**env, **_LITELLM}, upstream)
    return ways


_LITELLM = {"AWS_REGION_NAME": "us-east-1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _litellm(
    stack: ExitStack, folder: Path, command: str, port: int, env: Mapping[str, str], upstream: str
) -> tuple[str, int, Signer]:
    """LiteLLM's proxy, without a database, before the same endpoint."""
    config = folder / "litellm.yaml"
    config.write_text(
        f"model_list: [{{model_name: {_MODEL}, litellm_params: {{model: bedrock/{_MODEL}}}}}]\n"
        "general_settings: {master_key: sk-bench}\n"
    )
    asked = (command, "--config", str(config), "--port", str(port), "--host", "127.0.0.1")
    started = stack.enter_context(process(*asked, port=port, env={**env, "AWS_BEDROCK_RUNTIME_ENDPOINT": upstream}))
    headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
    return f"http://127.0.0.1:{port}/bedrock", started.pid, lambda url, body: headers


def main() -> int:
    """Measure, and print one line for each way and kind, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=8, help="turns in which they are made")
    parser.add_argument("--litellm", help="the litellm command of an environment with its proxy")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    rows: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ways = servers(stack, Path(folder), asked.litellm)
        for kind in ("converse", "converse-stream"):
            rows[kind] = {name: taken.row() for name, taken in in_turns(ways, kind, asked.requests, asked.rounds)}
    for kind, by_way in rows.items():
        print(f"{kind}: CPU ms a call, first byte p50 / p99 ms, MB, requests")
        for name, row in by_way.items():
            first = f"{row['p50_ms']:8.2f} / {row['p99_ms']:.2f}"
            print(f"  {name:24} {row['cpu_ms']:7.2f} {first} {row['mb']:6.0f} {row['requests']:6}")
        print(*(f"  {line}\n" for line in compared(by_way)), sep="", end="")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def in_turns(
    ways: Mapping[str, tuple[str, int, Signer]], kind: str, requests: int, rounds: int
) -> Iterator[tuple[str, Measured]]:
    """What each way took of so many requests, made in turns: what else the machine does disturbs all alike."""
    taken = {name: Measured() for name in ways}
    for url, pid, sign in ways.values():
        measure(Measured(), url, pid, 20, kind, sign, 1)
    for number in range(rounds):
        for name, (url, pid, sign) in ways.items():
            if name != _PEER or number % 4 == 0:
                measure(taken[name], url, pid, requests // rounds, kind, sign, 2 + number)
    return iter(taken.items())


def compared(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The gateway beside the relay and LiteLLM, in the words of what was wanted of it."""
    own, direct = rows[_GATEWAY], rows["direct"]
    if _BARE in rows:
        yield f"{own['cpu_ms'] / rows[_BARE]['cpu_ms']:.1f} times the CPU of the relay"
    if _PEER in rows:
        peer = rows[_PEER]
        yield f"1/{peer['cpu_ms'] / own['cpu_ms']:.1f} of LiteLLM's CPU, 1/{peer['mb'] / own['mb']:.1f} of its memory"
        for name in ("p50_ms", "p99_ms"):
            added, theirs = own[name] - direct[name], peer[name] - direct[name]
            yield f"first byte, {name[:3]}: {added:.1f} ms added, LiteLLM {theirs:.1f} ms: 1/{theirs / added:.1f}"


if __name__ == "__main__":
    sys.exit(main())
