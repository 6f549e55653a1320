"""Changing spans of text: found, named, masked."""

import pytest

from rockbottom.diagnose.volatile import VolatileKind, change_between, common_ends, masked, spans_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2026-09-21T14:13:20Z", VolatileKind.TIMESTAMP),
        ("2026-09-21 14:13:20.123456+00:00", VolatileKind.TIMESTAMP),
        ("Monday, 21 September 2026 14:13", VolatileKind.TIMESTAMP),
        ("September 21, 2026 at 2:13 PM", VolatileKind.TIMESTAMP),
        ("14:13:20", VolatileKind.TIMESTAMP),
        ("1790000000", VolatileKind.TIMESTAMP),
        ("1790000000123", VolatileKind.TIMESTAMP),
        ("0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0", VolatileKind.ID),
        ("tooluse_3f2a9c81d0", VolatileKind.ID),
        ("0925e4749b575bd13653f8dd9b1f282e", VolatileKind.ID),
        ("17", VolatileKind.COUNTER),
    ],
)
def test_a_changing_span_is_found_whole_and_named(text, kind):
    """Each usual spelling is one span of its kind, whatever stands around it."""
    (span,) = spans_of(f"Now it is {text} (so they say).")
    assert (span.kind, span.start, span.end) == (kind, 10, 10 + len(text))


def test_words_with_a_digit_are_not_ids():
    """Short names such as s3 or v2 only have their number masked."""
    assert [span.kind for span in spans_of("put s3 v2 utf8")] == [VolatileKind.COUNTER] * 3


def test_texts_that_differ_in_volatile_spans_only_have_one_mask():
    """A timestamp of another length is still the same mask; another word is not."""
    one, two = "At 2026-09-21T14:13:20Z do 9 things", "At 2026-09-21T14:13:20.5Z do 10 things"
    assert masked(one) == masked(two)
    assert masked(one) != masked(one.replace("things", "stings"))


def test_the_first_change_is_shown_from_and_to():
    """An equal span before it is passed over."""
    found = change_between("Order 7, seen 14:00:01.", "Order 7, seen 14:00:59.")
    assert (found.kind, found.start, found.before, found.after) == (
        VolatileKind.TIMESTAMP, 14, "14:00:01", "14:00:59",
    )  # fmt: skip


def test_other_changes_are_plain_text():
    """Between the common start and the common end."""
    found = change_between("The user is happy today", "The user is sad today")
    assert (found.kind, found.start, found.before, found.after) == (VolatileKind.TEXT, 12, "happy", "sad")


def test_common_ends_never_overlap():
    """In "aa" and "aaa" the common start takes both letters and leaves no end."""
    assert common_ends("aa", "aaa") == (2, 0)
    assert common_ends("abXcd", "abYYcd") == (2, 2)
    assert common_ends("", "abc") == (0, 0)
