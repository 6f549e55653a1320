"""The same alarms, topic and dashboard as a CloudFormation template. Pure.

Properties are those of AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard and AWS::SNS::Topic in the template
reference (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_CloudWatch.html), which are the
names of the API with a few exceptions: tags and topics refer to other resources.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rockbottom.alarms.dashboard import body_text, dashboard, dashboard_name
from rockbottom.alarms.placing import STACK_TAG, Json, Placed, placed
from rockbottom.alarms.settings import Wanted

_PARAMETER = "AlarmTopicArn"


def template(wanted: Wanted) -> Json:
    """The template; without a topic in the settings it has a parameter for one. Raises InvalidAlarm."""
    alarms = placed(wanted)
    names = logical_names(alarms)
    resources: Json = {}
    parameters: Json = {}
    topic: Any = wanted.topic
    if wanted.create:
        resources["AlarmTopic"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": wanted.create, "Tags": _tags(wanted)},
        }
        topic = {"Ref": "AlarmTopic"}
    elif not topic:
        parameters[_PARAMETER] = {"Type": "String", "Description": "ARN of the SNS topic that alarms tell."}
        topic = {"Ref": _PARAMETER}
    for one in alarms:
        resources[names[one.name]] = _alarm(one, wanted, topic)
    if wanted.dashboard:
        resources["Dashboard"] = _dashboard(wanted, [names[one.name] for one in alarms])
    head: Json = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Alarms and dashboard of {wanted.namespace}, stack {wanted.stack} (rockbottom)",
    }
    return {**head, **({"Parameters": parameters} if parameters else {}), "Resources": resources}


def logical_names(alarms: Sequence[Placed]) -> Mapping[str, str]:
    """A name of letters and digits for each alarm; two that would be the same get a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one in alarms:
        said = (one.alarm.name, *one.models) if one.alarm.per == "model" else (one.alarm.name,)
        words = re.findall(r"[A-Za-z0-9]+", " ".join(said))
        base = "".join(word[0].upper() + word[1:] for word in words)[:200]
        number = next(n for n in range(1, len(alarms) + 2) if f"{base}{n if n > 1 else ''}" not in taken)
        name = f"{base}{number if number > 1 else ''}"
        taken.add(name)
        found[one.name] = name
    return found


def _alarm(one: Placed, wanted: Wanted, topic: Any) -> Json:
    properties = {**one.request, "AlarmActions": [topic], "OKActions": [topic], "Tags": _tags(wanted)}
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _dashboard(wanted: Wanted, alarms: Sequence[str]) -> Json:
    body = body_text(dashboard(wanted, "${AWS::Region}", [f"${{{name}.Arn}}" for name in alarms]))
    properties = {"DashboardName": dashboard_name(wanted), "DashboardBody": {"Fn::Sub": body}}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def _tags(wanted: Wanted) -> list[Json]:
    return [{"Key": STACK_TAG, "Value": wanted.stack}]
