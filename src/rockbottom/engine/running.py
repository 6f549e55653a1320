"""The plan of a replay in partitions: files to columns, columns to groups of families, groups to one tally."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rockbottom.catalog import Catalog
from rockbottom.engine.errors import NotPartitionable
from rockbottom.engine.work import BUCKETS, Columns, Repeated, names_in, repeated_in
from rockbottom.replay import PARTITIONABLE, ReplayQuestion, ReplayTally, may_cache
from rockbottom.trace import Damages, ReaderSettings

SMALL = 10_000


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """What to replay: the files of a source, how they are read, the questions.

    Up to ``small`` requests are one group, so that the least possible bill is searched for as in one process.
    """

    reader: str
    parts: Sequence[str]
    settings: ReaderSettings
    questions: Sequence[ReplayQuestion]
    catalog: Catalog
    buckets: int = BUCKETS
    small: int = SMALL


@dataclass(frozen=True, slots=True)
class EngineResult:
    """One tally for each question, and counts of what was read; ``without_blocks`` requests have no prompt recorded."""

    questions: Sequence[ReplayQuestion]
    tallies: Sequence[ReplayTally]
    requests: int
    without_blocks: int
    damages: Damages
    duplicates: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Groups:
    """What the second step needs of the first."""

    files: Sequence[Columns]
    names: Mapping[str, tuple[str, ...]]
    repeated: Repeated
    exact: bool


class Engine(Protocol):
    """Where partitions run. Both steps yield in any order, as they finish; what failed is done again."""

    def columns(self, job: ReplayJob) -> Iterator[Columns]:
        """Every file read; its rows stay where they were made."""
        ...

    def tallies(self, job: ReplayJob, groups: Groups) -> Iterator[list[ReplayTally]]:
        """Every group of families replayed under every question."""
        ...


def answered(
    job: ReplayJob, engine: Engine, progress: Callable[[str, int, int], None] = lambda step, done, of: None
) -> EngineResult:
    """The job done by an engine. ``progress`` is called with the step, how much of it is done, and how much there is.

    Raises NotPartitionable, EngineFailed, and what reading and replaying raise.
    """
    _check(job.questions)
    files: list[Columns] = []
    for file in engine.columns(job):
        files.append(file)
        progress("files", len(files), len(job.parts))
    files.sort(key=lambda file: file.number)
    repeated = repeated_in(files)
    requests = sum(file.requests for file in files) - _repeats(files, repeated)
    groups = Groups(files, names_in(files), repeated, requests <= job.small)
    points, models = sum(file.with_points for file in files), names_in(files)["model"]
    questions = [question.with_defaults(may_cache(points, models, question, job.catalog)) for question in job.questions]
    _resolve(questions, job.catalog)
    job = replace(job, questions=questions)
    sums = [ReplayTally() for _ in job.questions]
    for done, tallies in enumerate(engine.tallies(job, groups), 1):
        sums = [total + other for total, other in zip(sums, tallies, strict=True)]
        progress("families", done, 1 if groups.exact else job.buckets)
    damages = Damages()
    for file in files:
        damages.extend(file.damages)
    duplicates = sum(file.duplicates for file in files) + _repeats(files, repeated)
    without = sum(file.requests - file.with_blocks for file in files)
    return EngineResult(questions, sums, requests, without, damages, duplicates, sum(file.bytes_read for file in files))


def _repeats(files: Sequence[Columns], repeated: Repeated) -> int:
    """How many requests were in an earlier file already."""
    return sum(file.among(repeated.identities) for file in files) - len(repeated.identities)


def _resolve(questions: Sequence[ReplayQuestion], catalog: Catalog) -> None:
    """Raises UnknownModel, UnresolvedProfile for a model that was asked for, here, not in the middle of the work."""
    for question in questions:
        if question.model is not None:
            question.model_id(question.model, catalog)


def _check(questions: Sequence[ReplayQuestion]) -> None:
    """Raises NotPartitionable for a policy that must see all traffic in turn."""
    for question in questions:
        for name in question.policies:
            if name not in PARTITIONABLE:
                raise NotPartitionable(
                    f"policy {name!r} cannot be replayed in several processes: a policy that learns must see all "
                    f"traffic in order. These can: {', '.join(PARTITIONABLE)}",
                    fix="--engine one",
                )
