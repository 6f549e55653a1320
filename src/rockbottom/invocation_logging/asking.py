"""boto3 clients of an account, and what became of a call."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rockbottom import cloudwatch

_MISSING = (
    "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchLifecycleConfiguration", "NoSuchEntity", "404",
    "ResourceNotFoundException", "NotFound",
)  # fmt: skip
answer_of = partial(cloudwatch.answer_of, policy="logging policy apply")
"""What a call gives. Raises AccountUnavailable."""


@dataclass(frozen=True, slots=True)
class LoggingClients:
    """boto3 clients of Bedrock's control plane, S3, IAM, CloudWatch Logs and STS in one Region."""

    bedrock: Any
    s3: Any
    iam: Any
    logs: Any
    sts: Any
    region: str


def found_or(call: Callable[[], Any], missing: Any) -> Any:
    """What a call gives, or ``missing`` where there is no such thing. Raises AccountUnavailable."""
    return answer_of(call, codes=_MISSING, missing=missing)
