"""Whom this process waits for: a server that does not answer is named after a few seconds, not after the last try.

Nothing is said and nothing is watched before ``tell_waits``, so a library that is attached to a program is silent.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rockbottom.process.workers import Worker

_FIRST_S = 3.0
ANSWERING_S = 20.0
"""How long nothing is said of a model that may be at work on its answer, in the first try."""
_AGAIN = 4.0
"""A wait is told again when it has lasted this many times as long."""
_RETRIES = {"legacy": 5, "standard": 3, "adaptive": 3}
"""Tries of botocore's modes where none are configured. Source: botocore, retryhandler and config_provider, 1.43."""
_TIMEOUTS_S = 60.0  # botocore's default for connecting and for reading


@dataclass(slots=True)
class Wait:
    """One wait: for what, whom, in which try of how many, and how long all of them may last."""

    action: str
    whom: str
    tries: int = 1
    longest_s: float | None = None
    patience_s: float = _FIRST_S
    number: int = 0
    since: float = 0.0


class _Waits:
    def __init__(self) -> None:
        self.tell: Callable[[Wait], None] | None = None
        self.current: dict[int, Wait] = {}
        self._watcher = Worker("waits", self._watch)

    def watch(self) -> None:
        self._watcher.start()

    def _watch(self) -> None:
        due: dict[str, float] = {}  # by host: of many threads that wait for one, one speaks
        while True:
            time.sleep(0.5)
            waits = {wait.whom: wait for wait in sorted(self.current.copy().values(), key=lambda wait: -wait.since)}
            due = {whom: due[whom] for whom in waits if whom in due}
            for whom, wait in waits.items():  # without a name, others of its threads are those that wait
                lasted = time.monotonic() - wait.since
                first_s = wait.patience_s if wait.number < 2 else _FIRST_S
                if self.tell is not None and whom and lasted >= due.get(whom, first_s):
                    due[whom] = lasted * _AGAIN
                    self.tell(wait)


_WAITS = _Waits()


def tell_waits(tell: Callable[[Wait], None] | None) -> None:
    """From now on, hand every wait that lasts to ``tell``, in a thread of its own; None ends that."""
    _WAITS.tell = tell


@contextmanager
def awaited(wait: Wait) -> Generator[Wait]:
    """Wait for somebody as long as the block lasts; inside another wait it is a try of that one, which is yielded."""
    key = threading.get_ident()
    outer = _WAITS.current.get(key)
    if outer is not None:
        outer.action, outer.whom = wait.action or outer.action, wait.whom
        outer.patience_s = max(outer.patience_s, wait.patience_s)
        yield outer
        return
    wait.since = time.monotonic()
    _WAITS.current[key] = wait
    if _WAITS.tell is not None:
        _WAITS.watch()
    try:
        yield wait
    finally:
        del _WAITS.current[key]


def host_of(url: str) -> str:
    """The host and port of a URL, without the user that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def say_waits_of(client: Any) -> None:
    """Have a botocore client wait aloud: each operation is one wait, with the tries that botocore makes of it."""
    endpoint, meta = client._endpoint, client.meta
    make_request = endpoint.make_request
    tries, longest_s = _patience(meta.config)
    patience_s = ANSWERING_S if meta.service_model.service_name == "bedrock-runtime" else _FIRST_S

    def request(operation: Any, arguments: Any) -> Any:
        wait = Wait(operation.name, host_of(str(meta.endpoint_url)), tries, longest_s, patience_s)
        with awaited(wait):
            return make_request(operation, arguments)

    endpoint.make_request = request


def _patience(config: Any) -> tuple[int, float]:
    """How often botocore tries, and how long all tries may last: its pauses are 1, 2, 4 ... 20 seconds at most."""
    retries: dict[str, Any] = config.retries or {}
    tries: int = retries.get("total_max_attempts") or _RETRIES.get(retries.get("mode") or "legacy", 5)
    timeouts = sum(_TIMEOUTS_S if it is None else it for it in (config.connect_timeout, config.read_timeout))
    return tries, tries * timeouts + sum(min(2.0**pause, 20.0) for pause in range(tries - 1))
