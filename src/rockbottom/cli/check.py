"""``rockbottom check``: prompts against their pins, in CI and before a commit."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import progress, show, width
from rockbottom.cli.exits import Exit, say
from rockbottom.cli.options import json_flag
from rockbottom.cli.standing import tell_endings
from rockbottom.cli.values import Count, Number

if TYPE_CHECKING:
    from rockbottom.pins import ConversationLimits, Gate, NotRendered, Pin, PinCheck, Rendering


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--pins",
    "pins_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The pin file; rockbottom-pins.toml by default, here or in a folder above.",
)
@click.option("--accept", is_flag=True, help="Pin the prompts as they are now.")
@click.option("--with-text", is_flag=True, help="Keep the text of accepted prefixes beside the pins, for full diffs.")
@click.option("--name", help="The name of the prompt, where one SOURCE is given.")
@click.option("--model", metavar="ID", help="The model of requests that name none, or an application profile.")
@click.option("--requests-per-month", type=Count(min=0), metavar="N", help="How many requests a month.")
@click.option(
    "--max-usd", type=Number(zero=True), metavar="USD", help="Fail when a conversation costs more (simulated)."
)
@click.option(
    "--min-hit-rate",
    type=Number(zero=True),
    metavar="PERCENT",
    help="Fail when less of its input is read from the cache.",
)
@click.option(
    "--gap",
    type=Number(zero=True, most=Decimal(10**9)),
    default="30",
    show_default=True,
    metavar="SECONDS",
    help="The time between two turns of a conversation.",
)
@click.option("--output-tokens", type=Count(min=0), metavar="N", help="Output tokens of each turn.")
@json_flag
def command(
    sources: tuple[str, ...], pins_path: Path | None, accept: bool, with_text: bool, name: str | None,
    model: str | None, requests_per_month: int | None, max_usd: Decimal | None, min_hit_rate: Decimal | None,
    gap: Decimal, output_tokens: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Fail when the cached prefix of a prompt differs from the pinned one; say what moved and what it costs.

    SOURCE is a JSON file with the arguments of converse() or invoke_model(), or a body of Messages, Chat Completions
    or Responses with its model (or a list of them, the turns of a conversation), or a function that returns them:
    module:function or file.py:function. Without SOURCE every pinned prompt is checked, from where it was pinned, and
    every conversation held to the limits that it was accepted with. Modules are searched from the folder of the pin
    file. Nothing is sent anywhere.
    """
    from rockbottom.catalog import load_catalog
    from rockbottom.pins import ConversationLimits, Gate, nearest_file, read_pins, rendered_all

    path = pins_path or nearest_file(Path.cwd())
    if not path.parent.is_dir():
        raise click.UsageError(f"{path.parent} is not a folder; --pins takes a file in a folder that exists")
    gate = Gate(path, read_pins(path), date.today(), model, requests_per_month)
    chosen = _chosen(sources, name, gate.pins, path)
    limits = ConversationLimits(max_usd, min_hit_rate, gap, output_tokens)
    renderings = rendered_all(chosen, path.parent, _progress(len(chosen)))
    verdicts = [
        _verdict(gate, *source_and_name, rendering, limits)
        for source_and_name, rendering in zip(chosen, renderings, strict=True)
    ]
    if accept:
        verdicts = list(gate.accept(verdicts, with_text=with_text))
    _print(verdicts, as_json)
    named = [verdict.prefix.model.given for verdict in verdicts if verdict.prefix is not None]
    tell_endings(load_catalog(), dict.fromkeys(named), gate.on)
    _tell_github(verdicts, path, as_json)
    _leave(verdicts, _accepting(sources, name, pins_path))


def _progress(count: int) -> Callable[[int], None]:
    """One line that is replaced, where a person looks at it."""

    def show_done(done: int) -> None:
        progress(f"rendered {done} of {count}" if done < count else "")

    return show_done


def _chosen(
    sources: Sequence[str], name: str | None, pins: "Mapping[str, Pin]", path: Path
) -> "Sequence[tuple[str, str | None]]":
    """Sources and the names to look for; every pinned one that can be rendered here, where none is given."""
    if name is not None and len(sources) != 1:
        raise click.UsageError("--name needs exactly one SOURCE")
    if sources:
        from rockbottom.pins import seen_from

        names = {pin.source: pin.name for pin in pins.values()}
        seen = [seen_from(path.parent, source) for source in sources]
        return [(source, name or names.get(source)) for source in seen]
    pinned = [(pin.source, pin.name) for pin in pins.values() if "::" not in pin.source]
    if not pinned and pins:
        raise click.UsageError(f"every pin of {path} belongs to a test: run pytest, or name a SOURCE")
    if not pinned:
        raise click.UsageError(f"{path} pins nothing yet; name a SOURCE: a JSON file, or module:function")
    return pinned


def _verdict(
    gate: "Gate", source: str, name: str | None, rendering: "Rendering | NotRendered", limits: "ConversationLimits"
) -> "PinCheck":
    if isinstance(rendering, Exception):
        return gate.unrendered(source, name or source, rendering)
    return gate.judged(rendering, limits=limits)


def _print(verdicts: "Sequence[PinCheck]", as_json: bool) -> None:
    from rockbottom.pins import check_result
    from rockbottom.rendering import json_text, verdicts_text

    if as_json:
        click.echo(json_text(check_result(verdicts)))
        return
    show(verdicts_text(verdicts, width=width()))


def _tell_github(verdicts: "Sequence[PinCheck]", path: Path, as_json: bool) -> None:
    """Annotations and the summary of the job, where GitHub runs it; its commands are read from stdout."""
    from rockbottom.rendering import github_annotation, github_summary

    if os.environ.get("GITHUB_ACTIONS") == "true":
        for verdict in verdicts:
            if not verdict.passed:
                placed = replace(verdict, file=_in_repository(path.parent, verdict.file))
                click.echo(github_annotation(placed), err=as_json)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        try:
            with open(page, "a", encoding="utf-8") as file:
                file.write(github_summary(verdicts, f"rockbottom check --accept --pins {path}"))
        except OSError as error:
            say(f"the summary {page} cannot be written: {error.strerror}")


def _in_repository(folder: Path, file: str) -> str:
    """A file of the pins' folder as GitHub names it: from the root of the repository."""
    root = os.environ.get("GITHUB_WORKSPACE")
    return os.path.relpath(folder / file, root) if file and root else file


def _accepting(sources: Sequence[str], name: str | None, path: Path | None) -> str:
    from shlex import join

    words = ["rockbottom", "check", *sources, *(["--name", name] if name else [])]
    return join([*words, *(["--pins", str(path)] if path else []), "--accept"])


def _leave(verdicts: "Sequence[PinCheck]", accepting: str) -> None:
    """Exit with 2 where a prompt could not be read, with 1 where one is not as it was accepted."""
    from rockbottom.figures import counted
    from rockbottom.pins import PinStatus

    failed = [verdict for verdict in verdicts if not verdict.passed]
    if not failed:
        return
    acceptable = any(
        verdict.status in (PinStatus.NEW, PinStatus.CHANGED, PinStatus.GONE) and not verdict.accepted
        for verdict in failed
    )
    some = f"{len(failed)} of " if len(failed) < len(verdicts) else ""
    count = f"{some}{counted(len(verdicts), 'prompt')} failed"
    if acceptable:
        say(f"{count}; to accept what they are now:", accepting)
    else:
        say(count)
    unreadable = any(verdict.status is PinStatus.UNREADABLE for verdict in failed)
    click.get_current_context().exit(Exit.USAGE if unreadable else Exit.VERDICT)
