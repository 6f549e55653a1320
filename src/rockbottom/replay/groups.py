"""Requests told apart by whose they were: what each group paid, and what it would have with rockbottom attached.

Entries are shared by all groups, as they are at AWS: every bill is that of the whole traffic, divided by request.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rockbottom.cost import Cost
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.policies import Stage
from rockbottom.replay.pricing import cost_of, usages_of
from rockbottom.replay.reconcile import observed_outcomes
from rockbottom.trace import BY_COLUMN, Array, selected


@dataclass(frozen=True, slots=True)
class LabelBills:
    """The requests of one label (None: not recorded).

    ``observed`` is what the service counted, ``as_sent`` and ``none`` what the rules make of the requests with their
    points and without a cache, ``planner`` of those that the planner sets; None where it was not recorded or asked for.
    """

    label: str | None
    requests: int
    tokens_in: int
    read: int
    observed: Cost | None
    as_sent: Cost
    none: Cost
    planner: Cost | None

    def __add__(self, other: "LabelBills") -> "LabelBills":
        return LabelBills(
            self.label, self.requests + other.requests, self.tokens_in + other.tokens_in, self.read + other.read,
            _both(self.observed, other.observed), self.as_sent + other.as_sent, self.none + other.none,
            _both(self.planner, other.planner),
        )  # fmt: skip


Groups = Mapping[str | None, LabelBills]


def _both(cost: Cost | None, other: Cost | None) -> Cost | None:
    return None if cost is None or other is None else cost + other


def groups_of(stage: Stage, by: str, none: Outcomes, as_sent: Outcomes, planner: Outcomes | None) -> Groups:
    """The groups of one stage. ``none``, ``as_sent`` and ``planner`` are the outcomes of these policies."""
    codes, names = _codes(stage, by)
    observed = observed_outcomes(stage) if stage.trace.is_observed else None
    groups: dict[str | None, LabelBills] = {}
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        label: str | None = names[int(code)] if code >= 0 else None
        groups[label] = LabelBills(
            label,
            len(rows),
            int(stage.trace.requests.tokens_in[rows].sum(dtype=np.int64)),
            int((observed or as_sent).read[rows].sum(dtype=np.int64)),
            None if observed is None else _cost(stage, observed, rows),
            _cost(stage, as_sent, rows),
            _cost(stage, none, rows),
            None if planner is None else _cost(stage, planner, rows),
        )
    return groups


def _cost(stage: Stage, outcomes: Outcomes, rows: Array) -> Cost:
    """What some of the requests cost."""
    return cost_of(usages_of(selected(stage.trace, rows), outcomes.of_rows(rows), stage.bands.of_rows(rows)))


def _codes(stage: Stage, by: str) -> tuple[Array, tuple[str, ...]]:
    """The code of every request's label, and the labels by code."""
    trace, column = stage.trace, BY_COLUMN.get(by, "label")
    codes = getattr(trace.requests, column)
    names = trace.names.get("region" if column == "served" else column, ())
    return (np.full(len(trace), -1, np.int32) if codes is None else codes), names


def added_groups(groups: Groups, other: Groups) -> Groups:
    """The groups of two parts of the traffic added up by label."""
    sums = dict(groups)
    for label, group in other.items():
        sums[label] = sums[label] + group if label in sums else group
    return sums
