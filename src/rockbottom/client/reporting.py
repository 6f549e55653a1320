"""What was used since a client was attached, line by line: as JSON, and as a table of 80 columns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rockbottom.client.charges import LOST_ATTEMPTS
from rockbottom.cost import ArmComparison
from rockbottom.figures import (
    clipped,
    counted,
    narrow_name,
    paragraph,
    share,
    short_tokens,
    thousands,
    usd,
    without_usage,
)
from rockbottom.quantities import ZERO_USD, Usage, Usd, digits_of

_NAME = 34
_MOST_PREFIXES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a report: the calls of one model, of one prefix, or all of them.

    ``name`` is that of the model, or the digest and the size of the tools and system that the calls share. ``usage`` is
    tokens by billable unit. ``cost_usd`` is what the calls cost at list prices, ``uncached_usd`` what the same tokens
    would have cost without caching, both in US dollars and without the ``unpriced_calls``, whose price is not known.
    """

    name: str
    calls: int
    usage: Usage
    cost_usd: Usd
    uncached_usd: Usd
    unpriced_calls: int

    @property
    def saved_usd(self) -> Usd:
        """US dollars saved against no caching; negative where caching cost more than it saved."""
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
class Rehearsals:
    """Calls that were only observed: what they cost, and what they would have cost with the planner."""

    calls: int = 0
    cost_usd: Usd = ZERO_USD
    planned_usd: Usd = ZERO_USD

    @property
    def would_save_usd(self) -> Usd:
        """US dollars that the planner would have saved on these calls; negative where it would have cost money."""
        return self.cost_usd - self.planned_usd

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text."""
        return {
            "calls": self.calls,
            "cost_usd": str(self.cost_usd),
            "planned_usd": str(self.planned_usd),
            "would_save_usd": str(self.would_save_usd),
        }


@dataclass(frozen=True, slots=True)
class Beside:
    """What the tokens of the replies do not show.

    ``lost``: attempts that were sent and got no answer, each of which AWS may bill as well. ``cut``: calls whose stream
    was not read to its end, which cost at least what is counted. ``unmetered_tokens``: estimated, of the prompts of
    calls without usage; ``unmetered_calls`` of these were answered, so that their prompts cost between the amounts of
    ``unmetered_usd``, estimated and in no sum, and their answers more. ``units``: of guardrails and of tools that the
    service ran, which cost ``usd``, a part of the total. ``uncounted``: calls with a charge of which no price or no
    amount is known, by its name.
    """

    lost: int = 0
    cut: int = 0
    unmetered_tokens: int = 0
    units: Mapping[str, int] = field(default_factory=dict[str, int])
    usd: Usd = ZERO_USD
    uncounted: Mapping[str, int] = field(default_factory=dict[str, int])
    unmetered_calls: int = 0
    unmetered_usd: tuple[Usd, Usd] = (ZERO_USD, ZERO_USD)

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text."""
        return {
            "attempts_without_answer": self.lost,
            "calls_cut": self.cut,
            "unmetered_prompt_tokens": self.unmetered_tokens,
            "unmetered_calls": self.unmetered_calls,
            "unmetered_prompt_usd": [digits_of(amount) for amount in self.unmetered_usd],
            "charges": dict(self.units),
            "charges_usd": str(self.usd),
            "not_counted": dict(self.uncounted),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What an attached client has used since it was attached; ``str()`` is a table of at most 80 columns.

    ``since`` and ``until`` are seconds since the epoch; ``models`` and ``prefixes`` are the rows, ``total`` is their
    sum. ``keep_alive_usd`` is what keep-alive requests cost in US dollars, which is in no row. Counts of calls:
    ``without_usage`` (their reply had none, so their cost is not known), ``held_back`` (the planner's guard forbade a
    write that was expected to pay), ``local`` (of a local endpoint, billed by nobody), ``unplanned`` (sent as they
    were, by the reason) and ``unpriced`` (of no known price, by the model). ``notices`` are sentences on what keeps
    caching from happening. ``dry_run`` and ``holdout`` are there where ``attach`` was given them; ``beside`` is what
    the tokens of replies do not show.
    """

    since: float
    until: float
    models: tuple[Line, ...]
    prefixes: tuple[Line, ...]
    total: Line
    without_usage: int
    keep_alive_usd: Usd
    notices: tuple[str, ...]
    held_back: int = 0
    dry_run: Rehearsals | None = None
    local: int = 0  # calls of a local endpoint, which nobody billed
    unplanned: Mapping[str, int] = field(default_factory=dict[str, int])  # why, and how many calls
    unpriced: Mapping[str, int] = field(default_factory=dict[str, int])  # of which model, and how many calls
    holdout: ArmComparison | None = None
    beside: Beside = Beside()

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
            "calls_local": self.local,
            "calls_unplanned": dict(self.unplanned),
            "calls_unpriced": dict(self.unpriced),
            "beside": self.beside.to_dict(),
            "notices": list(self.notices),
            **({"dry_run": self.dry_run.to_dict()} if self.dry_run is not None else {}),
            **({"holdout": self.holdout.to_dict()} if self.holdout is not None else {}),
        }

    def __str__(self) -> str:
        return "\n".join(_rows(self))


def _rows(report: Report) -> Iterator[str]:
    if not report.total.calls:
        yield "No call has finished yet."
    else:
        yield from paragraph(_sentence(report), 80, rest="  ")
        heading = "" if report.dry_run is None else "as sent"
        yield f"{heading:{_NAME}} {'calls':>6} {'input':>7} {'read':>4} {'cost $':>9} {'saved $':>9} saved"
        yield from _lines(report.models)
        yield "by prefix (digest: tokens, model)"
        yield from _lines(report.prefixes[:_MOST_PREFIXES])
        if len(report.prefixes) > _MOST_PREFIXES:
            yield f"  and {len(report.prefixes) - _MOST_PREFIXES} more"
        yield _row(report.total)
    if report.local:
        part = "all" if report.local == report.total.calls else f"{thousands(report.local)}"
        yield f"simulated: {part} of these calls went to a local endpoint, nobody billed them"
    if report.holdout is not None:
        yield str(report.holdout)
    if report.keep_alive_usd:
        yield f"keep-alive requests cost ${_usd(report.keep_alive_usd)}, which is not in the lines above"
    if report.without_usage:
        beside, why = report.beside, " (not read to the end, failed, or nothing is counted)"
        bare = without_usage(report.without_usage, beside.unmetered_calls, beside.unmetered_usd, why=why)
        yield from paragraph(bare, 80, rest="  ")
    yield from _besides(report.beside, report.without_usage)
    if report.held_back:
        held_back = counted(report.held_back, "call was", "calls were")
        yield f"{held_back} cached less than would pay: the guard against useless writes held it back (see the notes)"
    if report.total.unpriced_calls:
        unpriced = counted(report.total.unpriced_calls, "call")
        yield f"{unpriced} without a known price: the tokens count, the cost does not"
        yield from (f"  {counted(calls, 'call')} of {model}" for model, calls in report.unpriced.items())
    for why, calls in report.unplanned.items():
        yield from paragraph(f"{counted(calls, 'call')} not planned: {why}", 80, rest="  ")
    yield from (f"note: {notice}" for notice in report.notices)


def _besides(beside: Beside, without: int) -> Iterator[str]:
    if beside.unmetered_tokens:
        whose = "its prompt" if without == 1 else "their prompts"
        yield f"  {whose} had about {short_tokens(beside.unmetered_tokens)} tokens, which are not counted above"
    if beside.cut:
        cut = counted(beside.cut, "stream was", "streams were")
        yield f"{cut} not read to the end: tokens and cost are at least those counted"
    if beside.lost:
        yield f"{counted(beside.lost, 'attempt')} got no answer; AWS may still bill them, but they are not counted here"
    for name, units in sorted(beside.units.items()):
        yield f"{name}: {thousands(units)}"
    if beside.usd:
        yield f"  ${_usd(beside.usd)} of the cost above are for these"
    for name, calls in sorted(beside.uncounted.items()):
        if name != LOST_ATTEMPTS:
            yield f"not counted, as no price or no amount is known: {name} ({counted(calls, 'call')})"


def _sentence(report: Report) -> str:
    """What the calls cost, beside what they would have cost without caching or, in a dry run, with the planner."""
    observed = report.dry_run
    if observed is not None:
        amounts = f"${_usd(observed.planned_usd)} instead of ${_usd(observed.cost_usd)}"
        less = f" ({_less(observed.planned_usd, observed.cost_usd)})" if observed.cost_usd else ""
        calls = counted(observed.calls, "call")
        return f"With rockbottom attached {calls} would have cost {amounts}{less}. Nothing that was sent was changed."
    total = report.total
    if total.unpriced_calls and total.unpriced_calls == total.calls:
        return f"{counted(total.calls, 'call')} without a known price: what was spent is not known."
    calls = counted(total.calls - total.unpriced_calls, "call")
    if not total.uncached_usd:
        return f"{calls} cost ${_usd(total.cost_usd)}."
    less = _less(total.cost_usd, total.uncached_usd)
    return f"{calls} cost ${_usd(total.cost_usd)} instead of ${_usd(total.uncached_usd)} without caching ({less})."


def _less(amount: Usd, before: Usd) -> str:
    saved = 1 - amount / before
    return "the same" if not saved else f"{share(abs(saved))} {'less' if saved > 0 else 'more'}"


def _lines(lines: Iterable[Line]) -> Iterator[str]:
    return (_row(line) for line in lines)


def _row(line: Line) -> str:
    usage = line.usage
    read = share(Decimal(usage.cache_read) / usage.total_input) if usage.total_input else "-"
    saved = share(line.saved_usd / line.uncached_usd) if line.uncached_usd else "-"
    return (
        f"{clipped(narrow_name(line.name, 80), _NAME, '...'):{_NAME}} {line.calls:>6} "
        f"{f'{short_tokens(usage.total_input, exact_below=100_000):>6} {read:>4}':>12} "
        f"{_usd(line.cost_usd):>9} {_usd(line.saved_usd):>9}{saved:>6}"
    )


def _usd(amount: Decimal) -> str:
    return usd(amount, ((100, 2), (0, 4)), bare_zero=False)
