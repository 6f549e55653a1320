"""The file of a batch job, sent on demand with caching: paced, able to die, its results where batch puts them."""

import json
from decimal import Decimal

import pytest

from rockbottom import batch
from rockbottom.batch.pacing import RequestPace, quotas_of
from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.quantities import Usage

RULES = " ".join(f"Rule {n}: parcels of class {n} are kept {7 + n % 21} days and then returned." for n in range(300))


def records(count):
    """Pairs of a recordId and a body; all share a system prompt long enough to be cached."""
    return [
        (f"T{n:03}", {"system": [{"text": RULES}], "messages": [{"role": "user", "content": [{"text": f"Class {n}?"}]}],
                      "inferenceConfig": {"maxTokens": 20}})
        for n in range(count)
    ]  # fmt: skip


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 1_790_000_000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def opened(place, kit):
    """Opens the run of these records that is sent on demand, agreed to."""

    def opening(pairs, model=kit.MODEL, **more):
        source = batch.source_of(pairs)
        return batch.prepare(
            source, None, model=model, cloud=place.cloud(), name="direct", folder=place.folder, on=kit.ON, **more
        )

    return opening


def rows(place):
    return [json.loads(line) for line in (place.folder / "direct" / "results.jsonl").read_text().splitlines()]


def sent(opened, pairs, **more):
    told = more.pop("told", lambda done, total: None)
    with opened(pairs) as prepared:
        prepared.agree(prepared.estimate(), lambda estimate: True, None)
        return batch.OnDemand(prepared, Clock(), **more).send(told)


def test_results_have_the_order_and_the_shape_of_batch(opened, place):
    """12 records, fewer than a job takes: one row each, in order; the shared prompt is written once, read 11 times."""
    outcome = sent(opened, records(12))
    assert [set(row) for row in rows(place)] == [{"recordId", "modelOutput"}] * 12
    assert [row["recordId"] for row in rows(place)] == [f"T{n:03}" for n in range(12)]
    usages = [row["modelOutput"]["usage"] for row in rows(place)]
    written, read = usages[0]["cacheWriteInputTokens"], [usage["cacheReadInputTokens"] for usage in usages]
    assert written > 4_096
    assert read == [0] + [written] * 11
    assert (outcome.answered, outcome.left, outcome.tally.usage.cache_read) == (12, 0, 11 * written)
    assert outcome.usd == outcome.compared.cached.usd < outcome.compared.batch.usd


def test_a_short_name_is_sent_as_the_service_spells_it(opened, place, kit):
    """Bedrock knows no ``us.haiku-4-5``: the run is of the profile's id, on demand and as a job."""
    with opened(records(2), model="us.haiku-4-5") as prepared:
        prepared.agree(prepared.estimate(), lambda estimate: True, None)
        outcome = batch.OnDemand(prepared, Clock()).send(lambda done, total: None)
        assert prepared.run.settings.model == kit.MODEL
    assert (outcome.answered, outcome.left) == (2, 0)
    assert place.run(kit.pairs(100), model="us.haiku-4-5").answered == 100


def test_a_run_that_was_killed_goes_on_with_what_has_no_answer(opened, place):
    """Killed after 5 of 12: the second life asks for 7, and nothing is asked twice."""

    class Killed(BaseException):
        pass

    def kill(done, total):
        if done == 5:
            raise Killed

    with pytest.raises(Killed):
        sent(opened, records(12), told=kill)
    answers = place.folder / "direct" / "answers.jsonl"
    assert len(answers.read_text().splitlines()) == 5
    answers.write_bytes(answers.read_bytes() + b'{"recordId": "T0')  # a line that was being written
    counts = []
    outcome = sent(opened, records(12), told=lambda done, total: counts.append((done, total)))
    assert counts[0] == (6, 12)
    assert (outcome.answered, len(answers.read_text().splitlines())) == (12, 12)


def test_records_under_way_at_once_all_get_their_own_answer(opened, place):
    """Four at a time after the first: every row is that of its record."""
    sent(opened, records(20), at_once=4)
    assert [row["recordId"] for row in rows(place)] == [f"T{n:03}" for n in range(20)]
    assert all("modelOutput" in row for row in rows(place))


def test_what_the_model_refuses_is_a_row_with_its_error_and_is_left(opened, place):
    """A temperature of 9: the record is named with the refusal, the others are answered."""
    pairs = records(3)
    pairs[1][1]["inferenceConfig"]["temperature"] = 9.0
    outcome = sent(opened, pairs)
    assert (outcome.answered, outcome.refused) == (2, 1)
    assert "error" in rows(place)[1]
    assert outcome.left_path.exists()


def test_tools_and_a_model_without_a_batch_price_are_taken(opened, kit):
    """Both are reasons why a job is not possible, and none on demand."""
    pairs = records(2)
    pairs[0][1]["toolConfig"] = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}]}
    with opened(pairs, model="global.anthropic.claude-haiku-5-5") as prepared:
        estimate = prepared.estimate()
    assert estimate.compared.batch is None
    assert estimate.usd == estimate.compared.on_demand.usd


def test_a_pace_holds_requests_to_the_minute():
    """Two a minute: the third waits until the first is 60 s old, the fifth until the third is."""
    clock, pace = Clock(), RequestPace(requests=2)
    start = clock.now
    begun = [pace.admit(10, 10, clock.sleep, clock) - start for _ in range(5)]
    assert begun == [0, 0, 60, 60, 120]


def test_a_pace_counts_tokens_as_the_quota_does():
    """1,000 tokens a minute, output times 5. Each takes 300 + 100 at its start and is settled at 100 + 200 + 20 x 5 =
    400 (reads do not count): two fit, the third waits; one of 5,000 is let through alone, for the service to refuse.
    """
    clock, pace = Clock(), RequestPace(tokens=1_000, burndown=5)
    start = clock.now
    for _ in range(3):
        began = pace.admit(300, 100, clock.sleep, clock)
        pace.settle(began, Usage(100, 20, cache_read=9_000, cache_write_5m=200))
    assert clock.now - start == 60
    clock.now += 60
    assert pace.admit(5_000, 0, clock.sleep, clock) == clock.now


QUOTAS = [
    ("On-demand model inference requests per minute for Anthropic Claude Sonnet 4.5 V1", 10.0),
    ("Cross-region model inference requests per minute for Anthropic Claude Sonnet 4.5 V1", 200.0),
    ("Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1", 200_000.0),
    ("Global cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1", 900_000.0),
    ("Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5", 5.0),
    ("Model invocation max tokens per day for Anthropic Claude Sonnet 4.5 V1 (doubled for cross-region calls)", 1.0),
]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", {"requests": 200, "tokens": 200_000}),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", {"tokens": 900_000}),
        ("amazon.nova-lite-v1:0", {}),
    ],
)
def test_the_quota_of_the_model_in_its_scope_is_found(model, expected):
    """Names as requests for more quota spell them; those of other models and scopes are passed over."""
    quotas = [{"QuotaName": name, "Value": value} for name, value in QUOTAS]
    assert quotas_of(quotas, load_catalog().model(model)) == expected


@pytest.fixture
def rockbottom(place, capsys, monkeypatch, tmp_path):
    """Runs a command line in a folder of its own; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", place.served.url)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)

    def run(*words):
        try:
            code = main(["batch", *words])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code or 0, printed.out, printed.err

    return run


def test_the_command_sends_the_file_and_says_what_it_saved(rockbottom, kit, tmp_path):
    """No bucket, no role, no S3; the JSON has the members of a batch run, and the commands of jobs say no to it."""
    lines = (json.dumps({"recordId": key, "modelInput": body}) + "\n" for key, body in records(10))
    (tmp_path / "in.jsonl").write_text("".join(lines))
    words = ["run", "in.jsonl", "--model", kit.MODEL, "--region", "us-east-1", "--on-demand", "--max-usd", "1"]
    code, out, err = rockbottom(*words, "--name", "n", "--requests-per-minute", "6000", "--json")
    assert code == 0, err
    assert "at most 6,000 requests a minute" in err
    told = json.loads(out)
    assert (told["answered"], told["sent"], told["cheapest"]) == (10, "onDemandCached", "cached")
    assert float(told["usd"]["onDemandCached"]) < float(told["usd"]["batch"]) < float(told["usd"]["onDemand"])
    assert rockbottom(*words, "--name", "n")[0] == 0
    code, _, err = rockbottom("collect", "n")
    assert (code, "--on-demand continues it" in err) == (2, True)
    assert "finished" in rockbottom("list")[1]


def test_the_estimate_of_a_job_names_the_command_where_caching_wins(rockbottom, place, kit, tmp_path, monkeypatch):
    """120 records that share nearly all of their input: batch is dearer, and the line to do it otherwise is there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.served.s3_url)
    lines = (json.dumps({"recordId": key, "modelInput": body}) + "\n" for key, body in records(120))
    (tmp_path / "in.jsonl").write_text("".join(lines))
    job = ["--model", kit.MODEL, "--bucket", kit.BUCKET, "--role", kit.ROLE, "--region", "us-east-1"]
    code, _, err = rockbottom("run", "in.jsonl", *job, "--every", "0.05")
    assert code == 0
    assert f"rockbottom batch run in.jsonl --model {kit.MODEL} --on-demand" in err


def test_a_limit_is_held_against_the_estimate_with_caching_and_says_so(opened):
    """Twenty records on one system prompt: with caching a fraction of what they are without."""
    with opened(records(20)) as prepared:
        found = prepared.estimate()
        assert found.usd == found.compared.cached.usd < found.compared.on_demand.usd
        with pytest.raises(batch.NotAgreed, match="estimate on demand with caching is"):
            prepared.agree(found, None, found.usd * Decimal("0.99"))
        prepared.agree(found, None, found.usd)


def test_sending_stops_before_the_limit_is_passed_and_goes_on_with_more(opened, place):
    """The first record writes the prompt and is the dearest: only so many follow as could each cost as much."""
    pairs = records(20)
    with opened(pairs) as prepared:
        limit = prepared.estimate().usd * Decimal("0.6")
    with pytest.raises(batch.NotAgreed, match=r"is spent, and another record may pass the limit"):
        sent(opened, pairs, max_usd=limit)
    answers = place.folder / "direct" / "answers.jsonl"
    first = len(answers.read_text().splitlines())
    assert 0 < first < 20
    sent(opened, pairs, max_usd=Decimal("1"))
    assert len(rows(place)) == 20
