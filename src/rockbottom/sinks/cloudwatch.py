"""CloudWatch by PutMetricData: minutes of calls, packed into as few requests as the service takes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from rockbottom.cloudwatch import MonthlyEstimate, monthly_estimate, put_limits
from rockbottom.process import bounded
from rockbottom.quantities import error_code, is_object
from rockbottom.sinks.definitions import MODEL_DIMENSION, NAMESPACE, Definition
from rockbottom.sinks.gathering import (
    MINUTES_A_MONTH,
    MinuteGatherer,
    MinuteOutlet,
    checked_dimensions,
    checked_metrics,
    cost_text,
    dimension_value,
)
from rockbottom.sinks.heartbeat import HEARTBEAT_S, Heart
from rockbottom.sinks.minutes import Minute, MinuteTable, Sum
from rockbottom.sinks.publisher import Publisher, Undelivered, log

Datum = dict[str, Any]
"""One MetricDatum as boto3 takes it; ``Timestamp`` is in seconds since the epoch."""

_MOST_WAITING = 20_000
_REFUSED_FOR_GOOD = (
    "413", "RequestEntityTooLarge", "InvalidParameter", "MissingParameter", "MissingRequiredParameter", "Validation",
    "Serialization",
)  # fmt: skip


class CloudWatch(Publisher):
    """A sink that publishes to CloudWatch, a minute at a time, from a thread of its own.

    ``region`` and ``profile`` choose where and with which credentials, by default those of the AWS configuration;
    ``client`` is a CloudWatch client of your own instead. ``dimensions`` are lists of names: ModelId, Region, Scope,
    Tier, or the name of a tag. ``metrics`` are names, all of them by default. ``most_series`` bounds how many
    combinations of dimension values are told apart, because each one is billed. ``simulated`` also sends the figures
    of a local endpoint. ``heartbeat_s`` is how often Heartbeat is sent where no calls are made (None: never). Needs
    ``cloudwatch:PutMetricData``. Raises CannotPublish.
    """

    def __init__(
        self,
        region: str | None = None,
        *,
        profile: str | None = None,
        client: Any = None,
        namespace: str = NAMESPACE,
        dimensions: Sequence[Sequence[str]] = ((MODEL_DIMENSION,),),
        metrics: Iterable[str] | None = None,
        most_series: int = 100,
        simulated: bool = False,
        heartbeat_s: float | None = HEARTBEAT_S,
        **publishing: Any,
    ) -> None:
        sets, chosen = checked_dimensions(dimensions), checked_metrics(metrics)
        connect = (lambda: client) if client is not None else connector(region, profile)
        self.metrics = chosen

        def make() -> CloudWatchOutlet:
            gatherer = MinuteGatherer(MinuteTable(sets, chosen, most_series), simulated=simulated)
            return CloudWatchOutlet(connect, namespace, gatherer, Heart(heartbeat_s))

        warning = cost_text(sets, len(chosen), most_series)
        if warning:
            log.warning("rockbottom: %s", warning)
        super().__init__(make, name="CloudWatch", idle_s=heartbeat_s, **publishing)

    def monthly_estimate(self) -> MonthlyEstimate:
        """What the metrics published so far, and the heartbeat, cost in a month at list price, one request a minute."""
        outlet = cast(CloudWatchOutlet, self._outlet)  # what ``make`` of __init__ makes, and nothing else
        beats = outlet.heart.every_s is not None
        return monthly_estimate(len(outlet.gatherer.table.series) * len(self.metrics) + beats, MINUTES_A_MONTH)


class CloudWatchOutlet(MinuteOutlet[Datum]):
    """Keeps minutes until CloudWatch has taken them. ``connect`` makes the client when it is first needed."""

    def __init__(
        self, connect: Callable[[], Any], namespace: str, gatherer: MinuteGatherer, heart: Heart | None = None
    ) -> None:
        super().__init__(gatherer, heart)
        self._connect = connect
        self._namespace = namespace
        self._client: Any = None
        self._said_refused = False

    def send(self, now: float, last: bool) -> int:
        """Send the minutes that are over; the number of requests. Raises Undelivered."""
        for minute in self._due(now, last):
            self._waiting.extend(datums_of(minute))
        self._let_go(now)
        requests = 0
        for batch in packed(tuple(self._waiting)):
            self._put(batch)
            for _ in batch:
                self._waiting.popleft()
            requests += 1
        return requests

    def _let_go(self, now: float) -> None:
        """Drop what CloudWatch no longer takes, and the oldest where too much waits."""
        oldest = now - put_limits().oldest_s
        while self._waiting and (self._waiting[0]["Timestamp"] < oldest or len(self._waiting) > _MOST_WAITING):
            self._waiting.popleft()
            self._lost += 1

    def _put(self, batch: Sequence[Datum]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # boto3 is an extra

        try:
            if self._client is None:
                self._client = self._connect()
            _check(self._client.put_metric_data(Namespace=self._namespace, MetricData=list(batch)))
        except ClientError as error:
            code = error_code(error)
            if not code.startswith(_REFUSED_FOR_GOOD):
                raise Undelivered(f"CloudWatch answers {code}", fix=_fix_of(code)) from error
            self._refused(batch, error)
        except ParamValidationError as error:
            self._refused(batch, error)
        except BotoCoreError as error:
            raise Undelivered(str(error), fix=_fix_of(type(error).__name__)) from error

    def _refused(self, batch: Sequence[Datum], error: Exception) -> None:
        """CloudWatch will never take this request: let it go, and say so once."""
        self._lost += len(batch)
        if not self._said_refused:
            self._said_refused = True
            log.warning("rockbottom: CloudWatch refused %d metrics for good (%s)", len(batch), error)


def _check(answer: object) -> None:
    """Raise Undelivered for an answer that is none of AWS's, which names every request: the page of a proxy, say."""
    if is_object(answer) and "RequestId" not in answer.get("ResponseMetadata", {"RequestId": ""}):
        raise Undelivered("what answers is not CloudWatch", fix="check --endpoint-url, and AWS_ENDPOINT_URL")


def datums_of(minute: Minute) -> Iterator[Datum]:
    """What a minute is to PutMetricData, in the order of the metrics' definitions."""
    dimensions = [{"Name": name, "Value": dimension_value(value)} for name, value in minute.dimensions]
    for definition, summed in minute.sums.items():
        frame = _frame(definition, minute, dimensions)
        if summed.values is None:
            yield frame | {"StatisticValues": _statistics(summed)}
            continue
        rows = sorted(summed.values.items())
        most = put_limits().most_values
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            yield frame | {"Values": [float(value) for value, _ in some], "Counts": [float(n) for _, n in some]}


def _frame(definition: Definition, minute: Minute, dimensions: list[dict[str, str]]) -> Datum:
    frame: Datum = {"MetricName": definition.name, "Timestamp": minute.starts_at, "Unit": definition.unit.value}
    return frame | {"Dimensions": dimensions} if dimensions else frame


def _statistics(summed: Sum) -> dict[str, float]:
    # CloudWatch's numbers are doubles: here, and nowhere before, money becomes one.
    return {
        "SampleCount": float(summed.count),
        "Sum": float(summed.total),
        "Minimum": float(summed.least),
        "Maximum": float(summed.greatest),
    }


def packed(datums: Sequence[Datum]) -> Iterator[Sequence[Datum]]:
    """Datums in requests of at most so many and so many bytes, in their order."""
    limits = put_limits()
    start = size = 0
    for end, datum in enumerate(datums):
        bytes_ = _most_bytes_of(datum)
        if end > start and (end - start >= limits.most_datums or size + bytes_ > limits.most_bytes):
            yield datums[start:end]
            start, size = end, 0
        size += bytes_
    if start < len(datums):
        yield datums[start:]


_FIELD_BYTES = 72  # "&MetricData.member.1000.StatisticValues.SampleCount=" and a number: the longest spelling
_FIELDS = 8


def _most_bytes_of(datum: Datum) -> int:
    """A bound of a datum's bytes in the longest of CloudWatch's protocols (query), where a character may take three."""
    texts = sum(
        3 * (len(dimension["Name"]) + len(dimension["Value"])) + 2 * _FIELD_BYTES
        for dimension in datum.get("Dimensions", ())
    )
    return _FIELDS * _FIELD_BYTES + texts + 2 * _FIELD_BYTES * len(datum.get("Values", ()))


def _fix_of(code: str) -> str | None:
    if "AccessDenied" in code or "UnauthorizedOperation" in code:
        return "allow cloudwatch:PutMetricData"
    if "Credentials" in code or "Token" in code:
        return "give credentials, as for any AWS SDK"
    if "Endpoint" in code or "Region" in code:
        return "choose a Region with CloudWatch: CloudWatch(region=...)"
    return None


def connector(region: str | None, profile: str | None, endpoint_url: str | None = None) -> Callable[[], Any]:
    """What makes a client of CloudWatch when it is first needed."""

    def connect() -> Any:
        import boto3
        from botocore.config import Config

        # One attempt: the publisher itself waits and tries again, and a second one would hold up the end of a process.
        patient = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
        session: Any = boto3.Session(profile_name=profile, region_name=region)
        return bounded(session.client("cloudwatch", config=patient, endpoint_url=endpoint_url))

    return connect
