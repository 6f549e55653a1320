"""Predicted against observed: where the log carries the service's counters, do the semantics explain them?

Every request is predicted three ways: with the entries of all serving Regions in one, kept apart, and with entries
readable only some seconds after the request that wrote them. The first prediction that agrees names the cause; where
none does, the counters themselves do: tokens read without a cachePoint, or written again though they were live.

The bill predicted is the first one, as if one Region had served all, so that the differences of the causes add up to
the difference of the bills.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from rockbottom.catalog import Scope
from rockbottom.cost import Cost
from rockbottom.quantities import UNNAMED, ZERO_USD, Usd
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.points import as_recorded, own_points
from rockbottom.replay.policies import Stage, run
from rockbottom.replay.pricing import cost_of, usages_of
from rockbottom.trace import Array, selected

TOLERANCE = 0.02  # of the prompt: shared-out tokens are that far from the service's own count of a block
LEAST_TOKENS = 8
SLOW_START_S = 15.0


class CounterCause(Enum):
    """Why a request's counters are what they are, as far as the log tells."""

    AS_PREDICTED = "as predicted"
    REGION_HOP = "served by another Region"
    AT_THE_SAME_TIME = "written at the same time by a parallel request"
    IMPLICIT = "read without a cachePoint"
    BEFORE_THE_LOG = "read of an entry older than the log, or of traffic not in it"
    INFERRED_HOP = "written again though live: by the counters another Region"
    WRITTEN_AGAIN = "written again though live: dropped early"
    MISS = "read less than predicted"
    NOT_CACHED = "written less than predicted"


@dataclass(frozen=True, slots=True)
class CauseRow:
    """Requests with one cause: tokens read and the bill, as predicted and as observed."""

    cause: CounterCause
    requests: int
    predicted_read: int
    observed_read: int
    predicted: Cost
    observed: Cost

    @property
    def usd(self) -> Usd:
        """What was paid above the prediction; negative where it was less."""
        return self.observed.usd - self.predicted.usd

    def __add__(self, other: "CauseRow") -> "CauseRow":
        return CauseRow(
            self.cause, self.requests + other.requests, self.predicted_read + other.predicted_read,
            self.observed_read + other.observed_read, self.predicted + other.predicted, self.observed + other.observed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReplayReconciliation:
    """The bill as observed and as predicted from the recorded points, and the causes, the largest difference first."""

    observed: Cost
    predicted: Cost
    causes: tuple[CauseRow, ...]

    @property
    def parallel_usd(self) -> Usd:
        """What requests paid above the prediction because a parallel one was writing the same: who waits saves it."""
        return sum((row.usd for row in self.causes if row.cause is CounterCause.AT_THE_SAME_TIME), ZERO_USD)

    def __add__(self, other: "ReplayReconciliation") -> "ReplayReconciliation":
        rows = {row.cause: row for row in self.causes}
        for row in other.causes:
            rows[row.cause] = rows[row.cause] + row if row.cause in rows else row
        return ReplayReconciliation(
            self.observed + other.observed, self.predicted + other.predicted, _by_size(rows.values())
        )


def reconciled(stage: Stage) -> ReplayReconciliation:
    """The reconciliation of one model."""
    together = run(replace(stage, nodes=stage.merged), as_recorded)
    observed = observed_outcomes(stage)
    rows: list[CauseRow] = []
    causes = _causes(stage, together)
    for cause in CounterCause:
        chosen = np.flatnonzero(causes == _ORDER.index(cause))
        if len(chosen):
            rows.append(_row(stage, cause, chosen, together, observed))
    total = CauseRow(CounterCause.AS_PREDICTED, 0, 0, 0, Cost(), Cost())
    for row in rows:
        total = total + row
    return ReplayReconciliation(total.observed, total.predicted, _by_size(rows))


_ORDER = tuple(CounterCause)


def _row(stage: Stage, cause: CounterCause, chosen: Array, together: Outcomes, observed: Outcomes) -> CauseRow:
    trace = selected(stage.trace, chosen)
    bands = stage.bands.of_rows(chosen)
    predicted, counted = (outcomes.of_rows(chosen) for outcomes in (together, observed))
    predicted_usd, observed_usd = (cost_of(usages_of(trace, outcomes, bands)) for outcomes in (predicted, counted))
    predicted_read, observed_read = (int(outcomes.read.sum(dtype=np.int64)) for outcomes in (predicted, counted))
    return CauseRow(cause, len(chosen), predicted_read, observed_read, predicted_usd, observed_usd)


def _by_size(rows: Iterable[CauseRow]) -> tuple[CauseRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-abs(row.usd), -row.requests)))


def observed_outcomes(stage: Stage) -> Outcomes:
    """What the service's counters say of every request."""
    requests, ttls = stage.trace.requests, stage.rules.ttls
    zero = np.zeros(len(stage.trace), np.int32)
    writes = {ttl: np.maximum(column, 0) for ttl, column in requests.observed_writes.items()}
    if ttls and UNNAMED not in ttls:  # as ``Usage.named``
        unnamed = writes.pop(UNNAMED)
        writes[ttls[0]] = writes[ttls[0]] + unnamed if ttls[0] in writes else unnamed
    read, uncached = np.maximum(requests.observed_read, 0), np.maximum(requests.observed_input, 0)
    return Outcomes(zero, zero, read, writes, uncached)


def observed_cost(stage: Stage, rows: Array) -> Cost:
    """What the service counted of these requests of a stage. Raises NoPriceInForce."""
    outcomes = observed_outcomes(stage).of_rows(rows)
    return cost_of(usages_of(selected(stage.trace, rows), outcomes, stage.bands.of_rows(rows)))


def _causes(stage: Stage, together: Outcomes) -> Array:
    """The cause of every request, as its place in the order of ``CounterCause``."""
    requests = stage.trace.requests
    observed = requests.observed_read.astype(np.int64)
    written = sum((column.astype(np.int64) for column in requests.observed_writes.values()), np.zeros(1, np.int64))
    apart = run(stage, as_recorded)
    slow = run(replace(stage, delays=np.full(len(stage.trace), SLOW_START_S)), as_recorded)
    marked = np.diff(stage.trace.point_offsets) > 0
    by_itself = own_points(stage.trace, stage.rules) if stage.rules.implicit_point else None
    caches = marked if by_itself is None else marked | (by_itself > 0)
    allowed = np.maximum(TOLERANCE * requests.tokens_in, LEAST_TOKENS)
    should_write = apart.written

    def agrees(outcomes: Outcomes) -> Array:
        return np.abs(outcomes.read - observed) <= allowed

    again = (observed < apart.read - allowed) & (written >= should_write + apart.read - observed - allowed)
    hops = stage.rates.model.scope is not Scope.IN_REGION
    conditions = {
        CounterCause.IMPLICIT: ~caches & (observed > 0),
        CounterCause.NOT_CACHED: agrees(together) & agrees(apart) & (written == 0) & (should_write > LEAST_TOKENS),
        CounterCause.AS_PREDICTED: agrees(together) & agrees(apart),
        CounterCause.REGION_HOP: agrees(apart) & ~agrees(together),
        CounterCause.AT_THE_SAME_TIME: agrees(slow) & ~agrees(apart),
        CounterCause.BEFORE_THE_LOG: observed > apart.read,
        CounterCause.INFERRED_HOP: again & hops,
        CounterCause.WRITTEN_AGAIN: again,
    }
    places = [_ORDER.index(cause) for cause in conditions]
    return np.select(list(conditions.values()), places, default=_ORDER.index(CounterCause.MISS))
