"""A pin: one prefix as it was accepted, without its text, as one table of the pin file."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from rockbottom.pins.bills import ConversationLimits
from rockbottom.pins.pieces import Pieces, pieces_of
from rockbottom.pins.prefix import PinnedBlock, Prefix
from rockbottom.quantities import Usd


@dataclass(frozen=True, slots=True)
class Pin:
    """One accepted prefix. ``source`` is what gives the request: a file, ``module:function``, or a test.

    ``tokens`` are estimated unless ``counted``. ``requests_per_month`` None: not known. ``usd_per_month`` is what
    reading it would cost at the prices of ``priced_on``, every request a hit (None: no price, or no requests known).
    ``limits`` are those of the conversation that begins with it. ``pieces`` are keyed hashes of the texts of its blocks
    by place, under ``key`` (hexadecimal; empty: a pin of before there were any).
    """

    name: str
    source: str
    model: str
    api: str
    prefix: str
    tokens: int
    counted: bool
    caching: str
    points: tuple[str, ...]
    blocks: tuple[PinnedBlock, ...]
    sections: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    requests_per_month: int | None = None
    usd_per_month: Usd | None = None
    priced_on: date | None = None
    limits: ConversationLimits | None = None
    key: str = ""
    pieces: Mapping[str, Pieces] = field(default_factory=dict[str, Pieces])

    def holds(self, prefix: Prefix) -> bool:
        """Whether a prefix is the one that was accepted."""
        return (self.model, self.api, self.prefix, self.points) == (
            prefix.model_name, prefix.api, prefix.hash, prefix.points,
        )  # fmt: skip


def pin_of(
    name: str, source: str, prefix: Prefix, requests_per_month: int | None, usd_per_month: Usd | None, on: date,
    limits: ConversationLimits | None = None, key: str = "",
) -> Pin:  # fmt: skip
    """The pin of a prefix; without a ``key`` it has no pieces."""
    return Pin(
        name, source, prefix.model_name, prefix.api, prefix.hash, prefix.tokens, prefix.counted, prefix.caching.value,
        prefix.points, prefix.blocks, dict(prefix.sections), dict(prefix.parameters), requests_per_month,
        usd_per_month, on if usd_per_month is not None else None, limits, key,
        pieces_of(prefix, bytes.fromhex(key)) if key else {},
    )  # fmt: skip


def row_of_block(block: PinnedBlock) -> str:
    """A block as one line of the file."""
    words = (block.place, block.kind, block.tokens, block.digest, block.sorted_keys, block.collapsed, block.masked)
    return " ".join(map(str, words))


def block_of_row(row: str) -> PinnedBlock:
    """The block of a line; raises ValueError."""
    place, kind, tokens, *digests = row.split(" ")
    if len(digests) != 4 or [len(digest) for digest in digests] != [16, 8, 8, 8]:
        raise ValueError(f"no block: {row!r}")
    return PinnedBlock(place, kind, int(tokens), *digests)


def row_of_pieces(place: str, pieces: Pieces) -> str:
    """The pieces of a block as one line of the file."""
    return f"{place} {pieces.width} {pieces.length} {b64encode(pieces.hashes).decode()}"


def pieces_of_row(row: str) -> tuple[str, Pieces]:
    """The place and the pieces of a line; raises ValueError."""
    place, width, length, hashes = row.split(" ")
    pieces = Pieces(int(width), int(length), b64decode(hashes, validate=True))
    if pieces.width < 1 or pieces.length < 0 or len(pieces) != -(-pieces.length // pieces.width):
        raise ValueError(f"no pieces: {row[:60]!r}")
    return place, pieces


def pin_of_table(name: str, table: Mapping[str, Any]) -> Pin:
    """The pin of a table of the file; raises KeyError, TypeError, ValueError or ArithmeticError."""
    monthly, requests = table.get("usd_per_month"), table.get("requests_per_month")
    priced_on = table.get("priced_on")
    if priced_on is not None and not isinstance(priced_on, date):
        raise TypeError("priced_on is not a date")
    if requests is not None and (not isinstance(requests, int) or isinstance(requests, bool) or requests < 0):
        raise TypeError("requests_per_month is not a number of requests")
    source, model, api, prefix = (_text(table, key) for key in ("source", "model", "api", "prefix"))
    if not isinstance(table["tokens"], int):
        raise TypeError("tokens is not a number")
    return Pin(
        name,
        source,
        model,
        api,
        prefix,
        table["tokens"],
        _text(table, "tokens_are") == "counted",
        _text(table, "caching"),
        tuple(map(str, table["points"])),
        tuple(map(block_of_row, table["blocks"])),
        dict(table.get("sections", {})),
        dict(table.get("parameters", {})),
        requests,
        None if monthly is None else Usd(monthly),
        priced_on,
        _limits(table.get("budget")),
        bytes.fromhex(table.get("key", "")).hex(),
        dict(map(pieces_of_row, table.get("pieces", ()))),
    )


def _limits(table: Any) -> ConversationLimits | None:
    if table is None:
        return None
    most, least = table.get("max_usd"), table.get("min_hit_rate")
    output = table.get("output_tokens")
    return ConversationLimits(
        None if most is None else Usd(most),
        None if least is None else Usd(least),
        Decimal(table["gap_s"]),
        None if output is None else int(output),
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is not a text")
    return value
