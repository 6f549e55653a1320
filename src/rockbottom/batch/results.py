"""What a run, its end and its leftover come to, typed: the encoding is the JSON that ``rockbottom batch`` prints.

Money is exact (text in JSON); tokens and records are integers.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from rockbottom.batch.outcomes import LeftOutcome, Outcome
from rockbottom.batch.pricing import BatchComparison, BatchEstimate
from rockbottom.batch.state import JobState, RunState
from rockbottom.quantities import Usd


class JobResult(msgspec.Struct, frozen=True):
    """One job of one attempt; ``name`` and ``arn`` are None before it is submitted, ``status`` is AWS's word."""

    name: str | None
    arn: str | None
    attempt: int
    records: int
    status: str
    message: str | None


class RunResult(msgspec.Struct, frozen=True):
    """A run and its jobs; ``finished`` is the outcome as it was written down, None while there is none."""

    name: str
    records: int
    jobs: tuple[JobResult, ...]
    finished: dict[str, Any] | None


class WaysUsd(msgspec.Struct, frozen=True, rename="camel"):
    """What records cost in batch, on demand and with caching, in US dollars; None where a way has no known price."""

    batch: Usd | None
    on_demand: Usd | None
    on_demand_cached: Usd | None


class OutcomeResult(msgspec.Struct, frozen=True, rename="camel"):
    """How a run ended. ``manifest`` has AWS's own counts, ``errors`` how often each was met.

    ``sent`` is the way that was taken, ``batch`` or ``onDemandCached``: a member of ``usd``.
    """

    name: str
    records: int
    answered: int
    refused: int
    left: int
    attempts: int
    repeated: int
    foreign: int
    without_usage: int
    errors: dict[str, int]
    input_tokens: int
    output_tokens: int
    manifest: dict[str, int]
    usd: WaysUsd
    cheapest: str
    results: str
    sent: str
    read_tokens: int
    written_tokens: int


class WaysResult(msgspec.Struct, frozen=True, rename="camel"):
    """What records would cost; ``sent`` is ``nothing``. ``outputTokens`` is None where answers have no bound.

    ``lookedAt``: of how many records the tokens are; ``readShare``: how much of the input caching would read.
    """

    records: int
    looked_at: int
    input_tokens: int
    output_tokens: int | None
    output_is: str
    read_share: float
    usd: WaysUsd
    cheapest: str
    sent: str = "nothing"


class LeftoverResult(msgspec.Struct, frozen=True, rename="camel"):
    """Records sent on demand: ``usd`` is None where an answer has no known price or came without counters."""

    left: int
    answered: int
    refused: int
    usd: Usd | None
    without_usage: int
    input_tokens: int
    read_tokens: int
    written_tokens: int
    output_tokens: int
    results: str


def run_result(name: str, state: RunState) -> RunResult:
    """A run as its journal has it."""
    return RunResult(name, state.records, tuple(_jobs(state.jobs)), state.finished)


def _jobs(jobs: Iterable[JobState]) -> Iterable[JobResult]:
    for job in jobs:
        yield JobResult(job.name, job.arn, job.attempt, job.records, job.status, job.message)


def estimate_result(estimate: BatchEstimate) -> WaysResult:
    """An estimate as it is printed."""
    return WaysResult(
        estimate.records, estimate.looked_at, estimate.input_tokens, estimate.output_tokens, estimate.output_is,
        estimate.read_share, _usd_of(estimate.compared), estimate.compared.cheapest,
    )  # fmt: skip


def _usd_of(ways: BatchComparison) -> WaysUsd:
    costs = (ways.batch, ways.on_demand, ways.cached)
    return WaysUsd(*(cost and cost.usd for cost in costs))


def summary_of(outcome: Outcome) -> OutcomeResult:
    """An outcome as it is printed and written down."""
    ways, usage = outcome.compared, outcome.tally.usage
    return OutcomeResult(
        name=outcome.name,
        records=outcome.records,
        answered=outcome.answered,
        refused=outcome.refused,
        left=outcome.left,
        attempts=outcome.attempts,
        repeated=outcome.tally.repeated,
        foreign=outcome.tally.foreign,
        without_usage=outcome.tally.unmetered,
        errors=outcome.tally.errors,
        input_tokens=usage.input,
        output_tokens=usage.output,
        manifest=dict(outcome.manifests),
        usd=_usd_of(ways),
        cheapest=ways.cheapest,
        results=str(outcome.results),
        sent="onDemandCached" if outcome.on_demand else "batch",
        read_tokens=usage.cache_read,
        written_tokens=usage.cache_write,
    )


def leftover_result(outcome: LeftOutcome) -> LeftoverResult:
    """What sending the leftover came to."""
    usage = outcome.usage
    return LeftoverResult(
        left=outcome.left,
        answered=outcome.answered,
        refused=outcome.refused,
        usd=outcome.cost and outcome.cost.usd,
        without_usage=outcome.uncounted,
        input_tokens=usage.input,
        read_tokens=usage.cache_read,
        written_tokens=usage.cache_write,
        output_tokens=usage.output,
        results=str(outcome.results),
    )
