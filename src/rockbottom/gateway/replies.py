"""A reply of the service on its way to the caller: its head, and its body piece by piece as they come."""

import asyncio
from typing import Protocol

Header = tuple[bytes, bytes]


class ReplySource(Protocol):
    """The connection that a reply comes from."""

    loop: asyncio.AbstractEventLoop

    def taken(self) -> None:
        """The caller has taken what had come."""
        ...

    def free(self, reply: "PipedReply", /) -> None:
        """Nobody reads the reply any more."""
        ...


class PipedReply:
    """One reply: its status and header fields as they came, then its body piece by piece."""

    __slots__ = ("_connection", "_error", "_pieces", "_waiter", "headers", "status", "waiting", "whole")

    def __init__(self, connection: ReplySource) -> None:
        self.status = 0  # not yet
        self.headers: list[Header] = []
        self.waiting = 0  # bytes
        self.whole = False  # the last byte has come
        self._pieces: list[bytes] = []
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._connection: ReplySource | None = connection

    async def begun(self) -> None:
        """Returns when its head is there. Raises OSError where none comes."""
        while not self.status:
            await self._more()

    async def piece(self) -> bytes:
        """What has come since the last piece; nothing at the end. Raises OSError where it breaks off."""
        while not self._pieces:
            if self.whole:
                return b""
            await self._more()
        pieces, self._pieces = self._pieces, []
        self.waiting = 0
        if self._connection is not None:
            self._connection.taken()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def peek(self, most: int) -> bytes:
        """Its beginning, up to the piece with which it has ``most`` bytes; it is still there to be taken.

        As much as there is, where it breaks off.
        """
        while self._error is None and not self.whole and self.waiting < most:
            await self._wait()
        return b"".join(self._pieces)

    def close(self) -> None:
        """No more of it is wanted: the connection is kept where the reply is whole, and closed otherwise."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.free(self)

    def begin(self, status: int, headers: list[Header]) -> None:
        """Its head has come."""
        self.status, self.headers = status, headers
        self.wake()

    def feed(self, piece: bytes) -> None:
        """A piece of its body has come."""
        self._pieces.append(piece)
        self.waiting += len(piece)
        self.wake()

    def end(self) -> None:
        """It has come to its end."""
        self.whole = True
        self.wake()

    def fail(self, error: OSError) -> None:
        """Nothing more will come of it."""
        if not self.whole and self._error is None:
            self._error = error
            self.wake()

    def wake(self) -> None:
        """Whoever waits looks again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _more(self) -> None:
        failed = self._error
        if failed is not None:  # raised itself, it would keep whoever waited for it, and with him the request's body
            raise type(failed)(*failed.args)
        await self._wait()

    async def _wait(self) -> None:
        assert self._connection is not None  # nobody reads what he has closed
        self._waiter = self._connection.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
