"""Simulated latency: off, only reported, or waited for."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from rockbottom.files import packaged
from rockbottom.local.failures import invalid
from rockbottom.quantities import is_object

Json = dict[str, Any]


class ModelPace(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How fast a model answers: ``base_ms`` until the first byte, then so much per output token.

    ``per_input_token_ms`` counts for uncached and written tokens, ``per_read_token_ms`` for tokens read.
    """

    base_ms: float
    per_output_token_ms: float
    per_input_token_ms: float = 0.0
    per_read_token_ms: float = 0.0

    def first_byte_ms(self, fresh: int, read: int) -> float:
        """Until the first byte of the reply."""
        return self.base_ms + fresh * self.per_input_token_ms + read * self.per_read_token_ms

    def total_ms(self, fresh: int, read: int, output: int) -> float:
        return self.first_byte_ms(fresh, read) + output * self.per_output_token_ms


measured = partial(packaged, "local", "measured")
"""What was measured, from the packaged data."""


@dataclass(slots=True)
class Latency:
    """The profile in force. Modes: ``off`` (latencyMs is what the endpoint really took), ``report`` (latencyMs is
    simulated, nothing waits), ``wait`` (the reply really takes that long)."""

    mode: str = "off"
    paces: dict[str, ModelPace] = field(default_factory=dict[str, ModelPace])

    def change(self, raw: Any) -> None:
        """Take ``{"mode": ..., "models": {id: pace}}``. Raises ServiceFailure for anything else."""
        if not is_object(raw):
            raise invalid("latency takes an object with mode and models")
        mode = raw.get("mode", self.mode)
        if mode not in ("off", "report", "wait"):
            raise invalid(f"no latency mode {mode!r}; there are off, report and wait")
        try:
            paces = msgspec.convert(raw.get("models", {}), dict[str, ModelPace])
        except msgspec.ValidationError as error:
            raise invalid(f"not a latency profile: {error}") from error
        if any(
            min(msgspec.structs.astuple(pace)) < 0 or max(msgspec.structs.astuple(pace)) > 1e6
            for pace in paces.values()
        ):
            raise invalid("latencies are between 0 and 1,000,000 ms")
        self.mode = mode
        self.paces.update(paces)

    def pace_of(self, model: str) -> ModelPace | None:
        """The pace of a model, None when off. Raises ServiceFailure for a model that has none."""
        if self.mode == "off":
            return None
        pace = self.paces.get(model) or self.paces.get("*")
        if pace is None:
            row = next((row for row in measured()["latency"] if row["model"] == model), None)
            if row is None:
                raise invalid(
                    f"no latency is known for {model}; PUT /_rockbottom/latency with models.{model} or models.*"
                )
            pace = ModelPace(base_ms=row["base_ms"], per_output_token_ms=row["per_output_token_ms"])
            self.paces[model] = pace
        return pace
