"""The results of a bench run (docs/reference/workload.md): one document, from which every table and page is drawn.

Money and shares are exact decimals (text in JSON), tokens are integers, times are milliseconds. A field of ``None``
says that there is no such value; a member that JSON leaves out has a default here.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rockbottom.catalog import Scope, Tier
from rockbottom.documents.besides import BesideCost
from rockbottom.documents.grading import GradedAnswers, GradingResult, SimulatedGrading
from rockbottom.quantities import Unit, Usd, decoded

SCHEMA = "rockbottom.bench/1"
CHEAPER = "cheaper than baseline"
"""The verdict of a lane that costs less than the baseline: a finding, where the others are checks."""


class WorkloadRun(msgspec.Struct, frozen=True, kw_only=True):
    """The workload that was run, and the traffic that a month is made of."""

    name: str
    about: str
    file: str
    digest: str
    api: str
    stream: bool
    conversations: Annotated[int, Meta(ge=1)]
    turns: int
    seconds_between_turns: float
    conversations_per_day: int
    days: int


class Finished(msgspec.Struct, frozen=True):
    """How many repeats the lanes finished: of a run that stopped early, a lane may have one more than the next."""

    least: int
    most: int


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prices that was used, with its source."""

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    usd_per_mtok: Usd
    valid_from: str
    checked_on: str
    source: str
    url: str
    place: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures come from.

    ``tokens`` is counted (by the service) or estimated, ``latency`` measured or local (the local endpoint's).
    """

    endpoint: str
    region: str
    started_at: str
    first_turn_at: str | None
    last_turn_at: str | None
    tokens: str
    latency: str
    outputs: str
    repeats: int
    repeats_finished: Finished
    priced_on: str
    prices: tuple[PriceRow, ...]
    note: str

    @property
    def simulated(self) -> bool:
        """Whether the local endpoint answered, so that nothing was measured on AWS."""
        return self.endpoint != "aws"


class Verdict(msgspec.Struct, frozen=True):
    """One check of a lane: passed, failed, or passed with a caution; ``says`` is a sentence with the reason."""

    name: str
    passed: bool
    says: str
    caution: str = ""


class TokenCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of a lane's shown pass; ``output`` is the baseline's, ``measured_output`` the lane's own.

    ``writes`` takes ``write`` apart by lifetime; it is left out where nothing was written.
    """

    input: int
    read: int
    write: int
    write_1h: int
    writes: dict[str, int] = {}
    output: int
    measured_output: int


class BenchTurn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn: tokens, bill on the baseline's output and on its own, and times.

    ``saved`` is the share against the baseline's same turn; ``cache`` is hit or miss, empty without a cachePoint.
    ``writes`` takes ``write`` apart by lifetime; it is left out where nothing was written.
    """

    conversation: int
    turn: int
    label: str
    input: int
    read: int
    write: int
    write_1h: int
    writes: dict[str, int] = {}
    output: int
    measured_output: int
    usd: Usd
    measured_usd: Usd
    saved: Decimal | None
    cache: str
    latency_ms: float | None
    elapsed_ms: float | None
    first_ms: float | None
    at: str


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """One bill by the run, the request, the conversation, a thousand requests, a day and a month."""

    run: Usd
    request: Usd
    conversation: Usd
    requests_1000: Usd
    day: Usd
    month: Usd


class Spread(msgspec.Struct, frozen=True):
    """The middle and both ends of repeated measurements: whole tokens, or milliseconds."""

    median: int | float
    least: int | float
    most: int | float


class CostSpread(msgspec.Struct, frozen=True):
    """The middle and both ends of repeated measurements, in US dollars."""

    median: Usd
    least: Usd
    most: Usd


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """The repeats of a lane that ran to their end."""

    passes: int
    usd: CostSpread | None
    latency_ms: Spread | None
    first_ms: Spread | None
    read: Spread | None
    write: Spread | None


class LineItem(msgspec.Struct, frozen=True):
    """Tokens of one unit at one price row."""

    unit: Unit
    tokens: int
    usd: Usd
    place: str


class BenchLane(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One lane. ``status`` is ran, not_offered, refused, unfinished or not_run; ``why`` explains the others.

    ``usage``, ``cost``, ``measured_cost`` and ``items`` are there where a pass ran to its end; ``saved`` is the share
    that it takes off the baseline's bill, negative where it costs more.
    """

    name: str
    about: str
    tier: Tier
    scope: Scope
    status: str
    why: str
    prefix_tokens: int
    verdicts: tuple[Verdict, ...]
    turns: tuple[BenchTurn, ...]
    usage: TokenCounts | None
    cost: Costs | None
    measured_cost: Costs | None
    saved: Decimal | None
    repeats: Repeats | None
    items: tuple[LineItem, ...] | None = None

    @property
    def passed(self) -> bool:
        """Whether every verdict passed, and the lane ran if it was offered."""
        return self.status in ("ran", "not_offered") and all(verdict.passed for verdict in self.verdicts)


class ContestedRuleRow(msgspec.Struct, frozen=True):
    """A cache rule that another source states differently."""

    field: str
    value: str
    note: str
    source: str


class BenchModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model and its lanes, the baseline first; ``best`` names the cheapest lane that ran to its end."""

    id: str
    name: str
    scope: Scope
    minimum_tokens: int
    prefix_tokens: int
    token_error: float | None
    contested_rules: tuple[ContestedRuleRow, ...]
    best: str | None
    lanes: Annotated[tuple[BenchLane, ...], Meta(min_length=1)]

    @property
    def baseline(self) -> BenchLane:
        """The lane that savings are measured against."""
        return self.lanes[0]

    @property
    def best_lane(self) -> BenchLane | None:
        return next((lane for lane in self.lanes if lane.name == self.best), None)


class Combined(msgspec.Struct, frozen=True, kw_only=True):
    """The dearest model uncached against the cheapest lane that caches."""

    from_model: str
    to_model: str
    to_lane: str
    from_cost: Costs
    to_cost: Costs
    saved: Decimal


class ContestedPrice(msgspec.Struct, frozen=True):
    """A price that a source gives and that is not used."""

    unit: Unit
    usd_per_mtok: Usd
    note: str


class PriceInForce(msgspec.Struct, frozen=True):
    """The price that is used instead."""

    unit: Unit
    usd_per_mtok: Usd
    source: str


class ContestedLane(msgspec.Struct, frozen=True):
    """What the prices of another source would make of a lane."""

    lane: str
    cost: Costs
    saved: Decimal


class ContestedPrices(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says differently of one model's prices."""

    model: str
    source: str
    url: str
    prices: tuple[ContestedPrice, ...]
    in_force: tuple[PriceInForce, ...]
    lanes: tuple[ContestedLane, ...]


class BenchResults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The results of a run, finished or not; ``grading`` only where answers were graded."""

    schema: str
    workload: WorkloadRun
    provenance: Provenance
    models: tuple[BenchModel, ...]
    combined: Combined | None
    contested: tuple[ContestedPrices, ...]
    folder: str | None
    grading: GradingResult | None = None
    beside: tuple[BesideCost, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every verdict of every lane passed, every lane offered ran, and a model is over the bar."""
        if isinstance(self.grading, GradedAnswers) and self.grading.verdict and self.grading.verdict.cheapest is None:
            return False
        return all(lane.passed for model in self.models for lane in model.lanes)

    def fails(self, on: Collection[str] = ()) -> bool:
        """Whether no model is over the bar of the answers, or what ``on`` names came about.

        ``checks``: one did not pass; ``dearer``: a lane costs more than the baseline.
        """
        if isinstance(self.grading, GradedAnswers) and self.grading.verdict and self.grading.verdict.cheapest is None:
            return True
        verdicts = [(lane, verdict) for model in self.models for lane in model.lanes for verdict in lane.verdicts]
        checks = any(not verdict.passed and verdict.name != CHEAPER for _, verdict in verdicts)
        dearer = any(not verdict.passed and verdict.name == CHEAPER for _, verdict in verdicts)
        return ("checks" in on and checks) or ("dearer" in on and dearer)


class _Graded(BenchResults, frozen=True, kw_only=True, omit_defaults=True):
    grading: GradedAnswers | None = None


class _Simulated(BenchResults, frozen=True, kw_only=True, omit_defaults=True):
    grading: SimulatedGrading | None = None


def results_json(results: Any) -> bytes:
    """Results, or a part of them, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n"


def read_results(data: bytes) -> BenchResults:
    """The results of a run's ``results.json``; raises Undecodable for anything else."""
    results = decoded(data, BenchResults)
    if results.grading is None:
        return results
    return decoded(data, _Simulated if results.grading.simulated else _Graded)
