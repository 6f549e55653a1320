"""Where ``rockbottom replay`` runs: in this process, in several, or on a Ray cluster."""

import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rockbottom.cli.bars import bar

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog
    from rockbottom.engine import Engine, EngineResult
    from rockbottom.replay import ReplayQuestion
    from rockbottom.trace import ReaderSettings, Reading, ReadPart

ENGINES = ("one", "processes", "ray")


def read_with_bar(source: str, settings: "ReaderSettings", name: str | None) -> "Reading":
    """The source read in this process, a progress bar on stderr where it has many files."""
    from rockbottom.trace import assembled, reader_of

    reader = reader_of(source, name)
    names = list(reader.parts(source))
    with bar(reader.name, len(names)) as moved:
        parts: list[ReadPart] = []
        for done, part in enumerate(names, 1):
            parts.append(reader.read(part, settings))
            moved(done)
    return assembled(reader.name, parts)


def answered_by(
    engine: str, source: str, settings: "ReaderSettings", name: str | None, questions: Sequence["ReplayQuestion"],
    catalog: "Catalog", jobs: int | None, address: str | None,
) -> "EngineResult":  # fmt: skip
    from rockbottom.engine import ReplayJob, answered
    from rockbottom.trace import reader_of

    reader = reader_of(source, name)
    job = ReplayJob(reader.name, list(reader.parts(source)), settings, questions, catalog)
    with _engine(engine, jobs, address) as chosen, _steps() as progress:
        return answered(job, chosen, progress)


@contextmanager
def _engine(name: str, jobs: int | None, address: str | None) -> Generator["Engine"]:
    if name == "ray":
        from rockbottom.engine import Cluster

        with Cluster(address) as cluster:
            yield cluster
        return
    from rockbottom.engine import Processes

    with (
        tempfile.TemporaryDirectory(prefix="rockbottom-replay-") as folder,
        Processes(jobs or os.cpu_count() or 1, Path(folder)) as processes,
    ):
        yield processes


@contextmanager
def _steps() -> Generator[Callable[[str, int, int], None]]:
    """A progress bar for each step, one after the other."""
    open_bars: dict[str, tuple[AbstractContextManager[Callable[[int], None]], Callable[[int], None]]] = {}

    def progress(step: str, done: int, of: int) -> None:
        if step not in open_bars:
            for context, _ in open_bars.values():
                context.__exit__(None, None, None)
            context = bar(step, of)
            open_bars[step] = context, context.__enter__()
        open_bars[step][1](done)

    try:
        yield progress
    finally:
        for context, _ in list(open_bars.values())[-1:]:
            context.__exit__(None, None, None)
