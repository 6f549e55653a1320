"""Adding a lifetime of cache entries takes three files and data: a copy of the source gets one that does not exist.

CONTRIBUTING names the three files. In each, every line that names 30 minutes is written once more for two hours.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rockbottom"
FILES = ("quantities/durations.py", "quantities/usage.py", "ledger/records.py")
WORDS = {"THIRTY_MINUTES: 3": "TWO_HOURS: 4", "THIRTY_MINUTES": "TWO_HOURS", "30m": "2h", "30M": "2H"}
PRICE = (
    "anthropic.claude-sonnet-4-6,global,,default,cache_write_2h,9,0,2026-01-01,,,litellm-1.109.1,made up for a test\n"
)

TRIP = """
import json, sys
from dataclasses import replace
from datetime import date
from pathlib import Path

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Tier, load_catalog
from rockbottom.catalog.price_list import list_price
from rockbottom.cost import bill
from rockbottom.dialects import usage_of
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter
from rockbottom.quantities import Ttl, Usage
from rockbottom.reconcile.own import ledger_book
from rockbottom.replay import Rates, Stage, bill_of
from rockbottom.replay.points import as_recorded
from rockbottom.trace import read_parquet, read_trace, write_parquet

folder, on = Path(sys.argv[1]), date(2026, 11, 1)
long = Ttl("2h")
catalog = load_catalog().with_rules(lambda rules: replace(rules, ttls=(Ttl("5m"), long)))
model = catalog.model("global.anthropic.claude-sonnet-4-6")
usage = usage_of({"inputTokens": 10, "outputTokens": 5, "cacheWriteInputTokens": 6000,
                  "cacheDetails": [{"ttl": "2h", "inputTokens": 4000}, {"ttl": "5m", "inputTokens": 2000}]})
told = {"reply": {ttl.value: tokens for ttl, tokens in usage.writes().items()}}
cost = bill(usage, model, Tier.DEFAULT, on, catalog.price_book)
told["bill"] = {line.unit.value: str(line.usd) for line in cost.lines}
attributes = {"usagetype": "USE1-MP:USE1_cache_write_tokens_2h_global_standard-Units",
              "servicename": "Claude Sonnet 4.6 (Amazon Bedrock Edition)"}
entry = {"product": {"attributes": attributes}, "terms": {"OnDemand": {"t": {"priceDimensions": {
    "d": {"unit": "1M tokens", "pricePerUnit": {"USD": "9"}}}}}}}
told["list"] = list_price(entry, catalog.models.values()).unit.value
writer = LedgerWriter(folder / "ledger")
for number, at in enumerate((0.0, 7000.0)):
    read = 6000 * number
    writer.record(CallRecord(
        1.79e9 + at, model.model.id, "Converse", "global", "us-east-1", input=10, output=5, cache_read=read,
        cache_write_2h=6000 - read, hashes=("01", "02"), depths=(6000, 6010), sections=(0, 1), marks=(1,),
        ttls=("2h",)))
writer.close()
told["record"] = [call.usage.cache_write for call in LedgerReader(folder / "ledger").calls()]
told["book"] = [entry.tokens["write"] for entry in ledger_book(folder / "ledger").entries.values()]
trace = read_trace(str(folder / "ledger")).trace
write_parquet(trace, folder / "trace.parquet")
trace = read_parquet(folder / "trace.parquet")
told["trace"] = trace.requests.observed_writes[long].tolist(), trace.points.ttl.tolist()
rates = Rates(model, Tier.DEFAULT, on, catalog.price_book)
stage = Stage.of(trace, catalog.rules(model, on), behaviour_of(catalog.switches_of(model, on)), rates)
played = bill_of(stage, "as_recorded", as_recorded)
told["replay"] = {unit.value: tokens for unit, tokens in played.usage.items() if tokens}
told["replay usd"] = str(played.cost.usd)
print(json.dumps(told))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder of a copy of the source in which entries may live two hours."""
    package = tmp_path / "copy" / "rockbottom"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        lines: list[str] = []
        for line in (package / name).read_text(encoding="utf-8").splitlines(keepends=True):
            lines.append(line)
            again = line
            for word, other in WORDS.items():
                again = again.replace(word, other)
            lines += [again] if again != line else []
        (package / name).write_text("".join(lines), encoding="utf-8")
    with (package / "catalog" / "data" / "prices" / "anthropic.csv").open("a", encoding="utf-8") as prices:
        prices.write(PRICE)
    return package.parent


def test_three_files_and_data_take_a_new_lifetime_from_a_price_list_to_a_bill(copy: Path, tmp_path: Path) -> None:
    """What a reply says, what it costs, what a ledger holds, what a trace of it replays to: worked out by hand.

    A write of 6,000 tokens for two hours, read 7,000 s later, which an hour would not have allowed. At 9 dollars per
    million written, 0.3 read, 3 uncached and 15 of output: 0.054 + 0.0018 + 20 * 3e-6 + 10 * 15e-6 = 0.05601 dollars.
    """
    environment = {**os.environ, "PYTHONPATH": str(copy), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TRIP, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["reply"] == {"5m": 2000, "30m": 0, "2h": 4000, "1h": 0}
    assert told["bill"]["cache_write_2h"] == "0.036"
    assert told["list"] == "cache_write_2h"
    assert (told["record"], told["book"]) == ([6000, 0], [6000])
    assert told["trace"] == [[6000, 0], [4, 4]]
    assert told["replay"] == {"input": 20, "output": 10, "cache_read": 6000, "cache_write_2h": 6000}
    assert float(told["replay usd"]) == pytest.approx(0.05601)


NAMED_ELSEWHERE = {
    "probe/texts.py",
    "documents/replays.py",  # the JSON of long prompts has had a member for it from the beginning
    "cache/behaviour.py",  # a switch of its own says whether reads renew it: OpenAI's and AWS's texts differ
    "tables/judging.py",  # entries of the service's own point on GPT, which has that one lifetime
    "local/surface_checks.py",  # a refusal's text names the values that the service takes
}


def test_few_other_modules_name_thirty_minutes() -> None:
    """Only where the service says something of that one lifetime."""
    naming = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("30m", "30M", "THIRTY"))
    }
    assert naming == {*FILES, *NAMED_ELSEWHERE}
