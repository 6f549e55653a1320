"""What was used since a client was attached, line by line: as JSON, and as a table of 80 columns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rockbottom.figures import clipped, share, short_tokens, usd
from rockbottom.quantities import Usage, Usd

_NAME = 30
_MOST_PREFIXES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a report. ``saved_usd`` is against no caching; negative where caching cost money."""

    name: str
    calls: int
    usage: Usage
    cost_usd: Usd
    uncached_usd: Usd
    unpriced_calls: int

    @property
    def saved_usd(self) -> Usd:
        """US dollars saved against no caching."""
        return self.uncached_usd - self.cost_usd

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text."""
        return {
            "name": self.name,
            "calls": self.calls,
            "tokens": {unit.value: tokens for unit, tokens in self.usage.items()},
            "cost_usd": str(self.cost_usd),
            "uncached_usd": str(self.uncached_usd),
            "saved_usd": str(self.saved_usd),
            "unpriced_calls": self.unpriced_calls,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What an attached client has used since it was attached. ``str()`` is a table of at most 80 columns."""

    since: float
    until: float
    models: tuple[Line, ...]
    prefixes: tuple[Line, ...]
    total: Line
    without_usage: int
    keep_alive_usd: Usd
    notices: tuple[str, ...]
    held_back: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text, instants in seconds since the epoch."""
        return {
            "since": self.since,
            "until": self.until,
            "total": self.total.to_dict(),
            "models": [line.to_dict() for line in self.models],
            "prefixes": [line.to_dict() for line in self.prefixes],
            "calls_without_usage": self.without_usage,
            "calls_held_back": self.held_back,
            "keep_alive_usd": str(self.keep_alive_usd),
            "notices": list(self.notices),
        }

    def __str__(self) -> str:
        return "\n".join(_rows(self))


def _rows(report: Report) -> Iterator[str]:
    if not report.total.calls:
        yield "no finished call so far"
    else:
        yield f"{'':{_NAME}} {'calls':>6} {'input':>8} {'read':>5} {'cost USD':>10} {'saved USD':>10} saved"
        yield from _lines(report.models)
        yield "by prefix"
        yield from _lines(report.prefixes[:_MOST_PREFIXES])
        if len(report.prefixes) > _MOST_PREFIXES:
            yield f"  and {len(report.prefixes) - _MOST_PREFIXES} more"
        yield _row(report.total)
    if report.keep_alive_usd:
        yield f"keep-alive requests cost {_usd(report.keep_alive_usd)} USD, which is not in the lines above"
    if report.without_usage:
        yield f"{report.without_usage} calls ended without usage (stream not read to its end, or failed)"
    if report.held_back:
        yield f"{report.held_back} calls were cached less than should pay: the guard held it back (see the notes)"
    if report.total.unpriced_calls:
        yield f"{report.total.unpriced_calls} calls have no known price: their tokens count, their cost does not"
    yield from (f"note: {notice}" for notice in report.notices)


def _lines(lines: Iterable[Line]) -> Iterator[str]:
    return (_row(line) for line in lines)


def _row(line: Line) -> str:
    usage = line.usage
    read = share(Decimal(usage.cache_read) / usage.total_input) if usage.total_input else "-"
    saved = share(line.saved_usd / line.uncached_usd) if line.uncached_usd else "-"
    return (
        f"{clipped(line.name, _NAME, '...'):{_NAME}} {line.calls:>6} "
        f"{short_tokens(usage.total_input, exact_below=100_000):>8}{read:>6} "
        f"{_usd(line.cost_usd):>10} {_usd(line.saved_usd):>10}{saved:>6}"
    )


def _usd(amount: Decimal) -> str:
    return usd(amount, ((100, 2), (0, 4)), bare_zero=False)
