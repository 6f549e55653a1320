"""The calls that make an account log as it should, and no longer."""

import json
from collections.abc import Callable, Iterable, Mapping

from rockbottom.changes import Step, StepKind
from rockbottom.invocation_logging.asking import LoggingClients, answer_of, found_or
from rockbottom.invocation_logging.settings import POLICY, STACK_TAG
from rockbottom.quantities import RockbottomError, error_code

CONFIGURATION = "configuration"
"""The thing that switches logging on: one for an account and Region."""


def apply(
    steps: Iterable[Step], clients: LoggingClients, done: Callable[[Step], None], wait: Callable[[float], None]
) -> None:
    """Carries steps out, telling ``done`` of each step. Raises AccountUnavailable.

    A role is known everywhere only seconds after it was made: where Bedrock refuses it, that is tried again after
    ``wait`` of some seconds. Stopped at any point, the next plan shows what is left.
    """
    for step in steps:
        if step.changes:
            _tried(lambda step=step: _CALLS[step.thing, step.kind](step, clients), step, wait)
            done(step)


def _make_bucket(step: Step, clients: LoggingClients) -> None:
    request = step.request or {}
    where = {} if clients.region == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": clients.region}
    }  # fmt: skip
    clients.s3.create_bucket(Bucket=step.name, **where)
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    clients.s3.put_public_access_block(Bucket=step.name, PublicAccessBlockConfiguration=closed)
    tags = [{"Key": STACK_TAG, "Value": request["stack"]}]
    clients.s3.put_bucket_tagging(Bucket=step.name, Tagging={"TagSet": tags})


def _put_bucket_policy(step: Step, clients: LoggingClients) -> None:
    clients.s3.put_bucket_policy(Bucket=step.name, Policy=json.dumps(step.request))


def _take_from_bucket_policy(step: Step, clients: LoggingClients) -> None:
    if step.request is None:
        clients.s3.delete_bucket_policy(Bucket=step.name)
    else:
        _put_bucket_policy(step, clients)


def _put_lifecycle(step: Step, clients: LoggingClients) -> None:
    clients.s3.put_bucket_lifecycle_configuration(Bucket=step.name, LifecycleConfiguration=step.request)


def _make_log_group(step: Step, clients: LoggingClients) -> None:
    clients.logs.create_log_group(logGroupName=step.name, tags={STACK_TAG: (step.request or {})["stack"]})
    if (step.request or {})["days"] is not None:
        _put_retention(step, clients)


def _put_retention(step: Step, clients: LoggingClients) -> None:
    days = (step.request or {})["days"]
    if days is None:
        clients.logs.delete_retention_policy(logGroupName=step.name)
    else:
        clients.logs.put_retention_policy(logGroupName=step.name, retentionInDays=days)


def _make_role(step: Step, clients: LoggingClients) -> None:
    request = step.request or {}
    clients.iam.create_role(
        RoleName=step.name, AssumeRolePolicyDocument=json.dumps(request["trust"]),
        Description="Bedrock writes its model invocation logs.", Tags=[{"Key": STACK_TAG, "Value": request["stack"]}],
    )  # fmt: skip
    _put_role_policy(step, clients)


def _change_role(step: Step, clients: LoggingClients) -> None:
    trust = json.dumps((step.request or {})["trust"])
    clients.iam.update_assume_role_policy(RoleName=step.name, PolicyDocument=trust)
    _put_role_policy(step, clients)


def _put_role_policy(step: Step, clients: LoggingClients) -> None:
    permissions = json.dumps((step.request or {})["permissions"])
    clients.iam.put_role_policy(RoleName=step.name, PolicyName=POLICY, PolicyDocument=permissions)


def _remove_role(step: Step, clients: LoggingClients) -> None:
    found_or(lambda: clients.iam.delete_role_policy(RoleName=step.name, PolicyName=POLICY), None)
    clients.iam.delete_role(RoleName=step.name)


def _put_configuration(step: Step, clients: LoggingClients) -> None:
    clients.bedrock.put_model_invocation_logging_configuration(loggingConfig=dict(step.request or {}))


def _remove_configuration(step: Step, clients: LoggingClients) -> None:
    clients.bedrock.delete_model_invocation_logging_configuration()


def _remove_log_group(step: Step, clients: LoggingClients) -> None:
    clients.logs.delete_log_group(logGroupName=step.name)


_CALLS: Mapping[tuple[str, StepKind], Callable[[Step, LoggingClients], None]] = {
    ("bucket", StepKind.CREATE): _make_bucket,
    ("bucket policy", StepKind.CREATE): _put_bucket_policy,
    ("bucket policy", StepKind.UPDATE): _put_bucket_policy,
    ("bucket policy", StepKind.DELETE): _take_from_bucket_policy,
    ("retention", StepKind.CREATE): _put_lifecycle,
    ("retention", StepKind.UPDATE): _put_lifecycle,
    ("log group", StepKind.CREATE): _make_log_group,
    ("log group", StepKind.UPDATE): _put_retention,
    ("log group", StepKind.DELETE): _remove_log_group,
    ("role", StepKind.CREATE): _make_role,
    ("role", StepKind.UPDATE): _change_role,
    ("role", StepKind.DELETE): _remove_role,
    (CONFIGURATION, StepKind.CREATE): _put_configuration,
    (CONFIGURATION, StepKind.UPDATE): _put_configuration,
    (CONFIGURATION, StepKind.DELETE): _remove_configuration,
}
_TRIES, _WAIT_S = 6, 5.0


def _tried(call: Callable[[], None], step: Step, wait: Callable[[float], None]) -> None:
    """Calls; a configuration that names a role just made is refused until the role is known everywhere."""
    for left in reversed(range(_TRIES)):
        try:
            return answer_of(call)
        except RockbottomError as error:
            cause = error.__cause__
            refused = isinstance(cause, Exception) and error_code(cause) == "ValidationException"
            if not (left and refused and step.thing == CONFIGURATION):
                raise
        wait(_WAIT_S)
    return None
