"""What one job may hold: from Service Quotas where allowed, else from packaged facts with their source."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from rockbottom.catalog import limit
from rockbottom.files import packaged
from rockbottom.quantities import Source


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Records and bytes per file and job. ``origins`` says for each name where its value comes from."""

    minimum_records: int
    records_per_file: int
    records_per_job: int
    file_bytes: int
    job_bytes: int
    record_bytes: int
    origins: Mapping[str, str]
    source: Source


def packaged_limits() -> BatchLimits:
    """The limits known without asking AWS."""
    raw = packaged("batch", "limits")
    cited = raw["source"]
    checked_on: date = cited["checked_on"]
    source = Source("batch-limits", cited["title"], cited["url"], checked_on)
    origin = f"{source.url}, checked {source.checked_on}"
    names = (*raw["default"], "record_bytes")
    return BatchLimits(
        **raw["default"], record_bytes=limit("body_bytes"), origins=dict.fromkeys(names, origin), source=source
    )


@dataclass(frozen=True, slots=True)
class TimeoutHours:
    """How many hours a job may be given, at least and at most; and those that a batch of the OpenAI Batch API has."""

    least: int
    most: int
    openai_batches: int


def timeout_hours() -> TimeoutHours:
    """The timeouts that jobs take, from packaged facts."""
    row = packaged("batch", "limits")["timeout_hours"]
    return TimeoutHours(row["least"], row["most"], row["openai_batches"])


def one_file(limits: BatchLimits) -> BatchLimits:
    """The limits of jobs that read a single file each."""
    records, size = min(limits.records_per_job, limits.records_per_file), min(limits.job_bytes, limits.file_bytes)
    return replace(limits, records_per_job=records, records_per_file=records, job_bytes=size, file_bytes=size)


# The five quotas are named by AWS's page "Format and upload your batch inference data"
# (https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html). Each exists once for every model
# and Region under a code of its own, so names are matched. A public list of an account's codes shows the spellings:
#   L-19E52681  Batch inference job size (in GB) for Nova Lite V1
#   L-007D91B8  Batch inference job size for Qwen3 Coder 480B (in GB)
#   L-1FA30AE7  Minimum number of records per batch inference job for Claude 3.5 Sonnet v2
#   L-4B244563  Minimum number of records per batch inference job for OpenAI GPT OSS 120b
# Models that are not in it (Claude 5 and later) are taken to be spelled as "Claude Sonnet 4.5" is.
_NAMES = (
    ("minimum_records", re.compile(r"minimum number of records per batch inference job", re.I)),
    ("records_per_file", re.compile(r"records per input file per batch inference job", re.I)),
    ("records_per_job", re.compile(r"^records per batch inference job", re.I)),
    ("file_bytes", re.compile(r"batch inference input file size", re.I)),
    ("job_bytes", re.compile(r"batch inference job size", re.I)),
)
_GB = 1_000_000_000


def with_quotas(limits: BatchLimits, quotas: Iterable[Mapping[str, Any]], model_name: str) -> BatchLimits:
    """The limits with the account's own quotas for a model in place of the packaged values.

    ``quotas`` are rows of ``ListServiceQuotas`` (QuotaName, Value). Quotas that name another model are passed over.
    """
    values: dict[str, int] = {}
    for row in quotas:
        name = str(row.get("QuotaName", ""))
        if not names_model(name, model_name):
            continue
        for field, pattern in _NAMES:
            if pattern.search(name) and row.get("Value"):
                values[field] = int(row["Value"] * (_GB if field.endswith("bytes") else 1))
    origins = {**limits.origins, **dict.fromkeys(values, "Service Quotas of this account")}
    return replace(limits, **values, origins=origins)


def names_model(quota_name: str, model_name: str) -> bool:
    """Whether a quota is that of a model, by the name at its end."""
    return _plain(model_name) == _plain(re.split(r"\bfor\b", quota_name)[-1])


def _plain(text: str) -> str:
    """A model's name as a set of words: makers, "V1" and active parameters (A35B) are named by one side only."""
    words = re.sub(r"\(.*?\)|anthropic|amazon|openai|\bmeta\b|\bv1\b|\ba\d+b\b", " ", text.lower())
    return " ".join(sorted(re.findall(r"[a-z]+|\d+(?:\.\d+)?", words)))
