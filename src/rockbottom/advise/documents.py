"""Estimates as typed results; ``rendering`` draws from them alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rockbottom.advise.besides import Guarding, Lines, costs_of, total_of_lines
from rockbottom.advise.bills import MonthlyBill
from rockbottom.advise.capacity import HourlyCapacity, capacities
from rockbottom.advise.estimates import Estimate, Result, shares
from rockbottom.advise.presets import Preset
from rockbottom.advise.results import (
    BreakEvenResult,
    CapacityResult,
    ContestedPriceResult,
    CreditResult,
    CreditWay,
    CrossingsResult,
    EstimateResult,
    LineResult,
    PresetResult,
    PricedPreset,
    PriceRowResult,
    ShapeResult,
    SweepResult,
    UnpricedWay,
    WayResult,
)
from rockbottom.advise.shapes import WorkloadShape
from rockbottom.advise.sweeps import Sweep
from rockbottom.catalog import Price
from rockbottom.quantities import WRITES, Unit, Usd

_SIX = Decimal("0.000001")
_MONTH_HOURS = 730
_UNITS = list(Unit)


def document_of(
    estimate: Estimate, *, preset: Preset | None = None, credit: Usd | None = None, curve: Sweep | None = None,
    beside: Lines = (), capacity: bool = False,
) -> EstimateResult:  # fmt: skip
    """The document of one estimate, with what is charged ``beside`` the tokens, and ``capacity`` by the hour."""
    tariff = estimate.question.tariff
    return EstimateResult(
        schema="rockbottom.estimate/1",
        model=tariff.model.given,
        name=tariff.model.model.name,
        scope=tariff.model.scope,
        priced_on=tariff.on,
        shape=_shape(estimate, preset),
        best=estimate.best.way.name,
        ways=tuple(_way(estimate, result) for result in estimate.results),
        break_even=tuple(BreakEvenResult(row.ttl, row.reads, _number(row.per_hour)) for row in estimate.break_evens),
        crossings_per_hour=CrossingsResult(
            _number(estimate.crossings.hour_over_five), _number(estimate.crossings.keep_alive_over_five)
        ),
        credit=_credit(estimate, credit) if credit is not None else None,
        sweep=SweepResult(curve.prompt_tokens, curve.pays_from, curve.beats_batch_from, curve.points)
        if curve
        else None,
        prices=tuple(map(price_row, _prices(estimate))),
        contested=_contested(estimate),
        beside=costs_of(beside),
        beside_usd=total_of_lines(beside),
        capacity=tuple(map(_capacity, capacities(tariff, *_mix(estimate.question.shape)))) if capacity else None,
    )


def _mix(shape: WorkloadShape) -> tuple[Decimal, Decimal]:
    """Input and output tokens of a request, in the middle of its conversation."""
    turns = shape.traffic.turns
    return Decimal(shape.prompt_tokens(1) + shape.prompt_tokens(turns)) / 2, Decimal(shape.output_tokens)


def guarded(shape: WorkloadShape, guard: Guarding) -> Lines:
    """A month of a guardrail on a shape."""
    own = Decimal(shape.question_tokens)
    return guard.lines(shape.traffic.requests, _mix(shape)[0], own, Decimal(shape.output_tokens))


def _capacity(offer: HourlyCapacity) -> CapacityResult:
    return CapacityResult(
        kind=offer.kind, term=offer.term, usd_hour=offer.usd_hour, usd_month=offer.usd_hour * _MONTH_HOURS,
        break_even=offer.break_even.quantize(_SIX), saves=_number(offer.saves), source=offer.price.source.title,
        url=offer.price.source.url,
    )  # fmt: skip


def preset_document(preset: Preset) -> PresetResult:
    return PresetResult(preset=preset.name, about=preset.about, assumes=preset.assumes, source=preset.source)


def priced_preset(preset: Preset, estimate: Estimate) -> PricedPreset:
    """A preset with its estimate on one model."""
    document = document_of(estimate, preset=preset)
    best = document.best_way
    return PricedPreset(
        preset=preset.name, about=preset.about, assumes=preset.assumes, source=preset.source,
        before_usd=document.without_caching.usd, after_usd=best.usd, best=best.name,
        saved_of_input=best.saved_of_input, saved=best.saved,
    )  # fmt: skip


def price_row(price: Price) -> PriceRowResult:
    """A price row as it is in a result."""
    return PriceRowResult(**_row(price))


def _row(price: Price) -> dict[str, Any]:
    """The fields of a price row with its source."""
    return {
        "unit": price.unit,
        "scope": price.scope,
        "tier": price.tier,
        "usd_per_mtok": price.usd_per_mtok,
        "valid_from": price.valid_from,
        "checked_on": price.source.checked_on,
        "source": price.source.title,
        "url": price.source.url,
        "place": price.place,
    }


def _shape(estimate: Estimate, preset: Preset | None) -> ShapeResult:
    question, shape = estimate.question, estimate.question.shape
    traffic = shape.traffic
    return ShapeResult(
        name=shape.name,
        assumes=preset.assumes if preset else None,
        source=preset.source if preset else None,
        requests=traffic.requests,
        turns=traffic.turns,
        turn_gap_s=traffic.turn_gap_s,
        days=traffic.days,
        hours=traffic.hours,
        layers=shape.layers,
        question_tokens=shape.question_tokens,
        added_tokens=shape.added_tokens,
        output_tokens=shape.output_tokens,
        prompt_tokens=(shape.prompt_tokens(1), shape.prompt_tokens(traffic.turns)),
        arrivals="gaps" if question.gaps_s else "writes given" if question.writes is not None else "poisson",
        gaps_s=question.gaps_s,
        writes=question.writes,
    )


def _way(estimate: Estimate, result: Result) -> WayResult | UnpricedWay:
    bill = result.bill
    if bill is None:
        return UnpricedWay(name=result.way.name, why=result.why)
    of_input, of_total = shares(estimate, result)
    return WayResult(
        name=result.way.name,
        why="",
        usd=bill.usd,
        input_usd=bill.input_usd,
        usd_per_1000_requests=bill.usd / estimate.question.shape.traffic.requests * 1000,
        saved_of_input=_number(of_input),
        saved=_number(of_total),
        hit_rate=_number(estimate.hit_rate(result)),
        written_tokens=_whole(bill.tokens(*WRITES.values())),
        items=_items(bill),
    )


def _items(bill: MonthlyBill) -> tuple[LineResult, ...]:
    lines = sorted(bill.lines, key=lambda line: (line.keep_alive, _UNITS.index(line.price.unit)))
    return tuple(
        LineResult(
            unit=line.price.unit, keep_alive=line.keep_alive, tokens=_whole(line.tokens),
            usd_per_mtok=line.price.usd_per_mtok, usd=line.usd, place=line.price.place,
        )
        for line in lines
    )  # fmt: skip


def _credit(estimate: Estimate, credit: Usd) -> CreditResult:
    ways: dict[str, MonthlyBill] = {estimate.results[0].way.name: estimate.before}
    if estimate.best.bill is not None:
        ways[estimate.best.way.name] = estimate.best.bill
    return CreditResult(credit, tuple(_credit_way(name, credit, bill.usd) for name, bill in ways.items()))


def _credit_way(name: str, credit: Usd, usd: Usd) -> CreditWay:
    left = tuple(max(credit - usd * month, Decimal(0)) for month in range(1, 13))
    return CreditWay(name, _number(credit / usd) if usd else None, left)


def _prices(estimate: Estimate) -> Sequence[Price]:
    return list({line.price: None for result in estimate.results if result.bill for line in result.bill.lines})


def _contested(estimate: Estimate) -> tuple[ContestedPriceResult, ...]:
    tariff = estimate.question.tariff
    used = {(price.unit, price.tier) for price in _prices(estimate)}
    rows = tariff.book.contested(tariff.model.model.id, tariff.model.scope, on=tariff.on)
    return tuple(ContestedPriceResult(**_row(row), note=row.note) for row in rows if (row.unit, row.tier) in used)


def _number(value: Decimal | None) -> Decimal | None:
    """Six decimals: a share or a rate, not money."""
    return None if value is None else value.quantize(_SIX)


def _whole(tokens: Decimal) -> Decimal:
    return Decimal(round(tokens))
