"""What a diagnosis says: one finding per miss, and the findings put together by cause, the dearest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from rockbottom.catalog import SetApart, summed_apart
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.differences import Difference
from rockbottom.diagnose.parts import Parts
from rockbottom.diagnose.sent import Reached, Sent
from rockbottom.documents import NONE_ALONE, AloneRequests
from rockbottom.quantities import ZERO_USD, Usd, per_month


@dataclass(frozen=True, slots=True)
class Finding:
    """One miss and its one cause.

    ``tokens`` could have been read and were not; ``usd`` is what that cost above a read (None: no price in
    force). ``earlier`` is the request that had sent them. ``read`` is what was read, ``expected`` what the
    rules let expect as things were (more than ``read`` only where the miss is unexplained).
    """

    cause: Cause
    sent: Sent
    number: int
    earlier: Sent | None
    tokens: int
    usd: Usd | None
    evidence: str
    place: str
    difference: Difference | None = None
    read: int = 0
    expected: int = 0


@dataclass(frozen=True, slots=True)
class Saving:
    """A fix tried on the same requests: what the rules say they cost as sent, and with the fix."""

    what: str
    before: Usd
    after: Usd

    @property
    def usd(self) -> Usd:
        """What the fix takes off; negative where it makes the traffic dearer."""
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class CauseTotal:
    """The findings of one cause summed: how many, their tokens, their money."""

    cause: Cause
    findings: Sequence[Finding]
    saving: Saving | None = None

    @property
    def tokens(self) -> int:
        """Tokens that were not read."""
        return sum(finding.tokens for finding in self.findings)

    @property
    def usd(self) -> Usd:
        """What they cost above a read, where a price is known."""
        return sum((finding.usd for finding in self.findings if finding.usd is not None), ZERO_USD)

    @property
    def unpriced(self) -> int:
        return sum(finding.usd is None for finding in self.findings)

    @property
    def example(self) -> Finding:
        """The finding that shows the cause best: the one with most tokens."""
        return max(self.findings, key=lambda finding: finding.tokens)


class Unread(NamedTuple):
    """A request that could not be read: where it stands and why; ``apart`` where it is the model that is not known."""

    where: str
    why: str
    apart: SetApart | None = None


@dataclass(frozen=True, slots=True)
class LabelFindings:
    """The requests of one label: what they paid, their input alone and with the planner (None: not known)."""

    requests: int = 0
    tokens: int = 0
    read: int = 0
    paid: Usd | None = ZERO_USD
    spent: Usd | None = ZERO_USD
    attached_input: Usd | None = None

    @property
    def with_planner(self) -> Usd | None:
        """What they cost with the planner, output and all."""
        if self.attached_input is None or self.paid is None or self.spent is None:
            return None
        return self.attached_input + self.paid - self.spent


@dataclass(frozen=True, slots=True)
class ModelInput:
    """The input of one model as reached: what it cost, what the rules make of it, and of it with the planner.

    ``ruled`` is with entries readable at once and once a reply has begun, ``attached`` by label.
    """

    spent: Usd = ZERO_USD
    ruled: tuple[Usd, Usd] = (ZERO_USD, ZERO_USD)
    attached: Mapping[str | None, Usd] = field(default_factory=dict[str | None, Usd])

    @property
    def expected(self) -> Usd:
        """What it should have cost by the rules.

        How soon replies began is often not recorded, so the rules give a bill with entries that can be read at once
        and one with entries that parallel requests miss: what lies between both is as the rules say.
        """
        least, most = sorted(self.ruled)
        return min(max(self.spent, least), most)

    def with_planner(self, label: str | None) -> Usd:
        """What a label's part of it costs with the planner, in proportion to what was counted of this model."""
        usd = self.attached.get(label, ZERO_USD)
        return usd * self.spent / self.expected if self.expected else usd


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything found in a stream of requests.

    ``tokens`` are all input tokens, ``read`` those that were read; ``uncounted`` requests carry no counters and
    were judged by the rules alone; ``span_s`` is the time between the first request and the last. ``spent`` is what
    their input cost and ``paid`` with their output (None: a price is missing), ``attached`` the planner tried on all of
    them, ``repeated`` how many came again with a request id that was there before, ``groups`` the requests by label,
    ``parts`` what their prompts are made of, ``attached_requests`` the requests as the planner would have sent them.
    ``models`` is their input by model (none where a price is missing).
    ``instead``: the planner's points stand where some requests have their own. ``alone`` are in none of these figures.
    ``too_short`` counts the requests with fewer tokens than their model caches from, by its name and that minimum.
    ``assumptions`` is what the figures take for granted, in words.
    """

    totals: Sequence[CauseTotal]
    requests: int
    tokens: int
    read: int
    uncounted: int
    span_s: float
    spent: Usd | None = None
    small_misses: int = 0
    small_tokens: int = 0
    unreadable: Sequence[Unread] = field(default_factory=tuple[Unread, ...])
    attached: Saving | None = None
    paid: Usd | None = None
    repeated: int = 0
    groups: Mapping[str | None, LabelFindings] = field(default_factory=dict[str | None, LabelFindings])
    parts: Parts = field(default_factory=Parts)
    attached_requests: Sequence[Sent] = ()
    alone: AloneRequests = NONE_ALONE
    models: Mapping[Reached, ModelInput] = field(default_factory=dict[Reached, ModelInput])
    instead: bool = False
    too_short: Mapping[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    assumptions: Sequence[str] = ()

    def __iter__(self) -> Iterator[Finding]:
        for total in self.totals:
            yield from total.findings

    @property
    def set_apart(self) -> tuple[SetApart, ...]:
        """The requests to models that are not known, by model."""
        return summed_apart(request.apart for request in self.unreadable if request.apart is not None)

    @property
    def with_planner(self) -> Usd | None:
        """What the requests cost with the planner, output and all; None where it was not tried.

        The rules' bill of each model's input is taken in proportion to what was counted of that.
        """
        if self.attached is None or self.paid is None or self.spent is None:
            return None
        models = self.models.values()
        inputs = (model.with_planner(label) for model in models for label in model.attached)
        return sum(inputs, self.paid - self.spent)

    @property
    def counted_part(self) -> Decimal:
        """What the input of all models cost, as a part of what the rules make of the requests as they were sent."""
        expected = sum((model.expected for model in self.models.values()), ZERO_USD)
        return self.spent / expected if self.spent is not None and expected else Decimal(1)

    @property
    def missed(self) -> int:
        return sum(total.tokens for total in self.totals)

    @property
    def usd(self) -> Usd:
        return sum((total.usd for total in self.totals), ZERO_USD)

    @property
    def too_old_usd(self) -> Usd:
        """What of it was last sent so long before that no entry would have lived until then, whatever its lifetime."""
        amounts = (finding.usd for finding in self if finding.usd is not None and _is_too_old(finding))
        return sum(amounts, ZERO_USD)

    def a_month(self, amount: Usd) -> Usd | None:
        """The amount carried on over 30 days at the rate of the log; None where it is shorter than a day."""
        return per_month(amount, self.span_s)


def _is_too_old(finding: Finding) -> bool:
    longest = max((ttl.seconds for ttl in finding.sent.rules.ttls), default=0)
    return finding.earlier is not None and finding.sent.at - finding.earlier.at > longest


def totals_of(findings: Iterable[Finding]) -> Sequence[CauseTotal]:
    """Findings by cause, the dearest first; of equal price the one with more tokens."""
    by_cause: dict[Cause, list[Finding]] = {}
    for finding in findings:
        by_cause.setdefault(finding.cause, []).append(finding)
    totals = [CauseTotal(cause, of_cause) for cause, of_cause in by_cause.items()]
    return sorted(totals, key=lambda total: (-total.usd, -total.tokens, total.cause.value))
