"""What is charged beside the tokens, and capacity by the hour: worked out by hand from the rows of levers.toml."""

from datetime import date
from decimal import Decimal

import pytest

from rockbottom.advise import (
    Layer,
    MonthlyTraffic,
    Tariff,
    UnknownBeside,
    WorkloadShape,
    capacities,
    guarded,
    guarding,
    lines_of,
    text_units,
)
from rockbottom.catalog import guardrail_usd, load_catalog, prices_of
from rockbottom.cli import main

ON = date(2026, 11, 20)
SHAPE = WorkloadShape((Layer(5000),), 100, 200, MonthlyTraffic(Decimal(1000)))


def total(lines):
    return sum(line.usd for line in lines)


def test_a_text_unit_is_a_thousand_characters_begun():
    """3.6 characters a token: 277 tokens are 997.2 characters, 278 are 1,000.8."""
    assert [text_units(Decimal(tokens)) for tokens in (0, 1, 277, 278)] == [0, 1, 1, 2]


def test_a_guardrail_on_all_of_the_input_and_on_the_turn_alone():
    """5,100 tokens in are 18.36 units, so 19; 200 out are 1. 1,000 requests at 0.15 a thousand units: 3.00 a policy.

    The turn alone: 100 tokens are 1 unit and the answer 1: 0.30.
    """
    assert total(guarded(SHAPE, guarding("content", tagged=False))) == Decimal("3.00")
    assert total(guarded(SHAPE, guarding("content,topics,words", tagged=False))) == Decimal("6.00")
    assert total(guarded(SHAPE, guarding("content", tagged=True))) == Decimal("0.30")


def test_the_parts_of_an_agent_are_priced_by_the_month():
    """2,000 searches at 7.00 a thousand, 100 vCPU hours at 0.0895, 5 million tokens embedded at 0.02 a million."""
    names = {
        "web_searches": Decimal(2000),
        "runtime_vcpu_hours": Decimal(100),
        "titan_embedding_tokens": Decimal(5_000_000),
    }
    assert [line.usd for line in lines_of(names)] == [Decimal("14.00"), Decimal("8.95"), Decimal("0.10")]


@pytest.mark.parametrize("ask", [lambda: lines_of({"web": Decimal(1)}), lambda: guarding("content,nope", tagged=False)])
def test_an_unknown_name_is_an_error_that_lists_those_there_are(ask):
    """Never a zero."""
    with pytest.raises(UnknownBeside, match="there are"):
        ask()


def test_units_of_a_guardrail_without_a_price_are_named():
    """4 content units at 0.15 a thousand; a unit that AWS may add has none."""
    assert guardrail_usd({"contentPolicyUnits": 4, "newPolicyUnits": 1}) == (Decimal("0.0006"), ("newPolicyUnits",))


def test_every_row_has_a_source_and_a_date():
    """Facts are data with a source."""
    for lever in ("guardrail", "server_tool", "agent"):
        for price in prices_of(lever).values():
            assert price.source.url.startswith("https://")
            assert price.source.checked_on == date(2026, 11, 29)


def offers(model):
    tariff = Tariff(load_catalog().model(model), ON, load_catalog().price_book)
    return {(one.kind, one.term): one for one in capacities(tariff, Decimal(4), Decimal(1))}


def test_the_reserved_tier_saves_nothing_for_a_month_and_a_tenth_for_three():
    """1,000 tokens a minute are 60,000 an hour; 60,000 x 3.30 a million = 0.198, the price of the hour. The least is
    100,000 in and 10,000 out a minute: 100 x 0.198 + 10 x 0.99 = 29.70 an hour.
    """
    found = offers("us.anthropic.claude-sonnet-4-6")
    month, three = found["reserved", "1 month"], found["reserved", "3 months"]
    assert (month.usd_hour, month.break_even, month.saves) == (Decimal("29.70"), 1, 0)
    assert (three.break_even, three.saves) == (Decimal("0.9"), Decimal("0.1"))


def test_a_model_unit_is_not_cheaper_below_its_break_even():
    """Nova 2 Lite, 60.50 an hour; 4 in at 0.33 and 1 out at 2.75 are 0.814 a million: 74.32 million tokens. What
    a unit carries is not known, so nothing says that it is cheaper above.
    """
    found = offers("us.amazon.nova-2-lite-v1:0")["provisioned", "none"]
    assert round(found.break_even) == 74_324_324
    assert found.saves is None


def test_a_model_without_a_row_has_no_offer():
    """Nobody read one."""
    assert offers("us.amazon.nova-lite-v1:0") == {}


def test_estimate_adds_what_is_beside_the_model(capsys):
    """The sum of the month is the cheapest way and the rest; capacity is shown when asked for."""
    words = ["estimate", "us.sonnet-4-6", "--preset", "support-chatbot", "--on", "2026-11-20"]
    assert main([*words, "--guardrail", "content", "--guard-turn", "--beside", "web_searches=1,000", "--capacity"]) == 0
    text = capsys.readouterr().out
    assert "content filters, text" in text
    assert "the user's turn and the answer" in " ".join(text.split())
    assert "reserved, 1 month" in text
    assert "never cheaper" in text
    assert main([*words, "--beside", "web_searches"]) == 2
    assert main([*words, "--guard-turn"]) == 2


def test_advise_weighs_a_guardrail_on_the_whole_prompt(capsys):
    """A row of its own, beside what the cached reads cost; none where the turn alone is evaluated already."""
    words = ["advise", "us.sonnet-4-6", "--preset", "support-chatbot", "--on", "2026-11-20", "--guardrail", "content"]
    assert main(words) == 0
    assert "guardrail on the user's turn" in capsys.readouterr().out
    assert main([*words, "--guard-turn"]) == 0
    assert "guardrail on the user's turn" not in capsys.readouterr().out
