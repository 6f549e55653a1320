"""An answer as one JSON document: what the terminal, CSV and the page are made of. Money is text, exact."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from rockbottom.quantities import RockbottomError, Unit
from rockbottom.replay.analysis import GapRow
from rockbottom.replay.policies import Bill, captured
from rockbottom.replay.reconcile import Reconciliation
from rockbottom.replay.study import NONE, RECORDED, Question, per_month
from rockbottom.replay.tally import Details, ModelTally, Tally

Json = dict[str, Any]
_TOKENS = {
    Unit.CACHE_READ: "read_tokens", Unit.CACHE_WRITE_5M: "written_5m_tokens", Unit.CACHE_WRITE_1H: "written_1h_tokens",
    Unit.CACHE_WRITE_30M: "written_30m_tokens", Unit.INPUT: "uncached_tokens", Unit.OUTPUT: "output_tokens",
}  # fmt: skip


class NothingToTell(RockbottomError):
    """There is no request to say anything about, or no price for it."""


def document_of(question: Question, tally: Tally) -> Json:
    """The whole answer. Raises NothingToTell where there is no request, or a price is not known."""
    models = tally.models
    if tally.lacks or not models:
        raise NothingToTell(tally.lacks or "no request was replayed")
    bills = {name: _added(one.bills[name] for one in models) for name in models[0].bills}
    least, none = _added(one.least for one in models), bills[NONE]
    span = max(one.last_at - one.first_at for one in models)
    return {
        "on": question.on.isoformat(),
        "tier": question.tier.value,
        "models": [_model(one) for one in models],
        "requests": sum(one.requests for one in models),
        "span_seconds": span,
        "reconciliation": _reconciliation([one.reconciliation for one in models]),
        "policies": [_row(bills[name], none, least) for name in question.policies],
        "clairvoyant": {
            **_bill(least),
            "relative_input_cost": _ratio(_relative(least, none)),
            "is": "exact" if all(one.exact for one in models) else "lower bound: every block decides alone",
        },
        "switch": _switch([bills[name] for name in question.policies], none, span),
        "details": {
            name: _details(models, name) for name in question.policies if all(name in one.details for one in models)
        },
        "assumptions": _assumptions(models),
    }


def _added(bills: Iterable[Bill]) -> Bill:
    return reduce(lambda one, other: one + other, bills)


def _model(one: ModelTally) -> Json:
    model = one.model
    return {"given": model.given, "id": model.model.id, "name": model.model.name, "scope": model.scope.value,
            "requests": one.requests}  # fmt: skip


def _bill(bill: Bill) -> Json:
    usage = bill.usage
    return {
        "policy": bill.policy,
        "read_tokens": usage.cache_read,
        "written_5m_tokens": usage.cache_write_5m,
        "written_1h_tokens": usage.cache_write_1h,
        "uncached_tokens": usage.input,
        "output_tokens": usage.output,
        "input_usd": str(bill.cost.input_usd),
        "usd": str(bill.cost.usd),
        **_by_length(bill),
    }


def _by_length(bill: Bill) -> Json:
    """The tokens apart by the prompt length at which another price begins, where some prompts are above one."""
    bands: dict[int, dict[str, int]] = {}
    for line in bill.cost.lines:
        band = bands.setdefault(line.price.above_context_tokens, dict.fromkeys(_TOKENS.values(), 0))
        band[_TOKENS[line.price.unit]] += line.tokens
    if not any(bands):
        return {}
    return {"by_length": [{"above_tokens": above, **tokens} for above, tokens in sorted(bands.items())]}


def _row(bill: Bill, none: Bill, least: Bill) -> Json:
    share = captured(bill.cost.usd, none.cost.usd, least.cost.usd)
    return {**_bill(bill), "relative_input_cost": _ratio(_relative(bill, none)), "captured": _ratio(share)}


def _ratio(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _relative(bill: Bill, none: Bill) -> Decimal | None:
    return bill.cost.input_usd / none.cost.input_usd if none.cost.input_usd else None


def _switch(bills: Sequence[Bill], none: Bill, span: float) -> Json | None:
    """The policy that saves most against what was done (or, where nothing was recorded, against no caching)."""
    start = next((bill for bill in bills if bill.policy == RECORDED), none)
    candidates = [bill for bill in bills if bill.policy not in (start.policy, "batch")]
    if not candidates:
        return None
    best = min(candidates, key=lambda bill: bill.cost.usd)
    saved = start.cost.usd - best.cost.usd
    if saved <= 0:
        return None
    monthly = per_month(saved, span)
    return {"from": start.policy, "to": best.policy, "saved_usd": str(saved),
            "saved_usd_a_month": None if monthly is None else str(monthly.quantize(Decimal("0.01")))}  # fmt: skip


def _details(models: Sequence[ModelTally], policy: str) -> Json:
    found = [one.details[policy] for one in models]
    return {
        "written_tokens": sum(one.waste.written for one in found),
        "never_read_tokens": sum(one.waste.never_read for one in found),
        "quota": [_quota(one, one.details[policy]) for one in models],
        "gaps": [_gap(reduce(lambda one, two: one + two, rows)) for rows in zip(*(d.gaps for d in found), strict=True)],
        "families": _families(found),
    }


def _quota(one: ModelTally, details: Details) -> Json:
    without = max((pair[0] for pair in details.minutes.values()), default=0)
    under = max((pair[1] for pair in details.minutes.values()), default=0)
    return {"model": one.model.given, "peak_minute_without": without, "peak_minute": under}


def _gap(row: GapRow) -> Json:
    rate = None if row.hit_rate is None else round(row.hit_rate, 4)
    return {"gap": row.gap, "requests": row.requests, "repeated_tokens": row.repeated, "read_tokens": row.read,
            "hit_rate": rate}  # fmt: skip


def _families(found: Sequence[Details]) -> list[Json]:
    rows = sorted(
        (family for details in found for family in details.families), key=lambda row: (-row.tokens_in, row.prefix)
    )
    return [
        {"prefix": f"{row.prefix:016x}", "requests": row.requests, "tokens_in": row.tokens_in, "read_tokens": row.read,
         "written_tokens": row.written,
         "reads_per_write": None if row.reads_per_write is None else round(row.reads_per_write, 3)}
        for row in rows[:10]
    ]  # fmt: skip


def _reconciliation(parts: Sequence[Reconciliation | None]) -> Json | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    found = reduce(lambda one, other: one + other, known)
    return {
        "observed_usd": str(found.observed.usd),
        "predicted_usd": str(found.predicted.usd),
        "difference": _ratio(found.predicted.usd / found.observed.usd - 1) if found.observed.usd else None,
        "causes": [
            {"cause": row.cause.value, "requests": row.requests, "predicted_read_tokens": row.predicted_read,
             "observed_read_tokens": row.observed_read, "predicted_usd": str(row.predicted.usd),
             "observed_usd": str(row.observed.usd), "difference_usd": str(row.usd)}
            for row in found.causes
        ],
    }  # fmt: skip


def _assumptions(models: Sequence[ModelTally]) -> list[str]:
    said = ["outputs held fixed", "entries readable at once, never evicted before their TTL"]
    if any(one.of_slices for one in models):
        said.append("slices of a fixed size stand for content blocks: points at slice ends, lookback never binds")
    if any(one.lacks_outputs for one in models):
        said.append("outputs that were not recorded are priced as none")
    if all(one.reconciliation is not None for one in models):
        said.append("the service's own token counts, shared out over the blocks by their bytes")
    return said
