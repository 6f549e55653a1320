"""How a run ended, and the same as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.pricing import Comparison
from rockbottom.batch.rejoining import Tally
from rockbottom.quantities import Usd


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``left`` are the records without an answer; ``results`` and ``left_path`` are JSONL files."""

    name: str
    records: int
    answered: int
    refused: int
    left: int
    attempts: int
    results: Path
    left_path: Path
    tally: Tally
    manifests: Mapping[str, int]
    compared: Comparison

    @property
    def usd(self) -> Usd:
        """What it cost in batch."""
        return self.compared.batch.usd

    def rows(self) -> Iterator[dict[str, Any]]:
        """The results in the order of the records: recordId with modelOutput or error."""
        with self.results.open("rb") as file:
            for line in file:
                yield msgspec.json.decode(line)


def summary_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON; money as text, because it is exact."""
    ways = outcome.compared
    usage = outcome.tally.usage
    return {
        "name": outcome.name,
        "records": outcome.records,
        "answered": outcome.answered,
        "refused": outcome.refused,
        "left": outcome.left,
        "attempts": outcome.attempts,
        "repeated": outcome.tally.repeated,
        "foreign": outcome.tally.foreign,
        "withoutUsage": outcome.tally.unmetered,
        "errors": outcome.tally.errors,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "manifest": dict(outcome.manifests),
        "usd": {
            "batch": str(ways.batch.usd),
            "onDemand": None if ways.on_demand is None else str(ways.on_demand.usd),
            "onDemandCached": None if ways.cached is None else str(ways.cached.usd),
        },
        "cheapest": ways.cheapest,
        "results": str(outcome.results),
    }
