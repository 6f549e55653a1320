"""A local endpoint with an S3 of its own, a bucket in it, and runs that wait in no time."""

import json
import urllib.request
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from rockbottom import batch
from rockbottom.local import running

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ROLE = "arn:aws:iam::123456789012:role/batch"
BUCKET = "batch-tests"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
ON = date(2026, 11, 1)
FAST = {"validating": 0, "scheduled": 0}


_CLIENTS = {}


def body(number, **more):
    """A Converse body."""
    return {
        "system": [{"text": f"Gateway number {number} listens on port {8000 + number}."}],
        "messages": [{"role": "user", "content": [{"text": "Which port does the gateway use?"}]}],
        "inferenceConfig": {"maxTokens": 50},
        **more,
    }


def pairs(count):
    """Pairs of a recordId and a body."""
    return [(f"T{number:05d}", body(number)) for number in range(count)]


@pytest.fixture(scope="session")
def served():
    """The endpoint, with S3 in this process."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(s3="moto") as one:
        s3 = boto3.client("s3", endpoint_url=one.s3_url, region_name="us-east-1", **KEYS)
        s3.create_bucket(Bucket=BUCKET)
        yield one


@pytest.fixture
def place(served, tmp_path):
    """The endpoint as at its start, the bucket empty, and a folder for runs."""
    one = Place(served, tmp_path / "runs")
    one.reset()
    return one


class Place:
    """What the tests of this folder do."""

    def __init__(self, served, folder: Path):
        self.served, self.folder = served, folder
        self.s3 = boto3.client("s3", endpoint_url=served.s3_url, region_name="us-east-1", **KEYS)
        self.slept = []
        self.notes = []

    def control(self, method, name, content=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.served.url}/_rockbottom/{name}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.loads(reply.read())

    def reset(self):
        self.control("POST", "reset")
        self.control("PUT", "jobs/pace", FAST)
        self.s3.create_bucket(Bucket=BUCKET)  # the end of any moto in this process empties all of them
        for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            self.s3.delete_object(Bucket=BUCKET, Key=one["Key"])

    @property
    def jobs(self):
        return self.control("GET", "jobs")["jobs"]

    def cloud(self, **more):
        return batch.Cloud(
            "us-east-1",
            bedrock_url=self.served.url,
            s3_url=self.served.s3_url,
            sleep=self.slept.append,
            credentials=dict(KEYS),
            _clients=_CLIENTS.setdefault(self.served.url, {}),  # making a client takes longer than a run
            **more,
        )

    def uploading(self, done, total):
        pass

    def note(self, text):
        self.notes.append(text)

    def run(self, records, **more):
        options = {
            "model": MODEL, "bucket": BUCKET, "role_arn": ROLE, "on": ON, "cloud": self.cloud(), "folder": self.folder,
            "agree": lambda estimate: True, "watcher": self, "every_s": 0, **more,
        }  # fmt: skip
        if not isinstance(records, str | Path):
            options.setdefault("name", "a-run")
        return batch.run(records, **options)


@pytest.fixture(scope="session")
def kit():
    """Names that every test file of this folder uses."""
    return SimpleNamespace(MODEL=MODEL, ROLE=ROLE, BUCKET=BUCKET, ON=ON, KEYS=KEYS, body=body, pairs=pairs)
