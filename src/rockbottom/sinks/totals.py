"""Running totals of calls by model and tags: what a Prometheus endpoint shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rockbottom.ledger import CallRecord
from rockbottom.quantities import NO_USAGE, ZERO_USD, Usage, Usd

OTHER = "other"

Labels = tuple[str, ...]
"""Values, in the order of ``Totals.label_names``."""


@dataclass(slots=True)
class DurationSums:
    """How often a duration was at most each of ``bounds`` seconds, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list[int])
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration of ``seconds``."""
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)
        place = next((at for at, bound in enumerate(self.bounds) if seconds <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total_s += seconds


# Seconds; from a small model's first token to a long answer.
BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0)


@dataclass(slots=True)
class Total:
    """Sums of one combination of labels. Money is of the calls whose price is known; ``unpriced`` counts the rest."""

    calls: dict[str, int] = field(default_factory=dict[str, int])  # by status
    usage: Usage = NO_USAGE
    cost_usd: Usd = ZERO_USD
    uncached_usd: Usd = ZERO_USD
    unpriced: int = 0
    with_points: int = 0
    silent: int = 0
    first: DurationSums = field(default_factory=lambda: DurationSums(BOUNDS_S))
    elapsed: DurationSums = field(default_factory=lambda: DurationSums(BOUNDS_S))

    def add(self, call: CallRecord) -> None:
        self.calls[call.status] = self.calls.get(call.status, 0) + 1
        if call.elapsed_ms is not None:
            self.elapsed.add(call.elapsed_ms / 1000)
        if call.status != "ok":
            return
        usage = call.usage
        self.usage += usage
        if call.cost_usd is None or call.uncached_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd += Decimal(call.cost_usd)
            self.uncached_usd += Decimal(call.uncached_usd)
        if call.points and usage.total:
            self.with_points += 1
            self.silent += not usage.cache_read and not usage.cache_write
        if call.first_ms is not None:
            self.first.add(call.first_ms / 1000)


class Totals:
    """Totals by model, endpoint (aws or local) and the chosen tags. Not thread-safe.

    At most ``most_series`` combinations are told apart; further ones are summed under ``other``.
    """

    def __init__(self, tags: Sequence[str] = (), most_series: int = 1_000) -> None:
        self.tags = tuple(tags)
        self.by_labels: dict[Labels, Total] = {}
        self._most_series = most_series

    def add(self, call: CallRecord) -> None:
        self.of(call.model, call.endpoint, call.tags).add(call)

    def of(self, model: str, endpoint: str, tags: Mapping[str, str]) -> Total:
        """The total of these labels, new where there is none yet."""
        labels = (model, endpoint or "aws", *(tags.get(tag, "") for tag in self.tags))
        total = self.by_labels.get(labels)
        if total is None:
            if len(self.by_labels) >= self._most_series:
                labels = (OTHER, endpoint or "aws", *(OTHER for _ in self.tags))
            total = self.by_labels.setdefault(labels, Total())
        return total
