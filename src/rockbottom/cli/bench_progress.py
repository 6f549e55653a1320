"""What is said while a bench runs, on stderr: a bar on a terminal, nothing but trouble when piped."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rockbottom.cli.console import redraws, tell

if TYPE_CHECKING:
    from rockbottom.bench import Bench, BenchWatcher, Ended, Measured, PassKey


@contextmanager
def watching(bench: "Bench") -> "Generator[BenchWatcher]":
    """A watcher that shows progress as long as the block lasts."""
    total = len(bench.plan.passes) * bench.plan.workload.turns
    if not redraws():
        yield _Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task("turns", total=total, completed=len(bench.notebook.turns)))


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def begun(self, key: "PassKey", turns: int) -> None:
        self._progress.update(self._task, description=f"{key.model} {key.lane}")

    def measured(self, turn: "Measured") -> None:
        self._progress.advance(self._task)

    def noted(self, text: str) -> None:
        self._progress.console.print(text, markup=False)

    def ended(self, ended: "Ended") -> None:
        """Say what was refused; the bar stays below it."""
        if ended.status == "refused":
            self._progress.console.print(f"{ended.key.model} {ended.key.lane}: {ended.why}", markup=False)


class _Quiet:
    """Says what is worth a line in a log: notes, and passes that did not end well."""

    def __init__(self) -> None:
        self._turns = 0

    def begun(self, key: "PassKey", turns: int) -> None:
        self._turns = 0

    def measured(self, turn: "Measured") -> None:
        self._turns += 1

    def noted(self, text: str) -> None:
        """On a line of its own."""
        tell(text)

    def ended(self, ended: "Ended") -> None:
        """Say how a pass ended that is not done; of one without a turn, the error that stopped it says all."""
        if ended.status == "done" or (ended.status == "unfinished" and not self._turns):
            return
        from rockbottom.rendering import pass_line

        tell(pass_line(ended, self._turns))
