"""Since which botocore a client can say what."""

import tomllib
from functools import cache
from importlib import resources


@cache
def _since() -> dict[str, str]:
    data = resources.files("rockbottom.catalog") / "data" / "botocore.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))["since"]


def botocore_since(member: str) -> str:
    """The first botocore that knows ``cachePoint``, ``ttl`` or ``modelInvocationType``; boto3 counts the same."""
    return _since()[member]
