"""The files of bedrock-mantle (``/v1/files``), which its fine-tuning reads; kept in memory.

What is known of them is a run of sample-per-model-bedrock of 2026-07-30: they are below ``/v1`` and not below
``/openai/v1`` (404), uploads are multipart, and ``fine-tune`` is the purpose that is documented. Batches do not read
them: their input is an object of S3. Members of a file are OpenAI's; words of refusals are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from rockbottom.catalog import limit
from rockbottom.local.failures import ServiceFailure, invalid

Json = dict[str, Any]
_MOST_BYTES = 512 * 1024 * 1024  # of all files together


@dataclass(slots=True)
class _File:
    told: Json
    content: bytes


@dataclass(slots=True)
class UploadedFiles:
    """Uploaded files by id."""

    kept: dict[str, _File] = field(default_factory=dict[str, _File])

    def add(self, content_type: str, body: bytes, identity: str, now: int) -> Json:
        """Take a multipart upload in. Raises ServiceFailure."""
        fields = _fields(content_type, body)
        purpose, upload = fields.get("purpose"), fields.get("file")
        if upload is None or upload[0] is None:
            raise invalid("Missing required parameter: 'file'.")
        if purpose is None or not purpose[1]:
            raise invalid("Missing required parameter: 'purpose'.")
        name, content = upload
        if sum(len(file.content) for file in self.kept.values()) + len(content) > _MOST_BYTES:
            raise ServiceFailure("ServiceQuotaExceededException", "The local endpoint keeps at most 512 MB of files.")
        description: Json = {
            "id": f"file-{identity.replace('-', '')[:24]}",
            "object": "file",
            "bytes": len(content),
            "created_at": now,
            "expires_at": None,
            "filename": name,
            "purpose": purpose[1].decode(errors="replace"),
            "status": "processed",
            "status_details": None,
        }
        self.kept[description["id"]] = _File(description, content)
        return description

    def told(self, identifier: str) -> Json:
        """A file as the API shows it. Raises ServiceFailure."""
        return self._file(identifier).told

    def content(self, identifier: str) -> bytes:
        """The bytes of a file. Raises ServiceFailure."""
        return self._file(identifier).content

    def remove(self, identifier: str) -> Json:
        """Forget a file. Raises ServiceFailure."""
        self._file(identifier)
        del self.kept[identifier]
        return {"id": identifier, "object": "file", "deleted": True}

    def listed(self, query: Mapping[str, str]) -> Json:
        """A page of files, the newest first unless ``order`` is ``asc``; ``purpose`` leaves others out."""
        rows = [file.told for file in self.kept.values()]
        if query.get("order") != "asc":
            rows.reverse()
        if "purpose" in query:
            rows = [row for row in rows if row["purpose"] == query["purpose"]]
        return page_of(rows, query, most=limit("files_listed"), usual=limit("files_listed"))

    def _file(self, identifier: str) -> _File:
        file = self.kept.get(identifier)
        if file is None:
            raise ServiceFailure("ResourceNotFoundException", f"No such File object: {identifier}")
        return file


def page_of(rows: list[Json], query: Mapping[str, str], *, most: int, usual: int) -> Json:
    """One page of a list as OpenAI's API gives it: ``limit`` rows behind the one that ``after`` names.

    Raises ServiceFailure for a limit that is no number from 1 to ``most``.
    """
    limit = query.get("limit", str(usual))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= most:
        raise invalid(f"Invalid 'limit': expected a number from 1 to {most}.")
    after = query.get("after")
    start = next((place for place, row in enumerate(rows, 1) if row["id"] == after), len(rows) if after else 0)
    page = rows[start : start + int(limit)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(rows),
    }


def _fields(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """The fields of a multipart form: each with the name of its file, where it is one. Raises ServiceFailure."""
    kind = _headers(f"content-type: {content_type}")
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise invalid("The request body of an upload must be multipart/form-data.")
    fields: dict[str, tuple[str | None, bytes]] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = _headers(head.decode("utf-8", "replace").lstrip("\r\n"))
        name = headers.get_param("name", header="content-disposition")
        if isinstance(name, str):
            fields[name] = headers.get_filename(), content
    return fields


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)
