"""Requests of a log with their text, one at a time, for those who must look into what was said.

The columns of a ``Trace`` hold no text; ``rockbottom explain`` needs it while it reads, and nobody stores it.
Records are decoded as for columns (``logs``, ``records``); only the bodies are decoded whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

from rockbottom.quantities import Undecodable, Usage, decoded
from rockbottom.trace.counts import counts_of, latency_s_of
from rockbottom.trace.files import CutShort, UnreadableSource, contents
from rockbottom.trace.logs import LogFile, plain
from rockbottom.trace.reading import Damages
from rockbottom.trace.records import Replied, Textual, reply_of, textual
from rockbottom.trace.sources import BodyRefused, offloaded
from rockbottom.trace.splitting import LONGEST_BYTES

Json = dict[str, Any]
_POINTS = ("cachePoint", "cache_control")
_OF_BLOCKS = ("tools", "toolConfig", "system", "messages", "content")
_NATIVE = ("anthropic_version", "max_tokens", "schemaVersion", "tools")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request. ``served`` is the Region that processed it, ``region`` the one it was sent to.

    ``usage`` is None where the record has no counters; its writes stand under 5 minutes where no split is
    recorded and no 1-hour point was sent. ``latency_s`` is how long the reply took to begin, or failing that to
    end; None: not recorded. ``at`` is None for a bare body.
    """

    place: str
    operation: str
    model: str
    body: Json
    at: float | None = None
    request_id: str = ""
    account: str = ""
    region: str = ""
    served: str = ""
    tier: str = "default"
    usage: Usage | None = None
    latency_s: float | None = None

    @property
    def is_converse(self) -> bool:
        """Whether the body is of Converse or ConverseStream."""
        return self.operation.startswith("Converse")


def invocations_of(name: str, damages: Damages) -> Iterator[Invocation]:
    """Every request in one log file, by its path or S3 address. Failed calls are counted and left out."""
    log = LogFile(name, damages)
    for place, record in log.records(textual):
        if record.errorCode:
            damages.failed += 1
            continue
        try:
            yield _of_record(record, place, name)
        except (OSError, BodyRefused, CutShort, Undecodable) as error:
            damages.add(place, str(error))


def requests_in(name: str, damages: Damages) -> Iterator[Invocation]:
    """The request body or batch record that a file is, or every request in the log that it is."""
    try:
        value = decoded(plain(contents(name, LONGEST_BYTES)))
    except (CutShort, Undecodable):
        value = None
    bare = _bare(value, name)
    if bare is not None:
        yield bare
    else:
        yield from invocations_of(name, damages)


def one_invocation(path: Path) -> Invocation:
    """The request in a file: a body, a batch record, or the only record of a log. Raises UnreadableSource."""
    damages = Damages()
    found = list(islice(requests_in(str(path), damages), 2))
    if len(found) == 1:
        return found[0]
    if found:
        raise UnreadableSource(f"{path}: several requests, where one is looked for")
    why = f": {damages.first[0].why}" if damages.first else ""
    raise UnreadableSource(f"{path}: neither an invocation log record nor a request body{why}")


def _bare(value: Any, place: str) -> Invocation | None:
    """A request body that stands alone or in a batch record; None: the value is neither."""
    if not isinstance(value, dict):
        return None
    record = cast(Json, value)
    body = record if "messages" in record else record.get("modelInput")
    if not isinstance(body, dict):
        return None
    return Invocation(place, _operation(cast(Json, body)), str(record.get("modelId", "")), cast(Json, body))


def _operation(body: Json) -> str:
    """The operation of a bare body, told by its shape: only native bodies name a version or write text as a string."""
    native = any(name in body for name in _NATIVE)
    return "InvokeModel" if native or isinstance(body.get("system"), str) else "Converse"


def _of_record(record: Textual, place: str, log: str) -> Invocation:
    body = _body_of(record, log)
    reply = _reply_of(record, log)
    ttls = set(_ttls(body))
    counts, _ = counts_of(record, reply, hours_only=ttls == {"1h"})
    usage = None
    if counts is not None:
        usage = Usage(counts.input, counts.output or 0, counts.read, counts.write_5m, 0, counts.write_1h)
    region = record.region or ""
    return Invocation(
        place, record.operation or "InvokeModel", record.modelId, body, record.at, record.requestId,
        record.accountId or "", region, record.inferenceRegion or region, _tier(body), usage, latency_s_of(reply),
    )  # fmt: skip


def _body_of(record: Textual, log: str) -> Json:
    given = record.input
    raw = bytes(given.inputBodyJson or b"")
    if raw in (b"", b"null") and given.inputBodyS3Path:
        raw = offloaded(log, given.inputBodyS3Path)
    if raw in (b"", b"null"):
        raise Undecodable("a record without a request body")
    body = _decoded(raw)
    if not isinstance(body, dict):
        raise Undecodable(f"a request body that is a JSON {type(body).__name__}")
    return cast(Json, body)


def _reply_of(record: Textual, log: str) -> Replied:
    """The reply, or None where it is not there or of a shape of its own: its counters are in the record as well."""
    output = record.output
    raw = bytes(output.outputBodyJson or b"")
    try:
        if raw in (b"", b"null") and output.outputBodyS3Path:
            raw = offloaded(log, output.outputBodyS3Path)
        return reply_of(raw) if raw not in (b"", b"null") else None
    except (OSError, BodyRefused, CutShort, Undecodable):
        return None


def _decoded(raw: bytes) -> Any:
    try:
        return decoded(raw)
    except Undecodable:
        text = plain(raw)
        if text == raw:
            raise
    return decoded(text)


def _tier(body: Json) -> str:
    tier = body.get("serviceTier")
    return str(cast(Json, tier).get("type", "default")) if isinstance(tier, dict) else "default"


def _ttls(value: object) -> Iterator[str]:
    """The lifetimes that the points of a body ask for."""
    if isinstance(value, dict):
        for key, inner in cast(Json, value).items():
            if key in _POINTS and isinstance(inner, dict):
                yield str(cast(Json, inner).get("ttl", "5m"))
            elif key in _OF_BLOCKS:
                yield from _ttls(inner)
    elif isinstance(value, list):
        for inner in cast(Sequence[object], value):
            yield from _ttls(inner)
