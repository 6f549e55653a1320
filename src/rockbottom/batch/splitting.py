"""Records cut into files and jobs within the limits, by counting; nothing is read or written."""

from collections.abc import Sequence
from dataclasses import dataclass

from rockbottom.batch.errors import TooFewRecords
from rockbottom.batch.limits import BatchLimits
from rockbottom.figures import counted, thousands


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of whole records in the spool: where it starts, its bytes and records."""

    offset: int
    length: int
    records: int


def jobs_of(sizes: Sequence[int], limits: BatchLimits) -> tuple[tuple[Slice, ...], ...]:
    """For each job its files, in the order of the records. ``sizes`` are the bytes of each line with its newline.

    A last job that would be below the minimum takes records from the one before it. Raises TooFewRecords.
    """
    if len(sizes) < limits.minimum_records:
        raise too_few(len(sizes), limits)
    ends = _job_ends(sizes, limits)
    if len(ends) > 1 and ends[-1] - ends[-2] < limits.minimum_records:
        ends[-2] = ends[-1] - limits.minimum_records
        before = ends[-3] if len(ends) > 2 else 0
        if ends[-2] - before < limits.minimum_records or sum(sizes[ends[-2] :]) > limits.job_bytes:
            raise TooFewRecords(
                f"{counted(len(sizes), 'record')} cannot be split into jobs of at least "
                f"{counted(limits.minimum_records, 'record')} "
                f"and at most {thousands(limits.job_bytes)} bytes.",
                fix="make the records smaller, or give more of them",
            )
    return tuple(_with_offsets(sizes, ends, limits))


def too_few(records: int, limits: BatchLimits) -> TooFewRecords:
    """The error of fewer records than a job takes, with the way out."""
    return TooFewRecords(
        f"{counted(records, 'record')}, and a batch job takes at least {thousands(limits.minimum_records)} "
        f"({limits.origins['minimum_records']}).",
        fix="send so few on demand, cached where they share a prefix: rockbottom bench shows what that costs",
    )


def _job_ends(sizes: Sequence[int], limits: BatchLimits) -> list[int]:
    ends: list[int] = []
    records = size = 0
    most = max(1, limits.records_per_job)
    for number, record_size in enumerate(sizes):
        if records == most or size + record_size > limits.job_bytes:
            ends.append(number)
            records = size = 0
        records += 1
        size += record_size
    ends.append(len(sizes))
    return ends


def _with_offsets(sizes: Sequence[int], ends: Sequence[int], limits: BatchLimits) -> list[tuple[Slice, ...]]:
    jobs: list[tuple[Slice, ...]] = []
    offset = first = 0
    for end in ends:
        slices: list[Slice] = []
        start, length, records = offset, 0, 0
        for number in range(first, end):
            record_size = sizes[number]
            if records == limits.records_per_file or (records and length + record_size > limits.file_bytes):
                slices.append(Slice(start, length, records))
                start, length, records = start + length, 0, 0
            length += record_size
            records += 1
        slices.append(Slice(start, length, records))
        jobs.append(tuple(slices))
        offset, first = start + length, end
    return jobs
