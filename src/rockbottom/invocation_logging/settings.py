"""What logging of model invocations is wanted, and what AWS takes and charges for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any

from rockbottom.files import packaged
from rockbottom.quantities import RockbottomError, Source, Usd, is_bucket, is_role

DATA_KINDS: Mapping[str, str] = {
    "text": "textDataDeliveryEnabled",
    "image": "imageDataDeliveryEnabled",
    "embedding": "embeddingDataDeliveryEnabled",
    "video": "videoDataDeliveryEnabled",
    "audio": "audioDataDeliveryEnabled",
}
"""What can be logged, by a word, and the switch of it in ``loggingConfig``."""
DEFAULT_ROLE = "rockbottom-invocation-logging"
DEFAULT_RETENTION_DAYS = 30
STACK_TAG = "rockbottom:stack"
"""The tag by which what was made here is known again; its value is the name of the stack."""
POLICY = "write-invocation-logs"
"""The name of the permissions on the role."""
EXPIRY_RULE = "rockbottom-invocation-logging"
"""The id of the rule by which a bucket lets logs expire."""
_LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")


class InvalidLogging(RockbottomError):
    """Settings that AWS would refuse, or that name no place for the logs."""


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """Where logs are to go, and for how long they stay there; ``retention_days`` None: for ever.

    With both a bucket and a log group, the bucket also takes the bodies that are too long for CloudWatch Logs.
    ``replaces``: a configuration that somebody else made may be replaced.
    """

    bucket: str = ""
    prefix: str = ""
    log_group: str = ""
    role: str = DEFAULT_ROLE
    retention_days: int | None = DEFAULT_RETENTION_DAYS
    kinds: tuple[str, ...] = ("text",)
    stack: str = "default"
    replaces: bool = False

    def checked(self) -> "LoggingSettings":
        """The settings themselves. Raises InvalidLogging."""
        if not (self.bucket or self.log_group):
            raise InvalidLogging("Logs must go somewhere.", fix="give --bucket NAME, --log-group NAME, or both")
        for name, value, fits in (
            ("bucket", self.bucket, is_bucket), ("log group", self.log_group, _LOG_GROUP.fullmatch),
            ("role", self.role, is_role),
        ):  # fmt: skip
            if value and not fits(value):
                raise InvalidLogging(f"{value!r} cannot be the name of a {name}.")
        unknown = [kind for kind in self.kinds if kind not in DATA_KINDS]
        if unknown:
            raise InvalidLogging(f"{unknown[0]!r} cannot be logged; there are {', '.join(DATA_KINDS)}.")
        if self.log_group and self.retention_days is not None and self.retention_days not in retention_days():
            days = ", ".join(map(str, retention_days()))
            raise InvalidLogging(f"CloudWatch Logs does not keep logs for {self.retention_days} days.", fix=days)
        return self


@dataclass(frozen=True, slots=True)
class AccountRegion:
    """The account and Region in which models are invoked."""

    account: str
    region: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class LoggingFees:
    """What AWS charges, in US dollars; ``source`` says where that was read."""

    log_gb: Usd
    log_gb_month: Usd
    s3_gb_month: Usd
    s3_thousand_files: Usd
    source: Source


_data = partial(packaged, "invocation_logging", "logging")


@cache
def retention_days() -> tuple[int, ...]:
    """The numbers of days for which CloudWatch Logs keeps logs."""
    return tuple(_data()["retention"]["days"])


@cache
def fees() -> LoggingFees:
    """What AWS charges for logs, as packaged."""
    raw = _data()["fees"]
    cited = raw["source"]
    source = Source("logging", cited["title"], cited["url"], cited["checked_on"])
    return LoggingFees(**{name: Decimal(value) for name, value in raw.items() if isinstance(value, str)}, source=source)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How logs are delivered: the stream, the folder, and how many bytes a body in CloudWatch Logs has at the most."""

    most_bytes_of_a_body: int
    log_stream: str
    folder: str


def delivery() -> Delivery:
    """What AWS says of it."""
    raw = _data()["delivery"]
    return Delivery(raw["most_bytes_of_a_body"], raw["log_stream"], raw["folder"])


def logging_config(settings: LoggingSettings, place: AccountRegion) -> dict[str, Any]:
    """The ``loggingConfig`` of PutModelInvocationLoggingConfiguration."""
    config: dict[str, Any] = {switch: kind in settings.kinds for kind, switch in DATA_KINDS.items()}
    s3 = {"bucketName": settings.bucket, **({"keyPrefix": settings.prefix} if settings.prefix else {})}
    if settings.bucket:
        config["s3Config"] = s3
    if settings.log_group:
        large = {"largeDataDeliveryS3Config": s3} if settings.bucket else {}
        config["cloudWatchConfig"] = {"logGroupName": settings.log_group, "roleArn": role_arn(settings, place), **large}
    return config


def role_arn(settings: LoggingSettings, place: AccountRegion) -> str:
    """The ARN of the role by which Bedrock writes to the log group."""
    return f"arn:{place.partition}:iam::{place.account}:role/{settings.role}"


def address_of(settings: LoggingSettings, place: AccountRegion) -> str:
    """The S3 prefix under which the logs of the account lie."""
    folder = "/".join(filter(None, (settings.bucket, settings.prefix.strip("/"))))
    return f"s3://{folder}/AWSLogs/{place.account}/{delivery().folder}/{place.region}/"
