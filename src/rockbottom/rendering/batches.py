"""Batch runs as text: what they will cost, where they stand, how they ended."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rockbottom.batch import (
    BatchComparison,
    BatchEstimate,
    DoctorCheck,
    DoctorVerdict,
    LeftOutcome,
    Outcome,
    Prepared,
    RunState,
    SetUpPart,
)
from rockbottom.dialects import INVOKED
from rockbottom.figures import counted, megabytes, share, usd


def batch_estimate_text(prepared: Prepared, estimate: BatchEstimate) -> Iterator[str]:
    """Which way to send a run is the cheapest, and what each costs."""
    state, settings = prepared.run.state, prepared.run.settings
    yield _verdict(estimate.compared)
    if estimate.compared.cheapest == "cached" and not settings.on_demand:
        kind = "" if settings.kind == "Converse" else f" --type {settings.kind}"
        how = f"--model {settings.model}{kind} --on-demand --region {settings.region}"
        yield f"  rockbottom batch run {settings.source} {how}"
    yield ""
    files = sum(len(job.files) for job in state.jobs)
    way = "sent on demand" if settings.on_demand else f"{counted(files, 'file')} in {counted(len(state.jobs), 'job')}"
    yield f"{settings.name}: {counted(estimate.records, 'record')}, {megabytes(state.bytes)}, {way}, {settings.model}"
    output = "output without bound" if estimate.output_tokens is None else f"{estimate.output_tokens:,} out"
    sampled = "" if estimate.looked_at == estimate.records else f", from {estimate.looked_at:,} of the records"
    yield f"about {counted(estimate.input_tokens, 'token')} in (estimated{sampled}), {output} ({estimate.output_is})"
    yield from _comparison_text(estimate.compared, estimate.read_share)


def _comparison_text(ways: BatchComparison, read_share: float | None = None) -> Iterator[str]:
    yield f"{'':<22}{'input':>14}{'output':>14}{'total':>14}"
    read = f"  {share(read_share)} of input read" if read_share else ""
    for name, cost, more in (
        ("batch", ways.batch, ""),
        ("on demand", ways.on_demand, ""),
        ("on demand, cached", ways.cached, read),
    ):
        if cost is not None:
            output = cost.usd - cost.input_usd
            yield f"{name:<22}{_usd(cost.input_usd)}{_usd(output)}{_usd(cost.usd)}{more}"
    if ways.batch is None:
        yield "not sold in batch"
    if ways.why:
        yield f"not priced on demand: {ways.why}"


def _verdict(ways: BatchComparison) -> str:
    """The cheapest way, and where that is not batch what it costs beside it."""
    cheapest = ways.cached if ways.cheapest == "cached" else ways.on_demand
    if ways.cheapest == "batch" or cheapest is None or ways.batch is None or not ways.batch.usd:
        return _VERDICTS[ways.cheapest]
    less = share(1 - cheapest.usd / ways.batch.usd)
    amounts = f"{usd(cheapest.usd, 2, symbol=True)} instead of {usd(ways.batch.usd, 2, symbol=True)}"
    return f"{_VERDICTS[ways.cheapest].rstrip('.')}: {amounts} ({less} less)."


_VERDICTS = {
    "batch": "Batch is the cheapest of these.",
    "cached": "On demand with caching is cheaper than batch for these records.",
    "on demand": "On demand costs no more than batch for these records.",
}


def _usd(amount: Decimal) -> str:
    return f"{usd(amount, 4, symbol=True):>14}"


def jobs_text(state: RunState) -> Iterator[str]:
    """The jobs of a run, a line each, and what AWS says of one that failed."""
    for job in state.jobs:
        label = job.name or f"job {job.number} of attempt {job.attempt}"
        yield f"{label:<56} {job.records:>9,}  {job.status}"
        if job.message:
            yield f"  {job.message}"


def runs_text(runs: Sequence[tuple[str, RunState]]) -> Iterator[str]:
    """Runs by name, a line each."""
    for name, state in runs:
        done = sum(job.ended for job in state.jobs)
        direct = state.settings is not None and state.settings.on_demand
        under_way = "sent on demand, not finished" if direct else f"{done} of {counted(len(state.jobs), 'job')} ended"
        progress = "finished" if state.finished else under_way
        yield f"{name:<40} {state.records:>10,} records  {progress}"


def outcome_text(outcome: Outcome) -> Iterator[str]:
    """How a run ended, what it cost beside the other ways, and what is left."""
    attempts = f", {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    yield f"{outcome.name}: {outcome.answered:,} of {counted(outcome.records, 'record')} answered{attempts}"
    for error, count in sorted(outcome.tally.errors.items(), key=lambda pair: -pair[1])[:5]:
        yield f"  {count:,} x {error}"
    if outcome.tally.repeated or outcome.tally.foreign:
        foreign = f"{outcome.tally.foreign:,} belong to no record of this run"
        yield f"  {counted(outcome.tally.repeated, 'result')} came twice, {foreign}"
    usage = outcome.tally.usage
    cached = f" ({usage.cache_read:,} read, {usage.cache_write:,} written)" if outcome.on_demand else ""
    yield f"{counted(usage.total_input, 'token')} in{cached}, {usage.output:,} out, as the results count them"
    yield from _reconciled(outcome)
    yield from _comparison_text(outcome.compared)
    yield _verdict(outcome.compared)
    yield f"results: {outcome.results}"
    if outcome.answered < outcome.records:
        yield f"without an answer: {outcome.left_path}"
        yield f"  rockbottom batch leftover {outcome.name} sends them on demand, with caching; it asks first"


def _reconciled(outcome: Outcome) -> Iterator[str]:
    """Whether the manifests agree with what was found; silent when they do."""
    usage, manifests = outcome.tally.usage, outcome.manifests
    pairs: Sequence[tuple[str, int, int | None]] = (
        ("answers", outcome.answered + outcome.tally.repeated, manifests.get("successRecordCount")),
        ("input tokens", usage.input, manifests.get(INVOKED.input)),
        ("output tokens", usage.output, manifests.get(INVOKED.output)),
    )
    for name, count, expected in pairs:
        if expected is not None and expected != count:
            yield f"the manifests count {expected:,} {name}, and {count:,} were found"


def leftover_estimate_text(estimate: BatchEstimate) -> str:
    """What sending a leftover on demand may cost, in one line; its price on demand must be known."""
    plain, cached = estimate.compared.on_demand, estimate.compared.cached
    assert plain is not None
    bound = "" if estimate.output_tokens is not None else f" and answers without a bound ({estimate.output_is})"
    less = f", ${usd(cached.usd, 4)} with caching" if cached is not None and cached.usd < plain.usd else ""
    return f"{counted(estimate.records, 'record')} on demand: about ${usd(plain.usd, 4)}{less}{bound}"


def leftover_text(outcome: LeftOutcome) -> Iterator[str]:
    """What sending a leftover came to."""
    price = "no known price" if outcome.cost is None else f"${usd(outcome.cost.usd, 4)}"
    if outcome.uncounted:
        price = f"cost not known, {outcome.uncounted:,} came without counters"
    refused = f", {outcome.refused:,} refused" if outcome.refused else ""
    usage = outcome.usage
    yield f"{outcome.answered:,} of {counted(outcome.left, 'record')} answered on demand{refused}: {price}"
    yield f"{usage.input:,} uncached, {usage.cache_read:,} read, {usage.cache_write:,} written, {usage.output:,} out"
    yield f"results: {outcome.results}"


def teardown_text(parts: Sequence[SetUpPart]) -> Iterator[str]:
    """What a teardown removes, a line each with a minus, and what stays with its reason."""
    for part in parts:
        sign, why = ("  ", f"; stays: {part.stays}") if part.stays else ("- ", "")
        yield f"{sign}{part.kind} {part.name} ({part.about}){why}"


def checks_text(checks: Sequence[DoctorCheck]) -> Iterator[str]:
    """What a job would fail on, a line each, and what to do about it."""
    for check in checks:
        yield f"{check.verdict.value:<10} {check.name:<20} {check.found}"
        if check.fix and check.verdict is not DoctorVerdict.GOOD:
            yield f"{'':<31} {check.fix}"
