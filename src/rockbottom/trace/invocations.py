"""Requests of a log with their text, one at a time, for those who must look into what was said.

The columns of a ``Trace`` hold no text; ``rockbottom explain`` needs it while it reads, and nobody stores it.
Records are decoded as for columns (``logs``, ``records``); only the bodies are decoded whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from rockbottom.catalog import Tier
from rockbottom.dialects import POINT_MEMBERS, api_of, tier_of
from rockbottom.prompt import Api
from rockbottom.quantities import UNNAMED, Ttl, Undecodable, Usage, decoded
from rockbottom.trace.addresses import UnreadableSource
from rockbottom.trace.counts import is_failed, latency_s_of, model_of, usage_of
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import CutShort, contents
from rockbottom.trace.labels import labels_of
from rockbottom.trace.logs import LogFile, plain
from rockbottom.trace.records import LogRecord, Textual, raw_of, textual
from rockbottom.trace.sources import BodyRefused, offloaded
from rockbottom.trace.splitting import LONGEST_BYTES

Json = dict[str, Any]
_OF_BLOCKS = ("tools", "toolConfig", "system", "messages", "content")
_TTLS: Mapping[object, Ttl] = {ttl.value: ttl for ttl in Ttl}
_NATIVE = ("anthropic_version", "max_tokens", "schemaVersion", "tools")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request. ``served`` is the Region that processed it, ``region`` the one it was sent to. ``body`` is empty
    where the record has none.

    ``usage`` is None where the record has no counters; its writes stand under ``UNNAMED`` where no split is recorded
    and its points do not all name the same lifetime; ``output`` are the tokens of the reply, also
    where nothing else was counted. ``latency_s`` is how long the reply took to begin, or failing that to end; None: not
    recorded. ``at`` is None for a bare body. ``labels`` are what it can be told apart by.
    """

    place: str
    api: Api
    model: str
    body: Json
    at: float | None = None
    request_id: str = ""
    account: str = ""
    region: str = ""
    served: str = ""
    tier: Tier = Tier.DEFAULT
    usage: Usage | None = None
    latency_s: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    output: int = 0


def invocations_of(name: str, damages: Damages, text: Iterator[bytes] | None = None) -> Iterator[Invocation]:
    """Every request in one log file, by its path or S3 address. Calls that failed, and those that no model
    saw (counted at no token), are counted and left out.

    ``text`` is what of it is to be read; None: all.
    """
    log = LogFile(name, damages, text=text)
    for place, record in log.records(textual):
        try:
            if is_failed(record, partial(reply_of, record, name)):
                damages.failed += 1
                continue
            invocation = _of_record(record, place, name, damages)
        except (OSError, BodyRefused, CutShort, Undecodable) as error:
            damages.add(place, str(error))
            continue
        if invocation.usage is not None and not invocation.usage.total:
            damages.stopped += 1
        else:
            yield invocation


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


def first_two(path: Path) -> tuple[list[Invocation], Damages]:
    """The first requests in a file (a body, a batch record, a log), two at most, and what could not be read of it."""
    damages = Damages()
    return list(islice(requests_in(str(path), damages), 2)), damages


def only_one(path: Path, invocations: Sequence[Invocation], damages: Damages) -> Invocation:
    """The only request that was read of a file. Raises UnreadableSource where there are more, or none."""
    if len(invocations) == 1 and invocations[0].body:
        return replace(invocations[0], place=str(path))
    if invocations:
        raise UnreadableSource(f"{path} holds several requests, and one is compared")
    why = f": {damages.first[0].why}" if damages.first else ": a record without one" if invocations else ""
    raise UnreadableSource(f"{path}: neither an invocation log record nor a request body{why}")


def _bare(value: Any, place: str) -> Invocation | None:
    """A request body that stands alone or in a batch record; None: the value is neither."""
    if not isinstance(value, dict):
        return None
    record = cast(Json, value)
    body = record if "messages" in record else record.get("modelInput")
    if not isinstance(body, dict):
        return None
    return Invocation(place, _api(cast(Json, body)), str(record.get("modelId", "")), cast(Json, body))


def _api(body: Json) -> Api:
    """The family of a bare body, told by its shape: only native bodies name a version or write text as a string."""
    native = any(name in body for name in _NATIVE) or isinstance(body.get("system"), str)
    return Api.INVOKE if native else Api.CONVERSE


def _of_record(record: Textual, place: str, log: str, damages: Damages) -> Invocation:
    reply = _reply_or_nothing(record, log)
    try:
        body = _body_of(record, log)
    except (OSError, BodyRefused, CutShort, Undecodable) as error:  # it was counted all the same
        damages.add(place, f"the request body: {error}")
        body = {}
    usage, output = usage_of(record, lambda: reply, set(_ttls(body)))
    region, model = record.region or "", model_of(record, lambda: reply)
    return Invocation(
        place, api_of(record.operation), model, body, record.at, record.requestId, record.accountId or "", region,
        record.inferenceRegion or region, tier_of(body), usage, latency_s_of(reply),
        labels_of(record), max(output or 0, 0),
    )  # fmt: skip


def _body_of(record: Textual, log: str) -> Json:
    raw, where = raw_of(record.input.inputBodyJson), record.input.inputBodyS3Path
    if not raw and where:
        raw = offloaded(log, where)
    if not raw:
        return {}
    body = _decoded(raw)
    if not isinstance(body, dict):
        raise Undecodable(f"a request body that is a JSON {type(body).__name__}")
    return cast(Json, body)


def reply_of(record: LogRecord[Any], log: str) -> bytes:
    """The JSON of a reply, from beside the log where it is there; empty where none was recorded.

    Raises what ``offloaded`` does.
    """
    raw, where = raw_of(record.output.outputBodyJson), record.output.outputBodyS3Path
    return offloaded(log, where) if where and not raw else raw


def _reply_or_nothing(record: Textual, log: str) -> bytes:
    """The reply, or nothing where it cannot be read: its counters are in the record as well."""
    try:
        return reply_of(record, log)
    except (OSError, BodyRefused, CutShort):
        return b""


def _decoded(raw: bytes) -> Any:
    try:
        return decoded(raw)
    except Undecodable:
        text = plain(raw)
        if text == raw:
            raise
    return decoded(text)


def _ttls(value: object) -> Iterator[Ttl]:
    """The lifetimes that the points of a body ask for; ``UNNAMED`` for one that names none that is known."""
    if isinstance(value, dict):
        for key, inner in cast(Json, value).items():
            if key in POINT_MEMBERS and isinstance(inner, dict):
                yield _TTLS.get(cast(Json, inner).get("ttl"), UNNAMED)
            elif key in _OF_BLOCKS:
                yield from _ttls(inner)
    elif isinstance(value, list):
        for inner in cast(Sequence[object], value):
            yield from _ttls(inner)
