"""``rockbottom trace``: recorded traffic into one columnar file, and what is in it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rockbottom.catalog import SetApart
    from rockbottom.trace import Damages, Reading, Settings, Trace

_NAMED = 10  # models that are named where more are set apart


@click.group()
def command() -> None:
    """Import recorded traffic into columns without its text, and look at it."""


def source_options(function: Any) -> Any:
    """The options of every command that reads recorded traffic."""
    for option in (
        click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the format."),
        click.option(
            "--partial-blocks", type=click.Choice(["drop", "keep"]), default="drop", show_default=True,
            help="What becomes of a last slice that is not full, in traces of fixed slices.",
        ),
        click.option("--strict", is_flag=True, help="Fail where anything cannot be read or priced."),
        click.option("--format", "name", metavar="NAME", help="The format; recognised where it is not named."),
    ):  # fmt: skip
        function = option(function)
    return function


@command.command(name="import")
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.parquet")
@source_options
def import_(
    source: str, out: Path, name: str | None, strict: bool, partial_blocks: str, options: tuple[str, ...]
) -> None:
    """Read SOURCE (a file, a folder, or s3://bucket/prefix) into one Parquet file without its text.

    Block hashes are keyed with a secret drawn for this file and forgotten, so the file can be shared.
    Parts already read are kept beside FILE until all are done: the same command takes up where it stopped.
    """
    from rockbottom.cli.trace_import import imported

    reading = imported(source, out, settings_of(partial_blocks, options), name)
    say_reading(reading, source)
    if strict:
        refuse_some(reading.damages.count, ())
    click.echo(f"{out}: {len(reading.trace):,} requests, {len(reading.trace.blocks.depth):,} blocks", err=True)


@command.command()
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@source_options
def info(
    source: str, name: str | None, strict: bool, partial_blocks: str, options: tuple[str, ...], as_json: bool
) -> None:
    """Show what is in SOURCE, a Parquet file or anything that can be imported."""
    from rockbottom.trace import read_trace

    reading = read_trace(source, settings_of(partial_blocks, options), name)
    apart = _unknown_in(reading.trace)
    if strict:
        refuse_some(reading.damages.count, apart)
    found = facts_of(reading)
    if apart:
        found["set_apart"] = [{"model": part.model, "requests": part.requests, "tokens": part.tokens, "why": part.why}
                              for part in apart]  # fmt: skip
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for label, value in found.items():
        click.echo(f"{label.replace('_', ' '):<18} {_shown(value)}")


@command.command()
def formats() -> None:
    """List the formats that can be read."""
    from rockbottom.trace import readers

    for reader in readers().values():
        click.echo(f"{reader.name:<14} {reader.summary}")


def settings_of(partial_blocks: str, options: tuple[str, ...], key: bytes = b"") -> "Settings":
    """The settings of a reader from the command line; raises UsageError for an option without a value."""
    from rockbottom.trace import Settings

    for option in options:
        if "=" not in option:
            raise click.UsageError(f"--option {option}: write NAME=VALUE")
    return Settings(key, partial_blocks, dict(option.split("=", 1) for option in options))


def say_reading(reading: "Reading", source: str) -> None:
    """Say on stderr what was wrong with the source, if anything."""
    say_damage(reading.damages, reading.duplicates, source)
    if reading.reordered:
        click.echo(f"{source}: {reading.reordered:,} requests stood out of order", err=True)


class NotAll(RockbottomError):
    """Something could not be read or priced, and the caller wants all or nothing."""


def refuse_some(damaged: int, apart: "Sequence[SetApart]") -> None:
    """For ``--strict``. Raises NotAll where lines were skipped or requests set apart."""
    requests = sum(part.requests for part in apart)
    if damaged or requests:
        raise NotAll(
            f"--strict: {damaged:,} damaged lines, {requests:,} requests to models that are not known or have no price",
            fix="without --strict the rest is answered for",
        )


def say_apart(apart: "Sequence[SetApart]", source: str) -> None:
    """Say on stderr which requests are not in the answer, because their model is not known or has no price."""
    if not apart:
        return
    requests, models = sum(part.requests for part in apart), len(apart)
    click.echo(f"{source}: {requests:,} requests to {models:,} models set apart, not in what follows:", err=True)
    for part in apart[:_NAMED]:
        fix = f" ({part.fix})" if part.fix else ""
        click.echo(
            f"  {part.model or 'no model'}: {part.requests:,}, {part.tokens:,} tokens: {part.why}{fix}", err=True
        )
    if models > _NAMED:
        click.echo(f"  and {models - _NAMED:,} more models", err=True)


def say_damage(damages: "Damages", duplicates: int, source: str) -> None:
    """Say on stderr what was skipped."""
    if damages.count:
        click.echo(f"{source}: {damages.count:,} damaged lines skipped", err=True)
        for damage in damages.first[:5]:
            click.echo(f"  {damage.place}: {damage.why}", err=True)
        if damages.count > 5:
            click.echo(f"  and {damages.count - 5:,} more", err=True)
    if damages.respelled:
        click.echo(f"{source}: {damages.respelled:,} records are no UTF-8 and were read as Windows-1252", err=True)
    if duplicates:
        click.echo(f"{source}: {duplicates:,} requests seen twice, counted once", err=True)


def facts_of(reading: "Reading") -> dict[str, Any]:
    """What a trace holds, for printing."""
    trace = reading.trace
    requests = trace.requests
    return {
        "format": reading.reader,
        "requests": len(trace),
        "blocks": len(trace.blocks.depth),
        "points": len(trace.points.after),
        "sessions": len(trace.names["session"]),
        "models": [name for name in trace.names["model"] if name],
        "regions": list(trace.names["region"]),
        "span_seconds": round(trace.span_s, 3),
        "tokens_in": int(requests.tokens_in.sum(dtype="int64")),
        "tokens_out": int(requests.tokens_out.clip(0).sum(dtype="int64")),
        "usage_observed": trace.is_observed,
        "damaged_lines": reading.damages.count,
        "duplicates": reading.duplicates,
        "out_of_order": reading.reordered,
        "column_bytes": trace.nbytes,
    }


def _unknown_in(trace: "Trace") -> "Sequence[SetApart]":
    """The requests to models that the catalogue does not know."""
    from rockbottom.catalog import CatalogError, apart_of, load_catalog, summed_apart

    catalog, apart, requests = load_catalog(), [], trace.requests
    for code, given in enumerate(trace.names["model"]):
        try:
            if given:
                catalog.model(given)
        except CatalogError as error:
            rows = requests.model == code
            tokens = int(requests.tokens_in[rows].clip(0).sum()) + int(requests.tokens_out[rows].clip(0).sum())
            apart.append(apart_of(given, int(rows.sum()), tokens, error))
    return summed_apart(apart)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        texts = [f"{one['model']} ({one['requests']:,})" if isinstance(one, dict) else str(one) for one in value]
        return ", ".join(texts) or "none named"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
