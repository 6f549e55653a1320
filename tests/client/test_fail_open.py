"""Whatever is wrong with an argument of attach, the program goes on: calls pass, and one warning says so."""

import enum
import inspect
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path

import pytest

import rockbottom
from rockbottom.client import attachment_of
from rockbottom.client.keeping import StateKeeper
from rockbottom.prompt import MalformedBody
from tests.client.client_doubles import MarkingPlanner, ask, words


def _folder_is_missing(tmp_path: Path) -> Path:
    return tmp_path / "nowhere" / "learned.db"


def _folder_is_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "learned.db"


def _file_system_is_read_only(tmp_path: Path) -> Path:
    return Path("/proc/learned.db")  # not even root may make a file there


def _disk_is_full(tmp_path: Path) -> Path:
    return Path("/dev/full")


def _is_no_database(tmp_path: Path) -> Path:
    path = tmp_path / "learned.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    return path


def _holds_nonsense(tmp_path: Path) -> Path:
    path = tmp_path / "learned.db"
    rockbottom.Planner().save(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT OR REPLACE INTO kinds VALUES ('user/end/long', 'no counts')")
    return path


def _is_cut_short(tmp_path: Path) -> Path:
    path = tmp_path / "learned.db"
    rockbottom.Planner().save(path)
    path.write_bytes(path.read_bytes()[:5000])
    return path


STATES = [
    _file_system_is_read_only,
    _folder_is_missing,
    _folder_is_a_file,
    _disk_is_full,
    _is_no_database,
    _holds_nonsense,
    _is_cut_short,
]


@pytest.mark.parametrize("broken", STATES)
def test_a_state_that_cannot_be_used_is_one_warning_and_an_empty_start(client, tmp_path, caplog, broken):
    with caplog.at_level(logging.WARNING, "rockbottom.client"):
        rockbottom.attach(client, state=broken(tmp_path))
        for _ in range(2):
            client.converse(**ask())
        keeper = attachment_of(client).keeper
        for _ in range(2):
            keeper._changed.set()
            keeper.save()
    assert [record.getMessage() for record in caplog.records if "state" in record.getMessage()] == [
        f"rockbottom: {notice}" for notice in rockbottom.report(client).notices
    ]
    assert len(caplog.records) == 1
    assert rockbottom.report(client).total.calls == 2


@pytest.mark.parametrize("broken", [_is_no_database, _holds_nonsense])
def test_a_damaged_state_is_kept_aside_and_a_new_one_takes_its_place(client, tmp_path, broken):
    path = broken(tmp_path)
    before = path.read_bytes()
    rockbottom.attach(client, state=path)
    client.converse(**ask())
    attachment_of(client).keeper.save()
    assert (tmp_path / "learned.db.unreadable").read_bytes() == before
    assert rockbottom.Planner.load(path)


def test_a_call_does_not_wait_for_a_state_that_another_process_holds(client, tmp_path):
    """A process that stands still in the middle of saving holds the file; the calls of the others go on."""
    path = tmp_path / "learned.db"
    rockbottom.attach(client, state=path)
    client.converse(**ask())
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    keeper = attachment_of(client).keeper
    saving = threading.Thread(target=keeper.save, args=(10,))
    saving.start()
    for _ in range(2):
        client.converse(**ask())
    assert saving.is_alive()
    held.execute("ROLLBACK")
    held.close()
    saving.join(10)
    assert rockbottom.report(client).notices == ()
    assert rockbottom.Planner.load(path).guard.accounts


@contextmanager
def _held_by_another(path):
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    yield
    held.close()


def test_detach_waits_a_second_at_most_for_a_state_that_another_process_holds(client, tmp_path, caplog):
    """Also where the thread that saves now and then waits for it already; what was learned is saved later."""
    path = tmp_path / "learned.db"
    rockbottom.attach(client, state=path)
    client.converse(**ask())
    keeper = attachment_of(client).keeper
    with _held_by_another(path):
        saving = threading.Thread(target=keeper.save, args=(4,))
        saving.start()
        while keeper._changed.is_set():  # until it waits for the file, which a busy machine puts off
            time.sleep(0.01)
        began = time.monotonic()
        rockbottom.detach(client)
        assert time.monotonic() - began < 2.5  # a second of waiting, and what a busy machine adds
        assert saving.is_alive()
        saving.join()
    assert "what was learned is not saved yet" in caplog.text
    assert "database is locked" in caplog.text
    keeper.save()
    assert rockbottom.Planner.load(path).guard.accounts


def test_the_end_of_a_process_waits_for_what_is_being_saved_then(tmp_path):
    """A thread that is in the midst of saving ends with the process: what it had learned would be in no file."""
    begun, goes_on, saved = threading.Event(), threading.Event(), []

    class Slow:
        def save(self, path, lock, wait_s):
            begun.set()
            goes_on.wait(10)
            saved.append(path)

    keeper = StateKeeper(Slow(), tmp_path / "learned.db", nullcontext, pytest.fail)
    keeper.used()
    saving = threading.Thread(target=keeper.save, args=(10,))
    saving.start()
    begun.wait(10)
    threading.Timer(0.2, goes_on.set).start()
    keeper.close()
    assert saved == [tmp_path / "learned.db"]
    saving.join()


ENDING = """
import contextlib, sqlite3, sys, time, rockbottom
from pathlib import Path
from rockbottom.client.keeping import StateKeeper

held = []
for number in range(4):
    path = Path(sys.argv[1]) / f"{number}.db"
    keeper = StateKeeper(rockbottom.Planner.load(path), path, contextlib.nullcontext, lambda error: None)
    keeper._changed.set()
    held.append(sqlite3.connect(path, isolation_level=None))
    held[-1].execute("BEGIN EXCLUSIVE")
import atexit
began = time.monotonic()
atexit._run_exitfuncs()
print(time.monotonic() - began)
"""


def test_the_end_of_a_process_waits_a_second_for_all_its_states_together(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", ENDING, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert 0.9 < float(run.stdout) < 2.5  # not four seconds, one for each


HANGING = """
import os, sys
import boto3, rockbottom
from rockbottom.local import running

folder = sys.argv[1]
for name in ("key", "calls-000001.ndjson"):  # a pipe that nobody writes to, or reads, keeps who opens or fills it
    os.mkfifo(os.path.join(folder, name))
keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
with running() as endpoint:
    client = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **keys)
    rockbottom.attach(client, ledger=folder, state=os.path.join(folder, "key"), tags={"filler": "x" * 200})
    question = [{"role": "user", "content": [{"text": "What does Basic cost?"}]}]
    answers = [client.converse(modelId="us.amazon.nova-micro-v1:0", messages=question) for _ in range(300)]
    rockbottom.detach(client)
print(len(answers))
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_attach_calls_detach_and_the_end_go_on_while_the_disk_of_ledger_and_state_hangs(tmp_path):
    run = subprocess.run([sys.executable, "-c", HANGING, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "300\n"), run.stderr
    assert f"{tmp_path} keeps no secret (no answer in 3 seconds)" in run.stderr
    assert "takes more than half a second for a record" in run.stderr


def test_a_state_that_names_no_file_is_one_warning(client, caplog):
    """As an environment variable that is not set gives it."""
    rockbottom.attach(client, state="")
    client.converse(**ask())
    assert "cannot be used, so the planner starts with nothing learned" in caplog.records[0].getMessage()


class Raising:
    """Fails at everything it is asked."""

    def __getattr__(self, name):
        def fail(*args, **more):
            raise ZeroDivisionError(name)

        return fail


class Unobserving(MarkingPlanner):
    def observe(self, request, usage, *, now):
        raise ZeroDivisionError


def _raise(*args):
    raise ZeroDivisionError


def _once(first):
    times = iter([first])
    return lambda: next(times)


class Unspeakable:
    def __str__(self):
        raise ZeroDivisionError


PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
BROKEN = {
    "planner that raises": {"planner": Raising()},
    "planner that does not learn": {"planner": Unobserving()},
    "resolve": {"resolve": _raise},
    "ledger in a file system of the kernel": {"ledger": "/proc/nowhere/ledger"},
    "ledger below a file": {"ledger": "/dev/null/ledger"},
    "sinks": {"sinks": [Raising()]},
    "record": {"record": rockbottom.Recording(sinks=[Raising()], ledger="/dev/null/ledger")},
    "budget": {"budget": Raising()},
    "tags": {"tags": {"team": Unspeakable()}},
    "credentials": {"credentials": Raising()},
    "request_metadata": {"request_metadata": True, "tags": {"a" * 999: "\udcff", "": "x", "b": "y" * 999}},
    "keep_alive_usd": {"keep_alive_usd": "0.000001"},
    "hold_s": {"hold_s": -5},
    "ledger that is no path": {"ledger": "\0"},
    "catalog": {"catalog": Raising()},
    "clock": {"clock": Raising().clock},
    "clock that stops": {"clock": _once(1_790_000_000.0)},
    "clock that tells no time": {"clock": lambda: "noon"},
    "notices": {"notices": Raising()},
    "dry_run": {"dry_run": True, "planner": Raising()},
    "dry_run with a planner that does not learn": {"dry_run": True, "planner": Unobserving()},
    "holdout": {"holdout": rockbottom.Holdout(Decimal("0.5"), "\udcff" * 100)},
    "state": {"state": "/dev/null/learned.db"},
    "share": {"share": "redis://127.0.0.1:1/0"},
    "share in a file that cannot be made": {"share": "sqlite:///dev/null/share.db"},
}


def test_every_argument_of_attach_is_among_them():
    arguments = set(inspect.signature(rockbottom.attach).parameters) - {"client"}
    assert arguments <= {name for given in BROKEN.values() for name in given}


@pytest.mark.parametrize("given", BROKEN.values(), ids=BROKEN)
def test_an_argument_that_fails_lets_calls_pass(client, given, caplog):
    rockbottom.attach(client, **given)
    for _ in range(2):
        assert client.converse(**ask())["stopReason"]
    list(client.converse_stream(**ask())["stream"])
    assert len({record.getMessage() for record in caplog.records}) == len(caplog.records)


class Price(float):
    """A number of a class of its own, as numpy.float64 is."""


class Count(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize("value", [Price(1.5), Count.ONE, type("Name", (str,), {})("x")])
def test_a_tool_result_with_values_of_their_own_classes_is_planned(client, value):
    planner = MarkingPlanner()
    rockbottom.attach(client, planner=planner)
    used = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"mean": value}}]}}
    messages = [*ask()["messages"], {"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    tools = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
    client.converse(**ask(messages=messages, toolConfig=tools))
    assert len(planner.planned) == 1


def _unreadable(client, monkeypatch):
    def read(arguments, host):
        raise MalformedBody("messages[0].content[0]", "something new", wanted="a block")

    monkeypatch.setattr(attachment_of(client)._requests, "read", read)


def test_a_call_that_cannot_be_read_is_priced_and_the_report_says_so(client, monkeypatch):
    rockbottom.attach(client)
    _unreadable(client, monkeypatch)
    usage = client.converse(**ask())["usage"]
    report = rockbottom.report(client)
    # Sonnet 4.6 through a geographic profile: 3.30 input, 16.50 output, US dollars per million tokens.
    expected = (usage["inputTokens"] * Decimal("3.3") + usage["outputTokens"] * Decimal("16.5")) / 1_000_000
    assert (report.total.calls, report.total.unpriced_calls, report.total.cost_usd) == (1, 0, expected)
    assert "messages[0].content[0]" in report.notices[0]
    assert "not planned" in report.notices[0]


def test_a_call_that_cannot_be_read_spends_from_a_budget(client, monkeypatch, tmp_path):
    """3,000 tokens at 3.30 a million are about a cent: of forty calls a budget of five cents stops most."""
    limit = rockbottom.Budget("0.05", "day", action="stop")
    budgets = rockbottom.Budgets(limit, file=tmp_path / "budgets.db", simulated=True)
    records = []
    sink = type("Sink", (), {"record": lambda self, call: records.append(call), "close": lambda self: None})()
    rockbottom.attach(client, budget=budgets, sinks=[sink])
    _unreadable(client, monkeypatch)
    for _ in range(40):
        try:
            client.converse(**ask())
        except rockbottom.BudgetExceeded:
            break
    assert 1 < len(records) < 10
    assert records[0].model == "anthropic.claude-sonnet-4-6"
    assert records[0].cost_usd is not None


@pytest.mark.parametrize(("library", "names"), [("anthropic", ("Anthropic",)), ("openai", ("OpenAI",))])
def test_an_sdk_whose_requests_go_elsewhere_is_refused(library, names):
    """Nothing of theirs would be planned or counted, so attach says so instead of returning them."""
    module = pytest.importorskip(library, reason="needs the group frameworks: make sdks runs this")
    for name in (*names, *(f"Async{name}" for name in names)):
        with pytest.raises(rockbottom.NotAttachable, match=rf"\.{name} does not send"):
            rockbottom.attach(getattr(module, name)(api_key="any"))


def test_anthropic_on_aws_is_refused():
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    if not hasattr(anthropic, "AnthropicAWS"):
        pytest.skip("this anthropic has no AnthropicAWS")
    made = anthropic.AnthropicAWS(api_key="any", aws_region="us-east-1", workspace_id="any")
    with pytest.raises(rockbottom.NotAttachable, match="AnthropicAWS does not send"):
        rockbottom.attach(made)


def test_the_report_says_which_calls_were_not_planned_and_not_priced_and_why(client, monkeypatch):
    """An unknown model, a request that cannot be read, and a model whose points AWS had refused."""
    rockbottom.attach(client)
    client.converse(**ask())
    attachment_of(client)._refusals._until["us.amazon.nova-lite-v1:0"] = float("inf")
    client.converse(**{**ask(), "modelId": "us.amazon.nova-lite-v1:0"})
    with monkeypatch.context() as unreadable:
        _unreadable(client, unreadable)
        client.converse(**ask())
    with monkeypatch.context() as unknown:
        _unknown(client, unknown)
        client.converse(**ask())
    report = rockbottom.report(client)
    assert report.unplanned == {
        "AWS refused cachePoints for their model, so none are planned for an hour": 1,
        "they could not be read (messages[0].content[0])": 1,
        "the catalogue does not know their model": 1,
    }
    assert report.unpriced == {"us.anthropic.claude-sonnet-4-6, which the catalogue does not know": 1}
    assert (report.total.calls, report.total.unpriced_calls, report.local) == (4, 1, 4)
    text = str(report)
    assert "simulated: all of these calls went to a local endpoint, nobody billed them" in text
    assert "1 call not planned: the catalogue does not know their model" in text
    assert "  1 call of us.anthropic.claude-sonnet-4-6, which the catalogue does not know" in text
    assert report.to_dict()["calls_unplanned"] == report.unplanned


def test_the_report_says_that_points_of_ones_own_stay_and_that_a_model_takes_none(client):
    """Two calls that the caller marked, one to a model without caching, and one that is planned."""
    rockbottom.attach(client)
    system = [{"text": words(3000)}, {"cachePoint": {"type": "default"}}]
    for _ in range(2):
        client.converse(**{**ask(), "system": system})
    client.converse(**{**ask(), "modelId": "us.meta.llama3-3-70b-instruct-v1:0"})
    client.converse(**ask("planned"))
    report = rockbottom.report(client)
    assert report.unplanned == {
        "they have cachePoints of their own, which stay as they are": 2,
        "the model accepts no cachePoint": 1,
    }
    assert report.total.calls == 4
    assert "1 call not planned: the model accepts no cachePoint" in str(report)


def _unknown(client, monkeypatch):
    def unknown(given):
        raise rockbottom.UnknownModel(f"no model {given}", given=given)

    requests = attachment_of(client)._requests
    monkeypatch.setattr(requests, "read", lambda arguments, host: unknown(arguments["modelId"]))
    monkeypatch.setattr(requests, "model", unknown)


def test_a_sink_that_takes_long_is_named_once(client):
    """Calls wait for what a program gives to ``attach``: which of it, the notes of the report say."""

    class Slow:
        def record(self, call):
            time.sleep(1.01)

        def close(self):
            """Holds nothing."""

    rockbottom.attach(client, sinks=[Slow()])
    for _ in range(2):
        client.converse(**ask())
    (notice,) = rockbottom.report(client).notices
    assert notice.startswith("a record in Slow takes more than a second")


def test_a_resolve_that_does_not_answer_holds_up_one_call_for_as_long_as_ours_does(client):
    """It may ask the network without any timeout, and did so under the lock of all calls."""
    let_go, asked = threading.Event(), []

    def resolve(arn):
        asked.append(arn)
        let_go.wait(20)
        return "us.anthropic.claude-sonnet-4-6"

    rockbottom.attach(client, resolve=resolve)
    attachment_of(client).resolve._patience_s = 0.2
    try:
        for _ in range(3):
            with pytest.raises(client.exceptions.ResourceNotFoundException):  # the endpoint knows no such profile
                client.converse(**ask(modelId=PROFILE))
        assert asked == [PROFILE]
        assert not let_go.is_set()
    finally:
        let_go.set()


WRONG = {
    "planner that is text": {"planner": "mine"},
    "planner that is a class": {"planner": rockbottom.Planner},
    "state that is no path": {"state": True},
    "catalog that is a path": {"catalog": "prices.csv"},
    "ledger that is a number": {"ledger": 1},
    "share": {"share": 5},
    "resolve": {"resolve": {"arn": "model"}},
    "record": {"record": {"ledger": True}},
    "sinks that are one sink": {"sinks": Raising},
    "tags": {"tags": ["team"]},
    "clock": {"clock": 5},
    "hold_s that is text": {"hold_s": "x"},
    "hold_s without end": {"hold_s": float("inf")},
    "keep_alive_usd that is text": {"keep_alive_usd": "two"},
    "keep_alive_usd without end": {"keep_alive_usd": "inf"},
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_what_an_argument_can_never_be_is_refused_when_attaching_and_named(client, given):
    (name,) = given
    with pytest.raises(rockbottom.NotAttachable, match=f"^{name}="):
        rockbottom.attach(client, **given)
    assert client.converse(**ask())["stopReason"]


def test_no_sinks_are_none_or_an_empty_list(client):
    rockbottom.attach(client, sinks=None)
    assert rockbottom.attach(client, sinks=[]) is client


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e18, -1.0])
def test_a_clock_beyond_every_calendar_is_not_used(client, caplog, seconds):
    rockbottom.attach(client, clock=lambda: seconds)
    client.converse(**ask())
    assert "clock= fails (ValueError), so the system's clock is used" in caplog.text
    assert rockbottom.report(client).total.calls == 1
    assert "calls" in str(rockbottom.report(client))
