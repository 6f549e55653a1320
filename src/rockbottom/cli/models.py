"""``rockbottom models``: the models of the catalogue and the rules by which they cache."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import show, width
from rockbottom.cli.values import Day

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, Model


@click.command()
@click.argument("words", nargs=-1)
@click.option("--on", type=Day(), help="The day whose rules to show; today by default.")
@click.option("--switches", is_flag=True, help="List where sources conflict instead, and the sides that can be chosen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every source and what is contested.")
def command(words: tuple[str, ...], on: date | None, switches: bool, as_json: bool) -> None:
    """List models and their cache rules; WORDS narrow the list (as in: models claude 4-6)."""
    from rockbottom.catalog import ending, lifecycles, load_catalog
    from rockbottom.client import with_saved_facts
    from rockbottom.rendering import (
        ListedModel,
        json_text,
        models_document,
        models_text,
        switches_document,
        switches_text,
    )

    catalog = with_saved_facts(load_catalog())
    if switches:
        chosen = [switch for switch in catalog.switches.values() if _holds(f"{switch.name} {switch.question}", words)]
        if as_json:
            click.echo(json_text(switches_document(chosen)))
        else:
            show(switches_text(chosen, width=width()))
        return
    day = on or date.today()
    listed = [
        ListedModel(
            model,
            catalog.rules(model, day),
            _sides(catalog, model, day),
            lifecycles(catalog).get(model.id),
            ending(catalog, model, day),
        )
        for model in catalog.models.values()
        if _matches(model, words)
    ]
    if not listed:
        raise click.UsageError(f"no model matches {' '.join(words)!r}; rockbottom models lists all")
    if as_json:
        click.echo(json_text(models_document(day, listed)))
        return
    show(models_text(listed, width=width()))


def _matches(model: "Model", words: Sequence[str]) -> bool:
    return _holds(f"{model.id} {model.name} {' '.join(model.aliases)}", words)


def _holds(text: str, words: Sequence[str]) -> bool:
    return all(word.lower() in text.lower() for word in words)


def _sides(catalog: "Catalog", model: "Model", day: date) -> dict[str, str]:
    """What was measured of a model on this account: the side of each switch."""
    return {name: switch.default for name, switch in catalog.measured_switches(model, day).items()}
