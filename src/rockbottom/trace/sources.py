"""Where invocation logs lie: in a folder or under an S3 prefix; their files, lines and offloaded bodies.

AWS delivers gzip files of JSON lines, and puts bodies over 100 KB beside them in ``data/``. boto3 is imported only
for ``s3://`` names, and reads credentials, Region and endpoint as it always does.
"""

import gzip
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from rockbottom.trace.reading import UnreadableSource, files_of, lines_of

_LOGS = (".json", ".jsonl", ".ndjson", ".log")
_NEEDED = "the credentials need s3:ListBucket on the bucket and s3:GetObject on its objects"
_REFUSALS = {
    "AccessDenied": _NEEDED,
    "403": _NEEDED,
    "NoSuchBucket": "aws s3 ls lists the buckets of these credentials",
    "PermanentRedirect": "the bucket is in another Region: set AWS_REGION to it",
}


def is_s3(name: str) -> bool:
    """Whether a source or file is named by an S3 address."""
    return name.startswith("s3://")


def log_names(source: str) -> Sequence[str]:
    """The log files of a source, in order of name. Raises UnreadableSource when there is none, or S3 refuses."""
    names = _keys(source) if is_s3(source) else files_of(source)
    found = [name for name in names if is_log(name)]
    if not found:
        raise UnreadableSource(f"{source}: no log file in it (.json, .jsonl, .log or the same with .gz)")
    return found


def is_log(name: str) -> bool:
    """Not a body in ``data/``, nor the object by which AWS checks its permission to write."""
    path = PurePosixPath(name)
    if path.parent.name == "data" and path.name.split(".")[0].endswith(("_input", "_output")):
        return False
    plain = path.name.removesuffix(".gz")
    named = plain != path.name or plain.endswith(_LOGS) or ".json" in plain
    return named and "permission-check" not in path.name


def numbered_lines(name: str) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1. Raises OSError or EOFError where a file is cut short."""
    if not is_s3(name):
        yield from lines_of(Path(name))
        return
    for number, line in enumerate(contents(name).split(b"\n"), 1):
        if line and not line.isspace():
            yield number, line


def contents(name: str) -> bytes:
    """A whole file, unpacked. Raises UnreadableSource for what S3 refuses, OSError or EOFError."""
    return unpacked(_object(name) if is_s3(name) else Path(name).read_bytes())


def offloaded(name: str, where: str) -> bytes:
    """A body that the log file ``name`` refers to. Raises FileNotFoundError where it is not there."""
    if is_s3(name):
        try:
            return contents(where)
        except UnreadableSource as error:
            raise FileNotFoundError(str(error)) from error
    return unpacked(_beside(Path(name), where).read_bytes())


def _beside(path: Path, where: str) -> Path:
    """In the ``data`` folder beside the log or above it, or anywhere above it under its key."""
    key = where.removeprefix("s3://").partition("/")[2]
    file = where.rpartition("/")[2]
    near = [folder / file for folder in (path.parent / "data", path.parent, path.parent.parent / "data")]
    for candidate in (*near, *(folder / key for folder in path.parents if key)):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{where} is not in the folder")


def unpacked(data: bytes) -> bytes:
    """The bytes, unpacked if they are gzip."""
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _keys(source: str) -> list[str]:
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    try:
        return sorted(f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ()))
    except Exception as error:
        raise _refused(source, error) from error


def _object(name: str) -> bytes:
    bucket, _, key = name.removeprefix("s3://").partition("/")
    try:
        return _client().get_object(Bucket=bucket, Key=key)["Body"].read()
    except Exception as error:
        raise _refused(name, error) from error


@lru_cache(1)
def _client() -> Any:
    import boto3  # only for S3 sources

    return boto3.client("s3")


def _refused(name: str, error: Exception) -> Exception:
    """What S3 said, as one message; errors of another kind as they are."""
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    if not type(error).__module__.startswith(("botocore", "boto3", "urllib3")):
        return error
    return UnreadableSource(f"{name}: {error}", fix=_REFUSALS.get(code))
