"""Sides of contested switches that hold on one API surface alone, or for one lifetime, as the planner believes them."""

from datetime import date

import pytest

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Tier, load_catalog
from rockbottom.plan import Planner
from rockbottom.plan.conditions import conditions_of
from rockbottom.prompt import Api

CATALOG = load_catalog()
SOL, SONNET = "openai.gpt-5.6-sol", "us.anthropic.claude-sonnet-4-6"
NOW = 1_790_000_000.0
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(400))


@pytest.mark.parametrize(("side", "late"), [("yes", True), ("no", False)])
def test_a_read_renews_thirty_minutes_only_where_the_switch_says_so(side, late):
    """Written at 0, read at 10 and 20 min: at 35 it is there only where a read renews it."""
    planner = Planner(behaviour=behaviour_of(CATALOG.switches, thirty_minutes_slide=side))
    assert [_reads(planner, minute) for minute in (0, 10, 20, 35)] == [False, True, True, late]


def _reads(planner, minute):
    """Whether another question about one document expects to read it; the reply says what was planned."""
    texts = RULES, f"May I keep a book for {minute} days?"
    content = [{"type": "input_text", "text": text} for text in texts]
    body = {"model": SOL, "input": [{"role": "user", "content": content}]}
    plan = planner.plan(body, now=NOW + 60 * minute)
    details = {"cached_tokens": plan.read, "cache_write_tokens": plan.written_5m}
    usage = {"input_tokens": plan.tokens, "input_tokens_details": details, "output_tokens": 9}
    planner.observe(plan, usage, now=NOW + 60 * minute + 1)
    return plan.read > 0


@pytest.mark.parametrize(
    ("sides", "apis"),
    [
        ({"ttl_in_key": "no"}, {Api.CONVERSE, Api.INVOKE, Api.MESSAGES}),
        ({"ttl_in_key": "yes"}, {Api.MESSAGES}),
        ({"ttl_in_key": "no", "ttl_in_key_messages": "yes"}, {Api.CONVERSE, Api.INVOKE}),
    ],
)
def test_tail_insurance_is_possible_where_the_surface_lets_an_hour_read_five_minutes(sides, apis):
    """The recorded side of Messages is that it does (sample-per-model-bedrock); of Converse a probe has to say it."""
    given = behaviour_of(CATALOG.switches, entry_lifetime="whole_prefix", **sides)
    conditions = conditions_of(CATALOG, CATALOG.model(SONNET), Tier.DEFAULT, date(2026, 11, 20), "", given)
    assert conditions.insurable & {Api.CONVERSE, Api.INVOKE, Api.MESSAGES} == apis
