"""A reply of the service in one shape, whatever API it came through: usage, content, and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.dialects import Dialect
from rockbottom.quantities import Ttl, Usage


@dataclass(frozen=True, slots=True)
class BenchReply:
    """What one call brought back.

    ``content`` is in Converse shape. ``latency_ms`` is the service's own figure where it gives one, else None;
    ``elapsed_ms`` is what this machine waited for the whole reply and ``first_ms`` for its first token (streams only).
    """

    usage: Usage
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    latency_ms: float | None = None
    elapsed_ms: float = 0.0
    first_ms: float | None = None
    request_id: str = ""


def counted(usage: Mapping[str, Any], dialect: Dialect, ttl: Ttl = Ttl.FIVE_MINUTES) -> Usage:
    """The usage of a reply; what it does not split by lifetime was asked for at ``ttl``. Raises ValueError."""
    counts = dialect.counters.counts(usage)
    if counts is None:
        raise ValueError("the reply counts no tokens")
    return counts.usage(ttl)
