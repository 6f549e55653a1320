"""What a backtest found, typed: its encoding is the JSON that ``rockbottom monitor backtest --json`` prints.

Instants are seconds since the epoch; shares are between 0 and 1; ``share_of_tokens_read`` 0 says that nothing was read.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from rockbottom.alarms.backtest import BacktestSettings, Caught, Detection, Proposal, Tried
from rockbottom.alarms.definitions import packaged_alarms
from rockbottom.alarms.running import Firing
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usd, digits_of

CONFIDENCE = 0.95  # of the rate of false alarms that a proposal states: ``chances.rate_at_most``


class Plantation(msgspec.Struct, frozen=True):
    """One regression planted at one instant; ``caught_after_s`` None: it was not caught."""

    planted_at: float
    caught_after_s: float | None
    extra_usd: Usd


class PlantedKind(msgspec.Struct, frozen=True):
    """One kind of regression, planted at several instants; ``left_out`` counts instants where that says nothing."""

    kind: str
    share_of_tokens_read: float
    within_s: float
    left_out: int
    tries: tuple[Plantation, ...]


class ProposalResult(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold, and how often it would cry wolf; the monthly rate is None where no day was left to see it on."""

    threshold: Decimal
    false_alarms_on_unseen_days: int
    unseen_days: float
    false_alarms_a_month_at_most: float | None
    confidence: float = CONFIDENCE
    false_alarms_on_the_days_it_was_chosen_on: int
    least_calls: int
    planted: tuple[PlantedKind, ...]


class AlarmResult(msgspec.Struct, frozen=True):
    """One alarm on the calls of one model (None: of all)."""

    alarm: str
    model: str | None
    threshold: Decimal | None
    days: float
    minutes_with_data: int
    firings: tuple[Firing, ...]
    false_alarms: int
    planted: tuple[PlantedKind, ...]
    proposal: ProposalResult | None


class Backtest(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """What each alarm would have done on one recorded history.

    ``unpriced_calls`` counts by model the calls whose price is not known: they are in no cost.
    """

    calls: int
    simulated_calls: int
    unpriced_calls: Mapping[str, int]
    first: float
    last: float
    accepted_false_alarms_a_month: float
    alarms: tuple[AlarmResult, ...]


def backtest_of(
    tried: Iterable[tuple[str, Tried]], calls: Sequence[CallRecord], question: BacktestSettings
) -> Backtest:
    """The result of a backtest; ``tried`` pairs each alarm with its model, which is empty for all models."""
    return Backtest(
        calls=len(calls),
        simulated_calls=sum(call.simulated for call in calls),
        unpriced_calls=dict(unpriced_of(calls).most_common()),
        first=min(call.at for call in calls),
        last=max(call.at for call in calls),
        accepted_false_alarms_a_month=question.wolves_a_month,
        alarms=tuple(_alarm(model, alarm) for model, alarm in tried),
    )


def unpriced_of(calls: Iterable[CallRecord]) -> Counter[str]:
    """By model, the calls that ended well and have no known price."""
    return Counter(call.model for call in calls if call.cost_usd is None and call.status == "ok")


def _alarm(model: str, tried: Tried) -> AlarmResult:
    return AlarmResult(
        tried.alarm.name,
        model or None,
        tried.alarm.threshold,
        tried.days,
        tried.points,
        tuple(tried.firings),
        tried.wolves,
        tuple(_kind(detection) for detection in tried.detections),
        tried.proposal and _proposal(tried.proposal),
    )


def _proposal(proposal: Proposal) -> ProposalResult:
    return ProposalResult(
        threshold=proposal.threshold,
        false_alarms_on_unseen_days=proposal.wolves,
        unseen_days=proposal.unseen_days,
        false_alarms_a_month_at_most=proposal.month_at_most if proposal.unseen_days else None,
        false_alarms_on_the_days_it_was_chosen_on=proposal.fitted_wolves,
        least_calls=proposal.alarm.least_calls,
        planted=tuple(_kind(detection) for detection in proposal.detections),
    )


def _kind(detection: Detection) -> PlantedKind:
    tries = tuple(_plantation(caught) for caught in detection.tries)
    return PlantedKind(detection.kind, detection.share, detection.within_s, detection.left_out, tries)


def _plantation(caught: Caught) -> Plantation:
    return Plantation(caught.planted_at, caught.after_s, caught.extra_usd)


def proposals_text(tried: Sequence[tuple[str, Tried]]) -> str:
    """The proposals as a settings file: models, a threshold for each, and the least calls that any of them asks."""
    models = list(dict.fromkeys(model for model, _ in tried if model))
    lines = ["# Proposed by rockbottom monitor backtest.", *([f"models = {json.dumps(models)}"] if models else [])]
    for name in dict.fromkeys(result.alarm.name for _, result in tried):
        mine = {
            model: result.proposal
            for model, result in tried
            if result.alarm.name == name and result.proposal is not None
        }
        if mine:
            lines += ["", f"[alarms.{name}]", *_settings(name, mine)]
    return "\n".join([*lines, ""])


def _settings(name: str, proposals: Mapping[str, Proposal]) -> Iterator[str]:
    calls = max(proposal.alarm.least_calls for proposal in proposals.values())
    packaged = packaged_alarms().get(name)
    if calls != (packaged.least_calls if packaged else 0):
        yield f"least_calls = {calls}"
    if "" in proposals:
        yield f"threshold = {digits_of(proposals[''].threshold)}"
    else:
        each = ", ".join(
            f"{json.dumps(model)} = {digits_of(proposal.threshold)}" for model, proposal in proposals.items()
        )
        yield f"thresholds = {{ {each} }}"
