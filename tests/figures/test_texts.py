"""Paragraphs, tables and colours."""

import pytest

from rockbottom.figures import Cell, Column, Paint, clipped, narrow_name, page_colours, paragraph, printable, table


def test_a_paragraph_hangs_from_its_first_line():
    """Both beginnings count into the width."""
    assert paragraph("one two three four", 12, " - ", "   ") == [" - one two", "   three", "   four"]


def test_a_paragraph_does_not_break_a_model_id():
    """It breaks between words; a word that is too long for any line is cut."""
    assert paragraph("use claude-sonnet-4-5", 20) == ["use", "claude-sonnet-4-5"]
    assert paragraph("abcdefgh", 4) == ["abcd", "efgh"]
    assert paragraph("", 20, "- ") == []


def test_clipping():
    """An ellipsis inside the width."""
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcdef", 5, "...") == "ab..."
    assert clipped("abcdef", 6) == "abcdef"


def test_a_tag_can_do_nothing_to_a_terminal():
    """Its control characters are shown as question marks."""
    assert printable("team\x1b[31m") == "team?[31m"


def test_a_wide_column_gives_way():
    """Numbers stand on the right, and no line is wider than asked for."""
    columns = [Column("name", right=False, wide=True), Column("$")]
    lines = table(columns, [[Cell("a" * 30), Cell("12.50")]], 20, Paint(False))
    assert lines == [" name              $", " aaaaaaaaaaaa… 12.50"]


def test_a_page_has_every_colour_in_light_and_in_dark():
    """Whichever a reader prefers, none is missing."""
    light, dark = page_colours().split("@media")
    assert light.count("--") == dark.count("--") == 13


@pytest.mark.parametrize(
    ("name", "narrow"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001-v1:0"),
        ("3fa91c: 4,000 tokens, Claude Sonnet 4.6", "3fa91c: 4,000, Claude Sonnet 4.6"),
        ("cost.center=12", "cost.center=12"),
    ],
)
def test_names_give_way_in_narrow_tables_only(name, narrow):
    """An id is told by what follows its vendor; a tag stays what it is."""
    assert narrow_name(name, 80) == narrow
    assert narrow_name(name, 100) == name
