"""Where a bench runs: AWS, or the local endpoint. Both are reached by boto3 over HTTP, nothing else."""

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request as HttpRequest

import msgspec

from rockbottom.batch import Cloud
from rockbottom.bench.calling import before_sending
from rockbottom.bench.errors import EndpointDied, EndpointRefused
from rockbottom.catalog import Scope, distillation_pairs, scope_of_model_arns
from rockbottom.process import bounded, content_of_reply, local_client, opened

_ACCOUNTS = 100_000_000_000  # 12 digits: the local endpoint takes such an access key for the account


@dataclass(frozen=True, slots=True)
class JobsAt:
    """Where batch jobs of a run read and write, and as which role; ``s3_url`` None is AWS's own S3."""

    bucket: str
    role_arn: str
    s3_url: str | None = None


class Endpoint(Protocol):
    """What the runner needs of a place to run."""

    kind: str
    region: str
    counted: bool  # tokens were counted by the service
    jobs: JobsAt | None  # None: no batch jobs can be run from here

    def client(self, number: int) -> Any:
        """A boto3 ``bedrock-runtime`` client for pass ``number``."""
        ...

    def cloud(self, number: int) -> Cloud:
        """The clients of a batch job of pass ``number``; needs ``jobs``."""
        ...

    def script(self, number: int, answer: Sequence[Mapping[str, Any]] | None) -> None:
        """Fix the next reply, where the endpoint can do that."""
        ...

    def wait(self, seconds: float) -> None:
        """Let so much time pass between two turns."""
        ...

    def resolve(self, arn: str) -> str:
        """The id behind an application inference profile."""
        ...

    def moved(self) -> float:
        """Seconds by which the endpoint's clock was moved ahead of real time."""
        ...

    @property
    def isolated(self) -> bool:
        """Whether each pass starts with an empty cache; where not, the runner puts a nonce into the prompt."""
        ...

    @property
    def canned(self) -> bool:
        """Whether its answers are made up, so that they say nothing of a model's quality."""
        ...


@dataclass(slots=True)
class AwsEndpoint:
    """Amazon Bedrock. Waiting is real, replies are the model's own, and the cache cannot be emptied."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    sleep: Callable[[float], None] = time.sleep
    kind: str = "aws"
    counted: bool = True
    jobs: JobsAt | None = None
    _client: Any = None

    def check(self) -> None:
        """See that there are credentials, without a request to Bedrock; raises EndpointRefused or WrongSetting."""
        import boto3
        from botocore.exceptions import BotoCoreError, NoCredentialsError

        try:
            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            if not os.environ.get("AWS_BEARER_TOKEN_BEDROCK") and session.get_credentials() is None:
                raise NoCredentialsError()
        except BotoCoreError as error:
            raise before_sending(error) from error

    def client(self, number: int) -> Any:
        """One boto3 client, the same for every pass."""
        if self._client is None:
            import boto3

            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            self._client = bounded(
                session.client("bedrock-runtime", endpoint_url=self.endpoint_url, config=_config(retries=4))
            )
        return self._client

    def cloud(self, number: int) -> Cloud:
        """The clients of one account, the same for every job."""
        s3_url = self.jobs.s3_url if self.jobs else None
        return Cloud(self.region, self.profile, self.endpoint_url, s3_url, sleep=self.sleep)

    def script(self, number: int, answer: Sequence[Mapping[str, Any]] | None) -> None:
        """Does nothing: the reply of a model on AWS cannot be fixed."""

    def wait(self, seconds: float) -> None:
        if seconds:
            self.sleep(seconds)

    def resolve(self, arn: str) -> str:
        """Ask GetInferenceProfile, with the same credentials."""
        import boto3

        session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
        client = bounded(session.client("bedrock", endpoint_url=self.endpoint_url, config=_config(retries=4)))
        return _behind(client, arn)

    def moved(self) -> float:
        """Zero: the clock of AWS cannot be moved."""
        return 0.0

    @property
    def isolated(self) -> bool:
        """False: entries of an earlier lane may still live."""
        return False

    @property
    def canned(self) -> bool:
        """False, unless the URL given (or set for boto3) is that of a local endpoint."""
        return _is_local(self.client(0).meta.endpoint_url)


@dataclass(slots=True)
class LocalEndpoint:
    """The local endpoint at ``url``. Every pass runs in an account of its own, so nothing leaks between lanes.

    The clock is moved instead of waiting. ``retries`` is how often boto3 tries a request in all. ``first_account`` is
    by chance, so that a second run against an endpoint that goes on running starts with an empty cache too.
    """

    url: str
    region: str = "us-east-1"
    kind: str = "local"
    counted: bool = False
    retries: int = 2
    first_account: int = field(default_factory=lambda: secrets.randbelow(800_000_000_000))
    timeout_s: float = 60.0
    jobs: JobsAt | None = None
    _moved: float = 0.0
    _clients: dict[int, Any] = field(default_factory=dict[int, Any])

    def client(self, number: int) -> Any:
        """A client whose account nobody else uses."""
        if number not in self._clients:
            self._clients[number] = local_client(
                "bedrock-runtime", self.url, self.region, key=self._account(number),
                **_settings(self.retries, self.timeout_s),
            )  # fmt: skip
        return self._clients[number]

    def cloud(self, number: int) -> Cloud:
        """An account of its own; waiting for a job moves the clock."""
        keys = {"aws_access_key_id": self._account(number), "aws_secret_access_key": "local"}
        s3_url = self.jobs.s3_url if self.jobs else None
        return Cloud(self.region, None, self.url, s3_url, sleep=self.wait, credentials=keys)

    def script(self, number: int, answer: Sequence[Mapping[str, Any]] | None) -> None:
        """Fix the reply of the next request; whatever a refused request left waiting is dropped first."""
        self._control("DELETE", "replies")
        if answer:
            texts = [block["text"] for block in answer if "text" in block]
            whole = {"text": texts[0]} if len(answer) == len(texts) == 1 else {"content": list(answer)}
            self._control("POST", "replies", whole)

    def wait(self, seconds: float) -> None:
        if seconds:
            self._control("POST", "clock", {"advance": seconds})
            self._moved += seconds

    def resolve(self, arn: str) -> str:
        """Ask the endpoint, which knows the profiles that were created on it."""
        account = arn.split(":")[4] or "local"
        return _behind(local_client("bedrock", self.url, self.region, key=account, **_settings(self.retries)), arn)

    def moved(self) -> float:
        """The sum of all seconds that ``wait`` was given."""
        return self._moved

    @property
    def isolated(self) -> bool:
        """True: each pass has an account of its own."""
        return True

    @property
    def canned(self) -> bool:
        return True

    def _account(self, number: int) -> str:
        return str(_ACCOUNTS + self.first_account + number)

    def _control(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        request = HttpRequest(
            f"{self.url.rstrip('/')}/_rockbottom/{path}",
            data=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            method=verb,
        )
        try:
            with opened(request, self.timeout_s) as answer:
                content_of_reply(answer)
        except (URLError, OSError) as error:
            raise EndpointDied(f"cannot reach the local endpoint at {self.url}: {error}") from error


def _is_local(url: str) -> bool:
    """Whether a local endpoint listens at ``url``; one of AWS's own names is not asked."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host.endswith(("amazonaws.com", "amazonaws.com.cn", ".aws")):
        return False
    try:
        with opened(f"{url.rstrip('/')}/_rockbottom/clock", 5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _behind(client: Any, arn: str) -> str:
    """The model or profile id that an application profile or a deployment stands for; raises EndpointRefused."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if ":custom-model-deployment/" in arn:
            return _taught(client, arn)
        profile = client.get_inference_profile(inferenceProfileIdentifier=arn)
    except (BotoCoreError, ClientError) as error:
        raise EndpointRefused(
            f"cannot look up {arn}: {error}",
            fix="give the id of the model or system profile, or allow bedrock:GetInferenceProfile",
        ) from error
    arns = [model["modelArn"] for model in profile["models"]]
    scope = scope_of_model_arns(arns)
    bare = arns[0].rpartition("/")[2]
    return bare if scope in (None, Scope.IN_REGION) else f"{scope.value}.{bare}"


def _config(retries: int, timeout_s: float = 300.0) -> Any:
    from botocore.config import Config

    return Config(**_settings(retries, timeout_s))


def _settings(retries: int, timeout_s: float = 300.0) -> dict[str, Any]:
    """Of a client's configuration."""
    return {
        "retries": {"mode": "standard", "total_max_attempts": retries},
        "read_timeout": timeout_s,
        "connect_timeout": 10,
        "user_agent_extra": "rockbottom",
    }


def _taught(client: Any, arn: str) -> str:
    """The model that a deployment's custom model was made of; jobs name it with its context window, as in ``:128k``."""
    deployment = client.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    base = client.get_custom_model(modelIdentifier=deployment["modelArn"])["baseModelArn"].rpartition("/")[2]
    return next((pair.student for pair in distillation_pairs() if pair.job_id == base), base)
