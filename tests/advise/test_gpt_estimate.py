"""A month of GPT-5.6: as it comes the service writes every prompt whole; marks by hand write what is shared, once.

Prices of GPT-5.6 Sol through us.: 4.40 a million in, 5.50 written, 0.44 read, 22 out (surfaces of Amazon Bedrock, 4).
"""

import json
from decimal import Decimal

import pytest

from rockbottom.cli import main

SOL = "us.openai.gpt-5.6-sol"
SHAPE = ("--requests", "100000", "--prefix", "6000", "--question", "300", "--output", "250", "--on", "2026-11-20")


@pytest.fixture
def ways(capsys):
    """The ways of an estimate by name, in order, and the document."""

    def estimated(*more):
        assert main(["estimate", SOL, *SHAPE, *more, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        return {way["name"]: way for way in document["ways"]}, document

    return estimated


def test_single_questions_are_written_whole_as_they_come_and_never_read(ways):
    """100,000 times 6,300 tokens written: $3,465, against $2,772 without caching; and $550 given out."""
    by_name, document = ways()
    assert list(by_name) == ["as it comes", "no caching", "30m"]
    assert Decimal(by_name["as it comes"]["usd"]) == Decimal("4015")
    assert Decimal(by_name["no caching"]["usd"]) == Decimal("3322")
    # With a mark behind what is shared 6,000 are read and 300 left: $264 and $132, and a write or two.
    assert float(by_name["30m"]["usd"]) == pytest.approx(264 + 132 + 550, abs=0.2)
    assert document["best"] == "30m"
    assert float(by_name["30m"]["saved"]) == pytest.approx(1 - 946 / 4015, abs=0.001)  # of what is paid as it comes


def test_conversations_are_read_by_the_services_own_point_but_for_what_they_share(ways):
    """Six turns: each conversation writes 8,300 tokens and reads 35,500; with marks its 6,000 shared ones are read."""
    by_name, _ = ways("--turns", "6", "--added", "400", "--turn-gap", "30")
    sessions = Decimal(100_000) / 6
    of_session = (Decimal(8_300) * Decimal("5.5") + Decimal(35_500) * Decimal("0.44")) / 1_000_000
    assert float(by_name["as it comes"]["usd"]) == pytest.approx(float(sessions * of_session + 550))
    shared = Decimal(6_000) * (Decimal("5.5") - Decimal("0.44")) / 1_000_000
    assert float(by_name["30m + tail"]["usd"]) == pytest.approx(float(sessions * (of_session - shared) + 550), abs=0.1)


def test_given_gaps_are_played_by_the_rules_of_gpt(ways):
    """Five turns with a gap of more than thirty minutes before the fourth: three prompts read, two written whole."""
    by_name, _ = ways("--added", "400", "--gaps", "30,30,2000,30")
    written, read = 6_300 + 400 + 400 + 7_500 + 400, 6_300 + 6_700 + 7_500
    of_five = (Decimal(written) * Decimal("5.5") + Decimal(read) * Decimal("0.44")) / 1_000_000
    assert float(by_name["as it comes"]["usd"]) == pytest.approx(float(20_000 * of_five + 550))
    assert by_name["30m + tail"]["usd"] == by_name["as it comes"]["usd"]  # marked where the turn before ended, too
