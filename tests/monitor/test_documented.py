"""The reference of metrics says what is published: no name more, no name less."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from rockbottom.sinks import Prometheus
from rockbottom.sinks.definitions import DEFINITIONS, HEARTBEAT, NAMESPACE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


def section(title):
    """One chapter of the page."""
    return PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_metric_of_cloudwatch_is_documented_with_its_unit():
    """Name and unit of each row, in order."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", section("CloudWatch"), re.MULTILINE)
    assert rows == [(one.name, one.unit.value) for one in (*DEFINITIONS, HEARTBEAT)]
    assert f"`{NAMESPACE}`" in section("CloudWatch")


def test_every_metric_of_prometheus_is_documented_with_its_type():
    """Name and type of each row."""
    rows = re.findall(r"^\| `(rockbottom_\w+)` \| (\w+) \|", section("Prometheus"), re.MULTILINE)
    families = Prometheus(registry=CollectorRegistry()).describe()
    assert set(rows) == {(f"{one.name}_total" if one.type == "counter" else one.name, one.type) for one in families}


def test_every_attribute_and_metric_of_opentelemetry_is_documented():
    """Each name that the modules write stands on the page (tags by their prefix)."""
    source = "".join(
        (PAGE.parents[2] / "src" / "rockbottom" / "sinks" / f"{name}.py").read_text(encoding="utf-8")
        for name in ("otel", "otel_metrics")
    )
    names = set(re.findall(r'"((?:gen_ai|rockbottom)\.[a-z_.]+[a-z])"', source))
    known = {"gen_ai.system", "gen_ai.token.type", "rockbottom.monitor"}  # read, or of the convention itself
    told = section("OpenTelemetry")
    assert {name for name in names - known if f"`{name}`" not in told} == set()
    assert len(names) > 15
