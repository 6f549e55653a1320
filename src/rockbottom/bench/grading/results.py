"""What grading found, as the member ``grading`` of the results.

From the local endpoint, whose answers are canned, nothing leaves here but the fact that the graders ran: no share, no
interval, no verdict, not even how many checks passed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from rockbottom.bench.grading.answers import GradedTurn, TurnPlace, answers_of, subjects_of
from rockbottom.bench.grading.guarded import GuardedChecker
from rockbottom.bench.grading.votes import Judge, VoteQuestion
from rockbottom.bench.notebook import Notebook
from rockbottom.bench.quality import Grading
from rockbottom.bench.schedule import Schedule
from rockbottom.documents import (
    AgreementResult,
    BenchModel,
    CheckCounts,
    GradedAnswers,
    GradedModel,
    GradedVerdict,
    GradingResult,
    JudgeRow,
    ModelVotes,
    OpenModel,
    PairAgreement,
    PairCounts,
    SimulatedGrading,
    VoteCounts,
)
from rockbottom.grading import (
    CheckOutcome,
    Graded,
    Vote,
    agreement_of,
    frontier,
    interval_of,
    needed,
    pair_passes,
    position_of,
    rubric_passes,
    verdict_on,
)
from rockbottom.quantities import NO_USAGE, Usd

SIMULATED = "simulated: no statement about quality"
Voted = Mapping[str, Sequence[tuple[VoteQuestion, Vote]]]


@dataclass(slots=True)
class _Model:
    """What was found about one model."""

    checks: dict[str, Counter[bool | None]] = field(default_factory=dict[str, Counter[bool | None]])
    votes: dict[str, list[list[tuple[VoteQuestion, Vote]]]] = field(
        default_factory=dict[str, list[list[tuple[VoteQuestion, Vote]]]]
    )
    talks: dict[tuple[int, int], list[bool | None]] = field(
        default_factory=dict[tuple[int, int], list[bool | None]]
    )  # by conversation and repeat: each graded turn

    def shares(self) -> list[Fraction]:
        """Of each conversation that is decided at least once, the share of its repeats that passed."""
        by_talk: dict[int, list[bool]] = {}
        for (talk, _), turns in self.talks.items():
            passed = _all(turns)
            if passed is not None:
                by_talk.setdefault(talk, []).append(passed)
        return [Fraction(sum(passed), len(passed)) for passed in by_talk.values()]


def graded(
    plan: Schedule, notebook: Notebook, models: Sequence[BenchModel], judge: Judge | None, grading: Grading, *,
    canned: bool, checker: GuardedChecker | None = None,
) -> GradingResult:  # fmt: skip
    """The member ``grading`` of the results; ``models`` are theirs, for the bills.

    ``canned`` says that the answers come from the local endpoint.
    """
    with checker or GuardedChecker() as guarded:
        records = {model: _model(plan, notebook, model, judge, guarded) for model in subjects_of(plan)}
    if canned:
        return _ran(records)
    measured = {model.id: model for model in models}
    ranked = {
        model: Graded(plan_name(plan, model), _month(measured.get(model)), interval_of(record.shares()))
        for model, record in records.items()
    }
    edge = frontier(tuple(ranked.values()))
    return GradedAnswers(
        simulated=False,
        unit="conversations; a conversation passes when every graded turn does",
        interval="Wilson, 95%",
        bar=grading.bar,
        models=tuple(
            _model_row(model, records[model], ranked[model], grading.bar, ranked[model] in edge, measured.get(model))
            for model in records
        ),
        judge=_judge_row(judge, records) if judge else None,
        verdict=_verdict(tuple(ranked.values()), grading.bar),
    )


def plan_name(plan: Schedule, model: str) -> str:
    """What a model is called."""
    return subjects_of(plan)[model].model.model.name


def _ran(records: Mapping[str, _Model]) -> SimulatedGrading:
    checks = sum(count.total() for record in records.values() for count in record.checks.values())
    votes = sum(len(item) for record in records.values() for items in record.votes.values() for item in items)
    return SimulatedGrading(simulated=True, says=SIMULATED, checks_run=checks, votes_had=votes)


def _model(plan: Schedule, notebook: Notebook, model: str, judge: Judge | None, checker: GuardedChecker) -> _Model:
    record = _Model()
    votes = judge.votes() if judge else {}
    for answer in answers_of(plan, notebook, model):
        parts = [*_checked(answer, checker, record), *_judged(answer.place, votes, judge, model, answer, record)]
        if parts:
            place = answer.place
            record.talks.setdefault((place.conversation, place.repeat), []).append(_all(parts))
    return record


def _checked(answer: GradedTurn, checker: GuardedChecker, record: _Model) -> Iterable[bool | None]:
    for check in answer.turn.checks:
        if answer.text is None:
            yield None
            continue
        outcome: CheckOutcome = checker.outcome(check, answer.text)
        record.checks.setdefault(check.kind, Counter())[outcome.passed] += 1
        yield outcome.passed


def _judged(
    place: TurnPlace,
    votes: Mapping[TurnPlace, Voted],
    judge: Judge | None,
    model: str,
    answer: GradedTurn,
    record: _Model,
) -> Iterable[bool | None]:
    if judge is None:
        return
    mine = votes.get(place, {})
    kinds = {"rubric": bool(judge.grading.criteria or answer.turn.criteria)}
    kinds["pair"] = bool(judge.reference) and model != judge.reference
    for kind in (kind for kind, is_asked in kinds.items() if is_asked):
        had = mine.get(kind, ())
        if had:
            record.votes.setdefault(kind, []).append(list(had))
        kind_votes = [vote for _, vote in had]
        if kind == "pair":
            yield pair_passes(kind_votes)
        else:
            yield rubric_passes(kind_votes, had[0][0].rubric) if had else None


def _all(parts: Sequence[bool | None]) -> bool | None:
    """False where one failed, else None where one is undecided."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def _month(model: BenchModel | None) -> Usd | None:
    """A month by the cheapest lane that ran."""
    best = model.best_lane if model else None
    return best.cost.month if best and best.cost else None


def _model_row(
    model: str, record: _Model, ranked: Graded, bar: Decimal | None, on_edge: bool, measured: BenchModel | None
) -> GradedModel:
    interval = ranked.interval
    rubric, pair = record.votes.get("rubric"), record.votes.get("pair")
    return GradedModel(
        id=model,
        name=ranked.name,
        lane=measured.best if measured else None,
        usd_month=ranked.usd,
        conversations=interval.conversations if interval else 0,
        passed=float(interval.passed) if interval else 0.0,
        share=interval.share if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        undecided=sum(_all(turns) is None for turns in record.talks.values()),
        standing=None if bar is None else ranked.standing(float(bar)).value,
        frontier=on_edge,
        checks={kind: CheckCounts(count[True], count[False], count[None]) for kind, count in record.checks.items()},
        votes=ModelVotes(rubric=_rubric_counts(rubric) if rubric else None, pair=_pair_counts(pair) if pair else None),
    )


def _rubric_counts(items: Sequence[Sequence[tuple[VoteQuestion, Vote]]]) -> VoteCounts:
    every = [vote for item in items for _, vote in item]
    return VoteCounts(votes=len(every), invalid=sum(bool(vote.invalid) for vote in every))


def _pair_counts(items: Sequence[Sequence[tuple[VoteQuestion, Vote]]]) -> PairCounts:
    counts = _rubric_counts(items)
    winners = Counter(vote.winner for item in items for _, vote in item)
    return PairCounts(
        votes=counts.votes, invalid=counts.invalid, better=winners["candidate"], same=winners["same"],
        worse=winners["reference"],
    )  # fmt: skip


def _judge_row(judge: Judge, records: Mapping[str, _Model]) -> JudgeRow:
    rubric = [item for record in records.values() for item in record.votes.get("rubric", ())]
    pairs = [item for record in records.values() for item in record.votes.get("pair", ())]
    usage = sum((vote.usage for vote in judge.kept.values()), NO_USAGE)
    own = judge.subject.model.model
    models = [subject.model.model for subject in subjects_of(judge.plan).values()]
    return JudgeRow(
        model=judge.subject.given,
        name=own.name,
        reference=judge.reference or None,
        votes_each=judge.grading.votes,
        votes=len(judge.kept),
        usd=judge.spent,
        input_tokens=usage.total_input,
        output_tokens=usage.output,
        judges_itself=any(model.id == own.id for model in models),
        same_vendor=tuple(sorted({model.name for model in models if model.vendor == own.vendor})),
        rubric=_agreement([[_pass(q, v) for q, v in item if v.scores] for item in rubric]) if rubric else None,
        pair=_pair_agreement(pairs) if pairs else None,
    )


def _pass(question: VoteQuestion, vote: Vote) -> bool:
    return min(vote.scores) >= question.rubric.pass_at


def _agreement(votes: Sequence[Sequence[object]]) -> AgreementResult:
    agreement = agreement_of(votes)
    return AgreementResult(
        items=agreement.items,
        agreement=None if agreement.share is None else float(agreement.share),
        kappa=None if agreement.kappa is None else float(agreement.kappa),
    )


def _pair_agreement(pairs: Sequence[Sequence[tuple[VoteQuestion, Vote]]]) -> PairAgreement:
    votes = [[(vote.winner, question.swapped) for question, vote in item if vote.winner] for item in pairs]
    position, agreement = position_of(votes), _agreement([[won for won, _ in item] for item in votes])
    return PairAgreement(
        items=agreement.items, agreement=agreement.agreement, kappa=agreement.kappa, first_preferred=position.first,
        decided=position.decided, flipped=position.flipped, swapped_pairs=position.swapped,
    )  # fmt: skip


def _verdict(models: Sequence[Graded], bar: Decimal | None) -> GradedVerdict | None:
    if bar is None:
        return None
    verdict = verdict_on(models, float(bar))
    still_open = tuple(
        OpenModel(candidate.name, needed(candidate.interval.share, float(bar)) if candidate.interval else None)
        for candidate in verdict.open
    )
    return GradedVerdict(verdict.cheapest.name if verdict.cheapest else None, still_open)
