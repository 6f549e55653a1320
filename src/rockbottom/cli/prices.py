"""``rockbottom prices``: what a model costs, and whether AWS's price list still says so."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.figures import paragraph, usd_exact
from rockbottom.quantities import Fault, RockbottomError

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, Comparison, ListPrice, ModelId, Price, PriceBook


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

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    day = on.date() if on else date.today()
    found = catalog.model(model)
    rows = _rows_in_force(book, found, day)
    contested = [row for row in book.contested(found.model.id, on=day) if _in_scope(row, found)]
    if not rows:
        _raise_no_price(book, found, day)
    if as_json:
        click.echo(json.dumps(_as_json(found, day, rows, contested), indent=2))
        return
    for line in _as_text(found, day, rows, contested):
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

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    products = _read_products(profile, region)
    listed = _listed(catalog, products)
    found = list(comparisons(listed, book, date.today()))
    if as_json:
        click.echo(json.dumps(_check_json(region, len(products), found), indent=2))
    else:
        for line in _check_text(region, len(products), len(listed), found):
            click.echo(line)
    if any(one.row is not None and not one.agrees for one in found):
        ctx.exit(1)


def pricing_client(profile: str | None) -> Any:
    """A client of the Price List API, which is served from us-east-1 whatever Region is asked about."""
    import boto3

    return boto3.Session(profile_name=profile).client("pricing", region_name="us-east-1")


def _read_products(profile: str | None, region: str) -> list[dict[str, Any]]:
    import boto3  # noqa: F401  # missing: said before anything else is
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


def _as_text(found: "ModelId", day: date, rows: "Sequence[Price]", contested: "Sequence[Price]") -> Iterator[str]:
    from rockbottom.quantities import Unit

    yield f"{found.model.name}  {found.model.id}"
    yield f"US dollars per million tokens in force on {day}"
    yield ""
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in sorted(rows, key=_order):
        key = (row.scope.value, row.tier.value, _condition(row))
        lines.setdefault(key, {})[row.unit.value] = dollars(row)
    used = [unit.value for unit in Unit if any(unit.value in cells for cells in lines.values())]
    heads = [column.removeprefix("cache_").replace("_", " ") for column in used]
    yield "scope      tier     where or when  " + "".join(f"{head:>9}" for head in heads)
    for (scope, tier, condition), cells in lines.items():
        yield f"{scope:<10} {tier:<8} {condition:<15}" + "".join(f"{cells.get(column, '-'):>9}" for column in used)
    yield from _contested_text(contested)
    yield ""
    yield "Sources:"
    for source in dict.fromkeys(row.source for row in (*rows, *contested)):
        yield from _wrapped(f"[{source.key}] {source.title}, checked {source.checked_on}")
        yield f"    {source.url}"


def _contested_text(contested: "Sequence[Price]") -> Iterator[str]:
    said: dict[tuple[str, str, str, str], list[str]] = {}
    for row in sorted(contested, key=_order):
        key = (row.tier.value, row.unit.value, row.note, row.source.key)
        said.setdefault(key, []).append(f"{row.scope.value} {dollars(row)}")
    if said:
        yield ""
        yield "Contested, not used:"
    for (tier, unit, note, source), prices in said.items():
        yield from _wrapped(f"{tier} {unit}: {', '.join(prices)}; {note} [{source}]")


def _wrapped(text: str) -> list[str]:

    return paragraph(text, 80, "  ", "    ")


def _order(row: "Price") -> tuple[int, int, str, int]:
    from rockbottom.catalog import Scope, Tier

    return list(Scope).index(row.scope), list(Tier).index(row.tier), row.region or "", row.above_context_tokens


def _condition(row: "Price") -> str:
    above = f">{row.above_context_tokens // 1000}k" if row.above_context_tokens else ""
    return " ".join(part for part in (row.region or "", above) if part)


def dollars(row: "Price") -> str:
    """The price without needless zeros."""
    return usd_exact(row.usd_per_mtok)


def _as_json(found: "ModelId", day: date, rows: "Sequence[Price]", contested: "Sequence[Price]") -> dict[str, Any]:
    return {
        "model": found.model.id,
        "name": found.model.name,
        "on": day.isoformat(),
        "unit": "USD per 1,000,000 tokens",
        "prices": [_row_json(row) for row in sorted(rows, key=_order)],
        "contested": [_row_json(row) for row in sorted(contested, key=_order)],
    }


def _row_json(row: "Price") -> dict[str, Any]:
    return {
        "scope": row.scope.value,
        "region": row.region,
        "tier": row.tier.value,
        "unit": row.unit.value,
        "usd_per_mtok": str(row.usd_per_mtok),
        "above_context_tokens": row.above_context_tokens,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "source": row.source.key,
        "url": row.source.url,
        "checked_on": row.source.checked_on.isoformat(),
        "note": row.note,
        "place": row.place,
    }


def _sorted_out(
    found: "Sequence[Comparison]",
) -> "tuple[list[Comparison], list[Comparison], list[Comparison]]":
    def those(test: "Callable[[Comparison], bool]") -> "list[Comparison]":
        return [one for one in found if test(one)]

    return (
        those(lambda one: one.agrees),
        those(lambda one: one.row is not None and not one.agrees),
        those(lambda one: one.row is None),
    )


def _check_text(region: str, products: int, listed: int, found: "Sequence[Comparison]") -> Iterator[str]:
    same, differ, missing = _sorted_out(found)
    yield f"{products} products listed for {region}, {listed} of them token prices of models in the catalogue."
    yield f"{len(same)} prices agree, {len(differ)} differ, {len(missing)} are not in the book."
    for one in differ:
        assert one.row is not None
        yield f"  differs  {_asked(one)}: book {dollars(one.row)} ({one.row.place}), list {one.listed.usd_per_mtok:f}"
        yield f"           {one.listed.usage_type}"
    for one in missing:
        yield f"  missing  {_asked(one)}: list {one.listed.usd_per_mtok:f}"
        yield f"           {one.listed.usage_type}"


def _asked(one: "Comparison") -> str:
    return f"{one.listed.model} {one.scope.value} {one.listed.tier.value} {one.listed.unit.value}"


def _check_json(region: str, products: int, found: "Sequence[Comparison]") -> dict[str, Any]:
    return {
        "region": region,
        "products": products,
        "comparisons": [
            {
                "model": one.listed.model,
                "scope": one.scope.value,
                "tier": one.listed.tier.value,
                "unit": one.listed.unit.value,
                "list_usd_per_mtok": str(one.listed.usd_per_mtok),
                "book_usd_per_mtok": str(one.row.usd_per_mtok) if one.row else None,
                "book_place": one.row.place if one.row else None,
                "usage_type": one.listed.usage_type,
                "verdict": "agrees" if one.agrees else "differs" if one.row else "missing",
            }
            for one in found
        ],
    }
