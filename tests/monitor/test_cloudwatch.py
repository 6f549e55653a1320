"""CloudWatch by PutMetricData: what is sent, and what becomes of it when it cannot be sent."""

import gzip

import boto3
import pytest
from botocore.config import Config
from botocore.serialize import create_serializer
from botocore.stub import Stubber
from moto import mock_aws

from rockbottom.cloudwatch import monthly_estimate, put_limits
from rockbottom.sinks import CannotPublish, CloudWatch
from rockbottom.sinks.cloudwatch import datums_of, packed
from rockbottom.sinks.minutes import MinuteTable
from tests.monitor.calls import NOON, SONNET, call

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=1)


class Clock:
    """Wall and monotonic time that the test sets."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


def sink(client, **options):
    """A CloudWatch sink without a thread, on a clock that stands ten minutes after noon."""
    clock = Clock(NOON + 600)
    options = {"heartbeat_s": None} | options
    one = CloudWatch(client=client, clock=clock, monotonic=clock, chance=lambda: 1.0, **options)
    one._start = lambda: None
    return one, clock


@pytest.fixture
def sent():
    """A client of moto's CloudWatch, and the parameters of every PutMetricData that it was given."""
    with mock_aws():
        client = boto3.client("cloudwatch", **KEYS)
        requests = []
        client.meta.events.register(
            "provide-client-params.cloudwatch.PutMetricData", lambda params, **_: requests.append(params)
        )
        yield client, requests


def test_a_minute_of_calls_is_one_request_with_these_numbers(sent):
    """Two reads of 2,000 tokens beside 10 uncached: the request, field by field."""
    client, requests = sent
    one, _ = sink(client, metrics=["CacheHitTokens", "CacheHitRate", "Cost"])
    one.record(call(NOON + 1))
    one.record(call(NOON + 2, cost_usd="0.003"))
    assert one.flush() is True
    dimensions = [{"Name": "ModelId", "Value": SONNET}]
    assert requests == [
        {
            "Namespace": "BedrockLLMOps",
            "MetricData": [
                {
                    "MetricName": "CacheHitTokens", "Dimensions": dimensions, "Timestamp": NOON, "Unit": "Count",
                    "StatisticValues": {"SampleCount": 2.0, "Sum": 4000.0, "Minimum": 2000.0, "Maximum": 2000.0},
                },
                {
                    "MetricName": "CacheHitRate", "Dimensions": dimensions, "Timestamp": NOON, "Unit": "Percent",
                    "StatisticValues": {
                        "SampleCount": 4020.0, "Sum": 400_000.0,
                        "Minimum": 200_000 / 2010, "Maximum": 200_000 / 2010,
                    },
                },
                {
                    "MetricName": "Cost", "Dimensions": dimensions, "Timestamp": NOON, "Unit": "None",
                    "StatisticValues": {"SampleCount": 2.0, "Sum": 0.005, "Minimum": 0.002, "Maximum": 0.003},
                },
            ],
        }
    ]  # fmt: skip
    assert one.stats.sent == 1


def test_the_body_on_the_wire_names_namespace_metric_and_model(sent):
    """What botocore has encoded and signed, as bytes: moto forgets the namespace when dimensions are given."""
    client, _ = sent
    bodies = []

    def keep(request, **_):
        body = request.body
        bodies.append(gzip.decompress(body) if request.headers.get("Content-Encoding") == b"gzip" else body)

    client.meta.events.register("before-send.cloudwatch.PutMetricData", keep)
    one, _ = sink(client)
    for minute in range(20):  # enough to be compressed on the way
        one.record(call(NOON + 60 * minute - 1200))
    one.flush()
    (body,) = bodies
    for text in (b"BedrockLLMOps", b"CacheHitRate", b"ModelId", SONNET.encode()):
        assert text in body


def test_cloudwatch_lists_what_teams_chart(sent):
    """In the namespace BedrockLLMOps there are CacheHitTokens and CacheHitRate by ModelId, and the others beside."""
    client, _ = sent
    one, _ = sink(client)
    one.record(call(cache_read=0, cache_write_5m=2000))
    one.record(call(NOON + 60, first_ms=210.0, operation="ConverseStream"))
    one.record(call(NOON + 500, cache_read=0, cache_write_5m=2000))  # the first write's lifetime is over
    one.flush()
    found = client.list_metrics(Namespace="BedrockLLMOps")["Metrics"]
    assert {metric["MetricName"] for metric in found} == {
        "CacheHitTokens", "CacheHitRate", "CacheWriteTokens", "UncachedInputTokens", "OutputTokens", "Cost",
        "CostPerRequest", "Saving", "WriteWaste", "TimeToFirstToken", "PointsWithoutCaching",
    }  # fmt: skip
    assert {tuple(one.items()) for metric in found for one in metric["Dimensions"]} == {
        (("Name", "ModelId"), ("Value", SONNET))
    }


def test_the_average_of_five_minutes_is_read_over_sent(sent):
    """90 short misses in one minute and one long hit in the next: by requests 1 %, by tokens what is on the bill."""
    client, _ = sent
    one, _ = sink(client, metrics=["CacheHitRate"])
    for _ in range(90):
        one.record(call(NOON + 1, input=100, cache_read=0))
    one.record(call(NOON + 61, input=0, cache_read=91_000))
    one.flush()
    (point,) = client.get_metric_statistics(
        Namespace="BedrockLLMOps", MetricName="CacheHitRate", Dimensions=[{"Name": "ModelId", "Value": SONNET}],
        StartTime=NOON, EndTime=NOON + 300, Period=300, Statistics=["Sum", "SampleCount"],
    )["Datapoints"]  # fmt: skip
    assert point["Sum"] / point["SampleCount"] == 91.0  # CloudWatch's Average is this quotient


def test_time_to_first_token_keeps_its_values_for_percentiles(sent):
    """Values and counts, each value once, in whole milliseconds."""
    client, requests = sent
    one, _ = sink(client, metrics=["TimeToFirstToken"])
    for first in (210.2, 209.9, 350.0):
        one.record(call(first_ms=first))
    one.flush()
    (datum,) = requests[0]["MetricData"]
    assert (datum["Values"], datum["Counts"], datum["Unit"]) == ([210.0, 350.0], [2.0, 1.0], "Milliseconds")


def test_an_open_minute_waits_and_a_clock_set_back_does_not_keep_it(sent):
    """12:10 is not sent at 12:10:30, is at 12:11:10; set back by an hour, everything that is open goes out."""
    client, requests = sent
    one, clock = sink(client, metrics=["OutputTokens"])
    one.record(call(NOON + 600))
    clock.now = NOON + 630
    one._step(last=False)
    assert requests == []
    assert one.stats.waiting == 1
    clock.now = NOON + 670
    one._step(last=False)
    assert len(requests) == 1
    one.record(call(NOON + 670))
    clock.now = NOON - 3000
    one._step(last=False)
    assert len(requests) == 2


def test_stamps_that_cloudwatch_refuses_are_not_sent(sent):
    """More than two weeks old: given up and counted. More than two hours ahead: counted for now."""
    client, requests = sent
    one, clock = sink(client, metrics=["OutputTokens"])
    one.record(call(clock.now - 15 * 86_400))
    one.record(call(clock.now + 3 * 3600))
    one.flush()
    assert [datum["Timestamp"] for request in requests for datum in request["MetricData"]] == [clock.now]
    assert one.stats.lost == 1


def test_an_odd_record_costs_itself_only(sent, caplog):
    """A cost that is no number, a time that is none: counted and said once; the others are sent."""
    client, requests = sent
    one, _ = sink(client, metrics=["OutputTokens", "TimeToFirstToken"])
    for odd in ({}, {"cost_usd": "much"}, {"first_ms": float("nan")}, {}):
        one.record(call(**odd))
    one.flush()
    assert one.stats.lost == 2
    assert sum("could not be summed up" in line for line in caplog.messages) == 1
    assert requests[0]["MetricData"][0]["StatisticValues"]["SampleCount"] >= 2.0


def test_simulated_calls_are_not_sent_to_aws(sent, caplog):
    """The local endpoint's figures stay here unless they are asked for; it is said once."""
    client, requests = sent
    one, _ = sink(client)
    one.record(call(endpoint="local"))
    one.record(call(endpoint="local"))
    one.flush()
    assert requests == []
    assert sum("simulated" in line for line in caplog.messages) == 1
    other, _ = sink(client, simulated=True)
    other.record(call(endpoint="local"))
    other.flush()
    assert len(requests) == 1


def test_a_request_is_never_more_than_cloudwatch_takes():
    """4,500 datums with the longest dimensions in requests of at most 1,000 and 1 MB, in every protocol it speaks."""
    table = MinuteTable([["ModelId", "tenant"]], most_series=2_000)
    for number in range(500):
        one = call(tags={"tenant": f"{number:04}" + "&" * 1000})
        table.add(one)
    datums = [datum for minute in table.take(float("inf")) for datum in datums_of(minute)]
    batches = list(packed(datums))
    assert [datum for batch in batches for datum in batch] == datums
    assert max(map(len, batches)) <= put_limits().most_datums
    model = boto3.client("cloudwatch", **KEYS).meta.service_model
    for protocol in ("query", "json", "smithy-rpc-v2-cbor"):
        serializer = create_serializer(protocol, include_validation=False)
        for batch in (batches[0], batches[-1]):
            request = serializer.serialize_to_request(
                {"Namespace": "BedrockLLMOps", "MetricData": list(batch)}, model.operation_model("PutMetricData")
            )
            body = request["body"]
            if isinstance(body, dict):  # the query protocol is encoded when the request is prepared
                from urllib.parse import urlencode

                body = urlencode(body)
            assert len(body) <= put_limits().most_bytes


def test_more_than_150_values_are_two_datums():
    """An array holds 150 different values; CloudWatch puts two of one minute together."""
    table = MinuteTable()
    for number in range(200):
        table.add(call(first_ms=float(number)))
    (minute,) = table.take(float("inf"))
    found = [datum for datum in datums_of(minute) if datum["MetricName"] == "TimeToFirstToken"]
    assert [len(datum["Values"]) for datum in found] == [150, 50]


def test_a_throttled_request_is_sent_again_and_nothing_is_lost(caplog):
    """Throttled twice, then taken; the calls that came meanwhile go with it."""
    client = boto3.client("cloudwatch", **KEYS, config=ONCE)
    with Stubber(client) as stub:
        stub.add_client_error("put_metric_data", "Throttling", "Rate exceeded", 400)
        stub.add_client_error("put_metric_data", "Throttling", "Rate exceeded", 400)
        stub.add_response("put_metric_data", {})
        one, clock = sink(client, metrics=["OutputTokens"])
        one.record(call())
        for _ in range(3):
            one._step(last=False)
            clock.now += 60
            one.record(call(NOON + 60))
        assert one.stats.failures == 2
        assert one.stats.sent == 1
        assert one.stats.lost == 0
    assert sum("CloudWatch answers Throttling" in line for line in caplog.messages) == 1


def test_what_cloudwatch_refuses_for_good_does_not_stand_in_the_way(caplog):
    """An invalid request is let go, counted and said once; the next one goes out."""
    client = boto3.client("cloudwatch", **KEYS, config=ONCE)
    with Stubber(client) as stub:
        stub.add_client_error("put_metric_data", "InvalidParameterValue", "no", 400)
        stub.add_response("put_metric_data", {})
        one, _ = sink(client, metrics=["OutputTokens"])
        one.record(call())
        one.flush()
        one.record(call(NOON + 60))
        one.flush()
        assert (one.stats.lost, one.stats.sent, one.stats.failures) == (1, 2, 0)
    assert sum("refused 1 metrics for good" in line for line in caplog.messages) == 1


def test_without_credentials_calls_go_on_with_one_warning(monkeypatch, caplog, tmp_path):
    """No credentials anywhere: nothing raises, what fits is kept, one line says what is missing."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clock = Clock(NOON + 600)
    one = CloudWatch("us-east-1", clock=clock, monotonic=clock, heartbeat_s=None)
    one._start = lambda: None
    for minute in range(5):
        one.record(call(NOON + 60 * minute))
        one.flush()
    assert one.stats.failures == 5
    assert one.stats.waiting == 5 * 9  # nine metrics of a call without a stream, a minute each
    assert [line for line in caplog.messages if "cannot send" in line] == [
        "rockbottom: CloudWatch cannot send (Unable to locate credentials. give credentials, as "
        "for any AWS SDK); calls go on, what fits is kept for later"
    ]


def test_an_endpoint_that_is_not_there_keeps_what_fits(caplog):
    """No network, or a Region without the service: the same as any failure, with what would help."""
    client = boto3.client("cloudwatch", **KEYS, endpoint_url="http://127.0.0.1:9", config=ONCE)
    one, _ = sink(client, metrics=["OutputTokens"])
    one.record(call())
    assert one.flush() is False
    assert one.stats.waiting == 1
    assert "choose a Region with CloudWatch" in one.stats.last_failure


@pytest.mark.parametrize(
    ("dimensions", "says"),
    [
        (["ModelId"], "list of lists"),
        ([], "list of lists"),
        ([["tenant", "tenant"]], "different"),
        ([[f"d{number}" for number in range(31)]], "30"),
        ([[":tenant"]], "cannot name a dimension"),
        ([["mandant-ü"]], "cannot name a dimension"),
    ],
)
def test_dimensions_that_cloudwatch_refuses_are_refused_here(dimensions, says):
    """At once, with what would work, instead of once a minute by the service."""
    with pytest.raises(CannotPublish, match=says) as caught:
        CloudWatch(client=object(), dimensions=dimensions)
    assert caught.value.fix


def test_an_unknown_metric_is_refused():
    """With the names that are known."""
    with pytest.raises(CannotPublish, match="CacheHits") as caught:
        CloudWatch(client=object(), metrics=["CacheHits"])
    assert "CacheHitTokens" in str(caught.value.fix)


def test_values_of_tags_are_made_fit_for_cloudwatch(sent):
    """Characters outside ASCII are escaped, control characters replaced."""
    client, requests = sent
    one, _ = sink(client, dimensions=[["tenant"]], metrics=["OutputTokens"])
    one.record(call(tags={"tenant": "Müller\n"}))
    one.flush()
    assert requests[0]["MetricData"][0]["Dimensions"] == [{"Name": "tenant", "Value": "M\\xfcller"}]


def test_a_set_without_dimensions_is_the_sum_of_all(sent):
    """Two models: one metric each, and one over both, which an alarm can look at."""
    client, requests = sent
    one, _ = sink(client, dimensions=[["ModelId"], []], metrics=["OutputTokens"])
    one.record(call())
    one.record(call(model="amazon.nova-pro-v1:0"))
    one.flush()
    sums = [(datum.get("Dimensions"), datum["StatisticValues"]["Sum"]) for datum in requests[0]["MetricData"]]
    assert (None, 200.0) in sums
    assert len(sums) == 3


def test_a_tag_as_a_dimension_says_what_it_may_cost(caplog):
    """11 metrics for each of up to 100 tenants: 1,100 x 0.30 and a request a minute, 43,200 x 0.01 / 1,000."""
    CloudWatch(client=object(), dimensions=[["ModelId", "tenant"]])
    (line,) = [line for line in caplog.messages if "tenant" in line]
    assert "11 custom metrics of CloudWatch, 3.30 US dollars a month" in line
    assert "about $330.43 a month for 1,100 custom metrics" in line


def test_custom_metrics_cost_what_the_price_list_says():
    """10,500 metrics: 10,000 x 0.30 + 500 x 0.10 = 3,050; a million requests 10."""
    assert monthly_estimate(10_500, 0).usd == 3050
    assert monthly_estimate(0, 1_000_000).usd == 10
    assert monthly_estimate(1_000_001, 0).usd * 100 == 6_450_002  # 3,000 + 24,000 + 37,500 + 0.02
