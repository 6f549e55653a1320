"""A report as a table for a terminal, 80 columns wide."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from rockbottom.client.books import Line, Report

_NAME = 30
_MOST_PREFIXES = 12


def table_of(report: Report) -> str:
    """The table: models, then prefixes, then what was noticed."""
    return "\n".join(_rows(report))


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
    if report.total.unpriced_calls:
        yield f"{report.total.unpriced_calls} calls have no known price: their tokens count, their cost does not"
    yield from (f"note: {notice}" for notice in report.notices)


def _lines(lines: Iterable[Line]) -> Iterator[str]:
    return (_row(line) for line in lines)


def _row(line: Line) -> str:
    usage = line.usage
    read = f"{100 * usage.cache_read // usage.total_input}%" if usage.total_input else "-"
    saved = f"{100 * line.saved_usd / line.uncached_usd:.0f}%" if line.uncached_usd else "-"
    return (
        f"{_clipped(line.name):{_NAME}} {line.calls:>6} {_short(usage.total_input):>8} {read:>5} "
        f"{_usd(line.cost_usd):>10} {_usd(line.saved_usd):>10} {saved:>5}"
    )


def _clipped(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."


def _short(tokens: int) -> str:
    if tokens < 100_000:
        return f"{tokens:,}"
    return f"{tokens / 1e6:.1f}M" if tokens >= 1_000_000 else f"{tokens // 1000}k"


def _usd(amount: Decimal) -> str:
    return f"{amount:.4f}" if abs(amount) < 100 else f"{amount:,.2f}"
