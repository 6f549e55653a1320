"""Something that threads and coroutines wait for, each for as long as it likes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True, kw_only=True)
class Arrival:
    """Something that threads and tasks wait for; it happens once."""

    landed: bool = False
    _event: threading.Event = field(default_factory=threading.Event)
    _waiters: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def wait(self, seconds: float) -> None:
        """Block the thread until it has landed, at most ``seconds``."""
        self._event.wait(max(0.0, seconds))

    async def wait_async(self, seconds: float) -> None:
        """As ``wait``, without blocking the event loop."""
        import asyncio  # loaded by whoever awaits; threads need none of it

        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(lambda: done.done() or done.set_result(None))

        self._waiters.append(wake)
        if self.landed:  # between our look and our place in the queue
            wake()
        try:
            await asyncio.wait_for(done, max(0.0, seconds))
        except TimeoutError:
            pass
        finally:
            if wake in self._waiters:
                self._waiters.remove(wake)

    def land(self) -> None:
        """Wake whoever waits."""
        self.landed = True
        self._event.set()
        for wake in list(self._waiters):
            try:
                wake()
            except RuntimeError:  # that event loop is closed: nobody waits there any more
                continue
