"""The least IAM policies: to publish, to make and remove alarms, to read for reconciling. Pure.

Actions and what they can be restricted to follow the service authorization reference of CloudWatch
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html): PutMetricData has no
resource but the condition key ``cloudwatch:namespace``; DescribeAlarms by prefix, GetMetricData and ListMetrics take
no resource.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rockbottom.alarms.dashboard import dashboard_name
from rockbottom.alarms.placing import prefix
from rockbottom.alarms.settings import AlarmSettings

Json = dict[str, Any]


def _policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resource: str, **more: Any) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, **more}


def publish_policy(settings: AlarmSettings, partition: str, region: str, account: str) -> Json:
    """For programs that send metrics: this namespace and no other."""
    condition = {"StringEquals": {"cloudwatch:namespace": settings.namespace}}
    return _policy(_allow("Publish", ["cloudwatch:PutMetricData"], "*", Condition=condition))


def apply_policy(settings: AlarmSettings, partition: str, region: str, account: str) -> Json:
    """For whoever runs ``monitor plan``, ``apply`` and ``destroy``: alarms and a dashboard of these names."""
    alarms = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{prefix(settings)}*"
    board = f"arn:{partition}:cloudwatch::{account}:dashboard/{dashboard_name(settings)}"
    statements = [
        _allow("Look", ["cloudwatch:DescribeAlarms"], "*"),
        _allow(
            "Alarms",
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
            ],
            alarms,
        ),
        _allow(
            "Dashboard", ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"], board
        ),
    ]
    if settings.create:
        topic = f"arn:{partition}:sns:{region}:{account}:{settings.create}"
        actions = ["sns:CreateTopic", "sns:DeleteTopic", "sns:ListTagsForResource", "sns:TagResource"]
        statements.append(_allow("Topic", actions, topic))
    return _policy(*statements)


def read_policy(settings: AlarmSettings, partition: str, region: str, account: str) -> Json:
    """For ``rockbottom reconcile``: metrics are read, nothing else."""
    return _policy(_allow("Read", ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"], "*"))


POLICIES: Mapping[str, Callable[[AlarmSettings, str, str, str], Json]] = {
    "publish": publish_policy,
    "apply": apply_policy,
    "read": read_policy,
}
"""Each policy by the name of what it is for."""
