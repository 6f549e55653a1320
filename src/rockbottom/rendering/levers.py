"""What a lever rests on, its risk and how it is pulled, in words; and advice with these as a typed result."""

from decimal import Decimal

from rockbottom.advise import (
    Advice,
    AdviceResult,
    ByTheHour,
    CachedShare,
    Globally,
    GuardedTurn,
    HourlyCapacity,
    InBatch,
    Lever,
    LeverResult,
    LeverRow,
    ModelUnits,
    NoSpare,
    OnFlex,
    OtherModel,
    SendResult,
    UnderBar,
    Why,
    next_step,
    price_row,
)
from rockbottom.figures import short_tokens, usd

_SIX = Decimal("0.000001")
_NO_SPARE = {
    NoSpare.NOTHING_CACHED: "without caching there are no misses to add",
    NoSpare.UNPRICED: "its misses could not be priced",
    NoSpare.FREE_MISSES: "a miss costs no more than a read here",
}
_WHY = {
    Why.GLOBAL_GIVEN: "the id given is that of the global profile already",
    Why.NO_UNIT_PRICE: "no model-unit price is public for current models; give yours with --model-unit-usd-hour",
    Why.NO_MODEL_NAMED: "name models that would be good enough with --other ID; a price does not tell quality",
    Why.REPLAYED_BY_RULE: "the easy requests can go to a cheaper model; replay a rule to see what that costs",
    Why.STUDENT_KNOWN: "a smaller model can be taught its answers; try that one untaught first, which is free",
    Why.EVERY_TENTH_TOKEN: "what a tenth fewer prompt tokens save, after the levers above",
}
_NOT_OFFERED = {
    Lever.CACHING: "nothing here can be cached: the model has no cachePoint, or no prefix reaches its minimum",
    Lever.TTL: "the model has no one-hour entries, or the evidence did not try them",
    Lever.KEEP_ALIVE: "not tried by this evidence, or the requests come too far apart",
    Lever.BATCH: "no batch price for this model: it is not offered, or no source was read",
    Lever.FLEX: "no flex price for this model",
    Lever.GLOBAL: "no global profile is known for this model",
}
_RISKS = {
    Lever.PLANNER: "what changes in front of a point is written again, until the planner has learned that it does",
    Lever.CACHING: "a prefix that changes in one byte is written again at a higher price on every request",
    Lever.TTL: "a one-hour write costs more than a five-minute one; sparse traffic pays it for nothing",
    Lever.KEEP_ALIVE: "pays for requests that nobody asked for; a quiet night costs as much as it saves",
    Lever.FAN_OUT: "the first request of a burst delays the others until its response begins",
    Lever.BATCH: "answers come within a day or more; no tools, no structured output, no invocation log",
    Lever.FLEX: "served after other requests; a listed price does not prove that you may use the tier",
    Lever.GLOBAL: "data is processed anywhere; moving between Regions can miss the cache",
    Lever.RIGHT_SIZE: "other answers, and other token counts for the same text: grade before you switch",
    Lever.PROVISIONED: "paid whether used or not; cannot be used through an inference profile",
    Lever.SHORTER: "what was cut may have been needed",
    Lever.DISTIL: "training jobs are known to hang; storage is paid until the model is deleted; no batch",
    Lever.ROUTE: "a switch of models inside a conversation loses its cache; the answers are another model's",
    Lever.GUARD_TURN: "documents and history are then not evaluated",
}
_HOW = {
    Lever.PLANNER: "rockbottom.attach(client) in the program that sends it",
    Lever.CACHING: "rockbottom plan, or attach it to your client",
    Lever.TTL: 'cachePoint with "ttl": "1h" on the outer layers',
    Lever.KEEP_ALIVE: "attach with a keep-alive budget",
    Lever.FAN_OUT: "attach holds parallel first requests",
    Lever.BATCH: "rockbottom batch run",
    Lever.FLEX: 'serviceTier {"type": "flex"}',
    Lever.GLOBAL: "rockbottom profiles list MODEL --residency none",
    Lever.RIGHT_SIZE: "rockbottom bench --models A,B --grade --bar 0.9",
    Lever.PROVISIONED: "ask your account team for a price",
    Lever.SHORTER: "look at the largest blocks of the prompt first",
    Lever.DISTIL: "rockbottom distill cost TEACHER STUDENT --input N --output N --requests N",
    Lever.ROUTE: "rockbottom route LOGS --to 'MODEL if input<2000 and tools=0'",
    Lever.GUARD_TURN: "put the user's turn in a guardContent block: the guardrail then evaluates only that",
}


def advice_document(advice: Advice) -> AdviceResult:
    """Advice, its rows in the order in which to act."""
    tariff, best, evidence = advice.tariff, advice.best, advice.evidence
    today, after = advice.today_usd, advice.after_usd
    levers = tuple(_lever(advice, row) for row in advice.rows)
    return AdviceResult(
        schema="rockbottom.advice/1",
        workload=evidence.name,
        model=tariff.model.given,
        name=tariff.model.model.name,
        scope=tariff.model.scope,
        priced_on=tariff.on,
        requests=evidence.requests.quantize(Decimal(1)),
        evidence=evidence.says,
        before_usd=advice.before.usd,
        today_usd=today,
        counted=evidence.paid_usd is not None,
        span_s=evidence.span_s,
        after_usd=after,
        saved=_number(1 - after / today) if today else None,
        send=SendResult(best.sent.name, best.tier, best.tariff.model.given),
        next=next_step(levers),
        batch_break_even_read_share=_number(advice.batch_break_even),
        levers=levers,
        prices=tuple(price_row(line.price) for line in best.bill.lines),
    )


def _lever(advice: Advice, row: LeverRow) -> LeverResult:
    return LeverResult(
        lever=row.lever, status=row.status, saves_alone_usd=row.alone, saves_alone=_number(row.share),
        saves_together_usd=row.together, evidence=evidence_text(advice, row), risk=_RISKS[row.lever],
        how=_how(advice, row.lever),
    )  # fmt: skip


def _how(advice: Advice, lever: Lever) -> str:
    """How a lever is pulled; cachePoints of the program's own stay where they are unless the planner is told.

    Where the planner was tried and a fixed policy is cheaper, that policy is not what attaching comes to.
    """
    if lever is Lever.PLANNER and advice.evidence.own_points:
        return (
            'rockbottom.attach(client, planner=rockbottom.Planner(own_points="replace")) in the program that sends it'
        )
    if lever is Lever.CACHING and any(Lever.PLANNER in way.levers for way in advice.evidence.ways):
        return "cachePoints by hand, where that policy has them (rockbottom plan shows such places)"
    return _HOW[lever]


def _number(value: Decimal | None) -> Decimal | None:
    """Six decimals: a share, not money."""
    return None if value is None else value.quantize(_SIX)


def evidence_text(advice: Advice, row: LeverRow) -> str:
    """What a row rests on, in words."""
    text = _ground_text(advice, row)
    if row.alone_usd is not None and row.alone_usd <= advice.after_usd:
        alone = usd(row.alone_usd, 2)
        text += f". Chosen in hindsight it comes to ${alone}; the planner decides without knowing what comes"
    elif row.alone_usd is not None:
        text += f". Alone it comes to ${usd(row.alone_usd, 2)}, the levers above to ${usd(advice.after_usd, 2)}"
    return text


def _ground_text(advice: Advice, row: LeverRow) -> str:
    match row.ground:
        case Why.EVIDENCE:
            return advice.evidence.says
        case Why.NOT_OFFERED:
            return _NOT_OFFERED[row.lever]
        case Why() as why:
            return _WHY[why]
        case CachedShare(way, read_share):
            return f"{way}: {read_share:.0%} of input read; {advice.evidence.says}"
        case InBatch() as batch:
            return _measured(batch.lane) + _batch_text(batch)
        case Globally() as globally:
            return _measured(globally.lane) + _global_text(globally)
        case OnFlex(lane, cached):
            return f"{_measured(lane)}flex prices exist, {'also' if cached else 'but none'} for cached reads"
        case ByTheHour(offers, average):
            return "; ".join(_offer_text(offer, average) for offer in offers)
        case GuardedTurn(whole, turn, read):
            beside = f"; the cached reads of the same month cost ${usd(read, 2)}" if read is not None else ""
            return (
                f"evaluating all of the input costs ${usd(whole, 2)} a month beside the tokens, only the user's turn "
                f"${usd(turn, 2)}{beside}"
            )
        case ModelUnits(units, usd_hour, month, best):
            return (
                f"{units} model units at your ${usd_hour} an hour are ${usd(month, 2)} for 30 days, against "
                f"${usd(best, 2)} with the levers above; whether they carry the load is not known here"
            )
        case UnderBar(names):
            return f"{', '.join(names)}: under the bar in the graded run"
        case OtherModel() as other:
            return _other_text(other)


def _offer_text(offer: HourlyCapacity, average: Decimal) -> str:
    name = f"{offer.kind}, {offer.term if offer.term != 'none' else 'no term'}"
    if offer.saves is None:
        least, here = short_tokens(int(offer.break_even)), short_tokens(int(average))
        return (
            f"{name}: ${usd(offer.usd_hour, 2)} an hour for a model unit, not cheaper below {least} tokens an hour "
            f"(this averages {here}); only AWS can say what a unit carries"
        )
    gain = (
        "never cheaper than on demand"
        if offer.saves <= 0
        else (f"{offer.saves:.0%} less at full use, from {offer.break_even:.0%} use on")
    )
    return f"{name}: {gain}, at least ${usd(offer.usd_hour, 2)} an hour, before any caching"


def _measured(lane: str | None) -> str:
    return f"{lane} of the run; " if lane else ""


def _batch_text(batch: InBatch) -> str:
    if batch.break_even is None or batch.read_share is None:
        return "nothing is cached in batch; prices of the batch tier"
    return (
        f"nothing is cached in batch: its input costs what cached on-demand input costs at {batch.break_even:.1%} "
        f"read, and here up to {batch.read_share:.0%} is; batch lowers output as well"
    )


def _global_text(globally: Globally) -> str:
    where = f"{globally.given} on {globally.on}"
    if globally.measured is not None:
        return f"{where}, {globally.measured:.0%} of input read there"
    spare = globally.spare
    if isinstance(spare, Decimal):
        limit = f"pays while routing turns less than {spare:.1%} of reads into writes (bench both to see)"
        return f"{where}, same tokens; {limit}"
    return f"{where}, same tokens; {_NO_SPARE[spare or NoSpare.UNPRICED]}"


def _other_text(other: OtherModel) -> str:
    if other.quality is None:
        return (
            f"{other.given} for the same tokens: ${usd(other.usd, 2)} a month with the levers above that it has; "
            "quality unknown, good enough in your judgement"
        )
    return (
        f"{other.given}: ${usd(other.usd, 2)} a month by the cheapest way that the same evidence has for it; "
        f"{other.quality}"
    )
