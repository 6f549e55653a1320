"""A judge's votes: what is to be asked, what it may cost, asked once and kept in ``grades.jsonl`` of the run's folder.

A vote is known by what it was about (a digest of judge, rubric and texts), so a run that is graded again asks only
for what changed. Neither the judge's reasons nor any text is kept.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import msgspec

from rockbottom.bench.batching import copies
from rockbottom.bench.calling import send
from rockbottom.bench.endpoints import Endpoint
from rockbottom.bench.errors import EndpointDied, EndpointRefused, InvalidRun, SpendLimit, WrongSetting
from rockbottom.bench.grading.answers import GradedTurn, TurnPlace, answers_of, subjects_of
from rockbottom.bench.notebook import Notebook
from rockbottom.bench.quality import Grading
from rockbottom.bench.requests import BenchRequest
from rockbottom.bench.schedule import BenchModelFacts, Schedule, answer_tokens, subject_of
from rockbottom.catalog import NoPriceInForce, Resolve, Tier
from rockbottom.cost import bill
from rockbottom.dialects import CONVERSE
from rockbottom.figures import usd
from rockbottom.files import named, private
from rockbottom.grading import (
    JUDGE_OUTPUT_TOKENS,
    AnswerToGrade,
    Pair,
    Rubric,
    Vote,
    order_of,
    pair_body,
    rubric_body,
    vote_of,
)
from rockbottom.quantities import ZERO_USD, Ttl, Undecodable, Usage, Usd, decoded

GRADES = "grades.jsonl"
_LIKELY_OUTPUT_TOKENS = 100  # one sentence and the grade; only the figure "about" of the estimate rests on it
_CLIENT = 900_000  # the number of the judge's client: an account of its own on the local endpoint


class KeptVote(msgspec.Struct, frozen=True):
    """One vote as it is kept. ``about`` is the digest of what was asked; ``number`` counts the votes on one answer."""

    place: TurnPlace
    kind: str  # "rubric" or "pair"
    number: int
    about: str
    vote: Vote
    usage: Usage
    at: str


@dataclass(frozen=True, slots=True)
class VoteQuestion:
    """An answer that the judge is to vote on, and what it is held against."""

    place: TurnPlace
    kind: str
    number: int
    asked: AnswerToGrade | Pair
    rubric: Rubric
    about: str

    @property
    def swapped(self) -> bool:
        """Whether the reference's answer is shown first."""
        return self.kind == "pair" and order_of(self.number)

    def body(self, mark: str) -> dict[str, Any]:
        if isinstance(self.asked, Pair):
            return pair_body(self.asked, self.rubric.criteria, self.swapped, mark)
        return rubric_body(self.asked, self.rubric, mark)


@dataclass(frozen=True, slots=True)
class JudgeEstimate:
    """What the votes that are still to be had may cost; ``likely`` with the answers written beforehand."""

    votes: int
    most: Usd
    likely: Usd


class VoteTeller(Protocol):
    """Told how many votes are there, as they come."""

    def voted(self, done: int, total: int) -> None:
        """So many of so many votes are there."""
        ...


@dataclass(slots=True)
class Judge:
    """The judge of one run. ``chance`` gives marks that no answer could know; ``now`` and ``monotonic`` are clocks."""

    plan: Schedule
    notebook: Notebook
    grading: Grading
    subject: BenchModelFacts
    reference: str  # the model's id as it is sent; empty: no pairs
    kept: dict[str, KeptVote] = field(default_factory=dict[str, KeptVote])
    chance: Callable[[], str] = lambda: f"m{secrets.token_hex(8)}"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = perf_counter

    def questions(self) -> Iterator[VoteQuestion]:
        """Every vote that the answers of the run ask for, also of answers that are still to come."""
        texts = {answer.place: answer.text for answer in answers_of(self.plan, self.notebook, self.reference)}
        for model in subjects_of(self.plan):
            for answer in answers_of(self.plan, self.notebook, model):
                yield from self._rubric_questions(answer)
                if self.reference and model != self.reference:
                    place = TurnPlace(self.reference, answer.place.repeat, answer.place.conversation, answer.place.turn)
                    yield from self._pair_questions(answer, texts.get(place))

    def ready(self) -> list[VoteQuestion]:
        """The votes whose answers are there and that are not kept yet."""
        return [question for question in self.questions() if question.about and question.about not in self.kept]

    def estimate(self) -> JudgeEstimate:
        """What the votes still to be had may cost at the judge's prices; raises NoPriceInForce."""
        most = likely = ZERO_USD
        votes = 0
        for question in self.questions():
            if question.about and question.about in self.kept:
                continue
            votes += 1
            expected, longest = self._tokens(question)
            most += self.price(Usage(input=longest, output=JUDGE_OUTPUT_TOKENS)).usd
            likely += self.price(Usage(input=expected, output=_LIKELY_OUTPUT_TOKENS)).usd
        return JudgeEstimate(votes, most, likely)

    def price(self, usage: Usage) -> Any:
        return bill(usage, self.subject.model, Tier.DEFAULT, self.plan.on, self.plan.book, region=self.plan.region)

    @property
    def spent(self) -> Usd:
        """What every kept vote cost."""
        return sum((self.price(vote.usage).usd for vote in self.kept.values()), ZERO_USD)

    def run(self, endpoint: Endpoint, *, max_usd: Usd | None = None, teller: VoteTeller | None = None) -> None:
        """Have the votes that are missing.

        Raises EndpointDied, EndpointRefused or SpendLimit; votes had until then are kept, and the next run goes on.
        ``max_usd`` counts the run's own requests too.
        """
        missing = self.ready()
        if not missing:
            return
        spent = self.spent + self._spent_by_run()
        client = endpoint.client(_CLIENT)
        for done, question in enumerate(missing):
            self._guard(question, spent, max_usd, done)
            spent += self.price(self._vote(client, endpoint, question).usage).usd
            if teller:
                teller.voted(done + 1, len(missing))

    def votes(self) -> dict[TurnPlace, dict[str, list[tuple[VoteQuestion, Vote]]]]:
        """The votes that are there, by answer and kind, in order."""
        by_place: dict[TurnPlace, dict[str, list[tuple[VoteQuestion, Vote]]]] = {}
        for question in self.questions():
            if question.about in self.kept:
                kinds = by_place.setdefault(question.place, {})
                kinds.setdefault(question.kind, []).append((question, self.kept[question.about].vote))
        return by_place

    def _rubric_questions(self, answer: GradedTurn) -> Iterator[VoteQuestion]:
        criteria = (*self.grading.criteria, *answer.turn.criteria)
        if not criteria:
            return
        rubric = Rubric(criteria, self.grading.scale, self.grading.pass_at)
        answer_shown = AnswerToGrade(answer.conversation, answer.text or "", answer.written)
        for number in range(self.grading.votes):
            yield self._question(answer.place, "rubric", number, answer_shown, rubric, answer.text is not None)

    def _pair_questions(self, answer: GradedTurn, reference: str | None) -> Iterator[VoteQuestion]:
        rubric = Rubric((*self.grading.criteria, *answer.turn.criteria))
        pair = Pair(answer.conversation, answer.text or "", reference or "")
        there = answer.text is not None and reference is not None
        for number in range(self.grading.votes + self.grading.votes % 2):  # both orders as often
            yield self._question(answer.place, "pair", number, pair, rubric, there)

    def _question(
        self, place: TurnPlace, kind: str, number: int, shown: AnswerToGrade | Pair, rubric: Rubric, there: bool
    ) -> VoteQuestion:
        about = ""
        if there:
            parts = (self.subject.given, place.model, place.repeat, place.conversation, place.turn, kind, number)
            encoded = msgspec.json.encode([list(parts), shown, rubric])
            about = hashlib.sha256(encoded).hexdigest()[:24]
        return VoteQuestion(place, kind, number, shown, rubric, about)

    def _tokens(self, question: VoteQuestion) -> tuple[int, int]:
        """Estimated input tokens of a vote, as expected and at most."""
        meter, workload = self.subject.meter, self.plan.workload
        tokens = CONVERSE.read(question.body("m" * 17), meter).tokens
        if not question.about:
            turn = workload.conversations[question.place.conversation].turns[question.place.turn]
            each = answer_tokens(turn.answer, meter, workload) if turn.answer else workload.inference.max_tokens
            answers = 2 if question.kind == "pair" else 1
            expected, longest = tokens + answers * each, tokens + answers * workload.inference.max_tokens
        else:
            expected = longest = tokens
        return expected, longest + int(longest * meter.weights.error) + 1

    def _guard(self, question: VoteQuestion, spent: Usd, max_usd: Usd | None, done: int) -> None:
        if max_usd is None:
            return
        worst = self.price(Usage(input=self._tokens(question)[1], output=JUDGE_OUTPUT_TOKENS)).usd
        if spent + worst > max_usd:
            raise SpendLimit(
                f"the judge stopped before the limit of ${max_usd}: spent ${usd(spent, 6)}, the next vote could cost "
                f"${usd(worst, 6)}; {done} new votes are kept",
                finished=done,
                fix=self._again("--max-usd MORE"),
            )

    def _vote(self, client: Any, endpoint: Endpoint, question: VoteQuestion) -> KeptVote:
        request = BenchRequest(CONVERSE, question.body(self.chance()), 0)
        try:
            endpoint.script(_CLIENT, None)
            reply = send(
                client, self.subject.given, request, stream=False, ttl=Ttl.FIVE_MINUTES, clock=self.monotonic
            )  # fmt: skip
        except EndpointDied as error:
            raise EndpointDied(f"the judge: {error}", finished=len(self.kept), fix=self._again("")) from error
        except EndpointRefused as error:
            raise EndpointRefused(
                f"the judge {self.subject.given} was refused: {error}", code=error.code, fix=error.fix
            ) from error
        vote = vote_of(reply.content, question.rubric if question.kind == "rubric" else None, question.swapped)
        at = self.now().isoformat(timespec="milliseconds")
        record = KeptVote(question.place, question.kind, question.number, question.about, vote, reply.usage, at)
        self.kept[question.about] = record
        if self.notebook.folder:
            path = self.notebook.folder / GRADES
            with named(path), open(path, "ab", opener=private) as file:
                file.write(msgspec.json.encode(record) + b"\n")
        return record

    def _again(self, more: str) -> str | None:
        folder = self.notebook.folder
        return f"rockbottom bench --resume {folder} --grade {more}".rstrip() + " goes on" if folder else None

    def _spent_by_run(self) -> Usd:
        rows, spent = dict(self.plan.passes), ZERO_USD
        for turn in self.notebook.turns:
            if turn.key in rows:
                row = rows[turn.key]
                spent += copies(self.plan.workload, row.lane) * self.plan.price(turn.usage, row).usd
        return spent


def judge_of(plan: Schedule, notebook: Notebook, grading: Grading, resolve: Resolve | None) -> Judge | None:
    """The judge that a workload asks for; None: it asks for none.

    Raises UnknownModel, NoPriceInForce, or WrongSetting when there is nothing to judge or no such reference.
    """
    if not grading.judge:
        return None
    subject = subject_of(grading.judge, plan.catalog, plan.on, resolve)
    reference = subject_of(grading.reference, plan.catalog, plan.on, resolve).given if grading.reference else ""
    if reference and reference not in subjects_of(plan):
        raise WrongSetting(
            f"the reference model {grading.reference} is not one of the models of this run",
            fix=f"--model {grading.reference} adds it",
        )
    judge = Judge(plan, notebook, grading, subject, reference, _read(notebook.folder))
    if not reference and not any(judge.questions()):
        raise WrongSetting(
            "a judge is named, but nothing for it to judge",
            fix="give grading.judge.criteria, a turn's '- judge: ...', or --reference MODEL",
        )
    try:
        judge.price(Usage(input=1, output=1))
    except NoPriceInForce as error:
        raise WrongSetting(
            f"the judge's votes have no price: {error}", fix="another --judge, or --prices FILE"
        ) from error
    return judge


def _read(folder: Path | None) -> dict[str, KeptVote]:
    """The votes of earlier gradings; a line that a crash cut short is left out and asked for again."""
    if folder is None or not (folder / GRADES).exists():
        return {}
    data = (folder / GRADES).read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with named(folder / GRADES):
            (folder / GRADES).write_bytes(whole)
    try:
        votes = [decoded(line, KeptVote) for line in whole.splitlines()]
    except Undecodable as error:
        raise InvalidRun(f"{folder / GRADES}: not a line of votes: {error}") from error
    return {vote.about: vote for vote in votes}
