"""The counters of a reply read into ``quantities.Usage``; every dialect says how it names them.

Where a reply does not say for how long its writes live, whoever sent the request knows what it asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from rockbottom.quantities import Ttl, Usage, is_object

Json = Mapping[str, Any]
NO_SPLIT: Mapping[Ttl, int] = {}
_TTLS: Mapping[object, Ttl] = {ttl.value: ttl for ttl in Ttl}


class Counts(NamedTuple):
    """Tokens as a reply counts them: ``input`` was neither read nor written, ``split`` is what it says of lifetimes.

    ``output`` is None where it is not counted.
    """

    input: int
    output: int | None
    read: int
    write: int
    split: Mapping[Ttl, int] = NO_SPLIT

    def usage(self, ttl: Ttl = Ttl.FIVE_MINUTES, share: float = 1.0) -> Usage:
        """The usage. What the reply does not split was asked for at ``ttl``, all but a ``share`` at five minutes.

        A split of more than was written is none.
        """
        if not self.write:
            return Usage(self.input, self.output or 0, self.read)
        if not self.split and share == 1.0:
            return Usage.of(self.input, self.output or 0, self.read, {ttl: self.write})
        rest = self.write - sum(self.split.values())
        writes = dict(self.split if rest >= 0 else NO_SPLIT)
        rest = rest if rest >= 0 else self.write
        at_ttl = rest if share == 1.0 else round(rest * share)
        for lifetime, tokens in ((ttl, at_ttl), (Ttl.FIVE_MINUTES, rest - at_ttl)):
            writes[lifetime] = writes.get(lifetime, 0) + tokens
        return Usage.of(self.input, self.output or 0, self.read, writes)


class Counters(Struct, frozen=True):
    """The names of a dialect's counters, dotted where they lie in an object of their own.

    ``inclusive``: its input counts what was read and written too. ``tells`` is a member without which a ``usage`` is
    not of this dialect, where others name their input alike.
    """

    input: str
    output: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    split: Callable[[Json], Mapping[Ttl, int]]
    inclusive: bool = False
    tells: str = ""

    def output_of(self, usage: object) -> int | None:
        """The output that a ``usage`` object counts, whatever else it does; None where it does not."""
        return _number(usage, (self.output,)) if is_object(usage) else None

    def counts(self, usage: object) -> Counts | None:
        """The counts in a ``usage`` object; None where it does not count its input."""
        if not is_object(usage) or (self.tells and self.tells not in usage):
            return None
        counted = _number(usage, (self.input,))
        if counted is None:
            return None
        split = self.split(usage)
        read, write = _number(usage, self.read) or 0, _number(usage, self.write)
        if write is None:
            write = sum(split.values())
        if self.inclusive:
            counted = max(0, counted - read - write)
        return Counts(counted, _number(usage, (self.output,)), read, write, split)


def no_split(usage: Json) -> Mapping[Ttl, int]:
    """The lifetimes of writes of which nothing is said."""
    return NO_SPLIT


def split_of(rows: Iterable[tuple[object, object]]) -> Mapping[Ttl, int]:
    """Tokens by lifetime out of spellings of both; what is no lifetime or no number counts as not split."""
    return {_TTLS[name]: tokens for name, count in rows if name in _TTLS and (tokens := _count(count))}


MOST_UNITS = 10**9
"""No reply counts more of anything that is charged beside its tokens; a higher number is none."""

INVOKED = Counters(
    "inputTokenCount", "outputTokenCount", ("cacheReadInputTokenCount",), ("cacheWriteInputTokenCount",), no_split
)
"""The counters that Bedrock itself puts beside a native reply: in invocation logs and on the last chunk of a stream."""

_HEADER = "x-amzn-bedrock-{}-token-count"
_HEADERS = ("input", "output", "cache-read-input", "cache-write-input")


_BODIES = (
    Counters("prompt_token_count", "generation_token_count", (), (), no_split),
    Counters("inputTextTokenCount", "outputTextTokenCount", (), (), no_split),
)
"""Counters that stand in a native body itself: Llama's, and those of Titan, whose embeddings have no output."""


def body_counts(body: object) -> Counts | None:
    """The counts in a native body that has no ``usage`` object; None where it counts nothing."""
    return next((counts for counters in _BODIES if (counts := counters.counts(body)) is not None), None)


def header_counts(headers: Mapping[str, str]) -> Counts | None:
    """The counts in the headers of an InvokeModel reply, None where they are not all there."""

    counts = header_input(headers)
    return None if counts is None or counts.output is None else counts


def header_input(headers: Mapping[str, str]) -> Counts | None:
    """The counts in the headers of an InvokeModel reply that may lack the output: embeddings have none."""
    texts = [headers.get(_HEADER.format(name)) for name in _HEADERS]
    counts = [int(text) if text is not None and text.isdigit() else None for text in texts]
    uncached, output, read, write = counts
    return None if uncached is None else Counts(uncached, output, read or 0, write or 0)


def invoked(usage: Usage) -> dict[str, Any]:
    """The counters that Bedrock itself puts beside a native reply."""
    return {
        "inputTokenCount": usage.input,
        "outputTokenCount": usage.output,
        "cacheReadInputTokenCount": usage.cache_read,
        "cacheWriteInputTokenCount": usage.cache_write,
    }


def server_tools(usage: object) -> dict[str, int]:
    """How often the service ran tools of its own, by their names, in a ``usage`` object."""
    tools = usage.get("serverToolUsage") if is_object(usage) else None
    counts = tools.items() if is_object(tools) else ()
    return {str(name): count for name, count in counts if type(count) is int and 0 < count <= MOST_UNITS}


def headers_of(usage: Usage) -> dict[str, int]:
    """The counts in the headers of an InvokeModel reply."""
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return {_HEADER.format(name): count for name, count in zip(_HEADERS, counts, strict=True)}


def _number(usage: Json, names: tuple[str, ...]) -> int | None:
    for name in names:
        outer, _, inner = name.partition(".")
        value = usage.get(outer)
        if inner:
            value = value.get(inner) if is_object(value) else None
        if value is not None:
            count = _count(value)
            if count is not None:
                return count
    return None


def _count(value: object) -> int | None:
    """A whole number that is not negative, also where an export of logs spelled it 6137.0 or "6137"."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, float) and value.is_integer() and value >= 0:
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None
