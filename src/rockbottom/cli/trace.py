"""``rockbottom trace``: recorded traffic into one columnar file, and what is in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import show, tell
from rockbottom.cli.group import Listing
from rockbottom.cli.options import json_flag
from rockbottom.figures import counted
from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rockbottom.catalog import SetApart
    from rockbottom.trace import Damages, ReaderSettings, Reading


@click.group(cls=Listing)
def command() -> None:
    """Import recorded traffic into columns without its text, and look at it."""


by_option: Any = click.option(
    "--by", "by", metavar="KEY", default="",
    help="Group requests by model, region, account, identity, project, profile, or a key of their metadata.",
)  # fmt: skip


def source_options(function: Any) -> Any:
    """The options of every command that reads recorded traffic."""
    for option in (
        by_option,
        click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the format."),
        click.option(
            "--partial-blocks", type=click.Choice(["drop", "keep"]), default="drop", show_default=True,
            help="What to do with a last slice that is not full, in traces of fixed slices.",
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
    source: str, out: Path, name: str | None, strict: bool, partial_blocks: str, options: tuple[str, ...], by: str
) -> None:
    """Read SOURCE (a file, a folder, or s3://bucket/prefix) into one Parquet file without its text.

    Block hashes are keyed with a secret drawn for this file and forgotten, so the file can be shared.
    Parts already read are kept beside FILE until all are done: the same command continues where it stopped.
    """
    from rockbottom.cli.trace_import import imported
    from rockbottom.rendering import imported_text
    from rockbottom.trace import facts_of

    reading = imported(source, out, settings_of(partial_blocks, options, by), name)
    say_reading(reading, source)
    if strict:
        refuse_some(reading.damages.count, ())
    tell(f"{out}: {imported_text(facts_of(reading))}")


@command.command()
@click.argument("source")
@json_flag
@source_options
def info(
    source: str, name: str | None, strict: bool, partial_blocks: str, options: tuple[str, ...], by: str, as_json: bool
) -> None:
    """Show what is in SOURCE, a Parquet file or anything that can be imported."""
    from rockbottom.catalog import load_catalog
    from rockbottom.rendering import facts_text, json_text
    from rockbottom.trace import facts_of, read_trace, unknown_models

    reading = read_trace(source, settings_of(partial_blocks, options, by), name)
    apart = unknown_models(reading.trace, load_catalog())
    if strict:
        refuse_some(reading.damages.count, apart)
    facts = facts_of(reading, apart)
    say_reading(reading, source)
    if as_json:
        click.echo(json_text(facts))
        return
    show(facts_text(facts))


@command.command()
def formats() -> None:
    """List the formats that can be read."""
    from rockbottom.trace import readers

    for reader in readers().values():
        show(f"{reader.name:<14} {reader.summary}")


def settings_of(partial_blocks: str, options: tuple[str, ...], by: str = "") -> "ReaderSettings":
    """The settings of a reader from the command line; raises UsageError for an option without a value."""
    from rockbottom.trace import ReaderSettings

    for option in options:
        if "=" not in option:
            raise click.UsageError(f"--option {option}: write NAME=VALUE")
    return ReaderSettings(b"", partial_blocks, dict(option.split("=", 1) for option in options), by)


def say_reading(reading: "Reading", source: str) -> None:
    """Say on stderr what was wrong with the source, if anything, and what such a source cannot say."""
    from rockbottom.trace import readers

    lacks = readers()[reading.reader].lacks
    if lacks and not reading.trace.tells_blocks:
        tell(f"{source}: {lacks}")
    say_passed_over(source, reading.reader)
    say_damage(reading.damages, reading.duplicates, source)


def say_passed_over(source: str, reader: str) -> None:
    """Say on stderr which files of a folder of logs were not read."""
    from rockbottom.rendering import passed_over_text
    from rockbottom.trace import passed_over

    if reader in _OF_LOGS and (names := passed_over(source)):
        tell(f"{source}: {passed_over_text(names)}")


_OF_LOGS = ("bedrock-logs", "cloudwatch")


def nothing_read(source: str, damages: "Damages") -> click.UsageError:
    """No request could be read: whether all in it failed, which cost nothing."""
    failed = f"; {counted(damages.failed, 'call')} in it failed, which cost nothing" if damages.failed else ""
    return click.UsageError(f"{source}: no request in it could be read{failed}")


class NotAll(RockbottomError):
    """Something could not be read or priced, and the caller wants all or nothing."""


def refuse_some(damaged: int, apart: "Sequence[SetApart]") -> None:
    """For ``--strict``. Raises NotAll where lines were skipped or requests set apart."""
    from rockbottom.rendering import not_all_text

    if message := not_all_text(damaged, apart):
        raise NotAll(message, fix="without --strict the rest is counted all the same")


def say_apart(apart: "Sequence[SetApart]", source: str) -> None:
    """Say on stderr which requests are not in the answer, because their model is not known or has no price."""
    from rockbottom.rendering import apart_text

    _say(apart_text(apart), source)


def say_damage(damages: "Damages", duplicates: int, source: str) -> None:
    """Say on stderr what was skipped."""
    from rockbottom.rendering import damage_text

    _say(damage_text(damages, duplicates), source)


def _say(lines: "Iterable[str]", source: str) -> None:
    """Lines on stderr; those that are not set in name the source."""
    for line in lines:
        tell(line if line.startswith(" ") else f"{source}: {line}")
