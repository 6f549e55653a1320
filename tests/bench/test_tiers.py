"""The lanes of the service tiers: the same cachePoints, another tier and its price; none where none is sold."""

from datetime import date

import pytest

from rockbottom.bench.lanes import LANES
from rockbottom.bench.requests import parts_of, request_of
from rockbottom.bench.workload import read_workload
from rockbottom.catalog import NoPriceInForce, Scope, Tier, load_catalog
from rockbottom.quantities import Unit

ON = date(2026, 11, 1)
WORKLOAD = "name: t\nsystem: You answer.\nconversations:\n- turns:\n  - user: 'One?'\n"


@pytest.mark.parametrize("name", ["flex", "priority"])
def test_a_tier_lane_sends_the_cached_body_with_the_tier(name):
    """Nothing but serviceTier differs from the lane cached."""
    catalog, workload = load_catalog(), read_workload(WORKLOAD)
    model = catalog.model("amazon.nova-pro-v1:0")
    conversation = workload.conversations[0]
    parts = parts_of(workload, conversation, conversation.turns[0].messages)
    rules = catalog.rules(model, ON)
    bodies = [request_of(parts, LANES[lane], workload, model.model, rules).body for lane in ("cached", name)]
    assert bodies[1] == {**bodies[0], "serviceTier": {"type": name}}


def test_claude_is_sold_at_no_tier_but_the_default():
    """Claude has neither flex nor priority, so the row says that there is no price."""
    book = load_catalog().price_book
    for tier in (Tier.FLEX, Tier.PRIORITY):
        with pytest.raises(NoPriceInForce):
            book.price("anthropic.claude-haiku-4-5-20251001-v1:0", Scope.US, tier, Unit.INPUT, ON)
