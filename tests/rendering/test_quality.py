"""Cost against quality on the page, in a real browser, and in 80 columns of a terminal."""

import msgspec
import pytest

from rockbottom.documents import GradedAnswers
from rockbottom.rendering import page_of, text_of


def _model(name, usd, passed, low, high, standing, frontier):
    pair = {"votes": 4, "invalid": 0, "better": 4, "same": 0, "worse": 0}
    votes = {"rubric": {"votes": 60, "invalid": 2}, "pair": pair}
    return {
        "id": name, "name": name, "lane": "cached", "usd_month": usd, "conversations": 20, "passed": passed,
        "share": passed / 20, "low": low, "high": high, "undecided": 0, "standing": standing, "frontier": frontier,
        "checks": {}, "votes": votes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def graded(document):
    """A run as if AWS had answered, with names that try to break out."""
    evil = "Evil <img src=x onerror=alert(1)>"
    models = [
        _model(evil, "12.5", 18.0, 0.69, 0.97, "not enough to say", True),
        _model("Nova Pro", "30", 20.0, 0.92, 1.0, "over", True),
        _model("Dear and worse", "99", 10.0, 0.29, 0.7, "under", False),
    ]
    judge = {
        "model": "j", "name": "Judge", "reference": "Nova Pro", "votes_each": 3, "votes": 64, "usd": "0.02",
        "input_tokens": 1, "output_tokens": 1, "judges_itself": False, "same_vendor": [],
        "rubric": {"items": 20, "agreement": 0.9, "kappa": 0.5},
        "pair": {"items": 1, "agreement": 1 / 3, "kappa": None, "first_preferred": 4, "decided": 4, "flipped": 2,
                 "swapped_pairs": 2},
    }  # fmt: skip
    verdict = {"cheapest": "Nova Pro", "open": [{"name": evil, "conversations_needed": 1245}]}
    grading = {
        "simulated": False, "unit": "conversations", "interval": "Wilson, 95%", "bar": "0.9", "models": models,
        "judge": judge, "verdict": verdict,
    }  # fmt: skip
    return msgspec.structs.replace(document, grading=msgspec.convert(grading, GradedAnswers))


def test_the_chart_is_drawn_and_names_stay_text(chromium, graded, tmp_path):
    """Three points, one line of the frontier, nothing from the network, nothing run, on a phone as well."""
    from tests.rendering.chromium_page import Browser

    file = tmp_path / "report.html"
    file.write_text(page_of(graded), encoding="utf-8")
    browser = Browser(chromium)
    try:
        browser.open(file, width=390, dark=True)
        assert browser.requests == [file.as_uri()]
        assert browser.complaints == []
        assert browser.evaluate("document.querySelectorAll('figure circle').length") == 3
        assert browser.evaluate("document.querySelectorAll('figure polyline').length") == 1
        assert browser.evaluate("document.querySelectorAll('img').length") == 0
        assert browser.evaluate("document.documentElement.scrollWidth") == 390
        said = browser.evaluate("document.body.innerText")
    finally:
        browser.close()
    assert "Nova Pro is the cheapest model over the bar of 90%: 20 of 20 conversations passed" in said
    assert "Evil <img src=x onerror=alert(1)> ($12.50): not enough to say" in said


def test_the_terminal_has_the_same_in_80_columns(graded):
    """Verdict, what is open, the judge's agreement and what the order did."""
    text = text_of(graded)
    flat = " ".join(text.split())
    assert "about 1,245 conversations would be enough, if that share holds" in flat
    assert "2 invalid" not in flat  # 2 of each of three models
    assert "6 invalid; by rubric 90% of votes agree (kappa 0.50)" in flat
    assert "4 of 4 decided votes preferred the answer shown first; 2 of 2 swapped pairs changed the winner" in flat
    assert max(len(line) for line in text.splitlines()) <= 80
