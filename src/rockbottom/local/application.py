"""The ASGI application: bytes in, an operation, bytes out; all waiting is here."""

import asyncio
import logging
import time
from collections.abc import Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rockbottom.dialects import SurfaceRoute, api_of, surface_route_of
from rockbottom.local.answers import NeutralReply
from rockbottom.local.callers import caller_from
from rockbottom.local.calls import CountedCall, RuntimeCall
from rockbottom.local.control_plane import Asking, ControlPlane
from rockbottom.local.door import Door
from rockbottom.local.embedded import embedded_by
from rockbottom.local.embeddings import Embedding, embedding_model
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.faults import FaultRule
from rockbottom.local.invocation_log import Logged
from rockbottom.local.jobs_api import JOB_OPERATIONS, JobsPlane
from rockbottom.local.journal import logged_embedding, logged_failure, logged_reply, note
from rockbottom.local.levers_api import LeversPlane
from rockbottom.local.receiving import Gone, Receive, Receiving
from rockbottom.local.replying import (
    SentReply,
    broken_frame,
    frames_after,
    frames_before,
    frames_of,
    identities_of,
    replied,
    stream_headers,
)
from rockbottom.local.routes import RUNTIME_OPERATIONS, LocalRoute, route_of
from rockbottom.local.runtime import Runtime
from rockbottom.local.sending import JSON, Headers, Send, identities, send_failure, send_whole
from rockbottom.local.state import EndpointState
from rockbottom.local.steering import Steering
from rockbottom.local.surface_objects import SurfaceObjects
from rockbottom.local.surfaces import Surfaces
from rockbottom.local.upstream import UpstreamServer
from rockbottom.local.upstream_pieces import pieces_of

Scope = MutableMapping[str, Any]

_LOG_SECONDS = 1.0
_logger = logging.getLogger("rockbottom.local")


class Application:
    """One endpoint as an ASGI application."""

    def __init__(self, state: EndpointState) -> None:
        self._state = state
        self._runtime = Runtime(state)
        self._surfaces = Surfaces(state, self._runtime)
        self._objects = SurfaceObjects(state, self._surfaces)
        self._control = ControlPlane(state.catalog, state.profiles, state.clock)
        self._jobs = JobsPlane(state, self._runtime)
        self._levers = LeversPlane(state)
        self._steering = Steering(state, self.flush_logs)
        settings = state.settings
        self._upstream = UpstreamServer(settings.upstream, settings.upstream_model) if settings.upstream else None
        self._asking = ThreadPoolExecutor(64, "rockbottom-upstream") if self._upstream else None
        self._stopping = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._log_failed = False
        self._door = Door(settings)
        self._receiving = Receiving(settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    def stop_waiting(self) -> None:
        """Let requests that wait on purpose go, so that the server can stop."""
        self._stopping.set()

    def flush_logs(self) -> int:
        """Write the invocation logs that wait; how many were written."""
        log = self._state.log
        if log is None:
            return 0
        try:
            written = log.flush()
        except OSError as error:
            if not self._log_failed:
                _logger.error("invocation logs cannot be written: %s; they wait in memory until they can", error)
            self._log_failed = True
            return 0
        if self._log_failed:
            _logger.warning("invocation logs are written again; %s did not fit into memory", log.dropped)
        self._log_failed = False
        return written

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                if self._state.log is not None:
                    self._writer = asyncio.get_running_loop().create_task(self._write_logs())
                await send({"type": "lifespan.startup.complete"})
            else:
                self._stopping.set()
                if self._writer is not None:
                    self._writer.cancel()
                self.flush_logs()
                if self._log_failed:
                    _logger.error("%s invocation logs were not written", self._state.log and self._state.log.waiting)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _write_logs(self) -> None:
        log = self._state.log
        while log is not None:
            await asyncio.sleep(_LOG_SECONDS)
            if log.waiting:
                await asyncio.get_running_loop().run_in_executor(None, self.flush_logs)

    def _log(self, logged: Logged | None) -> None:
        log = self._state.log
        if log is not None and logged is not None and log.add(logged):
            self.flush_logs()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._state
        state.served += 1
        request_id = state.new_request_id()
        route = route_of(scope["method"], scope["raw_path"])
        headers: dict[bytes, bytes] = dict(scope["headers"])
        on_surface = not route.operation or api_of(route.operation).names_model
        surface = surface_route_of(scope["method"], scope["raw_path"], headers) if on_surface else None
        try:
            if b"origin" in headers:
                send = self._door.telling(headers, send)
            self._door.check(scope["method"], headers, route)
            if scope["method"] == "OPTIONS" and b"origin" in headers:
                await send_whole(send, 204, [], b"")
                return
            try:
                body = await self._receiving.body(receive)
            except Gone:
                return
            if surface is not None and self._objects.answers(surface.operation):
                kind, reply = await self._objects.answer(surface, headers, scope.get("query_string", b""), body)
                await send_whole(send, 200, [kind, *identities(request_id, surface)], reply)
            elif surface is not None:
                await self._on_surface(surface, headers, body, request_id, send)
            elif route.operation in RUNTIME_OPERATIONS:
                await self._invoke(self._call(route, headers, body, request_id), send)
            else:
                await self._other(route, scope, headers, body, request_id, send)
        except ServiceFailure as failure:
            await send_failure(send, failure, request_id, surface)
        except RecursionError:
            deep = ServiceFailure("SerializationException", "The request body is nested too deeply.")
            await send_failure(send, deep, request_id, surface)
        except Exception:
            _logger.exception("a request failed inside the endpoint")
            await send_failure(
                send,
                ServiceFailure("InternalServerException", "The local endpoint failed; its log on stderr says where."),
                request_id,
                surface,
            )

    async def _other(
        self, route: LocalRoute, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, request_id: str, send: Send
    ) -> None:
        if route.operation == "control":
            answer = self._steering.answer(scope["method"], route.identifier, body)
            if scope["method"] == "POST" and route.identifier == "clock":
                await self._jobs.look_at_all()
            await send_whole(send, 200, [JSON], answer)
            return
        if not route.operation:
            raise ServiceFailure("UnknownOperationException", f"no operation {scope['method']} {scope['path'][:200]}")
        settings = self._state.settings
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        caller = caller_from(authorization, account=settings.account, region=settings.region)
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        asking = Asking(caller, route.identifier, query, body)
        if self._levers.answers(route.operation):
            status, answer = self._levers.answer(route.operation, asking)
        elif route.operation in JOB_OPERATIONS:
            status, answer = await self._jobs.answer(route.operation, asking)
        else:
            status, answer = self._control.answer(route.operation, asking)
        await send_whole(send, status, [JSON, (b"x-amzn-requestid", request_id.encode())], msgspec.json.encode(answer))

    def _call(self, route: LocalRoute, headers: Mapping[bytes, bytes], body: bytes, request_id: str) -> RuntimeCall:
        settings = self._state.settings
        caller = caller_from(
            headers.get(b"authorization", b"").decode("latin-1"), account=settings.account, region=settings.region
        )
        return RuntimeCall(route.operation, route.identifier, headers, body, caller, request_id)

    async def _on_surface(
        self, route: SurfaceRoute, headers: Mapping[bytes, bytes], body: bytes, request_id: str, send: Send
    ) -> None:
        call = self._surfaces.call_of(route, headers, body, request_id)
        if call is not None and route.operation != "CountMessageTokens":
            await self._invoke(call, send)
            return
        counted = None if call is None else self._surfaces.count_tokens(call)
        status, answer = self._surfaces.other(route, headers, body) if counted is None else (200, counted)
        await send_whole(send, status, [JSON, *identities(request_id, route)], msgspec.json.encode(answer))

    async def _invoke(self, call: RuntimeCall, send: Send) -> None:
        try:
            fault = self._state.faults.taken_by(call.operation, call.model) if self._state.faults.rules else None
            if fault is not None:
                await self._suffer(fault)
            if call.operation == "CountTokens":
                counts = msgspec.json.encode(self._runtime.count_tokens(call))
                await send_whole(send, 200, [JSON, *identities(call.request_id)], counts)
                return
            embedding = embedding_model(call.model) if call.surface is None else None
            if embedding is not None:
                await self._embed(call, embedding, send)
                return
            reading = self._runtime if call.surface is None else self._surfaces
            counted = reading.read(call, own_answer=self._upstream is None)
            if counted.answer is None:
                if call.stream and fault is None and counted.pace is None and counted.goes_at_once:
                    await self._stream_upstream(counted, send)
                    return
                counted.answer = await self._asked_upstream(counted)
        except ServiceFailure as failure:
            self._fail(call, failure)
            raise
        await self._reply(counted, send, fault)

    async def _embed(self, call: RuntimeCall, model: Embedding, send: Send) -> None:
        embedded = embedded_by(call, model)
        note(self._state, call, 200, None, None, None)
        if self._state.log is not None:
            self._log(logged_embedding(self._state, call, embedded))
        await send_whole(send, 200, [JSON, *identities(call.request_id), *embedded.headers], embedded.body)

    async def _asked_upstream(self, counted: CountedCall) -> NeutralReply:
        assert self._upstream is not None
        answer, model = self._upstream.answer, counted.model.model.id
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._asking, answer, counted.neutral, counted.asked, model, counted.count)

    async def _stream_upstream(self, counted: CountedCall, send: Send) -> None:
        """Send the upstream's text as it comes. Raises ServiceFailure when it fails before the first of it."""
        assert self._upstream is not None
        head = stream_headers(counted)
        try:
            async for text in pieces_of(self._upstream, self._asking, counted):
                frames = frames_of(counted, text)
                if counted.first_byte_ms is None:
                    counted.first_byte_ms = int((time.perf_counter() - counted.call.began) * 1000)
                    self._runtime.begin(counted)
                    headers = replied(counted, NeutralReply((), "end_turn", 0)).headers
                    await send({"type": "http.response.start", "status": 200, "headers": [*head, *headers]})
                    frames = [*frames_before(counted), *frames]
                await send({"type": "http.response.body", "body": b"".join(frames), "more_body": True})
        except ServiceFailure as failure:
            if counted.first_byte_ms is None:
                raise
            self._fail(counted.call, failure)
            await send({"type": "http.response.body", "body": broken_frame(counted, failure)})
            return
        if counted.first_byte_ms is None:
            await self._reply(counted, send, None)
            return
        assert counted.answer is not None
        reply = replied(counted, counted.answer)
        self._note(counted, reply)
        await send({"type": "http.response.body", "body": b"".join(frames_after(counted, reply, counted.answer))})
        self._runtime.end(counted)

    async def _suffer(self, fault: FaultRule) -> None:
        if fault.kind == "error":
            raise fault.failure()
        if fault.kind in ("delay", "timeout"):
            await self._wait(fault.seconds)
        if fault.kind == "timeout":
            raise fault.failure()
        if fault.kind == "hang":
            await self._stopping.wait()
            raise ServiceFailure("ServiceUnavailableException", "The local endpoint is stopping.")

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _fail(self, call: RuntimeCall, failure: ServiceFailure) -> None:
        note(self._state, call, failure.status, None, None, failure)
        if self._state.log is not None:
            self._log(logged_failure(self._state, call, failure))

    def _note(self, counted: CountedCall, reply: SentReply) -> None:
        if counted.call.surface is not None:
            self._surfaces.keep(counted, reply.whole)
        note(self._state, counted.call, 200, counted, reply, None)
        if self._state.log is not None:
            self._log(logged_reply(self._state, counted, reply))

    async def _reply(self, counted: CountedCall, send: Send, fault: FaultRule | None) -> None:
        assert counted.answer is not None
        reply = replied(counted, counted.answer)
        waits = counted.pace is not None and self._state.latency.mode == "wait"
        if waits:
            await self._wait((reply.first_byte_ms if counted.call.stream else reply.latency_ms) / 1000)
        self._runtime.begin(counted)
        self._note(counted, reply)
        await self._send_reply(counted, reply, send, fault, waits=waits)
        self._runtime.end(counted, 0.0 if waits or counted.pace is None else reply.latency_ms / 1000)

    async def _send_reply(
        self, counted: CountedCall, reply: SentReply, send: Send, fault: FaultRule | None, *, waits: bool
    ) -> None:
        if not counted.call.stream:
            await send_whole(send, 200, [JSON, *identities_of(counted), *reply.headers], reply.body)
            return
        head: Headers = [*stream_headers(counted), *reply.headers]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        if fault is not None and fault.kind == "cut":
            await self._send_cut(send, counted, reply, fault)
        elif waits:
            await self._send_paced(send, reply)
        else:
            await send({"type": "http.response.body", "body": b"".join(reply.frames)})

    async def _send_paced(self, send: Send, reply: SentReply) -> None:
        gap = max(reply.latency_ms - reply.first_byte_ms, 0) / 1000 / max(len(reply.frames), 1)
        for frame in reply.frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
            await self._wait(gap)
        await send({"type": "http.response.body", "body": b""})

    async def _send_cut(self, send: Send, counted: CountedCall, reply: SentReply, fault: FaultRule) -> None:
        begun = b"".join(reply.frames[: fault.after_events])
        if fault.code is None:
            # Returning without an end makes the server close the connection in the middle of the body.
            await send({"type": "http.response.body", "body": begun, "more_body": True})
            return
        await send({"type": "http.response.body", "body": begun + broken_frame(counted, fault.failure())})
