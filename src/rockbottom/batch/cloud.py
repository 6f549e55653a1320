"""AWS as a run uses it: clients, patience with throttling, and refusals in words that say what to do."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rockbottom.batch.errors import AccessRefused, BatchError, InvalidSettings, ServiceBusy
from rockbottom.figures import counted
from rockbottom.process import Wait, awaited, bounded, leads_here, local_client
from rockbottom.quantities import AwsAnswer

_T = TypeVar("_T")
_BUSY = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "InternalServerException",
        "InternalError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "ModelNotReadyException",
        "ModelTimeoutException",
    }
)
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "403",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ATTEMPTS = 8
_FIRST_ATTEMPTS = 3
"""Tries of a host that cannot be reached and has not answered this run yet: it may not be there at all."""
_LONGEST_S = 60.0
_CONNECT_S, _READ_S = 10.0, 60.0
_SOMEWHERE = "AWS"


@dataclass(slots=True)
class Cloud:
    """Clients of one account and Region, made when first used. ``sleep`` and ``chance`` are for waiting.

    URLs of endpoints are for the local endpoint and for private ones; None means AWS's own (or what
    ``AWS_ENDPOINT_URL_...`` says, which boto3 reads itself).
    """

    region: str
    profile: str | None = None
    bedrock_url: str | None = None
    s3_url: str | None = None
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    credentials: dict[str, str] = field(default_factory=dict[str, str])
    _clients: dict[str, Any] = field(default_factory=dict[str, Any])
    _reached: set[str] = field(default_factory=set[str])  # hosts that answered

    def client(self, service: str) -> Any:
        """A boto3 client; the local endpoint's S3 plays IAM, STS and Service Quotas too."""
        if service not in self._clients:
            url = self.bedrock_url if service.startswith("bedrock") else self.s3_url
            path = {"addressing_style": "path"} if self.s3_url else {}
            settings: dict[str, Any] = {
                "retries": {"total_max_attempts": 1},
                "connect_timeout": _CONNECT_S,
                "read_timeout": _READ_S,
                "s3": path,
            }
            self._clients[service] = self._new_client(service, url, settings)
            self._check_place(service)
        return self._clients[service]

    def _new_client(self, service: str, url: str | None, settings: dict[str, Any]) -> Any:
        if self.credentials and leads_here(url):
            return local_client(service, url, self.region, key=self.credentials["aws_access_key_id"], **settings)
        import boto3
        from botocore.config import Config

        session: Any = boto3.Session(profile_name=self.profile, region_name=self.region, **self.credentials)
        return bounded(session.client(service, endpoint_url=url, config=Config(**settings)))

    @property
    def local(self) -> bool:
        """Whether calls of Bedrock go to an endpoint on this machine, by its URL and by the clients made so far."""
        urls = (client.meta.endpoint_url for name, client in self._clients.items() if name.startswith("bedrock"))
        return leads_here(self.bedrock_url) or any(leads_here(str(url)) for url in urls)

    def _check_place(self, service: str) -> None:
        """Raise InvalidSettings where Bedrock is played on this machine and another service would be AWS's own."""
        host = urlsplit(str(self._clients[service].meta.endpoint_url)).hostname or ""
        if self.local and host.endswith(_AWS_HOSTS):
            del self._clients[service]
            where = self.bedrock_url or "of the environment"
            raise InvalidSettings(
                f"Bedrock is the local endpoint {where}, and {service} would be AWS's own ({host}).",
                fix="--s3-endpoint-url URL or AWS_ENDPOINT_URL_S3: rockbottom serve --s3 moto prints the one beside it",
            )

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """One call, waited for with growing pauses while the service is busy. Raises BatchError or ClientError."""
        return self.patiently(
            f"{service}:{operation}", lambda: AwsAnswer(getattr(self.client(service), operation)(**arguments))
        )

    def patiently(self, action: str, attempt: Callable[[], _T]) -> _T:
        """``attempt`` until it succeeds, the service has been busy for too long, or it refuses."""
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
        from botocore.parsers import ResponseParserError

        number = 0
        with awaited(Wait(action, "")) as wait:
            while True:
                number += 1
                wait.number = number - 1  # what goes out counts itself
                wait.tries = self._tries(wait.whom)
                wait.longest_s = wait.tries * (_CONNECT_S + _READ_S) + sum(map(_pause_s, range(1, wait.tries)))
                try:
                    answer = attempt()
                    self._reached.add(wait.whom)
                    return answer
                except ClientError as error:
                    self._reached.add(wait.whom)
                    code = code_of(error)
                    if code in _REFUSED:
                        raise refused(action, error) from error
                    if code not in _BUSY:
                        raise
                    last: Exception = error
                except (ConnectionError, HTTPClientError) as error:
                    last = error
                except ResponseParserError as error:
                    raise AccessRefused(f"{action}: the answer is not one of AWS's: {str(error)[:200]}") from error
                except BotoCoreError as error:
                    raise AccessRefused(
                        f"{action}: {error}", fix="aws configure, or --profile NAME and --region"
                    ) from error
                if number >= self._tries(wait.whom):
                    raise ServiceBusy(
                        f"{action} failed {counted(number, 'time')}: {last}",
                        fix="nothing is lost; the same command continues where it stopped",
                    ) from last
                wait.whom = wait.whom or _SOMEWHERE
                self.sleep(_pause_s(number) * (0.5 + self.chance() / 2))

    def _tries(self, host: str) -> int:
        """How often a host is tried; where others of its threads know its name, it has answered if anybody has."""
        answered = host in self._reached if host not in ("", _SOMEWHERE) else bool(self._reached)
        return _ATTEMPTS if answered else _FIRST_ATTEMPTS


def _pause_s(number: int) -> float:
    """The longest pause after a try."""
    return min(_LONGEST_S, 2.0 ** (number - 1))


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def refused(action: str, error: Any) -> BatchError:
    """A refusal in words."""
    message = error.response.get("Error", {}).get("Message") or "no reason given"
    return AccessRefused(
        f"{action} was refused: {message}",
        fix="rockbottom batch doctor says which permission is missing; rockbottom batch setup prints them all",
    )


def check_bucket(cloud: Cloud, bucket: str, owner: str | None) -> None:
    """Raise one clear error when the bucket is not there, not ours, or in another Region."""
    from botocore.exceptions import ClientError

    expected = {"ExpectedBucketOwner": owner} if owner else {}
    try:
        reply = cloud.call("s3", "head_bucket", Bucket=bucket, **expected)
    except AccessRefused as error:
        raise AccessRefused(
            f"No access to the bucket {bucket}: it belongs to somebody else, or s3:ListBucket is missing.",
            fix=f"rockbottom batch setup --bucket {bucket} prints the permissions",
        ) from error
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            raise InvalidSettings(
                f"There is no bucket {bucket}.", fix=f"rockbottom batch setup --bucket {bucket} --apply makes it"
            ) from error
        if code_of(error) in ("301", "PermanentRedirect"):
            raise InvalidSettings(
                f"The bucket {bucket} is not in {cloud.region}, and a batch job reads from its own Region.",
                fix="give a bucket of that Region, or the bucket's own --region",
            ) from error
        raise
    region = reply.get("BucketRegion") or reply["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    if region and region != cloud.region:
        raise InvalidSettings(
            f"The bucket {bucket} is in {region}, and the job would run in {cloud.region}.",
            fix=f"--region {region}, or a bucket in {cloud.region}",
        )
