"""A rule that chooses the model: which requests it takes, what it saves, and the cache that its switches lose."""

import json
from datetime import date
from decimal import Decimal

import pytest

from rockbottom.cache import behaviour_of
from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.replay import InvalidRule, ReplayQuestion, routing_of, routing_rule
from rockbottom.trace import ReaderSettings, read_trace

SONNET, HAIKU = "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-haiku-4-5-20251001-v1:0"
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept {7 + number % 21} days." for number in range(500))
ON = date(2026, 11, 20)


@pytest.fixture
def log(tmp_path):
    """Ten requests of 8,000 tokens a second apart, one system prompt; every other answer has 200 tokens, else 100."""
    path = tmp_path / "log.json"
    with path.open("w") as file:
        for number in range(10):
            question, out = f"Class {number}?", 200 if number % 2 else 100
            body = {"system": [{"text": RULES}], "messages": [{"role": "user", "content": [{"text": question}]}]}
            record = {
                "schemaType": "ModelInvocationLog", "schemaVersion": "1.0",
                "timestamp": f"2026-11-20T12:00:{number:02}Z",
                "accountId": "123456789012", "region": "us-east-1", "requestId": f"r{number}", "operation": "Converse",
                "modelId": SONNET,
                "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 8000},
                "output": {"outputContentType": "application/json", "outputTokenCount": out,
                           "outputBodyJson": {"usage": {"inputTokens": 8000, "outputTokens": out}}},
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")
    return path


def routing(log, rule, *policies):
    catalog = load_catalog()
    trace = read_trace(str(log), ReaderSettings()).trace
    question = ReplayQuestion(policies or ("none", "system"), ON)
    return trace, routing_of(trace, [routing_rule(rule)], question, catalog, behaviour_of(catalog.switches), {})


def test_the_switch_loses_the_cache_of_the_other_model(log):
    """One model: the system prompt of S tokens is written once and read nine times. Two: written twice, read eight.

    Haiku 4.5 in us. writes for 1.375 and reads for 0.11 a million: a write in the place of a read loses S x 1.265.
    """
    trace, found = routing(log, f"{HAIKU} if output>100 and messages>=1 and tools=0")
    assert [(rule.model, taken) for rule, taken in found.taken] == [(HAIKU, 5)]
    _, system = found.bills
    size = int(trace.blocks.depth[0])
    assert (system.usage.cache_read, system.usage.cache_write) == (9 * size, size)
    assert (system.routed_usage.cache_read, system.routed_usage.cache_write) == (8 * size, 2 * size)
    assert system.lost_usd == size * Decimal("1.265") / 1_000_000


def test_without_a_cache_nothing_is_lost(log):
    """The routed bill is the price list's: tokens in and out at the prices of the model that got them."""
    _, found = routing(log, f"{HAIKU} if output>100")
    none, _ = found.bills
    assert none.lost_usd == 0
    sonnet, haiku = 40_000 * Decimal("3.3") + 500 * Decimal("16.5"), 40_000 * Decimal("1.1") + 1000 * Decimal("5.5")
    assert none.routed_usd == (sonnet + haiku) / 1_000_000


@pytest.mark.parametrize(
    "text", ["nonsense", "if input<5", f"{HAIKU} if size<5", f"{HAIKU} if input<x", f"{HAIKU} if "]
)
def test_a_rule_that_cannot_be_read_says_how_one_looks(text):
    """With the fields and signs there are."""
    with pytest.raises(InvalidRule) as raised:
        routing_rule(text)
    assert "input<2000 and tools=0" in raised.value.fix


def test_a_rule_that_asks_for_the_answer_is_hindsight(log):
    """Nobody knows its length before."""
    _, found = routing(log, f"{HAIKU} if output<=100", "none")
    assert [(rule.clauses[0].hindsight, taken) for rule, taken in found.taken] == [(True, 5)]


def test_the_command_says_the_answer_first(log, capsys):
    """One sentence with both bills, then every policy; JSON has the same."""
    words = ["route", str(log), "--to", f"{HAIKU} if output>100", "--on", "2026-11-20", "--policy", "system"]
    assert main(words) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("With these rules $")
    assert "of cache, which is counted in" in text
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["policies"][0]["policy"] == "system"
    assert Decimal(document["best_routed_usd"]) < Decimal(document["best_usd"])
