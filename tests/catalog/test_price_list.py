"""AWS's price list read entry by entry and held against the book."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rockbottom.catalog import Scope, Tier, load_catalog
from rockbottom.catalog.price_list import comparisons, list_price
from rockbottom.quantities import Unit

TODAY = date(2026, 11, 20)


def product(usage_type: str, usd: str, unit: str, region: str = "us-east-1", **attributes: str) -> dict[str, Any]:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    return {
        "product": {"attributes": {"usagetype": usage_type, "regionCode": region, **attributes}},
        "terms": {"OnDemand": {"t": {"priceDimensions": {"d": dimension}}}},
    }


def first_party(usage_type: str, usd: str, model: str, region: str = "us-east-1") -> dict[str, Any]:
    return product(usage_type, usd, "1K tokens", region, model=model, servicename="Amazon Bedrock")


def marketplace(usage_type: str, usd: str, model: str) -> dict[str, Any]:
    return product(usage_type, usd, "1M tokens", servicename=f"{model} (Amazon Bedrock Edition)")


READ = [
    (first_party("USE1-NovaPro-input-tokens", "0.0008", "Nova Pro"), False, Tier.DEFAULT, Unit.INPUT, "0.8"),
    (first_party("USE1-NovaPro-output-tokens-flex", "0.0016", "Nova Pro"), False, Tier.FLEX, Unit.OUTPUT, "1.6"),
    (
        first_party("USE1-Nova2.0Lite-cache-write-input-token-count", "0.0000000000", "Nova 2.0 Lite"),
        False, Tier.DEFAULT, Unit.CACHE_WRITE_5M, "0",
    ),
    (
        first_party("USE1-Nova2.0Lite-input-tokens-cross-region-global-batch", "0.00015", "Nova 2.0 Lite"),
        True, Tier.BATCH, Unit.INPUT, "0.15",
    ),
    (
        marketplace("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", "6.0000000000", "Claude Sonnet 4.6"),
        True, Tier.DEFAULT, Unit.CACHE_WRITE_1H, "6",
    ),
    (
        marketplace("APN1-MP:APN1_cache_write_tokens_1h_standard-Units", "11", "Claude Opus 5"),
        False, Tier.DEFAULT, Unit.CACHE_WRITE_1H, "11",
    ),
    (
        marketplace("USE1-MP:USE1_cache_write_tokens_30m_global_standard-Units", "5", "GPT-5.6 Sol"),
        True, Tier.DEFAULT, Unit.CACHE_WRITE_30M, "5",
    ),
    (
        marketplace("USE1-MP:USE1_input_tokens_standard-Units", "5.5", "Claude Opus 5"),
        False, Tier.DEFAULT, Unit.INPUT, "5.5",
    ),
    (
        marketplace("USE1-MP:USE1_MillionBatchInputTokens-Units", "0.55", "Claude Haiku 4.5"),
        False, Tier.BATCH, Unit.INPUT, "0.55",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "is_global", "tier", "unit", "usd"), READ)
def test_usage_types_say_what_a_price_is_for(
    entry: dict[str, Any], is_global: bool, tier: Tier, unit: Unit, usd: str
) -> None:
    """Both grammars of usage types, and both units, read into dollars per million tokens."""
    found = list_price(entry, load_catalog().models.values())
    assert found is not None
    assert (found.is_global, found.tier, found.unit, found.usd_per_mtok) == (is_global, tier, unit, Decimal(usd))


@pytest.mark.parametrize(
    "entry",
    [
        first_party("USE1-NovaPro-input-tokens-latency-optimized", "0.001", "Nova Pro"),
        first_party("USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", "0.00015", "gpt-oss-120b"),
        marketplace("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", "0.198", "Claude Sonnet 4.6"),
        first_party("USE1-Acme-input-tokens", "0.002", "Acme 1 Large"),
        product("USE1-NovaPro-input-tokens", "0.8", "hour", model="Nova Pro"),
        {},
    ],
)
def test_entries_about_something_else_are_left_out(entry: dict[str, Any]) -> None:
    """Reserved, latency-optimised and mantle entries, unknown models and other units are no token prices of ours."""
    assert list_price(entry, load_catalog().models.values()) is None


def test_the_book_and_the_list_are_compared_scope_by_scope() -> None:
    """A regional price of us-east-1 speaks of the in-Region row and of the us. row; what differs says so."""
    catalog = load_catalog()
    listed = [
        list_price(json.loads(json.dumps(entry)), catalog.models.values())
        for entry in (
            first_party("USE1-NovaPro-input-tokens", "0.0008", "Nova Pro"),
            marketplace("USE1-MP:USE1_OutputTokenCount-Units", "17", "Claude Sonnet 4.6"),
            first_party("EUC1-NovaMicro-input-tokens-priority", "0.0001", "Nova Micro", region="eu-central-1"),
        )
    ]
    found = list(comparisons([one for one in listed if one], catalog.price_book, TODAY))
    assert [(one.listed.model, one.scope, one.agrees, one.row is None) for one in found] == [
        ("amazon.nova-pro-v1:0", Scope.IN_REGION, True, False),
        ("amazon.nova-pro-v1:0", Scope.US, True, False),
        ("anthropic.claude-sonnet-4-6", Scope.IN_REGION, False, False),
        ("anthropic.claude-sonnet-4-6", Scope.US, False, False),
        ("amazon.nova-micro-v1:0", Scope.EU, False, True),
    ]
