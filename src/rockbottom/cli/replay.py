"""``rockbottom replay``: what recorded traffic would have cost under every policy."""

import csv
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.trace import say_reading, settings_of, source_options

if TYPE_CHECKING:
    from rockbottom.replay import Study

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_TIERS = ("default", "flex", "priority")


@click.command()
@click.argument("source")
@click.option("--model", metavar="ID", help="Replay every request under this model (an id, ARN or short name).")
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy; all of them by default.")
@click.option("--tier", type=click.Choice(_TIERS), default="default", show_default=True, help="The service tier.")
@click.option("--on", type=_DAY, help="The day whose prices and rules to use; today by default.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Rows of your own to lay on top (CSV).")
@click.option("--region", help="Replay as if this Region had served every request.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@source_options
def command(
    source: str, model: str | None, policies: tuple[str, ...], tier: str, on: datetime | None, prices: Path | None,
    region: str | None, as_json: bool, as_csv: bool, name: str | None, partial_blocks: str, options: tuple[str, ...],
) -> None:  # fmt: skip
    """Show what the traffic in SOURCE would have cost under every policy, and the least it could have cost.

    Outputs are held fixed: only what is read, written and left uncached differs.
    """
    from rockbottom.cache import behaviour_of
    from rockbottom.catalog import PriceBook, Tier, load_catalog
    from rockbottom.replay import FIXED, Question, study
    from rockbottom.trace import read_trace

    catalog = load_catalog()
    if prices:
        from dataclasses import replace

        catalog = replace(catalog, price_book=catalog.price_book.overlay(PriceBook.read(prices)))
    reading = read_trace(source, settings_of(partial_blocks, options), name)
    say_reading(reading, source)
    if not len(reading.trace):
        raise click.UsageError(f"{source}: no request in it could be read")
    asked = policies or tuple(policy for policy in FIXED if policy != "as_recorded" or len(reading.trace.points.after))
    question = Question(asked, on.date() if on else date.today(), Tier(tier), model, region)
    found = study(reading.trace, question, catalog, behaviour_of(catalog.switches))
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
    elif as_csv:
        _write_csv(found)
    else:
        for line in _as_text(found):
            click.echo(line)


def _rows(found: "Study") -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for row in found.rows:
        made.append(_row(row.bill, row.relative, row.captured))
    bound = found.bound.bill
    relative = bound.cost.input_usd / found.none.cost.input_usd if found.none.cost.input_usd else None
    made.append(_row(bound, relative, None))
    return made


def _row(bill: Any, relative: Any, captured: Any) -> dict[str, Any]:
    usage = bill.usage
    return {
        "policy": bill.policy,
        "read_tokens": usage.cache_read,
        "written_5m_tokens": usage.cache_write_5m,
        "written_1h_tokens": usage.cache_write_1h,
        "uncached_tokens": usage.input,
        "output_tokens": usage.output,
        "input_usd": str(bill.cost.input_usd),
        "usd": str(bill.cost.usd),
        "relative_input_cost": None if relative is None else f"{relative:.6f}",
        "captured": None if captured is None else f"{captured:.6f}",
    }


def _as_json(found: "Study") -> dict[str, Any]:
    question = found.question
    return {
        "on": question.on.isoformat(),
        "tier": question.tier.value,
        "models": [stage.rates.model.given for stage in found.stages],
        "requests": sum(len(stage.trace) for stage in found.stages),
        "span_seconds": max(stage.trace.span_s for stage in found.stages),
        "clairvoyant": "exact" if found.bound.exact else "lower bound: every block decides alone",
        "policies": _rows(found),
    }


def _write_csv(found: "Study") -> None:
    rows = _rows(found)
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _as_text(found: "Study") -> list[str]:
    models = ", ".join(stage.rates.model.model.name for stage in found.stages)
    requests = sum(len(stage.trace) for stage in found.stages)
    question = found.question
    lines = [
        f"{requests:,} requests · {models} · {question.tier.value} tier · prices of {question.on}",
        "",
        f"{'policy':<18} {'read':>8} {'written':>8} {'uncached':>8} {'input $':>12} {'relative':>8} {'captured':>8}",
    ]
    lines += [_line(row) for row in _rows(found)]
    lines += ["", "bound: no legal placement costs less (every block decides alone); outputs held fixed"]
    return lines


def _line(row: dict[str, Any]) -> str:
    written = row["written_5m_tokens"] + row["written_1h_tokens"]
    tokens = " ".join(f"{_short(count):>8}" for count in (row["read_tokens"], written, row["uncached_tokens"]))
    relative = "" if row["relative_input_cost"] is None else f"{float(row['relative_input_cost']):.3f}"
    captured = "" if row["captured"] is None else f"{float(row['captured']):.1%}"
    return f"{row['policy']:<18} {tokens} {_money(row['input_usd']):>12} {relative:>8} {captured:>8}".rstrip()


def _money(text: str) -> str:
    from decimal import Decimal

    amount = Decimal(text)
    return f"{amount:,.2f}" if abs(amount) >= 10 else f"{amount:.4f}"


def _short(count: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= size:
            return f"{count / (size if letter != 'k' else 1000):,.1f}{letter}"
    return f"{count:,}"
