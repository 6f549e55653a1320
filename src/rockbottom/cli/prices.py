"""``rockbottom prices``: what a model costs, and whether AWS's price list still says so."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli import console
from rockbottom.cli.group import Listing
from rockbottom.cli.options import json_flag
from rockbottom.cli.prices_pull import pull
from rockbottom.cli.prices_reading import PriceListUnavailable, pricing_client, products_of_api
from rockbottom.cli.standing import tell_endings
from rockbottom.cli.values import Day, Region, prices_option

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, ListPrice, ModelId, Price, PriceBook


__all__ = ["PriceListUnavailable", "command", "pricing_client"]


@click.group(cls=Listing)
def command() -> None:
    """Show prices, and check them against AWS's price list."""


command.add_command(pull)


@command.command()
@click.argument("model")
@click.option("--on", type=Day(), help="The day whose prices to show; today by default.")
@click.option("--region", type=Region(), help="The Region whose prices to show; us-east-1 by default.")
@prices_option
@json_flag
def show(model: str, on: date | None, region: str | None, prices: Path | None, as_json: bool) -> None:
    """Show what MODEL costs in US dollars per million tokens.

    MODEL is an id, an ARN or a short name such as nova-pro, sonnet-4-6 or us.sonnet-4-6.
    Without a us. or global. in front, every scope is shown; as JSON, without --region, every Region.
    """
    from rockbottom.catalog import REFERENCE_REGION, PriceBook, load_catalog
    from rockbottom.rendering import json_text, prices_document, prices_text

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    day = on or date.today()
    model_id = catalog.model(model)
    rows = _rows_in_force(book, model_id, day)
    contested = [row for row in book.contested(model_id.model.id, on=day) if _in_scope(row, model_id)]
    where = region or model_id.region
    there = _of_region(book, rows, where, day) if where else rows
    if not there:
        _raise_no_price(book, model_id, day, where)
    if as_json:
        click.echo(json_text(prices_document(model_id, day, there, contested)))
        return
    tell_endings(catalog, [model], day, where)
    elsewhere = sorted({row.region for row in rows if row.region} - {where or REFERENCE_REGION})
    chosen = [row for row in there if where or row.region in (None, REFERENCE_REGION)] or there
    console.show(prices_text(model_id, day, chosen, contested, elsewhere, width=console.width()))


@command.command()
@click.option(
    "--region", type=Region(), default="us-east-1", show_default=True, help="The Region whose prices to compare."
)
@click.option("--profile", help="The AWS profile with the credentials.")
@prices_option
@json_flag
@click.pass_context
def check(ctx: click.Context, region: str, profile: str | None, prices: Path | None, as_json: bool) -> None:
    """Compare the price book with the AWS Price List API.

    Needs credentials that may call pricing:GetProducts, which is free. Exits with 1 where a price differs.
    """
    from rockbottom.catalog import SERVICES, PriceBook, comparisons, load_catalog
    from rockbottom.rendering import comparison_document, comparison_text, json_text

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    read_on = [row.source.checked_on for row in book.rows if not row.contested]
    click.echo(_age(read_on, date.today()), err=True)  # before the service is asked, which takes credentials
    products = list(products_of_api(pricing_client(profile), SERVICES, [region]))
    if not products:
        raise PriceListUnavailable(f"AWS lists no product of Bedrock for {region}.", fix="give another --region")
    listed = _listed(catalog, products)
    pairs = list(comparisons(listed, book, date.today()))
    if as_json:
        click.echo(json_text(comparison_document(region, len(products), pairs)))
    else:
        console.show(comparison_text(region, len(products), len(listed), pairs))
        compared = [pair.row.source.checked_on for pair in pairs if pair.row is not None]
        console.show(_age(compared, date.today(), "compared rows"))
    if any(pair.row is not None and not pair.agrees for pair in pairs):
        ctx.exit(1)


def _age(days: Sequence[date], today: date, which: str = "rows") -> str:
    """How old rows of the book are."""
    if not days:
        return "None of these prices is in the book."
    oldest, newest = min(days), max(days)
    return f"The book's {which} were read from {oldest} to {newest}: the oldest {(today - oldest).days} days ago."


def _listed(catalog: "Catalog", products: Sequence[dict[str, Any]]) -> "list[ListPrice]":
    from rockbottom.catalog import list_price

    models = list(catalog.models.values())
    return [price for product in products if (price := list_price(product, models)) is not None]


def _rows_in_force(book: "PriceBook", model_id: "ModelId", day: date) -> "list[Price]":
    """The rows that a bill of that day would use, overlays considered."""
    used: dict[str, Price] = {}
    for row in book.of_model(model_id.model.id, day):
        if not row.contested and _in_scope(row, model_id):
            prompt = row.above_context_tokens + 1 if row.above_context_tokens else 0
            wins = book.price(row.model, row.scope, row.tier, row.unit, day, prompt, row.region)
            used[wins.place] = wins
    return list(used.values())


def _in_scope(row: "Price", model_id: "ModelId") -> bool:
    """Whether the row is of the scope asked for; a bare id asks for every scope."""
    from rockbottom.catalog import Scope

    return model_id.scope is Scope.IN_REGION or row.scope is model_id.scope


def _of_region(book: "PriceBook", rows: "Sequence[Price]", region: str, day: date) -> "list[Price]":
    """The rows that a bill of a call in a Region would use, of what these rows are about."""
    from rockbottom.catalog import NoPriceInForce, Scope, geographies_of

    used: dict[str, Price] = {}
    for row in rows:
        if row.scope not in (Scope.IN_REGION, Scope.GLOBAL, *geographies_of(region)):
            continue
        prompt = row.above_context_tokens + 1 if row.above_context_tokens else 0
        try:
            wins = book.price(row.model, row.scope, row.tier, row.unit, day, prompt, region)
        except NoPriceInForce:
            continue
        used[wins.place] = wins
    return list(used.values())


def _raise_no_price(book: "PriceBook", model_id: "ModelId", day: date, region: str | None) -> None:
    from rockbottom.catalog import Tier
    from rockbottom.quantities import Unit

    book.price(model_id.model.id, model_id.scope, Tier.DEFAULT, Unit.INPUT, day, 0, region)
