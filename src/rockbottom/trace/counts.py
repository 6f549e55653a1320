"""What the service counted for a logged request, in whatever spelling the record holds it."""

from typing import NamedTuple

from rockbottom.quantities import Undecodable
from rockbottom.trace.records import MOST_TOKENS, Counters, Record, Replied


class Counts(NamedTuple):
    """Tokens of one request. ``output`` is None where it was not recorded."""

    input: int
    output: int | None
    read: int
    write_5m: int
    write_1h: int

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt."""
        return self.input + self.read + self.write_5m + self.write_1h


_NOTHING = Counters()


def counts_of(record: Record, reply: Replied, *, hours_only: bool) -> tuple[Counts | None, int | None]:
    """What was counted, and the tokens of the reply; None: not recorded.

    ``hours_only``: every point of the request asked for an hour, which decides where no split of the written tokens
    is recorded. Raises Undecodable where the prompt is longer than any column holds.
    """
    given, told = record.input, _counters(reply) or _NOTHING
    output = _first(record.output.outputTokenCount, told.outputTokens, told.output_tokens)
    fresh = _first(given.inputTokenCount, told.inputTokens, told.input_tokens)
    if fresh is None:
        return None, output
    read = _first(given.cacheReadInputTokenCount, record.cacheReadInputTokenCount, told.cacheReadInputTokens,
                  told.cache_read_input_tokens, told.cacheReadInputTokenCount)  # fmt: skip
    write = _first(given.cacheWriteInputTokenCount, record.cacheWriteInputTokenCount, told.cacheWriteInputTokens,
                   told.cache_creation_input_tokens, told.cacheWriteInputTokenCount)  # fmt: skip
    counts = Counts(fresh, output, read or 0, *_split(write or 0, told, hours_only))
    if counts.prompt > MOST_TOKENS:
        raise Undecodable(f"a prompt of {counts.prompt:,} tokens")
    return counts, output


def _split(write: int, told: Counters, hours_only: bool) -> tuple[int, int]:
    """Tokens written for 5 minutes and for an hour."""
    if told.cacheDetails:
        hour = sum(detail.inputTokens for detail in told.cacheDetails if detail.ttl == "1h")
        return max(write - hour, 0), hour
    if told.cache_creation is not None:
        return told.cache_creation.ephemeral_5m_input_tokens, told.cache_creation.ephemeral_1h_input_tokens
    return (0, write) if hours_only else (write, 0)


def latency_s_of(reply: Replied) -> float | None:
    """Seconds until a reply began, or failing that until it ended; None: not recorded."""
    for event in reversed(reply if isinstance(reply, list) else [reply]):
        if event is None:
            continue
        told = event.native_metrics or (event.metadata.metrics if event.metadata else event.metrics)
        if told is not None:
            spelled = (told.firstByteLatency, told.latencyMs, told.invocationLatency)
            latency = next((value for value in spelled if value is not None), None)
            return None if latency is None else latency / 1000
    return None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _counters(reply: Replied) -> Counters | None:
    """The usage of a reply; of a stream, what its events say, later ones on top of earlier ones."""
    if not isinstance(reply, list):
        return None if reply is None else reply.usage
    merged: Counters | None = None
    for event in reply:
        parts = (event.usage, event.message.usage if event.message else None,
                 event.metadata.usage if event.metadata else None)  # fmt: skip
        for usage in parts:
            if usage is not None:
                merged = usage if merged is None else _over(merged, usage)
    return merged


def _over(under: Counters, upper: Counters) -> Counters:
    values = {name: getattr(upper, name) for name in Counters.__struct_fields__}
    return Counters(**{n: getattr(under, n) if value is None else value for n, value in values.items()})
