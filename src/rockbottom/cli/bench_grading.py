"""The options of ``rockbottom bench`` that grade answers, and the progress of its votes."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import redraws, tell
from rockbottom.cli.options import options
from rockbottom.cli.values import Count, ParamType

if TYPE_CHECKING:
    from rockbottom.bench import Bench, VoteTeller


class _Share(ParamType):
    name = "SHARE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """A share from 0 to 1, or a percentage with its sign."""
        text = str(value).strip()
        try:
            share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except InvalidOperation:
            self.fail(f"'{value}' is not a share; write 0.9 or 90%", param, ctx)
        if not share.is_finite() or not 0 < share < 1:
            self.fail(f"{value} is not between 0 and 1; write 0.9 or 90%", param, ctx)
        return share


def listed(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names given one by one or with commas between them, each once."""
    return tuple(dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip()))


grading_options = options(
    click.option("--grade", is_flag=True, help="Grade the answers, as the workload says."),
    click.option("--bar", type=_Share(), help="Share of conversations that must pass, like 0.9."),
    click.option("--judge", metavar="ID", help="Model that votes on answers; its votes cost money."),
    click.option("--reference", metavar="ID", help="Model of the run to compare the others with, in pairs."),
    click.option("--votes", type=Count(1, 99), help="Votes of the judge on each answer."),
)


def ask_to_grade(bench: "Bench", options: dict[str, Any]) -> None:
    """Turn grading on where it was asked for; any of its options asks for it."""
    chosen = {name: options[name] for name in ("bar", "judge", "reference", "votes") if options[name] is not None}
    if not options["grade"] and not chosen:
        return
    grading = replace(bench.plan.workload.grading, **chosen)
    if not grading.judge and {"reference", "votes"} & chosen.keys():
        raise click.UsageError("--reference and --votes need a judge: --judge MODEL, or grading.judge in the workload")
    bench.grade_by(grading)


@contextmanager
def voting() -> "Generator[VoteTeller | None]":
    """Progress of the votes: a bar on a terminal, one line at the end where it is piped."""
    if not redraws():
        yield _Line()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("votes of the judge"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task("votes", total=None, visible=False))


class _Line:
    def voted(self, done: int, total: int) -> None:
        """Say it once, at the end."""
        if done == total:
            tell(f"judge: {total} votes")


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def voted(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total, visible=True)
