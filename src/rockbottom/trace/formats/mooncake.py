"""Mooncake's JSON lines: ``timestamp`` (ms), ``input_length``, ``output_length``, ``hash_ids`` (kvcache-ai/Mooncake).

One id per block of 512 tokens; an id names the whole prefix up to and including its block, and the last block
of a prompt is usually not full. The ids are no text, so they are only mixed with the key, not hashed
with it; without a key they are taken as they are, which keeps neighbours together in memory.
Lines of the usual spelling are read by compiled code; any other valid JSON with the same members by msgspec.
"""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rockbottom.quantities import Undecodable, decoder_of
from rockbottom.trace.addresses import is_s3
from rockbottom.trace.columns import (
    KINDS,
    NAME_TABLES,
    Array,
    Blocks,
    Points,
    RequestColumns,
    SectionCode,
    Trace,
    offsets_of,
    table_of,
)
from rockbottom.trace.damages import Damages
from rockbottom.trace.files import CutShort, files_of, pieces_of
from rockbottom.trace.gathering import key_words
from rockbottom.trace.merging import merged
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart
from rockbottom.trace.records import Count

BLOCK_TOKENS = 512
MAPPED_BYTES = 512 << 20
_PIECE_BYTES = 64 << 20  # of a file that cannot be mapped: each is scanned as a whole
_SLICE = KINDS.index("slice")


class _Line(msgspec.Struct):
    timestamp: float
    input_length: Count
    output_length: Count
    hash_ids: list[int]


_line = decoder_of(_Line)


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """One file. ``settings.options`` may hold ``block_tokens`` (default 512) and ``model``."""
    damages = Damages()
    whole: list[Trace] = []
    seen = 0
    try:
        for piece, line in _pieces(part):
            seen += len(piece)
            whole.extend(_traces_of(piece, line, part, settings, damages))
    except CutShort as error:  # what was read before counts
        damages.add(part, str(error))
    return ReadPart(merged(whole).trace, damages, seen)


def _pieces(name: str) -> Iterator[tuple[bytes | mmap.mmap, int]]:
    """The file where it lies, if it can be mapped; else what is read of it."""
    if not is_s3(name) and 0 < Path(name).stat().st_size <= MAPPED_BYTES:
        with Path(name).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if mapped[:1] == b"{" and mapped[len(mapped) - 1 :] == b"\n":
                yield mapped, 1
                return
    yield from pieces_of(name, _PIECE_BYTES)


def _traces_of(
    piece: bytes | mmap.mmap, line: int, name: str, settings: ReaderSettings, damages: Damages
) -> Iterator[Trace]:
    from rockbottom.trace.scanning import scan_mooncake  # compiles or loads machine code: only when needed

    size = int(settings.options.get("block_tokens", BLOCK_TOKENS))
    key = key_words(settings.key) if settings.key else None
    keep = settings.partial_blocks == "keep"
    scanned = scan_mooncake(np.frombuffer(piece, np.uint8), size, keep, key)
    at, tokens_in, tokens_out, counts, prefix, depth, strange = scanned
    model = settings.options.get("model", "")
    yield _trace(at, tokens_in, tokens_out, counts, prefix, depth, model)
    for number, start, end in strange:
        place = f"{name}:{line + int(number)}"
        parsed = _slowly(piece[int(start) : int(end)], place, damages)
        if parsed is not None:
            yield _trace_of_line(parsed, size, keep, key, model)


def _slowly(text: bytes, place: str, damages: Damages) -> _Line | None:
    try:
        line = _line(text)
    except Undecodable as error:
        damages.add(place, str(error))
        return None
    return line


def _trace_of_line(line: _Line, size: int, keep: bool, key: tuple[int, int] | None, model: str) -> Trace:
    from rockbottom.trace.scanning import mix_ids

    full = line.input_length // size
    count = min(len(line.hash_ids), full + (1 if keep and line.input_length % size else 0))
    ids = np.array([identifier % 2**64 for identifier in line.hash_ids[:count]], np.uint64)
    depth = np.minimum(np.arange(1, count + 1) * size, line.input_length)
    at, tokens_in, tokens_out = np.array([line.timestamp / 1000]), np.array([line.input_length]), line.output_length
    prefix = ids if key is None else mix_ids(ids, *key)
    return _trace(at, tokens_in, np.array([tokens_out]), np.array([count]), prefix, depth, model)


def _trace(
    at: Array, tokens_in: Array, tokens_out: Array, counts: Array, prefix: Array, depth: Array, model: str
) -> Trace:
    length, rows = len(at), len(prefix)
    names: dict[str, tuple[str, ...]] = dict.fromkeys(NAME_TABLES, ())
    names["model"] = (model,)
    requests: dict[str, Any] = {"at": at, "tokens_in": tokens_in, "tokens_out": tokens_out}
    requests["model"] = np.zeros(length, np.int32)
    blocks: dict[str, Any] = {"prefix": prefix, "depth": depth}
    blocks["section"] = np.full(rows, SectionCode.MESSAGES, np.uint8)
    blocks["kind"] = np.full(rows, _SLICE, np.uint8)
    blocks["weight"] = np.zeros(rows, np.uint8)  # slices are no content blocks: the lookback counts none of them
    return Trace(
        table_of(RequestColumns, requests, length),
        table_of(Blocks, blocks, rows),
        table_of(Points, {}, 0),
        offsets_of(counts),
        np.zeros(length + 1, np.int64),
        names,
    )


def _recognises(path: Path, head: bytes) -> bool:
    return b'"hash_ids"' in head and b'"input_length"' in head


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if ".json" in Path(name).name]


READER = LogReader("mooncake", "Mooncake JSON lines: block ids of 512 tokens, no text", _recognises, _parts, read)
