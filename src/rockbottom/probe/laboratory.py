"""Runs experiments side by side on one timeline, so that their waits overlap."""

import heapq
import json
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rockbottom.calling import Host, hosts_of
from rockbottom.dialects import Params, SurfaceRoute, usage_of
from rockbottom.probe.errors import ProbeStopped
from rockbottom.probe.steps import ProbeAnswer, ProbeReply, ProbeWait, Send, Steps
from rockbottom.process import content_of_reply, opened
from rockbottom.quantities import Fault, Undecodable, Usage, decoded

_RETRIED = ("ThrottlingException", "ServiceUnavailableException", "InternalServerException", "ModelNotReadyException")
_NOT_THERE = "ResourceNotFoundException"  # of one host, perhaps not of the other
_FATAL = ("ExpiredTokenException", "UnrecognizedClientException", _NOT_THERE)


class Service(Protocol):
    """Where the requests go, and whose time passes."""

    def send(self, request: Params) -> ProbeReply: ...

    def now(self) -> float: ...

    def wait(self, seconds: float, why: str) -> None:
        """Let this much time pass."""
        ...


@dataclass(slots=True)
class Experiment:
    """One running experiment, and when it goes on."""

    name: str
    steps: Steps
    reply: ProbeReply | None = None


def run(
    experiments: Iterable[Experiment], service: Service, on_finding: Callable[[ProbeAnswer], None] = lambda _: None
) -> list[ProbeAnswer]:
    """Run all of them to their end; ``on_finding`` is called with each finding as it comes. Raises ProbeStopped."""
    findings: list[ProbeAnswer] = []
    queue: list[tuple[float, int, Experiment, str]] = []
    for number, experiment in enumerate(experiments):
        heapq.heappush(queue, (service.now(), number, experiment, ""))
    while queue:
        due, number, experiment, why = heapq.heappop(queue)
        if due > service.now():
            service.wait(due - service.now(), why)
        step = _advance(experiment, service)
        if isinstance(step, ProbeAnswer):
            findings.append(step)
            on_finding(step)
        else:
            heapq.heappush(queue, (service.now() + step.seconds, number, experiment, step.why))
    return findings


def _advance(experiment: Experiment, service: Service) -> ProbeWait | ProbeAnswer:
    """Go on until it waits or ends: what happens in between belongs together."""
    while True:
        try:
            step = next(experiment.steps) if experiment.reply is None else experiment.steps.send(experiment.reply)
        except StopIteration as end:
            return end.value
        if isinstance(step, Send):
            experiment.reply = service.send(step.request)
        else:
            experiment.reply = ProbeReply()
            return step


class RealService:
    """A boto3 bedrock-runtime client, both hosts for what boto3 has no operation for, and the clock on the wall."""

    def __init__(
        self,
        client: Any,
        waiting: Callable[[float, str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        hosts: Mapping[str, Host] | None = None,
    ) -> None:
        self._client = client
        self._hosts = hosts or {}
        self.region: str | None = client.meta.region_name
        self._waiting = waiting
        self._sleep = sleep
        self._monotonic = monotonic
        self.requests = 0

    def send(self, request: Params) -> ProbeReply:
        """The reply; refusals are replies too. Raises ProbeStopped where going on makes no sense."""
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(4):
            try:
                self.requests += 1
                return self._sent(request)
            except ClientError as error:
                answer: Any = error.response
                code = answer["Error"]["Code"]
                message = answer["Error"].get("Message", "")
                if code in _FATAL and not ("model" in request and code == _NOT_THERE):
                    raise ProbeStopped(f"{code}: {message}", fault=Fault.SERVICE) from error
                if code not in _RETRIED or attempt == 3:
                    return ProbeReply(error=code, message=message)
                self._sleep(2.0**attempt)
            except BotoCoreError as error:
                raise ProbeStopped(
                    f"The endpoint cannot be used: {error}",
                    fix="check credentials, --region and --endpoint",
                    fault=Fault.SERVICE,
                ) from error
        raise AssertionError("the loop above returns or raises")

    def _sent(self, request: Params) -> ProbeReply:
        if "model" in request:
            usage = usage_of(self._over_http(request).get("usage"))
        elif "body" in request:
            usage = _usage_in(content_of_reply(self._client.invoke_model(**request)["body"]))
        else:
            usage = usage_of(self._client.converse(**request)["usage"])
        return (
            ProbeReply(usage)
            if usage is not None
            else ProbeReply(error="NoUsage", message="the reply carried no usage")
        )

    def _over_http(self, request: Params) -> dict[str, Any]:
        """A request of Responses to the host that its model's id belongs to."""
        route = SurfaceRoute("Responses", "/openai/v1").at(request["model"])
        return self._hosts[route.host or ""].call("POST", route.path, request)

    def now(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return self._monotonic()

    def wait(self, seconds: float, why: str) -> None:
        """Sleep in steps of at most five seconds, telling how much is left."""
        end = self.now() + seconds
        while (left := end - self.now()) > 0:
            if self._waiting is not None:
                self._waiting(left, why)
            self._sleep(min(left, 5.0))


class LocalService(RealService):
    """The local endpoint: its clock is moved instead of waiting for it."""

    def __init__(self, client: Any, url: str) -> None:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        super().__init__(client, hosts=hosts_of(client.meta.region_name, url, keys))
        self._url = url.rstrip("/")
        self._passed = 0.0
        self._control({"kind": "manual"})

    def now(self) -> float:
        """Seconds by which the endpoint's clock was moved."""
        return self._passed

    def wait(self, seconds: float, why: str) -> None:
        self._control({"advance": seconds})
        self._passed += seconds

    def _control(self, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"{self._url}/_rockbottom/clock", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with opened(request, 10) as reply:
                content_of_reply(reply)
        except OSError as error:
            raise ProbeStopped(
                f"{self._url} is not a local endpoint of rockbottom: {error}",
                fix="rockbottom serve, in another terminal",
            ) from error


def _usage_in(body: bytes) -> Usage | None:
    """The usage of a native reply; None where it has none, or is no JSON."""
    try:
        return usage_of(decoded(body, dict[str, Any]).get("usage"))
    except Undecodable:
        return None
