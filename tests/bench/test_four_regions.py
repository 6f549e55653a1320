"""What a user in Frankfurt, Tokyo, GovCloud or São Paulo is told by bench and estimate.

US dollars per million tokens in and out, AWS's Price List as normalised on 2026-10-08: Nova Pro in eu-central-1 1.05
and 4.2; Nova Lite in ap-northeast-1 .072 and .288; Nova Micro in us-gov-west-1 .042 and .168; gpt-oss-120b in sa-east-1
.18 and .73. Replay and attach: tests/replay/test_regions.py, tests/client/test_region_prices.py.
"""

import json
from decimal import Decimal

import pytest

from rockbottom.cli import main
from rockbottom.cli.exits import Exit

REGIONS = [
    ("nova-pro", "eu-central-1", "1.05", "4.2"),
    ("apac.nova-lite", "ap-northeast-1", "0.072", "0.288"),
    ("nova-micro", "us-gov-west-1", "0.042", "0.168"),
    ("gpt-oss-120b", "sa-east-1", "0.18", "0.73"),
]


@pytest.mark.parametrize(("model", "region", "input_usd", "output_usd"), REGIONS)
def test_an_estimate_is_of_the_region_that_is_named(capsys, model, region, input_usd, output_usd):
    """1,000 requests of 1,000 tokens in and 100 out: a million in, a tenth of that out."""
    argv = ["estimate", model, "--region", region, "--requests", "1000", "--question", "1000", "--output", "100"]
    assert main([*argv, "--json"]) == Exit.OK
    plain = json.loads(capsys.readouterr().out)["ways"][0]
    assert (plain["name"], Decimal(plain["usd"])) == ("no caching", Decimal(input_usd) + Decimal(output_usd) / 10)


@pytest.mark.parametrize(("model", "region", "input_usd", "output_usd"), REGIONS)
def test_a_bench_is_priced_in_the_region_that_is_named(
    endpoint_url, small, tmp_path, monkeypatch, capsys, model, region, input_usd, output_usd
):
    """The baseline's own tokens at the two prices of that Region."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(small)
    place = ("--endpoint-url", endpoint_url, "--region", region, "--model", model, "--lane", "baseline")
    assert main(["bench", "small.yaml", *place, "--json"]) == Exit.OK
    lane = json.loads(capsys.readouterr().out)["models"][0]["lanes"][0]
    used = lane["usage"]
    millionths = used["input"] * Decimal(input_usd) + used["output"] * Decimal(output_usd)
    assert Decimal(lane["cost"]["run"]) * 10**6 == millionths


def test_a_region_without_a_price_is_an_error_that_names_those_with_one(capsys):
    """Nova Pro has no row in sa-east-1."""
    assert (
        main(["estimate", "nova-pro", "--region", "sa-east-1", "--requests", "1", "--question", "9", "--output", "1"])
        == Exit.USAGE
    )
    said = capsys.readouterr().err
    assert "No price in force for amazon.nova-pro-v1:0 (in_region, sa-east-1;" in said
    assert "Regions with such a price: ap-northeast-1," in said
