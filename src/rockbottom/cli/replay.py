"""``rockbottom replay``: what recorded traffic would have cost under every policy."""

import csv
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.trace import say_reading, settings_of, source_options
from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from rockbottom.trace import Trace

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_TIERS = ("default", "flex", "priority")
_WITHOUT_BLOCKS = {"none", "batch"}  # these price tokens and never ask what repeats


class NothingRepeats(RockbottomError):
    """The source holds no block hashes, so nothing is known of what its requests have in common."""


@click.command()
@click.argument("source")
@click.option("--model", metavar="ID", help="Replay every request under this model (an id, ARN or short name).")
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy, named below; repeat for more.")
@click.option("--tier", type=click.Choice(_TIERS), default="default", show_default=True, help="The service tier.")
@click.option("--on", type=_DAY, help="The day whose prices and rules to use; today by default.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Rows of your own to lay on top (CSV).")
@click.option("--region", help="Replay as if this Region had served every request.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page as well.")
@source_options
def command(
    source: str, model: str | None, policies: tuple[str, ...], tier: str, on: datetime | None, prices: Path | None,
    region: str | None, as_json: bool, as_csv: bool, html: Path | None,
    name: str | None, partial_blocks: str, options: tuple[str, ...],
) -> None:  # fmt: skip
    """Show what the traffic in SOURCE would have cost under every policy, and the least it could have cost.

    Outputs are held fixed: only what is read, written and left uncached differs.

    Policies: none, as_recorded, system, system_1h, system_tail_5m, system_tail_1h,
    system_1h_tail_5m, and when named: planner (online), keep_alive, batch.
    """
    from rockbottom.cache import behaviour_of
    from rockbottom.catalog import PriceBook, Tier, load_catalog
    from rockbottom.cli.replay_planner import PlannerPolicy
    from rockbottom.cli.replay_text import text_of
    from rockbottom.replay import DEFAULT_POLICIES, Question, document_of, study
    from rockbottom.trace import read_trace

    catalog = load_catalog()
    if prices:
        from dataclasses import replace

        catalog = replace(catalog, price_book=catalog.price_book.overlay(PriceBook.read(prices)))
    reading = read_trace(source, settings_of(partial_blocks, options), name)
    say_reading(reading, source)
    if not len(reading.trace):
        raise click.UsageError(f"{source}: no request in it could be read")
    recorded = ("as_recorded",) if len(reading.trace.points.after) else ()
    asked = policies or ("none", *recorded, *DEFAULT_POLICIES)
    if not _WITHOUT_BLOCKS.issuperset(asked):
        _need_blocks(reading.trace, source)
    question = Question(asked, on.date() if on else date.today(), Tier(tier), model, region)
    online = {"planner": PlannerPolicy}
    document = document_of(study(reading.trace, question, catalog, behaviour_of(catalog.switches), online))
    if html:
        from rockbottom.cli.replay_page import page_of

        html.write_text(page_of(document), encoding="utf-8")
        click.echo(f"{html}", err=True)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    elif as_csv:
        _write_csv(document)
    else:
        for line in text_of(document):
            click.echo(line)


def _need_blocks(trace: "Trace", source: str) -> None:
    """Raises NothingRepeats where no request has blocks; says on stderr how many have none."""
    without = int((trace.block_offsets[1:] == trace.block_offsets[:-1]).sum())
    if without == len(trace):
        raise NothingRepeats(
            f"{source}: none of its {without:,} requests carries block hashes: what repeats is unknown, so no caching "
            "policy can be replayed",
            fix="without a cache it can be priced: rockbottom replay SOURCE --policy none",
        )
    if without:
        click.echo(f"{source}: {without:,} requests carry no block hashes: uncached under every policy", err=True)


def _write_csv(document: dict[str, Any]) -> None:
    clairvoyant = {name: value for name, value in document["clairvoyant"].items() if name != "is"}
    rows = [*document["policies"], {**clairvoyant, "captured": None}]
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
