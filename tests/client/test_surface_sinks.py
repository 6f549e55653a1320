"""Budgets and every sink on clients of Messages, Chat Completions and Responses, driven by the SDKs themselves.

The clients believe that they speak to bedrock-mantle: what they send goes to the local endpoint under its address.
`make sdks` runs this where the SDKs are; elsewhere it skips.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

import rockbottom
from rockbottom.budgets import Budget, Budgets
from rockbottom.ledger import LedgerReader
from rockbottom.local import ClockKind, running
from rockbottom.sinks import CloudWatch, EmbeddedMetrics, OpenTelemetry, Prometheus
from tests.monitor.counters import of_registry, of_telemetry

NOON = 1_795_262_400.0  # 2026-11-21 12:00:00 UTC, the start of a minute
LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
HELLO = {"role": "user", "content": "Hello"}
MANTLE = "https://bedrock-mantle.us-east-1.api.aws"


class Relay:
    """bedrock-mantle, played by the local endpoint; ``sent`` counts what reaches it."""

    def __init__(self, url):
        self.url, self.sent = url, 0

    def client(self, sdk):
        """A client of the library that this SDK is built on (httpx, or httpx2)."""
        base = next(base for base in sdk.DefaultHttpxClient.__mro__ if base.__name__ == "Client")
        library, relay = sys.modules[base.__module__.partition(".")[0]], self

        class Transport(library.HTTPTransport):
            def handle_request(self, request):
                relay.sent += 1
                url = library.URL(relay.url).copy_with(raw_path=b"/bedrock-mantle" + request.url.raw_path)
                kept = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
                sent = library.Request(request.method, url, headers=kept, content=request.read())
                return super().handle_request(sent)

        return library.Client(transport=Transport())


@pytest.fixture
def endpoint():
    with running(clock=ClockKind.MANUAL, start_at=NOON) as one:
        yield one


@pytest.fixture
def relay(endpoint):
    return Relay(endpoint.url)


def openai_client(relay):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    headers = {"OpenAI-Project": "proj_shop"}
    return openai.OpenAI(
        base_url=f"{MANTLE}/openai/v1", api_key="any", default_headers=headers,
        http_client=relay.client(openai),
    )  # fmt: skip


def mantle_client(relay):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    if not hasattr(anthropic, "AnthropicBedrockMantle"):
        pytest.skip("this anthropic has no AnthropicBedrockMantle")
    return anthropic.AnthropicBedrockMantle(
        aws_region="us-east-1", aws_access_key="AKID", aws_secret_key="secret",
        default_headers={"anthropic-workspace": "proj_shop"}, http_client=relay.client(anthropic),
    )  # fmt: skip


def on_responses(client, stream):
    reply = client.responses.create(model=LUNA, instructions=RULES, input=[HELLO], stream=stream)
    list(reply) if stream else reply.output_text


def on_chat(client, stream):
    messages = [{"role": "system", "content": RULES}, HELLO]
    reply = client.chat.completions.create(model=LUNA, messages=messages, stream=stream)
    list(reply) if stream else reply.choices[0].message.content


def on_messages(client, stream):
    reply = client.messages.create(model=SONNET, max_tokens=50, system=RULES, messages=[HELLO], stream=stream)
    list(reply) if stream else reply.content[0].text


WAYS = {"responses": (openai_client, on_responses), "chat": (openai_client, on_chat),
        "messages": (mantle_client, on_messages)}  # fmt: skip


def counted(endpoint):
    """Tokens read, and the whole input, of all requests: by the endpoint's own counters."""
    read = whole = 0
    for usage in (line["usage"] for line in endpoint.state.requests):
        if "cache_read_input_tokens" in usage:
            read += usage["cache_read_input_tokens"]
            whole += usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
        else:
            details = usage.get("input_tokens_details") or usage["prompt_tokens_details"]
            read += details["cached_tokens"]
            whole += usage.get("input_tokens", usage.get("prompt_tokens"))
    return read, whole


@pytest.fixture
def cloudwatch(monkeypatch):
    """moto's CloudWatch in an account of its own."""
    moto = pytest.importorskip("moto")
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import boto3

    with moto.mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def of_cloudwatch(client, name):
    """The sum of a metric of the attached client over that day."""
    found = client.list_metrics(MetricName=name)["Metrics"]
    return sum(
        point["Sum"]
        for metric in found
        for point in client.get_metric_statistics(
            Namespace=metric["Namespace"], MetricName=name, Dimensions=metric["Dimensions"], Period=86_400,
            StartTime=datetime.fromtimestamp(NOON - 3600, UTC), EndTime=datetime.fromtimestamp(NOON + 3600, UTC),
            Statistics=["Sum"],
        )["Datapoints"]
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_sink_tells_what_the_service_counted(endpoint, relay, cloudwatch, tmp_path, capsys, way):
    """Two whole replies and two streams: ledger, report, sinks, budget, watch and summary say the same."""
    prometheus = pytest.importorskip("prometheus_client", reason="needs the extra prometheus: make sdks runs this")
    metrics = pytest.importorskip("opentelemetry.sdk.metrics")
    export = pytest.importorskip("opentelemetry.sdk.metrics.export")
    made, ask = WAYS[way]
    registry, reader = prometheus.CollectorRegistry(), export.InMemoryMetricReader()
    emf, published = EmbeddedMetrics(tmp_path / "emf", clock=lambda: NOON + 120), CloudWatch(clock=lambda: NOON + 120)
    budgets = Budgets(Budget("1000", "day", action="stop"), file=tmp_path / "budgets.db")
    telemetry = OpenTelemetry(meter_provider=metrics.MeterProvider([reader]), spans=False)
    sinks = [Prometheus(registry=registry, tags=["project"]), telemetry, emf, published]
    client = rockbottom.attach(
        made(relay), sinks=sinks, ledger=tmp_path / "ledger", budget=budgets, clock=lambda: NOON
    )  # fmt: skip
    for stream in (False, True, False, True):
        ask(client, stream)
    report = rockbottom.report(client)
    rockbottom.detach(client)
    emf.flush()
    published.flush()
    read, whole = counted(endpoint)
    assert read > 3 * 1024
    usage, dollars = report.total.usage, report.total.cost_usd
    assert (usage.cache_read, usage.total_input, report.total.calls) == (read, whole, 4)
    calls = list(LedgerReader(tmp_path / "ledger").calls())
    assert {(call.host, call.endpoint) for call in calls} == {("bedrock-mantle", "aws")}
    assert {call.tags["project"] for call in calls} == {"proj_shop"}
    assert sum(Decimal(call.cost_usd) for call in calls) == dollars > 0
    assert [state.spent for state in budgets.states({}, NOON).values()] == [dollars]
    lines = [json.loads(line) for line in (tmp_path / "emf").read_text().splitlines()]
    for told in (
        of_registry(registry, "tokens", kind="cache_read", project="proj_shop"),
        of_telemetry(reader, "rockbottom.tokens", "read"),
        sum(line["CacheHitTokens"]["Sum"] for line in lines if "CacheHitTokens" in line),
        of_cloudwatch(cloudwatch, "CacheHitTokens"),
        _watched(capsys, tmp_path)["total"]["read"],
        _summed(capsys, tmp_path)["total"]["read_tokens"],
    ):
        assert told == read
    for told in (
        of_registry(registry, "cost_usd"),
        of_telemetry(reader, "rockbottom.cost"),
        sum(line["Cost"]["Sum"] for line in lines if "Cost" in line),
        of_cloudwatch(cloudwatch, "Cost"),
        _watched(capsys, tmp_path)["total"]["cost_usd"],
        _summed(capsys, tmp_path)["total"]["cost_usd"],
    ):
        assert float(told) == pytest.approx(float(dollars), abs=1e-9)  # doubles, at the boundary


def _watched(capsys, folder):
    return _printed(capsys, "watch", "--ledger", str(folder / "ledger"), "--once", "--json", "--period", "30d")


def _summed(capsys, folder):
    return _printed(capsys, "ledger", "summary", str(folder / "ledger"), "--by", "project", "--json")


def _printed(capsys, *arguments):
    from rockbottom.cli import main

    pytest.importorskip("duckdb", reason="needs the extra watch: make sdks runs this")
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("way", WAYS)
def test_a_budget_that_is_spent_stops_the_next_call_before_it_leaves(relay, tmp_path, way):
    """The SDK raises its own error of a reply with 402, at once; nothing was sent and nothing is held."""
    made, ask = WAYS[way]
    bare = made(relay)
    budgets = Budgets(Budget("0.0001", "day", action="stop"), file=tmp_path / "budgets.db")
    client = rockbottom.attach(bare, budget=budgets, ledger=False, clock=lambda: NOON)
    ask(client, True)
    for stream in (False, True):
        with pytest.raises(Exception, match=r"Not sent: all calls per day: .* of \$0\.000100 spent") as refused:
            ask(client, stream)
        assert refused.value.status_code == 402
    assert relay.sent == 1
    (state,) = budgets.states({}, NOON).values()
    assert (state.held, state.spent) == (0, rockbottom.report(client).total.cost_usd)


@pytest.mark.parametrize("way", WAYS)
def test_a_budget_that_warns_says_so_once_and_lets_calls_pass(relay, tmp_path, caplog, way):
    made, ask = WAYS[way]
    budgets = Budgets(Budget("0.0001", "day"), file=tmp_path / "budgets.db")
    client = rockbottom.attach(made(relay), budget=budgets, ledger=False, clock=lambda: NOON)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ask(client, False)
    assert relay.sent == 3
    assert len([record for record in caplog.records if "0.0001" in record.getMessage()]) == 1
    assert rockbottom.report(client).total.calls == 3
