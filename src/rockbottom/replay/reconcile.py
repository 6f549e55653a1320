"""Predicted against observed: where the log carries the service's counters, do the semantics explain them?

Every request is predicted three ways: with the entries of all serving Regions in one, kept apart, and with entries
readable only some seconds after the request that wrote them. The first prediction that agrees names the
cause.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from rockbottom.cost import Cost
from rockbottom.quantities import Usage
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.nodes import nodes_of
from rockbottom.replay.points import as_recorded
from rockbottom.replay.policies import Stage, run
from rockbottom.replay.pricing import cost_of
from rockbottom.trace import Array

TOLERANCE = 0.02  # of the prompt: shared-out tokens are that far from the service's own count of a block
LEAST_TOKENS = 8
SLOW_START_S = 15.0


class Cause(Enum):
    """Why a request's counters are what they are, as far as the log tells."""

    AS_PREDICTED = "as predicted"
    REGION_HOP = "served by another Region"
    AT_THE_SAME_TIME = "written at the same time by a parallel request"
    IMPLICIT = "read without a cachePoint"
    BEFORE_THE_LOG = "read of an entry older than the log, or of traffic not in it"
    MISS = "read less than predicted"
    NOT_CACHED = "written less than predicted"


@dataclass(frozen=True, slots=True)
class CauseRow:
    """Requests with one cause: tokens read as predicted and as observed."""

    cause: Cause
    requests: int
    predicted_read: int
    observed_read: int

    def __add__(self, other: "CauseRow") -> "CauseRow":
        return CauseRow(
            self.cause, self.requests + other.requests, self.predicted_read + other.predicted_read,
            self.observed_read + other.observed_read,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The bill as observed and as predicted from the recorded points, and the causes, the largest difference first."""

    observed: Cost
    predicted: Cost
    causes: tuple[CauseRow, ...]

    def __add__(self, other: "Reconciliation") -> "Reconciliation":
        rows = {row.cause: row for row in self.causes}
        for row in other.causes:
            rows[row.cause] = rows[row.cause] + row if row.cause in rows else row
        return Reconciliation(self.observed + other.observed, self.predicted + other.predicted, _by_size(rows.values()))


def reconciled(stage: Stage, merged: Array | None) -> Reconciliation:
    """The reconciliation of one model. ``merged`` are the namespaces without serving Regions."""
    apart = run(stage, as_recorded)
    predicted = cost_of(_usages(stage, apart), stage.rates)
    observed = cost_of(_observed(stage), stage.rates)
    return Reconciliation(observed, predicted, _by_size(_causes(stage, apart, merged)))


def _by_size(rows: Iterable[CauseRow]) -> tuple[CauseRow, ...]:
    return tuple(sorted(rows, key=lambda row: -abs(row.predicted_read - row.observed_read)))


def _usages(stage: Stage, found: Outcomes) -> dict[int, Usage]:
    from rockbottom.replay.pricing import usages_of

    return usages_of(stage.trace, found, stage.bands)


def _observed(stage: Stage) -> dict[int, Usage]:
    requests = stage.trace.requests
    zero = np.zeros(len(stage.trace), np.int32)
    found = Outcomes(
        zero, zero, np.maximum(requests.observed_read, 0), np.maximum(requests.observed_write_5m, 0),
        np.maximum(requests.observed_write_1h, 0), np.maximum(requests.observed_input, 0),
    )  # fmt: skip
    return _usages(stage, found)


def _causes(stage: Stage, apart: Outcomes, merged: Array | None) -> list[CauseRow]:
    requests = stage.trace.requests
    observed = requests.observed_read.astype(np.int64)
    written = requests.observed_write_5m.astype(np.int64) + requests.observed_write_1h
    together = run(replace(stage, nodes=nodes_of(stage.trace, merged)), as_recorded)
    slow = run(replace(stage, delays=np.full(len(stage.trace), SLOW_START_S)), as_recorded)
    marked = np.diff(stage.trace.point_offsets) > 0

    def agrees(found: Outcomes) -> Array:
        allowed = np.maximum(TOLERANCE * requests.tokens_in, LEAST_TOKENS)
        return np.abs(found.read - observed) <= allowed

    cause = np.select(
        [
            ~marked & (observed > 0),
            agrees(together) & agrees(apart) & ~((written == 0) & (apart.written_5m + apart.written_1h > LEAST_TOKENS)),
            agrees(apart) & ~agrees(together),
            agrees(slow) & ~agrees(apart),
            observed > apart.read,
            ~agrees(apart),
        ],
        [3, 0, 1, 2, 4, 5],
        default=6,
    )
    order = (Cause.AS_PREDICTED, Cause.REGION_HOP, Cause.AT_THE_SAME_TIME, Cause.IMPLICIT, Cause.BEFORE_THE_LOG,
             Cause.MISS, Cause.NOT_CACHED)  # fmt: skip
    rows: list[CauseRow] = []
    for code, name in enumerate(order):
        chosen = cause == code
        if chosen.any():
            said = int(together.read[chosen].sum(dtype=np.int64))
            rows.append(CauseRow(name, int(chosen.sum()), said, int(observed[chosen].sum())))
    return rows
