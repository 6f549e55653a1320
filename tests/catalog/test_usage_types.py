"""Usage types of AWS's price list read word by word.

The strings are real (price lists of July to October 2026, as other readers of the list have them in their fixtures);
their meaning is what AWS's attributes say beside them.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rockbottom.catalog import Tier, load_catalog
from rockbottom.catalog.price_list import ListNames, ListPrice, UnusedListing, read_entry
from rockbottom.catalog.usage_types import NotATokenPrice, usage_type
from rockbottom.quantities import Unit

READ = [
    ("USE1-NovaPro-input-tokens", Unit.INPUT, None, False),
    ("USE1-NovaPro-input-tokens-batch", Unit.INPUT, Tier.BATCH, False),
    ("USE1-NovaPro-input-tokens-latency-optimized", Unit.INPUT, Tier.OPTIMIZED, False),
    ("USE1-NovaPro-cache-read-input-token-count-flex", Unit.CACHE_READ, Tier.FLEX, False),
    ("USE1-Nova2.0Lite-cache-write-input-token-count", Unit.CACHE_WRITE_5M, None, False),
    ("USE1-Nova2.0Lite-input-tokens-cross-region-global-batch", Unit.INPUT, Tier.BATCH, True),
    ("USE1-Nova2.0Pro-text-input-tokens-priority-cross-region-global", Unit.INPUT, Tier.PRIORITY, True),
    ("USE1-Claude4Sonnet-cache-write-input-token-count-1-hour", Unit.CACHE_WRITE_1H, None, False),
    ("USE1-Claude4.6Sonnet-cache-write-1h-input-token-count", Unit.CACHE_WRITE_1H, None, False),
    ("USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", Unit.INPUT, Tier.DEFAULT, False),
    ("USE1-moonshotai.kimi-k3-mantle-cache-write-tokens-30m-standard", Unit.CACHE_WRITE_30M, Tier.DEFAULT, False),
    (
        "USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-global-standard",
        Unit.CACHE_WRITE_5M,
        Tier.DEFAULT,
        True,
    ),
    ("USE1-MP:USE1_CacheReadInputTokenCount-Units", Unit.CACHE_READ, None, False),
    ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", Unit.CACHE_WRITE_1H, None, True),
    ("USE1-MP:USE1_InputTokenCount_Global_Batch-Units", Unit.INPUT, Tier.BATCH, True),
    ("USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units", Unit.CACHE_WRITE_1H, Tier.DEFAULT, True),
    ("USE1-MP:USE1_output_tokens_batch-Units", Unit.OUTPUT, Tier.BATCH, False),
    ("EU_input_tokens_standard", Unit.INPUT, Tier.DEFAULT, False),
]


@pytest.mark.parametrize(("text", "unit", "tier", "is_global"), READ)
def test_what_is_counted_at_which_tier_and_reached_how(
    text: str, unit: Unit, tier: Tier | None, is_global: bool
) -> None:
    """The cache comes before the input, whole words name the tier, "global" the profile."""
    said = usage_type(text)
    assert (said.unit, said.tier, said.is_global, said.long_context) == (unit, tier, is_global, False)


@pytest.mark.parametrize(
    "text",
    [
        "USE1_input_tokens_long_ctx_standard",
        "USE1_cache_writes_tokens_long_ctx_standard",
        "USE1-MP:USE1_InputTokenCount_LCtx",
        "USE1-Claude4Sonnet-output-tokens-long-context-cross-region-global",
        "USE1-openai.gpt-5.6-luna-mantle-cache-write-tokens-5m-long-ctx-flex",
    ],
)
def test_long_context_is_a_band_without_a_number(text: str) -> None:
    """Three spellings; the threshold is the model's, and stands nowhere in the list."""
    assert usage_type(text).long_context


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("USE1-NovaPro-cache-write-input-token-count-custom-model", "custom model"),
        ("USE1-NovaSonic-speech-input-tokens", "speech"),
        ("USE1-Nova2.0Pro-input-image-token-count-cross-region-global", "pictures"),
        ("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", "reserved"),
        ("USE1-anthropic.claude-opus-5-5-reserved-1-month-input-tokens-per-minute", "reserved"),
        ("USW2-MP:USW2_ProvisionedThroughput_1MonthCommit_ModelUnits_Usage-Units", "Provisioned"),
        ("USE1-Guardrail-ContentPolicyUnitsConsumed", "guardrail"),
        ("USE1-Nova2.0Lite-Customization-Training", "custom model"),
        ("USE1-Llama-CustomModelImport-Inference-v1:0", "custom model"),
        ("USE1-MP:USE1_search_units-Units", "reranking"),
        ("USE1-NovaPro-input-tokens-turbo", "words that are not known: turbo"),
        ("USE1-NovaPro-input-tokens-batch-flex", "several tiers"),
        ("USE1-AgentCore-Runtime-vCPU", "a tool or a service"),
        ("", "not counted in tokens"),
    ],
)
def test_what_is_no_token_price_is_refused_with_its_reason(text: str, why: str) -> None:
    """A word that nobody knows is enough: half a meaning is no price."""
    with pytest.raises(NotATokenPrice, match=why):
        usage_type(text)


def entry(usage: str, usd: str = "0.001", unit: str = "1K tokens", **attributes: str) -> dict[str, Any]:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}, "description": attributes.pop("description", "")}
    term = {"effectiveDate": "2026-10-01T00:00:00Z", "priceDimensions": {"d": dimension}}
    about = {"regionCode": "us-east-1", "usagetype": usage, **attributes}
    return {"product": {"sku": "S", "attributes": about}, "terms": {"OnDemand": {"t": term}}}


def read(*args: Any, **kwargs: Any) -> ListPrice | UnusedListing:
    found = read_entry(entry(*args, **kwargs), ListNames(load_catalog().models.values()))
    return found if isinstance(found, UnusedListing) else found[0]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Nova 2.0 Lite", "amazon.nova-2-lite-v1:0"),
        ("Llama 4 Maverick 17B", "meta.llama4-maverick-17b-instruct-v1:0"),
        ("R1", "deepseek.r1-v1:0"),
        ("Ministral 8B 3.0", "mistral.ministral-3-8b-instruct"),
        ("NVIDIA Nemotron Nano 2", "nvidia.nemotron-nano-9b-v2"),
        ("Claude 3 Haiku", "anthropic.claude-3-haiku-20240307-v1:0"),
    ],
)
def test_models_by_the_names_of_the_list(name: str, model: str) -> None:
    """The list writes names that no id has."""
    found = read("USE1-Whatever-input-tokens", model=name)
    assert isinstance(found, ListPrice)
    assert found.model == model


def test_the_marketplace_turns_names_round_and_sells_by_the_million() -> None:
    """ "Claude 4.5 Haiku" is Claude Haiku 4.5; a unit is a million tokens unless the description says thousand."""
    edition = "Claude 4.5 Haiku (Amazon Bedrock Edition)"
    by_million = read("USE1-MP:USE1_InputTokenCount-Units", "1.1", "Units", servicename=edition)
    thousand = "AWS Marketplace software usage|us-east-1|Thousand Input Tokens"
    by_thousand = read(
        "USE1-MP:USE1_InputTokenCount-Units", "0.0011", "Units", servicename=edition, description=thousand
    )
    for found in (by_million, by_thousand):
        assert isinstance(found, ListPrice)
        assert (found.model, found.usd_per_mtok) == ("anthropic.claude-haiku-4-5-20251001-v1:0", Decimal("1.1"))
    assert isinstance(read("USE1-NovaPro-input-tokens", "1.1", "Units", model="Nova Pro"), UnusedListing)


def test_attributes_may_name_the_tier_and_may_not_contradict_it() -> None:
    """Batch by its feature, a custom model by its feature, flex against priority."""
    batch = read("USE1-NovaPro-input-tokens", model="Nova Pro", feature="Batch Inference")
    assert isinstance(batch, ListPrice)
    assert batch.tier is Tier.BATCH
    custom = read("USE1-NovaPro-input-tokens", model="Nova Pro", feature="Model Customization")
    assert isinstance(custom, UnusedListing)
    torn = read("USE1-NovaPro-input-tokens-flex", model="Nova Pro", service_tier="priority")
    assert isinstance(torn, UnusedListing)
    assert "contradict" in torn.why


def test_a_price_keeps_the_day_of_its_term_and_six_decimals() -> None:
    """DeepSeek V3.1 in London costs 0.899985; a free input is no price."""
    found = read("EUW2-DeepSeekV3.1-input-tokens", "0.0008999850", model="DeepSeek V3.1", regionCode="eu-west-2")
    assert isinstance(found, ListPrice)
    assert (found.usd_per_mtok, found.since) == (Decimal("0.899985"), date(2026, 10, 1))
    assert isinstance(read("USE1-NovaPro-input-tokens", "0", model="Nova Pro"), UnusedListing)
