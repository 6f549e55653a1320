"""Bills on equal outputs, worked out by hand from a notebook filled by hand."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec import to_builtins

from rockbottom.bench.document import document_of
from rockbottom.bench.notebook import BenchSettings, Ended, Measured, Notebook, PassKey
from rockbottom.bench.schedule import schedule
from rockbottom.bench.workload import read_workload
from rockbottom.catalog import load_catalog
from rockbottom.quantities import Usage
from rockbottom.rendering import page_of, text_of

PRO = "amazon.nova-pro-v1:0"
_TEXT = "name: W\nsystem: rules\nconversations: [{turns: [{user: a}, {user: b}]}]\nmodels: [amazon.nova-pro-v1:0]\n"


def _settings(repeats: int) -> BenchSettings:
    return BenchSettings(
        "w.yaml", "0", (PRO,), ("baseline", "cached"), repeats, "aws", "us-east-1", "2026-11-21T10:00:00+00:00"
    )


def _results(passes: dict[tuple[str, int], list[Usage]], repeats: int = 1):
    plan = schedule(
        read_workload(_TEXT),
        load_catalog(),
        on=date(2026, 11, 21),
        region="us-east-1",
        lanes=["cached"],
        repeats=repeats,
    )
    notebook = Notebook(_settings(repeats))
    for (lane, repeat), usages in passes.items():
        key = PassKey(PRO, lane, repeat)
        for number, usage in enumerate(usages):
            points = int(lane != "baseline")
            notebook.add(
                Measured(key, 0, number, "ab"[number], usage, (), "end_turn", points, 800.0 + repeat, 850.0, None, "t")
            )
        notebook.end(Ended(key, "done"))
    return document_of(plan, notebook, counted=True, simulated_latency=False)


def _document(passes: dict[tuple[str, int], list[Usage]], repeats: int = 1):
    """The results as JSON has them."""
    return to_builtins(_results(passes, repeats))


@pytest.fixture(scope="module")
def results():
    return _results(
        {
            ("baseline", 0): [Usage(2_000, 100), Usage(2_200, 300)],
            ("cached", 0): [Usage(0, 50, 0, 2_000), Usage(200, 150, 2_000)],
        }
    )


@pytest.fixture(scope="module")
def document(results):
    return to_builtins(results)


def test_a_lane_is_billed_as_measured_and_on_the_baselines_outputs(document):
    """Measured: 200 x 0.8 + 2,000 x 0.2 + 200 x 3.2 = 1,200; on 400 output tokens 560 + 1,280 = 1,840 millionths."""
    lane = document["models"][0]["lanes"][1]
    assert Decimal(lane["measured_cost"]["run"]) == Decimal("0.0012")
    assert Decimal(lane["cost"]["run"]) == Decimal("0.00184")
    assert (lane["usage"]["measured_output"], lane["usage"]["output"]) == (200, 400)


def test_the_saving_is_that_on_equal_outputs(document):
    """The baseline costs 4,200 x 0.8 + 400 x 3.2 = 4,640: 1 - 1,840 / 4,640, and not 1 - 1,200 / 4,640."""
    lane = document["models"][0]["lanes"][1]
    assert Decimal(lane["saved"]) == 1 - Decimal(1_840) / Decimal(4_640)


def test_each_turn_is_compared_with_the_baselines_turn(document):
    """Second turn: 200 x 0.8 + 2,000 x 0.2 + 300 x 3.2 = 1,520 against 2,200 x 0.8 + 300 x 3.2 = 2,720."""
    turn = document["models"][0]["lanes"][1]["turns"][1]
    assert Decimal(turn["usd"]) == Decimal("0.00152")
    assert Decimal(turn["saved"]) == 1 - Decimal(1_520) / Decimal(2_720)


def test_contested_prices_say_what_they_would_change(document):
    """With writes at 1.25 x 0.80: 1,840 + 2,000 = 3,840 against 4,640 millionths."""
    found = [one for one in document["contested"] if one["source"].startswith("AWS agent toolkit")]
    (lane,) = found[0]["lanes"]
    assert Decimal(lane["saved"]) == 1 - Decimal(3_840) / Decimal(4_640)


def test_of_several_repeats_the_one_in_the_middle_is_shown():
    """Bills of 1,840, 1,360 and 2,640 millionths: the first is the median, and its tokens are the row's."""
    base = [Usage(2_000, 100), Usage(2_200, 300)]
    document = _document(
        {
            ("baseline", 0): base,
            ("baseline", 1): base,
            ("baseline", 2): base,
            ("cached", 0): [Usage(0, 50, 0, 2_000), Usage(200, 150, 2_000)],
            ("cached", 1): [Usage(0, 50, 0, 2_000), Usage(0, 150, 400)],
            ("cached", 2): [Usage(0, 50, 0, 2_000), Usage(1_200, 150, 2_000)],
        },
        repeats=3,
    )
    lane = document["models"][0]["lanes"][1]
    assert Decimal(lane["cost"]["run"]) == Decimal("0.00184")
    assert lane["usage"]["input"] == 200
    assert lane["repeats"]["usd"] == {"median": "0.00184", "least": "0.00136", "most": "0.00264"}
    assert lane["repeats"]["latency_ms"] == {"median": 801.0, "least": 800.0, "most": 802.0}


def test_a_second_write_fails_the_verdict():
    """A prefix that changes is written again each time: worse than it looks."""
    document = _document(
        {
            ("baseline", 0): [Usage(2_000, 10), Usage(2_200, 10)],
            ("cached", 0): [Usage(0, 10, 0, 2_000), Usage(0, 10, 100, 2_100)],
        }
    )
    verdict = document["models"][0]["lanes"][1]["verdicts"][0]
    assert (verdict["passed"], verdict["says"]) == (False, "2 writes; turn 2 wrote again")


def test_an_unfinished_run_says_how_far_it_came():
    """A lane with some of its turns has no bill and no saving, and its turns are kept."""
    document = _document(
        {("baseline", 0): [Usage(2_000, 10), Usage(2_200, 10)], ("cached", 0): [Usage(0, 10, 0, 2_000)]}
    )
    lane = document["models"][0]["lanes"][1]
    assert (lane["status"], lane["why"]) == ("unfinished", "stopped after 1 of 2 turns")
    assert len(lane["turns"]) == 1
    assert lane["cost"] is None


def test_a_repeat_that_stopped_early_does_not_count_as_finished():
    """Both lanes finished two of a thousand repeats; half a third one is neither counted nor in the spread."""
    base, cached = [Usage(2_000, 100), Usage(2_200, 300)], [Usage(0, 50, 0, 2_000), Usage(200, 150, 2_000)]
    passes = {("baseline", 0): base, ("cached", 0): cached, ("baseline", 1): base, ("cached", 1): cached}
    results = _results({**passes, ("baseline", 2): base[:1]}, repeats=1000)
    document = to_builtins(results)
    assert document["provenance"]["repeats_finished"] == {"least": 2, "most": 2}
    assert document["models"][0]["lanes"][0]["repeats"]["passes"] == 2
    assert "the middle one of 2 finished of 1,000 repeats" in " ".join(text_of(results).split())
    assert "the middle one of 2 finished of 1,000 repeats" in page_of(results)


def test_a_lane_that_is_a_repeat_ahead_is_said_to_be():
    """The baseline finished two repeats, the cached lane one."""
    base, cached = [Usage(2_000, 100), Usage(2_200, 300)], [Usage(0, 50, 0, 2_000), Usage(200, 150, 2_000)]
    results = _results({("baseline", 0): base, ("cached", 0): cached, ("baseline", 1): base}, repeats=3)
    assert "the middle one of 1 to 2 finished of 3 repeats" in " ".join(text_of(results).split())


def test_what_aws_counted_between_two_minimums_passes_with_a_caution():
    """The model card of Nova states 1,024; a write of 500 tokens that the service itself counted was not below it."""
    document = _document(
        {
            ("baseline", 0): [Usage(600, 10), Usage(700, 10)],
            ("cached", 0): [Usage(100, 10, 0, 500), Usage(200, 10, 500)],
        }
    )
    verdict = document["models"][0]["lanes"][1]["verdicts"][1]
    assert verdict["passed"]
    assert "states 1,024 as the minimum" in verdict["caution"]


def test_a_page_of_aws_says_measured(results):
    """The service answered, so its numbers were measured."""
    page = page_of(results)
    assert ", measured</span>" in page
    assert "simulated locally" not in page


def test_every_price_row_used_is_in_the_provenance(document):
    """Each row with its day, source and place in the price files."""
    rows = {row["unit"]: row for row in document["provenance"]["prices"]}
    assert set(rows) == {"input", "output", "cache_read", "cache_write_5m"}
    assert rows["cache_read"]["usd_per_mtok"] == "0.2"
    assert all(row["url"].startswith("https://") and row["place"] and row["checked_on"] for row in rows.values())
