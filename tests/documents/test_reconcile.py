"""The JSON of reconcile: members, their order and the spelling of every number.

``recorded/reconcile.json`` is what the command printed when it still put its JSON together member by member, on the
ledger and the bill made here: a model that agrees, one billed half as much again, a line of no model, and a tax.
"""

import csv
from datetime import UTC, datetime
from pathlib import Path

from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.ledger import CallRecord, LedgerWriter

RECORDED = Path(__file__).parent / "recorded" / "reconcile.json"
NOVA = "amazon.nova-pro-v1:0"
DAY = "2026-11-04"
AT = datetime(2026, 11, 4, 12, tzinfo=UTC).timestamp()
HEAD = [
    "line_item_usage_start_date", "line_item_usage_type", "product_product_name", "line_item_usage_amount",
    "pricing_unit", "line_item_unblended_cost", "line_item_line_item_type", "line_item_product_code",
]  # fmt: skip


def _line(day, usage_type, amount, usd, kind="Usage"):
    return [f"{day} 00:00:00", usage_type, "Amazon Bedrock", amount, "1K tokens", usd, kind, "AmazonBedrock"]


LINES = [
    _line(DAY, "USE1-NovaPro-input-tokens", "300", "0.24"),
    _line(DAY, "USE1-NovaPro-output-tokens", "50", "0.16"),
    _line("2026-11-05", "USE1-NovaPro-input-tokens", "200", "0.16"),
    _line(DAY, "USE1-SomethingNew-widgets", "7", "1.25"),
    _line(DAY, "USE1-NovaPro-input-tokens", "0", "0.5", kind="Tax"),
]


def test_the_json_of_a_comparison_is_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ledger = LedgerWriter(tmp_path / "ledger")
    for day in (0, 86_400):
        ledger.record(
            CallRecord(
                at=AT + day,
                model=NOVA,
                operation="Converse",
                input=200_000,
                output=0 if day else 50_000,
                cost_usd="0.16" if day else "0.32",
                region="us-east-1",
                endpoint="aws",
            )
        )
    ledger.close()
    with Path("bill.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *LINES])
    argv = ["reconcile", "--ledger", "ledger", "--cur", "bill.csv", "--json"]
    assert main(argv) == Exit.VERDICT
    assert capsys.readouterr().out == RECORDED.read_text(encoding="utf-8")
