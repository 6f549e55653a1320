"""Block traces in JSON lines: runs of block ids, sizes, sessions, sections (the ``trace`` records of a data folder).

Members: ``t_seconds, input_tokens, output_tokens, block_tokens, model``, and ``block_runs`` (``[first, count]``
pairs) or ``block_ids``. Where ``session_id`` is given, ids are local to the session (the part before ``#``);
else they are global. ``tool_tokens`` and ``system_tokens`` say where tools and system end; ``usage`` holds
the counters that the provider reported.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from rockbottom.figures import thousands
from rockbottom.quantities import Undecodable, decoder_of
from rockbottom.trace.columns import KINDS, UNKNOWN, Array, SectionCode, observed_write
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import files_of
from rockbottom.trace.gathering import Gathered
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.records import MOST_TOKENS, Count

_SLICE = KINDS.index("slice")


_MOST_BLOCKS = 1 << 22  # a run is two numbers and may claim any length
_Id = Annotated[int, msgspec.Meta(ge=0)]


class _Usage(msgspec.Struct):
    uncached: Count | None = None
    cache_read: Count | None = None
    cache_write: Count | None = None


class _Line(msgspec.Struct):
    t_seconds: float
    input_tokens: Count
    output_tokens: Count
    block_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]
    model: str = ""
    session_id: str = ""
    block_runs: list[tuple[_Id, Count]] | None = None
    block_ids: list[_Id] | None = None
    tool_tokens: Count = 0
    system_tokens: Count = 0
    usage: _Usage | None = None


_line = decoder_of(_Line)


def read(part: str, settings: ReaderSettings) -> ReadPart:
    damages, gathered, size = Damages(), Gathered(), 0
    for number, text in lines_of(part, damages):
        size += len(text)
        try:
            _add(gathered, _line(text), settings)
        except Undecodable as error:
            damages.add(f"{part}:{number}", str(error))
    return ReadPart(gathered.trace(), damages, size)


def _add(gathered: Gathered, line: _Line, settings: ReaderSettings) -> None:
    ids = _ids(line)
    size, total = line.block_tokens, line.input_tokens
    depth = np.minimum(np.arange(1, len(ids) + 1, dtype=np.int64) * size, total)
    if settings.partial_blocks == "drop" and len(depth) and total < len(depth) * size:
        full = total // size
        ids, depth = ids[:full], depth[:full]
    section = np.full(len(depth), SectionCode.MESSAGES, np.uint8)
    section[depth <= line.tool_tokens + line.system_tokens] = SectionCode.SYSTEM
    section[depth <= line.tool_tokens] = SectionCode.TOOLS
    gathered.add(
        {**_usage(line), "at": line.t_seconds, "tokens_in": total, "tokens_out": line.output_tokens},
        {"session": line.session_id or None, "model": line.model},
        _prefixes(ids, line.session_id.partition("#")[0], settings.key),
        depth,
        section,
        np.full(len(depth), _SLICE, np.uint8),
        np.zeros(len(depth), np.uint8),
    )


def _ids(line: _Line) -> Array:
    try:
        if line.block_runs is None:
            return np.array(line.block_ids or (), np.uint64)
        if sum(count for _, count in line.block_runs) > _MOST_BLOCKS:
            raise Undecodable(f"more than {thousands(_MOST_BLOCKS)} blocks in one request")
        runs = [np.arange(first, first + count, dtype=np.uint64) for first, count in line.block_runs]
    except OverflowError as error:
        raise Undecodable("a block id of more than 64 bits") from error
    return np.concatenate(runs) if runs else np.zeros(0, np.uint64)


def _usage(line: _Line) -> Mapping[str, Any]:
    usage = line.usage
    if usage is None or usage.uncached is None:
        return {}
    return {
        "observed_input": usage.uncached,
        "observed_read": UNKNOWN if usage.cache_read is None else usage.cache_read,
        **observed_write(usage.cache_write),
    }


def _prefixes(ids: Array, space: str, key: bytes) -> Array:
    """Ids made 64-bit prefixes of their own space; ids carry no text, so mixing them with the key is enough."""
    digest = blake2b(space.encode(), key=key[:64], digest_size=16).digest()
    first, second = np.frombuffer(digest, np.uint64)
    x = (ids ^ first) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(32)) ^ second) * np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


def _recognises(path: Path, head: bytes) -> bool:
    return b'"t_seconds"' in head and b'"block_tokens"' in head


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if ".json" in Path(name).name]


READER = LogReader("blocks", "block traces: runs of block ids, sizes, sections, sessions", _recognises, _parts, read)
