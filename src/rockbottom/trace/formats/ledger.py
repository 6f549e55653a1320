"""rockbottom's own ledger: the calls that attached clients and ``bench`` recorded, with keyed hashes of their prefixes.

Depths were estimated before the call and are stretched to the input that the service counted. Hashes are chained from
the model, the API and the parameters of the cache key, so no column of parameters is needed. The passes of a bench
on the local endpoint had an account each. Calls that failed are counted and left out; those without usage too,
and those counted at no token, which no model saw.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rockbottom.dialects import api_of
from rockbottom.ledger import START, CallRecord, LedgerReader, is_volume, ledgers_in, volumes_of
from rockbottom.quantities import Ttl
from rockbottom.trace.addresses import UnreadableSource, is_s3
from rockbottom.trace.columns import API_CODES, KINDS, NO_TTL, SectionCode, observed
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of, opened
from rockbottom.trace.gathering import Gathered
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart

_UNKNOWN = KINDS.index("unknown")
_CODES = {ttl.value: ttl.code for ttl in Ttl}
_SESSION_TAGS = ("session", "session_id", "conversation", "conversation_id", "thread")


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """One volume. The option ``keep_alive=drop`` leaves out requests that only kept a prefix alive."""
    path, damages, gathered = part, Damages(), Gathered()
    reader = LedgerReader(Path(part).parent)
    without_pings = settings.options.get("keep_alive") == "drop"
    for call in _calls(reader, part):
        if call.status == "failed":
            damages.failed += 1
        elif call.status != "ok":
            damages.add(f"{path}: {call.request_id or call.at}", "a call whose usage never came")
        elif call.hashes and not call.usage.total:
            damages.stopped += 1
        elif not call.fits:
            damages.add(f"{path}: {call.request_id or call.at}", "a call whose prefixes do not fit together")
        elif not (without_pings and call.source == "keep-alive"):
            damages.simulated += call.simulated
            _add(gathered, call, settings.by)
    for line in reader.damaged:
        damages.add(f"{path}:byte {line.offset}", line.why)
    damages.count += reader.damaged_count - len(reader.damaged)
    damages.unfinished += reader.unfinished
    trace = gathered.trace()
    from rockbottom.trace.depths import deepened  # compiled: only when columns are made

    return ReadPart(deepened(trace, np.zeros(len(trace), np.int64)), damages, reader.bytes_read)


def _calls(reader: LedgerReader, part: str) -> Iterator[CallRecord]:
    with opened(part) as file:
        yield from reader.calls_in(file, Path(part).name, last=_may_grow(part))


def _may_grow(part: str) -> bool:
    """Whether the last line of a volume may still be written: nobody writes one that others follow."""
    path = Path(part)
    volumes = [] if is_s3(part) else volumes_of(path.parent)
    return not volumes or volumes[-1].path.name == path.name


def _add(gathered: Gathered, call: CallRecord, by: str) -> None:
    tools, stable = call.sections
    blocks = len(call.hashes)
    section = [SectionCode.TOOLS] * tools + [SectionCode.SYSTEM] * (stable - tools)
    section += [SectionCode.MESSAGES] * (blocks - stable)
    gathered.add(
        _numbers(call),
        {**_names(call), "label": call.tags.get(by) if by else None},
        [int(prefix_hash, 16) for prefix_hash in call.hashes],
        [depth - before for before, depth in pairwise([0, *call.depths])],
        section,
        [_UNKNOWN] * blocks,
        call.weights or [1] * blocks,
        [(mark, _CODES.get(ttl, NO_TTL)) for mark, ttl in zip(call.marks, call.ttls, strict=True)],
        _begins(call),
    )


def _begins(call: CallRecord) -> Sequence[int] | None:
    """Where messages begin, where the record says it: behind those that end."""
    if not call.ends:
        return None
    begins = bytearray(len(call.hashes))
    for end in call.ends:
        if end < len(begins):
            begins[end] = 1
    return begins


def _numbers(call: CallRecord) -> Mapping[str, Any]:
    identity = blake2b(call.request_id.encode(), digest_size=8).digest() if call.request_id else b""
    return {
        "at": call.at,
        "api": API_CODES[api_of(call.operation)],
        "host": bool(call.host),
        "tokens_out": call.output,
        **observed(call.usage),
        "identity": int.from_bytes(identity, "little"),
    }


def _names(call: CallRecord) -> Mapping[str, str | None]:
    in_region = call.scope in ("", "in_region")
    return {
        "session": next((call.tags[name] for name in _SESSION_TAGS if name in call.tags), None),
        "account": call.bench_pass,
        "model": call.called_as,
        "region": call.region or None,
        "served": (call.region or None) if in_region else None,
        "tier": call.tier or None,
    }


def _recognises(path: Path, head: bytes) -> bool:
    return path.name.startswith("calls-") and path.suffix == ".ndjson" and START in head


def _parts(source: str) -> Sequence[str]:
    if not is_s3(source) and Path(source).is_dir():
        volumes = [str(volume.path) for ledger in ledgers_in(Path(source)) for volume in volumes_of(ledger)]
    else:
        volumes = [name for name in files_of(source) if name == source or is_volume(Path(name).name)]
    if not volumes:
        raise UnreadableSource(f"{source}: no volume of a ledger in it")
    return volumes


READER = LogReader(
    "ledger",
    "rockbottom's own ledger, or what was shipped: keyed hashes, tokens, cachePoints",
    _recognises,
    _parts,
    read,
)
