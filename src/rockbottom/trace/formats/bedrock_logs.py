"""Bedrock model invocation logs: NDJSON in a folder (gzip or not) or under an S3 prefix (CloudWatch exports too).

Records as documented for PutModelInvocationLoggingConfiguration and as recorded in the wild: Converse and
InvokeModel, cache counters in ``input`` or at the top level, streamed replies as a list of events, bodies
over 100 KB in ``data/`` beside the log. Failed calls are counted and left out: they cost nothing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from rockbottom.trace.bodies import Gatherer
from rockbottom.trace.reading import Damages, Part, Reader, Settings
from rockbottom.trace.records import Record, body_of, record_of, reply_of
from rockbottom.trace.sources import log_names, numbered_lines, offloaded

Fetch = Callable[[str], bytes]
"""Gives the unpacked bytes of an offloaded body; raises OSError where it is not there."""


def read(part: str, settings: Settings) -> Part:
    """One log file, from a folder or from S3."""
    return read_lines(part, numbered_lines(part), settings, lambda where: offloaded(part, where))


def read_lines(place: str, lines: Iterator[tuple[int, bytes]], settings: Settings, fetch: Fetch) -> Part:
    """Numbered lines, one record each. ``fetch`` gives an offloaded body."""
    damages, gatherer, size = Damages(), Gatherer(settings.key), 0
    try:
        for number, line in lines:
            size += len(line)
            if line[:1] != b"{":  # an exported line begins with its instant
                line = line[max(0, line.find(b"{")) :]
            try:
                record = record_of(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                if line.strip():
                    damages.add(f"{place}:{number}", str(error))
                continue
            _add(gatherer, record, damages, f"{place}:{number}", fetch)
    except (OSError, EOFError) as error:  # a file cut short: what was read before counts
        damages.add(place, str(error))
    return Part(gatherer.trace(), damages, size)


def _add(gatherer: Gatherer, record: Record, damages: Damages, place: str, fetch: Fetch) -> None:
    if record.errorCode:
        damages.failed += 1
        return
    body, reply = record.input.inputBodyJson, record.output.outputBodyJson
    try:
        if body is None and record.input.inputBodyS3Path:
            body = body_of(fetch(record.input.inputBodyS3Path))
        if reply is None and record.output.outputBodyS3Path:
            reply = reply_of(fetch(record.output.outputBodyS3Path))
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        damages.add(place, f"offloaded body: {error}")
    try:
        gatherer.add(record, body, reply)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        damages.add(place, str(error))


def _recognises(path: Path, head: bytes) -> bool:
    if head.lstrip()[:1] != b"{":
        return False
    return b'"ModelInvocationLog"' in head or (b'"modelId"' in head and b'"inputBodyJson"' in head)


READER = Reader("bedrock-logs", "Bedrock model invocation logs: a folder or s3:// prefix", _recognises, log_names, read)
