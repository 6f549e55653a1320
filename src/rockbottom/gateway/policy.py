"""The least IAM policy of a gateway: what it calls, and nothing else."""

from collections.abc import Iterable
from typing import Any

from rockbottom.ledger import is_s3

_CALLS = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens")
"""Converse and ConverseStream ask for the permissions of InvokeModel (API reference of Converse, 2026-11-29)."""
_MANTLE = tuple(
    f"bedrock-mantle:{name}"
    for name in ("CreateInference", "GetInference", "CancelInference", "DeleteInference", "CountTokens", "ListModels")
)
"""User guide: workspaces, count-tokens, logging-cloudtrail-mantle (2026-11-29)."""
_READS = ("bedrock:GetInferenceProfile", "bedrock:ListInferenceProfiles")


def least_policy(roles: Iterable[str] = (), partition: str = "aws", ship: str = "") -> dict[str, Any]:
    """The policy of the gateway's own credentials: ``roles`` that it assumes for some keys, a prefix to ship to."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "Call",
            "Effect": "Allow",
            "Action": list(_CALLS),
            "Resource": [
                f"arn:{partition}:bedrock:*::foundation-model/*",
                f"arn:{partition}:bedrock:*:*:inference-profile/*",
                f"arn:{partition}:bedrock:*:*:application-inference-profile/*",
                f"arn:{partition}:bedrock:*:*:project/default",  # Responses and Chat Completions
            ],
        },
        {
            "Sid": "CallMantle",
            "Effect": "Allow",
            "Action": list(_MANTLE),
            "Resource": f"arn:{partition}:bedrock-mantle:*:*:project/*",
        },
        {"Sid": "LookUp", "Effect": "Allow", "Action": list(_READS), "Resource": "*"},
    ]
    listed = sorted(set(roles))
    if listed:
        assume = ["sts:AssumeRole", "sts:TagSession"]
        statements.append({"Sid": "Assume", "Effect": "Allow", "Action": assume, "Resource": listed})
    if is_s3(ship):
        statements += _shipping(partition, *ship.removeprefix("s3://").partition("/")[::2])
    return {"Version": "2012-10-17", "Statement": statements}


def _shipping(partition: str, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """To put files, to see what is there already, and to be told where nothing is (HeadObject, S3 API reference)."""
    below = f"{prefix.strip('/')}/*" if prefix.strip("/") else "*"
    here = f"arn:{partition}:s3:::{bucket}"
    within = {"StringLike": {"s3:prefix": [below]}}
    return [
        {"Sid": "Ship", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"{here}/{below}"},
        {"Sid": "Look", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": here, "Condition": within},
    ]
