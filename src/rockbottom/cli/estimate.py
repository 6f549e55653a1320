"""``rockbottom estimate``: what a workload costs in a month before and after caching, by arithmetic alone."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import colour, show, tell, width
from rockbottom.cli.options import json_flag, own_tokens, rate
from rockbottom.cli.standing import tell_age
from rockbottom.cli.values import MOST, Day, Number, Region, prices_option, write_new

if TYPE_CHECKING:
    from rockbottom.advise import BesideLine, EstimateQuestion, EstimateResult, Layer, Preset, WorkloadShape

_YEAR_S = 366 * 86_400
_LAYER = re.compile(r"(?P<tokens>[\d_,]+)(?:/(?P<variants>[\d_,]+))?(?:@(?P<ttl>[0-9]+[mh]))?")


@click.command()
@click.argument("model", required=False)
@click.option("--preset", "preset_name", metavar="NAME", help="Start from a common shape; --list shows them.")
@click.option("--list", "list_presets", is_flag=True, help="List the common shapes, and what each saves on MODEL.")
@rate
@click.option("--gaps", metavar="S,S,...", help="Seconds between requests, instead of random arrivals.")
@click.option("--writes", type=Number(zero=True), help="Writes of the prefix a month, where they are known.")
@click.option("--prefix", type=Number(), help="Tokens that are the same in every request.")
@click.option(
    "--layer", "layers", multiple=True, metavar="TOKENS[/VERSIONS][@TTL]",
    help="A layer of the prefix, outermost first, instead of --prefix: 3000@1h then 7800/40 for one of 40 documents.",
)  # fmt: skip
@own_tokens
@click.option("--sweep", "with_sweep", is_flag=True, help="Add the curve of cost against the share of the prefix.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page: the answer and the curve of --sweep."
)
@click.option(
    "--credits", "credit", type=Number(), metavar="USD", help="A balance of credits; says how many months it lasts."
)
@click.option("--guardrail", metavar="POLICY,..", help="A guardrail on every request: content,topics,words,pii...")
@click.option("--guard-turn", is_flag=True, help="The guardrail evaluates only the user's turn (guardContent).")
@click.option(
    "--beside",
    "besides",
    multiple=True,
    metavar="NAME=UNITS",
    help="Units a month of another part of an agent, as in web_searches=2000; repeat.",
)
@click.option(
    "--capacity", is_flag=True, help="Add what capacity paid by the hour would cost, and from what use it pays."
)
@click.option("--on", type=Day(), help="The day whose prices and rules to use; today by default.")
@prices_option
@click.option("--region", type=Region(), help="The Region, where the price depends on it.")
@json_flag
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def command(
    model: str | None, preset_name: str | None, list_presets: bool, with_sweep: bool, html: Path | None,
    credit: Decimal | None, as_json: bool, as_csv: bool, **options: Any,
) -> None:  # fmt: skip
    """Work out a month's bill before and after caching.

    MODEL is an id, an ARN or a short name (nova-pro, global.sonnet-4-6). No call is made: this is arithmetic on the
    numbers given and on dated prices.
    """
    if list_presets:
        _print_presets(model, options, as_json)
        return
    if model is None:
        raise click.UsageError("give a model, as in: rockbottom estimate nova-pro --preset support-chatbot")
    document = _document(model, preset_name, with_sweep or bool(html), credit, options)
    _print(document, as_json, as_csv)
    if html and document.sweep:
        from rockbottom.rendering import curve_page

        write_new(html, curve_page(document, document.sweep))
        tell(f"page: {html}")


def _document(
    model: str, preset_name: str | None, with_sweep: bool, credit: Decimal | None, options: dict[str, Any]
) -> "EstimateResult":
    from rockbottom.advise import document_of, estimate, preset, sweep
    from rockbottom.catalog import load_catalog

    load_catalog().model(model)  # before anything is asked of its numbers
    chosen = preset(preset_name) if preset_name else None
    if chosen is not None and options["writes"] is None and not options["gaps"]:
        options = {**options, "writes": chosen.writes}
    shape = shape_of(chosen, options)
    question = _question(model, shape, options)
    tariff = question.tariff
    tell_age(replace(load_catalog(), price_book=tariff.book), [model], tariff.on, date.today(), tariff.region)
    curve = sweep(question) if with_sweep else None
    return document_of(
        estimate(question), preset=chosen, credit=credit, curve=curve, beside=_besides(shape, options),
        capacity=options["capacity"],
    )  # fmt: skip


def _besides(shape: "WorkloadShape", options: dict[str, Any]) -> "tuple[BesideLine, ...]":
    """What is charged beside the tokens; raises UsageError, UnknownBeside."""
    from rockbottom.advise import guarded, guarding, lines_of

    units: dict[str, Decimal] = {}
    for text in options["besides"]:
        name, equals, amount = text.partition("=")
        if not equals:
            raise click.UsageError(f"--beside takes NAME=UNITS, as in web_searches=2000; not {text!r}")
        units[name.strip()] = Number(zero=True).convert(amount, None, None)
    if options["guard_turn"] and not options["guardrail"]:
        raise click.UsageError("--guard-turn says what a guardrail evaluates: give --guardrail too")
    guard = guarded(shape, guarding(options["guardrail"], tagged=options["guard_turn"])) if options["guardrail"] else ()
    return (*guard, *lines_of(units))


def _question(model: str, shape: "WorkloadShape", options: dict[str, Any]) -> "EstimateQuestion":
    from rockbottom.advise import EstimateQuestion, Tariff
    from rockbottom.cache import behaviour_of
    from rockbottom.catalog import PriceBook, load_catalog

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(options["prices"])) if options["prices"] else catalog.price_book
    on: date = options["on"] or date.today()
    model_id = catalog.model(model)
    return EstimateQuestion(
        shape, Tariff(model_id, on, book, options["region"]), catalog.rules(model_id, on),
        behaviour_of(catalog.switches), gaps_of(options["gaps"]), options["writes"],
    )  # fmt: skip


def gaps_of(text: str | None) -> tuple[Decimal, ...]:
    """The seconds of ``--gaps``; raises UsageError."""
    if text is None:
        return ()
    try:
        gaps = tuple(Decimal(part.strip()) for part in text.split(","))
    except InvalidOperation:
        raise click.UsageError(f"--gaps takes seconds separated by commas, as in 10,20,400; not {text!r}") from None
    if any(not gap.is_finite() or not 0 <= gap <= _YEAR_S for gap in gaps) or len(gaps) > 10_000:
        raise click.UsageError("--gaps takes up to 10,000 numbers of seconds, from zero to a year")
    return gaps


def shape_of(chosen: "Preset | None", options: dict[str, Any]) -> "WorkloadShape":
    """The shape from a preset with the options given on top; raises UsageError where something is missing."""
    from rockbottom.advise import MonthlyTraffic, WorkloadShape

    base = chosen.shape if chosen else None
    layers = _layers(options, base)
    question = _whole(options["question"], base.question_tokens if base else None, "--question")
    output = _whole(options["output"], base.output_tokens if base else None, "--output")
    added = _whole(options["added"], base.added_tokens if base else 0, "--added")
    gaps = gaps_of(options["gaps"])
    if gaps and options["writes"] is not None:
        raise click.UsageError("give --gaps or --writes, not both")
    if gaps and any(layer.variants > 1 for layer in layers):
        raise click.UsageError("--gaps are the gaps of one prefix, so no layer can have several versions")
    traffic = base.traffic if base else None
    turns = options["turns"] or (traffic.turns if traffic else 1)
    if gaps and added:
        if added < question:
            raise click.UsageError("--added is at least --question: each turn adds the question before it")
        turns = len(gaps) + 1
    return WorkloadShape(
        layers, question, output,
        MonthlyTraffic(
            _requests(options, traffic.requests if traffic else None, len(gaps)), turns,
            options["turn_gap"] if options["turn_gap"] is not None else (traffic.turn_gap_s if traffic else Decimal(0)),
            options["days"] or (traffic.days if traffic else 30),
            options["hours"] or (traffic.hours if traffic else Decimal(24)),
        ),
        added, base.name if base else "",
    )  # fmt: skip


def _requests(options: dict[str, Any], of_preset: Decimal | None, gaps: int) -> Decimal:
    if options["requests"] is not None and options["per_hour"] is not None:
        raise click.UsageError("give --requests or --per-hour, not both")
    if options["per_hour"] is not None:
        return options["per_hour"] * (options["hours"] or 24) * (options["days"] or 30)
    requests = options["requests"] or of_preset or (Decimal(gaps + 1) if gaps else None)
    if requests is None:
        raise click.UsageError("say how many: --requests a month, --per-hour, --gaps, or a --preset")
    return requests


def _layers(options: dict[str, Any], base: "WorkloadShape | None") -> "tuple[Layer, ...]":
    from rockbottom.advise import Layer

    if options["layers"] and options["prefix"] is not None:
        raise click.UsageError("give --prefix or --layer, not both")
    if options["prefix"] is not None:
        return (Layer(_whole(options["prefix"], None, "--prefix")),)
    if options["layers"]:
        return tuple(_layer(text) for text in options["layers"])
    return base.layers if base else ()


def _layer(text: str) -> "Layer":
    from rockbottom.advise import Layer
    from rockbottom.quantities import Ttl

    ttls = {None: None, **{ttl.value: ttl for ttl in Ttl}}
    match = _LAYER.fullmatch(text.strip())
    if match is None or match["ttl"] not in ttls:
        raise click.UsageError(f"--layer takes TOKENS, TOKENS/VERSIONS or TOKENS@1h, as in 7800/40@5m; not {text!r}")
    tokens, variants = (int((match[key] or "1").replace(",", "").replace("_", "")) for key in ("tokens", "variants"))
    if max(tokens, variants) > MOST:
        raise click.UsageError(f"--layer {text}: that is more than a month could have")
    return Layer(tokens, variants, ttls[match["ttl"]])


def _whole(value: Decimal | None, otherwise: int | None, option: str) -> int:
    if value is None:
        if otherwise is None:
            raise click.UsageError(f"{option} is missing: tokens of a request (or start from a --preset)")
        return otherwise
    if value != int(value):
        raise click.UsageError(f"{option} is a whole number of tokens, not {value}")
    return int(value)


def _print(document: "EstimateResult", as_json: bool, as_csv: bool) -> None:
    from rockbottom.rendering import estimate_csv, estimate_text, json_text

    if as_json:
        click.echo(json_text(document))
    elif as_csv:
        click.echo(estimate_csv(document), nl=False)
    else:
        show(estimate_text(document, width=width(), colour=colour()))


def _print_presets(model: str | None, options: dict[str, Any], as_json: bool) -> None:
    """The presets, each with what caching saves of its input and in total where a model is named."""
    from rockbottom.advise import PresetsResult, estimate, preset_document, presets, priced_preset
    from rockbottom.rendering import json_text, presets_text

    alone = {**options, "gaps": None}
    rows = [
        priced_preset(preset, estimate(_question(model, preset.shape, {**alone, "writes": preset.writes})))
        if model
        else preset_document(preset)
        for preset in presets().values()
    ]
    document = PresetsResult(model, tuple(rows))
    if as_json:
        click.echo(json_text(document))
        return
    show(presets_text(document, width=width(), colour=colour()))
