"""Checks with one right result: what passes, what fails, what is refused before any answer is there."""

import pytest

from rockbottom.grading import Check, checked, fault_of, normalised


def _passes(kind, wanted, text):
    assert fault_of(Check(kind, wanted)) is None
    return checked(Check(kind, wanted), text).passed


def test_texts_are_compared_without_case_spaces_and_unicode_forms():
    """An e with its accent as one character or as two, in any case, over a line break: the same text."""
    assert normalised("  Cafe\u0301\n IS  open ") == normalised("caf\u00e9 is open")


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        ("12 euros", True),
        (["12 euros", "a month"], True),
        (["12 euros", "a year"], False),
        ({"text": "12 EUROS", "as_is": True}, False),
        (12, True),
    ],
)
def test_contains_wants_every_text(wanted, passed):
    """Of a list each one; as it is written only when asked."""
    assert _passes("contains", wanted, "It costs 12 Euros\na month.") is passed


@pytest.mark.parametrize(("wanted", "passed"), [("yes", True), (["no", "yes"], True), ("yes.", False)])
def test_exact_wants_the_whole_answer(wanted, passed):
    """Of a list any one."""
    assert _passes("exact", wanted, " Yes\n") is passed


@pytest.mark.parametrize(
    ("wanted", "text", "passed"),
    [
        (1234.5, "In all 1,234.5 kg", True),  # thousands with commas
        (12, "between 10 and 12", True),  # the last number
        (10, "between 10 and 12", False),
        ({"value": 10, "which": "any"}, "between 10 and 12", True),
        ({"value": 10, "which": "first"}, "between 10 and 12", True),
        ({"value": 100, "tolerance": 0.5}, "about 100.5", True),  # the edge belongs to it
        ({"value": 100, "tolerance": 0.5}, "about 100.51", False),
        ({"value": 200, "percent": 1}, "202", True),
        (-5, "it is −5", True),  # a real minus sign
        (20, "10-20", True),  # a range has no negative number in it
        (12, "twelve", False),
        (1500, "1.5e3", True),
    ],
)
def test_numbers_are_compared_exactly_within_their_tolerance(wanted, text, passed):
    """As decimals, so that 0.1 + 0.2 plays no part."""
    assert _passes("numeric", wanted, text) is passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ('{"plan": "Basic", "price": 12}', True),
        ('Here it is:\n```json\n{"plan": "Basic", "price": 12}\n```\nAnything else?', True),
        ('{"plan": "Basic"}', False),
        ('{"plan": "Basic", "price": "12"}', False),
        ("12 euros", False),
        ('```\n{}\n```\n```\n{"plan": "Basic", "price": 12}\n```', False),  # which of the two?
    ],
)
def test_a_schema_is_held_against_the_answer_or_its_one_fenced_block(text, passed):
    """The whole answer must be JSON otherwise."""
    schema = {
        "type": "object",
        "properties": {"plan": {"type": "string"}, "price": {"type": "number"}},
        "required": ["plan", "price"],
    }
    assert _passes("json_schema", schema, text) is passed


@pytest.mark.parametrize(
    ("kind", "wanted", "says"),
    [
        ("regex", "(", "not a regular expression"),
        ("regex", 5, "expected a regular expression"),
        ("numeric", "many", "expected a number"),
        ("numeric", {"value": 1, "tolerance": 1, "percent": 1}, "either tolerance or percent"),
        ("numeric", {"value": 1, "tolerance": -1}, "from 0"),
        ("numeric", {"value": 1, "slack": 1}, "unknown field 'slack'"),
        ("contains", [], "expected a text"),
        ("json_schema", {"type": "strng"}, "not a JSON schema"),
        ("json_schema", {"$ref": "https://example.com/x.json"}, "points outside"),
        ("json_schema", "x", "expected a JSON schema"),
        ("sentiment", "good", "unknown check"),
    ],
)
def test_a_check_that_cannot_be_made_is_a_fault_beforehand(kind, wanted, says):
    """With what is wrong about it."""
    assert says in (fault_of(Check(kind, wanted)) or "")


def test_why_a_check_failed_holds_nothing_of_the_answer():
    """Results are kept; what customers and models said is not repeated in them."""
    kinds = {"contains": "x", "exact": "x", "regex": "x$", "numeric": 1, "json_schema": {"type": "object"}}
    for kind, wanted in kinds.items():
        for text in ("SECRET 7", '["SECRET"]'):
            assert "SECRET" not in checked(Check(kind, wanted), text).why
