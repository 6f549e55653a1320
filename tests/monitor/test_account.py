"""Alarms, dashboard and topic against an account: what is sent, and what is left alone."""

import json
from dataclasses import replace
from decimal import Decimal

import boto3
import pytest
from botocore.exceptions import ClientError

from rockbottom.alarms.account import AlarmClients, TopicTaken, apply, plan, removal
from rockbottom.alarms.dashboard import mark
from rockbottom.alarms.placing import undecided
from rockbottom.alarms.settings import read_wanted
from rockbottom.changes import StepKind
from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.cloudwatch import AccountUnavailable
from rockbottom.ledger import CallRecord, LedgerWriter

NOVA = "amazon.nova-pro-v1:0"
SONNET = "anthropic.claude-sonnet-4-6"
RATE = f"BedrockLLMOps-LowCacheHitRate-{NOVA}"


@pytest.fixture
def clients(aws):
    return AlarmClients(*(boto3.client(name) for name in ("cloudwatch", "sns", "sts")), "us-east-1")


@pytest.fixture
def wanted():
    return replace(read_wanted(None), models=(NOVA,), create="llm-alarms")


def _kinds(todo):
    return {step.name: step.kind for step in todo.steps}


def _foreign_alarm(name):
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="Mine", MetricName="Errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip


def test_planning_only_reads(aws, clients, wanted):
    """Nothing is sent that changes anything."""
    todo = plan(wanted, clients)
    assert todo.changes
    assert aws.writes == []


def test_low_cache_hit_rate_is_sent_as_teams_know_it(aws, clients, wanted):
    """The request itself: Average, 300 s, 3 of 3, below 70, this model, the topic, the mark; periods of fewer than
    five calls are healthy, so it is an expression."""
    apply(plan(wanted, clients), clients)
    request = next(one for one in aws.of("PutMetricAlarm") if one["AlarmName"] == RATE)
    topic = "arn:aws:sns:us-east-1:123456789012:llm-alarms"
    described = request.pop("AlarmDescription")
    assert "read from the cache less often" in described
    assert request == {
        "AlarmName": RATE,
        "ActionsEnabled": True,
        "Metrics": [
            _stat("rate", "CacheHitRate", "Average", 300),
            _stat("calls_in_period", "CacheHitTokens", "SampleCount", 300),
            {
                "Id": "result",
                "Expression": "IF(calls_in_period >= 5, rate, 70)",
                "Label": "LowCacheHitRate",
                "ReturnData": True,
            },
        ],
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 3,
        "Threshold": 70.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic],
        "OKActions": [topic],
        "Tags": [{"Key": "rockbottom:stack", "Value": "default"}],
    }


def _stat(key, metric, statistic, period_s):
    """A query of one metric of NOVA that is not shown."""
    named = {"Namespace": "BedrockLLMOps", "MetricName": metric, "Dimensions": [{"Name": "ModelId", "Value": NOVA}]}
    return {"Id": key, "MetricStat": {"Metric": named, "Period": period_s, "Stat": statistic}, "ReturnData": False}


def test_publishing_that_stops_is_an_alarm_of_its_own(aws, clients, wanted):
    """One for the namespace, of a metric without dimensions: a period without data breaches."""
    apply(plan(wanted, clients), clients)
    request = next(one for one in aws.of("PutMetricAlarm") if one["AlarmName"] == "BedrockLLMOps-PublishingStopped")
    kept = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods", "DatapointsToAlarm",
            "Threshold", "ComparisonOperator", "TreatMissingData")  # fmt: skip
    assert {key: request[key] for key in kept} == {
        "Namespace": "BedrockLLMOps", "MetricName": "Heartbeat", "Dimensions": [], "Statistic": "SampleCount",
        "Period": 300, "EvaluationPeriods": 3, "DatapointsToAlarm": 3, "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching",
    }  # fmt: skip


def test_an_expression_is_sent_as_queries(aws, clients, wanted):
    """Write waste is a share of the bill: two sums and the calls that are not shown, and one result that is."""
    apply(plan(wanted, clients), clients)
    request = next(one for one in aws.of("PutMetricAlarm") if "WriteWaste" in one["AlarmName"])
    assert "MetricName" not in request
    assert [(one["Id"], one["ReturnData"]) for one in request["Metrics"]] == [
        ("waste", False), ("cost", False), ("calls_in_period", False), ("result", True)
    ]  # fmt: skip
    assert request["Metrics"][3]["Expression"] == "IF(calls_in_period >= 60, 100 * waste / cost, 10)"
    assert request["Metrics"][0]["MetricStat"] == {
        "Metric": {
            "Namespace": "BedrockLLMOps",
            "MetricName": "WriteWaste",
            "Dimensions": [{"Name": "ModelId", "Value": NOVA}],
        },
        "Period": 3600,
        "Stat": "Sum",
    }


def test_what_is_spent_is_added_up_over_models(aws, clients, wanted):
    """A model without calls counts as zero, else a missing one would silence the sum."""
    both = replace(wanted, models=(NOVA, SONNET)).with_thresholds(["SpendRate=5"])
    apply(plan(both, clients), clients)
    request = next(one for one in aws.of("PutMetricAlarm") if one["AlarmName"] == "BedrockLLMOps-SpendRate")
    assert request["Metrics"][-1]["Expression"] == "(FILL(cost_0, 0) + FILL(cost_1, 0))"
    assert request["Threshold"] == 5.0


def test_an_alarm_without_a_threshold_is_not_sent(aws, clients, wanted):
    """Nobody knows what may be spent."""
    apply(plan(wanted, clients), clients)
    names = [one["AlarmName"] for one in aws.of("PutMetricAlarm")]
    assert not [name for name in names if "SpendRate" in name or "CostPerRequest" in name]


def test_applying_twice_sends_nothing_the_second_time(aws, clients, wanted):
    """Idempotent, whatever AWS leaves out of its answers."""
    apply(plan(wanted, clients), clients)
    aws.clear()
    todo = plan(wanted, clients)
    assert set(_kinds(todo).values()) == {StepKind.UNCHANGED}
    apply(todo, clients)
    assert aws.writes == []


def test_a_changed_setting_is_shown_and_only_it_is_sent(aws, clients, wanted):
    """One threshold: one alarm, where it stands in the expression too, and the line in the dashboard."""
    apply(plan(wanted, clients), clients)
    aws.clear()
    todo = plan(wanted.with_thresholds(["LowCacheHitRate=80"]), clients)
    changed = {step.name: step for step in todo.of(StepKind.UPDATE)}
    assert set(changed) == {RATE, "BedrockLLMOps"}
    threshold, queries = changed[RATE].differences
    assert (threshold.setting, threshold.found, threshold.wanted) == ("Threshold", 70.0, 80.0)
    assert [query["Expression"] for query in (queries.found[-1], queries.wanted[-1])] == [
        "IF(calls_in_period >= 5, rate, 70)", "IF(calls_in_period >= 5, rate, 80)",
    ]  # fmt: skip
    assert [one.setting for one in changed["BedrockLLMOps"].differences] == ["Cache hit rate, %: annotations"]
    apply(todo, clients)
    assert aws.writes == ["PutMetricAlarm", "PutDashboard"]


def test_somebody_elses_alarm_of_the_same_name_is_never_touched(aws, clients, wanted):
    """Not by apply, not by destroy."""
    _foreign_alarm(RATE)
    _foreign_alarm("BedrockLLMOps-of-another-team")
    todo = plan(wanted, clients)
    assert _kinds(todo)[RATE] is StepKind.FOREIGN
    assert "BedrockLLMOps-of-another-team" not in _kinds(todo)
    aws.clear()
    apply(todo, clients)
    apply(removal(wanted, clients), clients)
    touched = [one.get("AlarmName") for one in aws.of("PutMetricAlarm")]
    touched += [name for one in aws.of("DeleteAlarms") for name in one["AlarmNames"]]
    assert RATE not in touched
    assert "BedrockLLMOps-of-another-team" not in touched
    left = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in left} == {RATE, "BedrockLLMOps-of-another-team"}


def test_somebody_elses_dashboard_is_never_touched(aws, clients, wanted):
    """The same name, without our mark."""
    boto3.client("cloudwatch").put_dashboard(DashboardName="BedrockLLMOps", DashboardBody='{"widgets":[]}')
    aws.clear()
    todo = plan(wanted, clients)
    assert _kinds(todo)["BedrockLLMOps"] is StepKind.FOREIGN
    apply(todo, clients)
    apply(removal(wanted, clients), clients)
    assert not {"PutDashboard", "DeleteDashboards"} & set(aws.writes)


def test_somebody_elses_topic_is_not_told_by_accident(aws, clients, wanted):
    """The name is taken: nothing is made, and the way to mean it is named; destroy leaves it alone."""
    boto3.client("sns").create_topic(Name="llm-alarms")
    aws.clear()
    with pytest.raises(TopicTaken) as raised:
        plan(wanted, clients)
    assert "--topic arn:aws:sns:us-east-1:123456789012:llm-alarms" in raised.value.fix
    told = replace(wanted, create="", topic="arn:aws:sns:us-east-1:123456789012:llm-alarms")
    apply(plan(told, clients), clients)
    apply(removal(told, clients), clients)
    assert not {"CreateTopic", "DeleteTopic"} & set(aws.writes)


def test_what_aws_adds_to_a_query_is_no_difference(aws, clients, wanted, monkeypatch):
    """An account id, an empty label: nothing to update."""
    apply(plan(wanted, clients), clients)
    real = clients.cloudwatch.get_paginator

    class Adding:
        def paginate(self, **given):
            for page in real("describe_alarms").paginate(**given):
                for alarm in page["MetricAlarms"]:
                    for query in alarm.get("Metrics", ()):
                        query["AccountId"] = "123456789012"
                        query.setdefault("Label", "")
                yield page

    monkeypatch.setattr(clients.cloudwatch, "get_paginator", lambda name: Adding())
    assert not plan(wanted, clients).changes


def test_a_model_may_have_a_threshold_of_its_own(aws, clients, wanted):
    """Two models hit differently; a model without one keeps the alarm's, or has none."""
    rate, cost = wanted.alarms[:2]
    own = (replace(rate, thresholds={SONNET: Decimal(88)}), replace(cost, thresholds={SONNET: Decimal("0.02")}))
    both = replace(wanted, models=(NOVA, SONNET), alarms=own)
    apply(plan(both, clients), clients)
    sent = {one["AlarmName"]: one["Threshold"] for one in aws.of("PutMetricAlarm")}
    assert sent == {
        RATE: 70.0,
        f"BedrockLLMOps-LowCacheHitRate-{SONNET}": 88.0,
        f"BedrockLLMOps-CostPerRequest-{SONNET}": 0.02,
    }
    assert [alarm.name for alarm in undecided(both)] == ["CostPerRequest"]


def test_two_stacks_live_beside_each_other(aws, clients, wanted):
    """Removing one leaves the other whole."""
    other = replace(wanted, stack="staging", create="other")
    apply(plan(wanted, clients), clients)
    apply(plan(other, clients), clients)
    assert not plan(wanted, clients).changes
    apply(removal(other, clients), clients)
    assert not plan(wanted, clients).changes
    assert {step.kind for step in plan(other, clients).steps} == {StepKind.CREATE}


def test_an_alarm_that_is_no_longer_wanted_is_deleted(aws, clients, wanted):
    """A model that is gone takes its alarms with it."""
    apply(plan(replace(wanted, models=(NOVA, SONNET)), clients), clients)
    todo = plan(wanted, clients)
    assert {step.name for step in todo.of(StepKind.DELETE)} == {
        f"BedrockLLMOps-{name}-{SONNET}"
        for name in ("LowCacheHitRate", "WriteWaste", "SilentZero", "DailyWriteWaste", "DailySilentZero")
    }
    apply(todo, clients)
    assert not plan(wanted, clients).changes


def test_destroy_removes_everything_that_was_made(aws, clients, wanted):
    """The topic is found through the alarms that tell it."""
    apply(plan(wanted, clients), clients)
    todo = removal(replace(wanted, create="", models=()), clients)
    apply(todo, clients)
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert boto3.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []


def test_stopped_half_way_the_next_plan_shows_what_is_left(aws, clients, wanted, monkeypatch):
    """AWS refuses the second alarm: what was made stays, the rest is made the next time."""
    todo = plan(wanted, clients)
    real, calls = clients.cloudwatch.put_metric_alarm, []

    def refusing(**request):
        calls.append(request)
        if len(calls) == 2:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "PutMetricAlarm")
        return real(**request)

    monkeypatch.setattr(clients.cloudwatch, "put_metric_alarm", refusing)
    with pytest.raises(AccountUnavailable, match="Rate exceeded"):
        apply(todo, clients)
    monkeypatch.undo()
    left = plan(wanted, clients)
    assert [step.kind for step in left.steps if step.thing == "alarm"] == [StepKind.UNCHANGED, *[StepKind.CREATE] * 5]
    apply(left, clients)
    assert not plan(wanted, clients).changes


def test_the_dashboard_shows_awss_own_metrics_beside_ours(aws, clients, wanted):
    """Under the id by which callers name the model; names that AWS does not have are not asked for."""
    called = replace(wanted, called_as=(f"us.{NOVA}",))
    apply(plan(called, clients), clients)
    body = aws.of("PutDashboard")[0]["DashboardBody"]
    rows = [row for widget in json.loads(body)["widgets"] for row in widget["properties"].get("metrics", ())]
    native = {(row[1], row[3]) for row in rows if row[0] == "AWS/Bedrock"}
    ours = {(row[1], row[3]) for row in rows if row[0] == "BedrockLLMOps"}
    # Names: Amazon Bedrock user guide, "Monitor with CloudWatch metrics".
    assert {name for name, _ in native} == {
        "InputTokenCount", "CacheReadInputTokens", "CacheWriteInputTokens", "Invocations", "InvocationThrottles",
        "InvocationClientErrors", "TimeToFirstToken",
    }  # fmt: skip
    assert {model for _, model in native} == {f"us.{NOVA}"}
    assert {model for _, model in ours} == {NOVA}
    assert mark("default") in body


def test_periods_with_few_calls_are_sent_as_healthy(aws, clients, wanted):
    """least_calls is part of the expression: the threshold itself does not breach it."""
    rate = replace(wanted.alarms[0], least_calls=10)
    apply(plan(replace(wanted, alarms=(rate,)), clients), clients)
    (request,) = aws.of("PutMetricAlarm")
    assert [one["Id"] for one in request["Metrics"]] == ["rate", "calls_in_period", "result"]
    assert request["Metrics"][1]["MetricStat"]["Stat"] == "SampleCount"
    assert request["Metrics"][2]["Expression"] == "IF(calls_in_period >= 10, rate, 70)"
    aws.clear()
    assert not plan(replace(wanted, alarms=(rate,)), clients).of(StepKind.UPDATE)


def _run(*argv):
    return main(["monitor", *argv])


def test_apply_says_what_it_costs_and_waits_for_consent(aws, capsys):
    """Nobody at the terminal and no --yes: nothing is made."""
    assert _run("apply", "--model", NOVA) == Exit.USAGE
    captured = capsys.readouterr()
    # The hit rate and its calls; waste, cost and their calls, points and their calls, these by the day as well; the
    # heartbeat: 13 x 0.10 + 3.
    assert "13 alarm metrics and 1 dashboard: at most $4.30 a month" in captured.out
    assert "--yes" in captured.err
    assert aws.writes == []


def test_plan_check_is_a_gate(aws, capsys):
    """1 while the account differs, 0 once it does not."""
    given = ("--model", NOVA, "--create-topic", "llm")
    assert _run("plan", "--check", *given) == Exit.VERDICT
    assert _run("apply", "--yes", *given) == Exit.OK
    assert "aws sns subscribe" in capsys.readouterr().err
    assert _run("plan", "--check", *given) == Exit.OK


def test_models_come_from_the_ledger_where_none_is_named(aws, capsys, tmp_path, monkeypatch):
    """As our metrics name them, and as callers do; what went to a local endpoint is no model of AWS."""
    writer = LedgerWriter(tmp_path)
    for model, scope, endpoint in ((NOVA, "us", "aws"), (SONNET, "", "local")):
        writer.record(CallRecord(at=1.8e9, model=model, operation="Converse", scope=scope, endpoint=endpoint, input=5))
    writer.close()
    monkeypatch.setenv("ROCKBOTTOM_LEDGER", str(tmp_path))
    assert _run("apply", "--yes") == Exit.OK
    names = [one["AlarmName"] for one in aws.of("PutMetricAlarm")]
    assert RATE in names
    assert not [name for name in names if SONNET in name]
    assert f"us.{NOVA}" in aws.of("PutDashboard")[0]["DashboardBody"]


def test_plan_as_json_is_only_json_on_stdout(aws, capsys):
    """For programs."""
    assert _run("plan", "--json", "--model", NOVA) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["monthly_usd_at_most"] == "4.30"
    assert told["undecided"] == ["CostPerRequest", "SpendRate"]
    assert {step["kind"] for step in told["steps"]} == {"create"}


def test_apply_tells_of_what_is_foreign_by_its_exit_code(aws):
    """What could be made is made."""
    _foreign_alarm(RATE)
    assert _run("apply", "--yes", "--model", NOVA) == Exit.VERDICT
    assert len(aws.of("PutMetricAlarm")) == 6  # the foreign one itself, and the five others of ours


def test_destroy_wants_consent(aws, capsys):
    """As apply does."""
    assert _run("apply", "--yes", "--model", NOVA) == Exit.OK
    aws.clear()
    assert _run("destroy") == Exit.USAGE
    assert aws.writes == []
    assert _run("destroy", "--yes") == Exit.OK
    assert _run("destroy", "--yes") == Exit.OK


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("plan",), "No model is named, and the ledger has no calls"),
        (("plan", "--model", NOVA, "--topic", "arn:x", "--create-topic", "y"), "not both"),
        (("plan", "--model", NOVA, "--stack", "a b"), "'a b' cannot name a stack"),
        (("plan", "--model", NOVA, "--namespace", "AWS/Bedrock"), "'AWS/Bedrock' cannot be the namespace"),
        (("plan", "--model", NOVA, "--threshold", "Nothing=1"), "'Nothing' is not an alarm"),
        (("plan", "--model", NOVA, "--profile", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_is_refused_in_one_message(aws, capsys, argv, says):
    """Nothing was sent."""
    assert _run(*argv) in (Exit.USAGE, Exit.SERVICE)
    assert says in capsys.readouterr().err
    assert aws.calls == []


def test_denied_names_the_command_that_prints_the_policy(aws, clients, wanted, monkeypatch):
    """The next thing to type."""

    def denied(**request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "GetCallerIdentity")

    monkeypatch.setattr(clients.sts, "get_caller_identity", denied)
    with pytest.raises(AccountUnavailable) as raised:
        plan(wanted, clients)
    assert "monitor policy" in raised.value.fix
