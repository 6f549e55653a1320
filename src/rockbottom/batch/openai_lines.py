"""Lines of the OpenAI Batch API: requests read and written, results read.

Shapes: OpenAI's "Prepare your batch file" and "The request output object", to which AWS's page on the OpenAI Batch API
refers. A run keeps its records in one shape of its own, whatever it sends (``recordId``, ``modelInput``).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.journal import event_in
from rockbottom.quantities import Undecodable, decoder_of

ENDPOINT = "/v1/chat/completions"
"""The only endpoint that AWS's batches take."""
_encode = msgspec.json.Encoder().encode
_text = decoder_of(str)
_VERSION = re.compile(r"-\d+:\d+$|:\d+$")
_BARRED: Mapping[str, str] = {
    "tools": "batch has no tool calling",
    "functions": "batch has no tool calling",
    "response_format": "batch has no structured output",
    "stream": "batch does not stream",
}


def fault_of_line(members: Mapping[str, msgspec.Raw]) -> tuple[str, str] | None:
    """The member of a request's line that a batch does not take, and why; None for a good one."""
    method, url = _text_of(members.get("method")), _text_of(members.get("url"))
    if method != "POST":
        return "method", f"{method!r}; a batch takes POST"
    if url != ENDPOINT:
        return "url", f"{url!r}; a batch of Bedrock takes only {ENDPOINT} (its page on the OpenAI Batch API)"
    unknown = members.keys() - {"custom_id", "method", "url", "body"}
    return (min(unknown), "not a member of a request line") if unknown else None


def barred_in(members: Mapping[str, msgspec.Raw]) -> tuple[str, str] | None:
    """The member of a body that Chat Completions has and a batch has not, and why."""
    for name, why in _BARRED.items():
        if name in members and bytes(members[name]) not in (b"null", b"false", b"{}", b"[]"):
            return name, why
    return None


def same_model(named: object, model: str) -> bool:
    """Whether a body names the model of the job, with or without its version."""
    return isinstance(named, str) and _VERSION.sub("", named) == _VERSION.sub("", model)


def request_lines(spool: Path, model: str) -> Iterator[bytes]:
    """The records of a spool as lines of a batch's input; each body names the model, as OpenAI's lines do."""
    with spool.open("rb", buffering=1 << 20) as file:
        for number, line in enumerate(file, 1):
            record = event_in(line, spool, number)
            body = {"model": model, **record["modelInput"]}
            request = {"custom_id": record["recordId"], "method": "POST", "url": ENDPOINT, "body": body}
            yield _encode(request) + b"\n"


class Response(msgspec.Struct):
    """A request's reply in a result: its status and its body, which is an error where the status says so."""

    status_code: int
    body: msgspec.Raw


class _Said(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class _Refusal(msgspec.Struct):
    error: _Said


_refusal = decoder_of(_Refusal)
_said = decoder_of(_Said)
_UNDONE = ("batch_expired", "batch_cancelled")  # OpenAI's codes of requests that were never run


def error_in(response: Response | None, error: msgspec.Raw) -> dict[str, Any] | None:
    """The error of a result in AWS's members; None where the request was answered."""
    if bytes(error) != b"null":
        failure = _decoded(_said, error)
        return {"errorCode": failure.code, "errorMessage": failure.message, "expired": failure.code in _UNDONE}
    if response is None or response.status_code < 400:
        return None
    try:
        message = _refusal(bytes(response.body)).error.message
    except Undecodable:
        message = bytes(response.body).decode(errors="replace")[:500]
    return {"errorCode": response.status_code, "errorMessage": message}


def _decoded(read: Any, raw: msgspec.Raw) -> _Said:
    try:
        return read(bytes(raw))
    except Undecodable:
        return _Said(None, bytes(raw).decode(errors="replace")[:500])


def _text_of(raw: msgspec.Raw | None) -> str | None:
    try:
        return None if raw is None else _text(bytes(raw))
    except Undecodable:
        return None
