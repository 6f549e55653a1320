"""The lane batch: every turn a record of a real job, at half price, against the local endpoint and an S3."""

import json
import urllib.request
from datetime import date
from decimal import Decimal as D

import boto3
import pytest
from msgspec import to_builtins

from rockbottom.bench import JobsAt, LocalEndpoint, SpendLimit, prepare, resume
from rockbottom.local import running
from rockbottom.rendering import page_of, text_of

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ON = date(2026, 11, 1)
JOBS = {"bucket": "bench-lane", "role_arn": "arn:aws:iam::123456789012:role/bench"}


@pytest.fixture(scope="module")
def served():
    """An endpoint with an S3 in this process and a bucket in it."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(s3="moto") as one:
        s3 = boto3.client(
            "s3", endpoint_url=one.s3_url, region_name="us-east-1", aws_access_key_id="local",
            aws_secret_access_key="local",
        )  # fmt: skip
        s3.create_bucket(Bucket=JOBS["bucket"])
        yield one


@pytest.fixture
def bench(served, tmp_path):
    """Prepares a bench of a text with the lane batch."""

    def prepared(text, *, place=None, lanes=("batch",), **options):
        file = tmp_path / "small.yaml"
        file.write_text(text, encoding="utf-8")
        options = {"models": [HAIKU], "runs": tmp_path / "runs", "on": ON, **options}
        return prepare(file, place or _place(served), lanes=lanes, **options)

    return prepared


def _place(served, **more):
    return LocalEndpoint(served.url, jobs=JobsAt(**{**JOBS, "s3_url": served.s3_url, **more}))


def _lanes(bench):
    bench.run()
    return {lane["name"]: lane for lane in to_builtins(bench.document())["models"][0]["lanes"]}


def _jobs(served):
    with urllib.request.urlopen(f"{served.url}/_rockbottom/jobs", timeout=20) as reply:
        return json.loads(reply.read())["jobs"]


def test_the_same_tokens_cost_half(bench, small):
    """Three turns with the history that was recorded: uncached, at half of every price."""
    one = bench(small)
    lanes = _lanes(one)
    batch, base = lanes["batch"], lanes["baseline"]
    assert batch["status"] == "ran"
    assert [turn["input"] for turn in batch["turns"]] == [turn["input"] for turn in base["turns"]]
    assert 2 * D(batch["cost"]["run"]) == D(base["cost"]["run"])
    assert batch["usage"]["read"] == batch["usage"]["write"] == 0
    assert batch["turns"][0]["latency_ms"] is None  # a record has no time of its own
    document = one.document()
    assert "each sent 34 times (a job takes 100 or more)" in " ".join(text_of(document).split())
    assert "for answers within a day" in page_of(document)


def test_what_is_sent_several_times_is_in_the_estimate_and_under_the_limit(bench, small):
    """3 turns are 102 records; the limit stops before the job, not after it."""
    plain, batch = bench(small, lanes=["baseline"]), bench(small)
    assert batch.estimate.requests == plain.estimate.requests + 102
    assert batch.estimate.likely == plain.estimate.likely + 34 * plain.estimate.likely / 2
    with pytest.raises(SpendLimit):
        batch.run(max_usd=2 * plain.estimate.most)


def test_a_run_that_was_stopped_finds_its_job_again(bench, served, small, monkeypatch):
    """ctrl-C while the job runs: the next run waits for the same job and sends nothing twice."""
    before = len(_jobs(served))
    place = _place(served)
    one = bench(small, place=place)
    real = LocalEndpoint.wait
    waits = []

    def stop(self, seconds):
        waits.append(seconds)
        if seconds == 30.0:
            raise KeyboardInterrupt
        real(self, seconds)

    monkeypatch.setattr(LocalEndpoint, "wait", stop)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert len(_jobs(served)) == before + 1
    monkeypatch.setattr(LocalEndpoint, "wait", real)
    place.jobs = JobsAt(**JOBS, s3_url=served.s3_url)
    lanes = _lanes(resume(one.notebook.folder, place))
    assert lanes["batch"]["status"] == "ran"
    assert len(_jobs(served)) == before + 1


def test_native_bodies_go_through_a_job_of_their_own_kind(bench, small):
    """InvokeModel with the Anthropic body."""
    lanes = _lanes(bench("api: invoke\n" + small))
    assert lanes["batch"]["status"] == "ran"
    assert [turn["input"] for turn in lanes["batch"]["turns"]] == [turn["input"] for turn in lanes["baseline"]["turns"]]


@pytest.mark.parametrize(
    ("text", "models", "jobs", "why"),
    [
        ("tools: [{toolSpec: {name: look_up, inputSchema: {json: {type: object}}}}]\n", [HAIKU], True,
         "not possible: batch calls no tools"),
        ("", [HAIKU], False, "not possible: batch jobs need --bucket and --role"),
        ("", ["global.anthropic.claude-opus-5"], True, "no batch price"),
    ],
)  # fmt: skip
def test_what_cannot_be_batched_says_why_in_its_row(bench, served, small, text, models, jobs, why):
    """And is not sent."""
    place = _place(served) if jobs else LocalEndpoint(served.url)
    rows = bench(text + small, place=place, models=models).plan.rows
    assert why in (next(row.why for row in rows if row.lane.name == "batch") or "")


def test_a_job_that_is_refused_ends_its_own_lane(bench, served, small):
    """No such bucket: the row says so, the other lanes run."""
    lanes = _lanes(bench(small, place=_place(served, bucket="not-there"), lanes=["batch", "cached"]))
    assert lanes["batch"]["status"] == "refused"
    assert "There is no bucket not-there" in lanes["batch"]["why"]
    assert lanes["cached"]["status"] == "ran"


def test_without_fixed_answers_the_history_is_what_the_baseline_got(bench, small):
    """So both lanes read the same tokens at every turn."""
    text = "\n".join(line for line in small.splitlines() if "answer:" not in line)
    lanes = _lanes(bench(text))
    assert lanes["batch"]["status"] == "ran"
    assert [turn["input"] for turn in lanes["batch"]["turns"]] == [turn["input"] for turn in lanes["baseline"]["turns"]]
