"""Bedrock model invocation logs: NDJSON in a folder (gzip or not) or under an S3 prefix.

Records as documented for PutModelInvocationLoggingConfiguration and as recorded in the wild: Converse and
InvokeModel, cache counters in ``input`` or at the top level, streamed replies as a list of events, bodies
over 100 KB in ``data/`` beside the log. Failed calls are counted and left out: they cost nothing. So are calls counted
at no token, which no model saw (a guardrail stopped the prompt).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from rockbottom.quantities import Undecodable
from rockbottom.trace.bodies import BodyGatherer
from rockbottom.trace.counts import is_failed
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import CutShort
from rockbottom.trace.invocations import invocations_of, reply_of
from rockbottom.trace.logs import LogFile
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart
from rockbottom.trace.records import Columnar, body_of, columnar
from rockbottom.trace.sources import BodyRefused, log_names, offloaded


def read(part: str, settings: ReaderSettings, text: Iterator[bytes] | None = None) -> ReadPart:
    """One log file, from a folder or from S3; ``text`` is what of it is to be read, None: all."""
    damages, gatherer = Damages(), BodyGatherer(settings.key, settings.by)
    log = LogFile(part, damages, text=text)
    for place, record in log.records(columnar):
        reply = _reply_of(record, damages, place, part)
        if is_failed(record, reply):
            damages.failed += 1
            continue
        _add(gatherer, record, reply, damages, place, part)
    return ReadPart(gatherer.trace(), damages, log.size)


def _reply_of(record: Columnar, damages: Damages, place: str, log: str) -> Callable[[], bytes]:
    """What gives the JSON of the reply."""

    def reply() -> bytes:
        try:
            return reply_of(record, log)
        except (OSError, BodyRefused, CutShort) as error:
            damages.add(place, f"offloaded body: {error}")
            return b""

    return reply


def _add(
    gatherer: BodyGatherer, record: Columnar, reply: Callable[[], bytes], damages: Damages, place: str, log: str
) -> None:
    body, where = record.input.inputBodyJson, record.input.inputBodyS3Path
    if body is None and where:
        try:
            body = body_of(offloaded(log, where))
        except (OSError, BodyRefused, CutShort, Undecodable) as error:
            damages.add(place, f"the request body: {error}")
    try:
        damages.stopped += not gatherer.add(record, body, reply)
    except Undecodable as error:
        damages.add(place, str(error))
        with suppress(Undecodable):  # it was counted all the same
            damages.stopped += not gatherer.add(record, None, reply)


def _recognises(path: Path, head: bytes) -> bool:
    if head.lstrip()[:1] not in (b"{", b"["):
        return False
    return b'"ModelInvocationLog"' in head or (b'"modelId"' in head and b'"inputBodyJson"' in head)


READER = LogReader(
    "bedrock-logs", "Bedrock model invocation logs: a folder or s3:// prefix", _recognises, log_names, read,
    invocations_of,
)  # fmt: skip
