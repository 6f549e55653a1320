"""AWS's own count of the same calls: the token metrics of AWS/Bedrock, by day and model.

GetMetricData is charged by metrics requested and is not in the free tier, so what it costs is known before it is
called. At most 500 metrics go into one request. Metric names: ``cloudwatch.NATIVE_TOKENS``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.cloudwatch import NATIVE, NATIVE_TOKENS, fees, unavailable
from rockbottom.quantities import Usd
from rockbottom.reconcile.books import Book

_DAY_S = 86_400
_MOST_QUERIES = 500
_CALLS = "Invocations"


@dataclass(frozen=True, slots=True)
class Question:
    """What will be asked of one Region. ``models`` are the values of ModelId, as callers named them."""

    region: str
    models: tuple[str, ...]
    first: date
    last: date

    @property
    def metrics(self) -> int:
        return len(self.models) * (len(NATIVE_TOKENS) + 1)

    @property
    def usd(self) -> Usd:
        """What GetMetricData charges for it, at list price."""
        return fees().metric_requested * self.metrics


def question(cloudwatch: Any, region: str, first: date, last: date, known: Sequence[str] = ()) -> Question:
    """The models that AWS has counted in a Region (ListMetrics is in the free tier). Raises AccountUnavailable.

    ListMetrics forgets a metric two weeks after its last data point, so ``known`` ids are asked about as well.
    """
    found: set[str] = set(known)
    # One metric at a time: a model that never read from a cache has no CacheReadInputTokens.
    for metric in (_CALLS, NATIVE_TOKENS["input"]):
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=NATIVE, MetricName=metric)
        for row in _asked(lambda pages=pages: [one for page in pages for one in page["Metrics"]]):
            names = {one["Name"]: one["Value"] for one in row["Dimensions"]}
            if set(names) == {"ModelId"}:
                found.add(names["ModelId"])
    return Question(region, tuple(sorted(found)), first, last)


def native_book(
    asked: Sequence[tuple[Any, Question]], catalog: Catalog, behind: Mapping[str, str] | None = None
) -> Book:
    """What AWS counted; ``asked`` pairs a CloudWatch client with its question. Raises AccountUnavailable.

    ``behind`` gives the model id of an application inference profile's ARN.
    """
    book = Book("CloudWatch", regions=tuple(one.region for _, one in asked))
    for cloudwatch, one in asked:
        queries = [
            (model, kind, metric) for model in one.models for kind, metric in (*NATIVE_TOKENS.items(), ("", _CALLS))
        ]
        for start in range(0, len(queries), _MOST_QUERIES):
            part = queries[start : start + _MOST_QUERIES]
            for (model, kind, _), day, value in _values(cloudwatch, one, part):
                entry = book.of((day, _model(model, catalog, behind or {})))
                entry.regions.add(one.region)
                if kind:
                    entry.tokens[kind] += int(value)
                else:
                    entry.calls = (entry.calls or 0) + int(value)
    return book


def _values(cloudwatch: Any, one: Question, queries: Sequence[tuple[str, str, str]]) -> list[tuple[Any, date, float]]:
    request = {
        "MetricDataQueries": [_query(f"q{index}", model, metric) for index, (model, _, metric) in enumerate(queries)],
        "StartTime": datetime(one.first.year, one.first.month, one.first.day, tzinfo=UTC),
        "EndTime": datetime(one.last.year, one.last.month, one.last.day, tzinfo=UTC) + timedelta(days=1),
        "ScanBy": "TimestampAscending",
    }
    pages = cloudwatch.get_paginator("get_metric_data").paginate(**request)
    results = _asked(lambda: [row for page in pages for row in page["MetricDataResults"]])
    return [
        (queries[int(row["Id"][1:])], stamp.astimezone(UTC).date(), value)
        for row in results
        for stamp, value in zip(row["Timestamps"], row["Values"], strict=True)
    ]


def _query(key: str, model: str, metric: str) -> dict[str, Any]:
    named = {"Namespace": NATIVE, "MetricName": metric, "Dimensions": [{"Name": "ModelId", "Value": model}]}
    return {"Id": key, "MetricStat": {"Metric": named, "Period": _DAY_S, "Stat": "Sum"}, "ReturnData": True}


def _model(given: str, catalog: Catalog, behind: Mapping[str, str]) -> str:
    """The catalogue's id; what it does not know stays as the caller named it."""
    try:
        return catalog.model(behind.get(given, given)).model.id
    except CatalogError:
        return given


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        raise unavailable(error, "monitor policy read") from error
