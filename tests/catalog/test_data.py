"""The packaged facts agree with themselves and with the rules that the sources state."""

from datetime import date
from decimal import Decimal

import pytest

from rockbottom.catalog import Catalog, NoRulesInForce, Price, Scope, Tier, lifecycles, load_catalog, surfaces
from rockbottom.catalog.profiles import geographies
from rockbottom.quantities import Ttl, Unit

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_every_fact_has_a_source_with_an_address_and_a_day(catalog: Catalog) -> None:
    """Prices, models, rules, switches, weights and profiles name a source of sources.toml; no other is there."""
    used = {row.source for row in catalog.price_book.rows} | {model.source for model in catalog.models.values()}
    for model in catalog.models.values():
        for rules in catalog.rule_history(model):
            used |= {rules.source, *(one.source for one in rules.contested)}
    used |= {source for switch in catalog.switches.values() for side in switch.sides.values() for source in side}
    used |= {weights.source for weights in catalog.token_weights.values()}
    used |= {source for weights in catalog.token_weights.values() for source in weights.media.sources}
    used |= {place.source for place in geographies(catalog).values()}
    used |= {catalog.sources[surface.source] for surface in surfaces()}
    used |= {known.source for known in lifecycles(catalog).values()}
    assert used == set(catalog.sources.values())
    for source in catalog.sources.values():
        assert source.url.startswith("https://") or "address not recorded" in source.title


def test_no_price_is_negative_and_every_row_is_of_a_known_model(catalog: Catalog) -> None:
    """Every one of the packaged rows has a price of at least zero and belongs to a model."""
    assert all(row.usd_per_mtok >= 0 and row.model in catalog.models for row in catalog.price_book.rows)


def test_only_nova_cache_writes_are_free(catalog: Catalog) -> None:
    """A price of zero stands only where AWS's list says zero: the cache writes of Nova."""
    free = [row for row in catalog.price_book.rows if row.usd_per_mtok == 0]
    assert {(row.unit, row.model.startswith("amazon.nova"), row.source.key) for row in free} == {
        (Unit.CACHE_WRITE_5M, True, "price-list-2026-10-06"),
        (Unit.CACHE_WRITE_5M, True, "price-list-2026-10-08"),
    }


def test_no_two_rows_in_force_answer_the_same_question(catalog: Catalog) -> None:
    """For one day there is at most one row per model, scope, Region, tier, unit and threshold."""
    rows = [row for row in catalog.price_book.rows if row.in_force(TODAY) and not row.contested]
    keys = [(row.model, row.scope, row.region, row.tier, row.unit, row.above_context_tokens) for row in rows]
    assert len(keys) == len(set(keys))


def test_geo_profiles_cost_a_tenth_more_than_global_where_the_lists_say_so(catalog: Catalog) -> None:
    """Claude from 4.5 on and GPT: every us., eu., jp. and au. row is 1.1 times its global row."""
    rows = [row for row in catalog.price_book.rows if not row.contested and row.valid_to is None]
    at = {_asked(row): row for row in rows if row.scope is Scope.GLOBAL}
    geo = [row for row in rows if row.scope in (Scope.US, Scope.EU, Scope.JP, Scope.AU) and _asked(row) in at]
    uniform = [row for row in geo if row.model.startswith(("anthropic.", "openai."))]
    uniform = [row for row in uniform if row.model != "anthropic.claude-sonnet-4-20250514-v1:0"]
    assert len(uniform) > 300
    assert all(row.usd_per_mtok == at[_asked(row)].usd_per_mtok * Decimal("1.1") for row in uniform)


def _asked(row: Price) -> tuple[object, ...]:
    return row.model, row.tier, row.unit, row.above_context_tokens


def test_claude_writes_cost_1_25_and_2_times_the_input(catalog: Catalog) -> None:
    """The multipliers of AWS's rate cards hold in every uncontested row of a Claude model.

    Of the two models of 2024 in ``INPUTS_BY_REGION`` litellm has cache prices without a Region, and AWS's list has
    input prices by Region.
    """
    factor = {Unit.CACHE_WRITE_5M: Decimal("1.25"), Unit.CACHE_WRITE_1H: Decimal(2)}
    rows = [row for row in catalog.price_book.rows if row.model.startswith("anthropic.") and not row.contested]
    inputs = {(row.scope, row.region, *_asked(row)[:2], row.above_context_tokens): row
              for row in rows if row.unit is Unit.INPUT}  # fmt: skip
    writes = [row for row in rows if row.unit in factor and row.model not in INPUTS_BY_REGION]
    assert len(writes) > 150
    for row in writes:
        base = inputs[row.scope, row.region, row.model, row.tier, row.above_context_tokens].usd_per_mtok
        assert row.usd_per_mtok == base * factor[row.unit], row.place


INPUTS_BY_REGION = {"anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic.claude-3-opus-20240229-v1:0"}


def test_every_model_has_rules_from_the_day_caching_began(catalog: Catalog) -> None:
    """Each model, supported or not, has cache rules on 2025-04-07 and none before."""
    for model in catalog.models.values():
        assert catalog.rules(model, date(2025, 4, 7)).model == model.id
        with pytest.raises(NoRulesInForce, match="starts 2025-04-07"):
            catalog.rules(model, date(2025, 4, 6))


@pytest.mark.parametrize(
    ("given", "on", "minimum", "ttls"),
    [
        ("sonnet-5-5", TODAY, 512, (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)),
        ("opus-4-7", TODAY, 4096, (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)),
        ("sonnet-4-6", date(2026, 7, 15), 2048, (Ttl.FIVE_MINUTES,)),
        ("sonnet-4-6", date(2026, 7, 16), 1024, (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)),
        ("haiku-4-5", TODAY, 4096, (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)),
        ("sonnet-4", TODAY, 1024, (Ttl.FIVE_MINUTES,)),
        ("haiku-3-5", TODAY, 2048, (Ttl.FIVE_MINUTES,)),
        ("nova-pro", TODAY, 0, (Ttl.FIVE_MINUTES,)),
        ("gpt-6-luna", TODAY, 1024, (Ttl.THIRTY_MINUTES,)),
    ],
)
def test_minimums_and_lifetimes(catalog: Catalog, given: str, on: date, minimum: int, ttls: tuple[Ttl, ...]) -> None:
    """Minimum prefix and TTLs as the tables and measurements of that day give them."""
    rules = catalog.rules(catalog.model(given), on)
    assert (rules.minimum_tokens, rules.ttls) == (minimum, ttls)


def test_lookback_came_to_bedrock_after_april_2025(catalog: Catalog) -> None:
    """Claude 3.7 found only exact positions in April 2025 and reaches 21 blocks back in 2026."""
    model = catalog.model("sonnet-3-7")
    assert catalog.rules(model, date(2025, 4, 15)).lookback_blocks == 0
    assert catalog.rules(model, TODAY).lookback_blocks == 21


def test_nova_rules_refuse_what_its_validator_refuses(catalog: Catalog) -> None:
    """Nova takes no point in tools or after tool use, and no ttl at all; 1,024 stands as contested minimum."""
    rules = catalog.rules(catalog.model("nova-2-lite"), TODAY)
    assert rules.sections == {"system", "messages"}
    assert rules.illegal_after == {"tool_use", "tool_result", "reasoning"}
    assert not rules.accepts_ttl_field
    assert rules.maximum_cacheable_tokens == 20_000
    assert ("minimum_tokens", "1024") in {(one.field, one.value) for one in rules.contested}


def test_models_without_caching_say_so(catalog: Catalog) -> None:
    """gpt-oss refuses a cachePoint; GPT-5.6 on Converse caches only implicitly."""
    assert not catalog.rules(catalog.model("gpt-oss-120b"), TODAY).explicit
    gpt = catalog.rules(catalog.model("us.gpt-5.6-sol"), TODAY)
    assert (gpt.explicit, gpt.implicit) == (False, True)


def test_a_switch_says_why(catalog: Catalog) -> None:
    """Every switch has two sides or more, its default is one of them, and the choice is explained."""
    for switch in catalog.switches.values():
        assert len(switch.sides) >= 2
        assert switch.default in switch.sides
        assert switch.question.endswith("?")
        assert switch.why_default


def test_every_tokenizer_has_weights(catalog: Catalog) -> None:
    """Each model's tokenizer generation is in token_weights.toml."""
    assert {model.tokenizer for model in catalog.models.values()} <= set(catalog.token_weights)


def test_batch_is_offered_only_where_a_price_was_found(catalog: Catalog) -> None:
    """Fable 5, Opus 5.5, Sonnet 5.5 and Haiku 5.5 have no batch rows: their offers hold none."""
    without = ("claude-fable-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")
    rows = [row for row in catalog.price_book.rows if row.tier is Tier.BATCH]
    assert not [row.place for row in rows if row.model.endswith(without)]
