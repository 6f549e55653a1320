"""Distillation: its cost by hand, the data as AWS checks it, the job and its end on the local endpoint."""

import json
import os
from datetime import date
from decimal import Decimal

import boto3
import pytest

from rockbottom.batch import Cloud
from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.distill import (
    DISTILLED,
    CallTokens,
    DistillationJob,
    JobEnded,
    NoSuchJob,
    NoSuchPair,
    UnfitData,
    begin,
    deploy,
    distillation_cost,
    look,
    made_by,
    pair_of,
    remove,
    training_data,
    wait,
)
from rockbottom.local import ClockKind, running
from rockbottom.quantities import UnexpectedAnswer

PRO, MICRO, LITE = "amazon.nova-pro-v1:0", "amazon.nova-micro-v1:0", "amazon.nova-lite-v1:0"
CATALOG = load_catalog()
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
ROLE = "arn:aws:iam::123456789012:role/distill"


def cost(student=MICRO, *, shared=0, **more):
    options = {"records": 15_000, "epochs": 2, "month": Decimal(100_000), "from_logs": False, "on": date(2026, 11, 20),
               "catalog": CATALOG, "book": CATALOG.price_book, **more}  # fmt: skip
    return distillation_cost(
        pair_of(PRO, student, CATALOG), CallTokens(Decimal(800), Decimal(60), Decimal(shared)), **options
    )


def test_the_cost_of_nova_pro_into_micro():
    """15,000 pairs of 800 in and 60 out: the teacher 12 MTok x 0.80 + 0.9 x 3.20 = 12.48, training 12.9 MTok x 2 x 1.00
    = 25.80. A call is 0.000832 with the teacher and 0.0000364 distilled: 38.28 / 0.0007956 = 48,115 calls pay it back,
    and 1.95 / 0.0007956 = 2,451 a month the storage.
    """
    found = cost()
    assert (found.teacher_usd, found.training_usd, found.once_usd) == (
        Decimal("12.48"),
        Decimal("25.80"),
        Decimal("38.28"),
    )
    assert round(found.calls_to_pay_back) == 48_115
    assert round(found.calls_to_pay_storage) == 2_451
    ways = {way.name: way.usd_month for way in found.ways}
    assert ways["teacher"] == Decimal("83.20")
    assert ways["teacher in batch"] == Decimal("41.60")
    assert ways["student as it is"] == Decimal("3.64")
    assert ways[DISTILLED] == Decimal("3.64") + Decimal("1.95")


def test_answers_out_of_a_log_cost_no_teacher():
    """Only the training is left."""
    assert cost(from_logs=True).once_usd == Decimal("25.80")


def test_what_has_no_price_is_not_worked_out():
    """No price of training Nova Lite was read: no sum, no break-even."""
    found = cost(LITE)
    assert (found.training_usd, found.once_usd, found.calls_to_pay_back) == (None, None, None)


def test_the_student_as_it_is_and_a_cached_teacher_stand_beside_it():
    """600 of 800 tokens read at 0.20 a million: 200 x 0.80 + 600 x 0.20 + 60 x 3.20 = 472 a million calls' dollars."""
    found = cost(shared=600)
    assert {way.name: way.usd_call for way in found.ways}["teacher, cached"] == Decimal("0.000472")
    assert [way.name for way in found.cheaper] == ["student as it is", "student in batch"]


def test_a_pair_that_is_not_distilled_is_an_error_that_lists_those_that_are():
    """Claude is in no table."""
    with pytest.raises(NoSuchPair, match="nova-pro-v1:0 to amazon"):
        pair_of("global.anthropic.claude-sonnet-4-6", MICRO, CATALOG)


def record(number, **more):
    body = {"system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
            "messages": [{"role": "user", "content": [{"text": f"Question {number}?"}]}]}  # fmt: skip
    reply = {"output": {"message": {"role": "assistant", "content": [{"text": f"Answer {number}."}]}}}
    return {"schemaType": "ModelInvocationLog", "operation": "Converse", "modelId": PRO,
            "requestMetadata": {"team": "search" if number % 2 else "sales"},
            "input": {"inputBodyJson": {**body, **more}}, "output": {"outputBodyJson": reply}}  # fmt: skip


def written(tmp_path, records, name="log.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def read(path, **more):
    options = {"metadata": {}, "single_turn": False, "answers": False, **more}
    return training_data([path], CATALOG, **options)


def test_prompts_of_a_log_become_records_of_the_schema(tmp_path):
    """Text alone, no cachePoint, the answer as a label where it is asked for."""
    path = written(tmp_path, [record(1)])
    [plain], [labelled] = read(path).records, read(path, answers=True).records
    assert plain == {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Question 1?"}]}],
    }
    assert labelled["messages"][1] == {"role": "assistant", "content": [{"text": "Answer 1."}]}


def test_what_cannot_train_a_student_is_counted_by_its_reason(tmp_path):
    """Tools, images, a doubled prompt, a failed call, no JSON, several turns of a student that takes one."""
    image = {"image": {"format": "png", "source": {"bytes": "aaaa"}}}
    turns = [{"role": role, "content": [{"text": "x"}]} for role in ("user", "assistant", "user")]
    path = written(tmp_path, [
        record(1), record(1), record(2, toolConfig={"tools": [{"toolSpec": {}}]}),
        record(3, messages=[{"role": "user", "content": [image]}]), {**record(4), "errorCode": "Throttling"},
        record(5, messages=turns), record(6, messages=[{"role": "user", "content": [{"text": " "}]}]),
    ])  # fmt: skip
    with path.open("a") as file:
        file.write("nonsense\n")
    found = read(path, single_turn=True)
    assert len(found.records) == 1
    assert dict(found.left_out) == {
        "again": 1, "tools": 1, "media": 1, "failed": 1, "turns": 1, "empty": 1, "unread": 1,
    }  # fmt: skip


def test_request_metadata_chooses_and_the_limits_hold(tmp_path):
    """Half of 300 calls are search's; 100 are the least, 15,000 the most."""
    path = written(tmp_path, [record(number) for number in range(300)])
    assert len(read(path, metadata={"team": "search"}).records) == 150
    few = read(written(tmp_path, [record(number) for number in range(99)], "few.jsonl"))
    with pytest.raises(UnfitData, match="99 prompts can train a student, but a job takes 100 to 15,000"):
        few.check()


def test_where_nothing_can_train_the_file_of_before_stays(tmp_path, capsys):
    """A conversation whose turns are no objects has no turns."""
    out = tmp_path / "train.jsonl"
    out.write_text("of before")
    path = written(
        tmp_path, [{"modelInput": {"messages": []}}, record(1) | {"input": {"inputBodyJson": {"messages": [5]}}}]
    )
    assert main(["distill", "data", str(path), "--out", str(out)]) == 2
    assert "2: it is not a request" in capsys.readouterr().err
    assert out.read_text() == "of before"


def test_a_pipe_is_no_training_data(tmp_path, capsys):
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "pipe")
    assert main(["distill", "data", str(tmp_path / "pipe"), "--out", str(tmp_path / "out.jsonl")]) == 2
    assert capsys.readouterr().err == f"rockbottom: {tmp_path}/pipe: not a regular file\n"


@pytest.fixture(scope="module")
def served():
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(s3="moto", clock=ClockKind.MANUAL) as server:
        s3 = boto3.client("s3", endpoint_url=server.s3_url, region_name="us-east-1", **KEYS)
        s3.create_bucket(Bucket="teach")
        yield server


@pytest.fixture
def cloud(served):
    served.state.reset()
    return Cloud("us-east-1", bedrock_url=served.url, s3_url=served.s3_url, credentials=dict(KEYS),
                 sleep=served.state.clock.advance)  # fmt: skip


def job(name="teach-1"):
    return DistillationJob(name, pair_of(PRO, MICRO, CATALOG), "teach", ROLE)


def test_from_prompts_to_a_deployment_and_back(cloud, tmp_path):
    """The same job twice is one; deployed; the model goes after its deployment, and then nothing is left."""
    data = read(written(tmp_path, [record(number) for number in range(120)]), answers=True)
    arn = begin(cloud, job(), data)
    assert begin(cloud, job(), data) == arn
    assert look(cloud, "teach-1")["status"] == "InProgress"
    assert wait(cloud, "teach-1", 1.0, 60.0, lambda text: None)["status"] == "Completed"
    deployment = deploy(cloud, "teach-1")
    parts = list(made_by(cloud, "teach-1"))
    assert [kind for kind, _ in parts] == ["deployment", "model"]
    assert parts[0][1] == deployment
    for kind, made in parts:
        remove(cloud, kind, made)
    assert list(made_by(cloud, "teach-1")) == []


def test_a_deployment_answers_and_is_benched_at_the_student_s_prices(cloud, served, tmp_path, monkeypatch, capsys):
    """Nova Micro, .035 in and .14 out a million tokens, on demand as untaught; deleted, it answers no more."""
    data = read(written(tmp_path, [record(number) for number in range(120)]), answers=True)
    begin(cloud, job(), data)
    wait(cloud, "teach-1", 1.0, 60.0, lambda text: None)
    deployment = deploy(cloud, "teach-1")
    monkeypatch.chdir(tmp_path)
    turns = "conversations:\n  - turns:\n      - user: Hello\n        answer: Hi\n"
    (tmp_path / "taught.yaml").write_text(f"name: Taught\nsystem: Answer briefly.\n{turns}")
    where = ("--endpoint-url", served.url, "--region", "us-east-1", "--lane", "baseline", "--json")
    assert main(["bench", "taught.yaml", "--model", deployment, *where]) == 0
    [model] = json.loads(capsys.readouterr().out)["models"]
    lane = model["lanes"][0]
    used = lane["usage"]
    assert Decimal(lane["cost"]["run"]) * 10**6 == used["input"] * Decimal(".035") + used["output"] * Decimal(".14")
    for kind, made in made_by(cloud, "teach-1"):
        remove(cloud, kind, made)
    assert main(["bench", "taught.yaml", "--model", deployment, *where]) != 0
    assert "cannot look up" in capsys.readouterr().err


def test_a_job_that_hangs_is_stopped_when_its_time_is_over(cloud, tmp_path):
    """Not ended after a second of waiting: stopped, and said."""
    data = read(written(tmp_path, [record(number) for number in range(120)]))
    begin(cloud, job("hangs"), data)
    with pytest.raises(JobEnded, match="was stopped"):
        wait(cloud, "hangs", 0.5, 1.0, lambda text: None)
    assert look(cloud, "hangs")["status"] == "Stopped"
    with pytest.raises(JobEnded, match="no model to deploy"):
        deploy(cloud, "hangs")


def test_an_unknown_job_is_named(cloud):
    """And the Region that was asked."""
    with pytest.raises(NoSuchJob, match="nobody in us-east-1"):
        look(cloud, "nobody")


def test_the_command_says_the_honest_verdict_first(capsys):
    """The undistilled student is free to try."""
    words = ["distill", "cost", PRO, MICRO, "--input", "800", "--output", "60", "--requests", "100000"]
    assert main([*words, "--on", "2026-11-20"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("Try the student as it is first: it costs $3.64 a month against $5.59 distilled")
    assert "paid back against the teacher after 48,115 calls" in text
    assert main([*words, "--on", "2026-11-20", "--json"]) == 0
    assert Decimal(json.loads(capsys.readouterr().out)["once_usd"]) == Decimal("38.28")


def test_the_commands_go_hand_in_hand(served, tmp_path, capsys, monkeypatch):
    """data, start, wait, deploy and clean; the last asks before it deletes."""
    served.state.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", served.s3_url)
    log, region = str(written(tmp_path, [record(number) for number in range(240)])), ["--region", "us-east-1"]
    assert main(["distill", "data", log, "--out", "train.jsonl", "--where", "team=search"]) == 0
    assert "120 prompts in train.jsonl" in capsys.readouterr().out
    start = ["distill", "start", log, "--teacher", PRO, "--student", MICRO, "--name", "hand", "--bucket", "teach"]
    assert main([*start, "--role", ROLE, *region]) == 0
    served.state.clock.advance(10)
    assert main(["distill", "wait", "hand", *region]) == 0
    assert main(["distill", "deploy", "hand", *region]) == 0
    capsys.readouterr()
    assert main(["distill", "clean", "hand", *region]) == 2
    assert "- deployment arn:" in capsys.readouterr().out
    assert main(["distill", "clean", "hand", "--yes", *region]) == 0
    assert main(["distill", "clean", "hand", *region]) == 0
    assert "hand has no job, model or deployment to delete" in capsys.readouterr().err


@pytest.mark.parametrize("status", [[], None, {}, 3, ""])
def test_a_status_that_is_no_word_is_an_answer_of_something_else(status):
    """It was printed, and ended the command well."""

    class Other:
        def call(self, *_: object, **__: object) -> dict[str, object]:
            return {"status": status}

    with pytest.raises(UnexpectedAnswer, match="status, which is no word"):
        look(Other(), "teach-1")
