"""Requests of invocation logs as calls of a ledger: what an attached client would have recorded of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from rockbottom.alarms import priced
from rockbottom.catalog import Catalog, CatalogError
from rockbottom.client import Call, Recorder, Whereabouts
from rockbottom.dialects import Request, RequestReader, host_of, operation_by
from rockbottom.ledger import CallRecord
from rockbottom.quantities import RockbottomError, is_object
from rockbottom.trace import Invocation

_OF_THE_CALL = ("model", "region", "served", "account")
"""Labels that a record has members of its own for."""


class RequestRecorder:
    """Makes records of requests; ``key`` is the secret of their prefix hashes, ``behind`` the models of profiles."""

    def __init__(self, catalog: Catalog, key: bytes, behind: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._behind = behind
        self._requests = RequestReader(catalog)
        self._last: CallRecord | None = None
        self._failure: Exception | None = None
        self._recorder = Recorder([self], {}, key, self._failed)

    def call_of(self, invocation: Invocation) -> CallRecord:
        """The record of a request, priced as of its day in the Region it was sent to. Raises what reading it does."""
        arguments = _arguments(invocation, self._behind.get(invocation.model, invocation.model))
        request = self._read(arguments)
        call = Call(
            at=invocation.at or 0.0,
            original=arguments,
            sent=arguments,
            request=request,
            operation=operation_by(invocation.api),
            whereabouts=Whereabouts(
                invocation.region or invocation.served, "aws", host_of(invocation.api, invocation.model)
            ),
            tags={name: value for name, value in invocation.labels.items() if name not in _OF_THE_CALL},
            request_id=invocation.request_id,
            source="log",
        )
        if request is None:
            call.look_up(self._requests)
        usage = invocation.usage.named((call.default_ttl,)) if invocation.usage is not None else None
        self._last, self._failure = None, None
        self._recorder.record(call, usage, None, self._minimum(request, call.at), invocation.latency_s or 0.0, False)
        if self._last is None:
            raise self._failure or RockbottomError("a call could not be recorded")
        return priced(_stretched(self._last), self._catalog) if usage is not None else self._last

    def record(self, call: CallRecord) -> None:
        """Keep the record that the recorder made."""
        self._last = call

    def close(self) -> None:
        """Does nothing: no record waits here."""

    def _failed(self, error: Exception) -> None:
        self._failure = error

    def _read(self, arguments: dict[str, Any]) -> Request | None:
        """The request read; None where its model or body is of no known kind: it is counted all the same."""
        try:
            return self._requests.read(arguments)
        except (RockbottomError, LookupError, TypeError, AttributeError, ValueError, RecursionError):
            return None

    def _minimum(self, request: Request | None, at: float) -> int:
        if request is None:
            return 0
        try:
            return self._catalog.rules(request.model, datetime.fromtimestamp(at, UTC).date()).minimum_tokens
        except (CatalogError, OverflowError, ValueError, OSError):
            return 0


def _stretched(call: CallRecord) -> CallRecord:
    """The record with its estimated depths on the scale of what was counted, which a log says of every request.

    What was read and written ends at a point: where the last one is near, that is its depth.
    """
    whole, total = call.depths[-1] if call.depths else 0, call.total_input
    if not whole:
        return call
    cached = call.cache_read + call.cache_write
    marked = call.depths[call.marks[-1] - 1] if call.marks and call.marks[-1] else 0
    near = marked * total // whole
    if not marked or abs(cached - near) * _NEAR > near:
        marked, cached = whole, total

    def on_scale(depth: int) -> int:
        if depth <= marked:
            return depth * cached // marked
        return cached + (depth - marked) * (total - cached) // (whole - marked)

    return replace(
        call,
        depths=tuple(map(on_scale, call.depths)),
        cacheable=on_scale(min(call.cacheable, whole)),
        family_tokens=on_scale(min(call.family_tokens, whole)),
    )


_NEAR = 4  # a quarter: an estimate of tokens is not further off


def _arguments(invocation: Invocation, model: str) -> dict[str, Any]:
    if invocation.api.names_model:
        return {**invocation.body, "model": model}
    if invocation.api.wrapped:
        return {"modelId": model, "body": json.dumps(invocation.body)}
    return {**invocation.body, "modelId": model}


def most_tokens(body: Mapping[str, Any]) -> int:
    """The tokens that a request reserves for its answer; 0: it says nothing of it."""
    config = body.get("inferenceConfig")
    settings = config if is_object(config) else body
    limit = next((settings[name] for name in _LIMITS if settings.get(name)), 0)
    return limit if isinstance(limit, int) and limit > 0 else 0


_LIMITS = ("maxTokens", "max_new_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens")
