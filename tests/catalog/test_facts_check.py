"""The check against other sources: which cells it reads, and what it calls a disagreement."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from scripts.facts_check import Cell, held_against, litellm_cells, verdict_of

from rockbottom.catalog import Scope, Tier, packaged_catalog
from rockbottom.quantities import Unit

ON = date(2026, 11, 29)


def cells(tmp_path: Path, entry: str, **fields: str) -> list[Cell]:
    """The cells of one made-up entry of litellm's file; prices are per token."""
    file = tmp_path / "litellm.json"
    about = ", ".join(f'"{name}": {usd}' for name, usd in fields.items())
    file.write_text(f'{{"{entry}": {{"litellm_provider": "bedrock", "mode": "chat", {about}}}, "other": {{}}}}')
    json.loads(file.read_text())
    return list(litellm_cells(file))


def test_an_entry_says_scope_region_tier_unit_and_band(tmp_path: Path) -> None:
    """bedrock/eu-west-3/eu.x above 200k in batches: one cell in US dollars per million."""
    [cell] = cells(
        tmp_path, "bedrock/eu-west-3/eu.acme.model", input_cost_per_token_above_200k_tokens_batches="1.5e-06"
    )
    assert (cell.scope, cell.region, cell.model) == (Scope.EU, "eu-west-3", "acme.model")
    assert (cell.tier, cell.unit, cell.band, cell.usd_per_mtok) == (Tier.BATCH, Unit.INPUT, 200_000, Decimal("1.5"))


def test_the_book_agrees_differs_has_it_elsewhere_or_lacks_it(tmp_path: Path) -> None:
    """Nova Pro in Paris costs 1.18; 0.8 is Virginia's, 9.9 nobody's, and nobody has an ultrafast one."""
    book = packaged_catalog().price_book
    said = {"1.18": "agrees", "0.8": "differs", "9.9": "differs"}
    for usd, kind in said.items():
        [cell] = cells(tmp_path, "bedrock/eu-west-3/amazon.nova-pro-v1:0", input_cost_per_token=f"{usd}e-06")
        assert held_against(cell, book, ON).kind == kind
    [cell] = cells(tmp_path, "anthropic.claude-sonnet-5-5", output_cost_per_token="1e-05")
    assert held_against(cell, book, ON).kind == "elsewhere"
    [cell] = cells(tmp_path, "us.openai.gpt-6-astra", input_cost_per_token_ultrafast="1e-05")
    assert (held_against(cell, book, ON).kind, held_against(cell, book, ON).said) == ("lacks", "no such tier")


def test_a_verdict_fits_by_source_kind_and_patterns(tmp_path: Path) -> None:
    """The first that fits speaks; without one there is none."""
    [cell] = cells(tmp_path, "us.openai.gpt-6-astra", input_cost_per_token_ultrafast="1e-05")
    finding = held_against(cell, packaged_catalog().price_book, ON)
    verdicts = [
        {"source": "genai-prices", "kind": "lacks", "why": "another source"},
        {"source": "litellm", "kind": "lacks", "fields": "*_ultrafast", "why": "no such tier"},
    ]
    assert verdict_of(finding, verdicts) == "no such tier"
    assert verdict_of(finding, verdicts[:1]) is None
