"""The OpenAI Batch API of bedrock-runtime: requests on S3, answers beside them, errors in a file of their own."""

import json

import boto3
import pytest

from rockbottom.local import ClockKind, running

pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
START = 1_790_000_000.0
HEADERS = {
    "content-type": "application/json",
    "X-Amzn-Bedrock-ModelId": "openai.gpt-oss-120b-1:0",
    "X-Amzn-Bedrock-RoleArn": "arn:aws:iam::123456789012:role/batch",
}
ASKED = {"input_file_id": "s3://batches/in/talk.jsonl", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


@pytest.fixture(scope="module")
def served():
    with running(clock=ClockKind.MANUAL, start_at=START, s3="moto") as one:
        yield one


@pytest.fixture
def s3(served, kit):
    kit.control(served, "POST", "reset")
    kit.control(served, "POST", "clock", {"kind": "manual", "set": START})
    client = boto3.client("s3", endpoint_url=served.s3_url, **kit.CREDENTIALS)
    client.create_bucket(Bucket="batches")
    return client


def record(number, **more):
    body = {"messages": [{"role": "user", "content": f"Reply with the single word: w{number}"}], **more}
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def put(s3, records):
    s3.put_object(
        Bucket="batches", Key="in/talk.jsonl", Body="".join(json.dumps(one) + "\n" for one in records).encode()
    )


def lines(s3, uri):
    body = s3.get_object(Bucket="batches", Key=uri.removeprefix("s3://batches/"))["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def created(served, kit, headers=HEADERS, **more):
    return kit.http(served, "POST", "/openai/v1/batches", {**ASKED, **more}, headers)


def test_a_batch_runs_and_its_answers_stand_beside_its_input(served, s3, kit):
    """BATCH_ID/INPUT.jsonl.out and .err (AWS's page); a request with tools is an error of its own."""
    put(s3, [record(1), record(2, tools=[{"type": "function", "function": {"name": "f"}}]), record(3)])
    status, batch, _ = created(served, kit, metadata={"team": "a"})
    assert (status, batch["status"], batch["object"]) == (200, "validating", "batch")
    assert batch["metadata"] == {"team": "a"}
    place = f"/openai/v1/batches/{batch['id']}"
    assert kit.http(served, "GET", place)[1]["status"] == "validating"
    kit.control(served, "POST", "clock", {"advance": 0.6})
    assert kit.http(served, "GET", place)[1]["status"] == "in_progress"
    kit.control(served, "POST", "clock", {"advance": 60})
    done = kit.http(served, "GET", place)[1]
    assert (done["status"], done["request_counts"]) == ("completed", {"total": 3, "completed": 2, "failed": 1})
    assert done["output_file_id"] == f"s3://batches/in/{batch['id']}/talk.jsonl.out"
    out, err = lines(s3, done["output_file_id"]), lines(s3, done["error_file_id"])
    assert [line["custom_id"] for line in out] == ["r1", "r3"]
    assert [line["response"]["body"]["choices"][0]["message"]["content"] for line in out] == ["w1", "w3"]
    assert all(line["response"]["body"]["usage"]["prompt_tokens"] > 0 for line in out)
    assert (err[0]["custom_id"], err[0]["response"]["status_code"]) == ("r2", 400)
    assert "tools" in err[0]["response"]["body"]["error"]["message"]
    assert [row["id"] for row in kit.http(served, "GET", "/openai/v1/batches")[1]["data"]] == [batch["id"]]


def test_batches_are_listed_in_pages_the_newest_first(served, s3, kit):
    """``limit`` and ``after`` of OpenAI's "List batches", which AWS's page names."""
    put(s3, [record(1)])
    names = [created(served, kit)[1]["id"] for _ in range(3)]
    first = kit.http(served, "GET", "/openai/v1/batches?limit=2")[1]
    assert ([row["id"] for row in first["data"]], first["has_more"]) == ([names[2], names[1]], True)
    rest = kit.http(served, "GET", f"/openai/v1/batches?limit=2&after={first['last_id']}")[1]
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == ([names[0]], False)
    assert kit.http(served, "GET", "/openai/v1/batches?limit=101")[0] == 400


def test_a_batch_can_be_cancelled_while_it_waits(served, s3, kit):
    put(s3, [record(1)])
    place = f"/openai/v1/batches/{created(served, kit)[1]['id']}"
    assert kit.http(served, "POST", f"{place}/cancel")[1]["status"] == "cancelled"
    assert kit.http(served, "POST", f"{place}/cancel")[0] == 400
    assert kit.http(served, "DELETE", place)[0] != 500


@pytest.mark.parametrize(("headers", "more", "said"), [
    ({"X-Amzn-Bedrock-ModelId": ""}, {}, "X-Amzn-Bedrock-ModelId"),
    ({"X-Amzn-Bedrock-RoleArn": ""}, {}, "X-Amzn-Bedrock-RoleArn"),
    ({"X-Amzn-Bedrock-ModelId": "nobody.knows"}, {}, "model identifier is invalid"),
    ({}, {"input_file_id": "file-abc"}, "S3 URI"),
    ({}, {"endpoint": "/v1/responses"}, "/v1/chat/completions"),
    ({}, {"completion_window": "1h"}, "24h"),
])  # fmt: skip
def test_what_a_batch_cannot_be_is_refused_in_openais_shape(served, s3, kit, headers, more, said):
    status, told, _ = created(served, kit, {**HEADERS, **headers}, **more)
    assert (status, said in told["error"]["message"]) == (400, True)


def test_input_that_is_missing_or_damaged_fails_the_batch(served, s3, kit):
    s3.put_object(Bucket="batches", Key="in/talk.jsonl", Body=b'{"custom_id": "a"}\nnot json\n')
    batches = [created(served, kit)[1], created(served, kit, input_file_id="s3://batches/none.jsonl")[1]]
    kit.control(served, "POST", "clock", {"advance": 60})
    told = [kit.http(served, "GET", f"/openai/v1/batches/{batch['id']}")[1] for batch in batches]
    assert [row["status"] for row in told] == ["failed", "failed"]
    assert told[0]["errors"]["data"][0]["line"] == 2
    assert kit.http(served, "GET", "/openai/v1/batches/batch_none")[0] == 404
    assert kit.http(served, "GET", "/bedrock-mantle/v1/batches")[0] == 404


@pytest.mark.parametrize(("records", "code"), [
    ([record(1), record(1)], "duplicate_custom_id"),
    ([record(1), {**record(2), "url": "/v1/responses"}], "invalid_url"),
])  # fmt: skip
def test_lines_that_openais_validation_refuses_fail_the_batch(served, s3, kit, records, code):
    """Unique custom_ids, and the endpoint of the batch (OpenAI, "Prepare your batch file")."""
    put(s3, records)
    place = f"/openai/v1/batches/{created(served, kit)[1]['id']}"
    kit.control(served, "POST", "clock", {"advance": 60})
    told = kit.http(served, "GET", place)[1]
    (error,) = told["errors"]["data"]
    assert (told["status"], error["code"], error["line"]) == ("failed", code, 2)


def test_a_batch_that_is_not_done_in_its_window_expires(served, s3, kit):
    """Requests that were never run are errors of batch_expired (OpenAI, "Batch expiration")."""
    put(s3, [record(1), record(2)])
    kit.control(served, "POST", "jobs/faults", {"kind": "expire"})
    place = f"/openai/v1/batches/{created(served, kit)[1]['id']}"
    kit.control(served, "POST", "clock", {"advance": 24 * 3600 - 1})
    assert kit.http(served, "GET", place)[1]["status"] == "in_progress"
    kit.control(served, "POST", "clock", {"advance": 1})
    told = kit.http(served, "GET", place)[1]
    assert (told["status"], told["request_counts"]) == ("expired", {"total": 2, "completed": 0, "failed": 2})
    assert (told["output_file_id"], told["expired_at"]) == (None, told["expires_at"])
    assert [line["error"]["code"] for line in lines(s3, told["error_file_id"])] == ["batch_expired"] * 2
    assert kit.http(served, "POST", f"{place}/cancel")[0] == 400
