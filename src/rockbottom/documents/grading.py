"""What grading found in a bench run: the member ``grading`` of its results."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from rockbottom.quantities import Usd


class GradingResult(msgspec.Struct, frozen=True, kw_only=True):
    """A grading: ``SimulatedGrading`` of canned answers, ``GradedAnswers`` of a model's own."""

    simulated: bool


class SimulatedGrading(GradingResult, frozen=True, kw_only=True):
    """The result where answers are the local endpoint's: only that the graders ran."""

    says: str
    checks_run: int
    votes_had: int


class CheckCounts(msgspec.Struct, frozen=True):
    """Outcomes of one kind of check."""

    passed: int
    failed: int
    undecided: int


class VoteCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Votes on a rubric: how many, and how many of them named no verdict."""

    votes: int
    invalid: int


class PairCounts(VoteCounts, frozen=True, kw_only=True):
    """Votes in pairs: how often the model's answer won against the reference's."""

    better: int
    same: int
    worse: int


class ModelVotes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The votes on one model's answers, by how they were asked for."""

    rubric: VoteCounts | None = None
    pair: PairCounts | None = None

    @property
    def invalid(self) -> int:
        """Votes that did not say what was asked."""
        return (self.rubric.invalid if self.rubric else 0) + (self.pair.invalid if self.pair else 0)


class GradedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model: a month by its cheapest lane, and the conversations that passed with their 95% interval.

    ``share``, ``low`` and ``high`` are None where nothing was graded; ``standing`` is over, under or not enough to say,
    None without a bar.
    """

    id: str
    name: str
    lane: str | None
    usd_month: Usd | None
    conversations: int
    passed: float
    share: float | None
    low: float | None
    high: float | None
    undecided: int
    standing: str | None
    frontier: bool
    checks: Mapping[str, CheckCounts]
    votes: ModelVotes


class AgreementResult(msgspec.Struct, frozen=True, kw_only=True):
    """How far votes on one answer agree; None where no two can be compared, or where kappa is not defined."""

    items: int
    agreement: float | None
    kappa: float | None


class PairAgreement(AgreementResult, frozen=True, kw_only=True):
    """How far votes in pairs agree, and what the order of the two answers did to them."""

    first_preferred: int
    decided: int
    flipped: int
    swapped_pairs: int


class JudgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The judge: what it was asked, what its votes cost, and how far they can be relied on."""

    model: str
    name: str
    reference: str | None
    votes_each: int
    votes: int
    usd: Usd
    input_tokens: int
    output_tokens: int
    judges_itself: bool
    same_vendor: tuple[str, ...]
    rubric: AgreementResult | None
    pair: PairAgreement | None


class OpenModel(msgspec.Struct, frozen=True):
    """A cheaper model that may be over the bar, and how many conversations would settle it (None: over a million)."""

    name: str
    conversations_needed: int | None


class GradedVerdict(msgspec.Struct, frozen=True):
    """The cheapest model that is known to be over the bar; None: none is."""

    cheapest: str | None
    open: tuple[OpenModel, ...]


class GradedAnswers(GradingResult, frozen=True, kw_only=True):
    """What was found; ``bar`` is a share of conversations, and without one there is no verdict."""

    unit: str
    interval: str
    bar: Decimal | None
    models: tuple[GradedModel, ...]
    judge: JudgeRow | None
    verdict: GradedVerdict | None
