"""OpenTelemetry under the GenAI conventions, with opentelemetry-instrumentation-botocore rather than beside it.

Where that instrumentation has made a span of the call, this sink completes it: cache tokens, cost and saving, and the
input tokens inclusive of cached ones, as the conventions ask (the instrumentation writes Bedrock's ``inputTokens``,
which excludes them). The standard metrics are then left to it, so that nothing is counted twice. Where nobody has made
a span (an httpx client, no instrumentation), the sink makes span and metrics of its own.

Conventions read: open-telemetry/semantic-conventions-genai, docs/gen-ai/{aws-bedrock,gen-ai-metrics}.md, on 2026-11-21.
``cache_creation`` was renamed ``cache_write`` there (pull request 440); both names are written.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from rockbottom.dialects import is_streaming
from rockbottom.ledger import CallRecord
from rockbottom.sinks.otel_metrics import PROVIDER, CallMetrics, requested

log = logging.getLogger("rockbottom.monitor")

_SCOPE = "rockbottom.monitor"
_BEDROCK_SPANS = ("Bedrock Runtime", "bedrock-runtime")
_MOST_LIVE = 10_000

INPUT = "gen_ai.usage.input_tokens"
_THEIRS = ("gen_ai.operation.name", "gen_ai.request.model")  # what the instrumentation knows as well as we do


class OpenTelemetry:
    """A sink for spans and metrics of OpenTelemetry; the providers are the application's own.

    ``tags`` of calls become attributes of spans (``rockbottom.tag.NAME``); those in ``metric_tags`` of metrics too,
    where each value makes a series (``most_series`` in all). ``spans=False`` leaves spans alone. ``own`` says whether
    a call of which no open span is found gets span and standard metrics from here; by default it does unless botocore
    is instrumented and the trace is not sampled. Set the tracer provider up before this.
    """

    def __init__(
        self,
        *,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        spans: bool = True,
        own: bool | None = None,
        metric_tags: Sequence[str] = (),
        most_series: int = 1_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        from opentelemetry import metrics, trace  # an extra

        self._trace = trace
        self._spans = spans
        self._own = own
        self._clock = clock
        self._live = LiveSpans()
        provider: Any = tracer_provider or trace.get_tracer_provider()
        if spans and hasattr(provider, "add_span_processor"):
            provider.add_span_processor(self._live)
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._metrics = CallMetrics(meter, metric_tags, most_series)
        self._has_warned = False

    def record(self, call: CallRecord) -> None:
        """Complete the call's span or make one, and count; never raises."""
        try:
            current = self._trace.get_current_span()
            span = self._live.span_of(call, current) if self._spans else None
            if span is not None:
                self._metrics.count(call, standard=not self._complete(span, call))
                return
            ours = self._is_ours(current)
            if ours and self._spans:
                self._own_span(call)
            self._metrics.count(call, standard=ours)
        except Exception as error:
            if not self._has_warned:
                self._has_warned = True
                log.warning("rockbottom: OpenTelemetry did not take a call (%s: %s)", type(error).__name__, error)

    def _is_ours(self, current: Any) -> bool:
        """Whether span and standard metrics of a call without an open span are ours to make.

        Where botocore is instrumented, a call has no open span when its trace is not sampled, and then the
        instrumentation has still counted it; in a trace that is sampled it has simply not come that way.
        """
        if self._own is not None:
            return self._own
        return not _instrumented() or (self._spans and current.is_recording())

    def close(self) -> None:
        """Does nothing: spans and metrics are flushed by the application's providers."""

    # Spans ----------------------------------------------------------------------------------------------------

    def _complete(self, span: Any, call: CallRecord) -> bool:
        """Add to a span of the instrumentation; whether that one counts the standard metrics of the call."""
        theirs = dict(span.attributes or {})
        ours = span_attributes(call)
        span.set_attributes({name: ours[name] for name in ours if name not in _THEIRS or name not in theirs})
        if call.status == "ok":
            _keep_inclusive(span, call.total_input)
        return "gen_ai.system" in theirs or "gen_ai.provider.name" in theirs

    def _own_span(self, call: CallRecord) -> None:
        trace = self._trace
        start = int(call.at * 1e9)
        took_ms = call.elapsed_ms if call.elapsed_ms is not None else max(self._clock() - call.at, 0.0) * 1000
        span = self._tracer.start_span(
            f"chat {requested(call)}", kind=trace.SpanKind.CLIENT, start_time=start, attributes=span_attributes(call)
        )
        if call.status == "failed":
            span.set_attribute("error.type", "_OTHER")
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.end(end_time=start + int(took_ms * 1e6))


def span_attributes(call: CallRecord) -> dict[str, Any]:
    """The attributes of a call's span; those of usage and money only where they are known."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": requested(call),
        **{f"rockbottom.tag.{name}": value for name, value in call.tags.items()},
    }
    if is_streaming(call.operation):
        attributes["gen_ai.request.stream"] = True
    if call.first_ms is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = call.first_ms / 1000
    if call.simulated:
        attributes["rockbottom.simulated"] = True
    if call.status == "ok":
        attributes |= _usage_attributes(call)
    if call.cause:
        attributes["rockbottom.miss.cause"] = call.cause
    return attributes


def _usage_attributes(call: CallRecord) -> dict[str, Any]:
    usage = call.usage
    attributes: dict[str, Any] = {
        INPUT: usage.total_input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write,
        "rockbottom.points": call.points,
    }
    saved = call.saved_usd
    if call.cost_usd is not None:
        attributes["rockbottom.cost_usd"] = float(Decimal(call.cost_usd))
    if saved is not None:
        attributes["rockbottom.saving_usd"] = float(saved)
    return attributes


def _keep_inclusive(span: Any, total_input: int) -> None:
    """Hold the input tokens of one span at the inclusive count: the instrumentation sets them once more at its end."""
    plain = span.set_attribute

    def set_attribute(key: str, value: Any) -> None:
        plain(key, total_input if key == INPUT else value)

    span.set_attribute = set_attribute


def _instrumented() -> bool:
    """Whether botocore is instrumented in this process, so that the standard metrics have somebody already."""

    module = sys.modules.get("opentelemetry.instrumentation.botocore")
    instrumentors = (getattr(module, name, None) for name in ("BotocoreInstrumentor", "AiobotocoreInstrumentor"))
    return any(
        instrumentor is not None and instrumentor().is_instrumented_by_opentelemetry for instrumentor in instrumentors
    )


class LiveSpans:
    """A span processor that knows the Bedrock spans of the botocore instrumentation while they are open.

    A call without a stream is recorded while its span is the current one; a stream is recorded after that, and is
    found by its request id.
    """

    def __init__(self) -> None:
        self._spans: dict[int, Any] = {}
        self._lock = threading.Lock()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        attributes: Any = getattr(span, "attributes", None) or {}
        if attributes.get("rpc.service") in _BEDROCK_SPANS and len(self._spans) < _MOST_LIVE:
            with self._lock:
                self._spans[span.get_span_context().span_id] = span

    def on_end(self, span: Any) -> None:
        with self._lock:
            self._spans.pop(span.get_span_context().span_id, None)

    def span_of(self, call: CallRecord, current: Any) -> Any | None:
        """The open span of a call; None where there is none. Gives each span once."""
        with self._lock:
            span = self._spans.get(current.get_span_context().span_id)
            if span is None and call.request_id:
                same = (candidate for candidate in self._spans.values() if _request_id(candidate) == call.request_id)
                span = next(same, None)
            if span is not None:
                del self._spans[span.get_span_context().span_id]
            return span

    def _on_ending(self, span: Any) -> None:
        """Part of what the SDK asks of a processor."""

    def shutdown(self) -> None:
        """Part of what the SDK asks of a processor."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing waits here."""
        return True


def _request_id(span: Any) -> str:
    attributes: Any = span.attributes or {}
    return str(attributes.get("aws.request_id", ""))
