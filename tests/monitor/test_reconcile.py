"""The ledger against what AWS counted and billed: every format, every reason, planted by hand."""

import csv
import gzip
import io
import json
import os
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import boto3
import msgspec
import pytest

from rockbottom.alarms.histories import priced
from rockbottom.catalog import ListNames, Tier, load_catalog
from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.ledger.trimming import note
from rockbottom.quantities import Unit
from rockbottom.reconcile.billed import billed_book, meaning, tokens_per_unit
from rockbottom.reconcile.comparing import compared
from rockbottom.reconcile.exports import BillLine, bill_lines
from rockbottom.reconcile.native import MetricsQuestion, native_book
from rockbottom.reconcile.own import ledger_book

NOVA, SONNET = "amazon.nova-pro-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
EDITION = "Claude Sonnet 4.5 (Amazon Bedrock Edition)"
DAYS = (date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 5))
TODAY = date(2026, 11, 20)
# A day of each model, and what it costs at list price (price book: Nova Pro us-east-1; us. Sonnet 4.5).
NOVA_DAY = {"input": 200_000, "read": 900_000, "write": 100_000, "output": 50_000}
SONNET_DAY = {"input": 100_000, "read": 2_000_000, "write": 400_000, "output": 30_000}
NOVA_USD = {"input": "0.16", "read": "0.18", "write": "0", "output": "0.16"}  # 0.80, 0.20, 0, 3.20 a million
SONNET_USD = {"input": "0.33", "read": "0.66", "write": "1.65", "output": "0.495"}  # 3.30, 0.33, 4.125, 16.50


def _call(day, model, tokens, **more):
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    given = {"region": "us-east-1", "endpoint": "aws", "scope": "us" if model == SONNET else ""}
    call = CallRecord(
        at=at, model=model, operation="Converse", input=tokens["input"], output=tokens["output"],
        cache_read=tokens["read"], cache_write_5m=tokens["write"], **{**given, **more},
    )  # fmt: skip
    return priced(call, load_catalog())


def _ledger(folder, calls):
    writer = LedgerWriter(folder)
    for call in calls:
        writer.record(call)
    writer.close()
    return folder


def _calls(day, model, tokens, **more):
    """The tokens of a day in twenty calls, each below the long-context price."""
    return [_call(day, model, {kind: count // 20 for kind, count in tokens.items()}, **more) for _ in range(20)]


def _whole_calls(days=DAYS):
    pairs = ((NOVA, NOVA_DAY), (SONNET, SONNET_DAY))
    return [call for day in days for pair in pairs for call in _calls(day, *pair)]


@pytest.fixture
def ledger(tmp_path):
    return _ledger(tmp_path / "ledger", _whole_calls())


_NOVA_TYPES = {
    "input": "USE1-NovaPro-input-tokens", "output": "USE1-NovaPro-output-tokens",
    "read": "USE1-NovaPro-cache-read-input-token-count", "write": "USE1-NovaPro-cache-write-input-token-count",
}  # fmt: skip
_SONNET_TYPES = {
    "input": "USE1-MP:USE1_InputTokenCount-Units", "output": "USE1-MP:USE1_OutputTokenCount-Units",
    "read": "USE1-MP:USE1_CacheReadInputTokenCount-Units", "write": "USE1-MP:USE1_CacheWriteInputTokenCount-Units",
}  # fmt: skip


def _lines(day, model, tokens, usd, **more):
    """The lines of one day as AWS words them: Nova in thousands, the Marketplace in millions."""
    types, unit, product = (_NOVA_TYPES, 1000, "AmazonBedrock") if model == NOVA else (_SONNET_TYPES, 10**6, EDITION)
    for kind, count in tokens.items():
        yield BillLine(day, types[kind], product, Decimal(count) / unit, "", Decimal(usd[kind]), **more)


def _whole_bill(days=DAYS):
    return [
        line
        for day in days
        for line in (*_lines(day, NOVA, NOVA_DAY, NOVA_USD), *_lines(day, SONNET, SONNET_DAY, SONNET_USD))
    ]


def _rows(lines, spelled):
    for number, line in enumerate(lines):
        yield {
            spelled("identity", "LineItemId"): f"id{number}",
            spelled("lineItem", "LineItemType"): line.kind,
            spelled("lineItem", "UsageStartDate"): f"{line.day}T00:00:00Z",
            spelled("lineItem", "ProductCode"): line.product if line.product == "AmazonBedrock" else "5q7b3example",
            spelled("lineItem", "UsageType"): line.usage_type,
            spelled("lineItem", "UsageAmount"): str(line.amount),
            spelled("lineItem", "CurrencyCode"): "USD",
            spelled("lineItem", "UsageAccountId"): line.account or "111122223333",
            spelled("lineItem", "UnblendedCost"): str(line.usd),
            spelled("pricing", "unit"): "1K tokens" if line.product == "AmazonBedrock" else "Units",
            spelled("product", "ProductName"): line.product,
        }


def _legacy(group, name):
    return f"{group}/{name}"


def _cur2(group, name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", f"{group}_{name}").lower()


def _csv_text(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _legacy_gz(folder, lines):
    path = folder / "report-00001.csv.gz"
    path.write_bytes(gzip.compress(_csv_text(list(_rows(lines, _legacy))).encode()))
    return path


def _legacy_zip(folder, lines):
    path = folder / "report.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("report.csv", _csv_text(list(_rows(lines, _legacy))))
    return path


def _cur2_csv(folder, lines):
    rows = list(_rows(lines, _cur2))
    for row in rows:
        row["product"] = json.dumps({"product_name": row.pop("product_product_name")})
    path = folder / "cur2.csv"
    path.write_text(_csv_text(rows), encoding="utf-8")
    return path


def _cur2_parquet(folder, lines):
    import pyarrow
    import pyarrow.parquet

    rows = list(_rows(lines, _cur2))
    for row in rows:
        row["product"] = [("product_name", row.pop("product_product_name"))]
        day = date.fromisoformat(row["line_item_usage_start_date"][:10])
        row["line_item_usage_start_date"] = datetime(day.year, day.month, day.day)
        row["line_item_usage_amount"] = float(row["line_item_usage_amount"])
        row["line_item_unblended_cost"] = float(row["line_item_unblended_cost"])
    product = pyarrow.map_(pyarrow.string(), pyarrow.string())
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    arrays = {name: pyarrow.array(column, product if name == "product" else None) for name, column in columns.items()}
    below = folder / "BILLING_PERIOD=2026-11"
    below.mkdir()
    (below / "Manifest.json").write_text("{}", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.table(arrays), below / "part-0.snappy.parquet")
    return folder


@pytest.mark.parametrize("write", [_legacy_gz, _legacy_zip, _cur2_csv, _cur2_parquet])
def test_a_bill_that_is_the_ledger_agrees_in_every_format(ledger, tmp_path, capsys, write):
    """Legacy and CUR 2.0, CSV, gzip, zip and Parquet; doubles of Parquet are read as their shortest text."""
    folder = tmp_path / "bill"
    folder.mkdir()
    bill = write(folder, _whole_bill())
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(bill)]) == Exit.OK
    text = capsys.readouterr().out
    assert "6 of 6 days and models agree within 1%" in text
    assert "dollars: ledger 10.9050, CUR 10.9050, +0.0000" in text  # 3 x (0.50 + 3.135)


def test_what_several_gateways_shipped_is_held_against_one_bill(tmp_path, capsys):
    """Every other call in the ledger of another machine: the same days, models and dollars."""
    calls = _whole_calls()
    for name, share in (("a", calls[::2]), ("b", calls[1::2])):
        folder = _ledger(tmp_path / name, share)
        assert main(["ledger", "ship", str(tmp_path / "to"), "--ledger", str(folder)]) == Exit.OK
    bill = _legacy_gz(tmp_path, _whole_bill())
    assert main(["reconcile", "--ledger", str(tmp_path / "to"), "--cur", str(bill)]) == Exit.OK
    text = capsys.readouterr().out
    assert "6 of 6 days and models agree within 1%" in text
    assert "dollars: ledger 10.9050, CUR 10.9050, +0.0000" in text


def _explorer_json(folder, lines):
    results = [
        {
            "TimePeriod": {"Start": str(day), "End": str(day)},
            "Groups": [
                {
                    "Keys": ["Amazon Bedrock" if line.product == "AmazonBedrock" else line.product, line.usage_type],
                    "Metrics": {
                        "UnblendedCost": {"Amount": str(line.usd), "Unit": "USD"},
                        "UsageQuantity": {"Amount": str(line.amount), "Unit": "N/A"},
                    },
                }
                for line in lines
                if line.day == day
            ],
        }
        for day in DAYS
    ]
    path = folder / "ce.json"
    path.write_text(json.dumps({"ResultsByTime": results}), encoding="utf-8")
    return path


def test_a_cost_explorer_reply_agrees(ledger, tmp_path, capsys):
    """GetCostAndUsage by service and usage type."""
    bill = _explorer_json(tmp_path, _whole_bill())
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(bill), "--json"]) == Exit.OK
    (told,) = json.loads(capsys.readouterr().out)
    assert told["agrees"]
    assert {row["theirs"]["tokens"]["read"] for row in told["rows"]} == {900_000, 2_000_000}


def test_the_csv_of_the_cost_explorer_page_has_dollars_only(tmp_path, capsys):
    """Only dollars are compared then; totals are passed over. Marketplace columns name no model: said, not guessed."""
    ledger = _ledger(tmp_path / "ledger", [_call(DAYS[0], NOVA, NOVA_DAY)])
    head = ["Usage type", *(f"{_NOVA_TYPES[kind]}($)" for kind in NOVA_DAY), "Total costs($)"]
    amounts = [NOVA_USD[kind] for kind in NOVA_DAY]
    path = tmp_path / "costs.csv"
    text = io.StringIO()
    csv.writer(text).writerows([head, ["Usage type total", *amounts, "0.5"], [str(DAYS[0]), *amounts, "0.5"]])
    path.write_text(text.getvalue(), encoding="utf-8")
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.OK
    path.write_text(f'"Usage type","{_SONNET_TYPES["input"]}($)"\n"{DAYS[0]}","0.33"\n', encoding="utf-8")
    assert main(["reconcile", "--ledger", str(ledger), "--cost-explorer", str(path)]) == Exit.VERDICT
    assert "no model is known for 1 usage type, $0.3300" in capsys.readouterr().out


def test_a_bill_without_a_line_is_empty_and_no_account_is_blamed(tmp_path, ledger, capsys):
    """Only its columns are there; or lines of another account than the one asked for."""
    path = tmp_path / "cur.csv"
    head = _csv_text(list(_rows(_whole_bill(), _legacy))).splitlines()[0]
    path.write_text(f"{head}\n", encoding="utf-8")
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(path)]) == 2
    assert f"{path} has no line: the export is empty." in " ".join(capsys.readouterr().err.split())
    bill = [replace(line, account="111122223333") for line in _whole_bill()]
    path.write_text(_csv_text(list(_rows(bill, _legacy))), encoding="utf-8")
    arguments = ["reconcile", "--ledger", str(ledger), "--cur", str(path), "--account"]
    assert main([*arguments, "444455556666"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "has no line of account 444455556666; it has lines of 111122223333." in said
    assert main([*arguments, "111122223333"]) == Exit.OK


def _reasons(ledger, lines, day=None, model=SONNET, today=TODAY, tolerance="0.01"):
    ours = ledger_book(ledger)
    theirs = billed_book("CUR", lines, load_catalog())
    found = compared(ours, theirs, load_catalog(), Decimal(tolerance), today)
    row = next(row for row in found.rows if (row.day, row.model) == (day or DAYS[1], model))
    return [reason.code for reason in row.reasons], row, found


def _more(factor, day=DAYS[1], **more):
    tokens = {kind: int(count * factor) for kind, count in SONNET_DAY.items()}
    usd = {kind: Decimal(amount) * Decimal(str(factor)) for kind, amount in SONNET_USD.items()}
    return [line for line in _whole_bill() if line.day != day or line.product != EDITION] + list(
        _lines(day, SONNET, tokens, usd, **more)
    )


def test_calls_that_did_not_go_through_the_client(ledger):
    """The bill has half as much again, and names who spent it."""
    codes, row, _ = _reasons(ledger, _more(1.5, principal="arn:aws:iam::111122223333:role/notebook"))
    assert codes == ["not-through-client"]
    assert "role/notebook" in row.reasons[0].says
    assert row.tokens("read") == 1_000_000
    assert row.more_usd == Decimal("1.5675")  # half of 3.135


def test_a_model_that_the_ledger_never_saw(ledger):
    """All of it is other people's."""
    lines = [
        *_whole_bill(),
        BillLine(DAYS[1], "USE1-NovaLite-input-tokens", "AmazonBedrock", Decimal(1000), "", Decimal("0.06")),
    ]
    codes, row, _ = _reasons(ledger, lines, model="amazon.nova-lite-v1:0")
    assert codes == ["not-through-client"]
    assert row.ours is None


def test_batch_tokens_are_told_from_calls(ledger):
    """Lines of the batch tier."""
    batch = BillLine(DAYS[1], "USE1-MP:USE1_InputTokenCount_Batch-Units", EDITION, Decimal("3"), "", Decimal("4.95"))
    codes, row, _ = _reasons(ledger, [*_whole_bill(), batch])
    assert codes[0] == "batch"
    assert "3,000,000 tokens" in row.reasons[0].says


def test_another_region_is_named(ledger):
    """Billed in two Regions, called in one."""
    other = BillLine(DAYS[1], "USW2-MP:USW2_InputTokenCount-Units", EDITION, Decimal("1"), "", Decimal("3.3"))
    codes, row, _ = _reasons(ledger, [*_whole_bill(), other])
    assert "region" in codes
    assert "us-west-2" in row.reasons[codes.index("region")].says


def test_the_same_calls_on_another_day(ledger):
    """What one day lacks the next has: midnight."""
    lines = [*_more(0.8), *_lines(DAYS[2], SONNET, {k: v // 5 for k, v in SONNET_DAY.items()},
                                  {k: Decimal(v) / 5 for k, v in SONNET_USD.items()})]  # fmt: skip
    codes, _, _ = _reasons(ledger, lines)
    assert codes[0] == "day-boundary"


def test_the_end_of_a_bill_is_not_complete(ledger):
    """The last day of the export, with less than was called."""
    codes, _, _ = _reasons(ledger, _more(0.5, day=DAYS[2]), day=DAYS[2])
    assert codes == ["not-yet-billed"]


def test_before_the_ledger_began(tmp_path):
    """The bill knows an earlier day."""
    ledger = _ledger(tmp_path / "ledger", _whole_calls(DAYS[1:]))
    codes, _, _ = _reasons(ledger, _whole_bill(), day=DAYS[0])
    assert codes[0] == "before-ledger"


def test_calls_that_the_ledger_lost(ledger):
    """As its notes say."""
    note(ledger, {"at": datetime(2026, 11, 6, tzinfo=UTC).timestamp(), "dropped": 40})
    codes, row, _ = _reasons(ledger, _more(1.2))
    assert "ledger-lost" in codes
    assert "40 calls" in row.reasons[codes.index("ledger-lost")].says


def test_calls_that_ended_without_usage(tmp_path):
    """A stream that was cut is billed and says nothing."""
    calls = [*_whole_calls(), _call(DAYS[1], SONNET, dict.fromkeys(SONNET_DAY, 0), status="no usage")]
    codes, _, _ = _reasons(_ledger(tmp_path / "ledger", calls), _more(1.1))
    assert "no-usage" in codes


def test_more_in_the_ledger_than_was_billed(ledger):
    """In the middle of a bill."""
    codes, _, _ = _reasons(ledger, _more(0.5))
    assert codes == ["more-in-ledger"]


def test_an_unknown_price(tmp_path):
    """Tokens agree; the ledger has no dollars."""
    calls = [call for call in _whole_calls() if call.model == NOVA]
    sonnet = _calls(DAYS[1], SONNET, SONNET_DAY)
    free = [msgspec.structs.replace(one, cost_usd=None, uncached_usd=None) for one in sonnet]
    codes, _, _ = _reasons(_ledger(tmp_path / "ledger", [*calls, *free]), _whole_bill())
    assert codes[0] == "unpriced"


def test_a_contested_price_is_recognised(ledger):
    """Nova's cache writes are free on AWS's list; some say 1.25 times the input price. The bill decides."""
    usd = {**NOVA_USD, "write": "0.1"}  # 100,000 at 1.00 a million
    lines = [line for line in _whole_bill() if line.day != DAYS[1] or line.product == EDITION]
    codes, row, _ = _reasons(ledger, [*lines, *_lines(DAYS[1], NOVA, NOVA_DAY, usd)], model=NOVA)
    assert codes[0] == "contested-price"
    assert "write is billed at $1" in row.reasons[0].says


def test_a_discount_is_the_same_on_every_day(ledger):
    """Six rows, each at 90% of the list."""
    lines = [BillLine(one.day, one.usage_type, one.product, one.amount, one.unit, one.usd * Decimal("0.9"))
             for one in _whole_bill()]  # fmt: skip
    codes, row, found = _reasons(ledger, lines)
    assert codes[0] == "discount"
    assert "90.0%" in row.reasons[0].says
    assert not any(one.agrees for one in found.rows)


def test_another_price_is_worked_out_from_the_bill(ledger):
    """One day, one kind: what was paid for a million tokens is said."""
    usd = {**SONNET_USD, "write": "1.2"}  # 400,000 at 3.00
    lines = [line for line in _whole_bill() if line.day != DAYS[1] or line.product != EDITION]
    codes, row, _ = _reasons(ledger, [*lines, *_lines(DAYS[1], SONNET, SONNET_DAY, usd)])
    assert codes == ["price"]
    assert "write $3" in row.reasons[0].says


def test_tax_and_credits_are_not_compared(ledger):
    """They are no usage."""
    lines = [*_whole_bill(), *(_lines(DAYS[1], SONNET, {"input": 0}, {"input": "1.23"}, kind="Tax"))]
    _, row, found = _reasons(ledger, lines)
    assert row.agrees
    assert found.theirs.adjustments == {"Tax": Decimal("1.23")}


def test_a_line_that_comes_twice_counts_once(ledger):
    """Two files of one report that overlap."""
    one = next(iter(_lines(DAYS[1], SONNET, SONNET_DAY, SONNET_USD, identity="x")))
    book = billed_book("CUR", [one, one], load_catalog())
    assert book.of((DAYS[1], SONNET)).tokens["input"] == 100_000
    assert "twice" in book.notes[0]


def test_local_calls_are_left_out(tmp_path, capsys):
    """They were never billed."""
    ledger = _ledger(tmp_path / "ledger", [*_whole_calls(), _call(DAYS[1], SONNET, SONNET_DAY, endpoint="local")])
    bill = tmp_path / "bill"
    bill.mkdir()
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(_legacy_gz(bill, _whole_bill()))]) == Exit.OK
    assert "left out: 1 call to a local endpoint" in capsys.readouterr().out


def test_the_page_has_the_sums_of_the_screen_and_every_row(ledger, tmp_path, capsys):
    """A day that was billed a tenth more differs and stands open; the other five rows are folded."""
    bill, page = tmp_path / "bill", tmp_path / "page.html"
    bill.mkdir()
    lines = [
        replace(line, amount=line.amount * Decimal("1.1"), usd=line.usd * Decimal("1.1"))
        if line.day == DAYS[1] and "NovaPro-input" in line.usage_type else line
        for line in _whole_bill()
    ]  # fmt: skip
    path = str(_legacy_gz(bill, lines))
    assert main(["reconcile", "--ledger", str(ledger), "--cur", path, "--html", str(page)]) == Exit.VERDICT
    screen, text = capsys.readouterr().out.splitlines(), page.read_text(encoding="utf-8")
    assert screen[1] == "5 of 6 days and models agree within 1%"
    assert f"<h1>{screen[1]}: {screen[0]}</h1>" in text
    assert f"<p>{screen[2]}</p>" in text  # the dollars of both sides
    assert (text.count("<details open>"), text.count("<details>")) == (1, 5)
    assert "220,000" in text  # 200,000 in the ledger, a tenth more on the bill


def test_nothing_compared_is_no_agreement(ledger, tmp_path, capsys):
    """A gate that looked at the wrong days must not pass."""
    bill = tmp_path / "bill"
    bill.mkdir()
    argv = ["reconcile", "--ledger", str(ledger), "--cur", str(_legacy_gz(bill, _whole_bill()))]
    assert main([*argv, "--since", "2031-01-01", "--until", "2031-01-02"]) == Exit.VERDICT
    assert "nothing to compare" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("usage_type", "expected"),
    [
        # Spellings as the price list has them.
        ("USE1-NovaPro-input-tokens-flex", ("NovaPro", Unit.INPUT, False, Tier.FLEX, "us-east-1", 1000)),
        ("USE1-Nova2.0Lite-cache-write-input-token-count", ("Nova2.0Lite", Unit.CACHE_WRITE_5M, False, Tier.DEFAULT, "us-east-1", 1000)),  # noqa: E501
        ("USW2-Claude4Sonnet-input-tokens-cross-region-global-batch", ("Claude4Sonnet", Unit.INPUT, True, Tier.BATCH, "us-west-2", 1000)),  # noqa: E501
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", ("", Unit.CACHE_WRITE_1H, True, Tier.DEFAULT, "us-east-1", 10**6)),  # noqa: E501
        ("APN1-MP:APN1_cache_write_tokens_1h_standard-Units", ("", Unit.CACHE_WRITE_1H, False, Tier.DEFAULT, "ap-northeast-1", 10**6)),  # noqa: E501
        ("APN1-MP:APN1_cache_write_tokens_standard-Units", ("", Unit.CACHE_WRITE_5M, False, Tier.DEFAULT, "ap-northeast-1", 10**6)),  # noqa: E501
        ("USE1-MP:USE1_output_tokens_global_standard-Units", ("", Unit.OUTPUT, True, Tier.DEFAULT, "us-east-1", 10**6)),
    ],
)  # fmt: skip
def test_a_usage_type_says_what_it_is_about(usage_type, expected):
    """Both grammars."""
    said = meaning(usage_type)
    assert (said.model, said.unit, said.is_global, said.tier, said.region, said.tokens_per_unit) == expected


@pytest.mark.parametrize(
    "usage_type",
    [
        "USE1-BoxUsage:m5.large", "USE1-MP:USE1_InputImageCount-Units", "USE1-NovaSonic-speech-input-tokens",
        "USE1-MP:USE1_Reserved_1Month_TPM_InputTokens-Units", "USE1-CW:GMD-Metrics", "",
    ],
)  # fmt: skip
def test_what_is_not_about_tokens_of_calls_is_left_out(usage_type):
    """Other products, images, reserved capacity."""
    assert meaning(usage_type) is None


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("NovaPro", NOVA), ("Nova2.0Lite", "amazon.nova-2-lite-v1:0"), ("NovaLite", "amazon.nova-lite-v1:0"),
        ("Claude4.6Sonnet", "anthropic.claude-sonnet-4-6"),
        ("Claude4Sonnet", "anthropic.claude-sonnet-4-20250514-v1:0"),
        ("Claude Opus 4.6 (Amazon Bedrock Edition)", "anthropic.claude-opus-4-6-v1"), (EDITION, SONNET),
        ("Claude 3.7 Sonnet (Amazon Bedrock Edition)", "anthropic.claude-3-7-sonnet-20250219-v1:0"),
        ("Somebody Else's Model", None), ("", None),
    ],
)  # fmt: skip
def test_a_name_on_a_bill_means_one_model(name, model):
    """Words and versions in any order, or none."""
    assert ListNames(load_catalog().models.values()).model(name) == model


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("1K tokens", 1000), ("1M tokens", 10**6), ("Units", None), ("", None),
        ("Units AWS Marketplace software usage|us-east-1|thousand Cache Read Input Tokens Regional", 1000),
        ("AWS Marketplace software usage|us-east-1|Million Input Tokens Global", 10**6),
    ],
)  # fmt: skip
def test_the_unit_is_taken_from_the_line_where_it_says_one(said, count):
    """Else from the grammar."""
    assert tokens_per_unit(said) == count


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("bill.csv", "a,b\n1,2\n", "it has no line_item_usage_start_date"),
        ("bill.csv", "", "is not a bill"),
        ("ce.json", '{"Results": []}', "not a reply of GetCostAndUsage"),
        ("bill.zip", "no zip", "not a zip file"),
        ("bill.csv.gz", "no gzip", "Not a gzipped file"),
        (
            "bill.csv",
            "lineItem/UsageStartDate,lineItem/UsageType,lineItem/UnblendedCost,lineItem/CurrencyCode\n"
            "2026-11-03T00:00:00Z,USE1-NovaPro-input-tokens,1,EUR\n",
            "row 2: the bill is in EUR",
        ),
    ],
)
def test_a_file_that_is_no_bill_is_one_message(ledger, tmp_path, capsys, name, text, says):
    """And the next thing to do."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    option = "--cost-explorer" if name == "ce.json" else "--cur"
    assert main(["reconcile", "--ledger", str(ledger), option, str(path)]) == Exit.USAGE
    assert says in capsys.readouterr().err


def test_a_bill_of_many_accounts_is_read_for_one(ledger, tmp_path, capsys):
    """A payer's report holds everybody's lines."""
    other = [BillLine(one.day, one.usage_type, one.product, one.amount, "", one.usd, account="444455556666")
             for one in _whole_bill()]  # fmt: skip
    argv = ["reconcile", "--ledger", str(ledger), "--cur", str(_legacy_gz(tmp_path, [*_whole_bill(), *other]))]
    assert main(argv) == Exit.VERDICT
    assert main([*argv, "--account", "111122223333"]) == Exit.OK


def test_without_credentials_it_is_one_message(ledger, capsys, monkeypatch):
    """With what to do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert _cloudwatch(ledger, "--yes", "--region", "us-east-1") == Exit.SERVICE
    assert capsys.readouterr().err.splitlines() == [
        "rockbottom: AWS: Unable to locate credentials",
        "  give --profile NAME, or credentials in the environment",
    ]


def test_without_anything_to_compare_with_it_asks_what(ledger, capsys):
    """Three answers."""
    assert main(["reconcile", "--ledger", str(ledger)]) == Exit.USAGE
    assert "--cloudwatch, --cur PATH or --cost-explorer FILE" in capsys.readouterr().err


def _counted(model, day, tokens, namespace="AWS/Bedrock"):
    names = {"input": "InputTokenCount", "read": "CacheReadInputTokens", "write": "CacheWriteInputTokens",
             "output": "OutputTokenCount", "calls": "Invocations"}  # fmt: skip
    boto3.client("cloudwatch", region_name="us-east-1").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": names[kind],
                "Dimensions": [{"Name": "ModelId", "Value": model}],
                "Timestamp": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                "Value": float(count),
            }
            for kind, count in tokens.items()
        ],
    )


def _cloudwatch(ledger, *more):
    span = ("--since", str(DAYS[0]), "--until", str(DAYS[-1]))
    return main(["reconcile", "--ledger", str(ledger), "--cloudwatch", *span, *more])


def test_cloudwatch_is_asked_for_awss_own_metrics_by_the_day(aws, ledger, capsys):
    """What is sent, because moto answers without looking at the namespace; profile ids are told to their model."""
    for day in DAYS:
        _counted(NOVA, day, {**NOVA_DAY, "calls": 1})
        _counted(f"us.{SONNET}", day, {**SONNET_DAY, "calls": 1})
    aws.clear()
    assert _cloudwatch(ledger, "--yes") == Exit.OK
    captured = capsys.readouterr()
    assert "6 of 6 days and models agree" in captured.out
    assert "GetMetricData for 10 metrics: about $0.0001 at list price" in captured.err
    assert aws.writes == []
    (request,) = aws.of("GetMetricData")
    assert request["StartTime"].startswith("2026-11-03 00:00:00+00:00")
    assert request["EndTime"].startswith("2026-11-06 00:00:00+00:00")
    stats = [query["MetricStat"] for query in request["MetricDataQueries"]]
    named = {(one["Metric"]["Namespace"], one["Period"], one["Stat"]) for one in stats}
    assert named == {("AWS/Bedrock", 86400, "Sum")}
    # Names: Amazon Bedrock user guide. CacheReadInputTokenCount is a field of the logs, and no metric.
    assert {one["Metric"]["MetricName"] for one in stats} == {
        "InputTokenCount", "OutputTokenCount", "CacheReadInputTokens", "CacheWriteInputTokens", "Invocations",
    }  # fmt: skip


def test_cloudwatch_costs_and_waits_for_consent(aws, ledger, capsys):
    """Nobody at the terminal and no --yes: it is not asked."""
    _counted(NOVA, DAYS[0], NOVA_DAY)
    aws.clear()
    assert _cloudwatch(ledger) == Exit.USAGE
    assert aws.of("GetMetricData") == []
    assert "--yes" in capsys.readouterr().err


def test_calls_that_cloudwatch_has_and_the_ledger_has_not_are_counted(aws, tmp_path, capsys):
    """With how many they are; and a profile that nobody knows says how to name it."""
    ledger = _ledger(tmp_path / "ledger", [_call(DAYS[0], NOVA, NOVA_DAY)])
    arn = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123"
    _counted(NOVA, DAYS[0], {**{kind: 3 * count for kind, count in NOVA_DAY.items()}, "calls": 3})
    _counted(arn, DAYS[0], {**SONNET_DAY, "calls": 1})
    assert _cloudwatch(ledger, "--yes", "--json") == Exit.VERDICT
    (told,) = json.loads(capsys.readouterr().out)
    rows = {row["model"]: row for row in told["rows"]}
    assert rows[NOVA]["reasons"][-1]["says"].startswith("2 calls not in the ledger")
    assert rows[arn]["reasons"][0]["code"] == "profile"
    assert _cloudwatch(ledger, "--yes", "--json", "--behind", f"{arn}=us.{SONNET}") == Exit.VERDICT
    (told,) = json.loads(capsys.readouterr().out)
    assert SONNET in {row["model"] for row in told["rows"]}


def test_a_region_that_was_not_read_is_named(aws, tmp_path, capsys):
    """The ledger called two Regions, one was asked."""
    calls = [_call(DAYS[0], NOVA, NOVA_DAY), _call(DAYS[0], NOVA, NOVA_DAY, region="eu-west-1")]
    _counted(NOVA, DAYS[0], {**NOVA_DAY, "calls": 1})
    assert _cloudwatch(_ledger(tmp_path / "ledger", calls), "--yes") == Exit.VERDICT
    assert "region-not-read: calls went to eu-west-1" in capsys.readouterr().out


def test_models_that_cloudwatch_no_longer_lists_are_asked_about_all_the_same(aws, ledger):
    """ListMetrics forgets after two weeks; the ledger knows how they were called."""
    aws.clear()
    assert _cloudwatch(ledger, "--yes") == Exit.VERDICT
    (request,) = aws.of("GetMetricData")
    asked = {query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in request["MetricDataQueries"]}
    assert asked == {NOVA, f"us.{SONNET}"}


def test_more_than_500_metrics_are_asked_for_in_several_requests(aws):
    """GetMetricData takes 500 queries; 110 models have 550 metrics."""
    client = boto3.client("cloudwatch", region_name="us-east-1")
    asked = MetricsQuestion("us-east-1", tuple(f"model-{number}" for number in range(110)), DAYS[0], DAYS[1])
    assert asked.usd == Decimal("0.0055")
    native_book([(client, asked)], load_catalog())
    assert [len(request["MetricDataQueries"]) for request in aws.of("GetMetricData")] == [500, 50]


def test_a_side_that_counts_cached_tokens_as_input_is_recognised(aws, ledger, capsys):
    """Everything else agrees."""
    whole = NOVA_DAY["input"] + NOVA_DAY["read"] + NOVA_DAY["write"]
    for day in DAYS:
        _counted(NOVA, day, {**NOVA_DAY, "input": whole, "calls": 20})
        _counted(f"us.{SONNET}", day, {**SONNET_DAY, "calls": 20})
    assert _cloudwatch(ledger, "--yes", "--json") == Exit.VERDICT
    (told,) = json.loads(capsys.readouterr().out)
    wrong = [row for row in told["rows"] if not row["agrees"]]
    assert {row["model"] for row in wrong} == {NOVA}
    assert {row["reasons"][0]["code"] for row in wrong} == {"input-inclusive"}


def test_a_bill_line_of_another_service_is_nothing(tmp_path):
    """A whole account's report is read, and only Bedrock's tokens count."""
    other = [BillLine(DAYS[0], "USE1-BoxUsage:m5.large", "AmazonEC2", Decimal(24), "Hrs", Decimal("2.3"))]
    path = tmp_path / "cur.csv"
    path.write_text(_csv_text(list(_rows(other, _legacy))), encoding="utf-8")
    assert len(list(bill_lines(path))) == 1
    assert billed_book("CUR", bill_lines(path), load_catalog()).entries == {}


LUNA = "openai.gpt-5.6-luna"
LUNA_DAY = {"input": 40_000, "read": 300_000, "write": 60_000, "output": 8_000}


def _counted_on_mantle(day, counts, project="default", model=LUNA):
    """AWS/BedrockMantle by project and model; cached tokens are in no metric (user guide, monitoring of mantle)."""
    names = {"input": "InputTokens", "output": "OutputTokens", "calls": "Inferences"}
    boto3.client("cloudwatch", region_name="us-east-1").put_metric_data(
        Namespace="AWS/BedrockMantle",
        MetricData=[
            {
                "MetricName": names[kind],
                "Dimensions": [{"Name": "Project", "Value": project}, {"Name": "Model", "Value": model}],
                "Timestamp": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                "Value": float(count),
            }
            for kind, count in counts.items()
        ],
    )


@pytest.mark.parametrize(
    ("counted", "agrees"),
    [
        ({"input": 40_000, "output": 8_000}, True),  # cached tokens are in no metric
        ({"input": 400_000, "output": 8_000}, True),  # or in the input: 40,000 + 300,000 + 60,000
        ({"input": 36_000, "output": 8_000}, False),
        ({"input": 440_000, "output": 8_000}, False),
        ({"input": 40_000, "output": 9_000}, False),
    ],
)
def test_bedrock_mantle_agrees_where_its_metrics_can_mean_the_same(aws, tmp_path, capsys, counted, agrees):
    """Two projects add up; what AWS does not say is said."""
    calls = [_call(DAYS[0], LUNA, LUNA_DAY, host="bedrock-mantle")]
    first = {kind: count // 4 for kind, count in counted.items()}
    _counted_on_mantle(DAYS[0], {**first, "calls": 1}, "proj_shop")
    _counted_on_mantle(DAYS[0], {**{kind: counted[kind] - first[kind] for kind in counted}, "calls": 2})
    found = _cloudwatch(_ledger(tmp_path / "ledger", calls), "--yes", "--json")
    (told,) = json.loads(capsys.readouterr().out)
    (row,) = told["rows"]
    assert (row["agrees"], found == Exit.OK) == (agrees, agrees)
    assert row["theirs"]["calls"] == 3
    assert any("AWS does not say whether its input counts them" in note for note in told["notes"])
    reasons = {reason["code"]: reason["says"] for reason in row["reasons"]}
    if not agrees:
        assert reasons["projects"].endswith("2 in default, 1 in proj_shop")


def test_bedrock_mantle_is_asked_for_by_project_and_model(aws, ledger):
    """Three metrics for each, and their cost is known before: 13 metrics are 10 of two models and 3 of one project."""
    for model in (NOVA, f"us.{SONNET}"):
        _counted(model, DAYS[0], {"calls": 1})
    _counted_on_mantle(DAYS[0], {"calls": 1}, "proj_shop")
    aws.clear()
    _cloudwatch(ledger, "--yes")
    (request,) = aws.of("GetMetricData")
    stats = [query["MetricStat"]["Metric"] for query in request["MetricDataQueries"]]
    mantle = [one for one in stats if one["Namespace"] == "AWS/BedrockMantle"]
    assert len(stats) == 13
    assert {one["MetricName"] for one in mantle} == {"InputTokens", "OutputTokens", "Inferences"}
    assert {tuple((one["Name"], one["Value"]) for one in metric["Dimensions"]) for metric in mantle} == {
        (("Project", "proj_shop"), ("Model", LUNA))
    }


def test_lines_of_bedrock_mantle_and_of_the_marketplace_are_one_model(tmp_path, capsys):
    """Luna by both hosts, $0.04246 each: input at 0.22, read at 0.022, written at 0.275, output at 1.32 a million."""
    day = date(2026, 11, 29)
    calls = [
        call
        for scope, host in (("us", ""), ("", "bedrock-mantle"))
        for call in _calls(day, LUNA, {**LUNA_DAY, "write": 0}, cache_write_30m=3_000, scope=scope, host=host)
    ]
    kinds = {
        "input": ("input-tokens", "input_tokens", "0.0088"),
        "read": ("cache-read-tokens", "cache_read_tokens", "0.0066"),
        "write": ("cache-write-tokens-30m", "cache_write_tokens_30m", "0.0165"),
        "output": ("output-tokens", "output_tokens", "0.01056"),
    }
    edition = "GPT-5.6 Luna (Amazon Bedrock Edition)"
    bill = [
        line
        for kind, (native, market, usd) in kinds.items()
        for line in (
            BillLine(day, f"USE1-{LUNA}-mantle-{native}-standard", "AmazonBedrock", Decimal(LUNA_DAY[kind]) / 1000, "",
                     Decimal(usd)),
            BillLine(day, f"USE1-MP:USE1_{market}_standard-Units", edition, Decimal(LUNA_DAY[kind]) / 10**6, "",
                     Decimal(usd)),
        )
    ]  # fmt: skip
    path = tmp_path / "cur.csv"
    path.write_text(_csv_text(list(_rows(bill, _legacy))), encoding="utf-8")
    ledger = _ledger(tmp_path / "ledger", calls)
    assert main(["reconcile", "--ledger", str(ledger), "--cur", str(path), "--json"]) == Exit.OK
    (told,) = json.loads(capsys.readouterr().out)
    (row,) = told["rows"]
    assert row["theirs"]["tokens"] == {kind: 2 * count for kind, count in LUNA_DAY.items()}
    assert row["ledger"]["tokens"] == row["theirs"]["tokens"]
    assert Decimal(str(row["ledger"]["usd"])) == Decimal(str(row["theirs"]["usd"])) == Decimal("0.08492")
    assert told["unmatched"] == {}
