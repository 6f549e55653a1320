"""The lane `auto`: one online planner per pass places the points, over HTTP against the local endpoint."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec import to_builtins

from rockbottom.bench import AwsEndpoint, EndpointDied, LocalEndpoint, resume

SONNET, NOVA, LLAMA = "us.anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0", "us.meta.llama3-3-70b-instruct-v1:0"
ON = date(2026, 11, 21)
EIGHT_TURNS = """\
name: Eight
system: |
  {rules}
conversations:
  - turns:
{turns}
seconds_between_turns: {gap}
"""


def _lanes(document):
    return {lane["name"]: lane for lane in to_builtins(document)["models"][0]["lanes"]}


def _counts(lane):
    return [(turn["input"], turn["read"], turn["write"]) for turn in lane["turns"]]


def test_the_bill_of_the_planners_lane_by_hand(bench_of, small):
    """Three turns of 2,107, 2,130 and 2,159 tokens, the system text ending at 2,092, three tokens never cached.

    The first turn writes the system text, as nobody knows yet whether this conversation goes on; the second reads it
    and writes up to its own end at 2,127; the third reads that and writes 29 more. At 3.30 in, 0.33 read, 4.125
    written and 16.50 out a million tokens, in millionths:
    21 x 3.30 + 4,219 x 0.33 + 2,156 x 4.125 + 32 x 16.50 = 10,883.07.
    """
    bench = bench_of(small, models=[SONNET], lanes=["auto"], on=ON)
    bench.run()
    lane = _lanes(bench.document())["auto"]
    assert _counts(lane) == [(15, 0, 2092), (3, 2092, 35), (3, 2127, 29)]
    assert Decimal(lane["cost"]["run"]) == Decimal("0.01088307")
    assert bench.document().passed


@pytest.mark.parametrize("model", [SONNET, NOVA])
@pytest.mark.parametrize(("api", "stream"), [("converse", True), ("invoke", False)])
def test_every_api_is_planned_alike(bench_of, small, model, api, stream):
    """ConverseStream and InvokeModel get the points that Converse gets, on Claude and on Nova."""
    counts = []
    for one in ("api: converse", f"api: {api}\nstream: {str(stream).lower()}"):
        bench = bench_of(f"{small}{one}\n", models=[model], lanes=["auto"], on=ON)
        bench.run()
        counts.append(_counts(_lanes(bench.document())["auto"]))
    assert counts[0] == counts[1]
    assert counts[0][1][1] > 1024


def test_with_seven_minutes_between_turns_it_learns_to_write_for_an_hour(bench_of):
    """Its clock is the endpoint's: five-minute writes are lost, so it stops them, and beats both fixed tails."""
    rules = " ".join(f"Rule {n}: plans above number {n} cost more and seats cost extra." for n in range(400))
    turns = "\n".join(f"      - {{user: Question {n}, answer: Answer {n}.}}" for n in range(12))
    bench = bench_of(EIGHT_TURNS.format(rules=rules, turns=turns, gap=420), models=[SONNET],
                     lanes=["cached", "cached-tail", "auto"], on=ON)  # fmt: skip
    bench.run()
    lanes = _lanes(bench.document())
    auto = lanes["auto"]
    assert sum(turn["write_1h"] for turn in auto["turns"]) > 0
    assert Decimal(auto["saved"]) > Decimal("0.4")
    assert Decimal(lanes["cached"]["saved"]) < 0
    assert Decimal(lanes["cached-tail"]["saved"]) < 0


def test_one_off_questions_on_a_short_prompt_are_left_alone(bench_of):
    """Below the minimum no point is set, the bill is the baseline's, and no verdict complains."""
    text = EIGHT_TURNS.format(rules="Be brief.", turns="      - {user: What is it, answer: A thing.}", gap=10)
    bench = bench_of(text, models=[SONNET], lanes=["auto"], on=ON)
    bench.run()
    lanes = _lanes(bench.document())
    assert lanes["auto"]["cost"] == lanes["baseline"]["cost"]
    assert [one["says"] for one in lanes["auto"]["verdicts"]] == [
        "no cachePoint: no reuse expected",
        "nothing rejected",
    ]
    assert bench.document().passed


def test_a_model_without_caching_says_so(bench_of, small):
    """It has no place for a point, so there is nothing to plan."""
    bench = bench_of(small, models=[LLAMA], lanes=["auto"], on=ON)
    bench.run()
    auto = _lanes(bench.document())["auto"]
    assert auto["status"] == "not_offered"
    assert "no cachePoint on this API" in auto["why"]


def test_a_resumed_lane_comes_to_the_same_bill(bench_of, small, endpoint_url):
    """The new planner is shown the turns of before, so it decides as the first one would have."""

    class Dying(LocalEndpoint):
        """Goes away after five requests: in the middle of the second lane."""

        def script(self, number, answer):
            """Count."""
            self.retries -= 1
            if self.retries < 0:
                raise EndpointDied("gone")
            super().script(number, answer)

    options = {"models": [SONNET], "lanes": ["auto"], "on": ON}
    whole, broken = bench_of(small, **options), bench_of(small, **options)
    whole.run()
    broken.endpoint = Dying(endpoint_url, first_account=81_000_100, retries=5)
    with pytest.raises(EndpointDied):
        broken.run()
    again = resume(broken.notebook.folder, LocalEndpoint(endpoint_url, first_account=82_000_100), on=ON)
    again.run()
    assert len(again.notebook.turns) == 6
    assert _counts(_lanes(again.document())["auto"]) == _counts(_lanes(whole.document())["auto"])


def test_on_aws_a_lane_goes_on_with_what_its_turns_taught(endpoint_url, small, tmp_path, monkeypatch):
    """Turns are not sent again there: the planner takes them from the run's folder, and the third reads the second.

    The service is the local endpoint reached as AWS is.
    """
    from rockbottom.bench import prepare

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "900000000071")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    file = tmp_path / "small.yaml"
    file.write_text(small, encoding="utf-8")
    waits: list[float] = []

    def interrupted(seconds):
        waits.append(seconds)
        if len(waits) == 4:
            raise KeyboardInterrupt

    bench = prepare(file, AwsEndpoint("us-east-1", endpoint_url=endpoint_url, sleep=interrupted), models=[SONNET],
                    lanes=["auto"], runs=tmp_path / "runs")  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    assert len(bench.notebook.turns) == 5
    again = resume(bench.notebook.folder, AwsEndpoint("us-east-1", endpoint_url=endpoint_url, sleep=waits.append))
    again.run()
    second, third = _lanes(again.document())["auto"]["turns"][1:]
    assert third["read"] == second["read"] + second["write"]


@pytest.mark.parametrize(("place", "minimum"), [(AwsEndpoint("us-east-1"), 777), (AwsEndpoint("eu-west-1"), 1024),
                                                (LocalEndpoint("http://127.0.0.1:9"), 1024)])  # fmt: skip
def test_on_aws_it_plans_by_what_was_measured_there(tmp_path, small, monkeypatch, place, minimum):
    """Facts of the account hold on AWS, in the Region in which they were measured, and nowhere else."""
    from rockbottom.cli.bench import _prepared

    (tmp_path / "small.yaml").write_text(small, encoding="utf-8")
    (tmp_path / "measured.toml").write_text(
        '[[measured]]\nmodel = "anthropic.claude-sonnet-4-6"\nregion = "us-east-1"\n'
        "measured_on = 2026-01-01\nminimum_tokens = 777\n"
    )
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(tmp_path / "measured.toml"))
    given = {"models": [SONNET], "lanes": ["auto"], "repeats": 1, "runs": None, "price_file": None, "on": None}
    bench = _prepared(tmp_path / "small.yaml", None, place, given)
    assert bench.plan.catalog.rules(bench.plan.catalog.model(SONNET), ON).minimum_tokens == minimum
