"""All sinks on one client, from many threads: they all tell the same."""

import threading
from decimal import Decimal

import boto3
from botocore.config import Config
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

import rockbottom
from rockbottom.budgets import Budget, Budgets
from rockbottom.ledger import LedgerReader
from rockbottom.local import ClockKind, running
from rockbottom.sinks import CloudWatch, OpenTelemetry, Prometheus
from tests.monitor.calls import NOON
from tests.monitor.counters import of_registry, of_telemetry

RULES = " ".join(f"Rule {number}: answer politely and cite section {number}." for number in range(400))
CALLS, THREADS = 10, 6


def test_ledger_cloudwatch_prometheus_opentelemetry_and_budget_agree(aws, tmp_path):
    """6 threads with 10 calls each, half of them streams: tokens read, and dollars, are the same everywhere."""
    registry, reader = CollectorRegistry(), InMemoryMetricReader()
    budgets = Budgets(Budget("1000", "day", action="stop"), file=tmp_path / "budgets.db", simulated=True)
    cloudwatch = CloudWatch(simulated=True, clock=lambda: NOON + 120)
    sinks = [
        cloudwatch,
        Prometheus(registry=registry),
        OpenTelemetry(meter_provider=MeterProvider([reader]), spans=False),
    ]
    with running(clock=ClockKind.MANUAL, start_at=NOON) as endpoint:
        client = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, config=Config(max_pool_connections=THREADS))
        rockbottom.attach(client, sinks=sinks, ledger=tmp_path / "ledger", budget=budgets, clock=lambda: NOON)
        threads = [threading.Thread(target=work, args=(client,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = rockbottom.report(client)
    cloudwatch.flush()
    read = report.total.usage.cache_read
    recorded = list(LedgerReader(tmp_path / "ledger").calls())
    assert report.total.calls == len(recorded) == CALLS * THREADS
    assert read == sum(call.cache_read for call in recorded) > 0
    assert read == of_cloudwatch(aws, "CacheHitTokens") == of_registry(registry, "tokens", kind="cache_read")
    assert read == of_telemetry(reader, "rockbottom.tokens", "read")
    usd = report.total.cost_usd
    assert usd == sum(Decimal(call.cost_usd) for call in recorded)
    (state,) = budgets.states({}, NOON).values()
    assert (state.spent, state.held) == (usd, 0)
    for told in (
        of_cloudwatch(aws, "Cost"),
        of_registry(registry, "cost_usd"),
        of_telemetry(reader, "rockbottom.cost"),
    ):
        assert abs(told - float(usd)) < 1e-9  # doubles, at the boundary


def work(client):
    """Calls and streams by turns."""
    request = {
        "modelId": "us.anthropic.claude-sonnet-4-6",
        "system": [{"text": RULES}],
        "messages": [{"role": "user", "content": [{"text": "Which rule?"}]}],
    }
    for number in range(CALLS):
        if number % 2:
            for _ in client.converse_stream(**request)["stream"]:
                pass
        else:
            client.converse(**request)


def of_cloudwatch(aws, name):
    """Sum of a metric over all that was sent."""
    return sum(
        datum["StatisticValues"]["Sum"]
        for sent in aws.of("PutMetricData")
        for datum in sent["MetricData"]
        if datum["MetricName"] == name
    )
