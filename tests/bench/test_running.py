"""Runs against the local endpoint over HTTP: what is measured, kept, resumed and refused."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import to_builtins

from rockbottom.bench import EndpointDied, InvalidRun, LocalEndpoint, SpendLimit, resume
from rockbottom.bench.notebook import SETTINGS, TURNS, open_notebook


def _lanes(document, model=0):
    return {lane["name"]: lane for lane in to_builtins(document)["models"][model]["lanes"]}


def test_a_cached_lane_writes_once_and_then_reads(bench_of, small):
    """The prefix that the first turn writes is what the second and third read, and every counter adds up."""
    bench = bench_of(small)
    bench.run()
    document = bench.document()
    lanes = _lanes(document)
    first, second, third = lanes["cached"]["turns"]
    assert first["write"] > 1024
    assert (first["read"], second["read"], third["read"]) == (0, first["write"], first["write"])
    assert second["write"] == third["write"] == 0
    assert [turn["cache"] for turn in lanes["cached"]["turns"]] == ["miss", "hit", "hit"]
    for one, other in zip(lanes["baseline"]["turns"], lanes["cached"]["turns"], strict=True):
        assert one["input"] == other["input"] + other["read"] + other["write"]
    assert lanes["cached-1h"]["why"] == "not offered by Nova (5 minutes only)"
    assert document.passed


def test_what_a_run_keeps_is_its_owners_alone(bench_of, small, tmp_path):
    """Turns hold the answers, and settings the workload."""
    bench = bench_of(small)
    bench.run()
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert {path.name: path.stat().st_mode & 0o777 for path in files} == {TURNS: 0o600, SETTINGS: 0o600}


def test_the_bill_is_tokens_times_prices(bench_of, small):
    """Nova Pro in Region: 0.80 in, 3.20 out, 0.20 read and 0 written a million tokens."""
    bench = bench_of(small)
    bench.run()
    lane = _lanes(bench.document())["cached"]
    usage = lane["usage"]
    expected = (
        usage["input"] * Decimal("0.8") + usage["output"] * Decimal("3.2") + usage["read"] * Decimal("0.2")
    ) / 10**6
    assert Decimal(lane["cost"]["conversation"]) == expected
    assert Decimal(lane["cost"]["month"]) == expected * 1000 * 30
    assert Decimal(lane["cost"]["requests_1000"]) == expected / 3 * 1000


def test_lanes_do_not_find_what_other_lanes_or_repeats_left(bench_of, small):
    """Each pass starts with an empty cache, so each writes its prefix once."""
    bench = bench_of(small, repeats=3)
    bench.run()
    lane = _lanes(bench.document())["cached"]
    assert lane["repeats"]["passes"] == 3
    assert lane["repeats"]["write"]["least"] == lane["repeats"]["write"]["most"] > 0
    assert Decimal(lane["repeats"]["usd"]["median"]) == Decimal(lane["cost"]["run"])


def test_time_passes_between_turns(bench_of, small):
    """With six minutes between turns a five-minute entry is gone, and the verdict says so."""
    bench = bench_of(small.replace("seconds_between_turns: 20", "seconds_between_turns: 360"))
    bench.run()
    lane = _lanes(bench.document())["cached"]
    assert [turn["read"] for turn in lane["turns"]] == [0, 0, 0]
    verdict = lane["verdicts"][0]
    assert not verdict["passed"]
    assert verdict["says"] == "turn 2 read nothing"
    assert not bench.document().passed


def test_a_prefix_between_two_stated_minimums_fails_and_names_both_sides(bench_of):
    """Nova: AWS documents 1,024, recordings show less being cached. A simulation cannot decide it."""
    text = "name: W\nsystem: be brief\nconversations: [{turns: [{user: a, answer: b}, {user: c, answer: d}]}]\n"
    bench = bench_of(text, models=["amazon.nova-pro-v1:0"], lanes=["cached"])
    bench.run()
    verdicts = {one["name"]: one for one in _lanes(bench.document())["cached"]["verdicts"]}
    found = verdicts["prefix clears the minimum"]
    assert not found["passed"]
    assert found["says"].endswith("tokens, and sources state minimums of 0 and 1,024")
    assert "27 tokens and many writes below 1,024 were recorded as cached" in found["caution"]
    assert "states 1,024 as the minimum" in found["caution"]


def test_a_prefix_of_nothing_fails_and_says_that_there_is_nothing_to_cache(bench_of):
    """Without system text, documents and tools a point after the last message has nothing before it that stays."""
    text = "name: W\nconversations: [{turns: [{user: a, answer: b}, {user: c, answer: d}]}]\n"
    bench = bench_of(text, models=["us.anthropic.claude-sonnet-5-5"], lanes=["cached-tail"])
    bench.run()
    verdicts = {one["name"]: one for one in _lanes(bench.document())["cached-tail"]["verdicts"]}
    found = verdicts["prefix clears the minimum"]
    assert not found["passed"]
    assert found["says"] == "nothing to cache: 0 tokens stay the same between turns"


def test_a_prefix_below_the_minimum_fails_its_verdict(bench_of):
    """Nothing is cached below 512 tokens on Claude Sonnet 5.5, nothing is rejected, and the report says why."""
    text = "name: W\nsystem: be brief\nconversations: [{turns: [{user: a, answer: b}, {user: c, answer: d}]}]\n"
    bench = bench_of(text, models=["us.anthropic.claude-sonnet-5-5"], lanes=["cached"])
    bench.run()
    verdicts = {one["name"]: one for one in _lanes(bench.document())["cached"]["verdicts"]}
    assert verdicts["one write, then reads"]["says"] == "nothing was written and nothing read"
    assert "< 512 tokens: below the minimum nothing is cached" in verdicts["prefix clears the minimum"]["says"]
    assert verdicts["nothing rejected"]["passed"]
    assert not verdicts["cheaper than baseline"]["passed"]


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-5-5", "amazon.nova-pro-v1:0"])
@pytest.mark.parametrize(("api", "stream"), [("converse", False), ("converse", True), ("invoke", False)])
def test_every_api_gives_the_same_bill(bench_of, small, model, api, stream):
    """Converse, ConverseStream and InvokeModel count alike; only a stream has a time to its first token."""
    bench = bench_of(f"{small}api: {api}\nstream: {str(stream).lower()}\n", models=[model], lanes=["cached"])
    bench.run()
    lane = _lanes(bench.document())["cached"]
    assert lane["turns"][1]["read"] == lane["turns"][0]["write"] > 1024
    assert all((turn["first_ms"] is not None) == stream for turn in lane["turns"])
    assert lane["turns"][0]["output"] == _lanes(bench.document())["baseline"]["turns"][0]["output"]


class _Dying(LocalEndpoint):
    """An endpoint that goes away after some requests."""

    left = 1_000_000

    def script(self, number, answer):
        """Count down, then fail as a closed connection does."""
        type(self).left -= 1
        if type(self).left < 0:
            raise EndpointDied("cannot reach the local endpoint: connection refused")
        super().script(number, answer)


def test_an_endpoint_that_dies_half_way_loses_nothing(bench_of, small, endpoint_url):
    """Finished turns are on disk, the error names the command that goes on, and the resumed bill is the whole one."""
    whole = bench_of(small)
    whole.run()
    bench = bench_of(small)
    _Dying.left = 4
    bench.endpoint = _Dying(endpoint_url, first_account=77_000_100)
    with pytest.raises(EndpointDied) as caught:
        bench.run()
    assert caught.value.finished == 4
    assert caught.value.exit_code == 4
    assert "4 finished turns are kept" in str(caught.value)
    assert f"--resume {bench.notebook.folder}" in (caught.value.fix or "")
    assert len(open_notebook(bench.notebook.folder).turns) == 4
    partial = _lanes(bench.document())["cached"]
    assert (partial["status"], partial["why"]) == ("unfinished", "stopped after 1 of 3 turns")

    again = resume(bench.notebook.folder, LocalEndpoint(endpoint_url, first_account=78_000_100))
    again.run()
    bills = [{name: lane["cost"] for name, lane in _lanes(one.document()).items()} for one in (whole, again)]
    assert bills[0] == bills[1]
    assert len(open_notebook(bench.notebook.folder).turns) == 9


def test_a_line_that_a_crash_cut_off_is_dropped(bench_of, small, endpoint_url):
    """The last half line is not a turn; the run goes on as if it had not been written."""
    bench = bench_of(small, lanes=["cached"])
    bench.run()
    file = bench.notebook.folder / TURNS
    data = file.read_bytes()
    file.write_bytes(data[: data.rindex(b'{"kind":"turn"') + 40])
    again = resume(bench.notebook.folder, LocalEndpoint(endpoint_url, first_account=79_000_100))
    assert len(again.notebook.turns) == 5
    again.run()
    assert _lanes(again.document())["cached"]["status"] == "ran"


def test_a_changed_workload_is_not_resumed(bench_of, small, endpoint_url):
    """Turns of two different workloads cannot be compared."""
    bench = bench_of(small)
    bench.run()
    file = bench.notebook.settings.workload
    text = Path(file).read_text(encoding="utf-8")
    Path(file).write_text(text.replace("Large one", "Small one"), encoding="utf-8")
    with pytest.raises(InvalidRun, match="has changed since"):
        resume(bench.notebook.folder, LocalEndpoint(endpoint_url))


def test_the_limit_stops_before_it_is_exceeded(bench_of, small):
    """Nothing is sent that could take the bill above the limit, and what was spent is below it."""
    bench = bench_of(small)
    limit = Decimal("0.01")
    with pytest.raises(SpendLimit, match=r"stopped before the limit of \$0\.01") as caught:
        bench.run(max_usd=limit)
    assert caught.value.exit_code == 4
    lanes = _lanes(bench.document()).values()
    spent = sum(Decimal(turn["measured_usd"]) for lane in lanes for turn in lane["turns"])
    assert 0 < spent <= limit


def test_the_estimate_is_an_upper_bound_of_the_bill(bench_of, small):
    """What a run costs is never above what was said before it."""
    bench = bench_of(small, models=["us.anthropic.claude-sonnet-5-5", "amazon.nova-micro-v1:0"])
    said = bench.estimate
    bench.run()
    lanes = [lane for model in to_builtins(bench.document())["models"] for lane in model["lanes"]]
    spent = sum(Decimal(turn["measured_usd"]) for lane in lanes for turn in lane["turns"])
    assert spent <= said.likely * 2 < said.most * 2
    assert spent <= said.most
    assert said.requests == sum(len(lane["turns"]) for lane in lanes)


def test_a_refused_lane_ends_alone(bench_of, small, monkeypatch):
    """A request that the service rejects fails its own lane; the others are measured, and the verdict says why."""
    from rockbottom.bench import running as module
    from rockbottom.bench.errors import EndpointRefused

    real = module.send

    def send(client, model_id, request, **options):
        if request.points:
            raise EndpointRefused(
                "ValidationException: There is nothing available to cache.", code="ValidationException"
            )
        return real(client, model_id, request, **options)

    monkeypatch.setattr(module, "send", send)
    bench = bench_of(small, lanes=["cached"])
    bench.run()
    lanes = _lanes(bench.document())
    assert lanes["baseline"]["status"] == "ran"
    assert lanes["cached"]["status"] == "refused"
    assert lanes["cached"]["verdicts"][0]["says"] == "ValidationException: There is nothing available to cache."
    assert not bench.document().passed


def test_without_fixed_answers_every_lane_continues_the_first_ones(bench_of, small):
    """Lanes see the same history, so their inputs are the same."""
    text = "\n".join(line for line in small.splitlines() if "answer:" not in line)
    bench = bench_of(text, lanes=["cached"])
    bench.run()
    lanes = _lanes(bench.document())
    for one, other in zip(lanes["baseline"]["turns"], lanes["cached"]["turns"], strict=True):
        assert one["input"] == other["input"] + other["read"] + other["write"]


def test_the_dearest_uncached_is_compared_with_the_cheapest_cached(bench_of, small):
    """The combined saving goes from one model without caching to another with it."""
    bench = bench_of(small, models=["amazon.nova-pro-v1:0", "amazon.nova-micro-v1:0"], lanes=["cached"])
    bench.run()
    document = bench.document()
    found = to_builtins(document)["combined"]
    assert (found["from_model"], found["to_model"], found["to_lane"]) == ("Nova Pro", "Nova Micro", "cached")
    base = Decimal(_lanes(document, 0)["baseline"]["cost"]["month"])
    least = Decimal(_lanes(document, 1)["cached"]["cost"]["month"])
    assert Decimal(found["saved"]) == 1 - least / base


def test_on_aws_a_nonce_keeps_lanes_apart(endpoint_url, small, tmp_path, monkeypatch):
    """Against a service whose cache cannot be emptied, every lane still writes its own prefix once.

    The service is the local endpoint reached as AWS is: one account for all lanes, no scripts, no clock to move.
    """
    from rockbottom.bench import AwsEndpoint, prepare, read_workload

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "900000000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    waited: list[float] = []
    place = AwsEndpoint("us-east-1", endpoint_url=endpoint_url, sleep=waited.append)
    bench = prepare(read_workload(small), place, lanes=["cached", "cached-tail"], repeats=2)
    bench.run()
    document = bench.document()
    lanes = _lanes(document)
    assert document.passed
    for name in ("cached", "cached-tail"):
        first = lanes[name]["turns"][0]
        assert first["read"] == 0
        assert first["write"] > 1024
    assert lanes["cached"]["repeats"]["write"]["least"] == lanes["cached"]["repeats"]["write"]["most"]
    assert set(waited) == {20.0}
    assert len(waited) == 3 * 2 * 2  # three lanes, twice, between three turns
    assert (document.provenance.tokens, document.provenance.latency) == ("counted", "measured")
    # The nonce is as long in every lane, so the prompts are too.
    assert len({turns["input"] + turns["read"] + turns["write"] for turns in _firsts(lanes)}) == 1


def _firsts(lanes):
    return [lane["turns"][0] for lane in lanes.values() if lane["turns"]]


def test_an_alias_is_sent_in_the_spelling_of_aws(bench_of, small):
    """A person may type `nova-pro`; the service gets the id that it knows."""
    bench = bench_of(small, models=["nova-pro"], lanes=["cached"])
    bench.run()
    assert to_builtins(bench.document())["models"][0]["id"] == "amazon.nova-pro-v1:0"
    assert bench.document().passed


def test_an_application_profile_is_looked_up_and_sent_as_it_is(endpoint_url, small):
    """Its ARN says nothing of its model, so GetInferenceProfile is asked; the bill is that of the model behind it."""
    import boto3

    from rockbottom.bench import prepare, read_workload

    keys = {"aws_access_key_id": "700000000001", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    made = boto3.client("bedrock", endpoint_url=endpoint_url, **keys).create_inference_profile(
        inferenceProfileName="team",
        modelSource={"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"},
    )
    bench = prepare(read_workload(small), LocalEndpoint(endpoint_url), models=[made["inferenceProfileArn"]])
    model = bench.plan.rows[0].subject
    assert model.given == made["inferenceProfileArn"]
    assert model.model.model.id == "amazon.nova-pro-v1:0"
