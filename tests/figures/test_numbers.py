"""Numbers as text."""

from decimal import Decimal

import pytest

from rockbottom.figures import change, counted, duration, megabytes, share, short_tokens, tokens


@pytest.mark.parametrize(
    ("saved", "shown"), [("0.48", "−48%"), ("-0.12", "+12%"), ("0", "0%"), ("0.9962", "−99.6%"), ("0.004", "−0.4%")]
)
def test_a_saving_is_shown_as_a_change_of_the_bill(saved, shown):
    """Less is a minus; nearly everything is never shown as everything."""
    assert change(Decimal(saved)) == shown


@pytest.mark.parametrize(
    ("part", "decimals", "shown"),
    [
        ("0.525", 0, "53%"), ("0", 0, "0%"), ("1", 0, "100%"), ("-0.12", 0, "−12%"), ("0.9962", 0, "99.6%"),
        ("0.33333", 1, "33.3%"), ("1", 1, "100.0%"), ("0.9994", 1, "99.9%"),
    ],
)  # fmt: skip
def test_a_share_is_percent(part, decimals, shown):
    """Whole, or with the decimals asked for."""
    assert share(Decimal(part), decimals) == shown


@pytest.mark.parametrize(
    ("part", "decimals", "shown"),
    [("0.9996", 0, ">99.9%"), ("0.99951", 1, ">99.9%"), ("0.0004", 0, "<0.1%"), ("0.000049", 2, "<0.01%")],
)
def test_a_share_never_claims_all_or_nothing(part, decimals, shown):
    """What rounds to 100% or to 0% and is not, is said to be near it."""
    assert share(Decimal(part), decimals) == shown


def test_a_share_may_be_a_double():
    """It is read as it is written, so that a half stays one."""
    assert share(0.525) == "53%"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (9_999, "9,999"), (12_834, "12.8k"), (1_300_000, "1.3M"), (2_160_000_000, "2.2G"), (-12_834, "−12.8k")],
)
def test_short_tokens(count, shown):
    """Every digit as long as there are few."""
    assert short_tokens(count) == shown


def test_short_tokens_where_there_is_more_room():
    """Every digit below the bound given."""
    assert [short_tokens(count, exact_below=100_000) for count in (99_999, 100_000)] == ["99,999", "100.0k"]


def test_tokens_have_thousands():
    """And nothing for no figure."""
    assert [tokens(12_834), tokens(0), tokens(None), tokens(-1_200)] == ["12,834", "0", "", "−1,200"]


def test_one_is_no_plural():
    """The noun agrees."""
    assert [counted(1, "call"), counted(0, "call"), counted(1_200, "call")] == ["1 call", "0 calls", "1,200 calls"]


def test_a_megabyte_is_a_million_bytes():
    """With a decimal, halves up."""
    assert [megabytes(1_250_000), megabytes(1_000_000_000)] == ["1.3 MB", "1,000.0 MB"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "under 1 s"), (0.25, "250 ms"), (1.5, "1.5 s"), (59, "59 s"), (90, "1 min 30 s"), (301, "5 min 1 s"),
        (420, "7 min"), (3600, "1 h"), (3700, "1 h 1 min"), (11_050, "3 h 4 min"), (172_800, "2 days"),
        (273_600, "3 days 4 h"),
    ],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds, shown):
    """And leaves out what is zero."""
    assert duration(seconds) == shown
