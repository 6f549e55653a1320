"""Alarms, dashboard and topic against an account: what differs, and the calls that make it the same.

Everything made carries its stack: alarms and topic as the tag ``rockbottom:stack``, the dashboard in its first
sentence. What does not carry it is somebody else's and is never changed, whatever its name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rockbottom.alarms.dashboard import body_text, dashboard, dashboard_name, is_ours
from rockbottom.alarms.placing import STACK_TAG, Json, PlacedAlarm, placed, prefix
from rockbottom.alarms.settings import AlarmSettings
from rockbottom.changes import SettingDifference, Step, StepKind
from rockbottom.cloudwatch import answer_of
from rockbottom.quantities import RockbottomError, decoded

_MISSING = (
    "NotFound", "ResourceNotFound", "NotFoundException", "ResourceNotFoundException", "DashboardNotFoundError",
)  # fmt: skip
_answer_of = partial(answer_of, policy="monitor policy apply")


class TopicTaken(RockbottomError):
    """A topic was to be made, and somebody else's has its name: alarms would be sent to strangers."""


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """What there is to do, in the order in which it is done."""

    account: str
    region: str
    steps: tuple[Step, ...]
    alarms: tuple[PlacedAlarm, ...]
    topic_arn: str

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return any(step.changes for step in self.steps)

    def of(self, kind: StepKind) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind is kind)


@dataclass(frozen=True, slots=True)
class AlarmClients:
    """boto3 clients of CloudWatch, SNS and STS in one Region."""

    cloudwatch: Any
    sns: Any
    sts: Any
    region: str


def plan(settings: AlarmSettings, clients: AlarmClients) -> AlarmPlan:
    """What applying would do; reads only. Raises InvalidAlarm, TopicTaken, AccountUnavailable."""
    identity = _answer_of(lambda: clients.sts.get_caller_identity())
    account, partition = identity["Account"], identity["Arn"].split(":")[1]
    topic_arn = settings.topic or (
        f"arn:{partition}:sns:{clients.region}:{account}:{settings.create}" if settings.create else ""
    )  # fmt: skip
    alarms = placed(settings)
    steps = [*_topic_steps(settings, clients, topic_arn), *_alarm_steps(settings, clients, alarms, topic_arn)]
    if settings.dashboard:
        arn = f"arn:{partition}:cloudwatch:{clients.region}:{account}:alarm:"
        steps.append(_dashboard_step(settings, clients, [f"{arn}{alarm.name}" for alarm in alarms]))
    return AlarmPlan(account, clients.region, tuple(steps), alarms, topic_arn)


def removal(settings: AlarmSettings, clients: AlarmClients) -> AlarmPlan:
    """What destroying would do: everything that carries the stack, and nothing else. Reads only."""
    identity = _answer_of(lambda: clients.sts.get_caller_identity())
    alarms = _found_alarms(settings, clients)
    steps = [Step(StepKind.DELETE if ours else StepKind.FOREIGN, "alarm", alarm["AlarmName"]) for alarm, ours in alarms]
    body = _dashboard_body(settings, clients)
    if body is not None:
        kind = StepKind.DELETE if is_ours(body, settings.stack) else StepKind.FOREIGN
        steps.append(Step(kind, "dashboard", dashboard_name(settings)))
    topics = [action for alarm, ours in alarms if ours for action in alarm.get("AlarmActions", ()) if ":sns:" in action]
    if settings.create:
        partition = identity["Arn"].split(":")[1]
        topics.append(f"arn:{partition}:sns:{clients.region}:{identity['Account']}:{settings.create}")
    for arn in dict.fromkeys(topics):
        if _topic_stack(clients, arn) == settings.stack:  # one of somebody else's is not even named
            steps.append(Step(StepKind.DELETE, "topic", arn))
    return AlarmPlan(identity["Account"], clients.region, tuple(steps), (), "")


def apply(todo: AlarmPlan, clients: AlarmClients, done: Callable[[Step], None] = lambda step: None) -> None:
    """Carry the plan out, one step after another, telling ``done`` of each; raises AccountUnavailable.

    Stopped at any point, the next plan shows what is left.
    """
    for step in todo.steps:
        if step.changes:
            _answer_of(lambda step=step: _call(step, clients))
            done(step)


def _call(step: Step, clients: AlarmClients) -> Any:
    request = step.request or {}
    if step.kind is StepKind.DELETE:
        return {
            "alarm": lambda: clients.cloudwatch.delete_alarms(AlarmNames=[step.name]),
            "dashboard": lambda: clients.cloudwatch.delete_dashboards(DashboardNames=[step.name]),
            "topic": lambda: clients.sns.delete_topic(TopicArn=step.name),
        }[step.thing]()
    return {
        "alarm": lambda: clients.cloudwatch.put_metric_alarm(**request),
        "dashboard": lambda: clients.cloudwatch.put_dashboard(**request),
        "topic": lambda: clients.sns.create_topic(**request),
    }[step.thing]()


def _topic_steps(settings: AlarmSettings, clients: AlarmClients, arn: str) -> list[Step]:
    if not settings.create:
        return []
    stack = _topic_stack(clients, arn)
    if stack == settings.stack:
        return [Step(StepKind.UNCHANGED, "topic", settings.create)]
    if stack is not None:
        says = f"The topic {settings.create} exists already; rockbottom did not make it for the stack {settings.stack}."
        raise TopicTaken(says, fix=f"--topic {arn} uses it anyway; --create-topic NAME makes another")
    tags = [{"Key": STACK_TAG, "Value": settings.stack}]
    return [Step(StepKind.CREATE, "topic", settings.create, request={"Name": settings.create, "Tags": tags})]


def _topic_stack(clients: AlarmClients, arn: str) -> str | None:
    """The stack that a topic carries, "" for none, None where there is no such topic."""
    tags = _answer_of(lambda: clients.sns.list_tags_for_resource(ResourceArn=arn)["Tags"], codes=_MISSING)
    return None if tags is None else {tag["Key"]: tag["Value"] for tag in tags}.get(STACK_TAG, "")


def _alarm_steps(
    settings: AlarmSettings, clients: AlarmClients, alarms: Sequence[PlacedAlarm], topic_arn: str
) -> Iterator[Step]:
    there = {existing["AlarmName"]: (existing, ours) for existing, ours in _found_alarms(settings, clients)}
    for alarm in alarms:
        request = _request(alarm, settings, topic_arn)
        existing, ours = there.pop(alarm.name, (None, False))
        if existing is None:
            yield Step(StepKind.CREATE, "alarm", alarm.name, request=request)
        elif not ours:
            yield Step(StepKind.FOREIGN, "alarm", alarm.name)
        else:
            differences = tuple(_differences(existing, request))
            kind = StepKind.UPDATE if differences else StepKind.UNCHANGED
            yield Step(kind, "alarm", alarm.name, differences, request)
    yield from (Step(StepKind.DELETE, "alarm", name) for name, (_, ours) in there.items() if ours)


def _found_alarms(settings: AlarmSettings, clients: AlarmClients) -> list[tuple[Json, bool]]:
    """Alarms whose names begin as those of the stack, and whether they carry it."""
    pages = clients.cloudwatch.get_paginator("describe_alarms")
    alarms: list[Json] = _answer_of(
        lambda: [
            alarm
            for page in pages.paginate(AlarmNamePrefix=prefix(settings), AlarmTypes=["MetricAlarm"])
            for alarm in page["MetricAlarms"]
        ]
    )
    return [(alarm, _stack_of(clients, alarm["AlarmArn"]) == settings.stack) for alarm in alarms]


def _stack_of(clients: AlarmClients, arn: str) -> str | None:
    tags = _answer_of(lambda: clients.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])
    return {tag["Key"]: tag["Value"] for tag in tags}.get(STACK_TAG)


def _request(alarm: PlacedAlarm, settings: AlarmSettings, topic_arn: str) -> Json:
    actions = [topic_arn] if topic_arn else []
    tags = [{"Key": STACK_TAG, "Value": settings.stack}]
    return {**alarm.request, "AlarmActions": actions, "OKActions": actions, "Tags": tags}


_DEFAULTS: Mapping[str, Any] = {"TreatMissingData": "missing", "ActionsEnabled": True}
_COMPARED = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "Namespace",
    "MetricName", "Statistic", "Dimensions", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold",
    "ComparisonOperator", "TreatMissingData", "Metrics", "Unit", "ExtendedStatistic",
)  # fmt: skip


def _differences(existing: Json, request: Json) -> Iterator[SettingDifference]:
    for setting in _COMPARED:
        here, there = _plain(existing, setting), _plain(request, setting)
        if here != there:
            yield SettingDifference(setting, here, there)


def _plain(alarm: Json, setting: str) -> Any:
    """A setting with what AWS leaves out put back, and lists of pairs in order."""
    value = alarm.get(setting)
    if setting == "DatapointsToAlarm" and value is None:
        return alarm.get("EvaluationPeriods")
    if value in (None, [], ""):
        return _DEFAULTS.get(setting)
    if setting == "Dimensions":
        return sorted((pair["Name"], pair["Value"]) for pair in value)
    if setting == "Metrics":
        return sorted((_plain_query(query) for query in value), key=lambda query: query["Id"])
    return value


def _plain_query(query: Json) -> Json:
    """What was asked for of a query; AWS may add to it."""
    plain: Json = {"Id": query["Id"], "ReturnData": query.get("ReturnData", True)}
    if query.get("Expression"):
        return {**plain, "Expression": query["Expression"], "Label": query.get("Label", "")}
    stat = query["MetricStat"]
    metric = stat["Metric"]
    pairs = sorted((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions", ()))
    return {**plain, "of": (metric["Namespace"], metric["MetricName"], pairs, stat["Period"], stat["Stat"])}


def _dashboard_body(settings: AlarmSettings, clients: AlarmClients) -> str | None:
    name = dashboard_name(settings)
    return _answer_of(lambda: clients.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"], codes=_MISSING)


def _dashboard_step(settings: AlarmSettings, clients: AlarmClients, alarm_arns: list[str]) -> Step:
    name = dashboard_name(settings)
    body = dashboard(settings, clients.region, alarm_arns)
    request = {"DashboardName": name, "DashboardBody": body_text(body)}
    existing = _dashboard_body(settings, clients)
    if existing is None:
        return Step(StepKind.CREATE, "dashboard", name, request=request)
    if not is_ours(existing, settings.stack):
        return Step(StepKind.FOREIGN, "dashboard", name)
    if decoded(existing) == decoded(request["DashboardBody"]):
        return Step(StepKind.UNCHANGED, "dashboard", name)
    return Step(StepKind.UPDATE, "dashboard", name, tuple(_widgets(decoded(existing), body)), request)


def _widgets(deployed: Json, defined: Json) -> Iterator[SettingDifference]:
    """Widgets that differ, by title and property."""
    here, there = ({_title(widget): widget for widget in body.get("widgets", ())} for body in (deployed, defined))
    for title in dict.fromkeys([*here, *there]):
        old, new = here.get(title), there.get(title)
        if old is None or new is None:
            yield SettingDifference(title, "absent" if old is None else "there", "absent" if new is None else "there")
        elif old != new:
            flat = [{**widget.get("properties", {}), **widget, "properties": None} for widget in (old, new)]
            for key in sorted(set(flat[0]) | set(flat[1])):
                if flat[0].get(key) != flat[1].get(key):
                    yield SettingDifference(f"{title}: {key}", flat[0].get(key), flat[1].get(key))


def _title(widget: Json) -> str:
    properties = widget.get("properties", {})
    return str(properties.get("title") or properties.get("markdown", "")[:40])
