"""``rockbottom prices`` and ``rockbottom models`` as a person or a program sees them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.catalog import CatalogError
from rockbottom.cli import models, prices


def run(command: Any, *args: str) -> str:
    result = CliRunner().invoke(command, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_prices_show_prints_the_table_the_contested_rows_and_the_sources() -> None:
    """Nova Pro: the price list's 0 for cache writes stands in the table, the articles' 1 below it."""
    shown = run(prices.command, "show", "nova-pro", "--on", "2026-11-20")
    assert ["in_region", "default", "us-east-1", "0.8", "3.2", "0.2", "0"] in map(str.split, shown.splitlines())
    assert "default cache_write_5m: in_region 1, us 1; 1.25 x input" in shown
    assert "https://pricing.us-east-1.amazonaws.com/" in shown


def test_prices_show_fits_80_columns_apart_from_addresses() -> None:
    """Wide tables and long notes are wrapped; only an address may be longer."""
    for model in ("nova-pro", "haiku-5-5", "gpt-6-sol", "us.sonnet-4-5"):
        lines = run(prices.command, "show", model, "--on", "2026-11-20").splitlines()
        assert [line for line in lines if len(line) > 80 and "https://" not in line] == []


def test_prices_show_of_a_profile_shows_its_scope_only() -> None:
    """us. in front leaves out the other scopes."""
    shown = json.loads(run(prices.command, "show", "us.sonnet-4-6", "--on", "2026-11-20", "--json"))
    assert {row["scope"] for row in shown["prices"]} == {"us"}
    assert {row["unit"]: row["usd_per_mtok"] for row in shown["prices"]} == {
        "input": "3.3", "output": "16.5", "cache_read": "0.33", "cache_write_5m": "4.125", "cache_write_1h": "6.6",
    }  # fmt: skip


def test_prices_show_takes_a_file_of_ones_own(tmp_path: Path) -> None:
    """--prices lays the file's rows on top."""
    mine = tmp_path / "mine.csv"
    header = "model,scope,tier,unit,usd_per_mtok,valid_from"
    mine.write_text(f"{header}\namazon.nova-pro-v1:0,us,default,input,0.5,2026-01-01\n")
    args = ("show", "us.nova-pro", "--on", "2026-11-20", "--prices", str(mine), "--json")
    shown = json.loads(run(prices.command, *args))
    inputs = [row for row in shown["prices"] if (row["tier"], row["unit"]) == ("default", "input")]
    assert [(row["usd_per_mtok"], row["source"]) for row in inputs] == [("0.5", str(mine))]


def test_prices_show_of_a_day_before_any_price_is_an_error() -> None:
    """Nothing is printed but the error, which names the first day."""
    with pytest.raises(CatalogError, match="starting"):
        CliRunner().invoke(prices.command, ["show", "nova-pro", "--on", "2024-01-01"], catch_exceptions=False)


def entry(usage_type: str, usd: str) -> str:
    dimension = {"unit": "1K tokens", "pricePerUnit": {"USD": usd}}
    attributes = {"usagetype": usage_type, "regionCode": "us-east-1", "model": "Nova Pro"}
    terms = {"OnDemand": {"t": {"priceDimensions": {"d": dimension}}}}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


def checked(monkeypatch: pytest.MonkeyPatch, *args: str, output_price: str) -> Any:
    """Run ``prices check`` against two stubbed pages of the one service and one empty page of the other."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    from botocore.stub import Stubber

    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    stub = Stubber(client)
    wanted: dict[str, Any] = {
        "FormatVersion": "aws_v1",
        "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}],
    }
    first = {"PriceList": [entry("USE1-NovaPro-input-tokens", "0.0008")], "NextToken": "more"}
    stub.add_response("get_products", first, {**wanted, "ServiceCode": "AmazonBedrock"})
    second = {"PriceList": [entry("USE1-NovaPro-output-tokens", output_price)]}
    stub.add_response("get_products", second, {**wanted, "ServiceCode": "AmazonBedrock", "NextToken": "more"})
    stub.add_response("get_products", {"PriceList": []}, {**wanted, "ServiceCode": "AmazonBedrockFoundationModels"})
    monkeypatch.setattr(prices, "pricing_client", lambda _profile: client)
    with stub:
        result = CliRunner().invoke(prices.command, ["check", *args], catch_exceptions=False)
    stub.assert_no_pending_responses()
    return result


def test_prices_check_reads_every_page_and_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two prices, each of which speaks of the in-Region and of the us. row: four agree, exit code 0."""
    result = checked(monkeypatch, output_price="0.0032")
    assert (result.exit_code, "4 prices agree, 0 differ, 0 are not in the book." in result.output) == (0, True)


def test_prices_check_exits_with_1_where_a_price_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The difference is named with both prices, the row's place and the usage type."""
    result = checked(monkeypatch, "--json", output_price="0.004")
    differing = [one for one in json.loads(result.stdout)["comparisons"] if one["verdict"] == "differs"]
    assert result.exit_code == 1
    assert {(one["scope"], one["book_usd_per_mtok"], one["list_usd_per_mtok"]) for one in differing} == {
        ("in_region", "3.2", "4.000"),
        ("us", "3.2", "4.000"),
    }


def test_prices_check_without_credentials_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback of the SDK: one error, its cause, and the permission that is needed."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import NoCredentialsError

    client = boto3.client("pricing", region_name="us-east-1", config=Config(signature_version=UNSIGNED))

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(client, "get_paginator", refuse)
    monkeypatch.setattr(prices, "pricing_client", lambda _profile: client)
    with pytest.raises(prices.PriceListUnavailable, match="credentials") as raised:
        CliRunner().invoke(prices.command, ["check"], catch_exceptions=False)
    assert raised.value.fix is not None
    assert "pricing:GetProducts" in raised.value.fix
    said = CliRunner().invoke(prices.command, ["check"]).stderr
    assert said.startswith("The book's rows were read from 2026-")  # how old it is needs nobody's permission
    assert " days ago." in said


def test_models_lists_rules_and_marks_what_is_contested() -> None:
    """Sonnet 4.6: 1,024 in force and marked, because a source says 2,048."""
    shown = run(models.command, "sonnet-4-6", "--on", "2026-11-20")
    assert "1,024*  5m 1h" in shown
    assert "minimum_tokens 2048" in shown


def test_models_json_has_every_model_with_its_source() -> None:
    """Machines get all rules, with addresses."""
    shown = json.loads(run(models.command, "--json"))
    assert len(shown["models"]) > 70
    assert all(model["cache_rules"]["source"].startswith("https://") for model in shown["models"])


def test_models_fits_80_columns() -> None:
    """The whole list, notes included."""
    assert [line for line in run(models.command).splitlines() if len(line) > 80] == []
