"""A run from its records to its results, able to die at any moment and go on.

Every effect stands between two lines of the journal: the intention before, the result after. What was intended and
not confirmed is looked for before it is done again; a job is made with a token that depends on nothing but the run,
the attempt and the records, so that the same job is never made twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.collecting import Collection
from rockbottom.batch.endings import jobs_ended
from rockbottom.batch.errors import StillRunning
from rockbottom.batch.ground import Ground
from rockbottom.batch.journal import event_in
from rockbottom.batch.limits import one_file
from rockbottom.batch.openai_lines import request_lines
from rockbottom.batch.outputs import write_whole
from rockbottom.batch.rejoining import Fate, Rejoin, RunTally
from rockbottom.batch.splitting import jobs_of
from rockbottom.batch.spool import Spooled, chosen_lines, ordinals_of, record_ids, spool
from rockbottom.batch.state import JobState, RunSettings
from rockbottom.batch.submitting import Submission
from rockbottom.figures import counted, duration, thousands


@dataclass(slots=True)
class BatchRun(Ground):
    """One run in its folder. Open its journal first; every method may be called again after a crash."""

    attempts: int = 3

    # -- building ---------------------------------------------------------------------------------------------

    def create(self, settings: RunSettings) -> None:
        """Write the settings down, once."""
        if self.state.settings is None:
            self.note_event("created", settings=msgspec.to_builtins(settings))

    def build(self, lines: Iterable[bytes], check: Callable[[], None]) -> None:
        """Spool the records and plan files and jobs, unless that was done. ``check`` raises when some were refused."""
        if self.state.attempt == 0:
            self._plan(1, lines, check)

    def _plan(self, attempt: int, lines: Iterable[bytes], check: Callable[[], None] = lambda: None) -> None:
        path = self.folder / f"records-{attempt}.jsonl"
        spooled = spool(lines, path)
        check()
        sent = self._sent(attempt, path) if self.settings.of_openai and not self.settings.on_demand else None
        limits = one_file(self.limits) if sent is not None else self.limits
        jobs = () if self.settings.on_demand else jobs_of((sent or spooled).sizes, limits)
        self.note_event(
            "planned",
            attempt=attempt,
            spool=path.name,
            sent=None if sent is None else self._sent_name(attempt),
            digest=spooled.digest,
            records=len(spooled.sizes),
            bytes=spooled.bytes,
            jobs=[[[part.offset, part.length, part.records] for part in files] for files in jobs],
        )

    def _sent(self, attempt: int, spooled: Path) -> Spooled:
        """The records as the OpenAI Batch API takes them, in a file of their own."""
        return spool(request_lines(spooled, self.settings.model), self.folder / self._sent_name(attempt))

    @staticmethod
    def _sent_name(attempt: int) -> str:
        return f"requests-{attempt}.jsonl"

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of the run as they were spooled, for an estimate. Raises DamagedRun."""
        path = self.folder / self.state.spools[1]
        with path.open("rb", buffering=1 << 20) as file:
            for number, line in enumerate(file, 1):
                yield event_in(line, path, number)

    def agree(self, usd: str, how: str) -> None:
        """Write down that the estimate was agreed to; nothing is uploaded before."""
        if self.state.agreed_usd is None:
            self.note_event("agreed", usd=usd, how=how)

    # -- submitting -------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Upload what is not in S3 and make the jobs that were not made. Raises BatchError."""
        Submission(self).submit()

    @property
    def planned_digest(self) -> str:
        """The digest of the records that the run was built from."""
        return self.digest_of(1)

    # -- waiting and collecting -------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Ask for the states of all jobs and write down the ends; whether all have ended."""
        for job in self.state.jobs:
            if job.arn is not None and not job.ended:
                self._poll_one(job)
        return all(job.ended for job in self.state.jobs if job.arn is not None) and not self.pending

    @property
    def pending(self) -> bool:
        """Whether jobs of the latest attempt were not made yet."""
        return not self.state.stopping and any(job.arn is None for job in self.state.jobs_of(self.state.attempt))

    def _poll_one(self, job: JobState) -> None:
        assert job.arn is not None
        seen = self.service.look(job.arn)
        if seen.status != job.status:
            self.watcher.note(f"job {job.name}: {seen.status}{_progress(seen.counts)}")
        job.status, job.message = seen.status, seen.message
        if job.ended:
            self.note_event(
                "ended", attempt=job.attempt, job=job.number, status=job.status, message=job.message, counts=seen.counts
            )

    def wait(self, every_s: float, within_s: float | None = None) -> None:
        """Poll until all jobs have ended. Raises StillRunning after ``within_s`` seconds of waiting."""
        waited = 0.0
        while not self.poll():
            if within_s is not None and waited >= within_s:
                running = sum(not job.ended for job in self.state.jobs)
                raise StillRunning(
                    f"{running} of {len(self.state.jobs)} jobs have not ended after {duration(waited)}; they "
                    "keep running.",
                    fix=f"rockbottom batch wait {self.settings.name}",
                )
            self.cloud.sleep(every_s)
            waited += every_s
            if self.pending:
                self.submit()

    def collect(self, accept_incomplete: bool = False) -> None:
        """Fetch the output of every job that has any. Raises OutputIncomplete when it is half-written."""
        Collection(self).collect(accept_incomplete)

    # -- results ----------------------------------------------------------------------------------------------

    def rejoin(self) -> Rejoin:
        """All results so far by record. Raises OutputIncomplete."""
        rejoined = Rejoin(ordinals_of(self.folder / self.state.spools[1]))
        for job in self.state.jobs:
            for name in job.collected or ():
                rejoined.take(self.folder / name)
        return rejoined

    def try_again(self, rejoined: Rejoin, retry_failed: bool = False) -> bool:
        """Plan another attempt with the records that may be retried; False when there are none, or too few.

        Records without a result are retried when their job expired, or ran out of time, or lost them; those of a job
        that failed or was stopped only when asked for, because the reason is still there.
        """
        if self.state.attempt >= self.attempts and not retry_failed:
            return False
        flags = rejoined.unanswered(lambda fate: fate in (Fate.RETRYABLE, Fate.NO_RESULT))
        if not retry_failed:
            self._leave_out_failed(flags)
        count = sum(flags)
        if count == 0:
            return False
        if count < self.limits.minimum_records:
            self.watcher.note(
                f"{counted(count, 'record')} may be sent again, and a job takes at least "
                f"{self.limits.minimum_records}: they are kept in {self.left_path}; "
                f"rockbottom batch leftover {self.settings.name} sends them"
            )
            return False
        self.watcher.note(f"{counted(count, 'record is', 'records are')} sent again (attempt {self.state.attempt + 1})")
        self._plan(self.state.attempt + 1, chosen_lines(self.folder / self.state.spools[1], flags))
        self.state.stopping = False
        return True

    def _leave_out_failed(self, flags: bytearray) -> None:
        """Clear the flags of records whose latest job failed or was stopped."""
        barred = {job.attempt for job in self.state.jobs if job.status in ("Failed", "Stopped")}
        if not barred:
            return
        latest: dict[str, bool] = {}
        for attempt in sorted(self.state.spools):
            ids = record_ids(self.folder / self.state.spools[attempt])
            for job in self.state.jobs_of(attempt):
                bar = job.status in ("Failed", "Stopped")
                for record_id in islice(ids, job.records):
                    if bar:
                        latest[record_id] = True
                    else:
                        latest.pop(record_id, None)
        for ordinal, record_id in enumerate(record_ids(self.folder / self.state.spools[1])):
            if record_id in latest:
                flags[ordinal] = 0

    @property
    def results_path(self) -> Path:
        return self.folder / "results.jsonl"

    @property
    def left_path(self) -> Path:
        """Where the records without an answer are, ready to be sent another way."""
        return self.folder / "left.jsonl"

    def write_results(self, rejoined: Rejoin) -> RunTally:
        """Write results and what is left, each whole or not at all."""
        write_whole(self.results_path, rejoined.rows())
        self.journal.checkpoint("results written")
        tally = rejoined.count()
        left = rejoined.unanswered(lambda fate: fate != Fate.ANSWERED)
        if any(left):
            write_whole(self.left_path, chosen_lines(self.folder / self.state.spools[1], left))
        else:
            self.left_path.unlink(missing_ok=True)
        return tally

    def finish(self, summary: dict[str, Any]) -> None:
        """Write down that the run is done."""
        self.note_event("finished", summary=summary)

    def stop(self) -> int:
        """Stop every job that runs; how many. What they did is billed and can be collected."""
        if not self.state.stopping:
            self.note_event("stopping")
        running = [job.arn for job in self.state.jobs if job.arn is not None and not job.ended]
        return sum(self.service.stop(arn) for arn in running)

    def raise_if_ended_badly(self, tally: RunTally) -> None:
        """Raise JobsEnded when jobs failed, expired or ended in part and records are left without an answer."""
        left = tally.missing + tally.retryable
        bad = [job for job in self.state.jobs if job.ended and job.status != "Completed"]
        if left and bad:
            raise jobs_ended(bad, left, self.settings.name, self.results_path, self.left_path)


def _progress(counts: dict[str, int]) -> str:
    total = counts.get("totalRecordCount")
    return f", {thousands(counts.get('processedRecordCount', 0))} of {thousands(total)} records" if total else ""
