"""Recorded requests are priced in the Region that was called.

Prices of Nova Pro: AWS's Price List as normalised on 2026-10-08, US dollars per million tokens in and out: Paris 1.18
and 4.72, Virginia 0.8 and 3.2, Frankfurt 1.05 and 4.2; sa-east-1 is not on the list.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import behaviour_of
from rockbottom.catalog import load_catalog
from rockbottom.replay import ReplayQuestion, ReplayTally, tally
from rockbottom.trace import read_trace


def replayed(tmp_path: Path, *regions: str, model: str = "amazon.nova-pro-v1:0", **asked: str) -> ReplayTally:
    """Requests of 1,000 tokens in and 100 out, a minute apart, one for each Region."""
    records = [
        {
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-20T10:{minute:02}:00Z", "region": region,
            "operation": "Converse", "modelId": model, "requestId": f"r{minute}", "accountId": "111122223333",
            "input": {"inputTokenCount": 1000, "inputBodyJson": {
                "messages": [{"role": "user", "content": [{"text": f"Question {minute}"}]}]}},
            "output": {"outputTokenCount": 100},
        }
        for minute, region in enumerate(regions)
    ]  # fmt: skip
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(json.dumps(record) for record in records))
    catalog = load_catalog()
    question = ReplayQuestion(("none",), date(2026, 11, 20), **asked)
    return tally(read_trace(str(file)).trace, question, catalog, behaviour_of(catalog.switches))


def usd(found: ReplayTally) -> Decimal:
    [model] = found.models
    return model.bills["none"].cost.usd * 1_000_000


def test_a_log_of_paris_costs_what_paris_costs(tmp_path: Path) -> None:
    """1,000 x 1.18 + 100 x 4.72 = 1,652 millionths; at us-east-1's prices it would be 1,120, 32% too low."""
    assert usd(replayed(tmp_path, "eu-west-3")) == 1652


def test_a_log_of_several_regions_is_one_bill_of_all_of_them(tmp_path: Path) -> None:
    """Paris 1,652, Virginia 1,120, Frankfurt 1,050 + 420 = 1,470, Frankfurt again: 5,712 millionths of one model."""
    found = replayed(tmp_path, "eu-west-3", "us-east-1", "eu-central-1", "eu-central-1")
    assert (found.models[0].requests, usd(found)) == (4, 1652 + 1120 + 2 * 1470)


def test_requests_in_a_region_without_a_price_are_set_apart(tmp_path: Path) -> None:
    """Two of three are answered for; the third is named with the Regions that have a price."""
    found = replayed(tmp_path, "eu-west-3", "sa-east-1", "us-east-1")
    assert usd(found) == 1652 + 1120
    [apart] = found.apart
    assert (apart.requests, apart.tokens) == (1, 1100)
    assert "sa-east-1" in apart.why
    assert "Regions with such a price: " in apart.why


def test_a_region_that_is_asked_for_is_that_of_every_request(tmp_path: Path) -> None:
    """--region replays as if it had served them all."""
    assert usd(replayed(tmp_path, "eu-west-3", "us-east-1", region="eu-central-1")) == 2 * 1470
