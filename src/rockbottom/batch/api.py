"""Batch inference from Python: ``prepare`` a run, then ``submit``, ``wait`` and ``collect`` it, or ``run`` it whole."""

import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.caching import Sampled, sampled
from rockbottom.batch.cloud import Cloud
from rockbottom.batch.errors import DamagedRun, NoSuchRun, NotAgreed
from rockbottom.batch.ground import BatchWatcher, Silent
from rockbottom.batch.job_service import require_service
from rockbottom.batch.journal import Checkpoint, Journal, read_journal
from rockbottom.batch.limits import BatchLimits, packaged_limits, with_quotas
from rockbottom.batch.outcomes import Outcome
from rockbottom.batch.pacing import RequestPace, quotas_of
from rockbottom.batch.pricing import BatchEstimate, Pricing, compared, estimate
from rockbottom.batch.records import Kind, RecordChecker
from rockbottom.batch.rejoining import RunTally
from rockbottom.batch.results import summary_of
from rockbottom.batch.running import BatchRun
from rockbottom.batch.sources import (
    BatchPlace,
    Body,
    RecordSource,
    compare_records,
    other_content,
    settings_for,
    source_of,
)
from rockbottom.batch.state import RunState, state_of
from rockbottom.cache import behaviour_of
from rockbottom.catalog import Catalog, ModelId, PriceBook, known_burndown, load_catalog
from rockbottom.dialects import INVOKED, BodyReader, api_of
from rockbottom.figures import usd
from rockbottom.files import make_folder
from rockbottom.quantities import RockbottomError, Usage

DEFAULT_FOLDER = Path(".rockbottom/batch")
Agree = Callable[[BatchEstimate], bool]


@dataclass(slots=True)
class Prepared:
    """A run with its journal open, and what prices it."""

    run: BatchRun
    pricing: Pricing
    catalog: Catalog
    _sampled: Sampled | None = None

    def sample(self) -> Sampled:
        """Its records, or enough of them, counted with and without caching."""
        if self._sampled is None:
            settings, model = self.run.settings, self.pricing.model
            self._sampled = sampled(
                self.run.records(),
                self.run.state.records,
                BodyReader.of(self.catalog),
                model.model,
                api_of(settings.kind),
                self.catalog.rules(model, self.pricing.on),
                behaviour_of(self.catalog.switches),
            )
        return self._sampled

    def estimate(self, output_each: int | None = None) -> BatchEstimate:
        """What it will cost; ``output_each`` is the expected output tokens of a record. Raises NotEstimated."""
        return estimate(self.sample(), self.pricing, output_each, on_demand=self.run.settings.on_demand)

    def agree(self, estimated: BatchEstimate, agree: Agree | None, max_usd: Decimal | None) -> None:
        """Hold the estimate against the limit and the person. Raises NotAgreed; nothing was uploaded then."""
        if self.run.state.agreed_usd is not None:
            return
        if max_usd is not None and estimated.output_tokens is None:
            raise NotAgreed(
                f"The limit of ${max_usd} cannot be guaranteed: {estimated.output_is}.",
                fix="set maxTokens in every record, or give --output-tokens, the tokens to expect of each answer",
            )
        if max_usd is not None and estimated.usd > max_usd:
            sentence = f"The estimate {estimated.usd_is} is ${usd(estimated.usd, 4)}, above the limit of ${max_usd}"
            raise NotAgreed(f"{sentence}; nothing was sent.")
        if agree is not None and not agree(estimated):
            raise NotAgreed("You did not agree to the estimate; nothing was sent.")
        self.run.agree(str(estimated.usd), "limit" if max_usd is not None else "yes")

    def submit(self) -> None:
        """Upload and make the jobs; needs ``agree`` first."""
        if self.run.state.agreed_usd is None:
            raise NotAgreed(
                "Nobody has agreed to the estimate of this run yet.", fix="rockbottom batch submit shows it and asks"
            )
        self.run.submit()

    def collect(
        self, *, every_s: float = 30.0, within_s: float | None = None, retry_failed: bool = False,
        accept_incomplete: bool = False,
    ) -> Outcome:  # fmt: skip
        """Wait, fetch, rejoin, send again what may be, until nothing is left to do. Raises BatchError.

        Raises JobsEnded, with the results written, when records are left because jobs did not complete.
        """
        run = self.run
        while True:
            self.submit()
            run.wait(every_s, within_s)
            run.collect(accept_incomplete)
            rejoined = run.rejoin()
            if not run.try_again(rejoined, retry_failed):
                break
            retry_failed = False
        tally = run.write_results(rejoined)
        outcome = self._outcome(tally)
        run.finish(msgspec.to_builtins(summary_of(outcome)))
        run.raise_if_ended_badly(tally)
        return outcome

    def _outcome(self, tally: RunTally) -> Outcome:
        run = self.run
        totals: dict[str, int] = {}
        for job in run.state.jobs:
            for name, value in (job.manifest or {}).items():
                if isinstance(value, int):
                    totals[name] = totals.get(name, 0) + value
        if tally.unmetered and INVOKED.input in totals:  # answers without usage: the manifest has the sums
            tally.short, tally.long = Usage(totals[INVOKED.input], totals.get(INVOKED.output, 0)), []
        return Outcome(
            run.settings.name,
            run.state.records,
            tally.answered,
            tally.refused,
            run.state.records - tally.answered - tally.refused,
            run.state.attempt,
            run.results_path,
            run.left_path,
            tally,
            totals,
            compared(tally, self.sample(), self.pricing),
        )


@contextmanager
def prepare(
    source: RecordSource,
    place: BatchPlace | None,
    *,
    model: str,
    cloud: Cloud,
    kind: Kind = Kind.CONVERSE,
    name: str | None = None,
    folder: Path = DEFAULT_FOLDER,
    strip_points: bool = False,
    on: date,
    catalog: Catalog | None = None,
    book: PriceBook | None = None,
    limits: BatchLimits | None = None,
    watcher: BatchWatcher | None = None,
    attempts: int = 3,
    checkpoint: Checkpoint = lambda name: None,
) -> Generator[Prepared]:
    """A run built on disk from its records, or found again there: nothing is sent.

    Without a place it is one to be sent on demand (``OnDemand``), which needs no bucket, no role and no batch price.
    The name of a run of a file is made from the file and the settings, so that the same command finds the same run.
    Raises InvalidRecords, TooFewRecords, NotInBatch, OtherContent, RunBusy, InvalidSettings.
    """
    catalog = catalog or load_catalog()
    model_id = catalog.model(model, _resolver(cloud))
    model = model if kind is Kind.CHAT else model_id.sent_as  # records of Chat Completions name the model themselves
    pricing = Pricing(model_id, on, cloud.region, book or catalog.price_book)
    if place is not None:
        pricing.require_batch()
        require_service(kind, model_id.model)
        if cloud.local:
            cloud.client("s3")  # refuses AWS's own before anything is asked or built
    settings = settings_for(source, place, model, kind, name, cloud.region, strip_points)
    limits = limits or account_limits(cloud, model_id.model.name)
    where = folder / settings.name
    make_folder(where)
    with Journal(where / "journal.jsonl", checkpoint) as journal:
        run = BatchRun(where, journal, limits, cloud, watcher or Silent(), attempts)
        if run.state.settings is not None and run.state.settings != settings:
            raise other_content(run.state.settings, settings)
        run.create(settings)
        checker = RecordChecker(kind, model_id.model.vendor, model, limits, strip_points, on_demand=place is None)

        def check() -> None:
            checker.raise_if_refused(source.name)

        if run.state.attempt == 0:
            try:
                run.build(source.lines(checker), check)
            except RockbottomError:  # nothing was planned, so nothing needs to be remembered
                shutil.rmtree(where)
                raise
        elif source.path is None:
            compare_records(run, source.lines(checker))
        yield Prepared(run, pricing, catalog)


@contextmanager
def reopen(
    name: str,
    cloud: Cloud,
    *,
    folder: Path = DEFAULT_FOLDER,
    on: date,
    catalog: Catalog | None = None,
    book: PriceBook | None = None,
    watcher: BatchWatcher | None = None,
    attempts: int = 3,
    checkpoint: Checkpoint = lambda name: None,
) -> Generator[Prepared]:
    """A run that exists, by name. Raises NoSuchRun, RunBusy."""
    path = folder / name / "journal.jsonl"
    if not path.is_file():
        raise no_such_run(name, folder)
    catalog = catalog or load_catalog()
    with Journal(path, checkpoint) as journal:
        run = BatchRun(folder / name, journal, packaged_limits(), cloud, watcher or Silent(), attempts)
        if run.state.settings is None or run.state.attempt == 0:
            raise NoSuchRun(f"The run {name} is not prepared yet.", fix="run the command that started it again")
        cloud.region = run.settings.region
        model_id = catalog.model(run.settings.model, _resolver(cloud))
        run.limits = account_limits(cloud, model_id.model.name)
        yield Prepared(run, Pricing(model_id, on, cloud.region, book or catalog.price_book), catalog)


def run(
    records: Iterable[Body | tuple[str, Body]] | str | Path,
    *,
    model: str,
    bucket: str,
    role_arn: str,
    on: date,
    name: str | None = None,
    kind: Kind = Kind.CONVERSE,
    cloud: Cloud | None = None,
    region: str = "us-east-1",
    max_usd: Decimal | None = None,
    agree: Agree | None = None,
    output_tokens: int | None = None,
    every_s: float = 30.0,
    within_s: float | None = None,
    **more: Any,
) -> Outcome:
    """Run records through batch inference and wait for the results.

    ``records`` is a JSONL file, or bodies (each may come as a pair with its recordId; give ``name`` then, so that a
    second call finds the run again instead of paying twice). Either ``max_usd`` or ``agree`` must be given. ``on`` is
    the day whose prices hold. ``more`` is for ``BatchPlace`` (prefix, kms_key, ...) and ``prepare``. Raises BatchError.
    """
    if max_usd is None and agree is None:
        raise NotAgreed("A batch run spends money: give max_usd, or agree, a function that says yes to the estimate.")
    options = {key: more.pop(key) for key in list(more) if key in BatchPlace.__slots__}
    place = BatchPlace(bucket, role_arn, **options)
    prepared = prepare(
        source_of(records), place, model=model, kind=kind, name=name, cloud=cloud or Cloud(region), on=on, **more
    )
    with prepared as batch:
        batch.agree(batch.estimate(output_tokens), agree, max_usd)
        return batch.collect(every_s=every_s, within_s=within_s)


def runs_in(folder: Path = DEFAULT_FOLDER) -> list[tuple[str, RunState]]:
    """Every run of a folder that can be read, with its state as written down, the latest changed first."""
    return look_into(folder)[0]


def look_into(folder: Path = DEFAULT_FOLDER) -> tuple[list[tuple[str, RunState]], dict[str, DamagedRun]]:
    """Every run of a folder, the latest changed first; and those whose journal is damaged, by name."""
    runs: list[tuple[str, RunState]] = []
    damaged: dict[str, DamagedRun] = {}
    for path in sorted(folder.glob("*/journal.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            runs.append((path.parent.name, state_of(read_journal(path), path)))
        except DamagedRun as error:
            damaged[path.parent.name] = error
    return runs, damaged


def account_limits(cloud: Cloud, model_name: str) -> BatchLimits:
    """The limits of the account where Service Quotas may be read, else the packaged ones."""
    return with_quotas(packaged_limits(), account_quotas(cloud), model_name)


def account_quotas(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Rows of ``ListServiceQuotas`` for Bedrock; none where it may not be read, or where this is not AWS itself."""
    if cloud.bedrock_url or cloud.s3_url:
        return []
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return []
    try:
        pages = cloud.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
        return [row for page in pages for row in page.get("Quotas", ())]
    except (BotoCoreError, ClientError):
        return []


def account_pace(cloud: Cloud, model: ModelId, requests: int | None = None, tokens: int | None = None) -> RequestPace:
    """What a model may be asked in a minute: what is given, else the account's quotas where they may be read."""
    quotas = {} if requests and tokens else quotas_of(account_quotas(cloud), model)
    origin = "Service Quotas of this account" if quotas else ""
    burndown = known_burndown(model.model.id) or 1
    return RequestPace(requests or quotas.get("requests"), tokens or quotas.get("tokens"), burndown, origin)


def no_such_run(name: str, folder: Path) -> NoSuchRun:
    """The error of a name that no run has."""
    known = ", ".join(known for known, _ in runs_in(folder)[:5])
    return NoSuchRun(
        f"There is no run {name} in {folder}" + (f"; there are {known}." if known else "."),
        fix="rockbottom batch list",
    )


def _resolver(cloud: Cloud) -> Callable[[str], str]:
    def resolve(arn: str) -> str:
        profile = cloud.call("bedrock", "get_inference_profile", inferenceProfileIdentifier=arn)
        return profile["models"][0]["modelArn"]

    return resolve
