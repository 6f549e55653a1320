"""Whether the policies of a role allow what a job does with it, read statement by statement without a simulator.

Conditions are judged where they ask for what is known of a job: the bucket's account and the prefix listed. A condition
on anything else is taken to be met by a statement that allows, and not to be met by one that denies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from rockbottom.batch.cloud import Cloud
from rockbottom.batch.setup import SetUpSettings
from rockbottom.quantities import decoded, is_list, is_object

Statement = Mapping[str, Any]
_NEGATED = ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike", "StringNotEqualsIgnoreCase")


@dataclass(frozen=True, slots=True)
class Need:
    """One action on one resource, with the condition keys (in lower case) that are known of it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def file_needs(resources: SetUpSettings) -> list[Need]:
    """What a job reads and writes: its input and output locations, each in its own bucket."""
    in_bucket, in_key = _located(resources.input_at or f"s3://{resources.bucket}/rockbottom/")
    out_bucket, out_key = _located(resources.output_at or f"s3://{resources.bucket}/rockbottom/")
    reads = in_key if in_key and not in_key.endswith("/") else f"{in_key}part-001.jsonl"
    writes = f"{out_key.rstrip('/')}/abcdefghijkl/manifest.json.out".lstrip("/")
    arn = f"arn:{resources.partition}:s3:::"
    mine = {"aws:resourceaccount": resources.account}
    return [
        Need("s3:GetObject", f"{arn}{in_bucket}/{reads}", mine),
        Need("s3:PutObject", f"{arn}{out_bucket}/{writes}", mine),
        Need("s3:ListBucket", f"{arn}{in_bucket}", {**mine, "s3:prefix": in_key}),
        *([Need("s3:ListBucket", f"{arn}{out_bucket}", {**mine, "s3:prefix": out_key})] * (out_bucket != in_bucket)),
    ]


def model_needs(resources: SetUpSettings) -> list[Need]:
    """The models, and the profile before them, that the role must be allowed to invoke."""
    return [Need("bedrock:InvokeModel", arn.replace(":*:", ":us-east-1:")) for arn in resources.models]


def missing(statements: Sequence[Statement], needs: Iterable[Need]) -> list[str]:
    """The needs that no statement allows, or that one denies."""
    return [str(need) for need in needs if not allowed(statements, need)]


def missing_permissions(cloud: Cloud, resources: SetUpSettings) -> tuple[list[str], list[str]]:
    """What the role's own policies do not allow: of the files, and of the models. Raises ClientError, BatchError."""
    statements = role_statements(cloud, resources.role)
    return missing(statements, file_needs(resources)), missing(statements, model_needs(resources))


def role_statements(cloud: Cloud, role: str) -> list[Statement]:
    """Every statement of a role's inline and attached policies. Raises ClientError, BatchError."""
    statements: list[Statement] = []
    for name in cloud.call("iam", "list_role_policies", RoleName=role)["PolicyNames"]:
        policy = cloud.call("iam", "get_role_policy", RoleName=role, PolicyName=name)
        statements.extend(statements_of(document_of(policy["PolicyDocument"])))
    for attached in cloud.call("iam", "list_attached_role_policies", RoleName=role)["AttachedPolicies"]:
        version = cloud.call("iam", "get_policy", PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        policy = cloud.call("iam", "get_policy_version", PolicyArn=attached["PolicyArn"], VersionId=version)
        statements.extend(statements_of(document_of(policy["PolicyVersion"]["Document"])))
    return statements


def allowed(statements: Iterable[Statement], need: Need) -> bool:
    """Whether a statement allows it and none denies it."""
    effects = {statement["Effect"] for statement in statements if _hits(statement, need)}
    return "Allow" in effects and "Deny" not in effects


def _hits(statement: Statement, need: Need) -> bool:
    return (
        _names(statement, "Action", need.action.lower(), lower=True)
        and _names(statement, "Resource", need.resource)
        and _conditions_met(statement, need.context)
    )


def _names(statement: Statement, member: str, value: str, *, lower: bool = False) -> bool:
    patterns = several(statement.get(member)) or several(statement.get(f"Not{member}"))
    hit = any(fnmatchcase(value, pattern.lower() if lower else pattern) for pattern in patterns)
    return hit if member in statement else bool(patterns) and not hit


def _conditions_met(statement: Statement, context: Mapping[str, str]) -> bool:
    condition: Any = statement.get("Condition") or {}
    for operator, tests in condition.items():
        for key, values in tests.items():
            actual = context.get(key.lower())
            if actual is None:
                if statement["Effect"] == "Deny":
                    return False
                continue
            hit = any(fnmatchcase(actual, pattern) for pattern in several(values))
            if hit == operator.removesuffix("IfExists").startswith(_NEGATED):
                return False
    return True


def statements_of(document: Mapping[str, Any]) -> Sequence[Statement]:
    """The statements of a policy document, which may hold one alone."""
    statements = document.get("Statement", [])
    return statements if is_list(statements) else [statements]


def document_of(raw: Any) -> Mapping[str, Any]:
    """A policy document as IAM gives it: an object, or its JSON, perhaps percent-encoded. Raises Undecodable."""
    value = decoded(unquote(raw)) if isinstance(raw, str) else raw
    return value if is_object(value) else {}


def several(value: Any) -> list[str]:
    """A member of a policy that holds one text or many."""
    if value is None:
        return []
    return [str(part) for part in value] if is_list(value) else [str(value)]


def _located(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
