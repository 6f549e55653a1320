"""``rockbottom monitor publish`` and ``serve``: a ledger to CloudWatch, resumed where it ended, and to Prometheus."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest

from rockbottom.cli import main
from rockbottom.ledger import LedgerWriter
from rockbottom.sinks.emf import EmfOutlet
from rockbottom.sinks.gathering import MinuteGatherer
from rockbottom.sinks.minutes import MinuteTable
from rockbottom.sinks.publisher import Undelivered
from rockbottom.sinks.republishing import Backlog, PlaceFile, RepublishAmount, Republisher
from tests.monitor.calls import SONNET, call, line_by_line

SRC = Path(__file__).resolve().parents[2] / "src"
WITH_HELPERS = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC), str(SRC.parent)])}


@pytest.fixture
def now():
    """The start of a minute, ten minutes ago."""
    return float(int(time.time() // 60) * 60 - 600)


@pytest.fixture
def ledger(tmp_path, now):
    """A ledger of 20 calls in two minutes."""
    return written(tmp_path / "ledger", [call(now + 6 * number) for number in range(20)])


def written(folder, calls):
    """A ledger with these calls added."""
    writer = LedgerWriter(folder)
    for one in calls:
        writer.record(one)
    writer.close()
    return folder


def publish(ledger, *more):
    """The command, agreed to."""
    return main(["monitor", "publish", "--ledger", str(ledger), "--yes", "--json", *more])


def of_calls(text):
    """The documents of a file that are about calls: all but heartbeats."""
    return [one for one in map(json.loads, text.splitlines()) if "Heartbeat" not in one]


def tokens_read(aws):
    """The sum of CacheHitTokens over all that was sent."""
    return sum(
        datum["StatisticValues"]["Sum"]
        for request in aws.of("PutMetricData")
        for datum in request["MetricData"]
        if datum["MetricName"] == "CacheHitTokens"
    )


def test_it_goes_on_where_it_ended(aws, ledger, now, capsys):
    """20 calls, then 5 more: the second time only those; the third time only the sign that publishing goes on."""
    assert publish(ledger) == 0
    assert json.loads(capsys.readouterr().out)["sent"] == 20
    assert tokens_read(aws) == 20 * 2000
    aws.clear()
    written(ledger, [call(now + 200 + number) for number in range(5)])
    assert publish(ledger) == 0
    assert json.loads(capsys.readouterr().out)["sent"] == 5
    assert tokens_read(aws) == 5 * 2000
    aws.clear()
    assert publish(ledger) == 0
    (request,) = aws.of("PutMetricData")
    (datum,) = request["MetricData"]
    assert (datum["MetricName"], "Dimensions" in datum) == ("Heartbeat", False)


def test_whoever_never_published_pays_for_no_heartbeat(aws, tmp_path, now, capsys):
    """A ledger that holds nothing to send: no consent was asked, so nothing is sent."""
    ledger = written(tmp_path / "ledger", [call(now, endpoint="local")])
    assert main(["monitor", "publish", "--ledger", str(ledger)]) == 0
    assert aws.of("PutMetricData") == []
    capsys.readouterr()


def test_a_ledger_begun_anew_under_the_same_name_is_sent_from_its_start(aws, ledger, now):
    """The files are gone and others have their names: none of the 30 new calls is passed over."""
    assert publish(ledger) == 0
    for volume in ledger.glob("calls-*.ndjson"):
        volume.unlink()
    aws.clear()
    written(ledger, [call(now + number, model="another.model-with-a-longer-name") for number in range(30)])
    assert publish(ledger) == 0
    assert tokens_read(aws) == 30 * 2000


def test_another_process_writes_and_a_line_that_is_not_finished_waits(aws, ledger, capsys):
    """Half a line at the end is somebody writing; it is sent once it is whole."""
    (volume,) = ledger.glob("calls-*.ndjson")
    whole = volume.read_bytes().splitlines(keepends=True)[-1]
    with volume.open("ab") as file:
        file.write(whole[:40])
    assert publish(ledger) == 0
    assert json.loads(capsys.readouterr().out)["sent"] == 20
    with volume.open("ab") as file:
        file.write(whole[40:])
    assert publish(ledger) == 0
    assert json.loads(capsys.readouterr().out)["sent"] == 1


def test_a_write_sent_last_time_is_known_to_be_wasted_this_time(aws, tmp_path, now, capsys, monkeypatch):
    """Written two minutes before the first run and never read: WriteWaste comes with a later run, once."""
    start = now - 3600
    ledger = written(tmp_path / "ledger", [call(start, cache_read=0, cache_write_5m=100_000)])
    with monkeypatch.context() as earlier:
        earlier.setitem(Republisher.__init__.__kwdefaults__, "clock", lambda: start + 120)
        assert publish(ledger) == 0
    assert wasted(aws) == []
    aws.clear()
    assert publish(ledger) == 0
    assert wasted(aws) == [0.0825]  # Claude Sonnet 4.5, us: 100,000 x (4.125 - 3.30) / 1,000,000
    aws.clear()
    assert publish(ledger) == 0
    assert wasted(aws) == []
    capsys.readouterr()


def wasted(aws):
    """Sums of WriteWaste, in the order in which they were sent."""
    return [
        datum["StatisticValues"]["Sum"]
        for request in aws.of("PutMetricData")
        for datum in request["MetricData"]
        if datum["MetricName"] == "WriteWaste"
    ]


def test_history_is_no_waste_because_it_is_long_ago(aws, tmp_path, now, capsys, monkeypatch):
    """Reads within the lifetime count although all of it happened days ago and each call is a run of its own."""
    monkeypatch.setattr("rockbottom.ledger.following.chunks_of", line_by_line)
    start = now - 3 * 86_400
    calls = [call(start, cache_read=0, cache_write_5m=2000), *(call(start + 100 * step) for step in range(1, 5))]
    ledger = written(tmp_path / "ledger", calls)
    assert publish(ledger) == 0
    assert wasted(aws) == [0.0]
    capsys.readouterr()


def test_what_is_metered_needs_consent(aws, ledger, capsys):
    """Nobody there to agree: exit code 2, the price is said, nothing was sent."""
    assert main(["monitor", "publish", "--ledger", str(ledger)]) == 2
    said = capsys.readouterr().err
    assert "about $4.03 a month for 12 custom metrics" in said
    assert "add --yes to agree" in said
    assert aws.of("PutMetricData") == []


def test_an_estimate_sends_nothing(aws, ledger, capsys):
    """Calls, metrics and their price, as JSON: eleven of the calls and the heartbeat, 12 x 0.30 + 0.432 of requests."""
    assert main(["monitor", "publish", "--ledger", str(ledger), "--estimate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "calls": 20, "left_out": 0, "metrics": 12, "estimated_usd_per_month": "4.032", "sent": None,
    }  # fmt: skip
    assert aws.of("PutMetricData") == []


def test_an_endpoint_that_is_not_there_keeps_the_place(ledger, capsys, monkeypatch):
    """Exit code 3 with the reason; nothing is marked as sent."""
    monkeypatch.setattr("rockbottom.sinks.republishing._FIRST_WAIT_S", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert publish(ledger, "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:9") == 3
    assert "sent so far: 0 calls; the next run continues there" in capsys.readouterr().err
    assert list(ledger.glob("published-*.json")) == []


def test_embedded_metrics_need_no_consent_and_no_account(ledger, tmp_path, capsys):
    """Documents in a file: the same figures."""
    to = tmp_path / "metrics.log"
    assert main(["monitor", "publish", "--ledger", str(ledger), "--emf", str(to)]) == 0
    assert sum(one["CacheHitTokens"]["Sum"] for one in of_calls(to.read_text())) == 20 * 2000
    assert capsys.readouterr().out == "20 calls sent\n"


def test_a_file_that_cannot_be_written_is_the_callers_to_mend(ledger, tmp_path, capsys):
    assert main(["monitor", "publish", "--ledger", str(ledger), "--emf", str(tmp_path)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"rockbottom: {tmp_path}: Is a directory; sent so far: 0 calls; the next run continues there"


def test_on_stdout_there_is_nothing_but_documents(ledger, capsys):
    """What is said to a person goes to stderr."""
    assert main(["monitor", "publish", "--ledger", str(ledger), "--emf", "stdout"]) == 0
    out, err = capsys.readouterr()
    assert sum(one["CacheHitTokens"]["Sum"] for one in of_calls(out)) == 20 * 2000
    assert err == "20 calls to publish\n20 calls sent\n"


@pytest.mark.parametrize("place", ["nonsense", "[]", '{"position": 3}'])
def test_a_damaged_place_is_said_and_nothing_is_sent_twice(aws, ledger, place, capsys):
    """Exit code 2 with what to do."""
    state = ledger / "place.json"
    state.write_text(place)
    assert publish(ledger, "--state", str(state)) == 2
    assert "does not say how far the ledger was sent" in capsys.readouterr().err
    assert aws.of("PutMetricData") == []


def test_a_ledger_that_is_not_there(tmp_path, capsys):
    """Exit code 2 with what would work."""
    assert publish(tmp_path / "nowhere") == 2
    assert "holds no ledger" in capsys.readouterr().err


KILLED = """
import os, sys
from tests.monitor.calls import line_by_line
import rockbottom.ledger.following as following
from rockbottom.sinks.republishing import PlaceFile
following.chunks_of = line_by_line
write, left = PlaceFile.write, [40]
def killing(self, position, waste_until):
    left[0] -= 1
    if not left[0] and not {after}: os.kill(os.getpid(), 9)
    write(self, position, waste_until)
    if not left[0]: os.kill(os.getpid(), 9)
PlaceFile.write = killing
from rockbottom.cli import main
sys.exit(main(["monitor", "publish", "--ledger", {ledger!r}, "--emf", {to!r}]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is meant")
@pytest.mark.parametrize(("after", "sent"), [(False, 101), (True, 100)])
def test_killed_it_loses_nothing_and_repeats_one_run_at_most(tmp_path, now, after, sent, capsys):
    """100 runs of one call; killed around the 40th note of the place, and started again."""
    ledger, to = tmp_path / "ledger", tmp_path / "metrics.log"
    written(ledger, [call(now + number / 10) for number in range(100)])
    program = KILLED.format(after=after, ledger=str(ledger), to=str(to))
    run = subprocess.run([sys.executable, "-c", program], env=WITH_HELPERS, timeout=60)
    assert run.returncode == -9
    assert main(["monitor", "publish", "--ledger", str(ledger), "--emf", str(to)]) == 0
    assert sum(one["CacheHitTokens"]["Count"] for one in of_calls(to.read_text())) == sent
    capsys.readouterr()


def test_serve_shows_the_totals_of_every_process(tmp_path, now):
    """A real scrape over HTTP from the command, before and after another process has recorded."""
    ledger = written(tmp_path / "ledger", [call(now, tags={"tenant": "acme"}, first_ms=250.0)])
    server = subprocess.Popen(
        [sys.executable, "-m", "rockbottom", "monitor", "serve", "--ledger", str(ledger), "--port", "0",
         "--tag", "tenant"],
        env=WITH_HELPERS, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = server.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")

        def value(name):
            with urllib.request.urlopen(url, timeout=20) as reply:
                lines = reply.read().decode().splitlines()
            (line,) = [line for line in lines if line.startswith(name + "{")]
            assert f'model="{SONNET}"' in line
            assert 'tenant="acme"' in line
            return float(line.split()[-1])

        assert value("rockbottom_cost_usd_total") == 0.002
        assert value("rockbottom_time_to_first_token_seconds_sum") == 0.25
        written(ledger, [call(now + 1, tags={"tenant": "acme"})])
        assert value("rockbottom_cost_usd_total") == 0.004
        assert value("rockbottom_requests_total") == 2
    finally:
        server.terminate()  # as systemd and Docker stop it: an end like any other
        status = server.wait(20)
    assert status == 0


def test_serve_without_a_ledger_says_so(tmp_path, capsys):
    """Exit code 2."""
    assert main(["monitor", "serve", "--ledger", str(tmp_path / "nowhere")]) == 2
    assert "holds no ledger" in capsys.readouterr().err


def test_cloudwatch_has_the_series_of_the_ledger(aws, ledger, capsys):
    """Read back from moto: CacheHitRate by ModelId in BedrockLLMOps."""
    assert publish(ledger) == 0
    found = boto3.client("cloudwatch").list_metrics(Namespace="BedrockLLMOps", MetricName="CacheHitRate")["Metrics"]
    assert [one["Dimensions"] for one in found] == [[{"Name": "ModelId", "Value": SONNET}]]
    capsys.readouterr()


def test_what_failed_in_between_goes_out_later_and_once(tmp_path, now, monkeypatch):
    """CloudWatch is away for the second of three runs, all tries of it; the next round sends it and nothing twice."""
    ledger = written(tmp_path / "ledger", [call(now + 60 * number) for number in range(3)])
    place, sent = PlaceFile(tmp_path / "place.json"), []
    is_there = [True]

    def write(document):
        if not is_there[0]:
            raise OSError("away")
        sent.append(document)

    gatherer = MinuteGatherer(MinuteTable())
    sender = Republisher(
        Backlog(ledger, place), place, EmfOutlet(write, "BedrockLLMOps", gatherer), gatherer, sleep=lambda _: None
    )
    monkeypatch.setattr("rockbottom.ledger.following.chunks_of", line_by_line)
    round_ = sender.send_new()
    next(round_)
    is_there[0] = False
    with pytest.raises(Undelivered):
        next(round_)
    assert len(sent) == 1
    is_there[0] = True
    list(sender.send_new())
    minutes = [json.loads(document)["_aws"]["Timestamp"] for document in sent]
    assert minutes == [(now + 60 * number) * 1000 for number in range(3)]
    assert sum(place.read()[0].values()) == sum(path.stat().st_size for path in ledger.glob("calls-*.ndjson"))


@pytest.mark.parametrize(("most_kept", "decoded"), [(25_000, 5), (2, 8)])
def test_a_call_is_decoded_once_for_its_price_and_for_its_sending(tmp_path, now, monkeypatch, most_kept, decoded):
    """Five calls, a run each: with room for two of them the other three are read again; all are sent, in order."""
    ledger = written(tmp_path / "ledger", [call(now + 60 * number) for number in range(5)])
    lines = []

    def counting(file, offset):
        for chunk in line_by_line(file, offset):
            lines.append(chunk)
            yield chunk

    monkeypatch.setattr("rockbottom.ledger.following.chunks_of", counting)
    monkeypatch.setattr("rockbottom.sinks.republishing.MOST_KEPT", most_kept)
    place, sent = PlaceFile(tmp_path / "place.json"), []
    backlog, gatherer = Backlog(ledger, place), MinuteGatherer(MinuteTable())
    assert backlog.amount([["ModelId"]], 11, 100, simulated=False) == RepublishAmount(5, 0, 12)
    sender = Republisher(backlog, place, EmfOutlet(sent.append, "BedrockLLMOps", gatherer), gatherer)
    assert list(sender.send_new()) == [1] * 5
    assert len(lines) == decoded
    assert [json.loads(document)["_aws"]["Timestamp"] for document in sent] == [
        (now + 60 * number) * 1000 for number in range(5)
    ]


def test_what_another_process_sent_while_the_price_was_agreed_to_is_not_sent_again(tmp_path, now):
    """The place moved after it was read: what was kept of before is let go."""
    ledger, place = written(tmp_path / "ledger", [call(now)]), PlaceFile(tmp_path / "place.json")
    ours, theirs = Backlog(ledger, place), Backlog(ledger, place)
    ours.amount([["ModelId"]], 11, 100, simulated=False)

    def sent(backlog):
        gatherer = MinuteGatherer(MinuteTable())
        return sum(Republisher(backlog, place, EmfOutlet(lambda _: None, "B", gatherer), gatherer).send_new())

    assert (sent(theirs), sent(ours)) == (1, 0)
    written(ledger, [call(now + 1)])
    assert sent(ours) == 1


def test_calls_that_are_left_out_are_not_among_those_sent(aws, tmp_path, now, capsys):
    """Three calls to AWS and two to a local endpoint: three are sent, and two are said to be left out."""
    calls = [call(now + number, endpoint="local" if number < 2 else "aws") for number in range(5)]
    assert publish(written(tmp_path / "both", calls)) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["sent"] == 3
    assert "3 calls to publish (2 of a local endpoint are left out)" in printed.err


def test_a_port_that_there_cannot_be_is_a_usage_error(tmp_path, capsys):
    """One message instead of the socket's."""
    assert main(["monitor", "serve", "--ledger", str(tmp_path), "--port", "99999"]) == 2
    assert "99999 is not in the range 0<=x<=65535" in capsys.readouterr().err


def test_a_folder_without_a_ledger_is_said_and_not_counted_as_nothing_to_send(tmp_path, capsys):
    """A mistyped folder is no ledger that is up to date."""
    assert publish(tmp_path / "ledgre") == 2
    assert capsys.readouterr() == (
        "",
        f"rockbottom: {tmp_path / 'ledgre'} holds no ledger.\n"
        "  record one with rockbottom.attach(client, ledger=True)\n",
    )
