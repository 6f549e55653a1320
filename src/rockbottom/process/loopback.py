"""Clients of an endpoint on this machine, made as on a machine on which nothing is configured for AWS.

A run against the local endpoint needs no account, so nothing of one may get in its way: a bearer key of Bedrock
(which wants TLS), a profile that is not there, a proxy that does not reach this machine, FIPS endpoints.
"""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rockbottom.process.replies import bounded
from rockbottom.process.visitors import is_loopback
from rockbottom.process.waits import Wait, awaited, host_of

if TYPE_CHECKING:
    from urllib.request import Request


def leads_here(url: str | None) -> bool:
    """Whether a URL leads to this machine."""
    return is_loopback(urlsplit(url or "").hostname or "")


def bare_session() -> Any:
    """A botocore session that reads no profile and no file of the user."""
    import botocore.session  # an extra; the message for its absence is the command line's

    unread = (None, None, os.devnull, None)
    variables: Any = {"profile": (None, None, None, None), "config_file": unread, "credentials_file": unread}
    return botocore.session.Session(session_vars=variables)


def local_client(service: str, url: str | None, region: str, *, key: str = "local", **config: Any) -> Any:
    """A client of a local endpoint, as the account ``key`` where that is twelve digits; ``config`` is botocore's."""
    import boto3  # an extra; the message for its absence is the command line's
    from botocore.config import Config

    no_proxies: dict[str, Any] = {"proxies": {}} if leads_here(url) else {}
    settings: dict[str, Any] = {
        "auth_scheme_preference": "sigv4",
        "defaults_mode": "legacy",
        "use_fips_endpoint": False,
        "use_dualstack_endpoint": False,
        **no_proxies,
        **config,
        "retries": {"mode": "standard", **config.get("retries", {})},
    }
    session: Any = boto3.Session(botocore_session=bare_session())
    return bounded(
        session.client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=key,
            aws_secret_access_key="local",
            config=Config(**settings),
        )
    )


def opened(request: "Request | str", timeout_s: float) -> Any:
    """The answer to a request, past every proxy where it goes to this machine. Raises URLError, OSError."""
    from urllib.request import ProxyHandler, build_opener  # only when there is something to ask

    url = request if isinstance(request, str) else request.full_url
    proxies = [ProxyHandler({})] if leads_here(url) else []
    with awaited(Wait("", host_of(url), longest_s=timeout_s)):
        return build_opener(*proxies).open(request, timeout=timeout_s)
