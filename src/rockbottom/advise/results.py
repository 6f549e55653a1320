"""The answers of estimate and advise, typed: their encoding is the JSON that ``--json`` prints.

Money, shares and expected tokens are exact decimals (text in JSON); shares and rates have six decimals. ``None`` says
that there is no such value.
"""

from datetime import date
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.advise.evidence import Lever
from rockbottom.advise.shapes import Layer
from rockbottom.advise.sweeps import Point
from rockbottom.catalog import Scope, SetApart, Tier
from rockbottom.documents import BesideCost, GroupResult, PromptParts
from rockbottom.quantities import ZERO_USD, Ttl, Unit, Usd


class PriceRowResult(msgspec.Struct, frozen=True, kw_only=True):
    """A price row that was used, with its source."""

    unit: Unit
    scope: Scope
    tier: Tier
    usd_per_mtok: Usd
    valid_from: date
    checked_on: date
    source: str
    url: str
    place: str


class ContestedPriceResult(PriceRowResult, frozen=True, kw_only=True):
    """A row that another source gives and that is not used."""

    note: str


class ShapeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The workload: ``arrivals`` is poisson, gaps or writes given; prompts have so many tokens at first and at last.

    ``assumes`` and ``source`` are those of the preset that it came from.
    """

    name: str
    assumes: str | None
    source: str | None
    requests: Decimal
    turns: int
    turn_gap_s: Decimal
    days: int
    hours: Decimal
    layers: tuple[Layer, ...]
    question_tokens: int
    added_tokens: int
    output_tokens: int
    prompt_tokens: tuple[int, int]
    arrivals: str
    gaps_s: tuple[Decimal, ...]
    writes: Decimal | None


class LineResult(msgspec.Struct, frozen=True, kw_only=True):
    """A month's tokens of one unit at one price row."""

    unit: Unit
    keep_alive: bool
    tokens: Decimal
    usd_per_mtok: Usd
    usd: Usd
    place: str


class WayResult(msgspec.Struct, frozen=True, kw_only=True):
    """A month's bill of one way of sending the workload; shares are against the first of all ways."""

    name: str
    why: str
    usd: Usd
    input_usd: Usd
    usd_per_1000_requests: Usd
    saved_of_input: Decimal | None
    saved: Decimal | None
    hit_rate: Decimal | None
    written_tokens: Decimal
    items: tuple[LineResult, ...]


class UnpricedWay(msgspec.Struct, frozen=True, kw_only=True):
    """A way that has no bill, and why."""

    name: str
    usd: None = None
    why: str
    items: tuple[LineResult, ...] = ()


class BreakEvenResult(msgspec.Struct, frozen=True):
    """Of one lifetime: reads that a write needs at least, and arrivals an hour of each version of the prefix."""

    ttl: Ttl
    reads_per_write: int | None
    arrivals_per_hour: Decimal | None


class CrossingsResult(msgspec.Struct, frozen=True):
    """Arrivals an hour above which one way of keeping a prefix overtakes five minutes."""

    hour_over_five_minutes: Decimal | None
    keep_alive_over_five_minutes: Decimal | None


class CreditWay(msgspec.Struct, frozen=True):
    """How many months a balance lasts one way, and what is left after each of the first twelve."""

    name: str
    months: Decimal | None
    left_after: tuple[Usd, ...]


class CreditResult(msgspec.Struct, frozen=True):
    """A balance, spent without caching and by the cheapest way."""

    usd: Usd
    ways: tuple[CreditWay, ...]


class SweepResult(msgspec.Struct, frozen=True):
    """The curve of cost, and the least prefixes at which cached is cheaper than uncached and than batch."""

    prompt_tokens: int
    pays_from_prefix_tokens: int | None
    beats_batch_from_prefix_tokens: int | None
    points: tuple[Point, ...]


class CapacityResult(msgspec.Struct, frozen=True, kw_only=True):
    """Capacity by the hour against on demand without caching (see ``HourlyCapacity``)."""

    kind: str
    term: str
    usd_hour: Usd
    usd_month: Usd
    break_even: Decimal
    saves: Decimal | None
    source: str
    url: str


class EstimateResult(msgspec.Struct, frozen=True, kw_only=True):
    """One estimate: every way, first that of doing nothing; ``best`` names the cheapest."""

    schema: str
    model: str
    name: str
    scope: Scope
    priced_on: date
    shape: ShapeResult
    best: str
    ways: tuple[WayResult | UnpricedWay, ...]
    break_even: tuple[BreakEvenResult, ...]
    crossings_per_hour: CrossingsResult
    credit: CreditResult | None
    sweep: SweepResult | None
    prices: tuple[PriceRowResult, ...]
    contested: tuple[ContestedPriceResult, ...]
    beside: tuple[BesideCost, ...] = ()
    beside_usd: Usd = ZERO_USD
    capacity: tuple[CapacityResult, ...] | None = None

    @property
    def priced_ways(self) -> tuple[WayResult, ...]:
        """The ways that have a bill, that of doing nothing first."""
        return tuple(way for way in self.ways if isinstance(way, WayResult))

    @property
    def without_caching(self) -> WayResult:
        """The way that savings are measured against."""
        return self.priced_ways[0]

    @property
    def best_way(self) -> WayResult:
        """The way to send it that costs least, whose key is ``best``."""
        return next(way for way in self.priced_ways if way.name == self.best)


class PresetResult(msgspec.Struct, frozen=True, kw_only=True):
    """A common shape, and what it stands for."""

    preset: str
    about: str
    assumes: str
    source: str


class PricedPreset(PresetResult, frozen=True, kw_only=True):
    """A common shape with a month's bill on one model, before and after caching."""

    before_usd: Usd
    after_usd: Usd
    best: str
    saved_of_input: Decimal | None
    saved: Decimal | None


class PresetsResult(msgspec.Struct, frozen=True):
    """Every common shape; with a bill where a model is named."""

    model: str | None
    presets: tuple[PresetResult, ...]


class SendResult(msgspec.Struct, frozen=True):
    """What to do: how to send, at which tier, to which model id."""

    way: str
    tier: Tier
    model: str


class LeverResult(msgspec.Struct, frozen=True, kw_only=True):
    """One lever. ``status``: pull, ask, in use, not now, excluded or not offered; savings are a month's."""

    lever: Lever
    status: str
    saves_alone_usd: Usd | None
    saves_alone: Decimal | None
    saves_together_usd: Usd | None
    evidence: str
    risk: str
    how: str


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing to do first. ``asks``: it is worth money, but only the user knows whether it may be done."""

    lever: Lever
    saves_usd: Usd
    how: str
    asks: bool


class AdviceResult(msgspec.Struct, frozen=True, kw_only=True):
    """The levers in the order in which to act, and a month's bill before and after those to pull.

    ``before_usd`` is without any lever, ``today_usd`` as it is sent now: what the service's counters come to where
    ``counted``, else by the rules. Where ``span_s`` is there the amounts are not a month's but those of so many
    seconds of traffic, too few to make a month of. ``prompts`` is what the prompts of recorded traffic are made of,
    over its span; it is there where the source tells.
    """

    schema: str
    workload: str
    model: str
    name: str
    scope: Scope
    priced_on: date
    requests: Decimal
    evidence: str
    before_usd: Usd
    today_usd: Usd
    counted: bool
    span_s: float | None
    after_usd: Usd
    saved: Decimal | None
    send: SendResult
    next: NextStep | None
    batch_break_even_read_share: Decimal | None
    levers: tuple[LeverResult, ...]
    prices: tuple[PriceRowResult, ...]
    prompts: PromptParts | UnsetType = UNSET


class LeverSum(msgspec.Struct, frozen=True, kw_only=True):
    """One lever over all models: for how many it is to be pulled, and what it saves alone and together."""

    lever: Lever
    pulled_for: int
    saves_alone_usd: Usd
    saves_together_usd: Usd


class TrafficAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The advice on recorded traffic: in all, and model by model, the dearest first.

    ``set_apart`` are the requests to models that are not known or have no price; ``simulated_requests`` went to a local
    endpoint. Both are there where there are any. ``groups`` are the requests told apart ``by`` a key, over the span of
    the traffic; they are there where one was named.
    """

    schema: str
    source: str
    requests: int
    span_s: float | None
    today_usd: Usd
    counted: bool
    after_usd: Usd
    saved: Decimal | None
    next: NextStep | None
    levers: tuple[LeverSum, ...]
    models: tuple[AdviceResult, ...]
    by: str | UnsetType = UNSET
    groups: tuple[GroupResult, ...] | UnsetType = UNSET
    set_apart: tuple[SetApart, ...] | UnsetType = UNSET
    simulated_requests: int | UnsetType = UNSET
