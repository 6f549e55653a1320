"""Advice on several models of the same traffic put together."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import UNSET

from rockbottom.advise.evidence import Lever
from rockbottom.advise.results import AdviceResult, LeverResult, LeverSum, NextStep, TrafficAdvice
from rockbottom.catalog import SetApart
from rockbottom.quantities import ZERO_USD, Usd

_SIX = Decimal("0.000001")


def traffic_advice(
    source: str, requests: int, models: Sequence[AdviceResult], apart: Sequence[SetApart] = (), simulated: int = 0
) -> TrafficAdvice:
    """The advice on all of these models, of one source and one span; at least one."""
    ranked = sorted(models, key=lambda model: -model.today_usd)
    today, after = (sum((amount(model) for model in ranked), ZERO_USD) for amount in (_today, _after))
    return TrafficAdvice(
        schema="rockbottom.traffic-advice/1",
        source=source,
        requests=requests,
        span_s=ranked[0].span_s,
        today_usd=today,
        counted=all(model.counted for model in ranked),
        after_usd=after,
        saved=(1 - after / today).quantize(_SIX) if today else None,
        next=next_step(row for model in ranked for row in model.levers),
        levers=tuple(sums for lever in Lever if (sums := _sum(lever, ranked)) is not None),
        models=tuple(ranked),
        set_apart=tuple(apart) or UNSET,
        simulated_requests=simulated or UNSET,
    )


def _today(model: AdviceResult) -> Usd:
    return model.today_usd


def _after(model: AdviceResult) -> Usd:
    return model.after_usd


def next_step(rows: Iterable[LeverResult]) -> NextStep | None:
    """The lever to pull that saves most; where none is, the one that would save most if it may be pulled."""
    pulled: dict[Lever, Usd] = {}
    may_be_pulled: dict[Lever, Usd] = {}
    how: dict[Lever, str] = {}
    for row in rows:
        how.setdefault(row.lever, row.how)
        if row.status == "pull" and row.saves_together_usd:
            pulled[row.lever] = pulled.get(row.lever, ZERO_USD) + row.saves_together_usd
        elif row.status == "ask" and row.saves_alone_usd and row.lever in MAY_BE_ASKED:
            may_be_pulled[row.lever] = may_be_pulled.get(row.lever, ZERO_USD) + row.saves_alone_usd
    chosen = pulled or may_be_pulled
    if not chosen:
        return None
    lever = max(chosen, key=lambda name: chosen[name])
    return NextStep(lever=lever, saves_usd=chosen[lever], how=how[lever], asks=not pulled)


MAY_BE_ASKED = frozenset({Lever.BATCH, Lever.FLEX, Lever.GLOBAL})
"""Levers that an answer of the user decides; of other questions the saving is a guess."""


def _sum(lever: Lever, models: Sequence[AdviceResult]) -> LeverSum | None:
    """One lever over all models; None where it has no saving in any."""
    rows = [row for model in models for row in model.levers if row.lever is lever and row.saves_alone_usd is not None]
    if not rows:
        return None
    return LeverSum(
        lever=lever,
        pulled_for=sum(row.status == "pull" for row in rows),
        saves_alone_usd=sum((row.saves_alone_usd or ZERO_USD for row in rows), ZERO_USD),
        saves_together_usd=sum((row.saves_together_usd or ZERO_USD for row in rows), ZERO_USD),
    )
