"""Bedrock model invocation logs: NDJSON in a folder (gzip or not) or under an S3 prefix.

Records as documented for PutModelInvocationLoggingConfiguration and as recorded in the wild: Converse and
InvokeModel, cache counters in ``input`` or at the top level, streamed replies as a list of events, bodies
over 100 KB in ``data/`` beside the log. Failed calls are counted and left out: they cost nothing.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from rockbottom.trace.bodies import Gatherer
from rockbottom.trace.reading import Damages, Part, Reader, Settings, files_of, lines_of
from rockbottom.trace.records import Record, body_of, record_of, reply_of

Fetch = Callable[[str], bytes]
"""Gives the unpacked bytes of an offloaded body; raises OSError where it is not there."""


def read(part: str, settings: Settings) -> Part:
    """One log file, from a folder or from S3."""
    if part.startswith("s3://"):
        data = _from_s3(part)
        return read_lines(part, enumerate(data.splitlines(), 1), settings, _from_s3)
    path = Path(part)
    return read_lines(part, lines_of(path), settings, lambda where: _beside(path, where))


def read_lines(place: str, lines: "Iterator[tuple[int, bytes]] | enumerate[bytes]", settings: Settings,
               fetch: Fetch) -> Part:  # fmt: skip
    """Numbered lines, one record each. ``fetch`` gives an offloaded body."""
    damages, gatherer, size = Damages(), Gatherer(settings.key), 0
    try:
        for number, line in lines:
            size += len(line)
            try:
                record = record_of(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                if line.strip():
                    damages.add(f"{place}:{number}", str(error))
                continue
            _add(gatherer, record, damages, f"{place}:{number}", fetch)
    except (OSError, EOFError) as error:  # a file cut short: what was read before counts
        damages.add(place, str(error))
    return Part(gatherer.trace(), damages, size)


def _add(gatherer: Gatherer, record: Record, damages: Damages, place: str, fetch: Fetch) -> None:
    if record.errorCode:
        damages.failed += 1
        return
    body, reply = record.input.inputBodyJson, record.output.outputBodyJson
    try:
        if body is None and record.input.inputBodyS3Path:
            body = body_of(fetch(record.input.inputBodyS3Path))
        if reply is None and record.output.outputBodyS3Path:
            reply = reply_of(fetch(record.output.outputBodyS3Path))
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        damages.add(place, f"offloaded body: {error}")
    try:
        gatherer.add(record, body, reply)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        damages.add(place, str(error))


def _beside(path: Path, where: str) -> bytes:
    """An offloaded body in the ``data`` folder beside the log, or anywhere above it under its key."""
    name = where.rpartition("/")[2]
    for folder in (path.parent / "data", path.parent, path.parent.parent / "data"):
        if (folder / name).is_file():
            return unpacked((folder / name).read_bytes())
    key = where.removeprefix("s3://").partition("/")[2]
    for folder in path.parents:
        if key and (folder / key).is_file():
            return unpacked((folder / key).read_bytes())
    raise FileNotFoundError(f"{where} is not in the folder")


def _from_s3(where: str) -> bytes:
    import boto3  # only for S3 sources

    bucket, _, key = where.removeprefix("s3://").partition("/")
    return unpacked(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def unpacked(data: bytes) -> bytes:
    """The bytes, unpacked if they are gzip."""
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _parts(source: str) -> Sequence[str]:
    if not source.startswith("s3://"):
        return [name for name in files_of(source) if _is_log(name)]
    import boto3  # only for S3 sources

    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return [f"s3://{bucket}/{key}" for key in sorted(keys) if _is_log(key)]


def _is_log(name: str) -> bool:
    """Log files, not the bodies in ``data/`` nor the object by which AWS checks its permission to write."""
    path = Path(name)
    offloaded = path.parent.name == "data" and path.name.split(".")[0].endswith(("_input", "_output"))
    return ".json" in path.name and not offloaded and "permission-check" not in path.name


def _recognises(path: Path, head: bytes) -> bool:
    if head.lstrip()[:1] != b"{":
        return False
    return b'"ModelInvocationLog"' in head or (b'"modelId"' in head and b'"inputBodyJson"' in head)


READER = Reader("bedrock-logs", "Bedrock model invocation logs: a folder or s3:// prefix", _recognises, _parts, read)
