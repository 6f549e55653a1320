"""The same alarms, topic and dashboard as Terraform configuration for the AWS provider. Pure.

Arguments are those of aws_cloudwatch_metric_alarm, aws_cloudwatch_dashboard and aws_sns_topic
(https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_metric_alarm).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rockbottom.alarms.cloudformation import logical_names
from rockbottom.alarms.dashboard import body_text, dashboard, dashboard_name
from rockbottom.alarms.placing import STACK_TAG, PlacedAlarm, placed
from rockbottom.alarms.settings import AlarmSettings
from rockbottom.changes import Reference, Template, TerraformBlock, lines_of


def configuration(settings: AlarmSettings) -> str:
    """The text of a .tf file; without a topic in the settings it has a variable for one. Raises InvalidAlarm."""
    return "\n".join(line for block in blocks(settings) for line in (*lines_of(block), ""))


def blocks(settings: AlarmSettings) -> list[TerraformBlock]:
    alarms = placed(settings)
    names = {key: _snake(name) for key, name in logical_names(alarms).items()}
    aws = {"source": "hashicorp/aws", "version": ">= 5.0"}
    all_blocks = [TerraformBlock("terraform", {}, (TerraformBlock("required_providers", {"aws": aws}),))]
    topic: Any = settings.topic
    if settings.create:
        all_blocks.append(
            TerraformBlock(
                'resource "aws_sns_topic" "alarms"', {"name": settings.create, "tags": {STACK_TAG: settings.stack}}
            )
        )
        topic = Reference("aws_sns_topic.alarms.arn")
    elif not topic:
        says = "ARN of the SNS topic that alarms notify."
        all_blocks.append(
            TerraformBlock('variable "alarm_topic_arn"', {"type": Reference("string"), "description": says})
        )
        topic = Reference("var.alarm_topic_arn")
    all_blocks += [_alarm(alarm, names[alarm.name], topic, settings) for alarm in alarms]
    if settings.dashboard:
        all_blocks.append(TerraformBlock('data "aws_region" "current"', {}))
        all_blocks.append(_dashboard(settings, [names[alarm.name] for alarm in alarms]))
    return all_blocks


def _alarm(alarm: PlacedAlarm, name: str, topic: Any, settings: AlarmSettings) -> TerraformBlock:
    request = alarm.request
    arguments: dict[str, Any] = {
        "alarm_name": request["AlarmName"],
        "alarm_description": request["AlarmDescription"],
        "comparison_operator": request["ComparisonOperator"],
        "evaluation_periods": request["EvaluationPeriods"],
        "datapoints_to_alarm": request["DatapointsToAlarm"],
        "threshold": request["Threshold"],
        "treat_missing_data": request["TreatMissingData"],
        "alarm_actions": [topic],
        "ok_actions": [topic],
        "tags": {STACK_TAG: settings.stack},
    }
    if "Metrics" not in request:
        arguments |= {
            "namespace": request["Namespace"],
            "metric_name": request["MetricName"],
            "statistic": request["Statistic"],
            "period": request["Period"],
            "dimensions": _dimensions(request["Dimensions"]),
        }
    queries = tuple(_query(query) for query in request.get("Metrics", ()))
    return TerraformBlock(f'resource "aws_cloudwatch_metric_alarm" "{name}"', arguments, queries)


def _query(query: Mapping[str, Any]) -> TerraformBlock:
    if "Expression" in query:
        arguments = {"id": query["Id"], "expression": query["Expression"], "label": query["Label"]}
        return TerraformBlock("metric_query", {**arguments, "return_data": True})
    stat = query["MetricStat"]
    metric = {
        "namespace": stat["Metric"]["Namespace"],
        "metric_name": stat["Metric"]["MetricName"],
        "period": stat["Period"],
        "stat": stat["Stat"],
        "dimensions": _dimensions(stat["Metric"]["Dimensions"]),
    }
    return TerraformBlock(
        "metric_query", {"id": query["Id"], "return_data": False}, (TerraformBlock("metric", metric),)
    )


def _dashboard(settings: AlarmSettings, alarms: Sequence[str]) -> TerraformBlock:
    region = "${data.aws_region.current.id}"
    body = dashboard(settings, region, [f"${{aws_cloudwatch_metric_alarm.{name}.arn}}" for name in alarms])
    arguments = {"dashboard_name": dashboard_name(settings), "dashboard_body": Template(body_text(body))}
    return TerraformBlock('resource "aws_cloudwatch_dashboard" "this"', arguments)


def _dimensions(pairs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {pair["Name"]: pair["Value"] for pair in pairs}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
