"""The load generator, a process of its own: 64 connections, each with one request in flight, kept alive where the
server keeps them. It reads what to do as JSON from stdin and writes what it measured as JSON to stdout.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from benchmarks.endpoint.traffic import ACCOUNT, MODEL, REGION, Request, Traffic

_CONNECTIONS = 64
_AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261121/{REGION}/bedrock/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=0"
)
_REPLY = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Tally:
    """What came back."""

    latencies: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])


class Connection(asyncio.Protocol):
    """One connection with one request in flight; ``replied`` resolves to status and body."""

    def __init__(self) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self.replied: asyncio.Future[tuple[int, bytes]] | None = None
        self._buffer = bytearray()
        self._wanted = -1  # bytes of head and body; -1: the head is not complete

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Who waits for a reply is told."""
        self.transport = None
        if self.replied is not None and not self.replied.done():
            self.replied.set_result((0, b"the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Collect a reply, and hand it over when it is whole."""
        self._buffer += data
        if self._wanted < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            at = head.find(b"content-length:")
            self._wanted = end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
            self._head_end = end + 4
            self._closes = b"connection: close" in head
        if len(self._buffer) >= self._wanted:
            status, body = int(self._buffer[9:12]), bytes(self._buffer[self._head_end : self._wanted])
            self._buffer.clear()
            self._wanted = -1
            if self._closes and self.transport is not None:
                self.transport.close()
                self.transport = None
            if self.replied is not None and not self.replied.done():
                self.replied.set_result((status, body))


@dataclass(slots=True)
class Load:
    """One round: requests are taken by whichever connection is free."""

    port: int
    calls: Iterator[tuple[bytes, Request | None]]
    until: float
    counters: bool
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> dict[str, Any]:
        """Send everything; what was measured."""
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._worker() for _ in range(_CONNECTIONS)))
        seconds = time.perf_counter() - began
        times = sorted(self.tally.latencies)
        return {
            "replies": len(times),
            "seconds": seconds,
            "median_ms": statistics.median(times) * 1000 if times else None,
            "p99_ms": times[min(len(times) - 1, int(len(times) * 0.99))] * 1000 if times else None,
            "wrong": len(self.tally.wrong),
            "first_wrong": self.tally.wrong[:1],
            "load_cpu_ms": (time.process_time() - cpu) / max(len(times), 1) * 1000,
        }

    async def _worker(self) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection()
        for head, request in self.calls:
            if time.perf_counter() > self.until:
                return
            sent = time.perf_counter()
            if connection.transport is None:
                _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
            connection.replied = loop.create_future()
            assert connection.transport is not None
            connection.transport.write(head if request is None else b"".join((head, *request.pieces)))
            status, body = await connection.replied
            self.tally.latencies.append(time.perf_counter() - sent)
            complaint = self._complaint(status, body, request)
            if complaint:
                self.tally.wrong.append(complaint)
        if connection.transport is not None:
            connection.transport.close()

    def _complaint(self, status: int, body: bytes, request: Request | None) -> str:
        if status != 200:
            return f"HTTP {status}: {body[:200].decode('latin-1')}"
        if request is None or not self.counters:
            return ""
        usage = _REPLY.decode(body)["usage"]
        found = usage["inputTokens"], usage.get("cacheReadInputTokens"), usage.get("cacheWriteInputTokens")
        wanted = request.uncached, request.read, request.write
        if found != wanted:
            return f"input, read, write are {found}, not {wanted}"
        total = sum(wanted) + usage["outputTokens"]
        return "" if usage["totalTokens"] == total else f"totalTokens is {usage['totalTokens']}, not {total}"


def _post(request: Request) -> tuple[bytes, Request]:
    head = (
        f"POST /model/{MODEL}/converse HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: {_AUTHORIZATION}\r\nContent-Length: {request.length}\r\n\r\n"
    )
    return head.encode(), request


def _get(path: str, host: str) -> tuple[bytes, None]:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {_AUTHORIZATION}\r\n\r\n".encode(), None


async def _ready(port: int) -> None:
    for _ in range(600):
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        transport.close()
        return
    raise SystemExit(f"nothing listens on port {port}")


async def _converse(order: dict[str, Any], traffic: Traffic) -> dict[str, Any]:
    port, counters = order["port"], order["counters"]
    until = time.perf_counter() + order["max_seconds"]
    first = Load(port, iter([_post(request) for request in traffic.first]), until, counters)
    if order["warm"]:
        await first.run()
    calls = [_post(request) for request in traffic.requests(order["requests"])]
    until = time.perf_counter() + order["max_seconds"]
    cpu = cpu_seconds(order["pid"])
    load = Load(port, iter(calls), until, counters)
    load.tally.wrong += first.tally.wrong
    return {**await load.run(), "server_cpu": _spent(order["pid"], cpu)}


async def _simple(order: dict[str, Any]) -> dict[str, Any]:
    call = _get(order["path"], order["host"])
    until = time.perf_counter() + order["max_seconds"]
    load = Load(order["port"], iter([call] * order["requests"]), until, False)
    cpu = cpu_seconds(order["pid"])
    return {**await load.run(), "server_cpu": _spent(order["pid"], cpu)}


def cpu_seconds(pid: int) -> float | None:
    """User and system CPU seconds of a process so far; None where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _spent(pid: int, before: float | None) -> float | None:
    after = cpu_seconds(pid)
    return None if before is None or after is None else after - before


async def _main() -> None:
    traffic: Traffic | None = None
    for line in sys.stdin:
        order = json.loads(line)
        await _ready(order["port"])
        if order["kind"] == "converse":
            order["warm"] = order["warm"] or traffic is None
            traffic = Traffic(order["seed"]) if order["warm"] else traffic
            assert traffic is not None
            result = await _converse(order, traffic)
        else:
            result = await _simple(order)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main())
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_main())
