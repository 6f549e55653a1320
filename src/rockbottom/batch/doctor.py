"""Which of trust, S3, PassRole, model access or Region policy is wrong when a job fails on access.

Looks only: nothing is made, nothing is invoked. A check that may not be made says so instead of guessing.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from rockbottom.batch.cloud import Cloud, check_bucket, code_of
from rockbottom.batch.errors import BatchError
from rockbottom.batch.permissions import (
    Need,
    document_of,
    file_needs,
    missing,
    model_needs,
    role_statements,
    several,
    statements_of,
)
from rockbottom.batch.setup import SetUpSettings
from rockbottom.catalog import ModelId, Scope
from rockbottom.quantities import Undecodable, is_object


class DoctorVerdict(Enum):
    """What a check found."""

    GOOD = "good"
    WRONG = "wrong"
    UNKNOWN = "not known"


class DoctorCheck(msgspec.Struct, frozen=True):
    """One finding: what was looked at, what was found, and what to do."""

    name: str
    verdict: DoctorVerdict
    found: str
    fix: str = ""


def checks(cloud: Cloud, resources: SetUpSettings, model: ModelId, owner: str | None = None) -> list[DoctorCheck]:
    """Every check, in the order in which a job would fail on it."""
    setup = f"rockbottom batch setup --bucket {resources.bucket} --role {resources.role} --model {model.given} --apply"
    looks: Sequence[tuple[str, Callable[[], DoctorCheck]]] = (
        ("trust", lambda: _trust(cloud, resources, setup)),
        ("S3, for you", lambda: _bucket(cloud, resources, owner)),
        ("S3, for the role", lambda: _role_may(cloud, resources, "S3, for the role", file_needs(resources), setup)),
        ("PassRole", lambda: _pass_role(cloud, resources)),
        ("model access", lambda: _model_access(cloud, model)),
        (
            "model, for the role",
            lambda: _role_may(cloud, resources, "model, for the role", model_needs(resources), setup),
        ),
        ("Region policy", lambda: _regions(cloud, resources, model)),
    )
    return [_guarded(name, look) for name, look in looks]


def _guarded(name: str, look: Callable[[], DoctorCheck]) -> DoctorCheck:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return look()
    except (ClientError, BotoCoreError, BatchError, Undecodable) as error:
        return DoctorCheck(name, DoctorVerdict.UNKNOWN, f"could not be looked at: {error}")


def _trust(cloud: Cloud, resources: SetUpSettings, setup: str) -> DoctorCheck:
    from botocore.exceptions import ClientError

    try:
        role = cloud.call("iam", "get_role", RoleName=resources.role)["Role"]
    except ClientError as error:
        if code_of(error) == "NoSuchEntity":
            return DoctorCheck("trust", DoctorVerdict.WRONG, f"there is no role {resources.role_arn}", setup)
        raise
    why = trust_fault(document_of(role["AssumeRolePolicyDocument"]), resources)
    if why:
        return DoctorCheck("trust", DoctorVerdict.WRONG, why, setup)
    return DoctorCheck("trust", DoctorVerdict.GOOD, "Bedrock may assume the role for jobs of this account and Region")


def trust_fault(document: Mapping[str, Any], resources: SetUpSettings) -> str | None:
    """Why Bedrock may not assume a role with this trust policy, or None."""
    ours = [statement for statement in statements_of(document) if _names_bedrock(statement)]
    if not ours:
        return "the role does not trust bedrock.amazonaws.com"
    reasons = [why for statement in ours if (why := _condition_fault(statement, resources))]
    return None if len(reasons) < len(ours) else reasons[0]


def _names_bedrock(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = several(principal.get("Service") if is_object(principal) else principal)
    actions = several(statement.get("Action"))
    return (
        statement.get("Effect") == "Allow"
        and "bedrock.amazonaws.com" in services
        and any(fnmatchcase("sts:AssumeRole", action) for action in actions)
    )


def _condition_fault(statement: Mapping[str, Any], resources: SetUpSettings) -> str | None:
    job = f"arn:{resources.partition}:bedrock:{resources.region}:{resources.account}:model-invocation-job/abcdefghijkl"
    known = {"aws:sourceaccount": resources.account, "aws:sourcearn": job}
    condition: Any = statement.get("Condition") or {}
    for tests in condition.values():
        for key, allowed in tests.items():
            actual = known.get(key.lower())
            if actual is not None and not any(fnmatchcase(actual, pattern) for pattern in several(allowed)):
                return f"its condition on {key} allows {', '.join(several(allowed))}, but a job comes as {actual}"
    return None


def _bucket(cloud: Cloud, resources: SetUpSettings, owner: str | None) -> DoctorCheck:
    try:
        check_bucket(cloud, resources.bucket, owner)
    except BatchError as error:
        return DoctorCheck("S3, for you", DoctorVerdict.WRONG, str(error), error.fix or "")
    return DoctorCheck(
        "S3, for you", DoctorVerdict.GOOD, f"you can see {resources.bucket}, and it is in {resources.region}"
    )


def _role_may(cloud: Cloud, resources: SetUpSettings, name: str, needs: Sequence[Need], setup: str) -> DoctorCheck:
    """Whether the role's own policies allow each need, read without a simulator."""
    lacking = missing(role_statements(cloud, resources.role), needs)
    if lacking:
        return DoctorCheck(name, DoctorVerdict.WRONG, f"the role's policies do not allow {'; '.join(lacking)}", setup)
    actions = ", ".join(dict.fromkeys(need.action for need in needs))
    where = f" at {resources.input_at} and {resources.output_at}" if resources.input_at and needs[0].context else ""
    return DoctorCheck(name, DoctorVerdict.GOOD, f"the role's policies allow {actions}{where}")


def _pass_role(cloud: Cloud, resources: SetUpSettings) -> DoctorCheck:
    who = cloud.call("sts", "get_caller_identity")["Arn"]
    principal = _principal(who)
    if principal is None:
        return DoctorCheck(
            "PassRole", DoctorVerdict.UNKNOWN, f"{who} is not a role or user whose policies can be simulated"
        )
    reply = cloud.call(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=principal,
        ActionNames=["iam:PassRole"],
        ResourceArns=[resources.role_arn],
        ContextEntries=[
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": ["bedrock.amazonaws.com"],
                "ContextKeyType": "string",
            }
        ],
    )
    if all(result["EvalDecision"] == "allowed" for result in reply["EvaluationResults"]):
        return DoctorCheck("PassRole", DoctorVerdict.GOOD, f"{principal} may pass the role to Bedrock")
    fix = f"allow iam:PassRole on {resources.role_arn}: callerPermissions of rockbottom batch setup"
    return DoctorCheck(
        "PassRole", DoctorVerdict.WRONG, f"{principal} may not pass {resources.role_arn} to Bedrock", fix
    )


def _principal(arn: str) -> str | None:
    """The IAM ARN behind a caller's: an assumed role's session is its role."""
    parts = arn.split(":")
    kind, _, name = parts[5].partition("/")
    if kind == "assumed-role":
        return f"{':'.join((parts[0], parts[1], 'iam', '', parts[4]))}:role/{name.split('/')[0]}"
    return arn if kind in ("user", "role") else None


def _model_access(cloud: Cloud, model: ModelId) -> DoctorCheck:
    availability = cloud.call("bedrock", "get_foundation_model_availability", modelId=model.model.id)
    wrong = {
        "authorizationStatus": ("AUTHORIZED", "the account is not authorized for the model"),
        "entitlementAvailability": ("AVAILABLE", "the account is not entitled to the model"),
        "regionAvailability": ("AVAILABLE", f"the model is not offered in {cloud.region}"),
    }
    for name, (good, why) in wrong.items():
        if availability.get(name) not in (None, good):
            fix = "the Bedrock console's model catalog gives access; Anthropic models ask for a use case first"
            return DoctorCheck("model access", DoctorVerdict.WRONG, f"{why} ({name}: {availability[name]})", fix)
    agreement: Any = availability.get("agreementAvailability") or {}
    if agreement.get("status") not in (None, "AVAILABLE"):
        why = f"the model's agreement was not accepted ({agreement['status']})"
        return DoctorCheck("model access", DoctorVerdict.WRONG, why)
    return DoctorCheck("model access", DoctorVerdict.GOOD, f"{model.model.name} may be used in {cloud.region}")


def _regions(cloud: Cloud, resources: SetUpSettings, model: ModelId) -> DoctorCheck:
    """What a policy on Regions must allow; whether one forbids it cannot be read from inside the account."""
    if model.scope is Scope.IN_REGION and model.application_profile is None:
        return DoctorCheck("Region policy", DoctorVerdict.GOOD, f"the job stays in {resources.region}")
    places = sorted({arn.split(":")[3] for arn in resources.models if ":foundation-model/" in arn} - {"", "*"})
    where = ", ".join(places) or "every destination Region of the profile"
    text = f"a service control policy on Regions must allow {where}"
    if model.scope is Scope.GLOBAL:
        text += ", and the Region 'unspecified', which global requests carry"
    denied = _denied_regions(cloud, resources, places)
    if denied:
        return DoctorCheck("Region policy", DoctorVerdict.WRONG, f"the organization denies {', '.join(denied)}; {text}")
    text += "; only the organization's management account can see whether it does"
    return DoctorCheck("Region policy", DoctorVerdict.UNKNOWN, text)


def _denied_regions(cloud: Cloud, resources: SetUpSettings, places: Sequence[str]) -> list[str]:
    """Regions in which the simulator says that the organization forbids the call."""
    denied: list[str] = []
    for place in places:
        reply = cloud.call(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=resources.role_arn,
            ActionNames=["bedrock:InvokeModel"],
            ResourceArns=[arn for arn in resources.models if f":{place}:" in arn][:1],
            ContextEntries=[
                {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [place], "ContextKeyType": "string"}
            ],
        )
        for result in reply["EvaluationResults"]:
            detail: Any = result.get("OrganizationsDecisionDetail") or {}
            if detail.get("AllowedByOrganizations") is False:
                denied.append(place)
    return denied
