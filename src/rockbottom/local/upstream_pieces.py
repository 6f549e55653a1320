"""The upstream's text brought from the thread that reads it into the event loop, piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import suppress

from rockbottom.local.calls import CountedCall
from rockbottom.local.upstream import UpstreamServer


async def pieces_of(upstream: UpstreamServer, threads: Executor | None, counted: CountedCall) -> AsyncIterator[str]:
    """The text as it comes; at the end the whole answer is in ``counted``. Raises ServiceFailure."""
    loop = asyncio.get_running_loop()
    texts: asyncio.Queue[str | None] = asyncio.Queue()

    def put(text: str) -> None:
        with suppress(RuntimeError):  # the loop was closed while the upstream went on
            loop.call_soon_threadsafe(texts.put_nowait, text)

    model = counted.model.model.id
    answering = loop.run_in_executor(
        threads, upstream.streamed, counted.neutral, counted.asked, model, counted.count, put
    )
    answering.add_done_callback(lambda _: texts.put_nowait(None))
    while (text := await texts.get()) is not None:
        yield text
    counted.answer = await answering
