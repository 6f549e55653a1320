"""GetInferenceProfile with the credentials, Region and endpoint of a bedrock-runtime client."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def lookup_with(runtime: Any) -> Callable[[str], dict[str, Any]]:
    """A look-up that makes its bedrock client at the first question; nothing is made or read before."""
    clients: list[Any] = []

    def lookup(arn: str) -> dict[str, Any]:
        if not clients:
            clients.append(_bedrock_client(runtime))
        return clients[0].get_inference_profile(inferenceProfileIdentifier=arn)

    return lookup


def lookup_at(credentials: Callable[[], Any], url: str | None) -> Callable[[str], dict[str, Any]]:
    """A look-up for a client that is not botocore's: its own bedrock client is of the Region in the ARN."""

    def lookup(arn: str) -> dict[str, Any]:
        import botocore.session

        own_credentials = credentials()
        keys = (
            (own_credentials.access_key, own_credentials.secret_key, own_credentials.token)
            if own_credentials is not None
            else (None, None, None)
        )
        session: Any = botocore.session.Session()
        client = session.create_client(
            "bedrock",
            region_name=arn.split(":")[3],
            endpoint_url=_endpoint(url or ""),
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2],
            config=_patient(),
        )
        return client.get_inference_profile(inferenceProfileIdentifier=arn)

    return lookup


def _bedrock_client(runtime: Any) -> Any:
    import botocore.session  # present: the client given is botocore's
    from botocore.config import Config

    session: Any = botocore.session.Session()
    credentials = _credentials(runtime)
    own = getattr(runtime.meta, "config", None)
    proxies = Config(proxies=own.proxies) if own is not None and own.proxies else Config()
    return session.create_client(
        "bedrock",
        region_name=runtime.meta.region_name,
        endpoint_url=_endpoint(runtime.meta.endpoint_url),
        config=_patient().merge(proxies),
        **credentials,
    )


def _patient() -> Any:
    """A configuration that gives up soon: no call waits for the answer, but a thread does."""
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})


def _credentials(runtime: Any) -> dict[str, Any]:
    """The runtime client's own keys where they can be read; else botocore's usual chain finds them."""
    signer = getattr(runtime, "_request_signer", None)
    credentials = getattr(signer, "_credentials", None)
    if credentials is None or not hasattr(credentials, "access_key"):
        return {}
    return {
        "aws_access_key_id": credentials.access_key,
        "aws_secret_access_key": credentials.secret_key,
        "aws_session_token": credentials.token,
    }


def _endpoint(runtime_url: str) -> str | None:
    """The runtime's address where it is not AWS's (a local endpoint, a gateway); None: AWS's own for the Region."""
    host = urlsplit(runtime_url).hostname or ""
    return None if not host or host.endswith(_AWS_HOSTS) else runtime_url
