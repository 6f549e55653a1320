"""The OpenAI Batch API of bedrock-runtime: files on S3, Chat Completions without tools and structured output.

What is known of it is AWS's page on the OpenAI Batch API (inference-openai-batch): the headers that name role and
model, ``input_file_id`` as an S3 URI, ``/v1/chat/completions`` as the only endpoint, 24 hours, results at
``BATCH_ID/INPUT.jsonl.out`` and ``.err``. Members of a batch and of a line are OpenAI's; words of refusals are ours.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

import msgspec

from rockbottom.catalog import RUNTIME, limit
from rockbottom.dialects import SurfaceRoute, surface_error
from rockbottom.local.bodies import object_of
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.jobs import JobFault
from rockbottom.local.jobs_s3 import S3, bucket_and_key
from rockbottom.local.replying import replied
from rockbottom.local.state import EndpointState
from rockbottom.local.surface_failures import UnknownPath
from rockbottom.local.surface_files import page_of
from rockbottom.local.surfaces import Surfaces
from rockbottom.quantities import is_object

Json = dict[str, Any]
Headers = Mapping[bytes, bytes]
BATCH_OPERATIONS = frozenset({"CreateBatch", "GetBatch", "ListBatches", "CancelBatch"})
_CHAT = SurfaceRoute("ChatCompletions", "/openai/v1", host=RUNTIME)
_ENDPOINT = "/v1/chat/completions"
_BARRED = {"tools": "tools", "response_format": "structured output", "stream": "streaming"}
_PER_TURN = 50  # records run between two turns of the event loop


@cache
def _window_s() -> int:
    from rockbottom.batch import timeout_hours  # only batches need it

    return timeout_hours().openai_batches * 3600


@dataclass(slots=True)
class Batch:
    """One batch as OpenAI's API shows it, and the model and caller that its requests have."""

    told: Json
    model: str
    headers: Headers
    pace: tuple[float, float]  # seconds in validation, and until it has run
    faults: tuple[JobFault, ...] = ()

    def ended(self) -> bool:
        return self.told["status"] in ("completed", "failed", "cancelled", "expired")

    def fault(self, kind: str) -> JobFault | None:
        """What was asked to go wrong with it."""
        return next((fault for fault in self.faults if fault.kind == kind), None)


@dataclass(slots=True)
class _Outcome:
    out: list[bytes] = field(default_factory=list[bytes])
    err: list[bytes] = field(default_factory=list[bytes])


class Batches:
    """Every batch of one endpoint; each advances when somebody looks."""

    def __init__(self, state: EndpointState, surfaces: Surfaces) -> None:
        self._state = state
        self._surfaces = surfaces
        self._made: dict[str, Batch] = state.batches
        self._lock = asyncio.Lock()

    async def answer(self, route: SurfaceRoute, headers: Headers, query: Mapping[str, str], content: bytes) -> Json:
        """The reply to an operation of batches. Raises ServiceFailure."""
        if route.host not in (None, RUNTIME) or route.family != "/openai/v1":
            raise UnknownPath(route.host)
        async with self._lock:
            if route.operation == "CreateBatch":
                return self._create(object_of(content or b"{}"), headers).told
            if route.operation not in ("GetBatch", "CancelBatch"):
                for batch in list(self._made.values()):
                    await self._look(batch)
                rows = [batch.told for batch in reversed(list(self._made.values()))]
                return page_of(rows, query, most=limit("batches_listed"), usual=limit("batches_listed_usually"))
            batch = self._made.get(route.identifier)
            if batch is None:
                raise ServiceFailure("ResourceNotFoundException", f"No batch found with id '{route.identifier}'.")
            await self._look(batch)
            if route.operation == "CancelBatch":
                if batch.ended():
                    raise invalid(f"Cannot cancel a batch with status '{batch.told['status']}'.")
                batch.told |= {"status": "cancelled", "cancelled_at": int(self._state.clock.now())}
            return batch.told

    def _create(self, body: Json, headers: Headers) -> Batch:
        model = headers.get(b"x-amzn-bedrock-modelid", b"").decode("latin-1")
        for name, value in (("ModelId", model), ("RoleArn", headers.get(b"x-amzn-bedrock-rolearn"))):
            if not value:
                raise invalid(f"Missing required header: 'X-Amzn-Bedrock-{name}'.")
        file, endpoint = body.get("input_file_id"), body.get("endpoint")
        if not isinstance(file, str) or not file.startswith("s3://"):
            raise invalid("Invalid 'input_file_id': an S3 URI is expected.")
        if endpoint != _ENDPOINT:
            raise invalid(f"Invalid 'endpoint': only '{_ENDPOINT}' is supported.")
        if body.get("completion_window") != "24h":
            raise invalid("Invalid 'completion_window': only '24h' is supported.")
        if self._state.s3_url is None:
            raise ServiceFailure(
                "ValidationException",
                "The local endpoint has no S3 to read input from.",
                hint="start it with --s3 moto (S3 in the same process) or --s3 URL",
            )
        now, pace = int(self._state.clock.now()), self._state.jobs.pace
        description: Json = {
            "id": f"batch_{self._state.new_request_id().replace('-', '')[:24]}",
            "object": "batch",
            "endpoint": endpoint,
            "errors": None,
            "input_file_id": file,
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now,
            "expires_at": now + _window_s(),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": body.get("metadata"),
        }
        caller = {name: headers[name] for name in (b"authorization",) if name in headers}
        waits = pace.validating, pace.validating + pace.scheduled
        batch = Batch(description, model, caller, waits, self._state.jobs.faults_now())
        self._surfaces.check_chat(model)
        self._made[description["id"]] = batch
        return batch

    async def _look(self, batch: Batch) -> None:
        """Bring a batch to the state that the clock says."""
        passed = self._state.clock.now() - batch.told["created_at"]
        if batch.ended() or passed < batch.pace[0]:
            return
        batch.told.setdefault("in_progress_at", batch.told["created_at"] + int(batch.pace[0]))
        batch.told["status"] = "in_progress"
        expires = batch.fault("expire") is not None
        if passed >= (_window_s() if expires else batch.pace[1]):
            try:
                await self._run(batch, expired=expires)
            except _Refused as refused:
                data = [{"code": refused.code, "line": refused.line, "message": str(refused), "param": None}]
                batch.told |= {"status": "failed", "errors": {"object": "list", "data": data}}
                batch.told["failed_at"] = int(self._state.clock.now())

    async def _run(self, batch: Batch, *, expired: bool) -> None:
        """Answer the requests of a batch; one that has expired has answered none. Raises _Refused."""
        failing = batch.fault("fail")
        if failing is not None:
            raise _Refused(failing.message or "The batch failed on purpose.")
        s3 = S3(str(self._state.s3_url))
        bucket, key = bucket_and_key(batch.told["input_file_id"])
        records = _records(await asyncio.to_thread(_content, s3, bucket, key))
        outcome, counts = _Outcome(), batch.told["request_counts"]
        for number, record in enumerate(records, 1):
            if expired:
                outcome.err.append(_unanswered(self._state.new_request_id(), record))
            else:
                self._answer(batch, record, outcome)
            if number % _PER_TURN == 0:
                await asyncio.sleep(0)
        counts |= {"total": len(records), "completed": len(outcome.out), "failed": len(outcome.err)}
        folder, _, name = key.rpartition("/")
        place = "/".join(filter(None, (folder, batch.told["id"], name)))
        for member, ending, lines in (("output_file_id", "out", outcome.out), ("error_file_id", "err", outcome.err)):
            if lines:
                await asyncio.to_thread(s3.write, bucket, f"{place}.{ending}", b"".join(lines))
                batch.told[member] = f"s3://{bucket}/{place}.{ending}"
        now = int(self._state.clock.now())
        ended = {"status": "expired", "expired_at": now} if expired else {"status": "completed", "completed_at": now}
        batch.told |= {"finalizing_at": now, **ended}

    def _answer(self, batch: Batch, record: Json, outcome: _Outcome) -> None:
        identity = self._state.new_request_id()
        try:
            status, body = 200, self._answered(batch, record, identity)
        except ServiceFailure as failure:
            status, body = failure.status, surface_error(failure.status, failure.message, of_anthropic=False)
        line = _result(identity, record, {"status_code": status, "request_id": identity, "body": body}, None)
        (outcome.out if status == 200 else outcome.err).append(line)

    def _answered(self, batch: Batch, record: Json, identity: str) -> Json:
        body = record.get("body")
        if not is_object(body):
            raise invalid("Missing required parameter: 'body'.")
        barred = next((named for member, named in _BARRED.items() if body.get(member)), None)
        if barred:
            raise invalid(f"Batch inference does not support {barred}.")
        content = msgspec.json.encode({**body, "model": batch.model})
        call = self._surfaces.call_of(_CHAT, batch.headers, content, identity)
        assert call is not None
        counted = self._surfaces.read(call, own_answer=True)
        assert counted.answer is not None
        return msgspec.json.decode(replied(counted, counted.answer).body)


def _result(identity: str, record: Json, response: Json | None, error: Json | None) -> bytes:
    """A line of the results, as OpenAI's reference has it."""
    members = {"id": f"batch_req_{identity.replace('-', '')[:24]}", "custom_id": record.get("custom_id")}
    return msgspec.json.encode({**members, "response": response, "error": error}) + b"\n"


def _unanswered(identity: str, record: Json) -> bytes:
    words = "This request could not be executed before the completion window expired."  # OpenAI's, "Batch expiration"
    return _result(identity, record, None, {"code": "batch_expired", "message": words})


class _Refused(Exception):
    """The batch fails, at this line of its input; ``code`` is one of OpenAI's."""

    def __init__(self, message: str, line: int | None = None, code: str = "invalid_input") -> None:
        super().__init__(message)
        self.line = line
        self.code = code


def _content(s3: S3, bucket: str, key: str) -> bytes:
    into = BytesIO()
    try:
        s3.read(bucket, key, into)
    except Exception as error:
        raise _Refused(f"The role has no access to the input: {error}") from error
    return into.getvalue()


def _records(content: bytes) -> list[Json]:
    records: list[Json] = []
    names = set[str]()
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            raise _Refused(f"Line {number} is not a JSON object.", number) from None
        if record.get("url", _ENDPOINT) != _ENDPOINT:
            words = f"The URL provided for this request does not match the batch's: {_ENDPOINT}."
            raise _Refused(words, number, "invalid_url")
        if (name := str(record.get("custom_id"))) in names:
            raise _Refused(f"The custom_id '{name}' is not unique.", number, "duplicate_custom_id")
        names.add(name)
        records.append(record)
    if not records:
        raise _Refused("The input file has no requests.")
    return records
