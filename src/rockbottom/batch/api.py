"""Batch inference from Python: ``prepare`` a run, then ``submit``, ``wait`` and ``collect`` it, or ``run`` it whole."""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.caching import Sampled, sampled
from rockbottom.batch.cloud import Cloud
from rockbottom.batch.errors import InvalidSettings, NoSuchRun, NotAgreed, OtherContent
from rockbottom.batch.journal import Checkpoint, Journal, read_journal
from rockbottom.batch.limits import Limits, packaged_limits, with_quotas
from rockbottom.batch.pricing import Comparison, Estimate, Pricing, compared, estimate
from rockbottom.batch.records import Checker, Kind, lines_of, lines_of_bodies
from rockbottom.batch.rejoining import Tally
from rockbottom.batch.running import BatchRun, Silent, Watcher
from rockbottom.batch.state import RunState, Settings, state_of
from rockbottom.cache import Reader, behaviour_of
from rockbottom.catalog import Catalog, PriceBook, load_catalog
from rockbottom.prompt import Api
from rockbottom.quantities import RockbottomError, Usage, Usd

DEFAULT_FOLDER = Path(".rockbottom/batch")
Body = Mapping[str, Any]
Agree = Callable[[Estimate], bool]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: a JSONL file, or bodies of a program (``label`` is what to call them)."""

    path: Path | None = None
    bodies: Callable[[], Iterable[Body | tuple[str, Body]]] | None = None
    label: str = "records"

    def lines(self, checker: Checker) -> Iterator[bytes]:
        """The checked records."""
        if self.path is not None:
            return lines_of(self.path, checker)
        assert self.bodies is not None
        return lines_of_bodies(self.bodies(), checker)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return str(self.path) if self.path is not None else self.label


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run goes: bucket and folder in S3, the role that Bedrock assumes, and the switches of a job."""

    bucket: str
    role_arn: str
    prefix: str = "rockbottom"
    kms_key: str | None = None
    bucket_owner: str | None = None
    timeout_hours: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``left`` are the records without an answer; ``results`` and ``left_path`` are JSONL files."""

    name: str
    records: int
    answered: int
    refused: int
    left: int
    attempts: int
    results: Path
    left_path: Path
    tally: Tally
    manifests: Mapping[str, int]
    compared: Comparison

    @property
    def usd(self) -> Usd:
        """What it cost in batch."""
        return self.compared.batch.usd

    def rows(self) -> Iterator[dict[str, Any]]:
        """The results in the order of the records: recordId with modelOutput or error."""
        with self.results.open("rb") as file:
            for line in file:
                yield msgspec.json.decode(line)


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
                Reader.of(self.catalog),
                model.model,
                Api.CONVERSE if settings.kind == Kind.CONVERSE.value else Api.INVOKE,
                self.catalog.rules(model, self.pricing.on),
                behaviour_of(self.catalog.switches),
            )
        return self._sampled

    def estimate(self, output_each: int | None = None) -> Estimate:
        """What it will cost; ``output_each`` is the expected output tokens of a record."""
        return estimate(self.sample(), self.pricing, output_each)

    def agree(self, found: Estimate, agree: Agree | None, max_usd: Decimal | None) -> None:
        """Hold the estimate against the limit and the person. Raises NotAgreed; nothing was uploaded then."""
        if self.run.state.agreed_usd is not None:
            return
        if max_usd is not None and found.output_tokens is None:
            raise NotAgreed(
                f"The limit of ${max_usd} cannot be held: {found.output_is}.",
                fix="set maxTokens in every record, or give --output-tokens, the tokens to expect of each answer",
            )
        if max_usd is not None and found.usd > max_usd:
            raise NotAgreed(f"The estimate is ${found.usd:.4f}, above the limit of ${max_usd}; nothing was sent.")
        if agree is not None and not agree(found):
            raise NotAgreed("Not agreed to; nothing was sent.")
        self.run.agree(str(found.usd), "limit" if max_usd is not None else "yes")

    def submit(self) -> None:
        """Upload and make the jobs; needs ``agree`` first."""
        if self.run.state.agreed_usd is None:
            raise NotAgreed("The estimate of this run was not agreed to.", fix="rockbottom batch submit asks")
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
        run.finish(summary_of(outcome))
        run.raise_if_ended_badly(tally)
        return outcome

    def _outcome(self, tally: Tally) -> Outcome:
        run = self.run
        totals: dict[str, int] = {}
        for job in run.state.jobs:
            for name, value in (job.manifest or {}).items():
                if isinstance(value, int):
                    totals[name] = totals.get(name, 0) + value
        if tally.unmetered and "inputTokenCount" in totals:  # answers without usage: the manifest has the sums
            tally.short, tally.long = Usage(totals["inputTokenCount"], totals.get("outputTokenCount", 0)), []
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


def summary_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON; money as text, because it is exact."""
    ways = outcome.compared
    usage = outcome.tally.usage
    return {
        "name": outcome.name,
        "records": outcome.records,
        "answered": outcome.answered,
        "refused": outcome.refused,
        "left": outcome.left,
        "attempts": outcome.attempts,
        "repeated": outcome.tally.repeated,
        "foreign": outcome.tally.foreign,
        "withoutUsage": outcome.tally.unmetered,
        "errors": outcome.tally.errors,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "manifest": dict(outcome.manifests),
        "usd": {
            "batch": str(ways.batch.usd),
            "onDemand": None if ways.on_demand is None else str(ways.on_demand.usd),
            "onDemandCached": None if ways.cached is None else str(ways.cached.usd),
        },
        "cheapest": ways.cheapest,
        "results": str(outcome.results),
    }


@contextmanager
def prepare(
    source: Source,
    place: Place,
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
    limits: Limits | None = None,
    watcher: Watcher | None = None,
    attempts: int = 3,
    checkpoint: Checkpoint = lambda name: None,
) -> Iterator[Prepared]:
    """A run built on disk from its records, or found again there: nothing is sent.

    The name of a run of a file is made from the file and the settings, so that the same command finds the same run.
    Raises InvalidRecords, TooFewRecords, NotInBatch, OtherContent, RunBusy, InvalidSettings.
    """
    catalog = catalog or load_catalog()
    found = catalog.model(model, _resolver(cloud))
    pricing = Pricing(found, on, cloud.region, book or catalog.price_book)
    pricing.require_batch()
    settings = _settings(source, place, model, kind, name, cloud.region, strip_points)
    limits = limits or account_limits(cloud, found.model.name)
    where = folder / settings.name
    where.mkdir(parents=True, exist_ok=True)
    with Journal(where / "journal.jsonl", checkpoint) as journal:
        run = BatchRun(where, journal, limits, cloud, watcher or Silent(), attempts)
        if run.state.settings is not None and run.state.settings != settings:
            raise _other(run.state.settings, settings)
        run.create(settings)
        checker = Checker(kind, found.model.vendor, model, limits, strip_points)

        def check() -> None:
            checker.raise_if_refused(source.name)

        if run.state.attempt == 0:
            try:
                run.build(source.lines(checker), check)
            except RockbottomError:  # nothing was planned, so nothing needs to be remembered
                shutil.rmtree(where)
                raise
        elif source.path is None:
            _compare(run, source.lines(checker))
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
    watcher: Watcher | None = None,
    attempts: int = 3,
    checkpoint: Checkpoint = lambda name: None,
) -> Iterator[Prepared]:
    """A run that exists, by name. Raises NoSuchRun, RunBusy."""
    path = folder / name / "journal.jsonl"
    if not path.is_file():
        raise no_such_run(name, folder)
    catalog = catalog or load_catalog()
    with Journal(path, checkpoint) as journal:
        run = BatchRun(folder / name, journal, packaged_limits(), cloud, watcher or Silent(), attempts)
        if run.state.settings is None or run.state.attempt == 0:
            raise NoSuchRun(f"The run {name} was not built yet.", fix="run the command that started it again")
        cloud.region = run.settings.region
        found = catalog.model(run.settings.model, _resolver(cloud))
        run.limits = account_limits(cloud, found.model.name)
        yield Prepared(run, Pricing(found, on, cloud.region, book or catalog.price_book), catalog)


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
    the day whose prices hold. ``more`` goes to ``Place`` (prefix, kms_key, ...) and ``prepare``. Raises BatchError.
    """
    if max_usd is None and agree is None:
        raise NotAgreed("A batch run spends money: give max_usd, or agree, a function that says yes to the estimate.")
    options = {key: more.pop(key) for key in list(more) if key in Place.__slots__}
    place = Place(bucket, role_arn, **options)
    prepared = prepare(
        source_of(records), place, model=model, kind=kind, name=name, cloud=cloud or Cloud(region), on=on, **more
    )
    with prepared as one:
        one.agree(one.estimate(output_tokens), agree, max_usd)
        return one.collect(every_s=every_s, within_s=within_s)


def source_of(records: Iterable[Body | tuple[str, Body]] | str | Path) -> Source:
    """A source from a path or from bodies; bodies are gone through once, unless they are a list or tuple."""
    if isinstance(records, str | Path):
        return Source(Path(records))
    return Source(bodies=lambda: records)


def runs_in(folder: Path = DEFAULT_FOLDER) -> list[tuple[str, RunState]]:
    """Every run of a folder with its state as written down, the latest changed first."""
    journals = sorted(folder.glob("*/journal.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [(path.parent.name, state_of(read_journal(path))) for path in journals]


def account_limits(cloud: Cloud, model_name: str) -> Limits:
    """The limits of the account where Service Quotas may be read, else the packaged ones."""
    limits = packaged_limits()
    if cloud.bedrock_url or cloud.s3_url:  # not AWS itself: it has no quotas to read
        return limits
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return limits
    try:
        pages = cloud.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
        return with_quotas(limits, (row for page in pages for row in page["Quotas"]), model_name)
    except (BotoCoreError, ClientError):
        return limits


def no_such_run(name: str, folder: Path) -> NoSuchRun:
    """The error of a name that no run has."""
    known = ", ".join(known for known, _ in runs_in(folder)[:5])
    return NoSuchRun(
        f"There is no run {name} in {folder}" + (f"; there are {known}." if known else "."),
        fix="rockbottom batch list",
    )


def _resolver(cloud: Cloud) -> Callable[[str], str]:
    def resolve(arn: str) -> str:
        found = cloud.call("bedrock", "get_inference_profile", inferenceProfileIdentifier=arn)
        return found["models"][0]["modelArn"]

    return resolve


def _settings(
    source: Source, place: Place, model: str, kind: Kind, name: str | None, region: str, strip_points: bool
) -> Settings:
    if name is None and source.path is None:
        raise InvalidSettings(
            "A run of bodies from a program needs a name, by which a second call finds it again.",
            fix="name='tickets-2026-11'",
        )
    _check_place(place)
    digest = hashlib.blake2b(digest_size=16)
    if source.path is not None:
        with source.path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    for part in (model, kind.value, region, place.bucket, place.prefix, str(strip_points)):
        digest.update(b"\0" + part.encode())
    if name is None:
        assert source.path is not None
        stem = re.sub(r"[^A-Za-z0-9]+", "-", source.path.stem).strip("-")[:40] or "run"
        name = f"{stem}-{digest.hexdigest()[:8]}"
    if not _NAME.fullmatch(name):
        raise InvalidSettings(f"A run cannot be called {name!r}: letters, digits, '.', '_' and '-', at most 63.")
    return Settings(
        name=name, model=model, kind=kind.value, region=region, bucket=place.bucket, prefix=place.prefix,
        role_arn=place.role_arn, source=source.name, digest=digest.hexdigest(), timeout_hours=place.timeout_hours,
        kms_key=place.kms_key, bucket_owner=place.bucket_owner, tags=dict(place.tags),
    )  # fmt: skip


def _check_place(place: Place) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", place.bucket):
        raise InvalidSettings(f"{place.bucket!r} is not the name of a bucket.", fix="give the name without s3://")
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", place.role_arn):
        raise InvalidSettings(
            f"{place.role_arn!r} is not the ARN of a role.", fix="rockbottom batch setup prints a role to make"
        )
    if place.timeout_hours is not None and not 24 <= place.timeout_hours <= 168:
        raise InvalidSettings(f"A job takes a timeout of 24 to 168 hours, not {place.timeout_hours}.")
    if re.search(r"[^-!_*'().a-zA-Z0-9/]", place.prefix):
        raise InvalidSettings(f"The prefix {place.prefix!r} has characters that a job's S3 location does not take.")


def _other(old: Settings, new: Settings) -> OtherContent:
    differ = [
        name for name in Settings.__struct_fields__ if getattr(old, name) != getattr(new, name) and name != "digest"
    ]
    what = f"other {', '.join(differ)}" if differ else "other records"
    return OtherContent(
        f"The run {new.name} exists with {what}.",
        fix=f"--name another, or go on with it as it was: rockbottom batch collect {new.name}",
    )


def _compare(run: BatchRun, lines: Iterable[bytes]) -> None:
    """Raise OtherContent when the records are not those that the run was built from."""
    digest = hashlib.blake2b(digest_size=16)
    for line in lines:
        digest.update(line)
    if digest.hexdigest() != run.planned_digest:
        raise OtherContent(
            f"The run {run.settings.name} exists with other records.",
            fix="give another name, or the records that it was started with",
        )


