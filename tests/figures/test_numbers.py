"""Numbers as text."""

from decimal import Decimal

import pytest

from rockbottom.figures import change, clipped, decimals_for, money, percent


@pytest.mark.parametrize(
    ("value", "shown"),
    [("384.432", "384.43"), ("2.5628", "2.563"), ("0.0128144", "0.01281"), ("0", "0"), ("1646.629", "1,646.63")],
)
def test_money_has_the_digits_that_matter(value, shown):
    """Four figures below ten dollars, cents above."""
    assert money(Decimal(value)) == shown


def test_a_column_of_money_has_one_number_of_decimals():
    """So that its points stand below each other: as many as the largest value needs."""
    assert decimals_for([Decimal("0.000977"), Decimal("0.01307")]) == 5


@pytest.mark.parametrize(
    ("saved", "shown"), [("0.48", "−48%"), ("-0.12", "+12%"), ("0", "0%"), ("0.9962", "−99.6%"), ("0.004", "−0.4%")]
)
def test_a_saving_is_shown_as_a_change_of_the_bill(saved, shown):
    """Less is a minus; nearly everything is never shown as everything."""
    assert change(Decimal(saved)) == shown


def test_percent_and_clipping():
    """Whole percent, and an ellipsis inside the width."""
    assert percent(Decimal("0.525")) == "53%"
    assert clipped("abcdef", 4) == "abc…"
