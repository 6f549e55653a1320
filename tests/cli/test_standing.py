"""What commands say beside their results: a model that ends, prices that are old."""

from datetime import date

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.cli.standing import OLD_DAYS, tell_age, tell_endings

ON = date(2026, 11, 29)


def test_prices_older_than_sixty_days_are_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nova Pro in us-east-1 was read on 2026-10-07: 60 days later nothing is said, 61 days later it is."""
    catalog, given = load_catalog(), ["nova-pro", "us.sonnet-5-5", "no such model"]
    assert OLD_DAYS == 60
    tell_age(catalog, given, ON, date(2026, 12, 6))
    assert capsys.readouterr().err == ""
    tell_age(catalog, given, ON, date(2026, 12, 7))
    assert capsys.readouterr().err == (
        "note: prices of Nova Pro were read 61 days ago, on 2026-10-07; rockbottom prices\n  pull\n"
    )


def test_each_model_that_ends_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Two spellings of one model are one line, and what goes on is none."""
    tell_endings(load_catalog(), ["us.sonnet-4-5", "sonnet-4-5", "nova-pro"], ON)
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("note: ") == 1
    assert said.startswith("note: Claude Sonnet 4.5 ends 2027-04-08; successor: Claude Sonnet 5.5; a million tokens")
