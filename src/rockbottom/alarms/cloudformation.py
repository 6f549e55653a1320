"""The same alarms, topic and dashboard as a CloudFormation template. Pure.

Properties are those of AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard and AWS::SNS::Topic in the template
reference (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_CloudWatch.html), which are the
names of the API with a few exceptions: tags and topics refer to other resources.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rockbottom.alarms.dashboard import body_text, dashboard, dashboard_name
from rockbottom.alarms.placing import STACK_TAG, Json, PlacedAlarm, placed
from rockbottom.alarms.settings import AlarmSettings

_PARAMETER = "AlarmTopicArn"


def template(settings: AlarmSettings) -> Json:
    """The template; without a topic in the settings it has a parameter for one. Raises InvalidAlarm."""
    alarms = placed(settings)
    names = logical_names(alarms)
    resources: Json = {}
    parameters: Json = {}
    topic: Any = settings.topic
    if settings.create:
        resources["AlarmTopic"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": settings.create, "Tags": _tags(settings)},
        }
        topic = {"Ref": "AlarmTopic"}
    elif not topic:
        parameters[_PARAMETER] = {"Type": "String", "Description": "ARN of the SNS topic that alarms notify."}
        topic = {"Ref": _PARAMETER}
    for alarm in alarms:
        resources[names[alarm.name]] = _alarm(alarm, settings, topic)
    if settings.dashboard:
        resources["Dashboard"] = _dashboard(settings, [names[alarm.name] for alarm in alarms])
    head: Json = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Alarms and dashboard of {settings.namespace}, stack {settings.stack} (rockbottom)",
    }
    return {**head, **({"Parameters": parameters} if parameters else {}), "Resources": resources}


def logical_names(alarms: Sequence[PlacedAlarm]) -> Mapping[str, str]:
    """A name of letters and digits for each alarm; two that would be the same get a number."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for alarm in alarms:
        parts = (alarm.alarm.name, *alarm.models) if alarm.alarm.per == "model" else (alarm.alarm.name,)
        words = re.findall(r"[A-Za-z0-9]+", " ".join(parts))
        base = "".join(word[0].upper() + word[1:] for word in words)[:200]
        number = next(n for n in range(1, len(alarms) + 2) if f"{base}{n if n > 1 else ''}" not in taken)
        name = f"{base}{number if number > 1 else ''}"
        taken.add(name)
        names[alarm.name] = name
    return names


def _alarm(alarm: PlacedAlarm, settings: AlarmSettings, topic: Any) -> Json:
    properties = {**alarm.request, "AlarmActions": [topic], "OKActions": [topic], "Tags": _tags(settings)}
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _dashboard(settings: AlarmSettings, alarms: Sequence[str]) -> Json:
    body = body_text(dashboard(settings, "${AWS::Region}", [f"${{{name}.Arn}}" for name in alarms]))
    properties = {"DashboardName": dashboard_name(settings), "DashboardBody": {"Fn::Sub": body}}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def _tags(settings: AlarmSettings) -> list[Json]:
    return [{"Key": STACK_TAG, "Value": settings.stack}]
