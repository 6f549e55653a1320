"""How a run ended, and its leftover."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rockbottom.batch.journal import event_in
from rockbottom.batch.pricing import BatchComparison
from rockbottom.batch.rejoining import RunTally
from rockbottom.cost import Cost
from rockbottom.quantities import Usage, Usd


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
    tally: RunTally
    manifests: Mapping[str, int]
    compared: BatchComparison
    on_demand: bool = False

    @property
    def usd(self) -> Usd | None:
        """What it cost, in batch or on demand with caching; None where a price is not known."""
        cost = self.compared.cached if self.on_demand else self.compared.batch
        return cost and cost.usd

    def rows(self) -> Iterator[dict[str, Any]]:
        """The results in the order of the records: recordId with modelOutput or error. Raises DamagedRun."""
        with self.results.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield event_in(line, self.results, number)


@dataclass(frozen=True, slots=True)
class LeftOutcome:
    """How it went: records left before, answered and refused on demand, and what the answers cost.

    ``cost`` is None where a counter of the replies has no known price, or where one of the ``uncounted`` answers came
    without counters. ``results`` has all records of the run.
    """

    left: int
    answered: int
    refused: int
    usage: Usage
    cost: Cost | None
    results: Path
    uncounted: int = 0
