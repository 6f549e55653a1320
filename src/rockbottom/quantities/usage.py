"""Tokens by billable unit."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from rockbottom.quantities.durations import UNNAMED, Ttl


class Unit(Enum):
    """One kind of token that has a price of its own; the value is the name of the Usage field."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_30M = "cache_write_30m"
    CACHE_WRITE_1H = "cache_write_1h"


class Usage(Struct, frozen=True):
    """Tokens of one call or of many; adds. ``input`` counts only what was neither read nor written."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_30m: int = 0
    cache_write_1h: int = 0

    @classmethod
    def of(cls, input: int, output: int, cache_read: int, writes: Mapping[Ttl, int]) -> "Usage":
        """The usage of a call that wrote so many tokens at each lifetime."""
        return cls(input, output, cache_read, **{WRITES[ttl].value: tokens for ttl, tokens in writes.items()})

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_30m + other.cache_write_30m,
            self.cache_write_1h + other.cache_write_1h,
        )

    def writes(self) -> dict[Ttl, int]:
        """Tokens written by lifetime, zeros included."""
        return {ttl: getattr(self, unit.value) for ttl, unit in WRITES.items()}

    def named(self, ttls: Sequence[Ttl]) -> "Usage":
        """The usage on a model of these lifetimes, the usual one first.

        Writes of which no lifetime was recorded stand under ``UNNAMED``; where the model has no such lifetime they were
        of its usual one.
        """
        writes = self.writes()
        if not writes[UNNAMED] or not ttls or UNNAMED in ttls:
            return self
        writes[ttls[0]] += writes.pop(UNNAMED)
        return Usage.of(self.input, self.output, self.cache_read, writes)

    @property
    def cache_write(self) -> int:
        """Tokens written, whatever the lifetime."""
        return sum(_written(self))

    @property
    def total_input(self) -> int:
        """Every token of the prompt: uncached, read and written (Bedrock's inputTokens is only the first)."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """What Bedrock reports as totalTokens: the whole prompt and the output."""
        return self.total_input + self.output

    def fields(self) -> dict[str, Any]:
        """Tokens by the name of their unit, zeros included."""
        return asdict(self)

    def items(self) -> Iterator[tuple[Unit, int]]:
        """Every unit with its tokens, zeros included, in the order of ``Unit``."""
        return zip(_UNITS, _tokens(self), strict=True)


_UNITS = tuple(Unit)  # of the class itself each is asked for anew
_tokens = attrgetter(*(unit.value for unit in _UNITS))
WRITES: Mapping[Ttl, Unit] = {ttl: Unit(f"cache_write_{ttl.value}") for ttl in Ttl}
"""The unit in which a write is billed, by its lifetime."""

_written = attrgetter(*(unit.value for unit in WRITES.values()))

NO_USAGE = Usage()
