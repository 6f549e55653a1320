"""The JSON of results is what it was recorded to be: keys, their order, and how numbers are spelled.

The files ``recorded/bench-*.json`` were written at commit 2a36881, where results were dictionaries, from the notebook
below: measured turns of two models down seven lanes, written by hand. What names a row of the packaged prices
(``place``, ``checked_on``, ``source``, ``url``, ``note``) changes with those files, so only its presence is compared.
"""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from rockbottom.bench import Grading
from rockbottom.bench.document import document_of
from rockbottom.bench.grading.results import graded
from rockbottom.bench.grading.votes import Judge, KeptVote, judge_of
from rockbottom.bench.notebook import BenchSettings, Ended, Measured, Notebook, PassKey
from rockbottom.bench.schedule import Schedule, schedule
from rockbottom.bench.workload import read_workload
from rockbottom.catalog import load_catalog
from rockbottom.documents import read_results, results_json
from rockbottom.grading import Vote
from rockbottom.quantities import Usage

RECORDED = Path(__file__).parent / "recorded"
PRO, SONNET = "amazon.nova-pro-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
JUDGE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
LANES = ("baseline", "cached", "cached-tools", "cached-1h", "cached-tail", "flex", "global")
WORKLOAD = """\
name: Recorded
about: Two questions about prices
system: rules
traffic: {conversations_per_day: 300, days: 30}
conversations:
  - turns:
      - {user: "=a", answer: It costs 12 euros., grade: [{contains: 12}]}
      - {user: "b", answer: It costs 48 euros., grade: [{judge: It is right.}]}
  - turns:
      - {user: c, grade: [{regex: euros}]}
      - {user: d}
"""
WORDS = (({"text": "It costs 12 euros."},), ({"text": "It costs 13 euros."},))


def plan_and_notebook() -> tuple[Schedule, Notebook]:
    """Two models: the first ran twice and was refused on one lane, the second stopped early."""
    plan = schedule(
        read_workload(WORKLOAD), load_catalog(), on=date(2026, 11, 21), region="us-east-1", models=[PRO, SONNET],
        lanes=LANES, repeats=2,
    )  # fmt: skip
    notebook = Notebook(
        BenchSettings(
            "w.yaml", "0", (PRO, SONNET), LANES, 2, "aws", "us-east-1", "2026-11-21T10:00:00+00:00", note="a note"
        )
    )
    for key, row in plan.passes:
        if (key.model, key.lane) == (PRO, "flex"):
            notebook.end(Ended(key, "refused", "flex is not enabled"))
            continue
        if key.model == SONNET and (key.repeat or key.lane == "cached-tail"):
            if key.lane == "cached" and key.repeat == 1:
                notebook.add(measured(key, 0, row.lane.caches))
            continue
        for number in range(4):
            notebook.add(measured(key, number, row.lane.caches))
        notebook.end(Ended(key, "done"))
    return plan, notebook


def measured(key: PassKey, number: int, caches: bool) -> Measured:
    """A turn in tokens and times that tell lanes, repeats and turns apart."""
    talk, turn = divmod(number, 2)
    prompt, output = 5000 + 211 * number, 100 + 17 * number + 3 * key.repeat
    usage = Usage(prompt, output)
    if caches:
        wrote = 4096 if number == 0 or key.lane == "cached-tail" else 0
        five, one_hour = (0, wrote) if key.lane == "cached-1h" else (wrote, 0)
        usage = Usage(prompt - 4096, output + 5, 4096 if number else 0, five, 0)
        usage = changed(usage, cache_write_1h=one_hour)
    first = None if key.model == PRO else 210.5 + number
    service = None if number == 1 else 800.0 + key.repeat
    at = f"2026-11-21T10:00:{10 + number:02}.000+00:00"
    return Measured(
        key, talk, turn, ("=a", "b", "c", "d")[number], usage, WORDS[number % 2], "end_turn", int(caches), service,
        850.25 + number, first, at,
    )  # fmt: skip


def gradings() -> dict[str, tuple[Grading, Judge | None]]:
    """By checks alone; and by checks, a judge's rubric and pairs against a reference."""
    plan, notebook = plan_and_notebook()
    grading = Grading(bar=Decimal("0.9"), judge=JUDGE, reference=PRO, criteria=("Short.",), votes=2)
    judge = judge_of(plan, notebook, grading, None)
    assert judge is not None
    for number, question in enumerate(judge.ready()):
        vote = Vote(scores=(5, 4)[: len(question.rubric.criteria)])
        if question.kind == "pair":
            vote = Vote(winner=("candidate", "same", "reference")[number % 3])
        if number == 5:
            vote = Vote(invalid="no tool call")
        judge.kept[question.about] = KeptVote(
            question.place, question.kind, question.number, question.about, vote, Usage(900 + number, 40), "t"
        )
    return {"checks": (Grading(), None), "judge": (grading, judge)}


def test_the_results_of_a_run_are_encoded_as_recorded():
    """Byte for byte but for the names of price rows."""
    found = document_of(*plan_and_notebook(), counted=True, simulated_latency=False)
    assert comparable(results_json(found)) == comparable((RECORDED / "bench-results.json").read_bytes())


def test_a_local_run_is_encoded_as_recorded():
    """Estimated tokens have an error, and one model alone nothing combined."""
    plan, notebook = plan_and_notebook()
    plan = replace(plan, rows=tuple(row for row in plan.rows if row.subject.given == PRO))
    found = document_of(plan, notebook, counted=False, simulated_latency=True)
    assert comparable(results_json(found)) == comparable((RECORDED / "bench-results-local.json").read_bytes())


@pytest.mark.parametrize(("name", "canned"), [("checks", False), ("judge", False), ("judge", True)])
def test_gradings_are_encoded_as_recorded(name, canned):
    """Without a bar, with judge and verdict, and simulated."""
    plan, notebook = plan_and_notebook()
    grading, judge = gradings()[name]
    found = document_of(plan, notebook, counted=True, simulated_latency=False)
    given = graded(plan, notebook, found.models, judge, grading, canned=canned)
    recorded = RECORDED / f"bench-grading-{name}{'-canned' * canned}.json"
    assert comparable(results_json(given)) == comparable(recorded.read_bytes())


@pytest.mark.parametrize("recorded", ["bench-results.json", "bench-results-local.json"])
def test_recorded_results_are_read_and_written_back_the_same(recorded):
    """A file of an earlier version is read into the same values."""
    data = (RECORDED / recorded).read_bytes()
    assert spelled(results_json(read_results(data))) == spelled(data)


def spelled(data: bytes) -> object:
    """JSON with the order of its keys, and with numbers as they are written."""
    return json.loads(data, object_pairs_hook=list, parse_int=lambda text: ("int", text), parse_float=_float)


def _float(text: str) -> tuple[str, str]:
    return "float", text


def comparable(data: bytes) -> object:
    """The same without what changes with the packaged prices."""
    return _without_sources(spelled(data))


def _without_sources(value: object) -> object:
    if isinstance(value, tuple) and len(value) == 2 and value[0] in ("place", "checked_on", "source", "url", "note"):
        return value[0], type(value[1]).__name__
    if isinstance(value, (list, tuple)):
        return [_without_sources(one) for one in value]
    return value
