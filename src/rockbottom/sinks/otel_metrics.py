"""The metrics of OpenTelemetry: histograms of single calls, and sums that are read when somebody collects.

Recording a measurement costs more than all the rest of a sink, so what only grows is summed here and observed.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rockbottom.ledger import CallRecord
from rockbottom.process import renew_in_child
from rockbottom.sinks.totals import Total, Totals

PROVIDER = "aws.bedrock"

# Boundaries that the conventions advise.
_TOKEN_BOUNDS = tuple(4**power for power in range(14))
_SECOND_BOUNDS = tuple(0.01 * 2**power for power in range(14))

Attributes = Mapping[str, Any]


class CallMetrics:
    """Instruments of one meter. ``tags`` of calls become attributes, at most ``most_series`` combinations of them."""

    def __init__(self, meter: Any, tags: Sequence[str], most_series: int) -> None:
        self._tags = tuple(tags)
        self._most_series = most_series
        self._begin()
        self._make_histograms(meter)
        self._observe(meter)
        renew_in_child(self)

    def after_fork_in_child(self) -> None:
        """What the parent has counted, the parent reports."""
        self._begin()

    def _begin(self) -> None:
        self._totals = Totals(self._tags, self._most_series)
        self._lock = threading.Lock()

    def count(self, call: CallRecord, standard: bool) -> None:
        """Book a call; ``standard``: also in the metrics that an instrumentation would make."""
        with self._lock:
            self._totals.of(requested(call), call.endpoint, call.tags).add(call)
        if standard or call.first_ms is not None:
            base = self._attributes(requested(call), call.endpoint, [call.tags.get(tag, "") for tag in self._tags])
            if standard:
                self._count_standard(call, base)
            if call.first_ms is not None:
                self._first.record(call.first_ms / 1000, base)

    def _count_standard(self, call: CallRecord, base: dict[str, Any]) -> None:
        failed = {"error.type": "_OTHER"} if call.status == "failed" else {}
        if call.elapsed_ms is not None:
            self._duration.record(call.elapsed_ms / 1000, base | failed)
        if call.status == "ok":
            self._token_usage.record(call.total_input, base | {"gen_ai.token.type": "input"})
            self._token_usage.record(call.output, base | {"gen_ai.token.type": "output"})

    def _attributes(self, model: str, endpoint: str, values: Sequence[str]) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": model,
        }
        for tag, value in zip(self._tags, values, strict=True):
            attributes[f"rockbottom.tag.{tag}"] = value
        if endpoint == "local":
            attributes["rockbottom.simulated"] = True
        return attributes

    # Instruments ----------------------------------------------------------------------------------------------

    def _make_histograms(self, meter: Any) -> None:
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

    def _observe(self, meter: Any) -> None:
        def grows(name: str, unit: str, description: str, value: Callable[[Total], float]) -> None:
            callback = self._callback(lambda total: [({}, value(total))])
            meter.create_observable_counter(name, [callback], unit=unit, description=description)

        tokens = self._callback(_tokens_of)
        meter.create_observable_counter(
            "rockbottom.tokens", [tokens], unit="{token}", description="Tokens by how they are billed."
        )
        # OpenTelemetry's numbers are doubles: here, and nowhere before, money becomes one.
        grows(
            "rockbottom.cost", "{USD}", "US dollars, of calls with a known price.", lambda total: float(total.cost_usd)
        )
        saving = self._callback(lambda total: [({}, float(total.uncached_usd - total.cost_usd))])
        meter.create_observable_up_down_counter(
            "rockbottom.saving", [saving], unit="{USD}", description="US dollars against no caching."
        )
        grows("rockbottom.unpriced", "{call}", "Calls without a known price.", lambda total: total.unpriced)
        grows("rockbottom.points_without_caching", "{call}", "cachePoints sent, nothing cached.",
              lambda total: total.silent)  # fmt: skip

    def _callback(self, values: Callable[[Total], list[tuple[Attributes, float]]]) -> Callable[[Any], Iterator[Any]]:
        from opentelemetry.metrics import Observation

        def observe(_: Any) -> Iterator[Any]:
            with self._lock:
                observed = [(labels, values(total)) for labels, total in self._totals.by_labels.items()]
            for (model, endpoint, *tags), rows in observed:
                base = self._attributes(model, endpoint, tags)
                for more, value in rows:
                    yield Observation(value, {**base, **more})

        return observe


def _tokens_of(total: Total) -> list[tuple[Attributes, float]]:
    usage = total.usage
    kinds = {"uncached": usage.input, "read": usage.cache_read, "write": usage.cache_write, "output": usage.output}
    return [({"rockbottom.token.kind": kind}, tokens) for kind, tokens in kinds.items()]


def requested(call: CallRecord) -> str:
    """The model as it was asked for: the id, or the inference profile in front of it."""
    return f"{call.scope}.{call.model}" if call.scope not in ("", "in_region") else call.model
