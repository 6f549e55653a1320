"""Files of the OpenAI Batch API: checked, uploaded, run by /openai/v1/batches, rejoined and priced.

Shapes are those of AWS's page "Submit a batch of prompts with the OpenAI Batch API" and of the pages of OpenAI that it
refers to. gpt-oss-120b in batch costs .075 and .30 dollars a million tokens, half of .15 and .60 (its rows of prices).
"""

import json
from decimal import Decimal

import pytest

from rockbottom import batch
from rockbottom.batch.rejoining import Fate, fate_of, read_result
from rockbottom.cli import main

OSS = "openai.gpt-oss-120b-1:0"


def line(number, **more):
    """A request as OpenAI's guide has it."""
    body = {
        "model": OSS,
        "messages": [{"role": "user", "content": f"Reply with the single word: w{number}"}],
        "max_completion_tokens": 20,
        **more,
    }
    return {"custom_id": f"request-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


@pytest.fixture
def file(tmp_path):
    def written(lines, name="asked.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(one) + "\n" for one in lines))
        return path

    return written


@pytest.fixture
def batches(place):
    """The batches that the endpoint has, the newest first."""
    import urllib.request

    def listed():
        with urllib.request.urlopen(f"{place.served.url}/openai/v1/batches?limit=100", timeout=20) as reply:
            return json.loads(reply.read())["data"]

    return listed


@pytest.fixture
def run(place):
    def running(records, **more):
        return place.run(records, **{"model": OSS, "kind": batch.Kind.CHAT, **more})

    return running


def test_every_request_is_answered_in_its_place_and_priced_in_batch(place, run, file, batches):
    outcome = run(file([line(number) for number in range(120)]))
    assert (outcome.answered, outcome.left) == (120, 0)
    rows = list(outcome.rows())
    assert [row["recordId"] for row in rows] == [f"request-{number}" for number in range(120)]
    assert [row["modelOutput"]["choices"][0]["message"]["content"] for row in rows[:2]] == ["w0", "w1"]
    usage = outcome.tally.usage
    assert usage.input == sum(row["modelOutput"]["usage"]["prompt_tokens"] for row in rows)
    by_hand = (usage.input * Decimal("0.075") + usage.output * Decimal("0.30")) / 1_000_000
    assert outcome.usd == by_hand
    assert outcome.compared.on_demand.usd == 2 * by_hand
    (one,) = batches()
    assert one["input_file_id"].startswith(f"s3://batch-tests/rockbottom/{outcome.name}/in/")
    assert outcome.manifests == {
        "totalRecordCount": 120, "processedRecordCount": 120, "successRecordCount": 120, "errorRecordCount": 0,
    }  # fmt: skip


def test_what_is_uploaded_is_openais_line_with_the_model_of_the_job(place, run, file, batches):
    """A body may name the model without its version; records of a program and AWS's shape go the same way."""
    lines = [line(number, model="openai.gpt-oss-120b") for number in range(99)]
    del lines[1]["body"]["model"]
    outcome = run(file([*lines, {"recordId": "mine", "modelInput": line(7)["body"]}]))
    key = batches()[0]["input_file_id"].removeprefix("s3://batch-tests/")
    sent = place.s3.get_object(Bucket="batch-tests", Key=key)["Body"].read().splitlines()
    assert json.loads(sent[0]) == line(0)
    assert json.loads(sent[1]) == line(1)
    assert json.loads(sent[99])["custom_id"] == "mine"
    assert outcome.answered == 100


def test_a_run_is_split_into_batches_of_one_file_each(place, run, file, batches):
    from dataclasses import replace

    limits = replace(batch.packaged_limits(), records_per_file=150)
    outcome = run(file([line(number) for number in range(250)]), limits=limits)
    assert outcome.answered == 250
    assert sorted(one["request_counts"]["total"] for one in batches()) == [100, 150]


@pytest.mark.parametrize(("change", "said"), [
    ({"url": "/v1/responses"}, "url: '/v1/responses'; a batch of Bedrock takes only /v1/chat/completions"),
    ({"method": "GET"}, "method: 'GET'; a batch takes POST"),
    ({"priority": 1}, "priority: not a member of a request line"),
    ({"custom_id": 7}, "recordId: not a text"),
    ({"custom_id": "request-1"}, "is on an earlier line too"),
    ({"body": []}, "not a JSON object"),
    ({"body": {**line(1)["body"], "tools": [{"type": "function"}]}}, "tools: batch has no tool calling"),
    ({"body": {**line(1)["body"], "response_format": {"type": "json_object"}}}, "batch has no structured output"),
    ({"body": {**line(1)["body"], "stream": True}}, "batch does not stream"),
    ({"body": {**line(1)["body"], "model": "openai.gpt-oss-20b-1:0"}}, "a job has one model"),
    ({"body": {**line(1)["body"], "inferenceConfig": {}}}, "inferenceConfig: not a member of ChatCompletions bodies"),
    ({"body": {"messages": [{"role": "tester", "content": "a"}]}}, "'tester'; there are"),
    ({"body": {"messages": [{"role": "user"}]}}, "content: missing"),
    ({"body": {"max_tokens": 5}}, "messages: missing"),
])  # fmt: skip
def test_what_a_batch_would_refuse_is_found_before_anything_is_uploaded(place, run, file, batches, change, said):
    lines = [line(number) for number in range(120)]
    lines[8] = {**lines[8], **change}
    with pytest.raises(batch.InvalidRecords) as caught:
        run(file(lines))
    assert "line 9" in str(caught.value)
    assert said in str(caught.value)
    assert batches() == []
    assert "Contents" not in place.s3.list_objects_v2(Bucket="batch-tests")


def test_openais_lines_under_another_type_are_recognized(place, run, file, kit):
    with pytest.raises(batch.InvalidRecords) as caught:
        run(file([line(number) for number in range(120)]), kind=batch.Kind.CONVERSE)
    assert "--type ChatCompletions" in caught.value.fix


@pytest.mark.parametrize(("model", "said"), [
    ("us.openai.gpt-5.6-sol", "no batch price"),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "runs only OpenAI's models"),
])  # fmt: skip
def test_a_model_that_is_not_run_so_is_refused_with_the_reason(place, run, file, batches, model, said):
    with pytest.raises(batch.NotInBatch, match=said):
        run(file([line(number) for number in range(120)]), model=model)
    assert batches() == []


def test_nothing_is_sent_above_the_limit_and_every_answer_of_n_counts(place, run, file, batches):
    """120 requests of 3 answers of at most 20 tokens: 7,200 tokens of output, .00216 dollars."""
    path = file([line(number, n=3) for number in range(120)])
    with pytest.raises(batch.NotAgreed, match="above the limit"):
        run(path, agree=None, max_usd=Decimal("0.002"))
    assert batches() == []
    seen = []
    with pytest.raises(batch.NotAgreed):
        run(path, agree=lambda estimate: seen.append(estimate.output_tokens))
    assert seen == [7200]


def test_key_and_tags_travel_as_headers_and_a_timeout_is_none_of_it(place, run, file, monkeypatch):
    told = []
    from rockbottom.batch import openai_batches

    real = openai_batches.surface_call

    def spied(cloud, method, path, body=None, headers=None):
        told.append((method, headers))
        return real(cloud, method, path, body, headers)

    monkeypatch.setattr(openai_batches, "surface_call", spied)
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    run(file([line(number) for number in range(100)]), kms_key=key, tags={"team": "a"})
    made = next(headers for method, headers in told if method == "POST")
    assert made["X-Amzn-Bedrock-OutputEncryptionKeyId"] == key
    assert json.loads(made["X-Amzn-Bedrock-Tags"]) == {"team": "a"}
    assert made["X-Amzn-Bedrock-ModelId"] == OSS
    with pytest.raises(batch.InvalidSettings, match="24 hours"):
        run(file([line(number) for number in range(101)], "more.jsonl"), name="more", timeout_hours=48)


def test_a_refused_request_keeps_its_error_and_the_others_their_answers(place, run, file):
    """Refused by the endpoint, in the .err file: a service tier that there is none of."""
    lines = [line(number) for number in range(120)]
    lines[5]["body"]["service_tier"] = "reserved"
    outcome = run(file(lines))
    rows = {row["recordId"]: row for row in outcome.rows()}
    assert (outcome.answered, outcome.refused) == (119, 1)
    assert rows["request-5"]["error"]["errorCode"] == 400
    assert "'reserved'" in rows["request-5"]["error"]["errorMessage"]
    assert json.loads((place.folder / outcome.name / "left.jsonl").read_text())["recordId"] == "request-5"


@pytest.mark.parametrize(("row", "fate"), [
    ({"response": {"status_code": 200, "body": {"usage": {"prompt_tokens": 7}}}}, Fate.ANSWERED),
    ({"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}}, Fate.RETRYABLE),
    ({"response": {"status_code": 400, "body": {"error": {"message": "no"}}}}, Fate.REFUSED),
    ({"response": None, "error": {"code": "batch_expired", "message": "too late"}}, Fate.RETRYABLE),
    ({"response": None, "error": {"code": "invalid", "message": "no"}}, Fate.REFUSED),
    ({"response": {"status_code": 500, "body": "oops"}}, Fate.RETRYABLE),
])  # fmt: skip
def test_a_line_of_output_tells_what_became_of_its_request(row, fate):
    """OpenAI's "The request output object": a status and a body, or an error in their place."""
    result = read_result(json.dumps({"id": "batch_req_1", "custom_id": "a", "error": None, **row}).encode())
    assert (result.recordId, fate_of(result)) == ("a", fate)
    if fate is Fate.ANSWERED:
        assert result.modelOutput.usage.prompt_tokens == 7


def test_stopping_cancels_the_batches_and_the_rest_can_be_sent(place, run, file, batches):
    place.control("PUT", "jobs/pace", {"validating": 3600, "scheduled": 3600})
    path = file([line(number) for number in range(120)])
    with pytest.raises(batch.StillRunning):
        run(path, name="slow", within_s=0)
    with batch.reopen("slow", place.cloud(), folder=place.folder, on=place_on()) as prepared:
        assert (prepared.run.stop(), prepared.run.stop()) == (1, 0)
    assert [one["status"] for one in batches()] == ["cancelled"]
    with pytest.raises(batch.JobsEnded):
        run(path, name="slow")
    place.control("PUT", "jobs/pace", {"validating": 0, "scheduled": 0})
    with batch.reopen("slow", place.cloud(), folder=place.folder, on=place_on()) as prepared:
        assert prepared.collect(every_s=0, retry_failed=True).answered == 120


def place_on():
    from datetime import date

    return date(2026, 11, 1)


def test_an_input_that_the_service_cannot_read_is_told_in_its_words(place, run, file, batches):
    """The batch fails, as AWS's role without access would make it."""
    path = file([line(number) for number in range(120)])
    place.control("PUT", "jobs/pace", {"validating": 3600, "scheduled": 3600})
    with pytest.raises(batch.StillRunning):
        run(path, within_s=0)
    key = batches()[0]["input_file_id"].removeprefix("s3://batch-tests/")
    place.s3.delete_object(Bucket="batch-tests", Key=key)
    place.control("PUT", "jobs/pace", {"validating": 0, "scheduled": 0})
    place.control("POST", "clock", {"advance": 9000})
    with pytest.raises(batch.JobsEnded, match="no access to the input"):
        run(path)


def test_a_local_runtime_never_leads_to_a_real_bucket(place, file, monkeypatch):
    """Only bedrock-runtime is named here: S3 would be AWS's own."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", place.served.url)
    cloud = batch.Cloud("us-east-1", credentials={"aws_access_key_id": "a", "aws_secret_access_key": "b"})
    with pytest.raises(batch.InvalidSettings, match="would be AWS's own"):
        place.run(file([line(number) for number in range(100)]), model=OSS, kind=batch.Kind.CHAT, cloud=cloud)


def test_the_same_file_goes_on_demand(place, file, tmp_path):
    """Through Chat Completions of bedrock-runtime, record by record; tools are taken there."""
    path = file([line(number, tools=[], response_format=None) for number in range(6)])
    options = {"model": OSS, "kind": batch.Kind.CHAT, "cloud": place.cloud(), "folder": place.folder, "on": place_on()}
    with batch.prepare(batch.source_of(path), None, **options) as prepared:
        prepared.agree(prepared.estimate(), lambda estimate: True, None)
        outcome = batch.OnDemand(prepared, lambda: 1_790_000_000.0).send()
    assert (outcome.answered, outcome.on_demand) == (6, True)
    assert [row["modelOutput"]["choices"][0]["message"]["content"] for row in outcome.rows()][:2] == ["w0", "w1"]


def test_the_command_runs_and_shows_and_examines_such_a_run(place, kit, file, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", place.served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.served.s3_url)
    file([line(number) for number in range(120)])
    job = ["--model", OSS, "--bucket", kit.BUCKET, "--role", kit.ROLE, "--region", "us-east-1"]
    words = ["batch", "run", "asked.jsonl", "--type", "ChatCompletions", *job, "--name", "chat", "--every", "0.05"]
    assert main(words) == 0
    assert "120 of 120 records answered" in capsys.readouterr().out
    assert main(["batch", "status", "chat"]) == 0
    assert "Completed" in capsys.readouterr().out
    main(["batch", "doctor", "--run", "chat", "--json"])
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert checks["S3, for you"]["verdict"] == "good"
