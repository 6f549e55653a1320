"""``otel: true`` of a configuration: spans and metrics go to the OpenTelemetry that the process was started with."""

import json
import os
import subprocess
import sys

import pytest

from tests.gateway.conftest import MODEL, asking, client_of

pytest.importorskip("opentelemetry.sdk")

START = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

def line(told):
    return " ".join(told.to_json().split()) + "\\n"

spans, points = (open(name, "w", buffering=1) for name in ("spans.ndjson", "metrics.ndjson"))
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=spans, formatter=line)))
trace.set_tracer_provider(provider)
reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=points, formatter=line), 3_600_000)
metrics.set_meter_provider(MeterProvider([reader]))

from rockbottom.cli import main
main(["gateway", "--config", "gateway.yaml"])
"""


@pytest.fixture
def told(endpoint, key, table, tmp_path):
    """Spans and data points of a gateway in a process that calls three times, of which one call fails."""
    (tmp_path / "start.py").write_text(START)
    (tmp_path / "gateway.yaml").write_text(
        f"upstream: {{region: us-east-1, runtime: '{endpoint.url}', mantle: '{endpoint.url}'}}\n"
        "listen: 127.0.0.1:0\nkeys: keys.json\notel: true\nmetric_tags: [team]\n"
    )
    process = subprocess.Popen([sys.executable, "start.py"], cwd=tmp_path, stdout=subprocess.PIPE, env={**os.environ})

    class Running:
        url = process.stdout.readline().decode().strip()

    try:
        client = client_of(Running, key.id, table.secret(key))
        for question in ("What does Basic cost?", "And Pro?"):
            client.converse(**asking(question))
        with pytest.raises(client.exceptions.ValidationException):
            client.converse(**asking("And?", inferenceConfig={"temperature": 9.0}))
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
    spans = [json.loads(line) for line in (tmp_path / "spans.ndjson").read_text().splitlines()]
    exports = [json.loads(line) for line in (tmp_path / "metrics.ndjson").read_text().splitlines()]
    scopes = [scope for resource in exports[-1]["resource_metrics"] for scope in resource["scope_metrics"]]
    return spans, {metric["name"]: metric["data"]["data_points"] for scope in scopes for metric in scope["metrics"]}


def test_each_call_is_a_span_and_counted_by_the_tags_of_its_key(told):
    """Cached tokens in the input tokens, as the conventions of GenAI count them; the second call reads what the first
    wrote; the third is an error."""
    spans, points = told
    assert [span["name"] for span in spans] == [f"chat {MODEL}"] * 3
    first, second, failed = (span["attributes"] for span in spans)
    assert {span["attributes"]["rockbottom.tag.team"] for span in spans} == {"search"}
    written = first["gen_ai.usage.cache_creation.input_tokens"]
    assert written > 1024
    assert second["gen_ai.usage.cache_read.input_tokens"] == written
    assert second["gen_ai.usage.input_tokens"] > written
    assert (failed["error.type"], spans[2]["status"]["status_code"]) == ("_OTHER", "ERROR")
    took = points["gen_ai.client.operation.duration"]
    assert sum(point["count"] for point in took) == 3
    assert {point["attributes"]["rockbottom.tag.team"] for point in took} == {"search"}
