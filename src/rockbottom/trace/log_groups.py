"""Log groups of CloudWatch Logs read as text, a record a line. boto3 reads credentials, Region and endpoint as always.

An address is ``log-group:NAME``, perhaps with how far back: ``log-group:NAME@6h`` (m, h or d).
"""

import io
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any, cast

from rockbottom.process import bounded
from rockbottom.quantities import AwsAnswer, error_code
from rockbottom.trace.addresses import CHUNK_BYTES, SCHEME_OF_LOG_GROUPS, UnreadableSource

_AGO = re.compile(r"(?P<name>.+)@(?P<count>\d{1,5})(?P<unit>[mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_REFUSALS = {
    "AccessDeniedException": "the credentials need logs:FilterLogEvents on the log group",
    "ResourceNotFoundException": "aws logs describe-log-groups lists the log groups of this Region",
}


def name_and_age(address: str) -> tuple[str, float | None]:
    """The log group of an address, and how many seconds back it is read; None: all of it."""
    name = address.removeprefix(SCHEME_OF_LOG_GROUPS)
    match = _AGO.fullmatch(name)
    if match is None:
        return name, None
    return match["name"], int(match["count"]) * _SECONDS[match["unit"]]


def pages(group: str, since_ms: int | None) -> Iterator[list[dict[str, Any]]]:
    """The events of a log group page by page, oldest first. Raises UnreadableSource where AWS refuses."""
    request = {"logGroupName": group} | ({} if since_ms is None else {"startTime": since_ms})
    try:
        for page in _client().get_paginator("filter_log_events").paginate(**request):
            yield AwsAnswer(page)["events"]
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3", "urllib3")):
            raise
        code = error_code(error)
        raise UnreadableSource(f"{SCHEME_OF_LOG_GROUPS}{group}: {error}", fix=_REFUSALS.get(code)) from error


def text_of(events: list[dict[str, Any]]) -> bytes:
    """The messages of events, each on a line of its own."""
    lines = (str(event["message"]).replace("\n", " ").encode("utf-8", "replace") for event in events)
    return b"".join(line + b"\n" for line in lines)


def opened(address: str) -> IO[bytes]:
    """A log group for reading, page by page. Raises UnreadableSource where AWS refuses."""
    group, age = name_and_age(address)
    since = None if age is None else int((time.time() - age) * 1000)
    return io.BufferedReader(_Pages(pages(group, since)), CHUNK_BYTES)


class _Pages(io.RawIOBase):
    """The text of pages, as a file has it."""

    def __init__(self, events: Iterator[list[dict[str, Any]]]) -> None:
        self._events, self._rest = events, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            events = next(self._events, None)
            if events is None:
                return 0
            self._rest = text_of(events)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


@lru_cache(1)
def _client() -> Any:
    import boto3

    return bounded(cast(Any, boto3).client("logs"))
