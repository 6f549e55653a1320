"""Which model is the cheapest over the bar, and how sure that is."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.grading import BarStanding, Graded, frontier, interval_of, needed, verdict_on


def _model(name, usd, passed, of):
    shares = [Fraction(1)] * passed + [Fraction(0)] * (of - passed)
    return Graded(name, Decimal(usd), interval_of(shares))


def test_the_interval_by_hand():
    """8 of 10 by Wilson at 95%: (0.8 + 0.1921 ± 1.96·sqrt(0.016 + 0.0096)) / 1.3841 = 0.4902 to 0.9433."""
    found = _model("a", 1, 8, 10).interval
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)


def test_all_of_few_is_not_certain():
    """3 of 3: the lower side is 3 / (3 + 1.96²) = 0.4385."""
    found = _model("a", 1, 3, 3).interval
    assert found.low == pytest.approx(3 / (3 + 1.959964**2), abs=1e-6)
    assert found.high == 1


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=60))
def test_the_share_lies_in_its_interval(shares):
    """Whatever was counted."""
    found = interval_of(shares)
    assert 0 <= found.low <= found.share + 1e-12
    assert found.share - 1e-12 <= found.high <= 1


def test_repeats_sharpen_a_conversation_and_do_not_multiply_it():
    """Ten conversations asked three times each are ten."""
    assert interval_of([Fraction(2, 3)] * 10).conversations == 10


def test_the_cheapest_model_whose_whole_interval_is_over_the_bar_wins():
    """The cheaper one that spans the bar stays open, and one below it is out."""
    micro, lite, pro = _model("micro", 1, 40, 100), _model("lite", 2, 92, 100), _model("pro", 5, 99, 100)
    found = verdict_on((pro, lite, micro), 0.9)
    assert found.cheapest is pro
    assert found.open == (lite,)
    assert micro.standing(0.9) is BarStanding.UNDER


def test_nobody_wins_where_every_interval_spans_the_bar():
    """Not enough to say is not a no."""
    found = verdict_on((_model("a", 1, 9, 10), _model("b", 2, 10, 10)), 0.9)
    assert found.cheapest is None
    assert [one.name for one in found.open] == ["a", "b"]


def test_how_many_conversations_would_settle_it():
    """Where the share is the bar itself none do; elsewhere one fewer would not have."""
    assert needed(0.9, 0.9) is None
    for share in (0.95, 0.7):
        count = needed(share, 0.9)
        passed = Fraction(str(share))
        assert _standing(passed, count) is not BarStanding.UNKNOWN
        assert _standing(passed, count - 1) is BarStanding.UNKNOWN


def _standing(share, count):
    return Graded("x", Decimal(1), interval_of([share] * count)).standing(0.9)


def test_the_frontier_leaves_out_what_a_cheaper_model_answers_as_well():
    """Dearer and not better is not on it; a model without a bill is not either."""
    models = _model("a", 1, 5, 10), _model("b", 2, 5, 10), _model("c", 3, 9, 10), Graded("d", None, interval_of([1]))
    assert [one.name for one in frontier(models)] == ["a", "c"]
