"""Partitions on a Ray cluster; the rows wait in its object store between the two steps.

Ray does again what a lost worker had done: a file's rows are made anew from the file where the machine that held
them is gone. So every machine must reach the source under the same name: a shared folder, or ``s3://``.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from rockbottom.engine.errors import EngineFailed
from rockbottom.engine.running import Groups, ReplayJob
from rockbottom.engine.work import Columns, columns_of, tallies_of
from rockbottom.extras import needing
from rockbottom.replay import ReplayTally
from rockbottom.trace import Trace

TRIES = 5
AHEAD = 4  # groups asked for at a time, for each processor of the cluster: their rows are in memory


class Cluster:
    """A Ray cluster. ``address`` None: the one that RAY_ADDRESS names, or one of this machine alone."""

    def __init__(self, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unless the user says so
        with needing("a Ray cluster"):
            ray: Any = import_module("ray")  # partly typed: Any where it enters
        self._ray: Any = ray
        self._pieces: dict[int, list[Any]] = {}
        self._mine = not ray.is_initialized()
        if self._mine:
            alone = address is None and "RAY_ADDRESS" not in os.environ
            options: dict[str, Any] = {"include_dashboard": False} if alone else {}
            try:
                ray.init(address=address, log_to_driver=False, configure_logging=False, **options)
            except (ConnectionError, ValueError, RuntimeError) as error:
                place = address or os.environ.get("RAY_ADDRESS", "one of this machine")
                raise EngineFailed(
                    f"no Ray cluster at {place}: {error}", fix="ray start --head, or --ray-address"
                ) from error

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.clear()
        if self._mine:
            self._ray.shutdown()

    def columns(self, job: ReplayJob) -> Iterator[Columns]:
        """Every file read on some machine."""
        ray = self._ray
        common = ray.put((job.parts, job.reader, job.settings, job.buckets))
        task = ray.remote(num_returns=job.buckets + 1, max_retries=TRIES, num_cpus=1)(_read)
        waiting: dict[Any, int] = {}
        for number in range(len(job.parts)):
            known, *pieces = cast(list[Any], task.remote(common, number))
            self._pieces[number] = pieces
            waiting[known] = number
        yield from self._as_they_come(waiting)

    def tallies(self, job: ReplayJob, groups: Groups) -> Iterator[list[ReplayTally]]:
        """Every group replayed on some machine; a small source in one go."""
        ray = self._ray
        common = ray.put((groups.names, groups.repeated, tuple(job.questions), job.catalog, groups.exact))
        task = ray.remote(max_retries=TRIES, num_cpus=1)(_replayed)
        every = list(range(job.buckets))
        left = [every] if groups.exact else [[bucket] for bucket in every]
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: dict[Any, int] = {}
        while left or waiting:
            while left and len(waiting) < room:
                buckets = left.pop(0)
                files = [file.number for file in groups.files for _ in buckets]
                pieces = [self._pieces[file.number][bucket] for file in groups.files for bucket in buckets]
                waiting[task.remote(common, files, *pieces)] = buckets[0]
            yield from self._as_they_come(waiting, most=1)

    def _as_they_come(self, waiting: dict[Any, int], most: int | None = None) -> Iterator[Any]:
        ray, count = self._ray, 0
        while waiting and (most is None or count < most):
            done, _ = ray.wait(list(waiting), num_returns=1)
            for reference in done:
                del waiting[reference]
                count += 1
                try:
                    yield ray.get(reference)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause if isinstance(error.cause, Exception) else error from None
                except ray.exceptions.RayError as error:
                    raise EngineFailed(
                        f"the cluster gave up on a partition: {type(error).__name__}: {error}"
                    ) from error


def _read(common: tuple[Any, ...], number: int) -> list[Columns | Trace]:
    parts, reader, settings, buckets = common
    known, pieces = columns_of(number, parts[number], reader, settings, buckets)
    return [known, *pieces]


def _replayed(common: tuple[Any, ...], files: list[int], *pieces: Trace) -> list[ReplayTally]:
    names, repeated, questions, catalog, exact = common
    return tallies_of(zip(files, pieces, strict=True), names, repeated, questions, catalog, exact=exact)
