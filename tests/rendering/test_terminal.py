"""The table in a terminal."""

from decimal import Decimal

import msgspec
import pytest

from rockbottom.documents import BenchResults
from rockbottom.rendering import text_of


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_screen(document, width):
    """Also with the turns of every lane."""
    for line in text_of(document, width=width, every_lane=True).splitlines():
        assert len(line) <= width


def test_colour_only_repeats_what_signs_say(document):
    """Without its colour codes the coloured text is the plain one."""
    import re

    coloured = text_of(document, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text_of(document)


def test_every_lane_has_a_row_and_those_that_cannot_run_say_why(document):
    """The reason stands in the row of the lane."""
    lines = [" ".join(line.split()) for line in text_of(document).splitlines()]
    assert "cached-tools this workload has no tools" in lines
    assert "cached-1h not offered by Nova (5 minutes only)" in lines


def test_what_is_uncertain_is_on_the_same_screen(document):
    """Estimated tokens, contested prices and local times are said in words."""
    text = " ".join(text_of(document).split())
    assert "tokens estimated ±20%" in text
    assert "contested: Nova Pro: cache read 0.10 x input; the price list has 0.25 x" in text
    assert "times are the local endpoint's and say nothing of AWS" in text


def test_one_line_says_how_a_month_is_formed(document):
    """It fits a screen of 80 columns without a break."""
    lines = text_of(document, width=80).splitlines()
    assert " a month: this run, begun with an empty cache, times the traffic; rockbottom" in lines


def test_outputs_that_differ_get_a_row_of_their_own(document):
    """A lane measured live is shown on the baseline's outputs and, below it, on its own."""
    changed = msgspec.to_builtins(document)
    lane = changed["models"][0]["lanes"][1]
    lane["measured_cost"] = {key: str(Decimal(value) / 2) for key, value in lane["cost"].items()}
    lane["usage"]["measured_output"] = 17
    text = text_of(msgspec.convert(changed, BenchResults))
    assert any(line.startswith("   own output") and " 17 " in line for line in text.splitlines())
    assert "own output" not in text_of(document)


def test_each_lane_s_bill_is_split_into_what_it_is_made_of(document):
    """Four buckets and their sum, which is the lane's month."""
    lines = [" ".join(line.split()) for line in text_of(document).splitlines()]
    head = lines.index("$ a month (assumed) input cache reads cache writes output in all")
    baseline = document.models[0].lanes[0]
    split = {item.unit.value: item.usd / baseline.cost.run * baseline.cost.month for item in baseline.items}
    row = f"baseline {split['input']:,.2f} {split['output']:,.2f} {baseline.cost.month:,.2f}"
    assert lines[head + 1] == row


def test_a_failed_verdict_has_a_cross_and_a_sentence(document):
    """The sign is there without colour."""
    changed = msgspec.to_builtins(document)
    changed["models"][0]["lanes"][1]["verdicts"][0].update(passed=False, says="turn 2 read nothing")
    assert "✗ turn 2 read nothing" in text_of(msgspec.convert(changed, BenchResults))


def test_a_run_without_any_result_is_no_crash(document):
    """Nothing measured: every lane says so."""
    empty = msgspec.to_builtins(document)
    empty["combined"], empty["contested"] = None, []
    for model in empty["models"]:
        model["best"] = None
        for lane in model["lanes"]:
            lane |= {"status": "not_run", "why": "not run", "cost": None, "usage": None, "turns": [], "verdicts": []}
    empty = msgspec.convert(empty, BenchResults)
    assert "not run" in text_of(empty)
    from rockbottom.rendering import page_of

    assert "was not finished" in page_of(empty)
