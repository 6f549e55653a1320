"""The account as it is against the logging that is wanted: what differs, and the calls that make it the same.

What is made carries its stack as the tag ``rockbottom:stack``, the statement in a bucket's policy its Sid. A bucket or
log group that does not carry it is used as it is; a role of that name, or a configuration that leads elsewhere, is
somebody else's and is not changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rockbottom.changes import SettingDifference, Step, StepKind
from rockbottom.invocation_logging.asking import LoggingClients, answer_of, found_or
from rockbottom.invocation_logging.doing import CONFIGURATION
from rockbottom.invocation_logging.policies import STATEMENT, bucket_statement, role_policy, trust_policy
from rockbottom.invocation_logging.settings import (
    EXPIRY_RULE,
    POLICY,
    STACK_TAG,
    AccountRegion,
    LoggingSettings,
    logging_config,
    role_arn,
)
from rockbottom.quantities import RockbottomError, decoded

Json = dict[str, Any]
_NOTHING: Json = {}


class RoleTaken(RockbottomError):
    """A role of the wanted name is there, and it was not made here."""


@dataclass(frozen=True, slots=True)
class LoggingPlan:
    """What there is to do, in the order in which it is done."""

    place: AccountRegion
    settings: LoggingSettings
    steps: tuple[Step, ...]

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return any(step.changes for step in self.steps)

    @property
    def is_foreign(self) -> bool:
        """Whether logging is set up in another way by somebody else."""
        return any(step.kind is StepKind.FOREIGN and step.thing == CONFIGURATION for step in self.steps)


def plan(settings: LoggingSettings, clients: LoggingClients) -> LoggingPlan:
    """What applying would do; reads only. Raises InvalidLogging, RoleTaken, AccountUnavailable."""
    place = place_of(clients)
    settings.checked()
    steps = [*_bucket_steps(settings, place, clients), *_log_group_steps(settings, place, clients)]
    config = _found_config(clients)
    return LoggingPlan(place, settings, (*steps, _config_step(settings, place, config, steps)))


def removal(settings: LoggingSettings, clients: LoggingClients, *, with_logs: bool = False) -> LoggingPlan:
    """What destroying would do: the configuration, the role and the statement that were made here; reads only.

    What was logged stays: a bucket in any case, a log group unless ``with_logs``. Names that are not given are taken
    from the configuration that is there. Raises AccountUnavailable.
    """
    place, config = place_of(clients), _found_config(clients)
    cloudwatch, s3 = config.get("cloudWatchConfig") or _NOTHING, config.get("s3Config") or _NOTHING
    role = cloudwatch.get("roleArn", "").rpartition("/")[2]
    settings = replace(
        settings,
        bucket=settings.bucket or s3.get("bucketName", ""),
        prefix=settings.prefix or s3.get("keyPrefix", ""),
        log_group=settings.log_group or cloudwatch.get("logGroupName", ""),
        role=role or settings.role,
    )
    return LoggingPlan(place, settings, tuple(_removal_steps(settings, place, clients, config, with_logs=with_logs)))


def place_of(clients: LoggingClients) -> AccountRegion:
    """The account of the credentials. Raises AccountUnavailable."""
    who = answer_of(lambda: clients.sts.get_caller_identity())
    return AccountRegion(who["Account"], clients.region, who["Arn"].split(":")[1])


def _bucket_steps(settings: LoggingSettings, place: AccountRegion, clients: LoggingClients) -> Iterator[Step]:
    if not settings.bucket:
        return
    stack = _bucket_stack(settings.bucket, clients)
    yield Step(_kind_of(stack, settings), "bucket", settings.bucket, request={"stack": settings.stack})
    policy = {} if stack is None else _bucket_policy(settings.bucket, clients)
    statement = bucket_statement(settings, place)
    others, ours = _statements(policy)
    request = {**(policy or {"Version": "2012-10-17"}), "Statement": [*others, statement]}
    yield _compared("bucket policy", settings.bucket, ours, statement, request)
    if settings.retention_days is not None and stack in (None, settings.stack):
        rule = {
            "ID": EXPIRY_RULE, "Status": "Enabled", "Filter": {"Prefix": settings.prefix},
            "Expiration": {"Days": settings.retention_days},
        }  # fmt: skip
        days = None if stack is None else _days_kept(settings.bucket, clients)
        yield _compared(
            "retention", settings.bucket, None if days is None else {"days": days},
            {"days": settings.retention_days}, {"Rules": [rule]},
        )  # fmt: skip


def _days_kept(bucket: str, clients: LoggingClients) -> int | None:
    """After how many days logs in a bucket expire by the rule that was put there; None: there is no such rule."""
    lifecycle: Json = found_or(lambda: clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket), _NOTHING)
    rules: list[Json] = [rule for rule in lifecycle.get("Rules", ()) if rule.get("ID") == EXPIRY_RULE]
    return rules[0].get("Expiration", _NOTHING).get("Days") if rules else None


def _log_group_steps(settings: LoggingSettings, place: AccountRegion, clients: LoggingClients) -> Iterator[Step]:
    if not settings.log_group:
        return
    group = _log_group(settings, clients)
    stack = None if group is None else _log_group_stack(group, clients)
    kind, differences = _kind_of(stack, settings), ()
    if kind is StepKind.UNCHANGED and group is not None:
        differences = tuple(
            _flat_differences({"days": group.get("retentionInDays")}, {"days": settings.retention_days})
        )
        kind = StepKind.UPDATE if differences else kind
    request = {"stack": settings.stack, "days": settings.retention_days}
    yield Step(kind, "log group", settings.log_group, differences, request)
    wanted_role = {"trust": trust_policy(place), "permissions": role_policy(settings, place)}
    role = found_or(lambda: clients.iam.get_role(RoleName=settings.role)["Role"], None)
    if role is not None and _tags(role.get("Tags", ())) != settings.stack:
        says = (
            f"The role {settings.role} exists already, and rockbottom did not make it for the stack {settings.stack}."
        )
        raise RoleTaken(says, fix="--role takes another name")
    there = None if role is None else {
        "trust": role["AssumeRolePolicyDocument"],
        "permissions": found_or(lambda: clients.iam.get_role_policy(
            RoleName=settings.role, PolicyName=POLICY)["PolicyDocument"], {}),
    }  # fmt: skip
    yield _compared("role", settings.role, there, wanted_role, {**wanted_role, "stack": settings.stack})


def _config_step(settings: LoggingSettings, place: AccountRegion, existing: Json, steps: list[Step]) -> Step:
    config = logging_config(settings, place)
    step = _compared(CONFIGURATION, place.region, existing or None, config, config)
    if step.kind is not StepKind.UPDATE or settings.replaces:
        return step
    ours = {step.thing for step in steps if step.kind in (StepKind.UNCHANGED, StepKind.UPDATE)}
    of_role = (existing.get("cloudWatchConfig") or _NOTHING).get("roleArn") == role_arn(
        settings, place
    ) and "role" in ours
    of_bucket = (existing.get("s3Config") or _NOTHING).get("bucketName") == settings.bucket and "bucket policy" in ours
    return step if of_role or of_bucket else replace(step, kind=StepKind.FOREIGN)


def _removal_steps(
    settings: LoggingSettings, place: AccountRegion, clients: LoggingClients, existing: Json, *, with_logs: bool
) -> Iterator[Step]:  # fmt: skip
    policy = _bucket_policy(settings.bucket, clients) if settings.bucket else {}
    others, statement = _statements(policy)
    role = found_or(lambda: clients.iam.get_role(RoleName=settings.role)["Role"], None) if settings.log_group else None
    ours = role is not None and _tags(role.get("Tags", ())) == settings.stack
    if existing:
        yield Step(StepKind.DELETE if ours or statement is not None else StepKind.FOREIGN, CONFIGURATION, place.region)
    if ours:
        yield Step(StepKind.DELETE, "role", settings.role)
    if statement is not None:
        request = {**policy, "Statement": others} if others else None
        yield Step(StepKind.DELETE, "bucket policy", settings.bucket, request=request)
    group = _log_group(settings, clients) if settings.log_group else None
    if group is not None:
        is_ours = _log_group_stack(group, clients) == settings.stack
        kind = StepKind.FOREIGN if not is_ours else StepKind.DELETE if with_logs else StepKind.UNCHANGED
        yield Step(kind, "log group", settings.log_group)
    if settings.bucket:
        yield Step(StepKind.UNCHANGED, "bucket", settings.bucket)


def _kind_of(stack: str | None, settings: LoggingSettings) -> StepKind:
    if stack is None:
        return StepKind.CREATE
    return StepKind.UNCHANGED if stack == settings.stack else StepKind.FOREIGN


def _compared(thing: str, name: str, existing: Json | None, defined: Json, request: Mapping[str, Any]) -> Step:
    if existing is None:
        return Step(StepKind.CREATE, thing, name, request=request)
    differences = tuple(_flat_differences(existing, defined))
    return Step(StepKind.UPDATE if differences else StepKind.UNCHANGED, thing, name, differences, request)


def _flat_differences(existing: Json, defined: Json) -> Iterator[SettingDifference]:
    here, there = dict(_flat(existing)), dict(_flat(defined))
    for setting in dict.fromkeys([*here, *there]):
        if here.get(setting) != there.get(setting):
            yield SettingDifference(setting, here.get(setting), there.get(setting))


def _flat(value: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a document, each with its path; what is off counts as not there."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{path}{name}.")  # pyright: ignore[reportUnknownArgumentType]  # of JSON
        elif inner not in (None, False, ""):
            yield f"{path}{name}", [inner] if name in ("Action", "Resource") and isinstance(inner, str) else inner


def _found_config(clients: LoggingClients) -> Json:
    return (
        answer_of(lambda: clients.bedrock.get_model_invocation_logging_configuration()).get("loggingConfig") or _NOTHING
    )


def _bucket_stack(name: str, clients: LoggingClients) -> str | None:
    """The stack that a bucket carries, "" for none, None where there is no such bucket."""
    if found_or(lambda: clients.s3.head_bucket(Bucket=name), None) is None:
        return None
    return _tags(found_or(lambda: clients.s3.get_bucket_tagging(Bucket=name)["TagSet"], ()))


def _bucket_policy(name: str, clients: LoggingClients) -> Json:
    text = found_or(lambda: clients.s3.get_bucket_policy(Bucket=name)["Policy"], "")
    return decoded(text) if text else {}


def _statements(policy: Json) -> tuple[list[Json], Json | None]:
    """The statements of others, and the one that was put here."""
    listed: Any = policy.get("Statement", [])
    statements: list[Json] = [listed] if isinstance(listed, dict) else list(listed)
    others = [statement for statement in statements if statement.get("Sid") != STATEMENT]
    return others, next((statement for statement in statements if statement.get("Sid") == STATEMENT), None)


def _log_group(settings: LoggingSettings, clients: LoggingClients) -> Json | None:
    groups = answer_of(lambda: clients.logs.describe_log_groups(logGroupNamePrefix=settings.log_group)["logGroups"])
    return next((group for group in groups if group["logGroupName"] == settings.log_group), None)


def _log_group_stack(group: Json, clients: LoggingClients) -> str:
    arn = group["arn"].removesuffix(":*")
    return answer_of(lambda: clients.logs.list_tags_for_resource(resourceArn=arn)["tags"]).get(STACK_TAG, "")


def _tags(tags: Any) -> str:
    return {tag["Key"]: tag["Value"] for tag in tags}.get(STACK_TAG, "")
