"""Calls of bedrock-runtime that botocore has no operation for, with the patience of every other call of a run."""

from collections.abc import Mapping
from typing import Any

from rockbottom.batch.cloud import Cloud
from rockbottom.calling import Host


def surface_call(
    cloud: Cloud,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One call, waited for with growing pauses while the service is busy; its JSON. Raises BatchError or ClientError.

    It goes where the client of bedrock-runtime goes: to AWS, or to the endpoint that stands for it.
    """
    client = cloud.client("bedrock-runtime")
    host = Host(str(client.meta.endpoint_url), "bedrock", cloud.region, cloud.profile, cloud.credentials)
    return cloud.patiently(f"{method} {path.partition('?')[0]}", lambda: host.call(method, path, body, headers))
