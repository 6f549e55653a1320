"""A bench as one object: prepared, run (perhaps in several goes), and read out at any time."""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.bench.counting import counted_by_replies, counted_by_service
from rockbottom.bench.document import document_of
from rockbottom.bench.endpoints import AwsEndpoint, Endpoint, LocalEndpoint
from rockbottom.bench.errors import InvalidRun, WrongSetting
from rockbottom.bench.grading.asking import require_checks
from rockbottom.bench.grading.results import graded
from rockbottom.bench.grading.votes import Judge, VoteTeller, judge_of
from rockbottom.bench.notebook import BenchSettings, Notebook, new_notebook, open_notebook
from rockbottom.bench.quality import Grading
from rockbottom.bench.recording import TurnRecorder
from rockbottom.bench.running import BenchWatcher, Runner
from rockbottom.bench.schedule import BenchEstimate, Schedule, estimate, schedule
from rockbottom.bench.workload import Workload, load_workload
from rockbottom.catalog import Catalog, PriceBook, load_catalog
from rockbottom.documents import BenchResults
from rockbottom.ledger import LedgerWriter, ledger_key
from rockbottom.quantities import Usd

log = logging.getLogger("rockbottom.bench")

Now = Callable[[], datetime]


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Bench:
    """A schedule, a place to run it, and what came back so far."""

    plan: Schedule
    endpoint: Endpoint
    notebook: Notebook
    grading: Grading | None = None
    judge: Judge | None = None

    @property
    def estimate(self) -> BenchEstimate:
        """What the rest of the run may cost on AWS, without the judge's votes (see ``judge.estimate``)."""
        return estimate(self.plan, set(self.notebook.ends))

    def grade_by(self, grading: Grading) -> None:
        """Have the answers graded: by the checks of the workload, and by the judge named.

        Raises InvalidWorkload for a check that cannot be made, WrongSetting where nothing says how to grade, and
        UnknownModel for a judge that the catalogue does not know.
        """
        require_checks(self.plan.workload, grading)
        self.judge = judge_of(self.plan, self.notebook, grading, self.endpoint.resolve)
        self.grading = grading

    def count(self) -> None:
        """Correct the estimate by CountTokens where the service offers it; costs nothing and sends no request."""
        self.plan = counted_by_service(self.plan, self.endpoint)

    def run(
        self,
        *,
        watcher: BenchWatcher | None = None,
        max_usd: Usd | None = None,
        now: Now = _utc,
        record: Path | None = None,
    ) -> None:
        """Run what is not done yet; raises what ``Runner.run`` raises, with everything finished kept.

        ``record`` is the folder of a ledger of calls (``rockbottom.ledger``) that the turns are recorded in as well.
        """
        recorder = self._recorder(record) if record is not None else None
        try:
            Runner(self.plan, self.endpoint, self.notebook, watcher, max_usd, now=now, recorder=recorder).run()
        finally:
            self.notebook.close()

    def _recorder(self, folder: Path) -> TurnRecorder:
        try:
            sink, key = LedgerWriter(folder), ledger_key(folder)
        except OSError as error:
            raise WrongSetting(
                f"no ledger can be kept in {folder.absolute()}: {error.strerror}",
                fix="--ledger FOLDER names one where you may write",
            ) from error

        def failed(error: Exception) -> None:
            log.warning("rockbottom: a turn could not be recorded (%s); the run continues", type(error).__name__)

        return TurnRecorder(self.plan, self.endpoint, sink, key, failed)

    def vote(self, *, max_usd: Usd | None = None, teller: VoteTeller | None = None) -> None:
        """Have the judge's missing votes; raises what ``Judge.run`` raises, with every vote kept."""
        if self.judge:
            self.judge.run(self.endpoint, max_usd=max_usd, teller=teller)

    def document(self) -> BenchResults:
        """The results so far (docs/reference/workload.md)."""
        local = self.endpoint.kind == "local"
        plan = counted_by_replies(self.plan, self.notebook) if self.endpoint.counted else self.plan
        document = document_of(plan, self.notebook, counted=self.endpoint.counted, simulated_latency=local)
        if self.grading is None:
            return document
        canned = self.notebook.settings.canned or self.endpoint.canned
        grading = graded(self.plan, self.notebook, document.models, self.judge, self.grading, canned=canned)
        return msgspec.structs.replace(document, grading=grading)


def prepare(
    workload: Workload | str | Path,
    endpoint: Endpoint | str,
    *,
    models: Sequence[str] = (),
    lanes: Sequence[str] = (),
    repeats: int = 1,
    runs: Path | None = None,
    on: date | None = None,
    catalog: Catalog | None = None,
    book: PriceBook | None = None,
    per_day: int | None = None,
    now: Now = _utc,
) -> Bench:
    """A bench that has not sent anything yet; ``per_day`` conversations, where not as many as the workload says.

    ``endpoint`` is ``"aws"``, the URL of a local endpoint, or an ``Endpoint``. ``runs`` is the folder for results
    (None: keep them in memory). Raises InvalidWorkload, UnknownModel, UnknownLane or NoPriceInForce.
    """
    workload = workload if isinstance(workload, Workload) else load_workload(workload)
    workload, place = _busy(workload, per_day), _endpoint(endpoint)
    plan = schedule(
        workload, catalog or load_catalog(), on=on or now().date(), region=place.region, models=models, lanes=lanes,
        repeats=repeats, book=book, resolve=place.resolve, jobs=place.jobs is not None,
    )  # fmt: skip
    rows = {row.subject.given: None for row in plan.rows}, {row.lane.name: None for row in plan.rows}
    settings = BenchSettings(
        workload=str(Path(workload.file).resolve()) if Path(workload.file).exists() else workload.file,
        digest=workload.digest, models=tuple(rows[0]), lanes=tuple(rows[1]), repeats=repeats, endpoint=place.kind,
        region=place.region, started_at=now().isoformat(timespec="seconds"), nonce=secrets.token_hex(4),
        sent=workload.sent, canned=place.canned,
    )  # fmt: skip
    return Bench(plan, place, new_notebook(settings, runs, workload.slug))


def _busy(workload: Workload, per_day: int | None) -> Workload:
    """The workload with so many conversations a day; None: with its own."""
    if per_day is None:
        return workload
    return replace(workload, traffic=replace(workload.traffic, conversations_per_day=per_day))


def resume(
    folder: str | Path,
    endpoint: Endpoint | str,
    *,
    on: date | None = None,
    catalog: Catalog | None = None,
    book: PriceBook | None = None,
    per_day: int | None = None,
    now: Now = _utc,
) -> Bench:
    """A bench that goes on where an earlier run stopped; raises InvalidRun when the workload has changed since."""
    notebook, place = open_notebook(Path(folder)), _endpoint(endpoint)
    settings = notebook.settings
    workload = load_workload(settings.workload)
    if workload.digest != settings.digest and workload.sent != settings.sent:
        raise InvalidRun(
            f"{settings.workload} has changed since {folder} was begun, so its turns cannot be compared",
            fix=f"rockbottom bench {settings.workload} starts a new run",
        )
    if place.kind != settings.endpoint:
        raise InvalidRun(
            f"{folder} ran on '{settings.endpoint}' and cannot continue on '{place.kind}'",
            fix=f"--endpoint {settings.endpoint}",
        )
    started = datetime.fromisoformat(settings.started_at).date()
    workload = _busy(workload, per_day)
    plan = schedule(
        workload, catalog or load_catalog(), on=on or started, region=settings.region, models=settings.models,
        lanes=settings.lanes, repeats=settings.repeats, book=book, resolve=place.resolve,
        jobs=place.jobs is not None,
    )  # fmt: skip
    return Bench(plan, place, notebook)


def run(workload: Workload | str | Path, endpoint: Endpoint | str, **options: Any) -> BenchResults:
    """Measure a workload and return its results; ``options`` as for ``prepare``, and ``grading``.

    ``grading`` (a ``Grading``) has the answers graded, by a judge too where it names one.

    With a local endpoint::

        with rockbottom.local.running(whole_texts=False) as server:
            results = rockbottom.bench.run("support-agent.yaml", server.url)
    """
    grading = options.pop("grading", None)
    bench = prepare(workload, endpoint, **options)
    if grading is not None:
        bench.grade_by(grading)
    bench.count()
    bench.run()
    bench.vote()
    return bench.document()


def _endpoint(endpoint: Endpoint | str) -> Endpoint:
    if not isinstance(endpoint, str):
        return endpoint
    return AwsEndpoint("us-east-1") if endpoint == "aws" else LocalEndpoint(endpoint)
