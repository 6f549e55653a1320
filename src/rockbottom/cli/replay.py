"""``rockbottom replay``: what recorded traffic would have cost under every policy."""

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.compiling import tell_of_compiling
from rockbottom.cli.console import show, tell, width
from rockbottom.cli.options import html_page, json_flag, models_behind
from rockbottom.cli.replay_engines import ENGINES
from rockbottom.cli.replay_questions import TIERS, Several
from rockbottom.cli.standing import tell_age
from rockbottom.cli.trace import (
    nothing_read,
    refuse_some,
    say_apart,
    say_damage,
    say_reading,
    settings_of,
    source_options,
)
from rockbottom.cli.values import Count, Day, Decimals, Region, prices_option, write_new
from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog
    from rockbottom.documents import ReplayResult, UnpricedReplay
    from rockbottom.replay import ReplayQuestion, ReplayTally
    from rockbottom.trace import Damages, ReaderSettings, Reading

    Runs = Sequence[ReplayResult | UnpricedReplay]

_SCOPES = ("in_region", "us", "eu", "apac", "jp", "au", "ca", "in", "us-gov", "global")


class NothingRepeats(RockbottomError):
    """The source holds no block hashes, so nothing is known of what its requests have in common."""


@click.command()
@click.argument("source")
@click.option(
    "--only-model",
    "only",
    type=Several(),
    default=(),
    metavar="ID[,..]",
    help="Replay only the requests that were sent to this model.",
)
@click.option(
    "--as-model",
    "--model",
    "models",
    type=Several(),
    default=(),
    metavar="ID[,..]",
    help="Replay every request as if it had been sent to this model (an id, ARN or short name).",
)
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy, named below; repeat for more.")
@click.option(
    "--scope",
    "scopes",
    type=Several(click.Choice(_SCOPES)),
    default=(),
    metavar="SCOPE[,..]",
    help="At the prices of this scope (in_region, us, eu, global ...) instead of the id's own.",
)
@click.option(
    "--tier",
    "tiers",
    type=Several(click.Choice(TIERS)),
    default=(),
    metavar="TIER[,..]",
    help="The service tier: default, flex, priority; that of each request by default.",
)
@click.option(
    "--on",
    "days",
    type=Several(Day()),
    default=(),
    metavar="DAY[,..]",
    help="The day whose prices and rules to use; by default that of each request, or today where it has no price.",
)
@prices_option
@click.option("--region", type=Region(), help="Replay as if this Region had served every request.")
@models_behind
@click.option("--guardrail", metavar="POLICY,..", help="Add the fee of a guardrail; only with --engine one.")
@click.option("--guard-turn", is_flag=True, help="The guardrail evaluates only the user's turn (guardContent).")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="one",
    show_default=True,
    help="In this process, in several, or on a Ray cluster.",
)
@click.option("--jobs", type=Count(1, 1024), help="Processes of --engine processes; one for each processor by default.")
@click.option(
    "--ray-address", metavar="ADDRESS", help="Cluster of --engine ray; RAY_ADDRESS by default, or one started here."
)
@json_flag
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@html_page
@click.option("--follow", is_flag=True, help="Keep reading logs while they are written; ctrl-C ends it.")
@click.option(
    "--every", type=Decimals(1, 3600), default=30.0, show_default=True, help="With --follow: seconds between two looks."
)
@source_options
def command(
    source: str, only: tuple[str, ...], models: tuple[str, ...], policies: tuple[str, ...], scopes: tuple[str, ...],
    tiers: tuple[str, ...], days: tuple[date, ...], prices: Path | None, region: str | None,
    profiles: tuple[str, ...], engine: str, jobs: int | None, ray_address: str | None, as_json: bool, as_csv: bool,
    html: Path | None, follow: bool, every: float, name: str | None, strict: bool, partial_blocks: str,
    options: tuple[str, ...], by: str,
    guardrail: str | None, guard_turn: bool,
) -> None:  # fmt: skip
    """Show what the traffic in SOURCE would have cost under every policy, and the least it could have cost.

    Outputs are held fixed: only what is read, written and left uncached differs.
    Several models, scopes, tiers or days (commas between) give a table of all combinations.

    Policies: none, as_recorded, system, system_1h, system_tail_5m, system_tail_1h,
    system_1h_tail_5m, documents, second_sighting, planner (what rockbottom attached would
    do; only with --engine one), and when named: keep_alive, batch.
    """
    from rockbottom.cli.replay_questions import crossed, profiles_of
    from rockbottom.documents import ReplayResult
    from rockbottom.replay import ReplayQuestion

    base_question = ReplayQuestion(
        policies, date.today(), region=region, profiles=profiles_of(profiles), only=only, by=by, each_day=not days
    )
    questions = list(crossed(base_question, models, scopes, tiers, days))
    if (guardrail and engine != "one") or (guard_turn and not guardrail):
        raise click.UsageError("--guardrail goes with --engine one, and --guard-turn with --guardrail")
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    if html and len(questions) > 1:
        raise click.UsageError("--html shows one combination: name one model, scope, tier and day")
    tell_of_compiling()
    catalog, settings = catalog_with(prices), settings_of(partial_blocks, options, by)
    if follow:
        from rockbottom.cli.replay_following import followed

        if len(questions) > 1 or html or as_csv or engine != "one" or guardrail:
            raise click.UsageError("--follow shows the answer of one combination, as text or --json")
        followed(source, settings, questions[0], catalog, every, time.time, time.sleep, as_json=as_json)
        return
    if engine == "one":
        guard = (guardrail, guard_turn) if guardrail else None
        runs = _runs_here(source, settings, name, questions, catalog, guard, strict=strict)
    else:
        runs = _runs_of_engine(engine, source, settings, name, questions, catalog, jobs, ray_address, strict=strict)
    priced = [run for run in runs if isinstance(run, ReplayResult)]
    model_names = dict.fromkeys(model.given for run in priced for model in run.models)
    tell_age(catalog, model_names, base_question.on, date.today(), region)
    _print(runs, as_json, as_csv)
    if html:  # afterwards: a disk that is full costs the page, not the answer
        _write_page(runs, html)


def catalog_with(prices: Path | None) -> "Catalog":
    from dataclasses import replace

    from rockbottom.catalog import PriceBook, load_catalog

    catalog = load_catalog()
    return replace(catalog, price_book=catalog.price_book.overlay(PriceBook.read(prices))) if prices else catalog


def _runs_here(
    source: str, settings: "ReaderSettings", name: str | None, questions: Sequence["ReplayQuestion"],
    catalog: "Catalog", guard: tuple[str, bool] | None, *, strict: bool,
) -> "Runs":  # fmt: skip
    from rockbottom.replay import documents_of

    reading, answers = answers_here(source, settings, name, questions, catalog)
    documents = documents_of(answers)
    say_left_out([tally for _, tally in answers], source, reading.damages.count, strict=strict, shown=len(answers) == 1)
    documents = _marked(documents, reading.damages)
    return documents if guard is None else _with_guardrail(documents, reading, guard)


def _with_guardrail(documents: "Runs", reading: "Reading", guard: tuple[str, bool]) -> "Runs":
    """The documents with what a guardrail would have charged for the same requests."""
    from msgspec.structs import replace

    from rockbottom.advise import costs_of, guarded_traffic, guarding

    beside = costs_of(guarded_traffic(reading.trace, guarding(guard[0], tagged=guard[1])))
    return [replace(document, beside=beside) if hasattr(document, "beside") else document for document in documents]


def answers_here(
    source: str, settings: "ReaderSettings", name: str | None, questions: Sequence["ReplayQuestion"],
    catalog: "Catalog", more: Sequence[str] = (),
) -> "tuple[Reading, list[tuple[ReplayQuestion, ReplayTally]]]":  # fmt: skip
    """The source read, and each question with its tally; ``more`` are policies besides the usual ones.

    Raises UsageError where no request could be read, NothingRepeats where none has blocks and they are needed.
    """
    from dataclasses import replace

    from rockbottom.cache import behaviour_of
    from rockbottom.cli.bars import working
    from rockbottom.cli.replay_engines import read_with_bar
    from rockbottom.cli.replay_planner import attached
    from rockbottom.figures import counted
    from rockbottom.replay import BY_TOKENS, PLANNER, cached_as_sent, tally

    reading = read_with_bar(source, settings, name)
    say_reading(reading, source)
    trace = reading.trace
    if not len(trace):
        raise nothing_read(source, reading.damages)
    online = {PLANNER: attached}
    usual = [question.with_defaults(cached_as_sent(trace, question, catalog), online) for question in questions]
    chosen = [replace(question, policies=(*question.policies, *more)) for question in usual]
    if not BY_TOKENS.issuperset(chosen[0].policies) and not len(trace.blocks.depth):
        raise _nothing_repeats(len(trace), source)
    behaviour = behaviour_of(catalog.switches)
    with working(f"replaying {counted(len(trace), 'request')}"):
        return reading, [(question, tally(trace, question, catalog, behaviour, online)) for question in chosen]


def _runs_of_engine(
    engine: str, source: str, settings: "ReaderSettings", name: str | None, questions: Sequence["ReplayQuestion"],
    catalog: "Catalog", jobs: int | None, address: str | None, *, strict: bool,
) -> "Runs":  # fmt: skip
    from rockbottom.cli.replay_engines import answered_by
    from rockbottom.replay import BY_TOKENS, documents_of

    answer = answered_by(engine, source, settings, name, questions, catalog, jobs, address)
    say_damage(answer.damages, answer.duplicates, source)
    if not answer.requests:
        raise nothing_read(source, answer.damages)
    if not BY_TOKENS.issuperset(answer.questions[0].policies) and answer.requests == answer.without_blocks:
        raise _nothing_repeats(answer.requests, source)
    documents = documents_of(list(zip(answer.questions, answer.tallies, strict=True)))
    shown = len(answer.tallies) == 1
    say_left_out(answer.tallies, source, answer.damages.count, strict=strict, shown=shown)
    return _marked(documents, answer.damages)


def say_left_out(
    tallies: "Sequence[ReplayTally]", source: str, damaged: int, *, strict: bool, shown: bool = False
) -> None:
    """Say which requests the answers leave out; of several answers those of the one that leaves out most.

    ``shown``: the answer itself says whose prompts could not be read whole.
    """
    from rockbottom.rendering import alone_text

    alone = max((tally.alone for tally in tallies), key=lambda alone: alone.usd)
    if alone.requests and not shown:
        tell(f"{source}: {alone_text(alone)}, not in what follows")
    apart = max((tally.apart for tally in tallies), key=lambda parts: sum(part.requests for part in parts), default=())
    if strict:
        refuse_some(damaged, apart)
    say_apart(apart, source)


def _marked(documents: "Runs", damages: "Damages") -> "Runs":
    """The documents, with how many of the requests went to a local endpoint or another service, where any did."""
    from msgspec import UNSET
    from msgspec.structs import replace

    elsewhere = damages.elsewhere or UNSET
    return [
        replace(
            document, simulated_requests=_of_them(damages.simulated, document) or UNSET, elsewhere_requests=elsewhere
        )
        for document in documents
    ]


def _of_them(requests: int, document: "ReplayResult | UnpricedReplay") -> int:
    """So many of all requests read, or all of those that the answer is about where that is fewer."""
    from rockbottom.documents import ReplayResult

    return min(requests, document.requests) if isinstance(document, ReplayResult) else requests


def _nothing_repeats(requests: int, source: str) -> NothingRepeats:
    from rockbottom.figures import counted

    return NothingRepeats(
        f"{source}: none of its {counted(requests, 'request')} carries text to compare: what repeats is unknown, so "
        "only what was paid and the bill without a cache can be worked out",
        fix="rockbottom replay SOURCE --policy none",
    )


def _write_page(runs: "Runs", file: Path) -> None:
    from rockbottom.documents import ReplayResult
    from rockbottom.rendering import replay_page

    for run in runs:
        if isinstance(run, ReplayResult):
            write_new(file, replay_page(run))
            tell(f"{file}")


def _print(runs: "Runs", as_json: bool, as_csv: bool) -> None:
    from rockbottom.documents import ReplayResult, ReplayRuns
    from rockbottom.rendering import json_text, replay_besides_text, replay_csv, replay_text, replays_text

    answer = runs[0] if len(runs) == 1 else ReplayRuns(tuple(runs))
    if as_json:
        click.echo(json_text(answer))
    elif as_csv:
        click.echo(replay_csv(runs), nl=False)
    else:
        is_single = isinstance(answer, ReplayResult)
        show(replay_text(answer, width=width()) if is_single else replays_text(runs, width=width()))
        show(replay_besides_text(runs, width()))
