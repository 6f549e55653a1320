"""The account as it is against the logging that is wanted: what differs, and the calls that make it the same.

What is made carries its stack as the tag ``rockbottom:stack``, the statement in a bucket's policy its Sid. A bucket or
log group that does not carry it is used as it is; a role of that name, or a configuration that leads elsewhere, is
somebody else's and is not changed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rockbottom.changes import Difference, Kind, Step
from rockbottom.invocation_logging.asking import Clients, asked, found_or
from rockbottom.invocation_logging.doing import CONFIGURATION
from rockbottom.invocation_logging.policies import STATEMENT, bucket_statement, role_policy, trust_policy
from rockbottom.invocation_logging.settings import (
    EXPIRY_RULE,
    POLICY,
    STACK_TAG,
    Place,
    Wanted,
    logging_config,
    role_arn,
)
from rockbottom.quantities import RockbottomError

Json = dict[str, Any]
_NOTHING: Json = {}


class RoleTaken(RockbottomError):
    """A role of the wanted name is there, and it was not made here."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do, in the order in which it is done."""

    place: Place
    wanted: Wanted
    steps: tuple[Step, ...]

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return any(step.changes for step in self.steps)

    @property
    def is_foreign(self) -> bool:
        """Whether logging is set up in another way by somebody else."""
        return any(step.kind is Kind.FOREIGN and step.thing == CONFIGURATION for step in self.steps)


def plan(wanted: Wanted, clients: Clients) -> Plan:
    """What applying would do; reads only. Raises InvalidLogging, RoleTaken, AccountUnavailable."""
    place = place_of(clients)
    wanted.checked()
    steps = [*_bucket_steps(wanted, place, clients), *_log_group_steps(wanted, place, clients)]
    found = _found_config(clients)
    return Plan(place, wanted, (*steps, _config_step(wanted, place, found, steps)))


def removal(wanted: Wanted, clients: Clients, *, with_logs: bool = False) -> Plan:
    """What destroying would do: the configuration, the role and the statement that were made here; reads only.

    What was logged stays: a bucket in any case, a log group unless ``with_logs``. Names that are not given are taken
    from the configuration that is there. Raises AccountUnavailable.
    """
    place, found = place_of(clients), _found_config(clients)
    cloudwatch, s3 = found.get("cloudWatchConfig") or _NOTHING, found.get("s3Config") or _NOTHING
    role = cloudwatch.get("roleArn", "").rpartition("/")[2]
    wanted = replace(
        wanted,
        bucket=wanted.bucket or s3.get("bucketName", ""),
        prefix=wanted.prefix or s3.get("keyPrefix", ""),
        log_group=wanted.log_group or cloudwatch.get("logGroupName", ""),
        role=role or wanted.role,
    )
    return Plan(place, wanted, tuple(_removal_steps(wanted, place, clients, found, with_logs=with_logs)))


def place_of(clients: Clients) -> Place:
    """The account of the credentials. Raises AccountUnavailable."""
    who = asked(lambda: clients.sts.get_caller_identity())
    return Place(who["Account"], clients.region, who["Arn"].split(":")[1])


def _bucket_steps(wanted: Wanted, place: Place, clients: Clients) -> Iterator[Step]:
    if not wanted.bucket:
        return
    stack = _bucket_stack(wanted.bucket, clients)
    yield Step(_kind_of(stack, wanted), "bucket", wanted.bucket, request={"stack": wanted.stack})
    policy = {} if stack is None else _bucket_policy(wanted.bucket, clients)
    statement = bucket_statement(wanted, place)
    others, ours = _statements(policy)
    request = {**(policy or {"Version": "2012-10-17"}), "Statement": [*others, statement]}
    yield _compared("bucket policy", wanted.bucket, ours, statement, request)
    if wanted.retention_days is not None and stack in (None, wanted.stack):
        rule = {
            "ID": EXPIRY_RULE, "Status": "Enabled", "Filter": {"Prefix": wanted.prefix},
            "Expiration": {"Days": wanted.retention_days},
        }  # fmt: skip
        days = None if stack is None else _days_kept(wanted.bucket, clients)
        yield _compared(
            "retention", wanted.bucket, None if days is None else {"days": days},
            {"days": wanted.retention_days}, {"Rules": [rule]},
        )  # fmt: skip


def _days_kept(bucket: str, clients: Clients) -> int | None:
    """After how many days logs in a bucket expire by the rule that was put there; None: there is no such rule."""
    found: Json = found_or(lambda: clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket), _NOTHING)
    rules: list[Json] = [rule for rule in found.get("Rules", ()) if rule.get("ID") == EXPIRY_RULE]
    return rules[0].get("Expiration", _NOTHING).get("Days") if rules else None


def _log_group_steps(wanted: Wanted, place: Place, clients: Clients) -> Iterator[Step]:
    if not wanted.log_group:
        return
    found = _log_group(wanted, clients)
    stack = None if found is None else _log_group_stack(found, clients)
    kind, differences = _kind_of(stack, wanted), ()
    if kind is Kind.UNCHANGED and found is not None:
        differences = tuple(_flat_differences({"days": found.get("retentionInDays")}, {"days": wanted.retention_days}))
        kind = Kind.UPDATE if differences else kind
    request = {"stack": wanted.stack, "days": wanted.retention_days}
    yield Step(kind, "log group", wanted.log_group, differences, request)
    wanted_role = {"trust": trust_policy(place), "permissions": role_policy(wanted, place)}
    role = found_or(lambda: clients.iam.get_role(RoleName=wanted.role)["Role"], None)
    if role is not None and _tags(role.get("Tags", ())) != wanted.stack:
        says = f"The role {wanted.role} is there, and rockbottom did not make it for the stack {wanted.stack}."
        raise RoleTaken(says, fix="--role takes another name")
    there = None if role is None else {
        "trust": role["AssumeRolePolicyDocument"],
        "permissions": found_or(lambda: clients.iam.get_role_policy(
            RoleName=wanted.role, PolicyName=POLICY)["PolicyDocument"], {}),
    }  # fmt: skip
    yield _compared("role", wanted.role, there, wanted_role, {**wanted_role, "stack": wanted.stack})


def _config_step(wanted: Wanted, place: Place, found: Json, steps: list[Step]) -> Step:
    config = logging_config(wanted, place)
    step = _compared(CONFIGURATION, place.region, found or None, config, config)
    if step.kind is not Kind.UPDATE or wanted.replaces:
        return step
    made = {step.thing for step in steps if step.kind in (Kind.UNCHANGED, Kind.UPDATE)}
    of_role = (found.get("cloudWatchConfig") or _NOTHING).get("roleArn") == role_arn(wanted, place) and "role" in made
    of_bucket = (found.get("s3Config") or _NOTHING).get("bucketName") == wanted.bucket and "bucket policy" in made
    return step if of_role or of_bucket else replace(step, kind=Kind.FOREIGN)


def _removal_steps(
    wanted: Wanted, place: Place, clients: Clients, found: Json, *, with_logs: bool
) -> Iterator[Step]:  # fmt: skip
    policy = _bucket_policy(wanted.bucket, clients) if wanted.bucket else {}
    others, statement = _statements(policy)
    role = found_or(lambda: clients.iam.get_role(RoleName=wanted.role)["Role"], None) if wanted.log_group else None
    ours = role is not None and _tags(role.get("Tags", ())) == wanted.stack
    if found:
        yield Step(Kind.DELETE if ours or statement is not None else Kind.FOREIGN, CONFIGURATION, place.region)
    if ours:
        yield Step(Kind.DELETE, "role", wanted.role)
    if statement is not None:
        request = {**policy, "Statement": others} if others else None
        yield Step(Kind.DELETE, "bucket policy", wanted.bucket, request=request)
    group = _log_group(wanted, clients) if wanted.log_group else None
    if group is not None:
        made = _log_group_stack(group, clients) == wanted.stack
        kind = Kind.FOREIGN if not made else Kind.DELETE if with_logs else Kind.UNCHANGED
        yield Step(kind, "log group", wanted.log_group)
    if wanted.bucket:
        yield Step(Kind.UNCHANGED, "bucket", wanted.bucket)


def _kind_of(stack: str | None, wanted: Wanted) -> Kind:
    if stack is None:
        return Kind.CREATE
    return Kind.UNCHANGED if stack == wanted.stack else Kind.FOREIGN


def _compared(thing: str, name: str, found: Json | None, wanted: Json, request: Mapping[str, Any]) -> Step:
    if found is None:
        return Step(Kind.CREATE, thing, name, request=request)
    differences = tuple(_flat_differences(found, wanted))
    return Step(Kind.UPDATE if differences else Kind.UNCHANGED, thing, name, differences, request)


def _flat_differences(found: Json, wanted: Json) -> Iterator[Difference]:
    here, there = dict(_flat(found)), dict(_flat(wanted))
    for setting in dict.fromkeys([*here, *there]):
        if here.get(setting) != there.get(setting):
            yield Difference(setting, here.get(setting), there.get(setting))


def _flat(value: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a document, each with its path; what is off counts as not there."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{path}{name}.")  # pyright: ignore[reportUnknownArgumentType]  # of JSON
        elif inner not in (None, False, ""):
            yield f"{path}{name}", [inner] if name in ("Action", "Resource") and isinstance(inner, str) else inner


def _found_config(clients: Clients) -> Json:
    return asked(lambda: clients.bedrock.get_model_invocation_logging_configuration()).get("loggingConfig") or _NOTHING


def _bucket_stack(name: str, clients: Clients) -> str | None:
    """The stack that a bucket carries, "" for none, None where there is no such bucket."""
    if found_or(lambda: clients.s3.head_bucket(Bucket=name), None) is None:
        return None
    return _tags(found_or(lambda: clients.s3.get_bucket_tagging(Bucket=name)["TagSet"], ()))


def _bucket_policy(name: str, clients: Clients) -> Json:
    text = found_or(lambda: clients.s3.get_bucket_policy(Bucket=name)["Policy"], "")
    return json.loads(text) if text else {}


def _statements(policy: Json) -> tuple[list[Json], Json | None]:
    """The statements of others, and the one that was put here."""
    given: Any = policy.get("Statement", [])
    statements: list[Json] = [given] if isinstance(given, dict) else list(given)
    others = [one for one in statements if one.get("Sid") != STATEMENT]
    return others, next((one for one in statements if one.get("Sid") == STATEMENT), None)


def _log_group(wanted: Wanted, clients: Clients) -> Json | None:
    groups = asked(lambda: clients.logs.describe_log_groups(logGroupNamePrefix=wanted.log_group)["logGroups"])
    return next((one for one in groups if one["logGroupName"] == wanted.log_group), None)


def _log_group_stack(group: Json, clients: Clients) -> str:
    arn = group["arn"].removesuffix(":*")
    return asked(lambda: clients.logs.list_tags_for_resource(resourceArn=arn)["tags"]).get(STACK_TAG, "")


def _tags(tags: Any) -> str:
    return {tag["Key"]: tag["Value"] for tag in tags}.get(STACK_TAG, "")
