"""Whole runs against the local endpoint, with everything that can go wrong on the way."""

import json
import socket
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from rockbottom import batch
from rockbottom.batch.cloud import Cloud
from rockbottom.batch.running import BatchRun

HAIKU_BATCH_IN, HAIKU_BATCH_OUT = Decimal("0.55"), Decimal("2.75")  # us scope, US dollars per million tokens


def fault(place, **rule):
    place.control("POST", "jobs/faults", rule)


def reopened(place, name="a-run"):
    return batch.reopen(name, place.cloud(), folder=place.folder, on=date(2026, 11, 1), watcher=place)


def test_a_run_answers_every_record_and_is_priced_at_half(place, kit):
    """120 records: answers in order, the manifest's sums, and the batch price of them."""
    outcome = place.run(kit.pairs(120))
    assert (outcome.answered, outcome.left, outcome.attempts) == (120, 0, 1)
    rows = list(outcome.rows())
    assert [row["recordId"] for row in rows] == [f"T{number:05d}" for number in range(120)]
    assert "8042" in rows[42]["modelOutput"]["output"]["message"]["content"][0]["text"]
    usage = outcome.tally.usage
    assert outcome.manifests["inputTokenCount"] == usage.input
    assert outcome.manifests["outputTokenCount"] == usage.output
    assert outcome.usd == (usage.input * HAIKU_BATCH_IN + usage.output * HAIKU_BATCH_OUT) / 1_000_000
    assert outcome.compared.on_demand.usd == 2 * outcome.usd


def test_the_files_of_a_run_are_their_owners_alone(place, kit):
    """Records, outputs and results hold prompts and answers."""
    place.run(kit.pairs(100))
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"journal.jsonl", "results.jsonl"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_the_job_carries_every_setting(place, kit):
    """Name, token, type, key, owner, timeout and tags go into the request."""
    seen = {}

    class Spy(Cloud):
        def call(self, service, operation, **arguments):
            if operation == "create_model_invocation_job":
                seen.update(arguments)
            return super().call(service, operation, **arguments)

    base = place.cloud()
    cloud = Spy(
        base.region, bedrock_url=base.bedrock_url, s3_url=base.s3_url, sleep=base.sleep, credentials=base.credentials
    )
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    place.run(
        kit.pairs(100), cloud=cloud, kms_key=key, bucket_owner="123456789012", timeout_hours=48, tags={"team": "a"}
    )
    assert seen["modelInvocationType"] == "Converse"
    assert seen["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] == key
    assert seen["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] == "123456789012"
    assert (seen["timeoutDurationInHours"], seen["tags"]) == (48, [{"key": "team", "value": "a"}])
    assert len(seen["clientRequestToken"]) == 64


@pytest.mark.parametrize("hours", [23, 169])
def test_a_timeout_that_a_job_does_not_take_is_refused(place, kit, hours):
    """timeoutDurationInHours is 24 to 168 in the service model."""
    with pytest.raises(batch.InvalidSettings, match=f"24 to 168 hours, not {hours}"):
        place.run(kit.pairs(100), timeout_hours=hours)


def test_native_bodies_run_as_invoke_model(place, kit):
    """Anthropic Messages bodies: answers in their own shape, usage counted."""
    body = {
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 20,
        "messages": [{"role": "user", "content": "What is the port? The port is 8443."}],
    }  # fmt: skip
    outcome = place.run([body] * 100, kind=batch.Kind.INVOKE)
    assert outcome.answered == 100
    assert next(outcome.rows())["modelOutput"]["type"] == "message"
    assert outcome.tally.usage.input == outcome.manifests["inputTokenCount"] > 0


def test_several_files_make_one_job_with_a_folder(place, kit):
    """300 records at 120 a file: three files below one folder, one job that reads them all."""
    limits = replace(batch.packaged_limits(), records_per_file=120)
    outcome = place.run(kit.pairs(300), limits=limits)
    assert outcome.answered == 300
    [job] = place.jobs
    assert job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].endswith("/in/a1-j001/")


def test_only_what_failed_and_may_be_retried_is_sent_again(place, kit):
    """Half of 200 fail with 503 once: a second job with those 100, and every record is answered."""
    fault(place, kind="records", every=2, code=503)
    outcome = place.run(kit.pairs(200))
    assert (outcome.answered, outcome.attempts) == (200, 2)
    assert [job["totalRecordCount"] for job in place.jobs] == [200, 100]


def test_what_may_not_be_retried_is_kept_with_its_error(place, kit):
    """Every tenth fails with 400: not sent again, in the results with its error and in the file of what is left."""
    fault(place, kind="records", every=10, code=400, retryable=False)
    outcome = place.run(kit.pairs(100))
    assert (outcome.answered, outcome.refused, outcome.attempts) == (90, 10, 1)
    left = [json.loads(line) for line in outcome.left_path.read_text().splitlines()]
    assert len(left) == 10
    assert all("modelInput" in record for record in left)
    assert outcome.tally.errors == {"400: The record failed on purpose.": 10}


def test_too_few_to_send_again_are_kept_and_said(place, kit):
    """Five retryable records are below a job's minimum: they are kept, and the note says where."""
    fault(place, kind="records", every=20, code=503)
    outcome = place.run(kit.pairs(100))
    assert (outcome.answered, outcome.left, outcome.attempts) == (95, 5, 1)
    assert any("5 records may be sent again, and a job takes at least 100" in note for note in place.notes)


def test_a_failed_job_says_why_and_loses_nothing(place, kit):
    """The job's message and the doctor; after --retry-failed everything is answered."""
    fault(place, kind="fail", message="Customer doesn't have permissions to invokeModel")
    with pytest.raises(batch.JobsEnded, match="permissions to invokeModel") as raised:
        place.run(kit.pairs(100))
    assert raised.value.records_left == 100
    assert "batch doctor --run a-run" in raised.value.fix
    with reopened(place) as prepared:
        assert prepared.collect(every_s=0, retry_failed=True).answered == 100


def test_a_failed_job_is_not_sent_again_by_itself(place, kit):
    """The reason is still there: the same command again says the same and makes no job."""
    fault(place, kind="fail", count=None)
    for _ in range(2):
        with pytest.raises(batch.JobsEnded):
            place.run(kit.pairs(100))
    assert len(place.jobs) == 1


def test_an_expired_job_is_sent_again(place, kit):
    """A job that never began did nothing: its records go into another one."""
    place.control("POST", "clock", {"kind": "manual", "set": 1_790_000_000})
    fault(place, kind="expire")

    def sleep(seconds):
        place.control("POST", "clock", {"advance": 3600})

    cloud = place.cloud()
    cloud.sleep = sleep
    outcome = place.run(kit.pairs(100), cloud=cloud)
    assert (outcome.answered, outcome.attempts) == (100, 2)
    assert sorted(job["status"] for job in place.jobs) == ["Completed", "Expired"]


def test_a_job_that_ran_out_of_time_is_finished_by_another(place, kit):
    """At 400 s a record 215 of 400 run in a day of 86,400 s less nothing; the other 184 or so are sent again."""
    place.control("POST", "clock", {"kind": "manual", "set": 1_790_000_000})
    fault(place, kind="slow", seconds=400)
    cloud = place.cloud()
    cloud.sleep = lambda seconds: place.control("POST", "clock", {"advance": 7200})
    outcome = place.run(kit.pairs(400), cloud=cloud)
    assert (outcome.answered, outcome.attempts) == (400, 2)
    statuses = {job["status"]: job["successRecordCount"] for job in place.jobs}
    assert statuses == {"PartiallyCompleted": 216, "Completed": 184}


def test_half_written_output_is_waited_for(place, kit):
    """No manifest and a torn line: an error that is safe to retry; once the output is whole, it is collected."""
    fault(place, kind="cut")
    with pytest.raises(batch.OutputIncomplete, match=r"manifest\.json\.out"):
        place.run(kit.pairs(100))
    [job] = place.jobs
    folder = f"rockbottom/a-run/out/{job['jobArn'].rpartition('/')[2]}"
    torn = place.s3.get_object(Bucket=kit.BUCKET, Key=f"{folder}/part-001.jsonl.out")["Body"].read()
    counts = {"totalRecordCount": 100, "processedRecordCount": 100, "successRecordCount": 100, "errorRecordCount": 0}
    place.s3.put_object(Bucket=kit.BUCKET, Key=f"{folder}/manifest.json.out", Body=json.dumps(counts).encode())
    with reopened(place) as prepared, pytest.raises(batch.OutputIncomplete, match="cut off"):
        prepared.collect(every_s=0)
    last = torn[torn.rfind(b"\n") + 1 :].decode()
    record_id = json.loads(last.partition(',"modelInput"')[0] + "}")["recordId"]
    whole = torn[: torn.rfind(b"\n") + 1] + json.dumps({"recordId": record_id, "modelOutput": {}}).encode() + b"\n"
    place.s3.put_object(Bucket=kit.BUCKET, Key=f"{folder}/part-001.jsonl.out", Body=whole)
    with reopened(place) as prepared:
        assert prepared.collect(every_s=0).answered == 100


def test_half_written_output_can_be_taken_as_it_is(place, kit):
    """--accept-incomplete: 99 whole lines are taken, the torn one is left."""
    fault(place, kind="cut")
    with pytest.raises(batch.OutputIncomplete):
        place.run(kit.pairs(100))
    with reopened(place) as prepared:
        outcome = prepared.collect(every_s=0, accept_incomplete=True)
    assert (outcome.answered, outcome.left) == (99, 1)


def test_results_that_are_missing_or_doubled_do_not_pass_for_whole(place, kit):
    """Every tenth line dropped: the manifest counts more than there is. Every tenth twice: counted once."""
    fault(place, kind="drop", every=10)
    with pytest.raises(batch.OutputIncomplete, match="counts 100 results"):
        place.run(kit.pairs(100))
    place.control("DELETE", "jobs/faults")
    fault(place, kind="repeat", every=10)
    outcome = place.run(kit.pairs(100), name="another")
    assert (outcome.answered, outcome.tally.repeated) == (100, 10)
    assert outcome.tally.usage.input == outcome.manifests["inputTokenCount"]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ServiceUnavailableException"])
def test_a_busy_control_plane_is_waited_for(place, kit, code):
    """Three refusals: three pauses that grow, then the job is made once."""
    operations = ["CreateModelInvocationJob"]
    place.control("POST", "faults", {"kind": "error", "code": code, "count": 3, "operations": operations})
    assert place.run(kit.pairs(100)).answered == 100
    assert len(place.jobs) == 1
    pauses = [pause for pause in place.slept if pause]
    assert len(pauses) == 3
    assert 0.5 <= pauses[0] <= 1 <= pauses[1] <= 2 <= pauses[2] <= 4


def test_a_control_plane_that_stays_busy_is_an_error_that_loses_nothing(place, kit):
    """Eight attempts, one error; the same command goes on, and one job was made."""
    operations = ["CreateModelInvocationJob"]
    place.control("POST", "faults", {"kind": "error", "code": "ThrottlingException", "operations": operations})
    with pytest.raises(batch.ServiceBusy, match="failed 8 times") as raised:
        place.run(kit.pairs(100))
    assert raised.value.retry_safe
    place.control("DELETE", "faults")
    assert place.run(kit.pairs(100)).answered == 100
    assert len(place.jobs) == 1


def test_a_service_that_was_never_there_is_given_up_after_three_tries(place, kit):
    """S3 has answered: that Bedrock does not listen where it was said to be is no pause of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        nowhere = f"http://127.0.0.1:{server.getsockname()[1]}"
    cloud = batch.Cloud(
        "us-east-1", bedrock_url=nowhere, s3_url=place.served.s3_url, sleep=place.slept.append,
        credentials={"aws_access_key_id": "any", "aws_secret_access_key": "any"},
    )  # fmt: skip
    cloud.call("s3", "list_buckets")
    with pytest.raises(batch.ServiceBusy, match="failed 3 times"):
        cloud.call("bedrock", "list_model_invocation_jobs")
    assert len(place.slept) == 2


def test_a_quota_on_jobs_is_waited_for(place, kit):
    """AWS takes one job now and the other later; both run."""
    rule = {"kind": "error", "code": "ServiceQuotaExceededException", "count": 2}
    place.control("POST", "faults", {**rule, "operations": ["CreateModelInvocationJob"]})
    limits = replace(batch.packaged_limits(), records_per_job=100)
    assert place.run(kit.pairs(200), limits=limits).answered == 200
    assert len(place.jobs) == 2


def test_a_refused_call_is_an_access_error_with_the_doctor(place, kit):
    """AccessDenied on the control plane names the operation and what looks into it."""
    rule = {"kind": "error", "code": "AccessDeniedException", "operations": ["CreateModelInvocationJob"]}
    place.control("POST", "faults", rule)
    with pytest.raises(batch.AccessRefused, match="create_model_invocation_job") as raised:
        place.run(kit.pairs(100))
    assert "batch doctor" in raised.value.fix


def test_a_bucket_that_is_not_there_is_said_before_anything_is_sent(place, kit):
    """The name, and the command that makes it."""
    with pytest.raises(batch.InvalidSettings, match="There is no bucket nobodys-bucket") as raised:
        place.run(kit.pairs(100), bucket="nobodys-bucket")
    assert "setup --bucket nobodys-bucket" in raised.value.fix
    assert place.jobs == []


def test_a_bucket_of_another_region_is_said(place, kit):
    """A job reads from its own Region only."""
    place.s3.create_bucket(Bucket="far-away-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(batch.InvalidSettings, match="eu-central-1"):
        place.run(kit.pairs(100), bucket="far-away-bucket")


def test_stopping_keeps_what_was_done_and_the_rest_can_be_sent(place, kit):
    """40 of 100 records ran before the stop; the others go into another job when asked for."""
    place.control("POST", "clock", {"kind": "manual", "set": 1_790_000_000})
    place.control("PUT", "jobs/pace", {"validating": 0, "scheduled": 0, "per_record": 1})
    with pytest.raises(batch.StillRunning):
        place.run(kit.pairs(100), name="stopped", within_s=0)
    place.control("POST", "clock", {"advance": 40})
    with reopened(place, "stopped") as prepared:
        assert prepared.run.stop() == 1
        with pytest.raises(batch.JobsEnded, match="60 records have no answer"):
            prepared.collect(every_s=0)
    place.control("PUT", "jobs/pace", {"validating": 0, "scheduled": 0})
    with reopened(place, "stopped") as prepared:
        with pytest.raises(batch.JobsEnded):  # 60 are fewer than a job takes: still left
            prepared.collect(every_s=0, retry_failed=True)
        assert sum(job["successRecordCount"] for job in place.jobs) == 40


def test_nothing_is_sent_above_the_limit_or_without_a_yes(place, kit):
    """No object, no job."""
    with pytest.raises(batch.NotAgreed, match="above the limit"):
        place.run(kit.pairs(100), agree=None, max_usd=Decimal("0.000001"))
    with pytest.raises(batch.NotAgreed):
        place.run(kit.pairs(100), agree=lambda estimate: False)
    assert place.jobs == []
    assert "Contents" not in place.s3.list_objects_v2(Bucket=kit.BUCKET)


def test_a_limit_needs_a_bound_on_the_output(place, kit):
    """Without maxTokens the output has unbounded, and a limit cannot be held; with an expectation it can."""
    records = [(name, {**body, "inferenceConfig": {}}) for name, body in kit.pairs(100)]
    with pytest.raises(batch.NotAgreed, match="unbounded"):
        place.run(records, agree=None, max_usd=Decimal(1))
    assert place.run(records, agree=None, max_usd=Decimal(1), output_tokens=50).answered == 100


def test_cached_on_demand_wins_where_most_of_the_input_is_shared(place, kit):
    """100 questions on one text of some 13,000 tokens: read share 99 of 100, far above the 56% where batch loses."""
    rules = " ".join(f"Rule {number}: answer politely and cite section {number}." for number in range(900))
    records = [(f"Q{n}", kit.body(n, system=[{"text": rules}])) for n in range(100)]
    for _, body in records:
        body["messages"] = [{"role": "user", "content": [{"text": f"What does rule {_} say?"}]}]
    seen = []
    place.run(records, agree=lambda estimate: seen.append(estimate) or True)
    [estimate] = seen
    assert 0.95 < estimate.read_share < 0.99
    assert estimate.compared.cheapest == "cached"
    assert estimate.compared.cached.usd < estimate.compared.batch.usd < estimate.compared.on_demand.usd


def test_records_that_share_nothing_are_cheapest_in_batch(place, kit):
    """Nothing to read: cached costs what on demand costs, and batch half of it."""
    seen = []
    place.run(kit.pairs(100), agree=lambda estimate: seen.append(estimate) or True)
    assert seen[0].compared.cheapest == "batch"
    assert seen[0].compared.cached.usd == seen[0].compared.on_demand.usd == 2 * seen[0].compared.batch.usd


def test_a_model_that_is_not_sold_in_batch_is_refused(place, kit):
    """Sonnet 5.5 has no batch price; nothing is written or sent."""
    with pytest.raises(batch.NotInBatch, match="no batch price"):
        place.run(kit.pairs(100), model="global.anthropic.claude-sonnet-5-5")


def test_refused_records_leave_no_run_behind(place, kit):
    """Nothing was planned: the name is free for the records that are right."""
    with pytest.raises(batch.InvalidRecords):
        place.run([*kit.pairs(100), ("bad", {"messages": []})])
    assert place.run(kit.pairs(100)).answered == 100


def test_a_name_belongs_to_its_records(place, kit):
    """Other records under a name that was used are refused; the same ones find the finished run."""
    first = place.run(kit.pairs(100))
    assert place.run(kit.pairs(100)).usd == first.usd
    assert len(place.jobs) == 1
    with pytest.raises(batch.OtherContent, match="other records"):
        place.run(kit.pairs(101))
    with pytest.raises(batch.OtherContent, match="other model"):
        place.run(kit.pairs(100), model="us.amazon.nova-pro-v1:0")


def test_two_processes_cannot_work_on_one_run(place, kit):
    """The second is told, and sends nothing."""
    place.run(kit.pairs(100))
    with reopened(place), pytest.raises(batch.RunBusy), reopened(place):
        pass


def test_a_run_is_listed_with_its_state(place, kit):
    """Name, records and whether it is finished, without taking the run."""
    place.run(kit.pairs(100))
    [(name, state)] = batch.runs_in(place.folder)
    assert (name, state.records, state.finished["answered"]) == ("a-run", 100, 100)


def test_big_input_is_uploaded_in_parts(place, kit, monkeypatch):
    """20 MB in parts of 8: the object in S3 is the spool, byte for byte."""
    filler = "word " * 40_000
    records = [(name, {**body, "system": [{"text": filler}]}) for name, body in kit.pairs(100)]
    monkeypatch.setattr(BatchRun, "wait", lambda *_: (_ for _ in ()).throw(batch.StillRunning("enough")))
    with pytest.raises(batch.StillRunning):
        place.run(records)
    key = "rockbottom/a-run/in/a1-j001/part-001.jsonl"
    head = place.s3.head_object(Bucket=kit.BUCKET, Key=key)
    assert head["ETag"].strip('"').endswith("-3")
    content = place.s3.get_object(Bucket=kit.BUCKET, Key=key)["Body"].read()
    assert content == (place.folder / "a-run" / "records-1.jsonl").read_bytes()


@pytest.fixture
def older(place):
    """The endpoint as a boto3 sees it whose service model has no modelInvocationType (before 1.42.59)."""
    client = place.cloud().client("bedrock")
    members = client.meta.service_model.operation_model("CreateModelInvocationJob").input_shape.members
    kept = dict(members)
    del members["modelInvocationType"]
    yield place
    members.clear()
    members.update(kept)


def test_an_older_boto3_is_told_which_one_can_say_converse_and_nothing_is_uploaded(older, kit):
    with pytest.raises(batch.InvalidSettings, match="modelInvocationType") as caught:
        older.run(kit.pairs(100))
    assert "boto3>=1.42.59" in caught.value.fix
    assert not older.s3.list_objects_v2(Bucket=kit.BUCKET).get("Contents")
