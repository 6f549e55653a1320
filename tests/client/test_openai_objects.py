"""Batches and files through the real openai-python, unmodified; `make sdks` runs this where it is installed."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from rockbottom.local import running

openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
ROLE, MODEL = "arn:aws:iam::123456789012:role/batch", "openai.gpt-oss-120b-1:0"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as a batch reads and writes; moto's needs packages that this environment has not."""

    objects: ClassVar = {}

    def do_PUT(self):
        self.objects[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        content = self.objects.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("content-length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Bucket.objects.clear()
    with running(s3=f"http://127.0.0.1:{server.server_port}") as one:
        yield one
    server.shutdown()
    server.server_close()


def asked(number):
    body = {"messages": [{"role": "user", "content": f"Reply with the single word: w{number}"}], "max_tokens": 20}
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def test_batches_are_made_fetched_listed_and_cancelled(served):
    """As AWS's page has it: the role in ``default_headers``, the model in ``extra_headers``, the input on S3."""
    lines = "".join(json.dumps(asked(number)) + "\n" for number in range(3))
    Bucket.objects["/batches/in/talk.jsonl"] = lines.encode()
    client = openai.OpenAI(
        base_url=f"{served.url}/openai/v1", api_key="any", default_headers={"X-Amzn-Bedrock-RoleArn": ROLE}
    )
    made = [
        client.batches.create(
            input_file_id="s3://batches/in/talk.jsonl", endpoint="/v1/chat/completions", completion_window="24h",
            metadata={"description": "test input"}, extra_headers={"X-Amzn-Bedrock-ModelId": MODEL},
        )
        for _ in range(3)
    ]  # fmt: skip
    assert (made[0].status, made[0].metadata) == ("validating", {"description": "test input"})
    assert client.batches.cancel(made[2].id).status == "cancelled"
    clock = openai.OpenAI(base_url=f"{served.url}/_rockbottom", api_key="any")
    clock.post("/clock", cast_to=object, body={"advance": 120})
    done = client.batches.retrieve(made[0].id)
    assert (done.status, done.request_counts.completed) == ("completed", 3)
    rows = [json.loads(line) for line in Bucket.objects[done.output_file_id.removeprefix("s3:/")].splitlines()]
    assert [row["response"]["body"]["choices"][0]["message"]["content"] for row in rows] == ["w0", "w1", "w2"]
    assert [one.id for one in client.batches.list(limit=2)] == [one.id for one in reversed(made)]  # two pages


def test_files_are_those_of_bedrock_mantle(served):
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="any")
    content = json.dumps({"messages": [{"role": "user", "content": "ä"}]}, ensure_ascii=False).encode() + b"\r\n"
    made = client.files.create(file=("train.jsonl", content), purpose="fine-tune")
    assert (made.filename, made.bytes, made.status) == ("train.jsonl", len(content), "processed")
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == content
    assert [one.id for one in client.files.list()] == [made.id]
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


def test_a_file_is_no_input_of_a_batch_and_openais_path_has_none(served):
    client = openai.OpenAI(
        base_url=f"{served.url}/openai/v1", api_key="any", default_headers={"X-Amzn-Bedrock-RoleArn": ROLE}
    )
    with pytest.raises(openai.NotFoundError):
        client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="S3 URI"):
        client.batches.create(
            input_file_id="file-abc", endpoint="/v1/chat/completions", completion_window="24h",
            extra_headers={"X-Amzn-Bedrock-ModelId": MODEL},
        )  # fmt: skip
