"""Model invocation logs as Bedrock delivers them to S3, written into a folder.

Layout: ``AWSLogs/<account>/BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/<name>.json.gz``, gzip NDJSON;
bodies over 100 KB go to ``.../data/<request id>_input.json.gz`` (or ``_output``) beside it and the record holds
their path (AWS model-invocation-logging page; record shapes from delivered records of 2026-10).
"""

import gzip
import os
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.catalog import limit
from rockbottom.files import make_folder, private

Json = dict[str, Any]

_FLUSH_RECORDS = 500
_FLUSH_BYTES = 16 * 1024 * 1024
_HELD_RECORDS, _HELD_BYTES = 10_000, 64 * 1024 * 1024
_PART = ".rockbottom-log-"  # files that are not whole yet, in the folder itself, so that none is ever in its layout
BUCKET = "local"


@dataclass(frozen=True, slots=True)
class Logged:
    """One invocation: ``record`` without its bodies, and the two bodies as JSON bytes."""

    at: float
    account: str
    region: str
    request_id: str
    record: Json
    input_body: bytes
    output_body: bytes | None


class InvocationLog:
    """Collects invocations and writes them by account, Region and hour.

    What cannot be written (a full disk, no permission) waits in memory for the next time, at most 10,000 invocations
    or 64 MiB of bodies; ``dropped`` counts those that did not fit. Files appear under their names when they are whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[Logged] = []
        self._bytes = 0
        self._number = 0
        self._checked: set[tuple[str, str]] = set()
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._failed = False
        self.dropped = 0
        for part in folder.glob(f"{_PART}*"):  # of a process that was killed while it wrote
            part.unlink(missing_ok=True)

    def add(self, invocation: Logged) -> bool:
        """Remember an invocation; says whether it is time to flush."""
        size = _size(invocation)
        with self._adding:
            if len(self._waiting) >= _HELD_RECORDS or self._bytes + size > _HELD_BYTES:
                self.dropped += 1
                return False
            self._waiting.append(invocation)
            self._bytes += size
            # After a failure it is the timer's business, or every call would try the disk again.
            return not self._failed and (len(self._waiting) >= _FLUSH_RECORDS or self._bytes >= _FLUSH_BYTES)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def flush(self) -> int:
        """Write what waits; how many invocations it was. Raises OSError, and then what was not written waits on.

        May run in another thread than ``add``.
        """
        with self._writing:
            with self._adding:
                taken, self._waiting, self._bytes = self._waiting, [], 0
            groups: dict[tuple[str, str, str], list[Logged]] = defaultdict(list)
            for invocation in taken:
                hour = datetime.fromtimestamp(invocation.at, UTC).strftime("%Y/%m/%d/%H")
                groups[invocation.account, invocation.region, hour].append(invocation)
            self._failed = True
            try:
                for key in list(groups):
                    self._write_group(*key, groups[key])
                    del groups[key]
                self._failed = False
            finally:
                left = [invocation for group in groups.values() for invocation in group]
                with self._adding:
                    self._waiting[:0] = left
                    self._bytes += sum(map(_size, left))
        return len(taken)

    def _write_group(self, account: str, region: str, hour: str, group: list[Logged]) -> Path:
        root = f"AWSLogs/{account}/BedrockModelInvocationLogs"
        if (account, region) not in self._checked:
            self._put(f"{root}/amazon-bedrock-logs-permission-check", b"")
            self._checked.add((account, region))
        key = f"{root}/{region}/{hour}"
        lines = b"\n".join(msgspec.json.encode(self._record(invocation, key)) for invocation in group) + b"\n"
        self._number += 1
        stamp = datetime.fromtimestamp(group[0].at, UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
        return self._put(f"{key}/{stamp}Z_{self._number:08x}{group[0].request_id[:8]}.json.gz", gzip.compress(lines, 5))

    def _record(self, invocation: Logged, key: str) -> Json:
        record = dict(invocation.record)
        record["input"] = {**record["input"], **self._body("input", invocation.input_body, invocation, key)}
        if invocation.output_body is not None:
            record["output"] = {
                **record.get("output", {}),
                **self._body("output", invocation.output_body, invocation, key),
            }
        return record

    def _body(self, side: str, body: bytes, invocation: Logged, key: str) -> Json:
        body = _on_one_line(body)
        if len(body) <= limit("inline_log_bytes"):
            return {f"{side}BodyJson": msgspec.Raw(body)}
        name = f"{key}/data/{invocation.request_id}_{side}.json.gz"
        self._put(name, gzip.compress(body, 5))
        return {f"{side}BodyS3Path": f"s3://{BUCKET}/{name}"}

    def _put(self, key: str, data: bytes) -> Path:
        path = self._folder / key
        make_folder(path.parent)
        part = self._folder / f"{_PART}{os.getpid()}"
        try:
            with open(part, "wb", opener=private) as file:
                file.write(data)
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return path


def _size(invocation: Logged) -> int:
    return len(invocation.input_body) + len(invocation.output_body or b"")


def _on_one_line(body: bytes) -> bytes:
    """A JSON text without line breaks, which would split the record; members, order and numbers stay as sent."""
    # Inside a JSON string a line break is always escaped, so a raw one is layout.
    return msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else body
