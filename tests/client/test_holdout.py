"""Some conversations are left unplanned: the same in every process, and compared with the rest."""

from collections import Counter
from decimal import Decimal

import pytest

import rockbottom
from rockbottom.catalog import load_catalog
from rockbottom.client import attachment_of, report_of
from tests.client.client_doubles import MarkingPlanner, ask, native, runtime, words


def _arms(records):
    return [record.arm.partition(":")[0] for record in records]


def _recording(client, **more):
    records = []
    sink = type("Sink", (), {"record": lambda self, call: records.append(call), "close": lambda self: None})()
    rockbottom.attach(client, sinks=[sink], **more)
    return records


def _turns(question, turns=3):
    messages = []
    for turn in range(turns):
        messages.append({"role": "user", "content": [{"text": f"{question}, turn {turn}"}]})
        yield ask(messages=list(messages), system=words(1500))
        messages.append({"role": "assistant", "content": [{"text": f"answer {turn}"}]})


def test_a_conversation_is_on_one_side_from_its_first_call_to_its_last(client):
    planner = MarkingPlanner()
    records = _recording(client, planner=planner, holdout=0.5)
    for number in range(12):
        for request in _turns(f"conversation {number}"):
            client.converse(**request)
    arms = [record.arm for record in records]
    assert [len(set(arms[start : start + 3])) for start in range(0, 36, 3)] == [1] * 12
    counts = Counter(_arms(records))
    assert counts["planned"] == len(planner.planned) == len(planner.observed)
    assert counts["held out"] > 0
    assert {record.points for record in records if record.arm.startswith("held out")} == {0}
    assert {record.points for record in records if record.arm.startswith("planned")} == {1}


def test_the_same_salt_deals_alike_in_every_client_and_another_anew(endpoint):
    requests = [ask(f"question {number}", system="short") for number in range(60)]
    dealt = []
    for salt in ("", "", "autumn"):
        client = runtime(endpoint)
        records = _recording(client, holdout=rockbottom.Holdout(Decimal("0.5"), salt))
        for request in requests:
            client.converse(**request)
        dealt.append(_arms(records))
    assert dealt[0] == dealt[1] != dealt[2]


@pytest.mark.parametrize(("share", "least", "most"), [(0.02, 0, 12), ("0.25", 30, 70), (1, 200, 200)])
def test_about_the_share_that_was_asked_for_is_held_out(share, least, most):
    """Of 200 conversations; for a share of 0.25 both bounds are more than three deviations (6.1) away from 50."""
    client = rockbottom.attach(_unconnected(), holdout=share)
    arm = attachment_of(client).options.holdout.arm
    read = attachment_of(client)._requests.read
    held = sum(arm(read(ask(f"question {number}", system="short"))).held_out for number in range(200))
    assert least <= held <= most


def _unconnected():
    import boto3

    return boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_the_report_and_the_records_say_the_same(client):
    """A share of one half: the held-out calls pay all, the planned ones less."""
    records = _recording(client, holdout=0.5)
    for number in range(120):
        client.converse(**ask(f"question {number}"))
    report = rockbottom.report(client).holdout
    assert report.planned.calls + report.held_out.calls == 120
    assert report.held_out.paid.value == 1
    assert report.planned.paid.high < 0.5
    assert report.saved.low > 0.5
    assert report_of(records, 0, 1, load_catalog()).holdout == report
    text = str(rockbottom.report(client))
    assert "held out:" in text
    assert "planning saved" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_streams_say_how_soon_they_answered(client):
    records = _recording(client, holdout=0.5)
    for number in range(100):
        list(client.converse_stream(**ask(f"question {number}", system="short"))["stream"])
    assert all(record.first_ms is not None for record in records)
    report = rockbottom.report(client).holdout
    assert report.planned.first_ms.value > 0
    assert report.sooner_ms is not None


def test_a_native_body_is_dealt_alike(client):
    records = _recording(client, holdout=1)
    client.invoke_model(**native())["body"].read()
    assert _arms(records) == ["held out"]
    assert records[0].points == 0


@pytest.mark.parametrize("wrong", [-0.1, 1.5, "many", "nan"])
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(rockbottom.NotAttachable, match="holdout"):
        rockbottom.attach(_unconnected(), holdout=wrong)


def test_beside_a_dry_run_there_is_nothing_to_hold_out():
    with pytest.raises(rockbottom.NotAttachable, match="nothing to leave unplanned"):
        rockbottom.attach(_unconnected(), holdout=0.1, dry_run=True)


def test_without_a_holdout_nothing_is_dealt(client):
    records = _recording(client, holdout=0)
    client.converse(**ask())
    assert records[0].arm == ""
    assert rockbottom.report(client).holdout is None
