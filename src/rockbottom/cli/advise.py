"""``rockbottom advise``: which lever a workload should pull, from recorded traffic, a bench run, or a few numbers."""

import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import colour, show, width
from rockbottom.cli.estimate import shape_of
from rockbottom.cli.options import json_flag, models_behind, own_tokens, rate
from rockbottom.cli.replay_questions import Several
from rockbottom.cli.standing import tell_endings
from rockbottom.cli.trace import by_option
from rockbottom.cli.values import Count, Day, Number, Region, prices_option
from rockbottom.files import content_of

if TYPE_CHECKING:
    from rockbottom.advise import AdviceResult, Tariff, WayEvidence, Wishes

_SHAPE = (
    "requests", "per_hour", "prefix", "question", "output", "turns", "added", "turn_gap", "hours", "days", "fan_out",
)  # fmt: skip


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE|MODEL]...")
@click.option("--bench", "run", type=click.Path(path_type=Path), metavar="RUN", help="A bench run (its folder).")
@click.option("--replay", "replayed", type=click.Path(path_type=Path), metavar="FILE", help="The JSON of a replay.")
@click.option(
    "--only-model",
    "only",
    type=Several(),
    default=(),
    metavar="ID[,..]",
    help="SOURCE: advise only on the requests that were sent to this model.",
)
@click.option(
    "--as-model",
    "as_models",
    type=Several(),
    default=(),
    metavar="ID",
    help="SOURCE: advise as if every request had been sent to this model.",
)
@models_behind
@click.option("--format", "name", metavar="NAME", help="SOURCE: its format; recognised where it is not named.")
@by_option
@click.option("--strict", is_flag=True, help="SOURCE: fail where anything cannot be read or priced.")
@click.option("--preset", "preset_name", metavar="NAME", help="Start from a common shape (rockbottom estimate --list).")
@rate
@click.option("--prefix", type=Number(), help="Tokens that are the same in every request.")
@click.option("--layer", "layers", multiple=True, metavar="TOKENS[/VERSIONS][@TTL]", help="As in rockbottom estimate.")
@own_tokens
@click.option("--fan-out", type=Count(2, 10_000), help="First requests that start at the same instant.")
@click.option("--wait", type=click.Choice(["no", "minutes", "day"]), help="How long an answer may take.")
@click.option(
    "--residency",
    type=click.Choice(["none", "keep"]),
    help="none: data may be processed in any Region; keep: it may not.",
)
@click.option("--other", "others", multiple=True, metavar="ID", help="A model that would be good enough; repeat.")
@click.option("--model-unit-usd-hour", type=Number(), metavar="USD", help="Your price of a provisioned model unit.")
@click.option("--guardrail", metavar="POLICY,..", help="Policies of the guardrail on every request.")
@click.option("--guard-turn", is_flag=True, help="The guardrail already evaluates only the user's turn (guardContent).")
@click.option("--model-units", type=Count(1, 10_000), default=1, help="Model units that carry the load.")
@click.option("--on", type=Day(), help="The day whose prices and rules to use; today by default.")
@prices_option
@click.option("--region", type=Region(), help="The Region, where the price depends on it.")
@json_flag
def command(
    names: tuple[str, ...], run: Path | None, replayed: Path | None, only: tuple[str, ...], as_models: tuple[str, ...],
    profiles: tuple[str, ...], name: str | None, strict: bool, by: str, preset_name: str | None, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Say which lever a workload should pull, in what order, and what each saves alone and together.

    SOURCE is recorded traffic: a folder, a file or an s3:// prefix of invocation logs, a ledger, whatever
    rockbottom replay reads. It is replayed, and every model in it is advised on, and all of them together.

    Other evidence is a bench run, the JSON of a replay, a preset, or numbers; without any of them on a terminal it
    asks. Several models are then advised on one after the other, each with the others as candidates for the row
    "smaller model".
    """
    from rockbottom.cli.advise_traffic import is_source
    from rockbottom.rendering import json_text, traffic_advice_text

    if run is not None and replayed is not None:
        raise click.UsageError("give --bench or --replay, not both")
    sources = [source for source in names if is_source(source)]
    models = tuple(source for source in names if source not in sources)
    if not sources:
        if only or as_models or profiles or name or strict or by:
            raise click.UsageError("--only-model, --as-model, --profile, --format, --by and --strict go with a SOURCE")
        _without_source(models, run, replayed, preset_name, options, as_json=as_json)
        return
    if len(sources) > 1 or run is not None or replayed is not None or preset_name or _numbers(options):
        raise click.UsageError(f"{sources[0]} is recorded traffic: give it alone, without numbers or other evidence")
    from rockbottom.cli.advise_traffic import advised

    advice = advised(
        sources[0], name, (*only, *models), as_models, profiles, _day(options), options["prices"], options["region"],
        _wishes(options), strict=strict, by=by,
    )  # fmt: skip
    if as_json:
        click.echo(json_text(advice))
    else:
        show([*traffic_advice_text(advice, width=width(), colour=colour()).splitlines(), ""])


def _without_source(
    models: tuple[str, ...], run: Path | None, replayed: Path | None, preset_name: str | None, options: dict[str, Any],
    *, as_json: bool,
) -> None:  # fmt: skip
    """Advise on what was measured before, or on numbers."""
    from rockbottom.advise import Rival, advise
    from rockbottom.catalog import load_catalog
    from rockbottom.rendering import advice_document, advice_text, json_text

    if not models and run is None and replayed is None:
        models = (_prompted(preset_name, options),)
    for name in models:
        _need_model(name, is_file=not (run or replayed or preset_name or _numbers(options)))
    known = [
        (evidence, _tariff(evidence.model, options))
        for evidence in _evidence(run, replayed, models, preset_name, options)
    ]
    chosen = [pair for pair in known if not models or any(_same(pair[0].model, model) for model in models)]
    tell_endings(load_catalog(), [evidence.model for evidence, _ in chosen or known], _day(options), options["region"])
    documents: list[AdviceResult] = []
    for evidence, tariff in chosen or known:
        rivals = tuple(Rival(other, its) for other, its in known if other is not evidence)
        wishes = replace(_wishes(options), rivals=() if options["others"] else rivals)
        documents.append(advice_document(advise(evidence, tariff, wishes)))
    if as_json:
        click.echo(json_text(documents[0] if len(documents) == 1 else documents))
        return
    for document in documents:
        show([*advice_text(document, width=width(), colour=colour()).splitlines(), ""])


def _numbers(options: dict[str, Any]) -> bool:
    """Whether the numbers of a workload are given."""
    return bool(options["layers"]) or any(options[name] is not None for name in _SHAPE)


def _prompted(preset_name: str | None, options: dict[str, Any]) -> str:
    """The model, and on a terminal the numbers that are missing."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "give a model and numbers, --bench RUN or --replay FILE; "
            "as in: rockbottom advise nova-pro --preset support-chatbot"
        )
    model = click.prompt("Model (nova-pro, us.sonnet-4-6, an ARN)", err=True)
    if not preset_name:
        for name, text in _QUESTIONS:
            if options[name] is None:
                options[name] = click.prompt(text, type=Number(zero=name != "requests"), err=True)
        options["prefix"] = options["prefix"] or None
    if options["wait"] is None:
        choice = click.Choice(["no", "minutes", "day"])
        options["wait"] = click.prompt("How long may an answer take", type=choice, default="no", err=True)
    if options["residency"] is None:
        anywhere = click.confirm("May data be processed in any Region of the world", default=False, err=True)
        options["residency"] = "none" if anywhere else "keep"
    return model


def _need_model(name: str, *, is_file: bool) -> None:
    """Raises UnknownModel for what is no model, before its numbers are asked for; ``is_file``: or was to be a file."""
    from rockbottom.catalog import UnknownModel, load_catalog

    try:
        load_catalog().model(name)
    except UnknownModel as error:
        if not is_file:
            raise
        nearest = f"; the nearest models are {', '.join(error.nearest)}" if error.nearest else ""
        message = f"'{name}' is not a file or folder here, nor a model{nearest}"
        raise UnknownModel(message, given=name, nearest=error.nearest, fix=error.fix) from error


_QUESTIONS = (
    ("requests", "Requests a month"),
    ("prefix", "Tokens that are the same in every request (0: none)"),
    ("question", "Tokens that are new in every request"),
    ("output", "Output tokens of a request"),
)


def _evidence(
    run: Path | None, replayed: Path | None, models: tuple[str, ...], preset_name: str | None, options: dict[str, Any]
) -> "list[WayEvidence]":
    """Every model that something is known about."""
    from rockbottom.advise import (
        EstimateQuestion,
        bench_results,
        of_bench,
        of_question,
        of_replays,
        preset,
        replay_results,
    )
    from rockbottom.cache import behaviour_of
    from rockbottom.catalog import load_catalog

    if run is not None or replayed is not None:
        if preset_name or _numbers(options):
            raise click.UsageError("numbers and --preset describe a workload that was not measured: leave them out")
        if replayed is not None:
            return of_replays(replay_results(content_of(replayed), str(replayed)))
        assert run is not None
        file = run / "results.json" if run.is_dir() else run
        return of_bench(bench_results(content_of(file), str(file)))
    catalog = load_catalog()
    chosen = preset(preset_name) if preset_name else None
    shape = shape_of(chosen, {**options, "gaps": None, "writes": None})
    evidence: list[WayEvidence] = []
    for model in models:
        tariff = _tariff(model, options)
        question = EstimateQuestion(
            shape, tariff, catalog.rules(tariff.model, tariff.on), behaviour_of(catalog.switches)
        )
        evidence.append(of_question(question, options["fan_out"] or 1))
    return evidence


def _same(model: str, other_model: str) -> bool:
    from rockbottom.catalog import load_catalog

    catalog = load_catalog()
    return catalog.model(model).model is catalog.model(other_model).model


def _tariff(model: str, options: dict[str, Any]) -> "Tariff":
    from rockbottom.advise import Tariff
    from rockbottom.catalog import PriceBook, load_catalog

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(options["prices"])) if options["prices"] else catalog.price_book
    return Tariff(catalog.model(model), _day(options), book, options["region"])


def _day(options: dict[str, Any]) -> date:
    """The day whose prices are asked for."""
    return options["on"] or date.today()


def _wishes(options: dict[str, Any]) -> "Wishes":
    from rockbottom.advise import AnswerWait, Wishes, guarding

    price: Decimal | None = options["model_unit_usd_hour"]
    others = tuple(_tariff(name, options) for name in options["others"])
    wait = AnswerWait(options["wait"]) if options["wait"] else None
    guard = guarding(options["guardrail"], tagged=options["guard_turn"]) if options["guardrail"] else None
    return Wishes(wait, options["residency"], others, price, options["model_units"], guarding=guard)
