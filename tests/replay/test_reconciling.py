"""Bills that were observed against what the rules predict, on logs of the local endpoint with planted causes."""

import gzip
import json
from decimal import Decimal

import pytest

boto3 = pytest.importorskip("boto3", reason="needs boto3: pip install 'rockbottom[aws]'")
pytest.importorskip("uvicorn", reason="needs the local endpoint: pip install 'rockbottom[local]'")

from rockbottom.cli import main  # noqa: E402
from rockbottom.local import ClockKind, running  # noqa: E402

SONNET, NOVA = "us.anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0"
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))
POINT = {"cachePoint": {"type": "default"}}
START = 1_790_000_000


class _There:
    region = "us-east-1"

    def region_of(self, number, regions):
        return self.region


@pytest.fixture
def sent(tmp_path):
    """Six turns of one conversation a minute apart, as logged; ``before(turn, endpoint, routing)`` plants."""

    def logged(before=lambda turn, endpoint, routing: None, model=SONNET, marked=lambda turn: True):
        folder = tmp_path / "logs"
        with running(clock=ClockKind.MANUAL, start_at=START, log_dir=folder) as one:
            routing = one.state.router.policy = _There()
            client = boto3.client("bedrock-runtime", endpoint_url=one.url, region_name="us-east-1",
                                  aws_access_key_id="any", aws_secret_access_key="any")  # fmt: skip
            for turn in range(6):
                one.state.clock.advance(60)
                before(turn, one, routing)
                system = [{"text": RULES}, *([POINT] if marked(turn) else [])]
                messages = [{"role": "user", "content": [{"text": f"Question {turn}"}]}]
                client.converse(modelId=model, system=system, messages=messages)
        return _records(folder)

    return logged


def _records(folder) -> list[dict]:
    lines = []
    for file in sorted(folder.rglob("*.gz")) + sorted(folder.rglob("*.json")) + sorted(folder.rglob("*.jsonl")):
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines += [json.loads(line) for line in data.splitlines()]
    return sorted(lines, key=lambda record: record["timestamp"])


@pytest.fixture
def reconciled(tmp_path, capsys):
    """The reconciliation of a log; the differences of its causes add up to that of the bills, to the last digit."""

    def replayed(records: list[dict]) -> dict:
        source = tmp_path / "planted.jsonl"
        source.write_text("\n".join(json.dumps(record) for record in records))
        assert main(["replay", str(source), "--policy", "as_recorded", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["reconciliation"]
        whole = Decimal(found["observed_usd"]) - Decimal(found["predicted_usd"])
        assert sum(Decimal(row["difference_usd"]) for row in found["causes"]) == whole
        return {row["cause"]: row for row in found["causes"]}

    return replayed


def _counters(record: dict, read: int, written: int) -> None:
    """Plant what the service reports, in the record and in its reply."""
    record["input"] |= {"cacheReadInputTokenCount": read, "cacheWriteInputTokenCount": written}
    record["output"]["outputBodyJson"].pop("usage", None)


def _read(record: dict) -> int:
    return record["input"]["cacheReadInputTokenCount"]


def test_clean_traffic_is_as_predicted(sent, reconciled):
    """One write, five reads, and no difference worth a cent."""
    records = sent()
    rows = reconciled(records)
    assert {name: row["requests"] for name, row in rows.items()} == {"as predicted": 6}
    assert abs(Decimal(rows["as predicted"]["difference_usd"])) < Decimal("0.001")


def test_hops_that_the_log_names(sent, reconciled):
    """The third turn is the first in another Region: it writes again, and costs what a write costs above a read."""
    records = sent(lambda turn, endpoint, routing: setattr(routing, "region", "us-west-2" if turn > 1 else "us-east-1"))
    rows = reconciled(records)
    hop = rows.pop("served by another Region")
    assert (hop["requests"], hop["observed_read_tokens"]) == (1, 0)
    assert hop["predicted_read_tokens"] > 4_000
    prefix = hop["predicted_read_tokens"] / 1_000_000
    assert float(hop["difference_usd"]) == pytest.approx(prefix * (4.125 - 0.33), rel=0.05)  # us. profile, 10% above
    assert list(rows) == ["as predicted"]


def test_hops_that_only_the_counters_show(sent, reconciled):
    """The same log without the serving Region: what was live is written again, on a profile that may hop."""
    records = sent(lambda turn, endpoint, routing: setattr(routing, "region", "us-west-2" if turn > 1 else "us-east-1"))
    for record in records:
        record.pop("inferenceRegion", None)
    rows = reconciled(records)
    assert rows["written again though live: by the counters another Region"]["requests"] == 1
    assert rows["as predicted"]["requests"] == 5


def test_an_entry_dropped_early_where_nothing_can_hop(sent, reconciled):
    """An id without a profile stays in its Region: the same counters mean that the entry was dropped."""
    records = sent(lambda turn, endpoint, routing: endpoint.state.memory.clear() if turn == 3 else None, model=NOVA)
    rows = reconciled(records)
    assert rows["written again though live: dropped early"]["requests"] == 1
    assert rows["as predicted"]["requests"] == 5


def test_reads_without_a_point_are_implicit(sent, reconciled):
    """The last two turns carry no cachePoint and read all the same: cheaper than predicted, and named."""
    records = sent(marked=lambda turn: turn < 4)
    for record in records[4:]:
        whole = record["input"]["inputTokenCount"]
        record["input"]["inputTokenCount"] = 20
        _counters(record, whole - 20, 0)
    rows = reconciled(records)
    implicit = rows["read without a cachePoint"]
    assert (implicit["requests"], implicit["predicted_read_tokens"]) == (2, 0)
    assert implicit["observed_read_tokens"] > 8_000
    assert Decimal(implicit["difference_usd"]) < 0


def test_an_entry_older_than_the_log(sent, reconciled):
    """Without its first line the log begins with a read of what nobody in it wrote."""
    rows = reconciled(sent()[1:])
    assert rows["read of an entry older than the log, or of traffic not in it"]["requests"] == 1


def test_parallel_first_requests(sent, reconciled):
    """Two requests of the same second: the second could not read what the first had only begun to write."""
    records = sent()
    records[1]["timestamp"] = records[0]["timestamp"]
    _counters(records[1], 0, _read(records[1]))
    rows = reconciled(records)
    assert rows["written at the same time by a parallel request"]["requests"] == 1


def test_points_that_wrote_nothing(sent, reconciled):
    """A point deep enough, and no token written or read: said as such."""
    records = sent()[:1]
    whole = sum(records[0]["input"][name] for name in ("inputTokenCount", "cacheWriteInputTokenCount"))
    records[0]["input"]["inputTokenCount"] = whole
    _counters(records[0], 0, 0)
    assert reconciled(records)["written less than predicted"]["requests"] == 1


def test_the_report_leads_with_the_difference(sent, tmp_path, capsys):
    """What was paid, then, before any table: observed, predicted, by how much, and the dearest cause first."""
    records = sent(lambda turn, endpoint, routing: setattr(routing, "region", "us-west-2" if turn > 1 else "us-east-1"))
    source = tmp_path / "hops.jsonl"
    source.write_text("\n".join(json.dumps(record) for record in records))
    assert main(["replay", str(source), "--policy", "none", "--policy", "as_recorded"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("As it was sent it costs $") or lines[0].startswith("You paid $")
    start = next(number for number, line in enumerate(lines) if line.startswith("by the counters of the log $"))
    assert start < next(number for number, line in enumerate(lines) if line.startswith("policy "))
    assert ", by the rules $" in lines[start]
    assert "served by another Region" in " ".join(lines[start + 1 : start + 3])
    assert max(map(len, lines)) <= 80


def test_the_page_has_every_table_and_fits_a_phone(sent, tmp_path, chromium):
    """In a browser, at the width of a phone: every table is there, and nothing but tables scrolls sideways."""
    import subprocess

    records = sent(lambda turn, endpoint, routing: setattr(routing, "region", "us-west-2" if turn > 1 else "us-east-1"))
    source, page = tmp_path / "hops.jsonl", tmp_path / "page.html"
    source.write_text("\n".join(json.dumps(record) for record in records))
    assert main(["replay", str(source), "--html", str(page)]) == 0
    text = page.read_text()
    script = "document.title=document.documentElement.scrollWidth+' '+document.querySelectorAll('tbody tr').length"
    page.write_text(text.replace("</html>", f"<script>{script}</script></html>"))
    argv = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=500,900",
        "--dump-dom",
        page.as_uri(),
    ]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    width, rows = shown.split("<title>")[1].split("</title>")[0].split()
    assert int(width) <= 500
    assert int(rows) >= 12
    tables = ("Every policy", "Hit rate by the time", "Tokens read per token written", "the quota")
    for heading in ("by the rules", *tables):
        assert heading in shown
    assert "http" not in text
