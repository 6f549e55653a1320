"""Estimates corrected by CountTokens and by the usage of replies."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from msgspec import to_builtins

from rockbottom.bench import AwsEndpoint
from rockbottom.bench.counting import _first, counted_by_service
from rockbottom.bench.requests import prompt_of_request
from rockbottom.bench.schedule import estimate

MODEL = "us.anthropic.claude-sonnet-4-6"


class Counter:
    """A place whose CountTokens gives a fixed answer and remembers what was asked."""

    kind, region, counted = "aws", "us-east-1", True

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def client(self, number):
        """A client with count_tokens alone."""
        return SimpleNamespace(count_tokens=self._count)

    def _count(self, **asked):
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"inputTokens": self.answer}


@pytest.fixture
def plan(bench_of, small):
    """The schedule of the small workload on a model that CountTokens takes."""
    return bench_of(small, models=[MODEL]).plan


def test_a_count_that_is_half_the_estimate_halves_the_estimate(plan):
    """Estimated tokens fall to what the service counted; it is asked once, by the base id."""
    before = estimate(plan).input_tokens
    row = plan.rows[0]
    estimated = prompt_of_request(_first(plan, row), row.subject.meter).tokens + row.subject.rules.residual_tokens
    place = Counter(estimated // 2)
    after = counted_by_service(plan, place)
    assert estimate(after).input_tokens == pytest.approx(before / 2, rel=0.02)
    assert [asked["modelId"] for asked in place.asked] == ["anthropic.claude-sonnet-4-6"]
    assert set(place.asked[0]["input"]["converse"]) == {"messages", "system"}


def test_a_service_that_does_not_count_leaves_the_estimate(plan):
    """Refused, or not offered for the model: the stated error stands."""
    refused = ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "CountTokens")
    after = counted_by_service(plan, Counter(refused))
    assert estimate(after) == estimate(plan)
    assert after.rows[0].subject.meter.weights.error == plan.rows[0].subject.meter.weights.error


def test_models_that_cannot_be_counted_are_not_asked(bench_of, small):
    """CountTokens takes no Nova model."""
    place = Counter(1)
    counted_by_service(bench_of(small).plan, place)
    assert place.asked == []


def test_replies_correct_the_prefix_and_the_stated_error(bench_of, small, endpoint_url):
    """After a run whose tokens were counted, the document's prefix agrees with what the service wrote."""
    bench = bench_of(small, models=[MODEL], lanes=["baseline", "cached"])
    bench.endpoint = AwsEndpoint("us-east-1", endpoint_url=endpoint_url, sleep=lambda seconds: None)
    bench.endpoint._client = bench_of(small).endpoint.client(0)
    bench.count()
    bench.run()
    model = to_builtins(bench.document())["models"][0]
    first = next(turn for turn in bench.notebook.turns if turn.key.lane == "cached")
    assert model["prefix_tokens"] == first.usage.cache_write_5m > 1024
    assert to_builtins(bench.document())["provenance"]["tokens"] == "counted"
