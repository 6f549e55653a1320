"""US dollars as text."""

from decimal import Decimal

import pytest

from rockbottom.figures import decimals_for, usd, usd_exact


@pytest.mark.parametrize(
    ("value", "shown"),
    [("384.432", "384.43"), ("2.5628", "2.563"), ("0.0128144", "0.01281"), ("0", "0"), ("1646.629", "1,646.63")],
)
def test_money_has_the_digits_that_matter(value, shown):
    """Four figures below ten dollars, cents above."""
    assert usd(Decimal(value)) == shown


def test_a_column_of_money_has_one_number_of_decimals():
    """So that its points stand below each other: as many as the largest value needs."""
    assert decimals_for([Decimal("0.000977"), Decimal("0.01307")]) == 5


def test_a_column_may_be_asked_for_fewer_figures():
    """Three: a thousandth where there are parts of a dollar, cents where there are dollars."""
    assert [decimals_for([Decimal(text)], 3) for text in ("0.0128", "0.5", "1.5", "150")] == [4, 3, 2, 2]


@pytest.mark.parametrize(
    ("value", "shown"), [("0.01281", "0.0128"), ("9.99", "9.9900"), ("10", "10.00"), ("12345.678", "12,346")]
)
def test_decimals_may_go_by_size(value, shown):
    """Steps, the largest first."""
    assert usd(Decimal(value), ((10_000, 0), (10, 2), (0, 4))) == shown


@pytest.mark.parametrize(("value", "shown"), [("1.2", "+$1.20"), ("-1.2", "−$1.20"), ("0", "$0")])
def test_a_difference_has_its_sign_in_front_of_the_dollar(value, shown):
    """A minus where it is less, a plus where it is more."""
    assert usd(Decimal(value), 2, symbol=True, signed=True) == shown


def test_halves_are_rounded_up():
    """As an invoice does: half a cent is a cent."""
    assert [usd(Decimal(text), 2) for text in ("0.125", "0.135", "-0.125")] == ["0.13", "0.14", "−0.13"]


def test_zero_may_have_its_decimals():
    """In a column of exact amounts."""
    assert [usd(Decimal(0), 4, bare_zero=False, signed=signed) for signed in (False, True)] == ["0.0000", "+0.0000"]


@pytest.mark.parametrize(
    ("value", "shown"), [("0.30", "0.3"), ("3.75", "3.75"), ("15", "15"), ("1E+1", "10"), ("0.00", "0")]
)
def test_a_price_has_every_digit_and_no_more(value, shown):
    """Nothing is rounded, and no zero is added."""
    assert usd_exact(Decimal(value)) == shown
