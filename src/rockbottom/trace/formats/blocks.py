"""Block traces in JSON lines: runs of block ids, sizes, sessions, sections (the ``trace`` records of a data folder).

Members: ``t_seconds, input_tokens, output_tokens, block_tokens, model``, and ``block_runs`` (``[first, count]``
pairs) or ``block_ids``. Where ``session_id`` is given, ids are local to the session (the part before ``#``);
else they are global. ``tool_tokens`` and ``system_tokens`` say where tools and system end; ``usage`` holds
the counters that the provider reported.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rockbottom.trace.columns import KINDS, UNKNOWN, Array, SectionCode
from rockbottom.trace.gathering import Gathered
from rockbottom.trace.reading import Damages, Part, Reader, Settings, files_of, lines_of

_SLICE = KINDS.index("slice")


class _Usage(msgspec.Struct):
    uncached: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None


class _Line(msgspec.Struct):
    t_seconds: float
    input_tokens: int
    output_tokens: int
    block_tokens: int
    model: str = ""
    session_id: str = ""
    block_runs: list[tuple[int, int]] | None = None
    block_ids: list[int] | None = None
    tool_tokens: int = 0
    system_tokens: int = 0
    usage: _Usage | None = None


_decoder = msgspec.json.Decoder(_Line)


def read(part: str, settings: Settings) -> Part:
    """One file."""
    path, damages, gathered, size = Path(part), Damages(), Gathered(), 0
    for number, text in lines_of(path):
        size += len(text)
        try:
            line = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            damages.add(f"{path}:{number}", str(error))
            continue
        _add(gathered, line, settings)
    return Part(gathered.trace(), damages, size)


def _add(gathered: Gathered, line: _Line, settings: Settings) -> None:
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
    if line.block_runs is None:
        return np.array(line.block_ids or (), np.uint64)
    runs = [np.arange(first, first + count, dtype=np.uint64) for first, count in line.block_runs]
    return np.concatenate(runs) if runs else np.zeros(0, np.uint64)


def _usage(line: _Line) -> Mapping[str, Any]:
    usage = line.usage
    if usage is None or usage.uncached is None:
        return {}
    return {
        "observed_input": usage.uncached,
        "observed_read": UNKNOWN if usage.cache_read is None else usage.cache_read,
        "observed_write_5m": UNKNOWN if usage.cache_write is None else usage.cache_write,
        "observed_write_1h": UNKNOWN if usage.cache_write is None else 0,
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


READER = Reader("blocks", "block traces: runs of block ids, sizes, sections, sessions", _recognises, _parts, read)
