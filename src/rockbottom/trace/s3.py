"""Objects of S3 listed and read. boto3 reads credentials, Region and endpoint as it always does."""

import io
from functools import lru_cache
from pathlib import PurePosixPath
from typing import IO, Any, cast

from rockbottom.process import bounded
from rockbottom.quantities import error_code
from rockbottom.trace.addresses import CHUNK_BYTES, UnreadableSource

_NEEDED = "the credentials need s3:ListBucket on the bucket and s3:GetObject on its objects"
_REFUSALS = {
    "AccessDenied": _NEEDED,
    "403": _NEEDED,
    "NoSuchBucket": "aws s3 ls lists the buckets of these credentials",
    "PermanentRedirect": "the bucket is in another Region: set AWS_REGION to it",
}


def keys(source: str) -> list[str]:
    """The addresses of all objects under a prefix, in order of name. Raises UnreadableSource where S3 refuses."""
    return [name for name, _ in objects(source)]


def objects(source: str, after: str = "") -> list[tuple[str, float]]:
    """The addresses of objects under a prefix, in order of name, and when each was written; ``after`` an address.

    Raises UnreadableSource where S3 refuses.
    """
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    request = {"Bucket": bucket, "Prefix": prefix}
    if after:
        request["StartAfter"] = after.removeprefix(f"s3://{bucket}/")
    try:
        pages = _client().get_paginator("list_objects_v2").paginate(**request)
        items = [(item["Key"], item["LastModified"].timestamp()) for page in pages for item in page.get("Contents", ())]
    except Exception as error:
        raise _refused(source, error) from error
    shown = ((key, at) for key, at in items if not PurePosixPath(key).name.startswith("."))
    return sorted((f"s3://{bucket}/{key}", at) for key, at in shown)


def opened(name: str) -> IO[bytes]:
    """An object for reading, while it comes. Raises UnreadableSource where S3 refuses."""
    bucket, _, key = name.removeprefix("s3://").partition("/")
    try:
        return io.BufferedReader(_client().get_object(Bucket=bucket, Key=key)["Body"], CHUNK_BYTES)
    except Exception as error:
        raise _refused(name, error) from error


@lru_cache(1)
def _client() -> Any:
    import boto3

    return bounded(cast(Any, boto3).client("s3"))


def _refused(name: str, error: Exception) -> Exception:
    """What S3 said, as one message; errors of another kind as they are."""
    code = error_code(error)
    if not type(error).__module__.startswith(("botocore", "boto3", "urllib3")):
        return error
    return UnreadableSource(f"{name}: {error}", fix=_REFUSALS.get(code))
