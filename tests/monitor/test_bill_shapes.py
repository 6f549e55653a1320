"""Bills as AWS writes them: every grammar of usage types, every other charge by name, pages, months, encodings.

Usage types are spelled as the AWS Price List has them; where a ledger agrees, amounts are at list price of 2026-11.
"""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from rockbottom.alarms.histories import priced
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.quantities import Unit
from rockbottom.reconcile.billed import billed_book, charge_named, meaning
from rockbottom.reconcile.exports import BillLine, UnreadableBill, bill_lines

NOVA, SONNET = "amazon.nova-pro-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
EDITION = "Claude Sonnet 4.5 (Amazon Bedrock Edition)"
DAY = date(2026, 11, 3)
HEAD = (
    "line_item_usage_start_date", "line_item_usage_type", "line_item_usage_amount", "line_item_unblended_cost",
    "line_item_product_code", "line_item_line_item_type", "pricing_unit",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    """A call of Nova Pro: 500,000 tokens in and 200,000 out, $0.40 and $0.64."""
    folder = tmp_path / "ledger"
    _write(folder, [_call(DAY)])
    return folder


def _call(day, model=NOVA, **more):
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    given = {"region": "us-east-1", "endpoint": "aws", "input": 500_000, "output": 200_000}
    return priced(CallRecord(at=at, model=model, operation="Converse", **{**given, **more}), load_catalog())


def _write(folder, calls):
    writer = LedgerWriter(folder)
    for call in calls:
        writer.record(call)
    writer.close()


def _bill(path, rows, head=HEAD, encoding="utf-8"):
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def _row(usage_type, amount, usd, product="AmazonBedrock", kind="Usage"):
    return (f"{DAY}T00:00:00Z", usage_type, amount, usd, product, kind, "1K tokens")


CALLS = [_row("USE1-NovaPro-input-tokens", "500", "0.4"), _row("USE1-NovaPro-output-tokens", "200", "0.64")]


@pytest.mark.parametrize(
    ("usage_type", "model", "unit", "is_global", "tier"),
    [
        ("USE1-GPT-OSS-Safeguard-20B-input-tokens-priority", "openai.gpt-oss-safeguard-20b", Unit.INPUT, False, "priority"),  # noqa: E501
        ("USE1-gpt-oss-120b-output-tokens-flex", "openai.gpt-oss-120b-1:0", Unit.OUTPUT, False, "flex"),
        ("USE1-Qwen3-32B-output-tokens", "qwen.qwen3-32b-v1:0", Unit.OUTPUT, False, "default"),
        ("USE1-DeepSeek-V3-1-input-tokens", "deepseek.v3-v1:0", Unit.INPUT, False, "default"),
        ("USE1-Llama3-3-70B-output-tokens-batch", "meta.llama3-3-70b-instruct-v1:0", Unit.OUTPUT, False, "batch"),
        ("USE1-Llama4-Maverick-17B-input-tokens-batch", "meta.llama4-maverick-17b-instruct-v1:0", Unit.INPUT, False, "batch"),  # noqa: E501
        ("USE1-Nova2.0Lite-text-input-tokens-priority-cross-region-global", "amazon.nova-2-lite-v1:0", Unit.INPUT, True, "priority"),  # noqa: E501
        ("USE1-Claude4.6Opus-cache-write-1h-input-token-count-cross-region-global", "anthropic.claude-opus-4-6-v1", Unit.CACHE_WRITE_1H, True, "default"),  # noqa: E501
        ("USE1-Claude4Sonnet-cache-write-input-token-count-1-hour", "anthropic.claude-sonnet-4-20250514-v1:0", Unit.CACHE_WRITE_1H, False, "default"),  # noqa: E501
        ("USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", "openai.gpt-oss-120b-1:0", Unit.INPUT, False, "default"),  # noqa: E501
        ("USE1-anthropic.claude-sonnet-5-mantle-cache-write-tokens-1h-standard", "anthropic.claude-sonnet-5", Unit.CACHE_WRITE_1H, False, "default"),  # noqa: E501
        ("USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-global-standard", "anthropic.claude-opus-4-8", Unit.CACHE_WRITE_5M, True, "default"),  # noqa: E501
        ("USE1-openai.gpt-5.6-luna-mantle-cache-write-tokens-5m-long-ctx-flex", "openai.gpt-5.6-luna", Unit.CACHE_WRITE_5M, False, "flex"),  # noqa: E501
        ("USE1-MP:USE1_CacheReadInputTokenCount_Global_Batch-Units", SONNET, Unit.CACHE_READ, True, "batch"),
        ("USE1-USE1_output_tokens_batch-Units", SONNET, Unit.OUTPUT, False, "batch"),
        ("EU_input_tokens_standard", SONNET, Unit.INPUT, False, "default"),
        ("USE1_input_tokens_long_ctx_standard", SONNET, Unit.INPUT, False, "default"),
    ],
)  # fmt: skip
def test_a_token_line_is_told_to_its_model(usage_type, model, unit, is_global, tier):
    """Hyphens in the name, ids before -mantle-, Marketplace lines with and without MP:."""
    said = meaning(usage_type)
    line = BillLine(DAY, usage_type, EDITION, Decimal(1), "", Decimal(1))
    assert [key[1] for key in billed_book("CUR", [line], load_catalog()).entries] == [model]
    assert (said.unit, said.is_global, said.tier) == (unit, is_global, Tier(tier))


@pytest.mark.parametrize(
    ("usage_type", "name"),
    [
        ("USW2-MP:USW2_ProvisionedThroughput_1MonthCommit_ModelUnits_Usage-Units", "provisioned throughput"),
        ("USE1-TitanText-Premier-ProvisionedThroughput-Custom-NoCommit-ModelUnits", "provisioned throughput"),
        ("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", "reserved capacity"),
        ("USE1-anthropic.claude-opus-5-5-reserved-1-month-input-tokens-per-minute", "reserved capacity"),
        ("USE1-Guardrail-ContextualGroundingPolicyUnitsConsumed", "guardrails"),
        ("USE1-GuardrailChecks-PromptAttackCheckUnitsConsumed", "guardrails"),
        ("USE1-Nova2.0Lite-nova-grounding", "web grounding"),
        ("USE1-Nova2.0Lite-Customization-Training", "customization"),
        ("USE1-Nova2.0Lite-RFT-Training-Hours", "customization"),
        ("USE1-Nova2.0Lite-Customization-Storage", "storage of custom models"),
        ("USE1-Llama-CustomModelImport-Inference-v1:0", "imported models"),
        ("USE1-Nova2.0Lite-input-tokens-custom-model", "custom models"),
        ("USE1-MP:USE1_search_units-Units", "reranking"),
        ("USE1-NovaSonic-speech-input-tokens", "speech and audio"),
        ("USE1-MP:USE1_created_image_stable_image_ultra-Units", "images and video"),
    ],
)
def test_another_charge_has_a_name(usage_type, name):
    """Usage types that are no tokens of calls, as the price list spells them."""
    assert (meaning(usage_type), charge_named(usage_type)) == (None, name)


def test_tokens_with_a_word_that_nobody_knows_are_of_no_model_rather_than_of_a_guessed_price(tmp_path):
    """$5 of a tier that is not known: shown as unmatched, not counted as plain input."""
    path = _bill(tmp_path / "bill.csv", [*CALLS, _row("USE1-NovaPro-input-tokens-turbo", "10", "5")])
    book = billed_book("CUR", bill_lines(path), load_catalog())
    assert book.unmatched == {"USE1-NovaPro-input-tokens-turbo": Decimal(5)}
    assert book.in_all == Decimal("6.04")


def test_every_dollar_of_bedrock_is_in_a_sum(ledger, tmp_path, capsys):
    """$1.04 of calls, $60 provisioned, $30 grounded, $7 that nothing names, $2 of no model, $0.10 tax."""
    rows = [
        *CALLS,
        _row("USE1-NovaPro-ProvisionedThroughput-NoCommit-ModelUnits", "24", "60"),
        _row("USE1-Nova2.0Lite-nova-grounding", "1000", "30"),
        _row("USE1-Something-Of-2027", "1", "7"),
        _row("USE1-Unheard-Of-9-input-tokens", "10", "2"),
        _row("USE1-NovaPro-input-tokens", "0", "0.1", kind="Tax"),
        _row("USE1-BoxUsage:m5.large", "24", "99", product="AmazonEC2"),
        _row("USE1-Polyglot-input-tokens", "24", "99", product="AmazonComprehend"),
    ]
    path = _bill(tmp_path / "bill.csv", rows)
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(path)]) == Exit.VERDICT
    told = capsys.readouterr().out
    for line in (
        "dollars: ledger 1.0400, CUR 1.0400, +0.0000", "not tokens of calls, and not compared: $97.0000",
        "  provisioned throughput  $60.0000", "  web grounding  $30.0000", "  USE1-Something-Of-2027  $7.0000",
        "no model is known for 1 usage type, $2.0000", "not compared: Tax $0.10", "CUR in all: $100.1400",
    ):  # fmt: skip
        assert line in told


def test_lines_of_no_model_are_the_first_reason(ledger, tmp_path, capsys):
    """The ledger has more than the bill, whose lines say no model."""
    path = _bill(tmp_path / "bill.csv", [_row("USE1-MP:USE1_InputTokenCount-Units", "0.5", "0.4", product="a1b2c3")])
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(path), "--json"]) == Exit.VERDICT
    (found,) = json.loads(capsys.readouterr().out)
    assert [reason["code"] for reason in found["rows"][0]["reasons"]][:1] == ["unmatched"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_report_in_any_encoding(ledger, tmp_path, encoding):
    """Also with a byte that is no UTF-8, in a line of another service."""
    other = (f"{DAY}T00:00:00Z", "Domæne", "1", "9", "AmazonRegistrar", "Usage", "")
    path = _bill(tmp_path / "bill.csv", [*CALLS, other], encoding=encoding)
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(path)]) == Exit.OK


def test_a_product_as_athena_prints_a_map(tmp_path):
    """``{name=value}`` holds the product's name, commas and brackets and all."""
    head = (*HEAD, "product")
    maps = f"{{region=us-east-1, product_name={EDITION}, servicecode=a1b2c3}}"
    row = (*_row("USE1-MP:USE1_InputTokenCount-Units", "0.1", "0.33", product="a1b2c3"), maps)
    (line,) = bill_lines(_bill(tmp_path / "athena.csv", [row], head))
    assert line.product == EDITION
    assert [key[1] for key in billed_book("CUR", [line], load_catalog()).entries] == [SONNET]


def _reply(groups, start="2026-11-03", end="2026-11-04", metric="UnblendedCost", **more):
    rows = [
        {
            "Keys": list(keys),
            "Metrics": {
                metric: {"Amount": usd, "Unit": "USD"},
                "UsageQuantity": {"Amount": amount, "Unit": "N/A"},
                **listed,
            },
        }
        for keys, usd, amount, listed in groups
    ]  # fmt: skip
    period = {"TimePeriod": {"Start": start, "End": end}, "Total": {}, "Groups": rows, "Estimated": False}
    definitions = [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}]
    return {"GroupDefinitions": definitions, "ResultsByTime": [period], **more}


INPUT = (("Amazon Bedrock", "USE1-NovaPro-input-tokens"), "0.4", "500", {})
OUTPUT = (("Amazon Bedrock", "USE1-NovaPro-output-tokens"), "0.64", "200", {})


@pytest.mark.parametrize("shape", ["list", "one after another", "utf-16"])
def test_all_pages_of_a_reply_count(ledger, tmp_path, shape):
    """The second page has the output; the first names it."""
    pages = [_reply([INPUT], NextPageToken="more"), _reply([OUTPUT])]
    text = "\n".join(map(json.dumps, pages)) if shape == "one after another" else json.dumps(pages, indent=1)
    path = tmp_path / "ce.json"
    path.write_bytes(text.encode("utf-16" if shape == "utf-16" else "utf-8"))
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.OK


def test_a_page_that_is_missing_is_said_and_no_agreement(ledger, tmp_path, capsys):
    path = tmp_path / "ce.json"
    path.write_text(json.dumps(_reply([INPUT], NextPageToken="more")))
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.VERDICT
    told = capsys.readouterr().out
    assert "more-pages: the reply names a next page" in told
    assert "NextPageToken" in told


def test_a_month_is_held_against_the_month(tmp_path, capsys):
    """Calls of two days of November are the month's; one of December is not in it."""
    folder = tmp_path / "ledger"
    _write(folder, [_call(DAY), _call(date(2026, 11, 29)), _call(date(2026, 12, 1))])
    twice = [(INPUT[0], "0.8", "1000", {}), (OUTPUT[0], "1.28", "400", {})]
    path = tmp_path / "ce.json"
    path.write_text(json.dumps(_reply(twice, "2026-11-01", "2026-12-01")))
    assert main(["reconcile", "--ledger", str(folder), "--cost-explorer", str(path), "--all"]) == Exit.OK
    assert "= 2026-11-01 to 2026-11-30  amazon.nova-pro-v1:0" in capsys.readouterr().out


def test_the_list_cost_stands_beside_the_billed_one(ledger, tmp_path, capsys):
    """A discount of a tenth: the ledger's list price is the bill's, and the bill is less."""
    listed = [
        (INPUT[0], "0.36", "500", {"LIST_COST": {"Amount": "0.4", "Unit": "USD"}}),
        (OUTPUT[0], "0.576", "200", {"ListCost": {"Amount": "0.64", "Unit": "USD"}}),
    ]
    path = tmp_path / "ce.json"
    path.write_text(json.dumps(_reply(listed)))
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.VERDICT
    told = capsys.readouterr().out
    assert "dollars: ledger 1.0400, Cost Explorer 0.9360" in told
    assert "at list price the bill is 1.0400" in told


def test_another_metric_is_said(ledger, tmp_path, capsys):
    path = tmp_path / "ce.json"
    path.write_text(json.dumps(_reply([INPUT, OUTPUT], metric="NetAmortizedCost")))
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.OK
    assert "billed by the metric NetAmortizedCost" in capsys.readouterr().out


def test_the_model_behind_a_profile_is_the_same_on_both_sides(tmp_path):
    """The ledger's calls name the profile; the bill names the model."""
    arn = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2"
    folder = tmp_path / "ledger"
    _write(folder, [CallRecord(at=_call(DAY).at, model=arn, operation="Converse", input=500_000,
                               output=200_000, cost_usd="1.04", region="us-east-1", endpoint="aws")])  # fmt: skip
    path = _bill(tmp_path / "bill.csv", CALLS)
    argv = ["reconcile", "--ledger", str(folder), "--cur", str(path)]
    assert main(argv) == Exit.VERDICT
    assert main([*argv, "--behind", f"{arn}=nova-pro"]) == Exit.OK


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400", "much"])
def test_an_amount_that_is_none_is_one_message(tmp_path, amount):
    with pytest.raises(UnreadableBill, match="row 2"):
        list(bill_lines(_bill(tmp_path / "bill.csv", [_row("USE1-NovaPro-input-tokens", amount, "1")])))


@pytest.mark.parametrize("text", ['{"ResultsByTime": [', "[1]", '[{"ResultsByTime": 1}]', "[" * 100_000])
def test_a_reply_that_is_none_is_one_message(tmp_path, text):
    path = tmp_path / "ce.json"
    path.write_text(text)
    with pytest.raises(UnreadableBill, match="not a reply of GetCostAndUsage"):
        list(bill_lines(path))


def test_a_reply_without_usage_types_is_of_no_model_and_the_first_reason(ledger, tmp_path, capsys):
    """Grouped by service alone: $12.50 and $8.25, which nothing tells to models; the sum is complete."""
    groups = [(("Amazon Bedrock",), "12.5", "1", {}), (("Claude Opus 4.8 (Amazon Bedrock Edition)",), "8.25", "1", {})]
    reply = {**_reply(groups), "GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}]}
    path = tmp_path / "ce.json"
    path.write_text(json.dumps(reply))
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.VERDICT
    told = capsys.readouterr().out
    assert "unmatched: the bill has lines whose model is not known" in told
    assert "another account" not in told
    assert "Amazon Bedrock without a usage type" in told
    assert "Cost Explorer in all: $20.7500" in told


def test_open_models_with_hyphens_agree_with_the_ledger_to_the_cent(tmp_path, capsys):
    """500,000 tokens in and 200,000 out of each, at the price list's prices for a thousand.

    gpt-oss 20B .00007 and .0003; Qwen3 Coder 30B .00015 and .0006; Llama 3.3 70B .00072 and .00072; gpt-oss 120B at
    priority .0002625 and .00105.
    """
    models = {
        "gpt-oss-20b": ("openai.gpt-oss-20b-1:0", {}, "0.035", "0.06", ""),
        "Qwen3-Coder-30B-A3B": ("qwen.qwen3-coder-30b-a3b-v1:0", {}, "0.075", "0.12", ""),
        "Llama3-3-70B": ("meta.llama3-3-70b-instruct-v1:0", {"scope": "us"}, "0.36", "0.144", ""),
        "gpt-oss-120b": ("openai.gpt-oss-120b-1:0", {"tier": "priority"}, "0.13125", "0.21", "-priority"),
    }
    folder = tmp_path / "ledger"
    _write(folder, [_call(DAY, model, **more) for model, more, *_ in models.values()])
    rows = [
        row
        for name, (_, _, into, out, tier) in models.items()
        for row in (
            _row(f"USE1-{name}-input-tokens{tier}", "500", into), _row(f"USE1-{name}-output-tokens{tier}", "200", out),
        )
    ]  # fmt: skip
    path = _bill(tmp_path / "bill.csv", rows)
    assert main(["reconcile", "--ledger", str(folder), "--cur", str(path)]) == Exit.OK
    told = capsys.readouterr().out
    assert "4 of 4 days and models agree" in told
    assert "dollars: ledger 1.135" in told


FOCUS = ("BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart", "ListCost", "PricingQuantity",
         "PricingUnit", "ServiceName", "SubAccountId")  # fmt: skip
FOCUS_ROWS = [
    ("0.4", "USD", "Usage", "2026-11-03T00:00:00Z", "0.4", "500", "1K tokens", "Amazon Bedrock", "111122223333",
     "USE1-NovaPro-input-tokens"),
    ("0.64", "USD", "Usage", "2026-11-03T00:00:00Z", "0.64", "200", "1K tokens", "Amazon Bedrock", "111122223333",
     "USE1-NovaPro-output-tokens"),
    ("-0.1", "USD", "Credit", "2026-11-03T00:00:00Z", "0", "", "", "Amazon Bedrock", "111122223333", ""),
]  # fmt: skip


@pytest.mark.parametrize("usage_type", ["SkuMeter", "x_UsageType"], ids=["1.2", "1.0"])
def test_an_export_of_focus_agrees_with_the_ledger_and_keeps_credits_apart(ledger, tmp_path, capsys, usage_type):
    """500,000 tokens in and 200,000 out, $1.04; FOCUS 1.0 named the usage type otherwise than 1.2."""
    bill = _bill(tmp_path / "focus.csv", FOCUS_ROWS, head=(*FOCUS, usage_type))
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(bill)]) == Exit.OK
    said = capsys.readouterr().out
    assert "ledger 1.0400, CUR 1.0400, +0.0000" in said
    assert "not compared: Credit −$0.10" in said


def test_an_export_of_focus_in_parquet(ledger, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = zip((*FOCUS, "SkuMeter"), zip(*FOCUS_ROWS, strict=True), strict=True)
    parquet.write_table(pyarrow.table({name: list(cells) for name, cells in columns}), tmp_path / "focus.parquet")
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(tmp_path / "focus.parquet")]) == Exit.OK


def test_a_page_of_cost_explorer_by_service_is_of_no_model_and_every_dollar_is_named(ledger, tmp_path, capsys):
    """Its columns are products; they were taken for usage types of something else and dropped."""
    page = tmp_path / "costs.csv"
    page.write_text(
        f"Service,Amazon Bedrock($),{EDITION}($),Total costs($)\nService total,1.04,2,3.04\n2026-11-03,1.04,2,3.04\n"
    )
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(page)]) == Exit.VERDICT
    said = capsys.readouterr().out
    assert "no model is known for 2 usage types, $3.0400" in said
    assert "Cost Explorer in all: $3.0400" in said
