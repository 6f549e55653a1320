"""``rockbottom monitor backtest``: what alarms would have done on recorded history."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import progress, show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.monitor_history import recorded_calls
from rockbottom.cli.monitor_settings import settings_options, wanted_of
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Count, Decimals, Instant, instant, write_new
from rockbottom.figures import counted

if TYPE_CHECKING:
    from rockbottom.alarms import Alarm, AlarmSettings, BacktestSettings, Stretch, Tried
    from rockbottom.ledger import CallRecord


@click.command()
@click.argument("source", required=False)
@settings_options
@click.option("--alarm", "only", multiple=True, metavar="NAME", help="Only this alarm; repeat.")
@click.option("--since", type=Instant(), help="Only calls from this day or instant on (UTC).")
@click.option("--until", type=Instant(), help="Only calls before it.")
@click.option(
    "--bad",
    multiple=True,
    metavar="FROM..TO",
    help="When something really was wrong, so that an alarm is right; repeat.",
)
@click.option(
    "--share",
    type=Decimals(0, 1, min_open=True),
    default=0.25,
    show_default=True,
    help="Share of the tokens read that a simulated regression hits.",
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
    "--tries", type=Count(1, 200), default=10, show_default=True, help="At how many instants it is simulated."
)
@click.option(
    "--within",
    "within_h",
    type=Decimals(0.1, 168),
    default=6.0,
    show_default=True,
    metavar="HOURS",
    help="How long a simulated regression lasts.",
)
@click.option(
    "--wolf",
    "wolves",
    type=Decimals(0),
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
@json_flag
@click.option(
    "--check", is_flag=True, help="Exit with 1 where an alarm is false more often, or misses a simulated regression."
)
@click.pass_context
def backtest(ctx: click.Context, source: str | None, as_json: bool, check: bool, **options: Any) -> None:
    """Run alarms over recorded calls with AWS's rules before you trust them.

    SOURCE is a ledger (yours by default), the folder of a bench run, or invocation logs. Says when each alarm would
    have fired, how fast it catches a simulated regression, how often it alarms falsely, and which threshold to take.
    """
    from rockbottom.alarms import BacktestSettings, backtest_of
    from rockbottom.rendering import backtest_text, json_text

    calls = recorded_calls(source, options["since"], options["until"])
    calls = _of_one_world(calls)
    named = bool(options["models"])
    options["models"] = options["models"] or tuple(sorted({call.model for call in calls}))
    settings = wanted_of(options, warn=named)
    alarms = _chosen(settings, options["only"])
    kinds = options["kinds"] or ("changes", "vanishes")
    question = BacktestSettings(
        kinds, options["share"], options["tries"], options["within_h"] * 3600, options["wolves"]
    )
    bad = [_stretch(text) for text in options["bad"]]
    trials = list(_tried(alarms, settings, calls, bad, question))
    if as_json:
        click.echo(json_text(backtest_of(trials, calls, question)))
    else:
        show(backtest_text(trials, calls, question))
    if options["save"]:
        _save(options["save"], trials)
    if check and any(_fails(trial, question) for _, trial in trials):
        ctx.exit(Exit.VERDICT)


def _of_one_world(calls: "list[CallRecord]") -> "list[CallRecord]":
    """The calls to AWS where there are any, as the publisher sends them; else those to a local endpoint."""
    real = [call for call in calls if not call.simulated]
    if real and len(real) < len(calls):
        tell(f"{counted(len(calls) - len(real), 'call')} to a local endpoint left out: they are simulated")
    return real or calls


def _chosen(settings: "AlarmSettings", only: Sequence[str]) -> "list[Alarm]":
    names = [alarm.name for alarm in settings.alarms]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise click.UsageError(f"no alarm is called {unknown[0]}; there are {', '.join(names)}")
    return [alarm for alarm in settings.alarms if not only or alarm.name in only]


def _stretch(text: str) -> "Stretch":
    begin, _, end = text.partition("..")
    try:
        stretch = instant(begin), instant(end)
    except ValueError as error:
        example = "2026-11-01T14:00..2026-11-01T16:30"
        raise click.UsageError(f"--bad takes FROM..TO, as in {example}; not {text!r}") from error
    if stretch[0] >= stretch[1]:
        raise click.UsageError(f"--bad {text}: it ends before it begins")
    return stretch[0], stretch[1]


def _tried(
    alarms: "list[Alarm]",
    settings: "AlarmSettings",
    calls: "Sequence[CallRecord]",
    bad: "list[Stretch]",
    question: "BacktestSettings",
) -> "Iterator[tuple[str, Tried]]":

    from rockbottom.alarms import CallHistory, tried
    from rockbottom.catalog import load_catalog

    catalog = load_catalog()
    histories: dict[str, CallHistory] = {}
    for alarm in alarms:
        if not alarm.of_calls:
            tell(f"{alarm.name} is not tried: it watches heartbeats, and a ledger records calls only")
            continue
        for model in settings.models if alarm.per == "model" else ("",):
            progress(f"  {alarm.name} {model}")
            if model not in histories:
                mine = [call for call in calls if call.model == model or (not model and call.model in settings.models)]
                histories[model] = CallHistory(mine, bad, alarms)
            if histories[model].calls:
                alarm_of_model = alarm.of_model(model) if model else alarm
                yield model, tried(alarm_of_model, histories[model], question, catalog)
    progress("")


def _save(path: Path, trials: "list[tuple[str, Tried]]") -> None:
    from rockbottom.alarms import proposals_text

    write_new(path, proposals_text(trials))
    tell(f"proposals written to {path}")


def _fails(trial: "Tried", question: "BacktestSettings") -> bool:
    if trial.alarm.threshold is None:
        return False
    missed = any(len(detection.caught) < len(detection.tries) for detection in trial.detections[:1])
    return missed or trial.wolves > question.wolves_a_month * max(trial.days / 30, 1)
