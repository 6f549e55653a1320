"""Text of every command at 60, 80 and 120 columns, and when it has colour."""

import io
import json
import shlex
import sys
import time
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.cli.exits import say_wait
from rockbottom.figures import moment, room
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.process import Wait, terminal_of

REPO = Path(__file__).resolve().parents[2]
WIDTHS = (60, 80, 120)
LONG = "a-team-whose-name-is-as-long-as-those-that-people-give-to-their-teams-in-large-organisations-" * 2
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TEXT = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"CLICOLOR": "0"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_colour_is_where_it_is_taken_and_not_forbidden(environment, terminal, colour):
    """The conventions of no-color.org, bixense.com/clicolors and force-color.org; who forbids has the last word."""
    assert terminal_of(_Terminal() if terminal else io.StringIO(), environment).colour is colour


def test_a_pipe_has_80_columns_and_no_line_of_progress():
    """COLUMNS makes its tables wider, and folds nothing; a dumb terminal cannot draw over a line."""
    pipe = terminal_of(io.StringIO(), {})
    assert (pipe.width, pipe.fixed, pipe.redraws) == (80, False, False)
    wider = terminal_of(io.StringIO(), {"COLUMNS": "132"})
    assert (wider.width, wider.fixed) == (132, False)
    assert terminal_of(_Terminal(), {"COLUMNS": "100"}).redraws
    assert not terminal_of(_Terminal(), {"TERM": "dumb"}).redraws


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with a ledger, a log, a workload, a prompt and requests, all of names that are too long."""
    folder = tmp_path_factory.mktemp("work")
    _write_ledger(folder / "ledger")
    (folder / "logs").mkdir()
    (folder / "logs" / "calls.jsonl").write_text("".join(map(_logged, range(16))), encoding="utf-8")
    for name, clock in (("a.json", "14:00:01"), ("b.json", "14:00:59")):
        (folder / name).write_text(json.dumps(_body(clock)), encoding="utf-8")
    (folder / "bill.csv").write_text(
        "lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,lineItem/UnblendedCost\n"
        f"2026-11-01T00:00:00Z,AmazonBedrock,USE1-{LONG}-input-tokens,1000,3.25\n",
        encoding="utf-8",
    )
    (folder / "examples").symlink_to(REPO / "examples")
    return folder


def _write_ledger(folder):
    writer, now = LedgerWriter(folder), time.time()
    for number in range(60):
        writer.record(CallRecord(
            at=now - 3000 + 40 * number, model="anthropic.claude-sonnet-4-5-20250929-v1:0", scope="us",
            region="us-east-1", operation="Converse", tier="default", cost_usd="0.0213", uncached_usd="0.0417",
            points=1, minimum=1024, endpoint="aws", source="client", input=180, output=220, cache_read=4000,
            cacheable=4000, first_ms=420.0, tags={"team": f"{LONG}{number % 3}"},
            family=f"3fa91c: 4,000 tokens, {LONG}",
        ))  # fmt: skip
    writer.close()


def _logged(number):
    body = _body(f"14:00:{number:02}")
    usage = {"inputTokens": 40, "outputTokens": 20, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 4000}
    return json.dumps({
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": f"2026-11-20T10:{number:02}:00Z",
        "accountId": "111122223333", "region": "us-east-1", "requestId": f"request-{number}",
        "operation": "Converse", "modelId": SONNET, "requestMetadata": {"team": f"{LONG}{number % 3}"},
        "input": {"inputBodyJson": body, "inputTokenCount": 40, "cacheWriteInputTokenCount": 4000},
        "output": {"outputBodyJson": {"usage": usage}, "outputTokenCount": 20},
    }) + "\n"  # fmt: skip


def _body(clock):
    return {
        "system": [{"text": f"It is {clock}. {TEXT}"}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": f"Where is my parcel? {LONG}"}]}],
    }


COMMANDS = {
    "plan": "plan a.json --model {model}",
    "replay": "replay logs",
    "replay of groups": "replay logs --by team",
    "replay of several": "replay logs --as-model nova-pro,sonnet-4-6 --scope us --policy none",
    "route": "route logs --to 'amazon.nova-lite-v1:0 if input<2000 and tools=0'",
    "trace": "trace import logs --out calls.parquet; rockbottom trace info calls.parquet; rockbottom trace formats",
    "explain": "explain logs --by team --all",
    "explain of a pair": "explain a.json b.json --model {model}",
    "check": "check a.json --accept --model {model} --name {long}",
    "a changed prompt": "check b.json --name {long} --model {model}",
    "bench": "bench examples/support-agent.yaml --models {model},amazon.nova-pro-v1:0",
    "bench with everything": "bench examples/support-agent.yaml --models {model} --verbose --turns all",
    "batch": "batch list --runs nowhere",
    "distill": "distill cost amazon.nova-pro-v1:0 amazon.nova-micro-v1:0 --input 800 --output 60 --requests 9000",
    "distill pairs": "distill pairs",
    "backtest": "monitor backtest ledger --tries 2",
    "reconcile": "reconcile --ledger ledger --cur bill.csv",
    "ledger": "ledger info --ledger ledger; rockbottom ledger summary ledger --by team",
    "ledger sql": "ledger sql --ledger ledger 'select model, scope, family, tags, cost_picousd from calls limit 3'",
    "estimate": "estimate {model} --preset support-chatbot --capacity --credits 1000",
    "estimate presets": "estimate --list nova-pro",
    "advise": "advise {model} --preset support-chatbot",
    "advise on traffic": "advise logs --by team",
    "profiles": "profiles list sonnet-4-5 --residency us; rockbottom profiles list",
    "prices": "prices show nova-pro",
    "models": "models; rockbottom models --switches",
    "probe": "probe --model {model} --estimate",
    "watch": "watch --once --ledger ledger",
    "an error": "replay {long}",
    "no such command": "replya",
}


@pytest.fixture
def printed(work, monkeypatch, capsys):
    """What a command line of ``COMMANDS`` prints, on both streams, with these variables in its environment."""
    monkeypatch.chdir(work)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def of(name, **environment):
        for variable in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        for command in COMMANDS[name].split("; rockbottom "):
            main(shlex.split(command.format(model=SONNET, long=LONG)))
        told = capsys.readouterr()
        return told.out + told.err

    return of


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_the_terminal(name, printed, monkeypatch):
    """At every width each line fits, apart from an address alone on its line, which is copied whole."""
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    for width in WIDTHS:
        text = printed(name, COLUMNS=str(width), TERM="dumb")
        wide = [line for line in text.splitlines() if room(line) > width and "://" not in line.split()[0]]
        assert wide == [], f"{width} columns"
        assert "internal error" not in text
        assert "\x1b" not in text
        assert ("--help" in text) is (name == "no such command"), text


def test_a_wider_terminal_shows_more_of_a_name(printed):
    """A name of 200 characters in a table: what is cut at 80 columns shows 40 characters more at 120."""
    shown = {
        width: next(line for line in printed("ledger", COLUMNS=str(width)).splitlines() if "…" in line)
        for width in (80, 120)
    }
    assert room(shown[120]) - room(shown[80]) == 40


def test_colour_can_be_forced_through_a_pipe(printed):
    """FORCE_COLOR paints the table of an estimate; NO_COLOR beside it does not."""
    assert "\x1b[1m" in printed("estimate", FORCE_COLOR="1")
    assert "\x1b" not in printed("estimate", FORCE_COLOR="1", NO_COLOR="1")


def test_an_instant_names_its_zone():
    """1,790,000,000 seconds are 2026-09-21 14:13:20 UTC, two hours later by the clocks of Berlin."""
    from zoneinfo import ZoneInfo

    assert moment(1_790_000_000, ZoneInfo("Europe/Berlin")) == "2026-09-21 16:13 CEST"
    assert moment(1_790_000_000, ZoneInfo("UTC"), seconds=True) == "2026-09-21 14:13:20 UTC"


def test_a_ledger_given_as_an_argument_leads_to_its_option(capsys):
    """``ledger summary`` takes a folder, watch an option."""
    assert main(["watch", "november"]) == 2
    assert "rockbottom watch --ledger november" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wait", "line"),
    [
        (Wait("HeadBucket", "there:1", 3, 213.0, number=2), "there:1 (HeadBucket): try 2 of 3, 3 min 33 s at most"),
        (Wait("HeadBucket", "there:1", 3, 213.0), "there:1 (HeadBucket): try 1 of 3, 3 min 33 s at most"),
        (Wait("", "there", longest_s=60.0), "there, 1 min at most"),
        (Wait("the offer file", "there"), "there (the offer file)"),
    ],
)
def test_a_wait_is_one_line_on_stderr(wait: Wait, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For whom, which try of how many, how long at most: what of it is known."""
    say_wait(wait)
    assert capsys.readouterr() == ("", f"rockbottom: waiting for {line}\n")
