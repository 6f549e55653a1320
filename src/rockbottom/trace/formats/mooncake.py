"""Mooncake's JSON lines: ``timestamp`` (ms), ``input_length``, ``output_length``, ``hash_ids`` (kvcache-ai/Mooncake).

One id per block of 512 tokens; an id names the whole prefix up to and including its block, and the last block
of a prompt is usually not full. The ids are no text, so they are only mixed with the key, not hashed
with it; without a key they are taken as they are, which keeps neighbours together in memory.
"""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rockbottom.quantities import Undecodable, decoder_of
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
from rockbottom.trace.files import files_of
from rockbottom.trace.gathering import key_words
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.records import Count

BLOCK_TOKENS = 512
_SLICE = KINDS.index("slice")


class _Line(msgspec.Struct):
    timestamp: float
    input_length: Count
    output_length: Count
    hash_ids: list[int]


_line = decoder_of(_Line)


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """One file. ``settings.options`` may hold ``block_tokens`` (default 512) and ``model``."""
    damages, seen = Damages(), 0
    size = int(settings.options.get("block_tokens", BLOCK_TOKENS))
    keep = settings.partial_blocks == "keep"
    at, tokens_in, tokens_out, counts, ids = array("d"), array("i"), array("i"), array("i"), array("Q")
    for number, text in lines_of(part, damages):
        seen += len(text)
        try:
            line = _line(text)
        except Undecodable as error:
            damages.add(f"{part}:{number}", str(error))
            continue
        full, rest = divmod(line.input_length, size)
        blocks = _words(line.hash_ids[: full + (1 if keep and rest else 0)])
        ids += blocks
        counts.append(len(blocks))
        at.append(line.timestamp / 1000)
        tokens_in.append(line.input_length)
        tokens_out.append(line.output_length)
    requests = {
        "at": np.array(at), "tokens_in": np.array(tokens_in), "tokens_out": np.array(tokens_out),
        "model": np.zeros(len(at), np.int32),
    }  # fmt: skip
    key = key_words(settings.key) if settings.key else None
    model = settings.options.get("model", "")
    return ReadPart(_trace(requests, np.array(counts), np.array(ids), size, key, model), damages, seen)


def _words(ids: list[int]) -> "array[int]":
    try:
        return array("Q", ids)
    except OverflowError:  # no ids of Mooncake's own
        return array("Q", [identifier % 2**64 for identifier in ids])


def _trace(
    requests: dict[str, Any], counts: Array, ids: Array, size: int, key: tuple[int, int] | None, model: str
) -> Trace:
    from rockbottom.trace.chaining import mixed  # loads numba: only when needed

    length, rows = len(counts), len(ids)
    offsets = offsets_of(counts)
    place = np.arange(1, rows + 1) - np.repeat(offsets[:-1], counts)  # of a block in its prompt, from 1
    depth = np.minimum(place * size, np.repeat(requests["tokens_in"], counts))
    names: dict[str, tuple[str, ...]] = dict.fromkeys(NAME_TABLES, ())
    names["model"] = (model,)
    blocks: dict[str, Any] = {"prefix": mixed(ids, *key) if key else ids, "depth": depth}
    blocks["section"] = np.full(rows, SectionCode.MESSAGES, np.uint8)
    blocks["kind"] = np.full(rows, _SLICE, np.uint8)
    blocks["weight"] = np.zeros(rows, np.uint8)  # slices are no content blocks: the lookback counts none of them
    return Trace(
        table_of(RequestColumns, requests, length),
        table_of(Blocks, blocks, rows),
        table_of(Points, {}, 0),
        offsets,
        np.zeros(length + 1, np.int64),
        names,
    )


def _recognises(path: Path, head: bytes) -> bool:
    return b'"hash_ids"' in head and b'"input_length"' in head


def _parts(source: str) -> Sequence[str]:
    return [name for name in files_of(source) if ".json" in Path(name).name]


READER = LogReader("mooncake", "Mooncake JSON lines: block ids of 512 tokens, no text", _recognises, _parts, read)
