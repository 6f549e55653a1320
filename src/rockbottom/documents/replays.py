"""The answer of a replay: its encoding is the JSON that ``rockbottom replay --json`` prints.

Money is exact (text in JSON), tokens are integers, shares are between 0 and 1. ``None`` says that there is no such
value; a field that JSON leaves out is ``UNSET``.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.catalog import Scope, SetApart, Tier
from rockbottom.documents.alone import AloneRequests
from rockbottom.documents.besides import BesideCost
from rockbottom.quantities import ZERO_USD, Ttl, Usd, decoded


class Combination(msgspec.Struct, frozen=True):
    """Which of several combinations was asked for; None: as each request was sent."""

    model: str | None
    scope: Scope | None
    tier: Tier | None
    on: date


class ReplayedModel(msgspec.Struct, frozen=True):
    """A model of the traffic, as it was given, and how many requests went to it."""

    given: str
    id: str
    name: str
    scope: Scope
    requests: int


WrittenAt = Mapping[Ttl, int]


class TokensByLength(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of the prompts longer than ``above_tokens``, from where on other prices hold."""

    above_tokens: int
    read_tokens: int = 0
    written_5m_tokens: int = 0
    written_1h_tokens: int = 0
    written_30m_tokens: int = 0
    written_at: WrittenAt | UnsetType = UNSET
    uncached_tokens: int = 0
    output_tokens: int = 0

    @property
    def writes(self) -> Mapping[Ttl, int]:
        """Tokens written by lifetime, zeros included."""
        return _writes(self)


class BillResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy costs. ``by_length`` is there where some prompts are so long that other prices hold.

    ``written_at`` holds the tokens of lifetimes that have no member of their own, and is there where there are any.
    """

    policy: str
    read_tokens: int
    written_5m_tokens: int
    written_1h_tokens: int
    written_at: WrittenAt | UnsetType = UNSET
    uncached_tokens: int
    output_tokens: int
    input_usd: Usd
    usd: Usd
    by_length: tuple[TokensByLength, ...] | UnsetType = UNSET
    relative_input_cost: float | None

    @property
    def writes(self) -> Mapping[Ttl, int]:
        """Tokens written by lifetime, zeros included."""
        return _writes(self)

    @property
    def written_tokens(self) -> int:
        """Tokens written, whatever the lifetime."""
        return sum(self.writes.values())


def written_members(kind: type[BillResult | TokensByLength], writes: Mapping[Ttl, int]) -> dict[str, Any]:
    """The members of a result that hold tokens written by lifetime."""
    members: dict[str, Any] = {}
    for ttl, tokens in writes.items():
        if (name := _MEMBER.format(ttl.value)) in kind.__struct_fields__:
            members[name] = tokens
        elif tokens:
            members.setdefault("written_at", {})[ttl] = tokens
    return members


def _writes(row: BillResult | TokensByLength) -> Mapping[Ttl, int]:
    others: Mapping[Ttl, int] = {} if row.written_at is UNSET else row.written_at
    return {ttl: getattr(row, _MEMBER.format(ttl.value), others.get(ttl, 0)) for ttl in Ttl}


_MEMBER = "written_{}_tokens"


class PolicyResult(BillResult, frozen=True, kw_only=True):
    """One policy, and the share of the greatest possible saving that it makes."""

    captured: float | None


class LeastResult(BillResult, frozen=True, kw_only=True):
    """The least that the traffic could have cost; ``means``: whether that bill itself or a lower bound of it."""

    means: str = msgspec.field(name="is")


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The three bills that matter, input and output.

    ``paid_usd`` is what the service's counters come to where ``counted``, else what the rules make of the requests
    without counters as they were sent; None where the policy that says so was not asked for. ``attached_usd`` is the
    planner's bill, None where it was not asked for, ``least_usd`` None where what repeats is not
    known; ``instead``: its points stand where the requests have cachePoints of their own.
    ``ruled_usd``, where it was counted: what the rules make of the requests as they were sent. Their input of the other
    two bills is then in proportion to what was counted, so that like is compared with like. ``parallel_usd``: what of
    the counted bill was paid for writing what a parallel request was writing. It is left out of that proportion, as
    requests of an attached client wait for the first to be answered.
    """

    paid_usd: Usd | None
    counted: bool
    attached_usd: Usd | None
    instead: bool
    least_usd: Usd | None
    ruled_usd: Usd | UnsetType = UNSET
    parallel_usd: Usd | UnsetType = UNSET

    @property
    def like_ruled_usd(self) -> Usd | None:
        """The bill to hold the rules' against: counted, but for what parallel requests wrote; None where unknown."""
        if self.paid_usd is None or self.ruled_usd is UNSET:
            return None
        return self.paid_usd - (ZERO_USD if self.parallel_usd is UNSET else self.parallel_usd)


class SwitchResult(msgspec.Struct, frozen=True, rename={"start": "from", "best": "to"}):
    """The change of policy that saves most; a month is None where the traffic is too short to be scaled."""

    start: str
    best: str
    saved_usd: Usd
    saved_usd_a_month: Decimal | None


class QuotaResult(msgspec.Struct, frozen=True):
    """Input-side tokens of a model's fullest minute that count against its quota, without caching and with it."""

    model: str
    peak_minute_without: int
    peak_minute: int


class GapResult(msgspec.Struct, frozen=True):
    """Requests by the time since their longest known prefix was last used."""

    gap: str
    requests: int
    repeated_tokens: int
    read_tokens: int
    hit_rate: float | None


class FamilyResult(msgspec.Struct, frozen=True):
    """Requests that begin with the same block; ``prefix`` is the hash of that block."""

    prefix: str
    requests: int
    tokens_in: int
    read_tokens: int
    written_tokens: int
    reads_per_write: float | None


class PolicyDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the tokens under one policy."""

    written_tokens: int
    never_read_tokens: int
    quota: tuple[QuotaResult, ...]
    gaps: tuple[GapResult, ...]
    families: tuple[FamilyResult, ...]


class CauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Requests whose counters differ from the rules for one cause."""

    cause: str
    requests: int
    predicted_read_tokens: int
    observed_read_tokens: int
    predicted_usd: Usd
    observed_usd: Usd
    difference_usd: Usd


class ReconciliationResult(msgspec.Struct, frozen=True, kw_only=True):
    """The bill as the service counted it and as the rules give it; ``difference`` is a share of the observed one."""

    observed_usd: Usd
    predicted_usd: Usd
    difference: float | None
    causes: tuple[CauseResult, ...]


class GroupResult(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of one label (None: it was not recorded): what was paid, as ``ReplayAnswer``, and without a cache.

    ``attached_usd`` is None where the planner was not asked for.
    """

    label: str | None
    requests: int
    input_tokens: int
    read_tokens: int
    paid_usd: Usd
    attached_usd: Usd | None
    uncached_usd: Usd


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the traffic costs under every policy. ``asked`` is there where several combinations were.

    ``on`` and ``tier`` are None where requests were priced at several, as they were sent.
    ``beside`` is what a guardrail would have charged, where one was named.
    ``simulated_requests`` went to a local endpoint; the field is there where any did, as is ``set_apart``: requests to
    models that are not known or have no price. ``alone``, where there are any: requests whose prompts could not be read
    whole, which are in no other figure. ``groups``: the requests told apart ``by`` a key, where named.
    """

    asked: Combination | UnsetType = UNSET
    on: date | None
    tier: Tier | None
    models: tuple[ReplayedModel, ...]
    requests: int
    span_seconds: float
    answer: ReplayAnswer | UnsetType = UNSET  # always there but in a file from before it was told
    reconciliation: ReconciliationResult | None
    policies: tuple[PolicyResult, ...]
    clairvoyant: LeastResult | None
    switch: SwitchResult | None
    details: Mapping[str, PolicyDetails]
    assumptions: tuple[str, ...]
    simulated_requests: int | UnsetType = UNSET
    elsewhere_requests: int | UnsetType = UNSET  # that went to another service, priced as Bedrock prices them
    beside: tuple[BesideCost, ...] | UnsetType = UNSET
    set_apart: tuple[SetApart, ...] | UnsetType = UNSET
    alone: AloneRequests | UnsetType = UNSET
    by: str | UnsetType = UNSET
    groups: tuple[GroupResult, ...] | UnsetType = UNSET

    @property
    def cheapest(self) -> PolicyResult:
        """The policy with the least bill."""
        return min(self.policies, key=lambda policy: policy.usd)

    def policy(self, name: str) -> PolicyResult | None:
        """The policy of that name, where it was asked for."""
        return next((policy for policy in self.policies if policy.policy == name), None)

    @property
    def shown_policy(self) -> str | None:
        """The policy whose details matter most: what was done, or else the cheapest that places points."""
        costs = {policy.policy: policy.usd for policy in self.policies if policy.policy in self.details}
        if not costs:
            return None
        return "as_recorded" if "as_recorded" in costs else min(costs, key=lambda name: costs[name])


class UnpricedReplay(msgspec.Struct, frozen=True, kw_only=True):
    """A combination that cannot be priced, and the price that it ``lacks``."""

    asked: Combination
    lacks: str
    simulated_requests: int | UnsetType = UNSET
    elsewhere_requests: int | UnsetType = UNSET


class ReplayRuns(msgspec.Struct, frozen=True):
    """The answers to several combinations."""

    runs: tuple[ReplayResult | UnpricedReplay, ...]


class _Outline(msgspec.Struct):
    runs: tuple[msgspec.Raw, ...] | UnsetType = UNSET
    lacks: str | UnsetType = UNSET


def read_replays(data: bytes) -> tuple[ReplayResult, ...]:
    """The combinations in a replay's JSON that could be priced; raises Undecodable for anything else."""
    outline = decoded(data, _Outline)
    runs = (data,) if outline.runs is UNSET else tuple(map(bytes, outline.runs))
    return tuple(decoded(run, ReplayResult) for run in runs if decoded(run, _Outline).lacks is UNSET)
