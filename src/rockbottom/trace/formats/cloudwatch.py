"""CloudWatch Logs exports of model invocation logs: an export task's files, or what ``aws logs`` prints.

An export task writes gzip files of lines ``<instant> <record>``; ``filter-log-events`` and ``get-log-events``
print one JSON object with ``events``, each with its record as text in ``message``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from rockbottom.trace.formats import bedrock_logs
from rockbottom.trace.reading import Part, Reader, Settings, files_of, lines_of, opened


class _Event(msgspec.Struct):
    message: str = ""


class _Printed(msgspec.Struct):
    events: list[_Event]


def read(part: str, settings: Settings) -> Part:
    """One exported file."""
    path = Path(part)

    def fetch(where: str) -> bytes:
        raise FileNotFoundError(f"{where} was delivered to S3 and is not part of the export")

    return bedrock_logs.read_lines(part, _records(path), settings, fetch)


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    with opened(path) as file:
        printed = file.read(1) == b"{" and b'"events"' in file.read(4096)
    if printed:
        with opened(path) as file:
            events = msgspec.json.decode(file.read(), type=_Printed).events
        yield from ((number, event.message.encode()) for number, event in enumerate(events, 1))
        return
    for number, line in lines_of(path):
        start = line.find(b"{")
        yield number, line[start:] if start > 0 else line


def _recognises(path: Path, head: bytes) -> bool:
    line = head.partition(b"\n")[0]
    if b"ModelInvocationLog" not in head:
        return False
    return b'"events"' in head[:4096] or (line[:1].isdigit() and b" {" in line[:64])


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if not name.endswith("aws-logs-write-test")]


READER = Reader("cloudwatch", "CloudWatch Logs exports of model invocation logs", _recognises, _parts, read)
