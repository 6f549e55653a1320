"""A study as one JSON document: what the terminal, CSV and the page are made of. Money is text, exact."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rockbottom.replay.analysis import families_of, gaps_of, quota_of, waste_of
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.points import FIXED
from rockbottom.replay.policies import Bill, Stage, run
from rockbottom.replay.reconcile import reconciled
from rockbottom.replay.study import RECORDED, Question, Row, Study, namespaces_of, per_month

Json = dict[str, Any]


def document_of(study: Study) -> Json:
    """The whole answer."""
    question, stages = study.question, study.stages
    span = max(stage.trace.span_s for stage in stages)
    now = study.row(RECORDED) if any(row.bill.policy == RECORDED for row in study.rows) else None
    return {
        "on": question.on.isoformat(),
        "tier": question.tier.value,
        "models": [_model(stage) for stage in stages],
        "requests": sum(len(stage.trace) for stage in stages),
        "span_seconds": span,
        "reconciliation": _reconciliation(study) if stages[0].trace.is_observed else None,
        "policies": [_row(row) for row in study.rows],
        "clairvoyant": {
            **_bill(study.bound.bill),
            "relative_input_cost": _ratio(_relative(study.bound.bill, study.none)),
            "is": "exact" if study.bound.exact else "lower bound: every block decides alone",
        },
        "switch": _switch(study, now, span),
        "details": {row.bill.policy: _details(stages, row.bill.policy) for row in study.rows if _has_points(row)},
        "assumptions": _assumptions(study),
    }


def _model(stage: Stage) -> Json:
    model = stage.rates.model
    return {"given": model.given, "id": model.model.id, "name": model.model.name, "scope": model.scope.value,
            "requests": len(stage.trace)}  # fmt: skip


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
    }


def _row(row: Row) -> Json:
    return {**_bill(row.bill), "relative_input_cost": _ratio(row.relative), "captured": _ratio(row.captured)}


def _ratio(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _relative(bill: Bill, none: Bill) -> Decimal | None:
    return bill.cost.input_usd / none.cost.input_usd if none.cost.input_usd else None


def _switch(study: Study, now: Row | None, span: float) -> Json | None:
    """The policy that saves most against what was done (or, where nothing was recorded, against no caching)."""
    start = now.bill if now is not None else study.none
    candidates = [row.bill for row in study.rows if row.bill.policy not in (start.policy, "batch")]
    if not candidates:
        return None
    best = min(candidates, key=lambda bill: bill.cost.usd)
    saved = start.cost.usd - best.cost.usd
    if saved <= 0:
        return None
    monthly = per_month(saved, span)
    return {"from": start.policy, "to": best.policy, "saved_usd": str(saved),
            "saved_usd_a_month": None if monthly is None else str(monthly.quantize(Decimal("0.01")))}  # fmt: skip


def _has_points(row: Row) -> bool:
    return row.bill.policy in FIXED and row.bill.policy != "none"


def _details(stages: Sequence[Stage], policy: str) -> Json:
    found = [(stage, run(stage, FIXED[policy])) for stage in stages]
    waste = [waste_of(stage, outcome) for stage, outcome in found]
    quotas = [quota_of(stage, outcome) for stage, outcome in found]
    return {
        "written_tokens": sum(one.written for one in waste),
        "never_read_tokens": sum(one.never_read for one in waste),
        "quota": [
            {"model": stage.rates.model.given, "peak_minute_without": quota.peak_without, "peak_minute": quota.peak}
            for (stage, _), quota in zip(found, quotas, strict=True)
        ],
        "gaps": _gaps(found),
        "families": _families(found),
    }


def _gaps(found: Sequence[tuple[Stage, Outcomes]]) -> list[Json]:
    sums: dict[str, list[int]] = {}
    for stage, outcome in found:
        for row in gaps_of(stage, outcome):
            at = sums.setdefault(row.gap, [0, 0, 0])
            for k, value in enumerate((row.requests, row.repeated, row.read)):
                at[k] += value
    return [
        {"gap": gap, "requests": requests, "repeated_tokens": repeated, "read_tokens": read,
         "hit_rate": round(read / repeated, 4) if repeated else None}
        for gap, (requests, repeated, read) in sums.items()
    ]  # fmt: skip


def _families(found: Sequence[tuple[Stage, Outcomes]]) -> list[Json]:
    rows = [family for stage, outcome in found for family in families_of(stage, outcome)]
    rows.sort(key=lambda family: -family.tokens_in)
    return [
        {"prefix": f"{row.prefix:016x}", "requests": row.requests, "tokens_in": row.tokens_in, "read_tokens": row.read,
         "written_tokens": row.written,
         "reads_per_write": None if row.reads_per_write is None else round(row.reads_per_write, 3)}
        for row in rows[:10]
    ]  # fmt: skip


def _reconciliation(study: Study) -> Json:
    merged = [namespaces_of(stage.trace, _one_region(study.question), stage.behaviour) for stage in study.stages]
    found = reconciled(study.stages, merged)
    return {
        "observed_usd": str(found.observed.usd),
        "predicted_usd": str(found.predicted.usd),
        "difference": _ratio(found.predicted.usd / found.observed.usd - 1) if found.observed.usd else None,
        "causes": [
            {"cause": row.cause.value, "requests": row.requests, "predicted_read_tokens": row.predicted_read,
             "observed_read_tokens": row.observed_read}
            for row in found.causes
        ],
    }  # fmt: skip


def _one_region(question: Question) -> Question:
    return Question(question.policies, question.on, question.tier, question.model, question.region, True)


def _assumptions(study: Study) -> list[str]:
    said = ["outputs held fixed", "entries readable at once, never evicted before their TTL"]
    kinds = {int(kind) for stage in study.stages for kind in set(stage.trace.blocks.kind[:1].tolist())}
    if 17 in kinds:
        said.append("slices of a fixed size stand for content blocks: points at slice ends, lookback never binds")
    if any((stage.trace.requests.tokens_out < 0).any() for stage in study.stages):
        said.append("outputs that were not recorded are priced as none")
    if study.stages[0].trace.is_observed:
        said.append("the service's own token counts, shared out over the blocks by their bytes")
    return said
