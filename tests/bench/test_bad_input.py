"""Everything that can be wrong outside: one clear error each, and nothing that was measured is lost."""

import socket
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from rockbottom.bench import EndpointDied, EndpointRefused, LocalEndpoint, SdkTooOld
from rockbottom.bench.calling import check_sdk, send
from rockbottom.bench.requests import BenchRequest
from rockbottom.dialects import CONVERSE
from rockbottom.extras import upgrade_command
from rockbottom.quantities import Ttl

_REQUEST = BenchRequest(CONVERSE, {"messages": []}, 0)


class _Client:
    """A client whose every call raises one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def converse(self, **_):
        raise self._error


def _aws(code: str, message: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Converse")


@pytest.mark.parametrize(
    ("error", "kind", "says", "fix"),
    [
        pytest.param(NoCredentialsError(), EndpointRefused, "no AWS credentials", "aws configure", id="no credentials"),
        pytest.param(
            _aws("ExpiredTokenException", "The security token included in the request is expired", 403),
            EndpointRefused,
            "the AWS credentials have expired",
            "aws sts get-caller-identity",
            id="expired",
        ),
        pytest.param(
            _aws("UnrecognizedClientException", "The security token is invalid", 403),
            EndpointRefused,
            "the AWS credentials are not accepted",
            "aws sts",
            id="unknown key",
        ),
        pytest.param(
            _aws("AccessDeniedException", "You don't have access to the model with the specified model ID.", 403),
            EndpointRefused,
            "no access to m on Bedrock",
            "enable the model",
            id="no access",
        ),
        pytest.param(
            _aws("ValidationException", "There is nothing available to cache.", 400),
            EndpointRefused,
            "ValidationException: There is nothing",
            None,
            id="refused",
        ),
        pytest.param(
            _aws("ThrottlingException", "Too many requests", 429), EndpointDied, "Throttling", None, id="throttled"
        ),
        pytest.param(_aws("InternalServerException", "oops", 500), EndpointDied, "InternalServer", None, id="5xx"),
        pytest.param(
            EndpointConnectionError(endpoint_url="http://x"), EndpointDied, "cannot reach the endpoint", None, id="gone"
        ),
        pytest.param(ReadTimeoutError(endpoint_url="http://x"), EndpointDied, "stopped answering", None, id="silent"),
        pytest.param(ConnectionResetError(104, "reset"), EndpointDied, "the reply broke off", None, id="cut"),
        pytest.param(ParamValidationError(report="x"), EndpointRefused, "boto3 refuses the request", None, id="shape"),
    ],
)
def test_each_failure_is_one_clear_error(error, kind, says, fix):
    """The message says what happened, the fix what to do, and the class whether it may work later."""
    with pytest.raises(kind) as caught:
        send(_Client(error), "m", _REQUEST, stream=False, ttl=Ttl.FIVE_MINUTES, clock=lambda: 0.0)
    assert says in str(caught.value)
    assert (fix is None and not caught.value.fix) or fix in caught.value.fix
    assert caught.value.retry_safe == (kind is EndpointDied)


def _sdk(shapes: dict[str, set[str]]):
    model = SimpleNamespace(
        shape_names=list(shapes), shape_for=lambda name: SimpleNamespace(members=dict.fromkeys(shapes[name]))
    )
    return SimpleNamespace(meta=SimpleNamespace(service_model=model))


def test_a_boto3_without_cache_points_is_named_before_anything_is_sent():
    """A service model without the shape, and one whose shape has no ttl."""
    with pytest.raises(SdkTooOld, match="does not know cachePoint"):
        check_sdk(_sdk({}), wants_ttl=False)
    with pytest.raises(SdkTooOld, match="does not know the ttl of a cachePoint") as caught:
        check_sdk(_sdk({"CachePointBlock": {"type"}}), wants_ttl=True)
    # read in botocore's wheels: 1.42.30 has no ttl, 1.42.31 has (catalog/data/botocore.toml)
    assert caught.value.fix == upgrade_command("boto3>=1.42.31")
    check_sdk(_sdk({"CachePointBlock": {"type"}}), wants_ttl=False)


def test_the_boto3_that_is_installed_is_new_enough(endpoint_url):
    """The pinned one knows cachePoint with ttl."""
    check_sdk(LocalEndpoint(endpoint_url).client(0), wants_ttl=True)


def test_an_endpoint_that_nobody_serves_is_one_clear_error():
    """Nothing listens on the port: the error names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EndpointDied, match=url):
            LocalEndpoint(url).script(0, [{"text": "hello"}])
