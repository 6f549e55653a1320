"""The output of jobs that ended: fetched whole or not at all, and held against its manifest."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rockbottom.batch.ground import Ground
from rockbottom.batch.outputs import MANIFEST, check_lines, drop_torn_line
from rockbottom.batch.rejoining import half_written
from rockbottom.batch.state import WITH_OUTPUT, JobState
from rockbottom.figures import thousands
from rockbottom.files import make_folder, named, private
from rockbottom.quantities import Undecodable, decoded


@dataclass(frozen=True, slots=True)
class Collection:
    """The output of a run, on its way to the folder of the run."""

    run: Ground

    def collect(self, accept_incomplete: bool = False) -> None:
        """Fetch the output of every job that has any. Raises OutputIncomplete when it is half-written."""
        for job in self.run.state.jobs:
            if job.ended and job.status in WITH_OUTPUT and job.arn is not None and job.collected is None:
                self._collect_one(job, accept_incomplete)

    def _collect_one(self, job: JobState, accept_incomplete: bool) -> None:
        target = self.run.folder / "output" / f"a{job.attempt}-j{job.number:03d}"
        make_folder(target)
        names: list[str] = []
        service = self.run.service
        manifest: dict[str, Any] | None = None if service.writes_manifest else dict(job.counts)
        for key in self._keys(service.output_of(job)):
            path = target / key.rpartition("/")[2]
            self._fetch(key, path)
            if path.name == MANIFEST:
                manifest = _manifest_in(path)
            elif path.name.endswith((".jsonl.out", ".jsonl.err")):
                names.append(str(path.relative_to(self.run.folder)))
        self._check_whole(job, names, manifest, target, accept_incomplete)
        self.run.note_event("collected", attempt=job.attempt, job=job.number, files=names, manifest=manifest)

    def _keys(self, prefix: str) -> list[str]:
        keys: list[str] = []
        more: dict[str, Any] = {}
        while True:
            page = self.run.cloud.call("s3", "list_objects_v2", Bucket=self.run.settings.bucket, Prefix=prefix, **more)
            keys.extend(entry["Key"] for entry in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return keys
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _fetch(self, key: str, path: Path) -> None:
        partial = path.with_name(path.name + ".partial")

        def fetch() -> None:
            with named(path), open(partial, "wb", opener=private) as file:
                self.run.cloud.client("s3").download_fileobj(self.run.settings.bucket, key, file)
                file.flush()
                os.fsync(file.fileno())

        self.run.cloud.patiently(f"download of s3://{self.run.settings.bucket}/{key}", fetch)
        self.run.journal.checkpoint("output fetched")
        partial.replace(path)

    def _check_whole(
        self, job: JobState, names: list[str], manifest: dict[str, Any] | None, target: Path, accept: bool
    ) -> None:
        if accept:
            for name in names:
                drop_torn_line(self.run.folder / name)
            return
        where = target / MANIFEST if self.run.service.writes_manifest else target
        if manifest is None:
            if job.status == "Stopped":  # may have been stopped before it wrote anything
                return
            raise half_written(where, f"job {job.name} is {job.status} and has no {MANIFEST}")
        results = sum(check_lines(self.run.folder / name) for name in names)
        expected = int(manifest.get("successRecordCount", 0)) + int(manifest.get("errorRecordCount", 0))
        if results < expected:
            raise half_written(
                where,
                f"it counts {thousands(expected)} results of job {job.name}, and the output holds {thousands(results)}",
            )


def _manifest_in(path: Path) -> dict[str, Any]:
    """The summary that the service writes of a job. Raises OutputIncomplete where it is not whole."""
    try:
        return decoded(path.read_bytes(), dict[str, Any])
    except Undecodable as error:
        raise half_written(path, str(error)) from error
