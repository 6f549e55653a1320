"""The command: golden figures through the front door, and what it says to wrong input."""

import json
from decimal import Decimal as D

import pytest

from rockbottom.cli import main

SHAPE = ["--requests", "200,000", "--prefix", "4000", "--question", "500", "--output", "400", "--on", "2026-11-21"]


def test_what_a_model_costs_that_caches_by_itself_is_called_so(capsys):
    """By default GPT-5.6 writes all: 3.1M tokens at 5.50 and 200,000 of output at 22.00 is 17.05 + 4.40."""
    shape = ["--requests", "1000", "--prefix", "3000", "--question", "100", "--output", "200", "--on", "2026-11-21"]
    assert main(["estimate", "gpt-5.6-sol", *shape]) == 0
    assert capsys.readouterr().out.startswith("$21.45 a month as it comes, $")


def test_the_table_has_before_and_after(capsys):
    """3,900.00 to 1,740.01, and the balance lasts 25,000 / 3,900 = 6.4 months or 14.4."""
    assert main(["estimate", "global.sonnet-4-6", *SHAPE, "--credits", "25000"]) == 0
    text = capsys.readouterr().out
    answer = " ".join(text.split())
    assert answer.startswith("$3,900.00 a month without caching, $1,740.01 with it (5m): 55% less, 80% less for input")
    assert "6.4" in text
    assert "14.4" in text


def test_json_adds_up(capsys):
    """Every way's items sum to its total, exactly."""
    assert main(["estimate", "us.sonnet-4-5", "--preset", "agent-loop", "--json", "--on", "2026-11-21"]) == 0
    document = json.loads(capsys.readouterr().out)
    for way in document["ways"]:
        if way["usd"] is not None:
            assert sum(D(item["usd"]) for item in way["items"]) == D(way["usd"])
    assert document["shape"]["assumes"]


def test_csv_has_a_total_for_each_way(capsys):
    """Four ways: none, 5m, 1h, kept alive."""
    assert main(["estimate", "global.sonnet-4-6", *SHAPE, "--csv"]) == 0
    assert capsys.readouterr().out.count(",total,") == 4


def test_the_curve_is_written(tmp_path, capsys):
    """--html names the file on stderr."""
    page = tmp_path / "curve.html"
    assert main(["estimate", "us.sonnet-4-5", *SHAPE, "--sweep", "--html", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert str(page) in capsys.readouterr().err


def test_presets_are_listed_with_their_savings(capsys):
    """All five by name."""
    assert main(["estimate", "--list", "nova-pro", "--on", "2026-11-21"]) == 0
    text = capsys.readouterr().out
    for name in ("support-chatbot", "document-qa", "agent-loop", "few-shot-classifier", "one-off"):
        assert name in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nova-pro"], "--question is missing"),
        (["nova-pro", "--question", "1", "--output", "1"], "--requests"),
        (["nova-pro", "--preset", "nonesuch"], "support-chatbot"),
        (["nova-pro", *SHAPE, "--gaps", "1,x"], "--gaps takes seconds"),
        (["nova-pro", *SHAPE, "--gaps", "1", "--writes", "1"], "not both"),
        (["nova-pro", *SHAPE, "--layer", "300"], "--prefix or --layer"),
        (["nova-pro", "--layer", "big", *SHAPE[:2], *SHAPE[4:]], "--layer takes TOKENS"),
        (["nova-pro", *SHAPE, "--requests", "nan"], "above zero"),
        (["nova-pro", *SHAPE, "--requests", "1e30"], "not a number that a month could have"),
        (["nova-pro", *SHAPE, "--gaps", "0,1e300"], "to a year"),
        (["nova-pro", "--layer", "9" * 30, *SHAPE[:2], *SHAPE[4:]], "more than a month"),
        (["nova-pro", *SHAPE, "--hours", "25"], "at most 24"),
        (["nova-pro", *SHAPE, "--on", "2020-01-01"], "2020-01-01"),
    ],
)
def test_wrong_input_is_one_message(args, said, capsys):
    """Exit code 2, the fault in words, no traceback."""
    assert main(["estimate", *args]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("model", "name", "before", "after"),
    [
        ("global.sonnet-4-6", "published-chatbot", 3900, 1745),
        ("global.sonnet-4-6", "published-document", 2000, 650),
        ("global.sonnet-4-6", "published-agent", 5000, 2300),
        ("global.haiku-4-5", "published-classifier", 220, 70),
    ],
)
def test_the_scenarios_of_a_published_page_come_out_to_the_dollar(model, name, before, after, capsys):
    """The page's totals without and with caching; --writes of one's own replaces the preset's."""
    assert main(["estimate", model, "--preset", name, "--on", "2026-11-21", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    ways = {way["name"]: D(way["usd"]) for way in told["ways"] if way["usd"] is not None}
    assert round(ways["no caching"]) == before
    assert round(ways["5m"]) == after
