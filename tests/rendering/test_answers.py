"""The answer of a bench on one screen."""

import json
from decimal import Decimal

import msgspec
import pytest

from rockbottom.documents import CHEAPER, BenchResults
from rockbottom.rendering import answer_text, page_of


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(document, width):
    """Also where it is narrow; the sources too."""
    for line in answer_text(document, width=width, sources=True).splitlines():
        assert len(line) <= max(width, 72)  # the table of figures gives way down to its numbers


def test_it_is_the_answer_first_and_fits_a_screen(document):
    """At most 25 lines, the first a sentence with the bill without caching."""
    text = answer_text(document)
    assert len(text.splitlines()) <= 25
    base = document.models[0].baseline.cost.month
    assert " ".join(text.split()).startswith(
        f"{document.workload.name} on Claude Sonnet 5.5: ${base:,.2f} a month without"
    )


def test_a_lane_that_costs_more_is_told_as_such(document):
    """The planner's lane dearer than the baseline: more, and a plus."""
    changed = json.loads(msgspec.json.encode(document))
    for lane in changed["models"][0]["lanes"]:
        if lane["name"] == "auto":
            lane["cost"] = {
                name: str(Decimal(value) * 2) for name, value in changed["models"][0]["lanes"][0]["cost"].items()
            }
            lane["saved"] = "-1"
    text = " ".join(answer_text(msgspec.convert(changed, BenchResults)).split())
    assert "with rockbottom attached (100% more)" in text
    assert "+100%" in text


def test_what_fails_where_it_was_asked(document):
    """A check and a dearer lane are two things."""
    changed = json.loads(msgspec.json.encode(document))
    verdicts = changed["models"][0]["lanes"][1]["verdicts"]
    for name, on in ((CHEAPER, "dearer"), ("minimum", "checks")):
        verdicts[0] |= {"name": name, "passed": False}
        failing = msgspec.convert(changed, BenchResults)
        assert failing.fails([on])
        assert not failing.fails(["checks" if on == "dearer" else "dearer"])
        assert not failing.fails()
    assert not document.fails(["checks", "dearer"])


def test_of_a_model_whose_service_caches_by_itself_the_first_bill_is_what_comes(document):
    """GPT's: without any point its prompts are written and read all the same, and nothing is said to be uncached."""
    changed = json.loads(msgspec.json.encode(document))
    changed["models"][0]["lanes"][0]["usage"]["write"] = 10
    by_itself = msgspec.convert(changed, BenchResults)
    text = " ".join(answer_text(by_itself).split())
    first, _, others = text.partition("Cheapest model tested:")
    assert "a month as it comes, $" in first
    assert "without caching" not in first
    assert "without caching" in others  # of the other model, whose service does not
    page = page_of(by_itself)
    assert "a month as it comes, at the assumed traffic" in page
    assert "From the bill as it comes to" in page
