"""Where a ledger's files are shipped to: a folder, or a prefix of S3.

What is put is whole or not there: a file is written beside its place and renamed, an object appears when it is
complete (Amazon S3 User Guide, "Amazon S3 data consistency model").
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rockbottom.files import folder_made, private
from rockbottom.ledger.errors import NotShipped
from rockbottom.process import bounded
from rockbottom.quantities import AwsAnswer, Fault, error_code

_SCHEME = "s3://"
_CONNECT_S, _READ_S = 5.0, 30.0
_DIGEST = "rockbottom-sha256"
_ABSENT = ("404", "NoSuchKey", "NotFound")
_CHANGED = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
_REFUSALS = {
    "AccessDenied": "the credentials need s3:PutObject and s3:GetObject below the prefix, s3:ListBucket on the bucket",
    "403": "the credentials need s3:PutObject and s3:GetObject below the prefix, s3:ListBucket on the bucket",
    "NoSuchBucket": "aws s3 ls lists the buckets of these credentials",
}


class Stored(NamedTuple):
    """What lies under a name: its bytes, the digest of its content, and what tells this version from another."""

    size: int
    digest: str
    version: str = ""


class Depot(Protocol):
    """Takes files by name. Its methods block and raise NotShipped."""

    def stored(self, name: str) -> Stored | None:
        """What lies under a name; None: nothing."""
        ...

    def put(self, name: str, content: bytes, instead_of: Stored | None) -> Stored | None:
        """Put a file in the place of what was there; None: something else is there by now."""
        ...


def digest_of(content: bytes) -> str:
    """What tells two contents apart."""
    return sha256(content).hexdigest()


def is_s3(place: str) -> bool:
    """Whether a place is named by an S3 address."""
    return place.startswith(_SCHEME)


def s3_client(region: str | None = None, profile: str | None = None) -> Any:
    """Botocore's client of S3, with credentials, Region and endpoint as it always reads them."""
    import botocore.session  # an extra; the message for its absence is the command line's
    from botocore.config import Config

    session: Any = botocore.session.Session(profile=profile)
    config = Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"mode": "standard", "max_attempts": 2})
    return bounded(session.create_client("s3", region_name=region, config=config))


def depot_of(to: str, s3: Callable[[], Any] = s3_client) -> Depot:
    """The depot at a folder or an ``s3://bucket/prefix``; ``s3`` makes botocore's client of S3 when it is needed."""
    return S3Depot(to, s3) if is_s3(to) else FolderDepot(Path(to).expanduser())


class FolderDepot:
    """A folder, of another disk or machine maybe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stored(self, name: str) -> Stored | None:
        """What lies under a name; None: nothing. Raises NotShipped."""
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreachable(self._folder, error) from error
        return Stored(len(content), digest_of(content))

    def put(self, name: str, content: bytes, instead_of: Stored | None) -> Stored | None:
        """Put a file in the place of what was there; None: something else is there by now. Raises NotShipped."""
        if self.stored(name) != instead_of:
            return None
        path = self._folder / name
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            with folder_made(path.parent):
                try:
                    with open(draft, "wb", opener=private) as file:
                        file.write(content)
                        file.flush()
                        os.fsync(file.fileno())
                    os.replace(draft, path)
                finally:
                    draft.unlink(missing_ok=True)
        except OSError as error:
            raise _unreachable(self._folder, error) from error
        return Stored(len(content), digest_of(content))


class S3Depot:
    """An ``s3://bucket/prefix``. Writes are conditional, so that none undoes another's (If-Match, If-None-Match)."""

    def __init__(self, place: str, client: Callable[[], Any] = s3_client) -> None:
        self._make, self._client = client, None
        self._bucket, _, prefix = place.removeprefix(_SCHEME).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def stored(self, name: str) -> Stored | None:
        """What lies under a name; None: nothing. Raises NotShipped."""
        try:
            head = self._call("head_object", name)
        except NotShipped as error:
            if error.code in _ABSENT:
                return None
            raise
        return Stored(head["ContentLength"], head.get("Metadata", {}).get(_DIGEST, ""), head["ETag"])

    def put(self, name: str, content: bytes, instead_of: Stored | None) -> Stored | None:
        """Put a file in the place of what was there; None: something else is there by now. Raises NotShipped."""
        digest = digest_of(content)
        condition = {"IfNoneMatch": "*"} if instead_of is None else {"IfMatch": instead_of.version}
        kind = "application/x-ndjson"
        try:
            reply = self._call(
                "put_object", name, Body=content, Metadata={_DIGEST: digest}, ContentType=kind, **condition
            )
        except NotShipped as error:
            if error.code in (*_CHANGED, *_ABSENT):
                return None
            raise
        return Stored(len(content), digest, reply["ETag"])

    def names(self) -> list[str]:
        """The names of all files, in their order. Raises NotShipped."""
        with self._refusals(""):
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return [item["Key"].removeprefix(self._prefix) for page in pages for item in page.get("Contents", ())]

    def content(self, name: str) -> bytes:
        """A whole file. Raises NotShipped."""
        with self._refusals(name):
            return self._s3().get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()

    def _call(self, operation: str, name: str, **arguments: Any) -> Any:
        with self._refusals(name):
            return AwsAnswer(getattr(self._s3(), operation)(Bucket=self._bucket, Key=self._prefix + name, **arguments))

    def _s3(self) -> Any:
        if self._client is None:
            self._client = self._make()
        return self._client

    @contextmanager
    def _refusals(self, name: str) -> Generator[None]:
        try:
            yield
        except ModuleNotFoundError:  # botocore is an extra
            raise
        except Exception as error:  # botocore's, urllib3's, a profile that is not there
            code = error_code(error)
            where = f"{_SCHEME}{self._bucket}/{self._prefix}{name}"
            raise NotShipped(f"{where}: {error}", fix=_REFUSALS.get(code), code=code) from error


def _unreachable(folder: Path, error: OSError) -> NotShipped:
    return NotShipped(f"{folder}: {error.strerror or error}", code=f"errno {error.errno}", fault=Fault.CALLER)
