"""What attach books is priced in the Region of the client.

Prices: AWS's Price List as normalised on 2026-10-08, US dollars per million tokens in and out.
"""

from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config

import rockbottom
from rockbottom.local import Running
from tests.client.client_doubles import KEYS, ask

NOW = 1_795_910_400.0  # 2026-11-29


def client_in(endpoint: Running, region: str) -> Any:
    keys = {**KEYS, "region_name": region}
    return boto3.client(
        "bedrock-runtime", endpoint_url=endpoint.url, config=Config(retries={"total_max_attempts": 1}), **keys
    )


@pytest.mark.parametrize(
    ("region", "model", "input_usd", "output_usd"),
    [
        ("eu-west-3", "amazon.nova-pro-v1:0", "1.18", "4.72"),
        ("eu-central-1", "eu.amazon.nova-pro-v1:0", "1.05", "4.2"),
        ("ap-northeast-1", "apac.amazon.nova-lite-v1:0", "0.072", "0.288"),
        ("us-gov-west-1", "amazon.nova-micro-v1:0", "0.042", "0.168"),
        ("sa-east-1", "openai.gpt-oss-120b-1:0", "0.18", "0.73"),
        ("us-east-1", "amazon.nova-pro-v1:0", "0.8", "3.2"),
    ],
)
@pytest.mark.parametrize("way", ["client", "session"])
def test_a_report_is_in_the_prices_of_the_client_s_region(
    endpoint: Running, region: str, model: str, input_usd: str, output_usd: str, way: str
) -> None:
    """A short question without caching costs its tokens at the two rows of that Region."""
    if way == "client":
        client = rockbottom.attach(client_in(endpoint, region), clock=lambda: NOW)
        attached = client
    else:
        attached = boto3.Session(**{**KEYS, "region_name": region})
        rockbottom.attach(attached, clock=lambda: NOW)
        client = attached.client("bedrock-runtime", endpoint_url=endpoint.url)
    usage = client.converse(**ask(system="Be brief.", modelId=model))["usage"]
    total = rockbottom.report(attached).total
    assert total.unpriced_calls == 0
    assert total.cost_usd * 1_000_000 == (
        usage["inputTokens"] * Decimal(input_usd) + usage["outputTokens"] * Decimal(output_usd)
    )


def test_a_region_without_a_price_is_counted_and_not_priced(endpoint: Running) -> None:
    """Nova Pro in sa-east-1 has no row: the call is one without a price, and costs nothing that is not known."""
    client = rockbottom.attach(client_in(endpoint, "sa-east-1"), clock=lambda: NOW)
    client.converse(**ask(system="Be brief.", modelId="amazon.nova-pro-v1:0"))
    total = rockbottom.report(client).total
    assert (total.calls, total.unpriced_calls, total.cost_usd) == (1, 1, 0)
