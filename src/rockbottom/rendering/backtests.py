"""What alarms would have done on recorded history, as text."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rockbottom.alarms import LEAST_DAYS, Alarm, BacktestSettings, Detection, Tried, unpriced_of
from rockbottom.cloudwatch import evaluation_source
from rockbottom.figures import counted, duration, moment, paragraph, printable, share, usd
from rockbottom.ledger import CallRecord


def backtest_text(
    trials: Sequence[tuple[str, Tried]], calls: Sequence[CallRecord], question: BacktestSettings
) -> Iterator[str]:
    """When each alarm would have fired, what it would have caught, and the threshold to take."""
    days = (max(call.at for call in calls) - min(call.at for call in calls)) / 86_400
    yield from _verdict([trial for _, trial in trials], days)
    simulated = sum(call.simulated for call in calls)
    yield f"{counted(len(calls), 'call')} in {_span(days)}, {_when(min(call.at for call in calls))} on"
    priced, unpriced = {call.model for call in calls if call.cost_usd is not None}, unpriced_of(calls)
    if unpriced:
        bare = ", ".join(f"{printable(model)} ({count:,})" for model, count in unpriced.most_common())
        yield from paragraph(f"{counted(unpriced.total(), 'call')} without a known price, in no cost: {bare}", 80)
    if simulated:
        yield f"{simulated:,} of them went to a local endpoint: what follows is simulated"
    source = evaluation_source()
    yield f"rules as AWS documents them ({source.checked_on}); the minute or two until a metric"
    yield "arrives comes on top"
    if days * 86_400 < question.within_s:
        yield "the history is shorter than a simulated fault may last, so a fault that was not"
        yield "caught proves little"
    for model, trial in trials:
        yield ""
        yield from _alarm_text(model, trial, question, priced=not model or model in priced)


def _verdict(trials: Sequence[Tried], days: float) -> Iterator[str]:
    """What all alarms together would have done, as they are and as proposed: false alarms, and how soon they tell."""
    chosen = [trial for trial in trials if trial.points and trial.alarm.threshold is not None]
    if chosen:
        wolves = sum(trial.wolves for trial in chosen)
        faults = _soonest([(trial.alarm.name, trial.detections) for trial in chosen])
        yield from paragraph(f"As they are: {counted(wolves, 'false alarm')} in {_span(days)}.{faults}", 80, rest="  ")
    proposals = [(trial, trial.proposal) for trial in trials if trial.proposal is not None]
    if proposals:
        wolves = sum(proposal.wolves for _, proposal in proposals)
        unseen = max(proposal.unseen_days for _, proposal in proposals)
        faults = _soonest(
            [(trial.alarm.name, proposal.detections or trial.detections) for trial, proposal in proposals]
        )
        later = f"{counted(wolves, 'false alarm')} in {unseen:.1f} later days"
        yield from paragraph(f"As proposed: {later}.{faults}", 80, rest="  ")
    if chosen or proposals:
        yield ""


def _soonest(alarms: Sequence[tuple[str, Sequence[Detection]]]) -> str:
    """For each kind of fault the alarm that tells it soonest, of those that told it whenever it was simulated."""
    detections = [(name, detection) for name, its in alarms for detection in its if detection.tries]
    parts: list[str] = []
    for kind in dict.fromkeys(detection.kind for _, detection in detections):
        slowest: dict[str, float] = {}
        for name, detection in detections:
            if detection.kind == kind:
                caught = detection.caught
                median = caught[len(caught) // 2] if len(caught) == len(detection.tries) else math.inf
                slowest[name] = max(slowest.get(name, 0.0), median)
        best = min(slowest, key=lambda name: slowest[name])
        sentence = "no alarm catches it every time"
        if not math.isinf(slowest[best]):
            sentence = f"{best} catches it after {duration(slowest[best])}"
        parts.append(f"if {_SAYS[kind]}, {sentence}")
    return f" Simulated: {'; '.join(parts)}." if parts else ""


def _alarm_text(model: str, trial: Tried, question: BacktestSettings, *, priced: bool) -> Iterator[str]:
    alarm = trial.alarm
    yield f"{alarm.name}  {model or 'all models'}"
    yield f"  rule       {_condition(alarm)}"
    periods = f"{alarm.datapoints} of {counted(alarm.periods, 'period')} of {alarm.period_s} s"
    rule = f"{periods}; missing data: {alarm.missing.value}"
    yield f"             {rule}"
    if not trial.points:
        yield f"  no data: {'nothing of this kind was recorded' if priced else 'no price of this model is known'}"
        return
    if alarm.threshold is not None:
        yield f"  fired      {_fired(trial)}"
        for firing in trial.firings[:5]:
            until = f"for {duration(firing.until - firing.at)}" if firing.until else "and was still on"
            yield f"             {_when(firing.at)} {until}"
        if len(trial.firings) > 5:
            yield f"             and {len(trial.firings) - 5} more (--json has them)"
        for detection in trial.detections:
            yield from _detection_text(detection, trial.days, priced=priced)
    yield from _proposal_text(trial, question, priced=priced)


def _condition(alarm: Alarm) -> str:
    signs = {
        "GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">",
        "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
    }  # fmt: skip
    says = alarm.expression or f"{alarm.measure.statistic} of {alarm.measure.metric}"
    threshold = alarm.threshold if alarm.threshold is not None else "(no threshold)"
    calls = f", least_calls = {alarm.least_calls}" if alarm.least_calls else ""
    return f"{says} {signs[alarm.comparison]} {threshold}{calls}"


def _fired(trial: Tried) -> str:
    if not trial.firings:
        return f"never in {_span(trial.days)}"
    times = "once" if len(trial.firings) == 1 else f"{len(trial.firings)} times"
    return f"{times} in {_span(trial.days)}, {trial.wolves} where nothing is known to be wrong"


_BELOW = " " * 13
_SAYS = {"changes": "prefixes change every call", "vanishes": "nothing is cached any more"}


def _detection_text(detection: Detection, days: float, *, priced: bool) -> Iterator[str]:
    """What a simulated fault came to; what it cost only where the model has a known price."""
    if not detection.tries:
        yield f"  simulated  {detection.kind}: nowhere, the alarm was on already or every day is marked --bad"
        return
    read = f" for {share(detection.share)} of reads" if detection.share else ", nothing was ever read"
    caught = detection.caught
    yield f"  simulated  {_SAYS[detection.kind]}{read}: caught {len(caught)} of {len(detection.tries)}"
    if detection.left_out:
        yield f"             {counted(detection.left_out, 'instant')} left out: the alarm was on, or --bad marks it"
    if caught:
        extra = sorted(attempt.extra_usd for attempt in detection.tries if attempt.after_s is not None)
        slow = f"after {duration(caught[len(caught) // 2])} (median), {duration(caught[-1])} (slowest)"
        meanwhile = f"; meanwhile {_usd(extra[len(extra) // 2])}" if priced else ""
        yield from paragraph(f"{slow}{meanwhile}", 80, _BELOW, _BELOW)
    missed = [attempt.extra_usd for attempt in detection.tries if attempt.after_s is None]
    if missed:
        known = "" if days * 86_400 >= detection.within_s else " (longer than the history)"
        lived = f"{len(missed)} missed: each lasts {duration(detection.within_s)}{known}"
        most = f"up to {_usd(max(missed))}" if max(missed) > 0 else "nothing"
        cost = f" and costs {most}" if priced else ""
        yield from paragraph(f"{lived}{cost}", 80, _BELOW, _BELOW)


def _proposal_text(trial: Tried, question: BacktestSettings, *, priced: bool) -> Iterator[str]:
    proposal = trial.proposal
    if proposal is None and trial.days < LEAST_DAYS:
        yield "  proposal   none: less than a day of calls"
        return
    if proposal is None:
        most = "a false alarm" if question.wolves_a_month == 1 else f"{question.wolves_a_month:g} false alarms"
        yield f"  proposal   none: no threshold stays below {most} a month"
        yield "             if something was wrong then, say so: --bad FROM..TO"
        return
    if proposal.alarm == trial.alarm:
        yield f"  proposal   {proposal.threshold}, as it is"
    else:
        yield f"  proposal   {_condition(proposal.alarm)}"
    unseen = f"{counted(proposal.wolves, 'false alarm')} in {proposal.unseen_days:.1f} later days"
    yield f"             chosen on earlier days: {unseen},"
    yield f"             which is at most {proposal.month_at_most:.1f} a month (95% confidence)"
    if proposal.alarm != trial.alarm:
        for detection in proposal.detections:
            yield from _detection_text(detection, trial.days, priced=priced)


def _span(days: float) -> str:
    """Days, or what there is of one."""
    return f"{days:.1f} days" if days >= LEAST_DAYS else duration(days * 86_400)


def _when(at: float) -> str:
    return moment(at)


def _usd(amount: Decimal) -> str:
    return usd(amount, ((1, 2), (0, 4)), symbol=True)
