"""The JSON of batch: members, their order and the spelling of every number.

The files in ``recorded`` are what the commands printed when they still put their JSON together member by member, for
the run, the outcome and the leftover made here.
"""

from pathlib import Path
from types import MappingProxyType

from rockbottom.batch import BatchComparison, LeftOutcome, Outcome
from rockbottom.batch.rejoining import RunTally
from rockbottom.batch.splitting import Slice
from rockbottom.batch.state import JobState, RunState
from rockbottom.catalog import load_catalog
from rockbottom.cli import batch_leftover, batch_text
from rockbottom.cost import Cost, CostLine
from rockbottom.quantities import Unit, Usage

RECORDED = Path(__file__).parent / "recorded"
NOVA = "amazon.nova-pro-v1:0"


def _cost(tokens):
    price = next(row for row in load_catalog().price_book.of_model(NOVA) if row.unit is Unit.INPUT)
    return Cost((CostLine(price, tokens),))


def _state():
    job = JobState(1, 0, (Slice(0, 9_000, 100),), status="Completed", arn="arn:aws:bedrock:job/1", name="night-1-0")
    failed = JobState(2, 0, (Slice(0, 700, 7),), status="Failed", message="no access")
    return RunState(jobs=[job, failed], records=100)


def _outcome():
    tally = RunTally(short=Usage(input=90_000, output=4_000), errors={"ThrottlingException": 3}, repeated=1)
    ways = BatchComparison(_cost(90_000), _cost(180_000), None, "no cache price")
    return Outcome(
        "night", 100, 97, 0, 3, 2, Path("runs/results.jsonl"), Path("runs/left.jsonl"), tally,
        MappingProxyType({"successRecordCount": 97}), ways,
    )  # fmt: skip


def test_the_json_of_a_run_is_as_it_was(capsys):
    batch_text.show_jobs("night", _state(), as_json=True)
    assert capsys.readouterr().out == (RECORDED / "batch-run.json").read_text()


def test_the_json_of_an_outcome_is_as_it_was(capsys):
    batch_text.show_outcome(_outcome(), as_json=True)
    assert capsys.readouterr().out == (RECORDED / "batch-outcome.json").read_text()


def test_the_json_of_a_leftover_is_as_it_was(capsys):
    usage = Usage(input=700, output=30, cache_read=2_000, cache_write_5m=500)
    batch_leftover.show_leftover(LeftOutcome(3, 2, 1, usage, _cost(700), Path("runs/results.jsonl")), as_json=True)
    assert capsys.readouterr().out == (RECORDED / "batch-leftover.json").read_text()
