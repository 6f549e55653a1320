"""The same alarms as CloudFormation, Terraform and IAM policies."""

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest
import yaml

from rockbottom.alarms.account import AlarmClients, apply, plan, removal
from rockbottom.alarms.cloudformation import template
from rockbottom.alarms.placing import placed
from rockbottom.alarms.policies import POLICIES
from rockbottom.alarms.settings import read_wanted
from rockbottom.alarms.terraform import blocks, configuration
from rockbottom.changes import yaml_text
from rockbottom.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "monitoring"
NOVA, SONNET = "amazon.nova-pro-v1:0", "anthropic.claude-sonnet-4-6"


@pytest.fixture
def wanted():
    both = replace(read_wanted(None), models=(NOVA, SONNET), create="llm-alarms")
    return both.with_thresholds(["SpendRate=5", "CostPerRequest=0.02"])


@pytest.mark.parametrize(("command", "file"), [("cloudformation", "cloudformation.yaml"), ("terraform", "main.tf")])
def test_the_examples_are_what_the_program_prints(capsys, command, file):
    """examples/monitoring is generated and stays true."""
    assert main(["monitor", command, "--alarms", str(EXAMPLES / "alarms.toml")]) == 0
    assert capsys.readouterr().out == (EXAMPLES / file).read_text(encoding="utf-8")


def test_yaml_says_what_json_says(wanted):
    """Any YAML reader gets the template back."""
    made = template(wanted)
    assert yaml.safe_load(yaml_text(made)) == json.loads(json.dumps(made))


def test_every_alarm_of_the_plan_is_in_the_template_with_the_same_settings(wanted):
    """Names of properties are those of the API."""
    resources = template(wanted)["Resources"]
    alarms = {
        one["Properties"]["AlarmName"]: one["Properties"]
        for one in resources.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    expected = {one.name: one.request for one in placed(wanted)}
    assert set(alarms) == set(expected)
    for name, request in expected.items():
        assert {key: alarms[name][key] for key in request} == dict(request)


# Required and known properties of each type: CloudFormation template reference.
_KNOWN = {
    "AWS::CloudWatch::Alarm": (
        {"ComparisonOperator", "EvaluationPeriods"},
        {
            "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator",
            "DatapointsToAlarm", "Dimensions", "EvaluationPeriods", "MetricName", "Metrics", "Namespace", "OKActions",
            "Period", "Statistic", "Tags", "Threshold", "TreatMissingData",
        },
    ),
    "AWS::CloudWatch::Dashboard": ({"DashboardBody"}, {"DashboardBody", "DashboardName"}),
    "AWS::SNS::Topic": (set(), {"TopicName", "Tags"}),
}  # fmt: skip


def test_the_template_has_only_what_cloudformation_knows(wanted):
    """Resource names are letters and digits; every reference leads to a resource or a parameter."""
    made = template(replace(wanted, create=""))
    names = {*made["Resources"], *made["Parameters"], "AWS::Region"}
    for name, resource in made["Resources"].items():
        required, known = _KNOWN[resource["Type"]]
        assert re.fullmatch(r"[A-Za-z0-9]{1,255}", name)
        assert required <= set(resource["Properties"]) <= known
    text = json.dumps(made)
    assert set(re.findall(r'"Ref": "(.+?)"', text)) <= names
    assert {one.removesuffix(".Arn") for one in re.findall(r"\$\{(.+?)\}", text)} <= names


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say_where_it_is_installed(wanted):
    """It comes with moto's server; the test above is the cover where it is not there."""
    try:
        from cfnlint.api import lint_all
    except ImportError:
        lint_all = None
    if lint_all is not None:
        found = lint_all(yaml_text(template(wanted)))
        assert [one for one in found if not one.rule.id.startswith("I")] == []  # I: for its information only


def test_the_body_of_the_dashboard_is_json_once_its_names_are_put_in(wanted):
    """In both languages."""
    body = template(wanted)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert json.loads(re.sub(r"\$\{.+?\}", "x", body))["widgets"]
    board = next(block for block in blocks(wanted) if "aws_cloudwatch_dashboard" in block.head)
    assert json.loads(board.arguments["dashboard_body"].text)["widgets"]


def test_terraform_says_the_same_as_the_plan(wanted):
    """Arguments by the provider's names."""
    found = {
        block.arguments["alarm_name"]: block for block in blocks(wanted) if "aws_cloudwatch_metric_alarm" in block.head
    }
    expected = {one.name: one.request for one in placed(wanted)}
    assert set(found) == set(expected)
    for name, request in expected.items():
        arguments = found[name].arguments
        assert arguments["threshold"] == request["Threshold"]
        assert arguments["comparison_operator"] == request["ComparisonOperator"]
        assert arguments["treat_missing_data"] == request["TreatMissingData"]
        assert len(found[name].blocks) == len(request.get("Metrics", ()))
        if "Metrics" not in request:
            assert arguments["dimensions"] == {one["Name"]: one["Value"] for one in request["Dimensions"]}


def test_terraform_text_is_well_formed(wanted):
    """Braces match outside of texts, texts end on their line, every reference leads to a block."""
    text = configuration(wanted)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert '"' not in bare.replace('""', "")
    assert bare.count("{") == bare.count("}")
    assert bare.count("[") == bare.count("]")
    blocks_there = {".".join(pair) for pair in re.findall(r'resource "(\w+)" "(\w+)"', text)}
    for reference in re.findall(r"(aws_(?:sns_topic|cloudwatch_metric_alarm)\.\w+)\.arn", text):
        assert reference in blocks_there


def test_a_dollar_in_a_text_is_not_a_template_of_terraform(wanted):
    """A description may say ${...}."""
    alarm = replace(wanted.alarms[0], says="costs ${much}")
    assert "costs $${much}" in configuration(replace(wanted, alarms=(alarm,)))


def test_the_policy_for_applying_allows_what_applying_sends_and_no_other_action(aws, wanted):
    """Every action that was sent is allowed on that name; every action allowed was sent (tags are sent with others)."""
    clients = AlarmClients(*(boto3.client(name) for name in ("cloudwatch", "sns", "sts")), "us-east-1")
    apply(plan(wanted, clients), clients)
    plan(wanted, clients)
    apply(removal(wanted, clients), clients)
    services = {"CreateTopic": "sns", "DeleteTopic": "sns"}
    sent = {f"{services.get(name, 'cloudwatch')}:{name}" for name, _ in aws.calls if name != "GetCallerIdentity"}
    policy = POLICIES["apply"](wanted, "aws", "us-east-1", "123456789012")
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    implied = {"cloudwatch:TagResource", "sns:TagResource", "sns:ListTagsForResource"}
    assert sent <= allowed
    assert allowed - implied <= sent
    alarms = next(one["Resource"] for one in policy["Statement"] if one["Sid"] == "Alarms")
    for request in aws.of("PutMetricAlarm"):
        assert fnmatchcase(f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{request['AlarmName']}", alarms)


def test_publishing_is_allowed_into_one_namespace(capsys):
    """PutMetricData has no resource, but a condition."""
    assert main(["monitor", "policy", "publish", "--namespace", "Mine"]) == 0
    statement = json.loads(capsys.readouterr().out)["Statement"][0]
    assert statement["Action"] == ["cloudwatch:PutMetricData"]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Mine"}}


@pytest.mark.parametrize("given", ["us.anthropic.claude-sonnet-4-6", "us.sonnet-4-6"])
def test_a_model_may_be_named_by_its_profile(capsys, given):
    """Alarms look at the id that metrics carry, the dashboard at AWS's own metrics under the id that callers use."""
    assert main(["monitor", "cloudformation", "--model", given]) == 0
    made = yaml.safe_load(capsys.readouterr().out)["Resources"]
    low = made["LowCacheHitRateAnthropicClaudeSonnet46"]["Properties"]
    assert low["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "ModelId", "Value": SONNET}]
    assert f'"InputTokenCount","ModelId","us.{SONNET}"' in made["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]


def test_a_model_that_nobody_knows_is_said(capsys):
    """A slip of the pen would otherwise be an alarm that never rings."""
    assert main(["monitor", "cloudformation", "--model", "amazon.nova-prp"]) == 0
    printed = capsys.readouterr()
    assert "Unknown model 'amazon.nova-prp'" in printed.err
    assert "alarms watch exactly this ModelId: amazon.nova-prp" in printed.err
    assert "Unknown model" not in printed.out


@pytest.mark.parametrize("command", ["cloudformation", "terraform"])
def test_what_the_text_will_cost_is_said_beside_it(capsys, command):
    """Whoever applies it is asked by nobody else: 13 metrics at $0.10 and a dashboard at $3.00 are $4.30."""
    assert main(["monitor", command, "--model", "us.sonnet-4-6"]) == 0
    assert capsys.readouterr().err.startswith("13 alarm metrics and 1 dashboard: at most $4.30 a month\n")
