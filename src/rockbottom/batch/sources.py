"""What a run is made of: where its records come from, where it goes, and the settings that it is known by."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rockbottom.batch.errors import InvalidSettings, OtherContent
from rockbottom.batch.limits import timeout_hours
from rockbottom.batch.records import Kind, RecordChecker, lines_of, lines_of_bodies
from rockbottom.batch.running import BatchRun
from rockbottom.batch.state import RunSettings
from rockbottom.files import regular
from rockbottom.quantities import is_bucket, is_key, is_role_arn

Body = Mapping[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class RecordSource:
    """Where records come from: a JSONL file, or bodies of a program (``label`` is what to call them)."""

    path: Path | None = None
    bodies: Callable[[], Iterable[Body | tuple[str, Body]]] | None = None
    label: str = "records"

    def lines(self, checker: RecordChecker) -> Iterator[bytes]:
        if self.path is not None:
            return lines_of(self.path, checker)
        assert self.bodies is not None
        return lines_of_bodies(self.bodies(), checker)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return str(self.path) if self.path is not None else self.label


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """Where a run goes: bucket and folder in S3, the role that Bedrock assumes, and the switches of a job."""

    bucket: str
    role_arn: str
    prefix: str = "rockbottom"
    kms_key: str | None = None
    bucket_owner: str | None = None
    timeout_hours: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def source_of(records: Iterable[Body | tuple[str, Body]] | str | Path) -> RecordSource:
    """A source from a path or from bodies; bodies are gone through once, unless they are a list or tuple.

    Raises OSError for a path of something else than a file: records are read more than once.
    """
    if isinstance(records, str | Path):
        return RecordSource(regular(Path(records)))
    return RecordSource(bodies=lambda: records)


def settings_for(
    source: RecordSource,
    place: BatchPlace | None,
    model: str,
    kind: Kind,
    name: str | None,
    region: str,
    strip_points: bool,
) -> RunSettings:
    """The settings of a run, with a name made from its file where none is given; no place: it is sent on demand.

    Raises InvalidSettings.
    """
    if name is None and source.path is None:
        raise InvalidSettings(
            "A run of bodies from a program needs a name: a second call finds it by that name.",
            fix="name='tickets-2026-11'",
        )
    on_demand = place is None
    if place is None:
        place = BatchPlace("", "", prefix="")
    else:
        _check_place(place)
    digest = hashlib.blake2b(digest_size=16)
    if source.path is not None:
        with source.path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    for part in (model, kind.value, region, place.bucket, place.prefix, str(strip_points), *["on demand"] * on_demand):
        digest.update(b"\0" + part.encode())
    if name is None:
        assert source.path is not None
        stem = re.sub(r"[^A-Za-z0-9]+", "-", source.path.stem).strip("-")[:40] or "run"
        name = f"{stem}-{digest.hexdigest()[:8]}"
    if not _NAME.fullmatch(name):
        raise InvalidSettings(f"A run cannot be called {name!r}: letters, digits, '.', '_' and '-', at most 63.")
    return RunSettings(
        name=name, model=model, kind=kind.value, region=region, bucket=place.bucket, prefix=place.prefix,
        role_arn=place.role_arn, source=source.name, digest=digest.hexdigest(), timeout_hours=place.timeout_hours,
        kms_key=place.kms_key, bucket_owner=place.bucket_owner, tags=dict(place.tags),
        on_demand=on_demand,
    )  # fmt: skip


def check_bucket_name(bucket: str) -> None:
    """Raise InvalidSettings where no bucket can have this name."""
    if not is_bucket(bucket):
        raise InvalidSettings(f"{bucket!r} is not the name of a bucket.", fix="give the name without s3://")


def _check_place(place: BatchPlace) -> None:
    check_bucket_name(place.bucket)
    if not is_role_arn(place.role_arn):
        raise InvalidSettings(
            f"{place.role_arn!r} is not the ARN of a role.", fix="rockbottom batch setup prints a role to make"
        )
    if place.kms_key is not None and not is_key(place.kms_key):
        raise InvalidSettings(f"{place.kms_key!r} is not a KMS key.", fix="give the ARN of a key, its id, or an alias")
    if place.timeout_hours is not None:
        allowed = timeout_hours()
        if not allowed.least <= place.timeout_hours <= allowed.most:
            raise InvalidSettings(
                f"A job has a timeout of {allowed.least} to {allowed.most} hours, not {place.timeout_hours}."
            )
    if re.search(r"[^-!_*'().a-zA-Z0-9/]", place.prefix):
        raise InvalidSettings(f"The prefix {place.prefix!r} has characters that a job's S3 location does not take.")


def other_content(old: RunSettings, new: RunSettings) -> OtherContent:
    """The error of a run that exists with other settings or records."""
    differ = [
        name for name in RunSettings.__struct_fields__ if getattr(old, name) != getattr(new, name) and name != "digest"
    ]
    differences = f"other {', '.join(differ)}" if differ else "other records"
    return OtherContent(
        f"The run {new.name} exists with {differences}.",
        fix=f"give another --name, or continue that run: rockbottom batch collect {new.name}",
    )


def compare_records(run: BatchRun, lines: Iterable[bytes]) -> None:
    """Raise OtherContent when the records are not those that the run was built from."""
    digest = hashlib.blake2b(digest_size=16)
    for line in lines:
        digest.update(line)
    if digest.hexdigest() != run.planned_digest:
        raise OtherContent(
            f"The run {run.settings.name} exists with other records.",
            fix="give another name, or the records that it was started with",
        )
