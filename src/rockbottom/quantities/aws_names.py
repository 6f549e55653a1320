"""Names that AWS takes for what is made in an account, by their shape alone; nobody is asked whether there is such.

Sources: IAM User Guide, "IAM and AWS STS quotas" (role names) and "IAM identifiers" (ARNs, account numbers of twelve
digits, partitions); Amazon S3 User Guide, "General purpose bucket naming rules"; the shapes KmsKeyId and KmsKeyArn of
Bedrock's service model (2023-04-20, botocore 1.43).
"""

import re

PARTITIONS = ("aws", "aws-us-gov", "aws-cn")
"""The partitions that documents are written for."""

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_KEY_ARN = re.compile(r"arn:aws(-[^:]+)?:kms:[a-zA-Z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]{36}")
_KEY = re.compile(
    rf"{_KEY_ARN.pattern}|(arn:aws(-[^:]+)?:kms:[a-zA-Z0-9-]+:[0-9]{{12}}:)?alias/[\w/-]+|[a-zA-Z0-9-]{{36}}", re.ASCII
)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[!-~]+", re.ASCII)


def is_account(text: str) -> bool:
    """Whether a text is the number of an account."""
    return _ACCOUNT.fullmatch(text) is not None


def is_bucket(text: str) -> bool:
    """Whether a bucket may have this name."""
    return _BUCKET.fullmatch(text) is not None


def is_role(text: str) -> bool:
    """Whether a role may have this name."""
    return _ROLE.fullmatch(text) is not None


def is_role_arn(text: str) -> bool:
    """Whether a text is the ARN of a role."""
    return _ROLE_ARN.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text names a KMS key as Bedrock takes it: its ARN or id, or an alias or the ARN of one."""
    return _KEY.fullmatch(text) is not None


def is_key_arn(text: str) -> bool:
    """Whether a text is the ARN of a KMS key, which policies name keys by."""
    return _KEY_ARN.fullmatch(text) is not None
