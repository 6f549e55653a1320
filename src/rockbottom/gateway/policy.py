"""The least IAM policy of a gateway: what it calls, and nothing else."""

from collections.abc import Iterable
from typing import Any

_CALLS = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens")
"""Converse and ConverseStream ask for the permissions of InvokeModel (API reference of Converse, 2026-11-29)."""
_READS = ("bedrock:GetInferenceProfile", "bedrock:ListInferenceProfiles")


def least_policy(roles: Iterable[str] = (), partition: str = "aws") -> dict[str, Any]:
    """The policy of the gateway's own credentials; ``roles`` are those that it assumes for some keys."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "Call",
            "Effect": "Allow",
            "Action": list(_CALLS),
            "Resource": [
                f"arn:{partition}:bedrock:*::foundation-model/*",
                f"arn:{partition}:bedrock:*:*:inference-profile/*",
                f"arn:{partition}:bedrock:*:*:application-inference-profile/*",
            ],
        },
        {"Sid": "LookUp", "Effect": "Allow", "Action": list(_READS), "Resource": "*"},
    ]
    listed = sorted(set(roles))
    if listed:
        assume = ["sts:AssumeRole", "sts:TagSession"]
        statements.append({"Sid": "Assume", "Effect": "Allow", "Action": assume, "Resource": listed})
    return {"Version": "2012-10-17", "Statement": statements}
