"""Partitions in several processes of this machine; the rows wait on disk between the two steps."""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any

from rockbottom.engine.errors import EngineFailed
from rockbottom.engine.running import Groups, ReplayJob
from rockbottom.engine.work import Columns, columns_of, tallies_of
from rockbottom.files import make_folder, named, private, replacing
from rockbottom.replay import ReplayTally
from rockbottom.trace import Trace

TRIES = 3


class Processes:
    """``jobs`` processes; ``folder`` takes the rows and may be removed afterwards."""

    def __init__(self, jobs: int, folder: Path) -> None:
        self._jobs, self._folder = jobs, folder
        self._job_files = 0
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned, not forked: threads of the parent do not survive a fork.
        try:
            return ProcessPoolExecutor(self._jobs, multiprocessing.get_context("spawn"))
        except (OSError, ImportError, NotImplementedError) as error:  # AWS Lambda has no shared memory to speak over
            raise EngineFailed(
                f"no other processes can be started here, since there is no shared memory ({error})",
                fix="leave out --engine processes",
            ) from error

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def columns(self, job: ReplayJob) -> Iterator[Columns]:
        """Every file read by one of the processes."""
        job_file = self._job_file(job)
        return self._all([(_read, (job_file, number)) for number in range(len(job.parts))])

    def tallies(self, job: ReplayJob, groups: Groups) -> Iterator[list[ReplayTally]]:
        """Every group replayed by one of the processes; a small source in one go."""
        buckets = [list(range(job.buckets))] if groups.exact else [[bucket] for bucket in range(job.buckets)]
        job_file = self._job_file((job, groups))
        return self._all([(_replayed, (job_file, some)) for some in buckets])

    def _job_file(self, value: object) -> Path:
        """A file with what every process is told, so that it is not sent with every call."""
        self._job_files += 1
        path = self._folder / f"told-{self._job_files}"
        with named(path), open(path, "wb", opener=private) as file:
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
        return path

    def _all(self, calls: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> Iterator[Any]:
        """The results as they come. A process that dies takes its pool along: what is left is done by another."""
        left = dict(enumerate(calls))
        for _ in range(TRIES):
            try:
                yield from self._tried(left)
            except BrokenProcessPool:
                self._pool = self._new_pool()
                continue
            return
        raise EngineFailed(f"processes ended {TRIES} times before their work was done (out of memory?)",
                           fix="fewer processes (--jobs) or smaller files")  # fmt: skip

    def _tried(self, left: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]]) -> Iterator[Any]:
        sent: dict[Future[Any], int] = {self._pool.submit(call, *arguments): n for n, (call, arguments) in left.items()}
        for future in as_completed(sent):
            result = future.result()
            del left[sent[future]]
            yield result


@lru_cache(2)
def _job_in(path: Path) -> Any:
    return pickle.loads(path.read_bytes())


def _read(job_file: Path, number: int) -> Columns:
    job: ReplayJob = _job_in(job_file)
    known, pieces = columns_of(number, job.parts[number], job.reader, job.settings, job.buckets)
    for bucket, piece in enumerate(pieces):
        if len(piece):
            _write(job_file.parent / f"{bucket}" / f"{number}", piece)
    return known


def _write(path: Path, piece: Trace) -> None:
    make_folder(path.parent)
    with replacing(path) as beside:
        beside.write_bytes(pickle.dumps(piece, pickle.HIGHEST_PROTOCOL))


def _replayed(job_file: Path, buckets: list[int]) -> list[ReplayTally]:
    job, groups = _job_in(job_file)
    paths = [path for bucket in buckets for path in (job_file.parent / f"{bucket}").glob("*") if path.suffix != ".part"]
    pieces = ((int(path.name), pickle.loads(path.read_bytes())) for path in paths)
    return tallies_of(pieces, groups.names, groups.repeated, job.questions, job.catalog, exact=groups.exact)
