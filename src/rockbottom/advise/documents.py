"""An estimate as one JSON document; ``report`` draws from it alone. Money is exact decimal text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rockbottom.advise.advice import Advice
from rockbottom.advise.bills import Bill
from rockbottom.advise.estimates import WRITES, Estimate, Result, shares
from rockbottom.advise.presets import Preset
from rockbottom.advise.sweeps import Point, Sweep
from rockbottom.catalog import Price
from rockbottom.quantities import Unit, Usd

SCHEMA = "rockbottom.estimate/1"
Json = dict[str, Any]
_SIX = Decimal("0.000001")


def document_of(
    found: Estimate, *, preset: Preset | None = None, credit: Usd | None = None, curve: Sweep | None = None
) -> Json:
    """The document of one estimate."""
    question = found.question
    return {
        "schema": SCHEMA,
        "model": question.tariff.model.given,
        "name": question.tariff.model.model.name,
        "scope": question.tariff.model.scope.value,
        "priced_on": question.tariff.on.isoformat(),
        "shape": _shape(found, preset),
        "best": found.best.way.name,
        "ways": [_way(found, one) for one in found.results],
        "break_even": [
            {"ttl": one.ttl.value, "reads_per_write": one.reads, "arrivals_per_hour": _number(one.per_hour)}
            for one in found.break_evens
        ],
        "crossings_per_hour": {
            "hour_over_five_minutes": _number(found.crossings.hour_over_five),
            "keep_alive_over_five_minutes": _number(found.crossings.keep_alive_over_five),
        },
        "credit": _credit(found, credit) if credit is not None else None,
        "sweep": _sweep(curve) if curve else None,
        "prices": [price_json(price) for price in _prices(found)],
        "contested": _contested(found),
    }


def price_json(price: Price) -> Json:
    """A price row with its source."""
    return {
        "unit": price.unit.value,
        "scope": price.scope.value,
        "tier": price.tier.value,
        "usd_per_mtok": str(price.usd_per_mtok),
        "valid_from": price.valid_from.isoformat(),
        "checked_on": price.source.checked_on.isoformat(),
        "source": price.source.title,
        "url": price.source.url,
        "place": price.place,
    }


def _shape(found: Estimate, preset: Preset | None) -> Json:
    question, shape = found.question, found.question.shape
    traffic = shape.traffic
    return {
        "name": shape.name,
        "assumes": preset.assumes if preset else None,
        "source": preset.source if preset else None,
        "requests": str(traffic.requests),
        "turns": traffic.turns,
        "turn_gap_s": str(traffic.turn_gap_s),
        "days": traffic.days,
        "hours": str(traffic.hours),
        "layers": [
            {"tokens": one.tokens, "variants": one.variants, "ttl": one.ttl.value if one.ttl else None}
            for one in shape.layers
        ],
        "question_tokens": shape.question_tokens,
        "added_tokens": shape.added_tokens,
        "output_tokens": shape.output_tokens,
        "prompt_tokens": [shape.prompt_tokens(1), shape.prompt_tokens(traffic.turns)],
        "arrivals": "gaps" if question.gaps_s else "writes given" if question.writes is not None else "poisson",
        "gaps_s": [str(gap) for gap in question.gaps_s],
        "writes": None if question.writes is None else str(question.writes),
    }


def _way(found: Estimate, result: Result) -> Json:
    bill = result.bill
    if bill is None:
        return {"name": result.way.name, "usd": None, "why": result.why, "items": []}
    of_input, of_total = shares(found, result)
    return {
        "name": result.way.name,
        "why": "",
        "usd": str(bill.usd),
        "input_usd": str(bill.input_usd),
        "usd_per_1000_requests": str(bill.usd / found.question.shape.traffic.requests * 1000),
        "saved_of_input": _number(of_input),
        "saved": _number(of_total),
        "hit_rate": _number(found.hit_rate(result)),
        "written_tokens": str(round(bill.tokens(*WRITES))),
        "items": _items(bill),
    }


def _items(bill: Bill) -> list[Json]:
    order = list(Unit)
    lines = sorted(bill.lines, key=lambda line: (line.keep_alive, order.index(line.price.unit)))
    return [
        {
            "unit": line.price.unit.value,
            "keep_alive": line.keep_alive,
            "tokens": str(round(line.tokens)),
            "usd_per_mtok": str(line.price.usd_per_mtok),
            "usd": str(line.usd),
            "place": line.price.place,
        }
        for line in lines
    ]


def _credit(found: Estimate, credit: Usd) -> Json:
    """How long a balance lasts; what is left after each of the first twelve months."""
    ways: dict[str, Bill] = {"no caching": found.before}
    if found.best.bill is not None:
        ways[found.best.way.name] = found.best.bill
    return {
        "usd": str(credit),
        "ways": [
            {
                "name": name,
                "months": _number(credit / bill.usd) if bill.usd else None,
                "left_after": [str(max(credit - bill.usd * month, Decimal(0))) for month in range(1, 13)],
            }
            for name, bill in ways.items()
        ],
    }


def _sweep(curve: Sweep) -> Json:
    return {
        "prompt_tokens": curve.prompt_tokens,
        "pays_from_prefix_tokens": curve.pays_from,
        "beats_batch_from_prefix_tokens": curve.beats_batch_from,
        "points": [_point(point) for point in curve.points],
    }


def _point(point: Point) -> Json:
    money: Mapping[str, Usd | None] = {"none": point.none, "cached": point.cached, "batch": point.batch}
    return {
        "prefix_tokens": point.prefix_tokens,
        "question_tokens": point.question_tokens,
        **{name: None if usd is None else str(usd) for name, usd in money.items()},
    }


def _prices(found: Estimate) -> Sequence[Price]:
    return list({line.price: None for one in found.results if one.bill for line in one.bill.lines})


def _contested(found: Estimate) -> list[Json]:
    tariff = found.question.tariff
    used = {(price.unit, price.tier) for price in _prices(found)}
    rows = tariff.book.contested(tariff.model.model.id, tariff.model.scope, on=tariff.on)
    return [price_json(row) | {"note": row.note} for row in rows if (row.unit, row.tier) in used]


def _number(value: Decimal | None) -> str | None:
    """Six decimals: a share or a rate, not money."""
    return None if value is None else f"{value.quantize(_SIX):f}"


def advice_document(found: Advice) -> Json:
    """Advice as JSON; rows in the order in which to act."""
    tariff, best = found.tariff, found.best
    return {
        "schema": "rockbottom.advice/1",
        "workload": found.evidence.name,
        "model": tariff.model.given,
        "name": tariff.model.model.name,
        "scope": tariff.model.scope.value,
        "priced_on": tariff.on.isoformat(),
        "requests": str(found.evidence.requests.quantize(Decimal(1))),
        "evidence": found.evidence.says,
        "before_usd": str(found.before.usd),
        "after_usd": str(best.bill.usd),
        "saved": _number(1 - best.bill.usd / found.before.usd) if found.before.usd else None,
        "send": {"way": best.sent.name, "tier": best.tier.value, "model": best.tariff.model.given},
        "batch_break_even_read_share": _number(found.batch_break_even),
        "levers": [
            {
                "lever": row.lever.value,
                "status": row.status,
                "saves_alone_usd": None if row.alone is None else str(row.alone),
                "saves_alone": _number(row.share),
                "saves_together_usd": None if row.together is None else str(row.together),
                "evidence": row.evidence,
                "risk": row.risk,
                "how": row.how,
            }
            for row in found.rows
        ],
        "prices": [price_json(line.price) for line in best.bill.lines],
    }
