"""boto3 clients of an account, and what became of a call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rockbottom.cloudwatch import error_code, unavailable

_MISSING = (
    "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchLifecycleConfiguration", "NoSuchEntity", "404",
    "ResourceNotFoundException", "NotFound",
)  # fmt: skip
_POLICY = "logging policy apply"


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients of Bedrock's control plane, S3, IAM, CloudWatch Logs and STS in one Region."""

    bedrock: Any
    s3: Any
    iam: Any
    logs: Any
    sts: Any
    region: str


def found_or(call: Callable[[], Any], missing: Any) -> Any:
    """What a call gives, or ``missing`` where there is no such thing. Raises AccountUnavailable."""
    try:
        return call()
    except Exception as error:
        if error_code(error) in _MISSING:
            return missing
        raise unavailable(error, _POLICY) from error


def answer_of(call: Callable[[], Any]) -> Any:
    """What a call gives. Raises AccountUnavailable."""
    try:
        return call()
    except Exception as error:
        raise unavailable(error, _POLICY) from error
