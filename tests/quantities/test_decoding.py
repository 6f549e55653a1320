"""What comes from outside is decoded, or is one error that says what is wrong."""

from decimal import Decimal

import pytest

from rockbottom.quantities import RockbottomError, Undecodable, decoded, decoder_of, toml_of

DEEP = b"[" * 2_000 + b"]" * 2_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "truncated"),
        (b'"caf\xe9"', "not UTF-8"),
        (DEEP, "nested too deep"),
        (b"1" * 5_000, "out of range"),
        (b"NaN", "malformed"),
        (b'"\\ud83d half"', "surrogate"),
    ],
)
def test_whatever_is_wrong_is_one_error(data, why):
    """Malformed JSON, Latin-1, 2,000 levels, a number of 5,000 digits, NaN, half a character."""
    for decode in (decoded, decoder_of(object)):
        with pytest.raises(Undecodable, match=why) as caught:
            decode(data)
        assert isinstance(caught.value, RockbottomError)


def test_a_value_of_another_type_is_the_same_error():
    """The message names the place."""
    with pytest.raises(Undecodable, match=r"Expected `int`, got `str` - at `\$\[0\]`"):
        decoded(b'["a"]', list[int])


def test_counts_in_another_spelling_are_read_where_asked_for():
    """6137.0 and "6137" are 6137; 6137.5 is not."""
    assert decoder_of(int, strict=False)(b"6137.0") == 6137
    assert decoder_of(int, strict=False)(b'"6137"') == 6137
    for strict, data in ((True, b"6137.0"), (False, b"6137.5")):
        with pytest.raises(Undecodable):
            decoder_of(int, strict=strict)(data)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = [\n[", b"a = " + b"[" * 20_000])
def test_toml_that_is_none_is_one_error(data):
    """Bytes that are no UTF-8, broken syntax, nesting without end: never an error of another kind."""
    with pytest.raises(Undecodable):
        toml_of(data)


def test_fractions_of_toml_are_exact():
    assert toml_of(b"limit = 1.5") == {"limit": Decimal("1.5")}
