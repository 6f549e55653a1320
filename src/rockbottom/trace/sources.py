"""Which files of a folder or S3 prefix are invocation logs, and where the bodies lie that they refer to.

AWS delivers gzip files of JSON lines, and puts bodies over 100 KB beside them in ``data/``.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from rockbottom.quantities import RockbottomError
from rockbottom.trace.addresses import UnreadableSource, is_s3
from rockbottom.trace.files import contents, files_of
from rockbottom.trace.splitting import LONGEST_BYTES

_LOGS = (".json", ".jsonl", ".ndjson", ".log", ".csv")
_NOT_LOGS = ("permission-check", "aws-logs-write-test", ".csv.metadata")
_DELIVERED = re.compile(r"-\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-")
"""In the name of what Firehose delivers, which has no ending: version and time (Amazon Data Firehose, object names)."""
_BEGINNINGS = {bytes([byte]) for byte in b'\x1f\xef{["0123456789'}
_ROOT = "AWSLogs"
"""The folder that every delivery of invocation logs puts below the prefix of its own."""


class BodyRefused(RockbottomError):
    """A record names a body outside of its own log folder or prefix."""


def log_names(source: str) -> Sequence[str]:
    """The log files of a source, in order of name. Raises UnreadableSource when there is none, or S3 refuses."""
    names = files_of(source)
    logs = [name for name in names if is_log(name)] if list(names) != [source] else names
    if not logs:
        raise UnreadableSource(f"{source}: no log file in it (.json, .jsonl, .log, .csv or the same with .gz)")
    return logs


def is_body(name: str) -> bool:
    """A body that a record of a log refers to."""
    path = PurePosixPath(name)
    return path.parent.name == "data" and path.name.split(".")[0].endswith(("_input", "_output"))


def is_log(name: str) -> bool:
    """Not a body in ``data/``, nor an object by which AWS checks its permission to write."""
    path = PurePosixPath(name)
    if is_body(name):
        return False
    plain = path.name.removesuffix(".gz")
    named = plain != path.name or plain.endswith(_LOGS) or ".json" in plain or _DELIVERED.search(plain) is not None
    return (named or _begins_as_log(name)) and not any(mark in path.name for mark in _NOT_LOGS)


def _begins_as_log(name: str) -> bool:
    """Whether a file whose name has no ending is packed, or begins as JSON or with an instant does; in S3: yes."""
    if PurePosixPath(name).suffix or name.endswith("/"):  # the console of S3 makes an empty object for a folder
        return False
    if is_s3(name):
        return True
    try:
        with Path(name).open("rb") as file:
            return file.read(1) in _BEGINNINGS
    except OSError:
        return False


def passed_over(source: str) -> Sequence[str]:
    """The files of a folder on this machine that are no logs by their names, bodies and AWS's own checks left out."""
    if is_s3(source) or not Path(source).is_dir():
        return ()
    return [name for name in files_of(source) if not is_log(name) and is_log(f"{name}.gz")]


def offloaded(name: str, where: str) -> bytes:
    """A body that a record of the log file ``name`` refers to, as text.

    Raises BodyRefused where it lies outside of the log's own folder or prefix, FileNotFoundError where it is not
    there, CutShort where it cannot be read.
    """
    bucket, _, key = where.removeprefix("s3://").partition("/")
    parts = key.split("/")
    if not where.startswith("s3://") or not bucket or not all(parts) or {".", ".."}.intersection(parts):
        raise BodyRefused(f"{where} is not the address of an object in the log's own folder")
    if not is_s3(name):
        return contents(_beside(Path(name), parts), LONGEST_BYTES)
    own, _, log = name.removeprefix("s3://").partition("/")
    if own != bucket or parts[: len(_own(log.split("/")))] != _own(log.split("/")):
        raise BodyRefused(f"{where} is outside of the log's own prefix")
    try:
        return contents(where, LONGEST_BYTES)
    except UnreadableSource as error:
        raise FileNotFoundError(str(error)) from error


def _own(parts: list[str]) -> list[str]:
    """The folder of a log that its bodies must lie below: that of the delivery, or the one that it stands in."""
    return parts[: parts.index(_ROOT) + 1] if _ROOT in parts else parts[:-1]


def _beside(path: Path, key: list[str]) -> str:
    """The file of a body in a copy of the bucket: at its place below the delivery, or near its log."""
    path = path.absolute()
    candidates = [path.parent / "data" / key[-1], path.parent / key[-1]]
    root = Path(*_own(list(path.parts)))
    if _ROOT in key and _ROOT in path.parts:
        candidates.append(root.joinpath(*key[key.index(_ROOT) + 1 :]))
    for candidate in candidates:
        if candidate.is_file():
            if not candidate.resolve().is_relative_to(root.resolve()):
                raise BodyRefused(f"{candidate} leads out of the log's own folder")
            return str(candidate)
    raise FileNotFoundError(f"{'/'.join(key)} is not in the folder")
