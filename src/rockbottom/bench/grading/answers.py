"""The answers of a run that are graded: those of each model's baseline, with what a judge is shown of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rockbottom.bench.notebook import Notebook, PassKey
from rockbottom.bench.recorded import RecordedConversation, Turn
from rockbottom.bench.schedule import BenchModelFacts, Schedule

_LANE = "baseline"  # cachePoints do not change answers, so one lane is graded


@dataclass(frozen=True, slots=True)
class TurnPlace:
    """Which answer: model (as sent), repeat, conversation and turn, each from 0."""

    model: str
    repeat: int
    conversation: int
    turn: int


@dataclass(frozen=True, slots=True)
class GradedTurn:
    """One turn that is graded. ``text`` is None where the run has no answer to it (yet)."""

    place: TurnPlace
    turn: Turn
    text: str | None
    conversation: str  # everything said before, and the question

    @property
    def written(self) -> str:
        """The answer that the workload fixes, or nothing."""
        return text_of(self.turn.answer or ())


def text_of(content: Sequence[Mapping[str, object]]) -> str:
    """The text blocks of an answer joined; other blocks are left out."""
    return "\n".join(str(block["text"]) for block in content if "text" in block)


def subjects_of(plan: Schedule) -> dict[str, BenchModelFacts]:
    """The models of a run whose baseline runs, by the id that is sent."""
    return {row.subject.given: row.subject for row in plan.rows if row.lane.name == _LANE and row.why is None}


def answers_of(plan: Schedule, notebook: Notebook, model: str) -> Iterator[GradedTurn]:
    """Every turn of a model's baseline, answered or not."""
    for repeat in range(plan.repeats):
        texts = {
            (turn.conversation, turn.turn): text_of(turn.content)
            for turn in notebook.of(PassKey(model, _LANE, repeat))
        }  # fmt: skip
        for index, conversation in enumerate(plan.workload.conversations):
            for number, turn in enumerate(conversation.turns):
                place = TurnPlace(model, repeat, index, number)
                yield GradedTurn(place, turn, texts.get((index, number)), _said(conversation, number, texts, index))


def _said(conversation: RecordedConversation, number: int, texts: Mapping[tuple[int, int], str], index: int) -> str:
    lines: list[str] = []
    for before, turn in enumerate(conversation.turns[: number + 1]):
        lines += [f"{message['role']}: {text_of(message['content'])}" for message in turn.messages]
        if before < number:
            lines.append(f"assistant: {text_of(turn.answer or ()) or texts.get((index, before), '')}")
    return "\n".join(lines)
