"""A question about recorded traffic, and the stages (one per model) that it is answered on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import (
    CacheRules,
    Catalog,
    CatalogError,
    ModelId,
    Scope,
    SetApart,
    Tier,
    UnresolvedProfile,
    apart_of,
)
from rockbottom.quantities import RockbottomError
from rockbottom.replay.keep_alive import keep_alive_bill
from rockbottom.replay.online import OnlinePolicy, placed_online
from rockbottom.replay.points import FIXED, PlacedPoints
from rockbottom.replay.policies import PolicyBill, Stage, batch_bill, bill_of
from rockbottom.replay.pricing import Bands
from rockbottom.replay.rates import Rates
from rockbottom.replay.sightings import second_sighting
from rockbottom.trace import UNKNOWN, Array, Trace, selected

NONE = "none"
RECORDED = "as_recorded"
PLANNER = "planner"
BY_TOKENS = frozenset({NONE, "batch"})
"""Policies that price tokens and never ask what repeats."""
DEFAULT_POLICIES = (
    "system", "system_1h", "system_tail_5m", "system_tail_1h", "system_1h_tail_5m", "documents", "second_sighting",
)  # fmt: skip

Online = Mapping[str, Callable[[Sequence[Stage]], Sequence[OnlinePolicy]]]
"""Policies that learn, by name: what makes one for each of these stages."""

Placed = Mapping[str, PlacedPoints]
"""What policies that learn chose on a stage."""


class UnknownPolicy(RockbottomError):
    """A policy was asked for that does not exist."""


@dataclass(frozen=True, slots=True)
class ReplayQuestion:
    """What to replay a trace under. ``model`` and ``tier`` None: each request under those it was sent to.

    No ``policies``: no caching, the points that were sent where there are any, and the usual placements.

    ``scope`` None: the scope that the model's id names; else the prices of that scope, whatever the id.
    ``profiles`` are application inference profiles by ARN, each with the id of the model behind it.
    """

    policies: tuple[str, ...]
    on: date
    tier: Tier | None = None
    model: str | None = None
    region: str | None = None
    merge_regions: bool = False  # one set of entries, whichever Region served
    scope: Scope | None = None
    profiles: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()  # the requests sent to one of these models; (): all
    each_day: bool = False  # requests that are priced as they were sent: at the prices of their own day, where known
    prompts: bool = False  # whether to tell what prompts are made of
    by: str = ""  # what requests are told apart by, as ``trace.ReaderSettings.by``; "": nothing

    @property
    def as_sent(self) -> bool:
        """Whether requests are priced as they were sent, but for their tier: at no other model, scope or Region."""
        return (self.model, self.scope, self.region) == (None, None, None)

    def model_id(self, sent_to: str, catalog: Catalog) -> ModelId:
        """The model under which requests to the id ``sent_to`` are replayed. Raises UnknownModel, UnresolvedProfile."""
        known = dict(self.profiles)
        try:
            model_id = catalog.model(sent_to, known.__getitem__ if sent_to in known else None)
        except UnresolvedProfile as error:
            raise UnresolvedProfile(str(error), arn=sent_to, fix=f"--profile {sent_to}=MODEL_ID says which") from error
        return model_id if self.scope is None else replace(model_id, scope=self.scope)

    def asks_for(self, sent_to: str, catalog: Catalog) -> bool:
        """Whether requests to the id ``sent_to`` are asked for, however the question spells their model."""
        return not self.only or sent_to in self.only or any(self._is_same(sent_to, name, catalog) for name in self.only)

    def _is_same(self, sent_to: str, name: str, catalog: Catalog) -> bool:
        try:
            return self.model_id(sent_to, catalog).model is self.model_id(name, catalog).model
        except CatalogError:
            return False

    def with_defaults(self, recorded: bool, online: Iterable[str] = ()) -> "ReplayQuestion":
        """The question with the usual policies where it names none, those that learn last.

        ``recorded``: what was sent may differ from no caching (``cached_as_sent``).
        """
        usual = (NONE, *((RECORDED,) if recorded else ()), *DEFAULT_POLICIES, *online)
        return self if self.policies else replace(self, policies=usual)


def cached_as_sent(trace: Trace, question: ReplayQuestion, catalog: Catalog) -> bool:
    """Whether requests of a trace may cache as they were sent; see ``may_cache``."""
    return may_cache(len(trace.points.after), trace.names["model"], question, catalog)


def may_cache(points: int, sent_to: Iterable[str], question: ReplayQuestion, catalog: Catalog) -> bool:
    """Whether requests to these models, with so many points in all, may cache as they were sent.

    They do where some have points, or where the service adds points of its own to requests of a model.
    """
    return points > 0 or any(_adds_points(name, question, catalog) for name in sent_to)


def _adds_points(sent_to: str, question: ReplayQuestion, catalog: Catalog) -> bool:
    try:
        return catalog.rules(question.model_id(question.model or sent_to, catalog), question.on).implicit_point
    except CatalogError:
        return False  # set apart, or named when it is asked for


def checked(question: ReplayQuestion, online: Online | None = None) -> None:
    """Raises UnknownPolicy for a policy that does not exist."""
    known = (*PARTITIONABLE, *(online or {}))
    for name in question.policies:
        if name not in known:
            raise UnknownPolicy(f"no policy {name!r}; there are {', '.join(known)}")


def placed_by(stages: Sequence[Stage], policies: Iterable[str], online: Online) -> list[Placed]:
    """For each stage, the points of those of the policies that learn."""
    learning = {name: placed_online(stages, online[name](stages)) for name in dict.fromkeys(policies) if name in online}
    return [{name: points[number] for name, points in learning.items()} for number in range(len(stages))]


def bill_under(stage: Stage, policy: str, placed: Placed) -> PolicyBill:
    """The bill of one policy on one stage. Raises NoPriceInForce."""
    if policy in placed:
        points = placed[policy]
        return replace(bill_of(stage, policy, lambda trace, rules: points), points=points)
    if policy in SEEN:
        marks = SEEN[policy](stage)
        return bill_of(stage, policy, lambda trace, rules: marks)
    if policy in EXTRA:
        return EXTRA[policy](stage)
    return bill_of(stage, policy, FIXED[policy])


SEEN: Mapping[str, Callable[[Stage], PlacedPoints]] = {"second_sighting": second_sighting}
"""Policies that look at what earlier requests sent."""

EXTRA: Mapping[str, Callable[[Stage], PolicyBill]] = {"keep_alive": keep_alive_bill, "batch": batch_bill}
"""Policies that are more than points: extra requests, another tier."""

PARTITIONABLE = (*FIXED, *SEEN, *EXTRA)
"""Policies that can be replayed family by family: what they look at begins with the same block."""


def stages_of(
    trace: Trace, question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour
) -> tuple[tuple[Stage, ...], tuple[SetApart, ...]]:
    """One stage per model, because models share no entries and have rules and prices of their own.

    Where some of its requests have no price for what others have one for, they are apart. Requests to models that are
    not known, or have no rules on the day, are set apart. Raises UnknownModel, UnresolvedProfile, NoRulesInForce for a
    model that the question itself names.
    """
    trace = _asked_for(trace, question, catalog)
    if question.only and not len(trace):
        return (), ()
    stages: list[Stage] = []
    apart: list[SetApart] = []
    for sent_to, rows in _by_model(trace, question, catalog):
        part = trace if len(rows) == len(trace) else selected(trace, rows)
        try:
            stages += [
                _stage(portion, bands, question, catalog, behaviour)
                for portion, bands in _priced(part, sent_to, question, catalog)
            ]
        except CatalogError as error:
            if question.model is not None:
                raise
            apart.append(set_apart(part, sent_to, error))
    return tuple(stages), tuple(apart)


def _asked_for(trace: Trace, question: ReplayQuestion, catalog: Catalog) -> Trace:
    """The requests to the models that are asked for."""
    if not question.only:
        return trace
    codes = [code for code, sent_to in enumerate(trace.names["model"]) if question.asks_for(sent_to, catalog)]
    return selected(trace, np.flatnonzero(np.isin(trace.requests.model, codes)))


def _by_model(trace: Trace, question: ReplayQuestion, catalog: Catalog) -> Iterator[tuple[str, Array]]:
    """A name of every model and the rows of its requests: an id and a profile's ARN may be one model reached alike."""
    names = trace.names["model"]
    if question.model is not None or len(names) < 2:
        yield question.model or next(iter(names), ""), np.arange(len(trace))
        return
    groups: dict[object, list[int]] = {}
    for code, sent_to in enumerate(names):
        try:
            model_id = question.model_id(sent_to, catalog)
        except CatalogError:
            groups[sent_to] = [code]  # asked for again, and then set apart
        else:
            groups.setdefault((model_id.model.id, model_id.scope), []).append(code)
    without = np.flatnonzero(trace.requests.model < 0)
    for sent_to, rows in ((names[codes[0]], np.flatnonzero(np.isin(trace.requests.model, codes)))
                        for codes in groups.values()):  # fmt: skip
        if len(rows):
            yield sent_to, rows
    if len(without):
        yield "", without


def _priced(trace: Trace, sent_to: str, question: ReplayQuestion, catalog: Catalog) -> Iterator[tuple[Trace, Bands]]:
    """The requests of one model with their prices: of the Region that was called, of the tier, and of the day.

    Those that lack other prices than the rest are apart, so that they alone are set apart where one is needed.
    """
    codes, numbers = _codes_of_prices(trace, question, catalog, sent_to)
    portions: dict[object, tuple[dict[object, Rates], dict[int, object]]] = {}
    for number, code in enumerate(codes):
        rates = _rates(trace, sent_to, question, catalog, code)
        known = rates.known(), replace(rates, tier=Tier.BATCH).known()
        lacks = tuple(price is None for prices in known for price in prices)
        alike, key_of = portions.setdefault(lacks, ({}, {}))
        key_of[number] = rates.tier, rates.assumed, known
        alike.setdefault(key_of[number], rates)
    for alike, key_of in portions.values():
        place = np.full(len(codes), UNKNOWN, np.int64)
        order = list(alike)
        for number, key in key_of.items():
            place[number] = order.index(key)
        rate_of = place[numbers]
        rows = np.flatnonzero(rate_of != UNKNOWN)
        portion = trace if len(rows) == len(trace) else selected(trace, rows)
        yield portion, Bands.of(portion, list(alike.values()), rate_of[rows])


def _codes_of_prices(
    trace: Trace, question: ReplayQuestion, catalog: Catalog, sent_to: str
) -> tuple[Sequence[tuple[int, int, int]], Array]:
    """The codes of Region and tier and the days, as far as prices go by them, and where each request has its own."""
    model, unknown = question.model_id(sent_to, catalog), np.full(len(trace), UNKNOWN, np.int64)
    region = unknown if question.region or model.region else trace.requests.region
    tier = trace.requests.tier if question.tier is None else unknown
    day = (trace.requests.at // _DAY_S).astype(np.int64) if question.each_day and question.as_sent else unknown
    first, regions, tiers = int(day.min(initial=0)), int(region.max(initial=0)) + 2, int(tier.max(initial=0)) + 2
    joined = (
        ((day - first) * tiers + tier + 1) * regions + region + 1
    )  # one number: sorting rows takes 27 times as long
    known, numbers = np.unique(joined, return_inverse=True)
    codes = [
        (each % regions - 1, each // regions % tiers - 1, each // (regions * tiers) + first) for each in known.tolist()
    ]
    return codes, numbers


def _rates(
    trace: Trace, sent_to: str, question: ReplayQuestion, catalog: Catalog, codes: tuple[int, int, int]
) -> Rates:
    """The rates of requests with these codes; those of the question's day where a price of their own is not known."""
    region, tier, day = codes
    place = question.region if region == UNKNOWN else trace.names["region"][region]
    model = question.model_id(sent_to, catalog)
    rates = Rates(model, question.tier or _sent_at(trace, tier), question.on, catalog.price_book, place)
    if day == UNKNOWN:
        return rates
    return rates.of_day(date.fromordinal(_EPOCH + day))


_EPOCH, _DAY_S = date(1970, 1, 1).toordinal(), 86_400


def at_other_tier(trace: Trace, question: ReplayQuestion) -> bool:
    """Whether the question asks for a tier that some of the requests were not sent at."""
    sent = {_sent_at(trace, code) for code in np.unique(trace.requests.tier).tolist()}
    return question.tier is not None and not sent <= {question.tier}


def _sent_at(trace: Trace, code: int) -> Tier:
    """The tier of requests with this code; one that has no prices of its own is none."""
    return Tier.DEFAULT if code == UNKNOWN else _TIERS.get(trace.names["tier"][code], Tier.DEFAULT)


_TIERS = {tier.value: tier for tier in Tier}


def set_apart(trace: Trace, sent_to: str, error: CatalogError) -> SetApart:
    """The requests of a trace to one model, set apart for the reason that the catalogue gives."""
    tokens = trace.requests.tokens_in.clip(0).sum(dtype=np.int64) + trace.requests.tokens_out.clip(0).sum(
        dtype=np.int64
    )
    return apart_of(sent_to, len(trace), int(tokens), error)


def _stage(trace: Trace, bands: Bands, question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour) -> Stage:
    rates = bands.bands[0].rates
    rules: CacheRules = catalog.rules(rates.model, question.on)
    merged = namespaces_of(trace, replace(question, merge_regions=True), behaviour)
    return Stage.of(
        trace, rules, behaviour, rates, namespaces_of(trace, question, behaviour), bands=bands, merged=merged
    )


def namespaces_of(trace: Trace, question: ReplayQuestion, behaviour: Behaviour) -> Array | None:
    """A code per request for what keeps entries apart besides the model: account, serving Region, operations, host."""
    columns = [trace.requests.account]
    if not question.merge_regions and question.region is None:
        columns.append(trace.requests.served)
    if behaviour.api_in_key == "yes":
        columns.append(trace.requests.api)
    if behaviour.host_in_key == "yes":
        columns.append(trace.requests.host)
    differing = [column for column in columns if len(column) and (column != column[0]).any()]
    if not differing:
        return None
    _, codes = np.unique(np.stack(differing, axis=1), axis=0, return_inverse=True)
    return codes.reshape(-1)
