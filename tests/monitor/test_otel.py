"""OpenTelemetry with the real SDK and the real instrumentation of botocore, against the local endpoint."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from opentelemetry import trace
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

import rockbottom
from rockbottom.local import ClockKind, running
from rockbottom.sinks import OpenTelemetry
from tests.monitor.calls import NOON, SONNET, call

MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: answer politely and cite section {number}." for number in range(400))
KINDS = ("cache_read", "cache_creation", "cache_write")
READ, CREATED, WRITTEN = (f"gen_ai.usage.{kind}.input_tokens" for kind in KINDS)


class Telemetry:
    """Providers that keep what they are given."""

    def __init__(self, sampler=ALWAYS_ON):
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(sampler=sampler)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def sink(self, **options):
        return OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters, **options)

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def metrics(self):
        """Data points by the name of the metric."""
        data = self.reader.get_metrics_data()
        found = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found.setdefault(metric.name, []).extend(metric.data.data_points)
        return found

    def sum_of(self, name, **labels):
        """Sum over the points of a metric whose attributes are these (dots are spelled __)."""
        wanted = {key.replace("__", "."): value for key, value in labels.items()}
        return sum(
            getattr(point, "sum", getattr(point, "value", 0))
            for point in self.metrics().get(name, ())
            if wanted.items() <= dict(point.attributes).items()
        )


@pytest.fixture
def telemetry():
    one = Telemetry()
    yield one
    one.tracers.shutdown()
    one.meters.shutdown()


@pytest.fixture
def instrumented(telemetry):
    """botocore instrumented with these providers, for one test."""
    BotocoreInstrumentor().instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    yield telemetry
    BotocoreInstrumentor().uninstrument()


@pytest.fixture(scope="module")
def served():
    with running(clock=ClockKind.MANUAL, start_at=NOON) as one:
        yield one


@pytest.fixture
def endpoint(served):
    served.state.reset()
    served.state.faults.clear()
    return served


def attached(endpoint, sink):
    """An attached client of the local endpoint that reports to a sink."""
    client = boto3.client(
        "bedrock-runtime", endpoint_url=endpoint.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    return rockbottom.attach(client, sinks=[sink], ledger=False, tags={"tenant": "acme"})


def request(text="Which rule?"):
    return {
        "modelId": MODEL,
        "system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": text}]}],
    }


def prompt(usage):
    return usage["inputTokens"] + usage["cacheReadInputTokens"] + usage["cacheWriteInputTokens"]


def test_the_span_of_the_instrumentation_is_completed_and_no_other_is_made(endpoint, instrumented):
    """A write, then a read: two spans, input inclusive of cached tokens, cost and saving beside."""
    client = attached(endpoint, instrumented.sink())
    usages = [client.converse(**request())["usage"] for _ in range(2)]
    assert usages[0]["cacheWriteInputTokens"] > 1024
    assert usages[1]["cacheReadInputTokens"] == usages[0]["cacheWriteInputTokens"]
    assert len(instrumented.spans) == 2
    for span, usage in zip(instrumented.spans, usages, strict=True):
        assert span.instrumentation_scope.name.startswith("opentelemetry.instrumentation.botocore")
        found = span.attributes
        assert found["gen_ai.usage.input_tokens"] == prompt(usage)
        assert found["gen_ai.usage.output_tokens"] == usage["outputTokens"]
        assert found[READ] == usage["cacheReadInputTokens"]
        assert found[CREATED] == found[WRITTEN] == usage["cacheWriteInputTokens"]
        assert found["gen_ai.provider.name"] == "aws.bedrock"
        assert found["gen_ai.request.model"] == MODEL
        assert found["rockbottom.tag.tenant"] == "acme"
        assert found["rockbottom.simulated"] is True
    assert instrumented.spans[0].attributes["rockbottom.saving_usd"] < 0 < found["rockbottom.saving_usd"]


def test_a_stream_s_span_is_found_and_completed_before_it_ends(endpoint, instrumented):
    """The instrumentation ends it after the last event; by then the cached tokens are on it."""
    client = attached(endpoint, instrumented.sink())
    client.converse(**request())
    usage = None
    for event in client.converse_stream(**request())["stream"]:
        usage = event.get("metadata", {}).get("usage", usage)
    span = instrumented.spans[-1]
    assert len(instrumented.spans) == 2
    assert usage["cacheReadInputTokens"] > 1024
    assert span.attributes["gen_ai.usage.input_tokens"] == prompt(usage)
    assert span.attributes[READ] == usage["cacheReadInputTokens"]
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] >= 0


def test_streams_at_once_are_not_mixed_up(endpoint, instrumented):
    """Two streams begun one after the other and read in the opposite order."""
    client = attached(endpoint, instrumented.sink())
    first = client.converse_stream(**request("First?"))
    second = client.converse_stream(**request("And the second one, with a longer question?"))
    usages = {}
    for reply in (second, first):
        for event in reply["stream"]:
            if "metadata" in event:
                usages[reply["ResponseMetadata"]["RequestId"]] = event["metadata"]["usage"]
    assert len(instrumented.spans) == 2
    for span in instrumented.spans:
        assert span.attributes["gen_ai.usage.input_tokens"] == prompt(usages[span.attributes["aws.request_id"]])


def test_the_standard_metrics_are_counted_once(endpoint, instrumented):
    """With the instrumentation they are its own; the cached tokens are in ours."""
    client = attached(endpoint, instrumented.sink())
    usages = [client.converse(**request())["usage"] for _ in range(2)]
    durations = instrumented.metrics()["gen_ai.client.operation.duration"]
    assert sum(point.count for point in durations) == 2
    written = usages[0]["cacheWriteInputTokens"]
    for kind, tokens in (("write", written), ("read", written), ("uncached", sum(u["inputTokens"] for u in usages))):
        assert instrumented.sum_of("rockbottom.tokens", rockbottom__token__kind=kind) == tokens
    assert instrumented.sum_of("rockbottom.cost") > 0


def test_a_trace_that_is_not_sampled_is_counted_once_and_makes_no_span(endpoint):
    """The instrumentation counts unsampled calls too; nothing of ours stands beside it, for a stream as for a reply."""
    telemetry = Telemetry(sampler=ALWAYS_OFF)
    BotocoreInstrumentor().instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        client = attached(endpoint, telemetry.sink())
        client.converse(**request())
        for _ in client.converse_stream(**request())["stream"]:
            pass
    finally:
        BotocoreInstrumentor().uninstrument()
    assert telemetry.spans == ()
    assert sum(point.count for point in telemetry.metrics()["gen_ai.client.operation.duration"]) == 2
    assert telemetry.sum_of("rockbottom.tokens", rockbottom__token__kind="read") > 1024


def test_a_call_that_did_not_come_through_botocore_is_ours_in_a_sampled_trace(instrumented):
    """Botocore is instrumented, the call came by httpx: the current span is open and it is none of the call."""
    with instrumented.tracers.get_tracer("application").start_as_current_span("turn"):
        instrumented.sink().record(call(elapsed_ms=100.0))
    assert [span.name for span in instrumented.spans] == [f"chat us.{SONNET}", "turn"]
    assert sum(point.count for point in instrumented.metrics()["gen_ai.client.operation.duration"]) == 1


def test_without_the_instrumentation_the_sink_makes_span_and_metrics(endpoint, telemetry):
    """A client span below the one that is current, and the standard metrics, input inclusive."""
    client = attached(endpoint, telemetry.sink(metric_tags=["tenant"]))
    with telemetry.tracers.get_tracer("application").start_as_current_span("turn") as turn:
        usage = client.converse(**request())["usage"]
    span = next(one for one in telemetry.spans if one.name != "turn")
    assert span.name == f"chat {MODEL}"
    assert span.kind is trace.SpanKind.CLIENT
    assert span.parent.span_id == turn.get_span_context().span_id
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.usage.input_tokens"] == prompt(usage)
    labels = {"gen_ai__token__type": "input", "rockbottom__tag__tenant": "acme"}
    assert telemetry.sum_of("gen_ai.client.token.usage", **labels) == prompt(usage)
    (point,) = telemetry.metrics()["gen_ai.client.operation.duration"]
    assert point.count == 1


def test_a_refused_call_is_an_error_on_its_span(endpoint, telemetry, instrumented):
    """With the instrumentation its span says so; tokens and cost are not made up."""
    client = attached(endpoint, instrumented.sink())
    with pytest.raises(ClientError):
        client.converse(modelId="no.such-model", messages=request()["messages"])
    (span,) = instrumented.spans
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "gen_ai.usage.input_tokens" not in span.attributes


def test_a_record_by_hand_has_these_attributes_and_times(telemetry):
    """Input 10 + 2,000 read; 2.5 s long; left at noon."""
    telemetry.sink().record(call(elapsed_ms=2500.0, cause="RB003"))
    (span,) = telemetry.spans
    assert (span.start_time, span.end_time) == (int(NOON * 1e9), int(NOON * 1e9) + 2_500_000_000)
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": f"us.{SONNET}",
        "gen_ai.usage.input_tokens": 2010,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 2000,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "rockbottom.points": 1,
        "rockbottom.cost_usd": 0.002,
        "rockbottom.saving_usd": 0.006,
        "rockbottom.miss.cause": "RB003",
    }


def test_a_failed_call_and_one_without_a_price(telemetry):
    """The span of a failure is an error; a call without a price has no cost, and is counted as such."""
    sink = telemetry.sink()
    sink.record(call(status="failed", elapsed_ms=80.0))
    sink.record(call(cost_usd=None, uncached_usd=None, cache_read=0))
    failed, unpriced = telemetry.spans
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert "rockbottom.cost_usd" not in unpriced.attributes
    assert telemetry.sum_of("rockbottom.unpriced") == 1
    assert telemetry.sum_of("rockbottom.points_without_caching") == 1
    assert telemetry.sum_of("rockbottom.cost") == 0


def test_without_an_sdk_nothing_happens_and_nothing_is_said(caplog):
    """The API alone, as libraries install it: no provider, no spans, no line in the log."""
    sink = OpenTelemetry(tracer_provider=trace.NoOpTracerProvider())
    sink.record(call())
    sink.close()
    assert caplog.messages == []


def test_a_provider_that_fails_is_said_once_and_stops_no_call(telemetry, caplog):
    """One line for any number of failures."""
    sink = telemetry.sink()
    sink._metrics.count = None
    sink.record(call())
    sink.record(call())
    assert sum("OpenTelemetry did not take" in line for line in caplog.messages) == 1
