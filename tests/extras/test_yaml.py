"""YAML from outside is decoded whole, or is one error."""

import pytest

from rockbottom.extras import yaml_field
from rockbottom.extras.yaml_text import yaml_root, yaml_value
from rockbottom.quantities import RockbottomError, Undecodable


def test_aliases_of_yaml_are_what_they_name():
    """An anchor is written once and meant twice."""
    assert yaml_value(yaml_root("a: &it [1, 2]\nb: *it\n")) == {"a": [1, 2], "b": [1, 2]}
    assert yaml_value(yaml_root("")) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("a: &a [*a]", "aliases", id="an alias within itself"),
        pytest.param(
            "\n".join([f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" if n else "l0: &l0 [x]" for n in range(8)]),
            "its aliases stand for more than 1000000 values",
            id="ten million values in eight lines",
        ),
        pytest.param("[" * 100_000, "nested too deep", id="no end of nesting"),
        pytest.param("a: [", "^line 1: expected .*$", id="no YAML"),
        pytest.param("a: 1\nb: {c: 2\nd: 3\n", "^line 3: expected .*$", id="no end of a mapping"),
        pytest.param("a: \0", "^unacceptable character #x0000: special characters are not allowed$", id="a null byte"),
    ],
)
def test_yaml_that_is_none_is_the_same_error(text, why):
    """Written out, a few lines of aliases fill any memory."""
    with pytest.raises(Undecodable, match=why):
        yaml_root(text)


@pytest.mark.parametrize("text", ["a: 2026-99-99", "{[1]: 2}", "a: " + "9" * 5_000])
def test_a_value_of_yaml_that_means_nothing_is_the_same_error(text):
    """A day that does not exist, a list as a name, more digits than Python reads."""
    with pytest.raises(Undecodable):
        yaml_value(yaml_root(text))


@pytest.mark.parametrize("text", ["a: " + "9" * 5_000, "a: {<<: 3}", "a: {b: 1, b: 2}", "a: {[1]: 2}"])
def test_a_value_that_means_nothing_is_named_by_its_field(text):
    """Whoever reads plain values of it."""
    with pytest.raises(RockbottomError, match=r"^f:1:\d+ a"):
        yaml_field(text, "f", fault, fix="").plain()


def test_plain_values_are_as_yaml_reads_them():
    """Infinity, octals and minutes have spellings of their own."""
    text = "{a: .inf, b: 017, c: 1:30, d: yes, e: ~, f: 1_000, g: 2026-01-01}"
    value = {"a": float("inf"), "b": 15, "c": 90, "d": True, "e": None, "f": 1000, "g": "2026-01-01"}
    assert yaml_field(text, "f", fault, fix="").plain() == value


def fault(file, line, column, field, problem, *, fix=None):
    return RockbottomError(f"{file}:{line}:{column} {field}: {problem}", fix=fix)
