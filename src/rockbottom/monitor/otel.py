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
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from rockbottom.ledger import CallRecord

log = logging.getLogger("rockbottom.monitor")

_SCOPE = "rockbottom.monitor"
_PROVIDER = "aws.bedrock"
_BEDROCK_SPANS = ("Bedrock Runtime", "bedrock-runtime")
_STREAMS = ("ConverseStream", "InvokeModelWithResponseStream")
_MOST_LIVE = 10_000

# Boundaries that the conventions advise.
_TOKEN_BOUNDS = tuple(4**power for power in range(14))
_SECOND_BOUNDS = tuple(0.01 * 2**power for power in range(14))

INPUT = "gen_ai.usage.input_tokens"
_THEIRS = ("gen_ai.operation.name", "gen_ai.request.model")  # what the instrumentation knows as well as we do


class OpenTelemetry:
    """A sink for spans and metrics of OpenTelemetry; the providers are the application's own.

    ``tags`` of calls become attributes of spans (``rockbottom.tag.NAME``); those in ``metric_tags`` of metrics too,
    where each value makes a series. ``spans=False`` leaves spans alone. ``own`` says whether a call of which no open
    span is found gets span and standard metrics from here; by default it does unless botocore is instrumented and
    the trace is not sampled. Set the tracer provider up before this.
    """

    def __init__(
        self,
        *,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        spans: bool = True,
        own: bool | None = None,
        metric_tags: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        from opentelemetry import metrics, trace  # an extra

        self._trace = trace
        self._spans = spans
        self._own = own
        self._metric_tags = tuple(metric_tags)
        self._clock = clock
        self._live = LiveSpans()
        provider: Any = tracer_provider or trace.get_tracer_provider()
        if spans and hasattr(provider, "add_span_processor"):
            provider.add_span_processor(self._live)
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        self._instruments(metrics.get_meter(_SCOPE, meter_provider=meter_provider))
        self._said = False

    def _instruments(self, meter: Any) -> None:
        def seconds(name: str, description: str) -> Any:
            return meter.create_histogram(
                name, unit="s", description=description, explicit_bucket_boundaries_advisory=_SECOND_BOUNDS
            )

        self._duration = seconds("gen_ai.client.operation.duration", "GenAI operation duration.")
        self._first = seconds("gen_ai.client.operation.time_to_first_chunk", "Time to receive the first chunk.")
        self._token_usage = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKEN_BOUNDS,
        )
        self._tokens = meter.create_counter("rockbottom.tokens", unit="{token}", description="Tokens as billed.")
        self._cost = meter.create_counter("rockbottom.cost", unit="{USD}", description="US dollars, priced calls.")
        self._saving = meter.create_up_down_counter(
            "rockbottom.saving", unit="{USD}", description="US dollars against no caching."
        )
        self._unpriced = meter.create_counter(
            "rockbottom.unpriced", unit="{call}", description="Calls without a price."
        )
        self._silent = meter.create_counter(
            "rockbottom.points_without_caching", unit="{call}", description="cachePoints sent, nothing cached."
        )

    def record(self, call: CallRecord) -> None:
        """Complete the call's span or make one, and count; never raises."""
        try:
            current = self._trace.get_current_span()
            span = self._live.span_of(call, current) if self._spans else None
            if span is not None:
                self._count(call, standard=not self._complete(span, call))
                return
            ours = self._is_ours(current)
            if ours and self._spans:
                self._own_span(call)
            self._count(call, standard=ours)
        except Exception as error:
            if not self._said:
                self._said = True
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
        """Nothing is held here: the providers flush what they hold."""

    # Spans ----------------------------------------------------------------------------------------------------

    def _complete(self, span: Any, call: CallRecord) -> bool:
        """Add to a span of the instrumentation; whether that one counts the standard metrics of the call."""
        theirs = dict(span.attributes or {})
        for name, value in span_attributes(call).items():
            if name not in _THEIRS or name not in theirs:
                span.set_attribute(name, value)
        if call.status == "ok":
            _keep_inclusive(span, call.total_input)
        return "gen_ai.system" in theirs or "gen_ai.provider.name" in theirs

    def _own_span(self, call: CallRecord) -> None:
        trace = self._trace
        start = int(call.at * 1e9)
        took_ms = call.elapsed_ms if call.elapsed_ms is not None else max(self._clock() - call.at, 0.0) * 1000
        span = self._tracer.start_span(
            f"chat {_requested(call)}", kind=trace.SpanKind.CLIENT, start_time=start, attributes=span_attributes(call)
        )
        if call.status == "failed":
            span.set_attribute("error.type", "_OTHER")
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.end(end_time=start + int(took_ms * 1e6))

    # Metrics --------------------------------------------------------------------------------------------------

    def _count(self, call: CallRecord, standard: bool) -> None:
        base: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDER,
            "gen_ai.request.model": _requested(call),
            **{f"rockbottom.tag.{tag}": call.tags.get(tag, "") for tag in self._metric_tags},
        }
        if call.simulated:
            base["rockbottom.simulated"] = True
        if standard:
            self._count_standard(call, base)
        if call.first_ms is not None:
            self._first.record(call.first_ms / 1000, base)
        if call.status != "ok":
            return
        for kind, tokens in _kinds(call):
            if tokens:
                self._tokens.add(tokens, base | {"rockbottom.token.kind": kind})
        self._count_money(call, base)
        usage = call.usage
        if call.points and not usage.cache_read and not usage.cache_write:
            self._silent.add(1, base)

    def _count_standard(self, call: CallRecord, base: dict[str, Any]) -> None:
        failed = {"error.type": "_OTHER"} if call.status == "failed" else {}
        if call.elapsed_ms is not None:
            self._duration.record(call.elapsed_ms / 1000, base | failed)
        if call.status == "ok":
            self._token_usage.record(call.total_input, base | {"gen_ai.token.type": "input"})
            self._token_usage.record(call.output, base | {"gen_ai.token.type": "output"})

    def _count_money(self, call: CallRecord, base: dict[str, Any]) -> None:
        if call.cost_usd is None:
            self._unpriced.add(1, base)
            return
        self._cost.add(float(Decimal(call.cost_usd)), base)  # OpenTelemetry's numbers are doubles
        saved = call.saved_usd
        if saved is not None:
            self._saving.add(float(saved), base)


def span_attributes(call: CallRecord) -> dict[str, Any]:
    """The attributes of a call's span; those of usage and money only where they are known."""
    found: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDER,
        "gen_ai.request.model": _requested(call),
        **{f"rockbottom.tag.{name}": value for name, value in call.tags.items()},
    }
    if call.operation in _STREAMS:
        found["gen_ai.request.stream"] = True
    if call.first_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = call.first_ms / 1000
    if call.simulated:
        found["rockbottom.simulated"] = True
    if call.status == "ok":
        found |= _usage_attributes(call)
    if call.cause:
        found["rockbottom.miss.cause"] = call.cause
    return found


def _requested(call: CallRecord) -> str:
    """The model as it was asked for: the id, or the inference profile in front of it."""
    return f"{call.scope}.{call.model}" if call.scope not in ("", "in_region") else call.model


def _usage_attributes(call: CallRecord) -> dict[str, Any]:
    usage = call.usage
    found: dict[str, Any] = {
        INPUT: usage.total_input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write,
        "rockbottom.points": call.points,
    }
    saved = call.saved_usd
    if call.cost_usd is not None:
        found["rockbottom.cost_usd"] = float(Decimal(call.cost_usd))
    if saved is not None:
        found["rockbottom.saving_usd"] = float(saved)
    return found


def _kinds(call: CallRecord) -> Iterator[tuple[str, int]]:
    usage = call.usage
    yield "uncached", usage.input
    yield "read", usage.cache_read
    yield "write", usage.cache_write
    yield "output", usage.output


def _keep_inclusive(span: Any, total_input: int) -> None:
    """Hold the input tokens of one span at the inclusive count: the instrumentation sets them once more at its end."""
    plain = span.set_attribute

    def set_attribute(key: str, value: Any) -> None:
        plain(key, total_input if key == INPUT else value)

    span.set_attribute = set_attribute


def _instrumented() -> bool:
    """Whether botocore is instrumented in this process, so that the standard metrics have somebody already."""

    module = sys.modules.get("opentelemetry.instrumentation.botocore")
    found = (getattr(module, name, None) for name in ("BotocoreInstrumentor", "AiobotocoreInstrumentor"))
    return any(one is not None and one().is_instrumented_by_opentelemetry for one in found)


class LiveSpans:
    """A span processor that knows the Bedrock spans of the botocore instrumentation while they are open.

    A call without a stream is recorded while its span is the current one; a stream is recorded after that, and is
    found by its request id.
    """

    def __init__(self) -> None:
        self._spans: dict[int, Any] = {}
        self._lock = threading.Lock()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """A span begins."""
        attributes = getattr(span, "attributes", None) or {}
        if attributes.get("rpc.service") in _BEDROCK_SPANS and len(self._spans) < _MOST_LIVE:
            with self._lock:
                self._spans[span.get_span_context().span_id] = span

    def on_end(self, span: Any) -> None:
        """A span is over."""
        with self._lock:
            self._spans.pop(span.get_span_context().span_id, None)

    def span_of(self, call: CallRecord, current: Any) -> Any | None:
        """The open span of a call; None where there is none. Gives each span once."""
        with self._lock:
            found = self._spans.get(current.get_span_context().span_id)
            if found is None and call.request_id:
                same = (one for one in self._spans.values() if _request_id(one) == call.request_id)
                found = next(same, None)
            if found is not None:
                del self._spans[found.get_span_context().span_id]
            return found

    def _on_ending(self, span: Any) -> None:
        """Part of what the SDK asks of a processor."""

    def shutdown(self) -> None:
        """Part of what the SDK asks of a processor."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def _request_id(span: Any) -> str:
    return str((span.attributes or {}).get("aws.request_id", ""))
