"""A botocore or aiobotocore client attached through its own event system, or all that a session will make.

``before-parameter-build`` receives the arguments of one call, once, before validation and before any attempt; the
planned points go into that dictionary, which botocore made for the call, so that handlers of others still work
and the caller's objects stay untouched. Retries happen later and below. ``after-call`` sees the parsed reply, before
handlers of others do: one that changes it or fails changes nothing of what the service counted and bills.
"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from rockbottom.client.attachment import Attachment
from rockbottom.client.calls import Call
from rockbottom.client.charges import may_be_billed
from rockbottom.client.fitting import fits
from rockbottom.client.landing import KEY, RequestEnd, airborne, arrived, landed, received, reply_behind
from rockbottom.client.listening import CallListener
from rockbottom.client.pinging import BYPASS
from rockbottom.client.streams import watched_body, watched_stream
from rockbottom.client.tagging import metadata_of
from rockbottom.client.whereabouts import NOWHERE, whereabouts_of
from rockbottom.dialects import OPERATIONS, api_of, header_counts, header_input, is_streaming

_ON_REPLIES = ("before-parse", "response-received", "after-call")
_EVENTS = (
    "before-parameter-build", "before-call", "request-created", "needs-retry", "after-call-error", *_ON_REPLIES
)  # fmt: skip
_ATTACHED = "rockbottom-attached.bedrock-runtime"  # an event of our own: who is attached here answers
_ATTEMPT = "rockbottom-attempt"
_ABOUT_POINTS = re.compile(
    r"cache|extraneous key|ttl|Extra inputs|type: Field required"
    r"|(?:messages|system|tools|content)[.\[/]\d",  # an index, which counts our points too
    re.IGNORECASE,
)

Context = dict[str, Any]


class BotocoreHooks:
    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._whereabouts = NOWHERE
        self._events: Any = None
        self._active = True

    def register(self, client: Any) -> None:
        """Put the handlers on the client's events, awaiting ones on an asynchronous client."""
        self._whereabouts = whereabouts_of(str(client.meta.endpoint_url), client.meta.region_name)
        self._listen(client.meta.events, asynchronous=is_asynchronous(client))

    def register_session(self, session: Any) -> None:
        """Put the handlers on a session's events, which every client that it makes from now on begins with."""
        core = core_of(session)
        asynchronous = inspect.iscoroutinefunction(core.get_credentials)
        self._listen(core.get_component("event_emitter"), asynchronous=asynchronous)

    def _listen(self, events: Any, *, asynchronous: bool) -> None:
        before = self._before_async if asynchronous else self._before
        self._events = events
        _forget(events)
        events.register(_ATTACHED, self._itself, unique_id=_ATTACHED)
        for operation in OPERATIONS:
            name = f"bedrock-runtime.{operation}"
            handlers: dict[str, Callable[..., Any]] = {
                "before-parameter-build": before,
                "before-call": self._addressed,
                "request-created": self._airborne,
                "before-parse": arrived,
                "response-received": received,
                "needs-retry": self._needs_retry,
                "after-call": self._after_call,
                "after-call-error": self._after_call_error,
            }
            events.register_first(f"needs-retry.{name}", self._attempted, unique_id=f"{_ATTEMPT}-{operation}")
            for event, handler in handlers.items():
                register = events.register_first if event in _ON_REPLIES else events.register_last
                register(f"{event}.{name}", handler, unique_id=f"rockbottom-{event}-{operation}")

    def _itself(self, **_: Any) -> "BotocoreHooks | None":
        return self if self._active else None

    @property
    def attachment(self) -> Attachment:
        """What these handlers tell of calls."""
        return self._attachment

    def leave(self, events: Any) -> None:
        """Look at no further call of the client or session with these events, nor of clients that this session made."""
        if events is self._events:
            self._active = False
        events.unregister(_ATTACHED, unique_id=_ATTACHED)
        for operation in OPERATIONS:
            _unregister(events, "before-parameter-build", operation)

    def _before(self, params: dict[str, Any], context: Context, model: Any, **_: Any) -> None:
        if self._active and not BYPASS.get():
            call = self._attachment.depart(dict(params), model.name, self._whereabouts)
            self._depart(params, context, model, call)

    async def _before_async(self, params: dict[str, Any], context: Context, model: Any, **_: Any) -> None:
        if self._active and not BYPASS.get():
            call = await self._attachment.depart_async(dict(params), model.name, self._whereabouts)
            self._depart(params, context, model, call)

    def _depart(self, params: dict[str, Any], context: Context, model: Any, call: Call | None) -> None:
        if call is None:
            return
        context[KEY] = call
        call.guarded = bool(params.get("guardrailIdentifier"))
        if self._attachment.recorder is not None:
            RequestEnd.under(context, self._attachment, call)
        try:
            if call.changed and not fits(call.original, call.sent, model.input_shape):
                call.restored = True  # botocore will say to the caller what it has to say
            if call.changed:
                params.update(call.sent)
            if self._attachment.options.request_metadata and call.tags:
                params.update(_with_metadata(params, model, call))
        except Exception as error:
            call.restored = True
            self._attachment.talk.failure("planning", error)

    def _addressed(self, context: Context, params: Mapping[str, Any], **_: Any) -> None:
        call: Call | None = context.get(KEY)
        if call is not None and call.whereabouts is NOWHERE:  # of a session: only now the client's address is known
            call.whereabouts = whereabouts_of(str(params.get("url", "")), context.get("client_region"))

    def _airborne(self, request: Any, **_: Any) -> None:
        """It passed boto3's validation and what others do before a call: it will really be sent."""
        call: Call | None = request.context.get(KEY)
        if call is not None:
            airborne(call)
            call.sent_off = True
            if call.flight is not None:
                call.flight.airborne = True

    def _attempted(
        self, response: Any, request_dict: dict[str, Any], caught_exception: Exception | None = None, **_: Any
    ) -> None:
        """One attempt is over; one that was sent and got no answer may be billed all the same."""
        call: Call | None = request_dict.get("context", {}).get(KEY)
        if call is not None and may_be_billed(response, caught_exception):
            call.lost += 1

    def _needs_retry(self, response: Any, operation: Any, request_dict: dict[str, Any], **_: Any) -> float | None:
        """A request refused because of our points goes out once more as the caller wrote it."""
        call: Call | None = request_dict.get("context", {}).get(KEY)
        if call is None or response is None or not call.changed:
            return None
        try:
            message = _refusal(response)
            if message is None:
                return None
            original = call.original
            if self._attachment.options.request_metadata and call.tags:
                original = {**original, **_with_metadata(original, operation, call)}
            request_dict["body"] = _serialized(operation, original)["body"]
            call.restored, call.refusal = True, message
        except Exception as error:
            self._attachment.talk.failure("restoring a request", error)
            return None
        return 0.0

    def _after_call(self, http_response: Any, parsed: dict[str, Any], context: Context, **_: Any) -> None:
        call = landed(context)
        if call is not None:
            call.reply = None
            self._replied(call, http_response.status_code, parsed)

    def _after_call_error(self, context: Context, **_: Any) -> None:
        call = landed(context)
        if call is None:
            return
        reply, call.reply = reply_behind(call), None
        if reply is not None and 200 <= reply[0] < 300:  # it is billed; a handler of somebody else failed behind it
            self._replied(call, *reply)
        else:
            self._attachment.failed(call)

    def _replied(self, call: Call, status: int, parsed: dict[str, Any]) -> None:
        attachment = self._attachment
        call.request_id = str(parsed.get("ResponseMetadata", {}).get("RequestId", ""))
        if status >= 300:
            attachment.failed(call)
            return
        attachment.answered(call)
        try:
            self._watch(call, parsed, call.operation)
        except Exception as error:
            attachment.talk.failure("reading a reply", error)

    def _watch(self, call: Call, parsed: dict[str, Any], operation: str) -> None:
        listener, ttl = CallListener(self._attachment, call), call.default_ttl
        native = api_of(operation).native
        member = "body" if native else "stream" if is_streaming(operation) else ""  # what is read later
        headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if not member:
            listener.told(parsed)
            counts = call.counts_of(parsed.get("usage"))
            listener.finished(counts.usage(ttl)) if counts is not None else listener.abandoned()
        elif not is_streaming(operation) and self._counted_by_headers(call, headers, listener):
            return
        elif member not in parsed:  # it came, and nobody will read it
            listener.abandoned()
        elif is_streaming(operation):
            parsed[member] = watched_stream(parsed[member], call.counting(), ttl, listener)
            listener.hold(parsed[member])
        else:
            parsed[member] = watched_body(parsed[member], call.counts_of, ttl, listener, header_input(headers))
            listener.hold(parsed[member])

    @staticmethod
    def _counted_by_headers(call: Call, headers: Mapping[str, str], listener: CallListener) -> bool:
        counts = header_counts(headers)
        if counts is None or call.guarded or (counts.write and not call.has_one_ttl):
            return False
        listener.finished(counts.usage(call.default_ttl))
        return True


def attachment_on(events: Any) -> Attachment | None:
    """What the handlers on these events tell of calls; None where there are none, or they were taken off."""
    hooks = _hooks_on(events)
    return hooks.attachment if hooks is not None else None


def taken_off(events: Any) -> None:
    """Take the handlers off these events. Those for replies stay until calls under way are through."""
    hooks = _hooks_on(events)
    if hooks is not None:
        hooks.leave(events)


def _hooks_on(events: Any) -> BotocoreHooks | None:
    """The handlers that answer for these events: a client's copy of its session's events has the session's."""
    return _answered(events.emit_until_response(_ATTACHED))[1]


def _answered(answer: Any) -> Any:
    """What an emitter answers; aiobotocore's answers to be awaited, though nothing in it waits."""
    if not inspect.iscoroutine(answer):
        return answer
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a handler of ours does not wait")


def _forget(events: Any) -> None:
    """Take off what a detached attachment left."""
    for operation in OPERATIONS:
        events.unregister(f"needs-retry.bedrock-runtime.{operation}", unique_id=f"{_ATTEMPT}-{operation}")
        for event in _EVENTS:
            _unregister(events, event, operation)


def _unregister(events: Any, event: str, operation: str) -> None:
    events.unregister(f"{event}.bedrock-runtime.{operation}", unique_id=f"rockbottom-{event}-{operation}")


def is_asynchronous(client: Any) -> bool:
    """Whether the client is one of aiobotocore's."""
    return inspect.iscoroutinefunction(getattr(client, "_make_api_call", None))


def core_of(session: Any) -> Any:
    """The botocore session in a session of boto3 or aioboto3, or the session itself; None where there is none."""
    for candidate in (session, getattr(session, "_session", None)):
        if hasattr(candidate, "get_component") and hasattr(candidate, "create_client"):
            core: Any = candidate
            if inspect.iscoroutinefunction(core.get_component):  # of a mock, whose coroutine nobody would await
                return None
            return core if _is_emitter(core.get_component("event_emitter")) else None
    return None


def is_botocore_client(client: Any) -> bool:
    """Whether this is a client made by boto3, botocore or aiobotocore, of whatever service."""
    meta = getattr(client, "meta", None)
    return _is_emitter(getattr(meta, "events", None)) and hasattr(meta, "service_model")


def _is_emitter(events: Any) -> bool:
    """Whether these are events of botocore: a mock of a client or session has all members, but not these."""
    hooks = sys.modules.get("botocore.hooks")
    return hooks is not None and isinstance(events, hooks.BaseEventHooks)


def _with_metadata(params: Mapping[str, Any], operation: Any, call: Call) -> dict[str, Any]:
    """The argument that carries the tags: a map, or JSON in a header; nothing where this botocore knows none."""
    shape = operation.input_shape.members.get("requestMetadata") if operation.input_shape else None
    if shape is None:
        return {}
    metadata = params.get("requestMetadata")
    if shape.type_name == "map":
        if "requestMetadata" in params and not isinstance(metadata, dict):
            return {}  # botocore will refuse it, None too
        return {"requestMetadata": metadata_of(call.tags, cast(Any, metadata))}
    if params.get("requestMetadata", "") != "":  # text that the caller wrote stays as it is, and what is no text
        return {}
    return {"requestMetadata": json.dumps(metadata_of(call.tags, None), separators=(",", ":"))}


def _refusal(response: tuple[Any, Mapping[str, Any]]) -> str | None:
    http, parsed = response
    if http.status_code not in (400, 403):
        return None
    message = str(parsed.get("Error", {}).get("Message", ""))
    return message if about_points(message) else None


def about_points(message: str) -> bool:
    """Whether an error text of the service may be about cachePoints, or counts them in an index."""
    return _ABOUT_POINTS.search(message) is not None


def _serialized(operation: Any, params: dict[str, Any]) -> dict[str, Any]:
    from botocore import serialize  # botocore is there: it called us

    serializer = cast(Any, serialize).create_serializer(operation.service_model.resolved_protocol)
    return serializer.serialize_to_request(params, operation)
