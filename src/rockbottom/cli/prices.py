"""``rockbottom prices``: what a model costs, and whether AWS's price list still says so."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.quantities import Fault, RockbottomError

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, ListPrice, ModelId, Price, PriceBook


class PriceListUnavailable(RockbottomError):
    """AWS's price list could not be read: no credentials, no permission, or no connection."""

    fault = Fault.SERVICE


_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Show prices, and check them against AWS's price list."""


@command.command()
@click.argument("model")
@click.option("--on", type=_DAY, help="The day whose prices to show; today by default.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Rows of your own to lay on top (CSV).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(model: str, on: datetime | None, prices: Path | None, as_json: bool) -> None:
    """Show what MODEL costs in US dollars per million tokens.

    MODEL is an id, an ARN or a short name such as nova-pro, sonnet-4-6 or us.sonnet-4-6.
    Without a us. or global. in front, every scope is shown.
    """
    from rockbottom.catalog import PriceBook, load_catalog
    from rockbottom.rendering import json_text, prices_document, prices_text

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    day = on.date() if on else date.today()
    found = catalog.model(model)
    rows = _rows_in_force(book, found, day)
    contested = [row for row in book.contested(found.model.id, on=day) if _in_scope(row, found)]
    if not rows:
        _raise_no_price(book, found, day)
    if as_json:
        click.echo(json_text(prices_document(found, day, rows, contested)))
        return
    for line in prices_text(found, day, rows, contested):
        click.echo(line)


@command.command()
@click.option("--region", default="us-east-1", show_default=True, help="The Region whose prices to compare.")
@click.option("--profile", help="The AWS profile with the credentials.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Rows of your own to lay on top (CSV).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, region: str, profile: str | None, prices: Path | None, as_json: bool) -> None:
    """Compare the price book with the AWS Price List API.

    Needs credentials that may call pricing:GetProducts, which is free. Exits with 1 where a price differs.
    """
    from rockbottom.catalog import PriceBook, comparisons, load_catalog
    from rockbottom.rendering import comparison_document, comparison_text, json_text

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    products = _read_products(profile, region)
    listed = _listed(catalog, products)
    found = list(comparisons(listed, book, date.today()))
    if as_json:
        click.echo(json_text(comparison_document(region, len(products), found)))
    else:
        for line in comparison_text(region, len(products), len(listed), found):
            click.echo(line)
    if any(one.row is not None and not one.agrees for one in found):
        ctx.exit(1)


def pricing_client(profile: str | None) -> Any:
    """A client of the Price List API, which is served from us-east-1 whatever Region is asked about."""
    import boto3

    session: Any = boto3.Session(profile_name=profile)
    return session.client("pricing", region_name="us-east-1")


def _read_products(profile: str | None, region: str) -> list[dict[str, Any]]:
    import_module("boto3")  # missing: said before anything else is
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return list(_products(pricing_client(profile), region))
    except (BotoCoreError, ClientError) as error:
        raise PriceListUnavailable(
            f"The AWS Price List API could not be read: {error}",
            fix="it needs credentials (--profile NAME, or the environment) that may call pricing:GetProducts",
        ) from error


def _products(client: Any, region: str) -> Iterator[dict[str, Any]]:
    from rockbottom.catalog import SERVICES

    for service in SERVICES:
        pages = client.get_paginator("get_products").paginate(
            ServiceCode=service,
            FormatVersion="aws_v1",
            Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        )
        for page in pages:
            for product in page["PriceList"]:
                yield json.loads(product)


def _listed(catalog: "Catalog", products: Sequence[dict[str, Any]]) -> "list[ListPrice]":
    from rockbottom.catalog import list_price

    models = list(catalog.models.values())
    return [price for product in products if (price := list_price(product, models)) is not None]


def _rows_in_force(book: "PriceBook", found: "ModelId", day: date) -> "list[Price]":
    """The rows that a bill of that day would use, overlays considered."""
    used: dict[str, Price] = {}
    for row in book.of_model(found.model.id, day):
        if not row.contested and _in_scope(row, found):
            prompt = row.above_context_tokens + 1 if row.above_context_tokens else 0
            wins = book.price(row.model, row.scope, row.tier, row.unit, day, prompt, row.region)
            used[wins.place] = wins
    return list(used.values())


def _in_scope(row: "Price", found: "ModelId") -> bool:
    """Whether the row is of the scope asked for; a bare id asks for every scope."""
    from rockbottom.catalog import Scope

    return found.scope is Scope.IN_REGION or row.scope is found.scope


def _raise_no_price(book: "PriceBook", found: "ModelId", day: date) -> None:
    from rockbottom.catalog import Tier
    from rockbottom.quantities import Unit

    book.price(found.model.id, found.scope, Tier.DEFAULT, Unit.INPUT, day)
