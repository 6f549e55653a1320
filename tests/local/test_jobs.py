"""Batch inference jobs of the endpoint, seen through boto3 with S3 in the same process."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from rockbottom.local import ClockKind, running

pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
START = 1_790_000_000.0
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture(scope="module")
def served():
    """An endpoint with an S3 of its own."""
    with running(clock=ClockKind.MANUAL, start_at=START, s3="moto") as one:
        yield one


@pytest.fixture
def place(served, kit):
    """A fresh endpoint, its clients, and a bucket."""
    kit.control(served, "POST", "reset")
    kit.control(served, "POST", "clock", {"kind": "manual", "set": START})
    s3 = boto3.client("s3", endpoint_url=served.s3_url, **kit.CREDENTIALS)
    s3.create_bucket(Bucket="jobs-here")
    yield Place(served, kit, s3, kit.client_of("bedrock", served.url))
    for one in s3.list_objects_v2(Bucket="jobs-here").get("Contents", ()):
        s3.delete_object(Bucket="jobs-here", Key=one["Key"])


class Place:
    """What a test does with jobs."""

    def __init__(self, served, kit, s3, bedrock):
        self.served, self.kit, self.s3, self.bedrock = served, kit, s3, bedrock

    def put(self, records):
        body = "".join(json.dumps(record) + "\n" for record in records)
        self.s3.put_object(Bucket="jobs-here", Key="in/a.jsonl", Body=body.encode())

    def create(self, **more):
        asked = {
            "jobName": "a-job",
            "roleArn": "arn:aws:iam::123456789012:role/batch",
            "modelId": MODEL,
            "modelInvocationType": "Converse",
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://jobs-here/in/a.jsonl", "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://jobs-here/out/"}},
        }
        return self.bedrock.create_model_invocation_job(**{**asked, **more})["jobArn"]

    def advance(self, seconds):
        self.kit.control(self.served, "POST", "clock", {"advance": seconds})

    def get(self, arn):
        return self.bedrock.get_model_invocation_job(jobIdentifier=arn)

    def status(self, arn):
        return self.get(arn)["status"]

    def output(self, arn, name="a.jsonl.out"):
        key = f"out/{arn.rpartition('/')[2]}/{name}"
        return self.s3.get_object(Bucket="jobs-here", Key=key)["Body"].read().decode()

    def results(self, arn):
        return [json.loads(line) for line in self.output(arn).splitlines()]

    def manifest(self, arn):
        return json.loads(self.output(arn, "manifest.json.out"))


def record(number, **body):
    """A Converse record."""
    text = f"Gateway number {number} listens on port {8000 + number}."
    return {
        "recordId": f"R{number:07d}",
        "modelInput": {
            "system": [{"text": text}],
            "messages": [{"role": "user", "content": [{"text": "Which port does the gateway use?"}]}],
            "inferenceConfig": {"maxTokens": 50},
            **body,
        },
    }  # fmt: skip


def test_a_job_passes_through_its_states_by_the_clock(place):
    """Each state lasts as long as the pace says; nothing happens while the clock stands."""
    place.kit.control(
        place.served, "PUT", "jobs/pace", {"submitted": 10, "validating": 20, "scheduled": 30, "per_record": 0.5}
    )
    place.put([record(number) for number in range(120)])
    arn = place.create()
    seen = [place.status(arn)]
    for seconds in (10, 20, 30, 30, 30):
        place.advance(seconds)
        seen.append(place.status(arn))
    assert seen == ["Submitted", "Validating", "Scheduled", "InProgress", "InProgress", "Completed"]
    got = place.get(arn)
    assert (got["totalRecordCount"], got["processedRecordCount"], got["errorRecordCount"]) == (120, 120, 0)
    assert (got["endTime"] - got["submitTime"]).total_seconds() == 10 + 20 + 30 + 60


def test_results_hold_every_record_once_in_another_order(place):
    """Every recordId once, its modelInput echoed, a Converse reply; the manifest adds up."""
    place.put([record(number) for number in range(100)])
    arn = place.create()
    place.advance(10)
    results = place.results(arn)
    ids = [result["recordId"] for result in results]
    assert sorted(ids) == [f"R{number:07d}" for number in range(100)]
    assert ids != sorted(ids)
    by_id = {result["recordId"]: result for result in results}
    assert by_id["R0000007"]["modelInput"] == record(7)["modelInput"]
    assert "8007" in by_id["R0000007"]["modelOutput"]["output"]["message"]["content"][0]["text"]
    manifest = place.manifest(arn)
    assert (manifest["totalRecordCount"], manifest["successRecordCount"], manifest["errorRecordCount"]) == (100, 100, 0)
    usages = [result["modelOutput"]["usage"] for result in results]
    assert manifest["inputTokenCount"] == sum(usage["inputTokens"] for usage in usages)
    assert manifest["outputTokenCount"] == sum(usage["outputTokens"] for usage in usages)


def test_a_record_with_a_cache_point_ends_in_403(place):
    """67 of 200 with a cachePoint: 67 errors 403 that may not be retried, 133 answers; the job is Completed."""
    records = [record(number) for number in range(200)]
    for number in range(67):
        records[number]["modelInput"]["messages"][0]["content"].append({"cachePoint": {"type": "default"}})
    place.put(records)
    arn = place.create()
    place.advance(10)
    errors = [result["error"] for result in place.results(arn) if "error" in result]
    assert place.status(arn) == "Completed"
    assert len(errors) == 67
    assert {(error["errorCode"], error["retryable"]) for error in errors} == {(403, False)}
    assert place.manifest(arn)["errorRecordCount"] == 67


def test_tools_and_structured_output_are_errors_of_the_record(place):
    """Batch takes neither tools nor structured output; the other records are answered."""
    tool = {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}
    records = [record(number) for number in range(100)]
    records[0] = record(0, toolConfig={"tools": [tool]})
    records[1] = record(1, outputConfig={"textFormat": {}})
    place.put(records)
    arn = place.create()
    place.advance(10)
    assert sorted(r["recordId"] for r in place.results(arn) if "error" in r) == ["R0000000", "R0000001"]


def test_fewer_than_a_hundred_records_fail_in_validation(place):
    """99 records: Failed, with the number and the minimum in the message, and no output."""
    place.put([record(number) for number in range(99)])
    arn = place.create()
    place.advance(10)
    got = place.get(arn)
    assert got["status"] == "Failed"
    assert "99" in got["message"]
    assert "100" in got["message"]
    with pytest.raises(ClientError):
        place.manifest(arn)


@pytest.mark.parametrize("line", ["not json", "[1]", '{"recordId": "a"}'])
def test_a_line_that_is_no_record_fails_the_job(place, line):
    """The message names the line."""
    body = "".join(json.dumps(record(number)) + "\n" for number in range(100)) + line + "\n"
    place.s3.put_object(Bucket="jobs-here", Key="in/a.jsonl", Body=body.encode())
    arn = place.create()
    place.advance(10)
    assert place.get(arn)["status"] == "Failed"
    assert "ine 101" in place.get(arn)["message"]


def test_a_bucket_that_is_not_there_fails_the_job(place):
    """Access is found out in validation, not when the job is made."""
    arn = place.create(
        inputDataConfig={"s3InputDataConfig": {"s3Uri": "s3://not-here-at-all/in/a.jsonl", "s3InputFormat": "JSONL"}}
    )
    place.advance(10)
    assert place.get(arn)["status"] == "Failed"
    assert "no access" in place.get(arn)["message"]


def test_the_same_token_makes_one_job(place):
    """A second call with a token that was used answers with the first job."""
    place.put([record(number) for number in range(100)])
    first = place.create(clientRequestToken="token-1")
    assert place.create(clientRequestToken="token-1") == first
    assert place.create(clientRequestToken="token-2") != first
    assert len(place.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]) == 2


def test_list_filters_sorts_and_pages(place):
    """By status, part of a name and submit time; the newest first; two pages of two and one."""
    for number in range(3):
        place.create(jobName=f"job-{number}", clientRequestToken=f"t{number}")
        place.advance(0.1)
    names = lambda answer: [job["jobName"] for job in answer["invocationJobSummaries"]]  # noqa: E731
    listed = place.bedrock.list_model_invocation_jobs
    assert names(listed()) == ["job-2", "job-1", "job-0"]
    assert names(listed(sortOrder="Ascending")) == ["job-0", "job-1", "job-2"]
    assert names(listed(nameContains="-1")) == ["job-1"]
    assert names(listed(statusEquals="Completed")) == []
    first = listed(maxResults=2)
    assert names(first) == ["job-2", "job-1"]
    assert names(listed(maxResults=2, nextToken=first["nextToken"])) == ["job-0"]


def test_a_stopped_job_keeps_what_it_had_done(place):
    """Stopping, then Stopped: the output holds the records that ran, and a job that ended cannot be stopped."""
    pace = {"validating": 0, "scheduled": 0, "per_record": 1, "stopping": 5}
    place.kit.control(place.served, "PUT", "jobs/pace", pace)
    place.put([record(number) for number in range(100)])
    arn = place.create()
    place.advance(40)
    place.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    assert place.status(arn) == "Stopping"
    place.advance(5)
    assert place.status(arn) == "Stopped"
    assert len(place.results(arn)) == 40
    with pytest.raises(ClientError) as raised:
        place.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    assert raised.value.response["Error"]["Code"] == "ConflictException"


def test_a_job_that_never_starts_expires(place):
    """A job still queued at its timeout is Expired, counted from its creation."""
    place.kit.control(place.served, "POST", "jobs/faults", {"kind": "expire"})
    place.put([record(number) for number in range(100)])
    arn = place.create(timeoutDurationInHours=24)
    place.advance(24 * 3600 - 1)
    assert place.status(arn) == "Scheduled"
    place.advance(1)
    assert place.status(arn) == "Expired"


def test_a_job_that_runs_out_of_time_is_complete_in_part(place):
    """At 1,000 s a record, 86,399 s of a day make 86 records; the other 14 are errors that say expired."""
    place.kit.control(place.served, "POST", "jobs/faults", {"kind": "slow", "seconds": 1000})
    place.put([record(number) for number in range(100)])
    arn = place.create()
    place.advance(25 * 3600)
    assert place.status(arn) == "PartiallyCompleted"
    results = place.results(arn)
    assert sum("modelOutput" in result for result in results) == 86
    late = [result["error"] for result in results if "error" in result]
    assert len(late) == 14
    assert all(error["expired"] and error["retryable"] for error in late)


def test_faults_of_records_and_of_the_output(place):
    """Every tenth record fails retryably; the next job's output is cut and has no manifest; the one after is whole."""
    place.kit.control(place.served, "POST", "jobs/faults", {"kind": "records", "every": 10, "code": 503})
    place.put([record(number) for number in range(100)])
    arn = place.create(clientRequestToken="a")
    place.advance(10)
    errors = [result["error"] for result in place.results(arn) if "error" in result]
    assert len(errors) == 10
    assert errors[0]["errorCode"] == 503
    assert errors[0]["retryable"] is True
    place.kit.control(place.served, "POST", "jobs/faults", {"kind": "cut"})
    cut = place.create(clientRequestToken="b")
    place.advance(10)
    assert not place.output(cut).endswith("\n")
    with pytest.raises(ClientError):
        place.manifest(cut)
    whole = place.create(clientRequestToken="c")
    place.advance(10)
    assert len(place.results(whole)) == 100


def test_faults_of_the_control_plane(place):
    """A throttled control plane throttles these operations too."""
    place.kit.control(
        place.served,
        "POST",
        "faults",
        {"kind": "error", "code": "ThrottlingException", "operations": ["CreateModelInvocationJob"], "count": 1},
    )
    with pytest.raises(ClientError) as raised:
        place.create()
    assert raised.value.response["Error"]["Code"] == "ThrottlingException"
    assert place.create()


def test_without_s3_a_job_is_refused_with_a_hint(kit):
    """An endpoint without S3 says how to get one."""
    with running(clock=ClockKind.MANUAL, start_at=START) as one, pytest.raises(ClientError) as raised:
        Place(one, kit, None, kit.client_of("bedrock", one.url)).create()
    assert "--s3" in raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-rockbottom-hint"]


def test_a_fault_that_makes_no_sense_is_refused(place):
    """The answer names what there is."""
    status, body, _ = place.kit.http(place.served, "POST", "/_rockbottom/jobs/faults", {"kind": "sing"})
    assert status == 400
    assert "expire" in body["message"]


# -- the role -----------------------------------------------------------------------------------------------

ROLE = "arn:aws:iam::123456789012:role/job-role"


@pytest.fixture
def role(served, place, kit):
    """Makes the role of a job in the IAM beside the endpoint's S3, in order but for what a test changes."""
    from rockbottom.batch.setup import SetUpSettings, model_arns, role_policy, trust_policy
    from rockbottom.catalog import load_catalog

    iam = boto3.client("iam", endpoint_url=served.s3_url, **kit.CREDENTIALS)
    summary = place.bedrock.get_inference_profile(inferenceProfileIdentifier=MODEL)
    behind = [one["modelArn"] for one in summary["models"]]
    arns = model_arns(load_catalog().model(MODEL), "123456789012", "us-east-1", behind)
    wanted = SetUpSettings("123456789012", "us-east-1", "jobs-here", "job-role", arns)

    def make(change_trust=lambda statement: None, change_policy=lambda statements: None):
        trust, policy = trust_policy(wanted), role_policy(wanted)
        change_trust(trust["Statement"][0])
        change_policy(policy["Statement"])
        iam.create_role(RoleName="job-role", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="job-role", PolicyName="batch", PolicyDocument=json.dumps(policy))

    yield make
    iam.delete_role_policy(RoleName="job-role", PolicyName="batch")
    iam.delete_role(RoleName="job-role")


def _ended(place):
    place.put([{"recordId": f"R{number:04d}", "modelInput": {"messages": [
        {"role": "user", "content": [{"text": "Hello"}]}]}} for number in range(100)])  # fmt: skip
    arn = place.create(roleArn=ROLE)
    for _ in range(4):
        place.advance(10)
    return place.get(arn)


def test_a_role_as_setup_makes_it_runs_the_job(place, role):
    """Trust, bucket and every model behind the profile."""
    role()
    assert _ended(place)["status"] == "Completed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, "does not trust bedrock.amazonaws.com"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}, "allows 999999999999"),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:eu-west-1:123456789012:*"}}}, "eu-west-1"),
    ],
)
def test_a_role_that_bedrock_may_not_assume_fails_the_job(place, role, change, said):
    """Another service, another account, another Region in its trust policy."""
    role(change_trust=lambda statement: statement.update(change))
    ended = _ended(place)
    assert ended["status"] == "Failed"
    assert "cannot assume the role" in ended["message"]
    assert said in ended["message"]


def test_a_role_that_may_not_invoke_a_model_behind_the_profile_fails_the_job(place, role):
    """The profile alone is not enough: the words are those of AWS."""

    def profile_only(statements):
        models = next(one for one in statements if one["Action"] == ["bedrock:InvokeModel"])
        models["Resource"] = [arn for arn in models["Resource"] if ":inference-profile/" in arn]

    role(change_policy=profile_only)
    ended = _ended(place)
    assert (ended["status"], ended["message"]) == ("Failed", "Customer doesn't have permissions to invokeModel")


def test_a_role_without_the_bucket_fails_the_job(place, role):
    """What it may not do there is named."""

    def without_files(statements):
        statements[:] = [one for one in statements if one["Action"] == ["bedrock:InvokeModel"]]

    role(change_policy=without_files)
    ended = _ended(place)
    assert ended["status"] == "Failed"
    assert "s3:GetObject on arn:aws:s3:::jobs-here/" in ended["message"]
