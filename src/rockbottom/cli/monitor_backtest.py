"""``rockbottom monitor backtest``: what alarms would have done on recorded history."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.exits import Exit
from rockbottom.cli.monitor_history import instant, recorded_calls
from rockbottom.cli.monitor_settings import settings_options, wanted_of
from rockbottom.figures import duration, paragraph, share, usd

if TYPE_CHECKING:
    from decimal import Decimal

    from rockbottom.alarms import Alarm, Asked, Detection, Stretch, Tried, Wanted
    from rockbottom.ledger import CallRecord


@click.command()
@click.argument("source", required=False)
@settings_options
@click.option("--alarm", "only", multiple=True, metavar="NAME", help="Only this alarm; repeat.")
@click.option("--since", metavar="WHEN", help="Only calls from this day or instant on (UTC).")
@click.option("--until", metavar="WHEN", help="Only calls before it.")
@click.option("--bad", multiple=True, metavar="FROM..TO", help="Something was wrong then: an alarm is right; repeat.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.25,
    show_default=True,
    help="Share of the tokens read that a planted regression hits.",
)
@click.option(
    "--plant",
    "kinds",
    multiple=True,
    type=click.Choice(["changes", "vanishes"]),
    metavar="KIND",
    help="changes: prefixes change every call. vanishes: nothing is cached. Both by default.",
)
@click.option(
    "--tries", type=click.IntRange(1, 200), default=10, show_default=True, help="Instants at which it is planted."
)
@click.option(
    "--within",
    "within_h",
    type=click.FloatRange(0.1, 168),
    default=6.0,
    show_default=True,
    metavar="HOURS",
    help="How long a planted regression may live.",
)
@click.option(
    "--wolf",
    "wolves",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="False alarms a month that you accept, for the proposal.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the proposals to a file that --alarms takes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit with 1 where an alarm cries wolf more often, or misses a plant.")
@click.pass_context
def backtest(ctx: click.Context, source: str | None, as_json: bool, check: bool, **given: Any) -> None:
    """Run alarms over recorded calls with AWS's rules before they are trusted.

    SOURCE is a ledger (yours by default), the folder of a bench run, or invocation logs. Says when each alarm would
    have fired, how fast it catches a planted regression, how often it cries wolf, and which threshold to take.
    """
    from rockbottom.alarms import Asked

    calls = recorded_calls(source, instant(given["since"], "--since"), instant(given["until"], "--until"))
    calls = _of_one_world(calls)
    named = bool(given["models"])
    given["models"] = given["models"] or tuple(sorted({call.model for call in calls}))
    wanted = wanted_of(given, warn=named)
    alarms = _chosen(wanted, given["only"])
    kinds = given["kinds"] or ("changes", "vanishes")
    asked = Asked(kinds, given["share"], given["tries"], given["within_h"] * 3600, given["wolves"])
    bad = [_stretch(text) for text in given["bad"]]
    found = list(_tried(alarms, wanted, calls, bad, asked))
    if as_json:
        click.echo(json.dumps(_json(found, calls, asked), indent=2))
    else:
        for line in _text(found, calls, asked):
            click.echo(line)
    if given["save"]:
        _save(given["save"], found)
    if check and any(_fails(one, asked) for _, one in found):
        ctx.exit(Exit.VERDICT)


def _of_one_world(calls: "list[CallRecord]") -> "list[CallRecord]":
    """The calls to AWS where there are any, as the publisher sends them; else those to a local endpoint."""
    real = [call for call in calls if not call.simulated]
    if real and len(real) < len(calls):
        click.echo(f"{len(calls) - len(real):,} calls to a local endpoint left out: they are simulated", err=True)
    return real or calls


def _chosen(wanted: "Wanted", only: Sequence[str]) -> "list[Alarm]":
    names = [alarm.name for alarm in wanted.alarms]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise click.UsageError(f"no alarm is called {unknown[0]}; there are {', '.join(names)}")
    return [alarm for alarm in wanted.alarms if not only or alarm.name in only]


def _stretch(text: str) -> "Stretch":
    begin, dots, end = text.partition("..")
    if not dots:
        raise click.UsageError(f"--bad takes FROM..TO, as in 2026-11-01T14:00..2026-11-01T16:30; not {text!r}")
    found = instant(begin, "--bad"), instant(end, "--bad")
    if found[0] is None or found[1] is None or found[0] >= found[1]:
        raise click.UsageError(f"--bad {text}: it ends before it begins")
    return found[0], found[1]


def _tried(
    alarms: "list[Alarm]", wanted: "Wanted", calls: "Sequence[CallRecord]", bad: "list[Stretch]", asked: "Asked"
) -> "Iterator[tuple[str, Tried]]":
    import sys

    from rockbottom.alarms import History, tried
    from rockbottom.catalog import load_catalog

    catalog = load_catalog()
    histories: dict[str, History] = {}
    for alarm in alarms:
        for model in wanted.models if alarm.per == "model" else ("",):
            if sys.stderr.isatty():
                click.echo(f"\r\x1b[K  {alarm.name} {model}"[:79], nl=False, err=True)
            if model not in histories:
                mine = [call for call in calls if call.model == model or (not model and call.model in wanted.models)]
                histories[model] = History(mine, bad, alarms)
            if histories[model].calls:
                one = alarm.of_model(model) if model else alarm
                yield model, tried(one, histories[model], asked, catalog)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)


def _save(path: Path, found: "list[tuple[str, Tried]]") -> None:
    """The proposals as a file for --alarms: a threshold for each model, and the least calls that any of them asks."""
    lines = ["# Proposed by rockbottom monitor backtest."]
    for name in dict.fromkeys(one.alarm.name for _, one in found):
        mine = {model: one.proposal for model, one in found if one.alarm.name == name and one.proposal is not None}
        if not mine:
            continue
        lines += ["", f"[alarms.{name}]"]
        calls = max(one.alarm.least_calls for one in mine.values())
        lines += [f"least_calls = {calls}"] if calls else []
        if "" in mine:
            lines.append(f"threshold = {mine[''].threshold:f}")
        else:
            each = ", ".join(f"{json.dumps(model)} = {one.threshold:f}" for model, one in mine.items())
            lines.append(f"thresholds = {{ {each} }}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    click.echo(f"proposals written to {path}", err=True)


def _fails(one: "Tried", asked: "Asked") -> bool:
    if one.alarm.threshold is None:
        return False
    missed = any(len(found.caught) < len(found.tries) for found in one.detections[:1])
    return missed or one.wolves > asked.wolves_a_month * max(one.days / 30, 1)


def _text(found: "list[tuple[str, Tried]]", calls: "Sequence[CallRecord]", asked: "Asked") -> Iterator[str]:
    from rockbottom.cloudwatch import evaluation_source

    days = (max(call.at for call in calls) - min(call.at for call in calls)) / 86_400
    simulated = sum(call.simulated for call in calls)
    yield f"{len(calls):,} calls in {days:.1f} days, {_when(min(call.at for call in calls))} on"
    if simulated:
        yield f"{simulated:,} of them went to a local endpoint: what follows is simulated"
    source = evaluation_source()
    yield f"rules as AWS documents them ({source.checked_on}); the minute or two until a metric"
    yield "arrives comes on top"
    if days * 86_400 < asked.within_s:
        yield "they are over sooner than what is planted in them may live, so a regression"
        yield "that was not caught says little"
    for model, one in found:
        yield ""
        yield from _alarm_text(model, one, asked)


def _alarm_text(model: str, one: "Tried", asked: "Asked") -> Iterator[str]:
    alarm = one.alarm
    yield f"{alarm.name}  {model or 'all models'}"
    yield f"  rule       {_condition(alarm, alarm.threshold)}"
    rule = f"{alarm.datapoints} of {alarm.periods} periods of {alarm.period_s} s; missing data: {alarm.missing.value}"
    yield f"             {rule}"
    if not one.points:
        yield "  no data: nothing of this kind was recorded"
        return
    if alarm.threshold is not None:
        yield f"  fired      {_fired(one)}"
        for firing in one.firings[:5]:
            until = f"for {duration(firing.until - firing.at)}" if firing.until else "and was still on"
            yield f"             {_when(firing.at)} {until}"
        if len(one.firings) > 5:
            yield f"             and {len(one.firings) - 5} more (--json has them)"
        for detection in one.detections:
            yield from _detection_text(detection)
    yield from _proposal_text(one, asked)


def _condition(alarm: "Alarm", threshold: Any) -> str:
    signs = {
        "GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">",
        "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
    }  # fmt: skip
    says = alarm.expression or f"{alarm.measure.statistic} of {alarm.measure.metric}"
    return f"{says} {signs[alarm.comparison]} {threshold if threshold is not None else '(no threshold)'}"


def _fired(one: "Tried") -> str:
    if not one.firings:
        return f"never in {one.days:.1f} days"
    times = "once" if len(one.firings) == 1 else f"{len(one.firings)} times"
    return f"{times} in {one.days:.1f} days, {one.wolves} where nothing is known to be wrong"


_BELOW = " " * 13
_SAYS = {"changes": "prefixes change every call", "vanishes": "nothing is cached any more"}


def _detection_text(found: "Detection") -> Iterator[str]:
    if not found.tries:
        yield f"  planted    {found.kind}: nowhere, the alarm was on already or everything is known as bad"
        return
    read = f"{share(found.share)} of tokens read" if found.share else "nothing was ever read"
    caught = found.caught
    yield f"  planted    {_SAYS[found.kind]}, {read}: caught {len(caught)} of {len(found.tries)}"
    if found.left_out:
        yield f"             {found.left_out} instants left out: on already, or known as bad"
    if caught:
        extra = sorted(one.extra_usd for one in found.tries if one.after_s is not None)
        slow = f"after {duration(caught[len(caught) // 2])} (median), {duration(caught[-1])} (slowest)"
        yield from paragraph(f"{slow}; meanwhile {_usd(extra[len(extra) // 2])}", 80, _BELOW, _BELOW)
    missed = [one.extra_usd for one in found.tries if one.after_s is None]
    if missed:
        lived = f"{len(missed)} missed for {duration(found.within_s)}"
        yield from paragraph(f"{lived}, which cost up to {_usd(max(missed))}", 80, _BELOW, _BELOW)


def _proposal_text(one: "Tried", asked: "Asked") -> Iterator[str]:
    from rockbottom.alarms import LEAST_DAYS

    proposal = one.proposal
    if proposal is None and one.days < LEAST_DAYS:
        yield "  proposal   none: less than a day of calls"
        return
    if proposal is None:
        yield f"  proposal   none: no threshold stays below {asked.wolves_a_month:g} false alarms a month"
        yield "             if something was wrong then, say so: --bad FROM..TO"
        return
    if proposal.alarm == one.alarm:
        yield f"  proposal   {proposal.threshold}, as it is"
    else:
        calls = f", least_calls = {proposal.alarm.least_calls}" if proposal.alarm.least_calls else ""
        yield f"  proposal   {_condition(one.alarm, proposal.threshold)}{calls}"
    unseen = f"{proposal.wolves} false alarms in {proposal.unseen_days:.1f} later days"
    yield f"             so chosen on earlier days: {unseen},"
    yield f"             which is at most {proposal.month_at_most:.1f} a month (95% confidence)"
    if proposal.alarm != one.alarm:
        for detection in proposal.detections:
            yield from _detection_text(detection)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _usd(amount: "Decimal") -> str:
    return usd(amount, ((1, 2), (0, 4)), symbol=True)


def _json(found: "list[tuple[str, Tried]]", calls: "Sequence[CallRecord]", asked: "Asked") -> dict[str, Any]:
    return {
        "calls": len(calls),
        "simulated_calls": sum(call.simulated for call in calls),
        "from": min(call.at for call in calls),
        "to": max(call.at for call in calls),
        "accepted_false_alarms_a_month": asked.wolves_a_month,
        "alarms": [_alarm_json(model, one) for model, one in found],
    }


def _alarm_json(model: str, one: "Tried") -> dict[str, Any]:
    alarm, proposal = one.alarm, one.proposal
    return {
        "alarm": alarm.name,
        "model": model or None,
        "threshold": None if alarm.threshold is None else str(alarm.threshold),
        "days": one.days,
        "minutes_with_data": one.points,
        "firings": [{"at": firing.at, "until": firing.until} for firing in one.firings],
        "false_alarms": one.wolves,
        "planted": [_detection_json(found) for found in one.detections],
        "proposal": None
        if proposal is None
        else {
            "threshold": str(proposal.threshold),
            "false_alarms_on_unseen_days": proposal.wolves,
            "unseen_days": proposal.unseen_days,
            "false_alarms_a_month_at_most": proposal.month_at_most if proposal.unseen_days else None,
            "confidence": 0.95,
            "false_alarms_on_the_days_it_was_chosen_on": proposal.fitted_wolves,
            "least_calls": proposal.alarm.least_calls,
            "planted": [_detection_json(found) for found in proposal.detections],
        },
    }


def _detection_json(found: "Detection") -> dict[str, Any]:
    tries = [
        {"planted_at": one.planted_at, "caught_after_s": one.after_s, "extra_usd": str(one.extra_usd)}
        for one in found.tries
    ]
    return {
        "kind": found.kind,
        "share_of_tokens_read": found.share,
        "within_s": found.within_s,
        "left_out": found.left_out,
        "tries": tries,
    }
