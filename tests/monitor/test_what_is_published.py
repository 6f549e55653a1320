"""Alarms look at what is published, and a backtest sees the samples that CloudWatch was sent."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from rockbottom.alarms.dashboard import NATIVE, dashboard
from rockbottom.alarms.histories import priced
from rockbottom.alarms.placing import placed
from rockbottom.alarms.series import recorded, values
from rockbottom.alarms.settings import read_wanted
from rockbottom.catalog import load_catalog
from rockbottom.ledger import CallRecord
from rockbottom.sinks.cloudwatch import CloudWatchOutlet
from rockbottom.sinks.gathering import MinuteGatherer
from rockbottom.sinks.heartbeat import HEARTBEAT_S, Heart
from rockbottom.sinks.minutes import MinuteTable

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MIDNIGHT = 1_793_491_200


def _calls():
    """Half an hour: reads, writes, a silent call, a stream; families that are read again and some that are not."""
    for minute in range(30):
        for number in range(minute % 3 + 1):
            wrote = (minute + number) % 4 == 0
            tokens = {"input": 100 + 7 * minute, "output": 20, "points": 1, "first_ms": 300.0 + minute}
            tokens |= {"cache_write_5m": 4000} if wrote else {"cache_read": 4000} if minute % 5 else {}
            yield priced(
                CallRecord(
                    at=MIDNIGHT + 60 * minute + 7 * number, model=SONNET, operation="ConverseStream", scope="us",
                    region="us-east-1", endpoint="aws", family="abc"[number], **tokens,
                ),
                load_catalog(),
            )  # fmt: skip


@pytest.fixture
def published(aws):
    """Every datum that was sent of those calls."""
    client = boto3.client("cloudwatch", region_name="us-east-1")
    outlet = CloudWatchOutlet(lambda: client, "BedrockLLMOps", MinuteGatherer(MinuteTable()), Heart(HEARTBEAT_S))
    now = MIDNIGHT + 3600.0
    outlet.take(list(_calls()), now)
    outlet.send(now, last=True)
    return [(request["Namespace"], datum) for request in aws.of("PutMetricData") for datum in request["MetricData"]]


def test_alarms_and_dashboard_look_only_at_what_is_published(published):
    """The namespace, the name and the dimensions of a metric are its identity: one letter off and nothing comes."""
    there = {
        (namespace, datum["MetricName"], tuple((one["Name"], one["Value"]) for one in datum.get("Dimensions", ())))
        for namespace, datum in published
    }
    wanted = replace(read_wanted(None), models=(SONNET,)).with_thresholds(["SpendRate=5", "CostPerRequest=1"])
    looked_at = set()
    for one in placed(wanted):
        stats = [query["MetricStat"]["Metric"] for query in one.request.get("Metrics", ()) if "MetricStat" in query]
        for metric in stats or [one.request]:
            pairs = tuple((pair["Name"], pair["Value"]) for pair in metric["Dimensions"])
            looked_at.add((metric["Namespace"], metric["MetricName"], pairs))
    body = dashboard(wanted, "us-east-1")
    for row in (row for widget in body["widgets"] for row in widget["properties"].get("metrics", ())):
        if isinstance(row[0], str) and row[0] != NATIVE:
            looked_at.add((row[0], row[1], ((row[2], row[3]),)))
    assert looked_at <= there
    assert len(looked_at) >= 10


def _cloudwatch_would_say(published, name, statistic, begin, end):
    """A statistic over a period by CloudWatch's rules, from the datums alone; None without any."""
    count = total = 0.0
    least, greatest = [], []
    for _, datum in published:
        stamp = datum["Timestamp"]
        at = stamp if isinstance(stamp, (int, float)) else datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
        if datum["MetricName"] != name or not begin <= at < end:
            continue
        stats = datum.get("StatisticValues")
        if stats is None:
            counts = datum.get("Counts") or [1.0] * len(datum["Values"])
            pairs = list(zip(datum["Values"], counts, strict=True))
            stats = {
                "SampleCount": sum(times for _, times in pairs),
                "Sum": sum(value * times for value, times in pairs),
                "Minimum": min(datum["Values"]),
                "Maximum": max(datum["Values"]),
            }
        count, total = count + stats["SampleCount"], total + stats["Sum"]
        least.append(stats["Minimum"])
        greatest.append(stats["Maximum"])
    if not count:
        return None
    return {"Average": total / count, "Sum": total, "SampleCount": count,
            "Minimum": min(least), "Maximum": max(greatest)}[statistic]  # fmt: skip


@pytest.mark.parametrize(
    "measure",
    ["CacheHitRate:Average", "Cost:Sum", "CostPerRequest:Average", "PointsWithoutCaching:Average", "WriteWaste:Sum",
     "CacheHitTokens:SampleCount", "CacheWriteTokens:Sum", "UncachedInputTokens:Maximum", "OutputTokens:Minimum"],
)  # fmt: skip
def test_a_backtest_sees_the_samples_that_were_sent(published, measure, tmp_path):
    """Five-minute windows that slide, each against the datums of those minutes."""
    path = tmp_path / "alarms.yaml"
    path.write_text(
        json.dumps({"alarms": {"LowCacheHitRate": {"metrics": {"x": measure}, "least_calls": 0}}}), encoding="utf-8"
    )
    alarm = next(one for one in read_wanted(path).alarms if one.name == "LowCacheHitRate")
    of = recorded(_calls())
    points = values(alarm, of, of.first, of.last)
    name, _, statistic = measure.partition(":")
    for minute in range(of.first, of.last):
        expected = _cloudwatch_would_say(published, name, statistic, 60 * (minute - 4), 60 * (minute + 1))
        assert points.at(minute) == (None if expected is None else pytest.approx(expected)), minute - of.first


def test_bedrock_mantle_is_shown_by_project_whichever_there_are():
    """AWS/BedrockMantle has the dimensions Project and Model; a search names neither."""
    body = dashboard(read_wanted(None), "us-east-1")
    rows = [row for widget in body["widgets"] for row in widget["properties"].get("metrics", ())]
    searches = [row[0]["expression"] for row in rows if isinstance(row[0], dict) and "SEARCH" in row[0]["expression"]]
    assert searches == [
        f"SEARCH('{{AWS/BedrockMantle,Project,Model}} MetricName=\"{metric}\"', 'Sum', 300)"
        for metric in ("Inferences", "InferenceClientErrors", "InputTokens", "OutputTokens")
    ]
