"""What a change costs, worked out by hand from the prices of the catalogue."""

from decimal import Decimal
from pathlib import Path

from rockbottom.catalog import Scope, Tier, load_catalog
from rockbottom.quantities import Unit
from rockbottom.rendering import effect_lines
from tests.pins.pinned_requests import ON, POINT, RULES, accepted, gate, judged, rendering, support

_BOOK = load_catalog().price_book
_IDS = ("anthropic.claude-sonnet-4-6", Scope.US, Tier.DEFAULT)
READ, WRITE, INPUT = (
    _BOOK.price(*_IDS, unit, ON).usd_per_mtok for unit in (Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.INPUT)
)
_MTOK = Decimal(1_000_000)


def test_the_prices_used_below_are_those_of_the_page():
    """Claude Sonnet 4.6, US profiles: $3.30 input, 1.25 x for a write, 0.1 x for a read."""
    assert (Decimal("3.3"), Decimal("4.125"), Decimal("0.33")) == (INPUT, WRITE, READ)


def test_a_longer_prefix_costs_its_further_tokens_at_the_read_price(pins: Path):
    """Once: all of it written instead of read. A month: the difference of tokens x read price x requests."""
    before = accepted(pins, support(), requests_per_month=200_000).prefix
    verdict = judged(pins, support(RULES + " Answer in one sentence."))
    assert before is not None
    assert verdict.prefix is not None
    assert verdict.effect is not None
    more = verdict.prefix.tokens - before.tokens
    assert more > 0
    assert verdict.effect.once_usd == verdict.prefix.tokens * (WRITE - READ) / _MTOK
    assert verdict.effect.a_month(verdict.effect.per_request_usd) == more * READ * 200_000 / _MTOK


def test_a_volatile_prefix_is_written_by_every_call(pins: Path):
    """From the block that changes on: tools are in front of a point of their own and stay readable only if long enough.

    Here the three tools are below the minimum, so that the whole prefix is written each time.
    """
    one = gate(pins, requests_per_month=1000)
    verdict = one.judged(rendering(support("A1b2c3d4e5. " + RULES), support("F6a7b8c9d0. " + RULES)))
    assert verdict.prefix is not None
    assert verdict.effect is not None
    assert verdict.effect.per_request_usd == verdict.prefix.tokens * (WRITE - READ) / _MTOK


def test_what_stands_in_front_of_an_earlier_point_is_still_read(pins: Path):
    """A long block with a point of its own in front of the one that changes."""

    def request(stamp: str) -> dict:
        asked = support()
        asked["system"] = [{"text": RULES}, POINT, {"text": f"Session {stamp}. " + RULES}, POINT]
        return asked

    verdict = gate(pins).judged(rendering(request("A1b2c3d4e5"), request("F6a7b8c9d0")))
    assert verdict.prefix is not None
    assert verdict.effect is not None
    stable = sum(block.tokens for block in verdict.prefix.blocks[:4])
    assert verdict.effect.per_request_usd == (verdict.prefix.tokens - stable) * (WRITE - READ) / _MTOK


def test_a_point_taken_out_makes_the_prefix_uncached_input(pins: Path):
    """The text is as it was; every token now costs the input price."""
    before = accepted(pins, support()).prefix
    bare = support()
    bare["system"].pop()
    effect = judged(pins, bare).effect
    assert before is not None
    assert effect is not None
    assert effect.per_request_usd == before.tokens * (INPUT - READ) / _MTOK
    assert effect.once_usd is None


def test_a_point_moved_forward_leaves_tokens_behind_it_uncached(pins: Path):
    """What it no longer closes is billed as input."""
    asked = support()
    asked["system"] = [{"text": RULES}, {"text": "Be brief. " + RULES}, POINT]
    before = accepted(pins, asked).prefix
    moved = support()
    moved["system"] = [{"text": RULES}, POINT, {"text": "Be brief. " + RULES}]
    verdict = judged(pins, moved)
    assert before is not None
    assert verdict.prefix is not None
    assert verdict.effect is not None
    outside = before.tokens - verdict.prefix.tokens
    assert outside > 1_000
    assert verdict.effect.per_request_usd == outside * (INPUT - READ) / _MTOK


def test_without_a_number_of_requests_an_amount_for_a_thousand_is_given(pins: Path):
    """Nothing is assumed about traffic."""
    verdict = judged(pins, support())
    assert verdict.effect is not None
    assert verdict.effect.a_month(verdict.effect.per_request_usd) is None
    assert any("per 1,000 requests" in line for line in effect_lines(verdict.effect, verdict.status))


def test_a_stamp_is_also_priced_as_if_it_changed_with_every_call(pins: Path):
    """A changed number may be an edit, or a counter: both amounts are shown."""
    accepted(pins, support("Version 7. " + RULES))
    verdict = judged(pins, support("Version 8. " + RULES))
    assert verdict.prefix is not None
    assert verdict.effect is not None
    assert verdict.effect.per_request_usd == 0
    assert verdict.effect.worst_per_request_usd == verdict.prefix.tokens * (WRITE - READ) / _MTOK


def test_without_a_price_there_are_tokens_and_a_sentence(pins: Path):
    """A bare id of a model that is sold through profiles only has no row: no amount is made up."""
    bare = "anthropic.claude-mythos-5"
    accepted(pins, support(model=bare), requests_per_month=1000)
    effect = judged(pins, support(RULES + "!", model=bare)).effect
    assert effect is not None
    assert (effect.once_usd, effect.per_request_usd) == (None, None)
    assert any("no price is in force" in text for text in effect.because)
