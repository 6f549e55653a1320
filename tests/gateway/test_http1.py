"""Replies of a service that speaks HTTP/1.1 in every way that is allowed, and in some that are not."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ssl import SSLCertVerificationError, SSLContext

import pytest

from rockbottom.catalog import RUNTIME
from rockbottom.gateway import Upstream, http1
from rockbottom.gateway.configuration import GatewayLimits
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.http1 import HostAddress, Pool
from rockbottom.gateway.replies import PipedReply
from rockbottom.gateway.sigv4 import Signed
from rockbottom.gateway.upstream import UpstreamClient
from rockbottom.local.certificates import certified

HEAD = b"POST /model/m/converse HTTP/1.1\r\nhost: service\r\ncontent-length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Step = bytes | float | None
"""What the service does next: send bytes, wait for seconds, or close the connection."""


class Service:
    """Takes a step after the other for each request, in the order in which requests come."""

    def __init__(self, *replies: Sequence[Step]) -> None:
        self._replies = list(replies)
        self.connections = self.closed = 0
        self.requests: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and self._replies:
                self.requests.append(head + await reader.readexactly(5))
                for step in self._replies.pop(0):
                    if step is None:
                        return
                    if isinstance(step, bytes):
                        writer.write(step)
                        await writer.drain()
                    else:
                        await asyncio.sleep(step)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.closed += 1

    async def closes(self) -> None:
        """Returns when its first connection is over on both sides, or in 15 seconds."""
        ends = time.monotonic() + 15
        while not self.closed and time.monotonic() < ends:
            await asyncio.sleep(0.01)
        for _ in range(10):  # the other side hears of it when the loop looks at its sockets
            await asyncio.sleep(0)


@asynccontextmanager
async def asking(
    service: Service, read_s: float = 5.0, tls: SSLContext | None = None
) -> AsyncGenerator[Callable[[], Awaitable[PipedReply]]]:
    """What asks the service, over one pool."""
    server = await asyncio.start_server(service.talk, "127.0.0.1", 0, ssl=tls)
    address = HostAddress("127.0.0.1", server.sockets[0].getsockname()[1], tls=tls is not None)
    pool = Pool(5.0, read_s)
    try:
        yield lambda: pool.ask(address, HEAD, b"hello")
    finally:
        pool.close()
        server.close()


async def read(reply: PipedReply) -> bytes:
    """All of a reply, which is closed then."""
    pieces: list[bytes] = []
    try:
        while piece := await reply.piece():
            pieces.append(piece)
    finally:
        reply.close()
    return b"".join(pieces)


async def told(service: Service, times: int = 1, read_s: float = 5.0, tls: SSLContext | None = None) -> list[bytes]:
    async with asking(service, read_s, tls) as ask:
        return [await read(await ask()) for _ in range(times)]


@pytest.mark.parametrize(
    ("steps", "body"),
    [
        ([OK], b"ok"),
        ([bytes([byte]) for byte in OK], b"ok"),
        ([CHUNKED + b"3\r\nabc\r\n4;name=value\r\ndefg\r\n0\r\n\r\n"], b"abcdefg"),
        ([bytes([byte]) for byte in CHUNKED + b"3\r\nabc\r\n0\r\nx-trailer: yes\r\n\r\n"], b"abc"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", 0.02, OK], b"ok"),
        ([b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK], b"ok"),
        ([b"HTTP/1.1 200 OK\r\n\r\nuntil", 0.02, b" the end", None], b"until the end"),
        ([b"HTTP/1.0 200 OK\r\n\r\nold", None], b"old"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
    ],
)  # fmt: skip
def test_a_reply_is_whole_however_it_is_framed_and_cut(steps: list[Step], body: bytes) -> None:
    assert asyncio.run(told(Service(steps))) == [body]


def test_header_fields_come_as_they_were_sent_and_trailers_are_none_of_them() -> None:
    steps = [CHUNKED.replace(b"\r\n\r\n", b"\r\nX-Twice: a\r\nx-twice: b\r\n\r\n") + b"0\r\nx-trailer: yes\r\n\r\n"]

    async def headers() -> list[tuple[bytes, bytes]]:
        async with asking(Service(steps)) as ask:
            reply = await ask()
            await read(reply)
            return reply.headers

    fields = asyncio.run(headers())
    assert fields == [(b"Transfer-Encoding", b"chunked"), (b"X-Twice", b"a"), (b"x-twice", b"b")]


def test_a_connection_is_used_again_after_a_whole_reply() -> None:
    service = Service([OK], [CHUNKED + b"0\r\n\r\n"], [OK])
    assert asyncio.run(told(service, 3)) == [b"ok", b"", b"ok"]
    assert service.connections == 1
    assert service.requests == [HEAD + b"hello"] * 3


@pytest.mark.parametrize(
    "first",
    [
        [OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")],
        [OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"],  # the answer to what nobody asked
        [OK + b"junk"],
        [OK, None],
    ],
)  # fmt: skip
def test_a_connection_on_which_more_came_or_that_is_to_be_closed_is_not_used_again(first: list[Step]) -> None:
    service = Service(first, [OK])

    async def both() -> list[bytes]:
        async with asking(service) as ask:
            bodies = [await read(await ask())]
            await service.closes()
            return [*bodies, await read(await ask())]

    assert asyncio.run(both()) == [b"ok", b"ok"]
    assert service.connections == 2


def test_what_comes_late_on_an_idle_connection_closes_it() -> None:
    service = Service([OK, 0.05, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"], [OK])

    async def both() -> list[bytes]:
        async with asking(service) as ask:
            bodies = [await read(await ask())]
            await service.closes()
            return [*bodies, await read(await ask())]

    assert asyncio.run(both()) == [b"ok", b"ok"]
    assert service.connections == 2


@pytest.mark.parametrize(
    "steps",
    [
        [None],
        [b"HTTP/1.1 200", None],
        [b"HTTP/1.1 100 Continue\r\n\r\n", None],
        [b"not HTTP at all\r\n\r\n", 0.2],
        [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", 0.2],
        [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, 0.2],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nab", 0.2],
    ],
)  # fmt: skip
def test_where_no_reply_begins_there_is_an_error(steps: list[Step]) -> None:
    with pytest.raises(ConnectionError):
        asyncio.run(told(Service(steps)))


@pytest.mark.parametrize(
    "steps",
    [
        [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", None],
        [CHUNKED + b"3\r\nabc\r\n", None],
        [CHUNKED + b"3\r\nabc\r\nzz\r\n", 0.2],
    ],
)  # fmt: skip
def test_a_reply_that_breaks_off_is_an_error_after_what_came(steps: list[Step]) -> None:
    async def pieces() -> list[bytes]:
        taken: list[bytes] = []
        async with asking(Service(steps)) as ask:
            reply = await ask()
            with pytest.raises(ConnectionError):
                while True:
                    taken.append(await reply.piece())
            assert not reply.whole
            reply.close()
        return taken

    assert b"".join(asyncio.run(pieces())) == b"abc"


@pytest.mark.parametrize("steps", [[0.8], [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", 0.8]])
def test_a_service_that_falls_silent_is_not_waited_for_longer_than_told(steps: list[Step]) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(told(Service(steps), read_s=0.2))


def test_a_reply_that_trickles_is_not_late() -> None:
    slow: list[Step] = [CHUNKED]
    for _ in range(8):
        slow += [0.1, b"1\r\na\r\n"]
    assert asyncio.run(told(Service([*slow, b"0\r\n\r\n"]), read_s=0.5)) == [b"a" * 8]


def test_what_the_caller_does_not_take_holds_the_service_up_and_is_not_late() -> None:
    size = 30_000_000
    body = b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"

    async def slowly() -> tuple[int, int]:
        async with asking(Service([CHUNKED + body]), read_s=0.2) as ask:
            reply = await ask()
            await asyncio.sleep(0.6)  # three times as long as the service may be silent
            waiting = reply.waiting
            return waiting, len(await read(reply))

    waiting, whole = asyncio.run(slowly())
    assert whole == size
    assert waiting < 2_000_000


def test_peeking_takes_nothing_away() -> None:
    async def both() -> tuple[bytes, bytes]:
        async with asking(Service([CHUNKED, b"3\r\nabc\r\n", 0.05, b"3\r\ndef\r\n", 0.05, b"0\r\n\r\n"])) as ask:
            reply = await ask()
            return await reply.peek(100), await read(reply)

    assert asyncio.run(both()) == (b"abcdef", b"abcdef")


def test_closing_an_unfinished_reply_closes_its_connection_at_once() -> None:
    service = Service([CHUNKED, 0.05, b"3\r\nabc\r\n", 30.0], [OK])

    async def left() -> float:
        async with asking(service) as ask:
            reply = await ask()
            started = time.perf_counter()
            reply.close()
            assert await read(await ask()) == b"ok"
            return time.perf_counter() - started

    assert asyncio.run(left()) < 5.0
    assert service.connections == 2


def test_many_at_once_each_have_a_connection_which_serve_the_next() -> None:
    service = Service(*[[0.05, OK] for _ in range(60)])

    async def rounds() -> int:
        async with asking(service) as ask:
            for _ in range(3):
                replies = await asyncio.gather(*[ask() for _ in range(20)])
                assert [await read(reply) for reply in replies] == [b"ok"] * 20
        return service.connections

    assert asyncio.run(rounds()) == 20


@pytest.mark.parametrize(
    ("path", "query", "name", "value"),
    [
        ("/model/a b/converse", "", "accept", "*/*"),
        ("/model/a HTTP/1.1\r\nx: y/converse", "", "accept", "*/*"),
        ("/model/caf\xe9/converse", "", "accept", "*/*"),
        ("/model/a/converse", "b=\nc", "accept", "*/*"),
        ("/model/a/converse", "", "accept", "*/*\r\nx-injected: yes"),
        ("/model/a/converse", "", "x\r\ny", "z"),
        ("/model/a/converse", "", "accept", "a\0b"),
    ],
)  # fmt: skip
def test_what_would_be_another_request_on_its_way_is_refused(
    path: str, query: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP/2 could bring such characters; nothing listens at the address."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token")
    way = UpstreamClient(Upstream("us-east-1", runtime="http://127.0.0.1:9"), GatewayLimits())
    request = Signed("POST", path, query, {name: value}, b"{}")
    with pytest.raises(Refused) as refused:
        asyncio.run(way.send(RUNTIME, request, None))
    assert refused.value.status == 400


@pytest.fixture
def fresh_trust():
    """The authorities that are trusted are read anew, before the test and after it."""
    http1._context.cache_clear()
    yield
    http1._context.cache_clear()


@pytest.mark.usefixtures("fresh_trust")
def test_a_service_behind_tls_is_asked_twice_over_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon Bedrock is never without: one authority that the environment names, and one long reply in pieces."""
    long = b"x" * 300_000
    service = Service([OK], [b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n", long])
    with certified([]) as certificate:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.bundle))
        assert asyncio.run(told(service, 2, tls=certificate.context)) == [b"ok", long]
    assert service.connections == 1


@pytest.mark.usefixtures("fresh_trust")
def test_a_service_whose_certificate_nobody_vouches_for_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the request leaves."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    service = Service([OK])
    with certified([]) as certificate, pytest.raises(SSLCertVerificationError):
        asyncio.run(told(service, tls=certificate.context))
    assert service.requests == []
