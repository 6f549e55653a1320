"""AWS's own count of the same calls: the token metrics of AWS/Bedrock and AWS/BedrockMantle, by day and model.

GetMetricData is charged by metrics requested and is not in the free tier, so what it costs is known before it is
called. At most 500 metrics go into one request. Metric names: ``cloudwatch.NATIVE_TOKENS``, ``MANTLE_TOKENS``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from rockbottom.catalog import Catalog, CatalogError, limit
from rockbottom.cloudwatch import (
    MANTLE_CALLS,
    MANTLE_DIMENSIONS,
    MANTLE_NATIVE,
    MANTLE_TOKENS,
    NATIVE,
    NATIVE_TOKENS,
    answer_of,
    fees,
)
from rockbottom.quantities import Usd
from rockbottom.reconcile.books import Book

_DAY_S = 86_400
_CALLS = "Invocations"
_UNSAID = (
    "AWS/BedrockMantle has no metric of cached tokens, and AWS does not say whether its input counts them: of models "
    "called there calls and output are compared, and the input only between the ledger's without and with them"
)


class Series(NamedTuple):
    """One metric to be asked for: of which model, which kind of token ("": calls), and of which project of mantle."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    model: str
    kind: str
    project: str = ""


_answer_of = partial(answer_of, policy="monitor policy read")


@dataclass(frozen=True, slots=True)
class MetricsQuestion:
    """What will be asked of one Region. ``models`` are the values of ModelId, as callers named them.

    ``mantle`` are projects of bedrock-mantle, each with a model that was called in it.
    """

    region: str
    models: tuple[str, ...]
    first: date
    last: date
    mantle: tuple[tuple[str, str], ...] = ()

    @property
    def series(self) -> list[Series]:
        """Every metric that it asks for."""
        kinds = (*NATIVE_TOKENS.items(), ("", _CALLS))
        series = [
            Series(NATIVE, metric, (("ModelId", model),), model, kind)
            for model in self.models
            for kind, metric in kinds
        ]
        kinds = (*MANTLE_TOKENS.items(), ("", MANTLE_CALLS))
        for project, model in self.mantle:
            dimensions = tuple(zip(MANTLE_DIMENSIONS, (project, model), strict=True))
            series += [Series(MANTLE_NATIVE, metric, dimensions, model, kind, project) for kind, metric in kinds]
        return series

    @property
    def metrics(self) -> int:
        return len(self.series)

    @property
    def usd(self) -> Usd:
        """What GetMetricData charges for it, at list price."""
        return fees().metric_requested * self.metrics


def question(cloudwatch: Any, region: str, first: date, last: date, known: Sequence[str] = ()) -> MetricsQuestion:
    """The models that AWS has counted in a Region (ListMetrics is in the free tier). Raises AccountUnavailable.

    ListMetrics forgets a metric two weeks after its last data point, so ``known`` ids are asked about as well.
    """
    models: set[str] = set(known)
    # One metric at a time: a model that never read from a cache has no CacheReadInputTokens.
    for metric in (_CALLS, NATIVE_TOKENS["input"]):
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=NATIVE, MetricName=metric)
        models.update(names["ModelId"] for names in _dimensions(pages) if set(names) == {"ModelId"})
    return MetricsQuestion(region, tuple(sorted(models)), first, last, _projects(cloudwatch))


def _projects(cloudwatch: Any) -> tuple[tuple[str, str], ...]:
    """The projects of bedrock-mantle with the models called in each, as far as ListMetrics still knows them."""
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=MANTLE_NATIVE, MetricName=MANTLE_CALLS)
    named = _dimensions(pages)
    pairs = {tuple(names[name] for name in MANTLE_DIMENSIONS) for names in named if set(names) == {*MANTLE_DIMENSIONS}}
    return tuple(sorted((project, model) for project, model in pairs))


def _dimensions(pages: Any) -> list[dict[str, str]]:
    """The dimensions of every metric that ListMetrics gives, by name."""
    return _answer_of(
        lambda: [
            {dimension["Name"]: dimension["Value"] for dimension in row["Dimensions"]}
            for page in pages
            for row in page["Metrics"]
        ]
    )


def native_book(
    questions: Sequence[tuple[Any, MetricsQuestion]], catalog: Catalog, behind: Mapping[str, str] | None = None
) -> Book:
    """What AWS counted; ``questions`` pairs each CloudWatch client with its question. Raises AccountUnavailable.

    ``behind`` gives the model id of an application inference profile's ARN.
    """
    book = Book("CloudWatch", regions=tuple(region_question.region for _, region_question in questions))
    for cloudwatch, region_question in questions:
        queries = region_question.series
        most = limit("metric_queries")
        for start in range(0, len(queries), most):
            part = queries[start : start + most]
            for series, day, value in _values(cloudwatch, region_question, part):
                entry = book.of((day, _model(series.model, catalog, behind or {})))
                entry.regions.add(region_question.region)
                if series.kind:
                    entry.tokens[series.kind] += int(value)
                else:
                    entry.calls = (entry.calls or 0) + int(value)
                if series.project and not series.kind:
                    entry.projects[series.project] = entry.projects.get(series.project, 0) + int(value)
    if any(entry.projects for entry in book.entries.values()):
        book.notes.append(_UNSAID)
    return book


def _values(
    cloudwatch: Any, region_question: MetricsQuestion, queries: Sequence[Series]
) -> list[tuple[Series, date, float]]:
    request = {
        "MetricDataQueries": [_query(f"q{index}", series) for index, series in enumerate(queries)],
        "StartTime": datetime(
            region_question.first.year, region_question.first.month, region_question.first.day, tzinfo=UTC
        ),
        "EndTime": datetime(region_question.last.year, region_question.last.month, region_question.last.day, tzinfo=UTC)
        + timedelta(days=1),
        "ScanBy": "TimestampAscending",
    }
    pages = cloudwatch.get_paginator("get_metric_data").paginate(**request)
    return _answer_of(
        lambda: [
            (queries[int(row["Id"][1:])], stamp.astimezone(UTC).date(), value)
            for page in pages
            for row in page["MetricDataResults"]
            for stamp, value in zip(row["Timestamps"], row["Values"], strict=True)
        ]
    )


def _query(key: str, series: Series) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    named = {"Namespace": series.namespace, "MetricName": series.metric, "Dimensions": dimensions}
    return {"Id": key, "MetricStat": {"Metric": named, "Period": _DAY_S, "Stat": "Sum"}, "ReturnData": True}


def _model(name: str, catalog: Catalog, behind: Mapping[str, str]) -> str:
    """The catalogue's id; what it does not know stays as the caller named it."""
    try:
        return catalog.model(behind.get(name, name)).model.id
    except CatalogError:
        return name
