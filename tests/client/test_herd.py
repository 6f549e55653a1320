"""An attached client at sizes where the guard used to forbid reading: long prompts, many workers on one prefix."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config

import rockbottom
from rockbottom.local import ClockKind, running

MODEL = "us.anthropic.claude-sonnet-4-6"
CLAUSE = "Clause {n}: the tenant of unit {n} pays by day {d} of each month. "


def text_of(tokens: int) -> str:
    """Some so many tokens of a contract."""
    return "".join(CLAUSE.format(n=n, d=n % 28) for n in range(tokens // 16))


def client_of(url: str) -> object:
    """A client of the local endpoint, attached."""
    keys = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    config = Config(max_pool_connections=64, retries={"max_attempts": 1})
    return rockbottom.attach(boto3.client("bedrock-runtime", endpoint_url=url, config=config, **keys))


def ask(client, text: str, question: str) -> dict:
    """The usage of one question."""
    return client.converse(
        modelId=MODEL,
        system=[{"text": text}],
        messages=[{"role": "user", "content": [{"text": question}]}],
    )["usage"]


@pytest.mark.parametrize("thousands", [135, 400])
def test_a_long_prompt_is_written_once_and_then_read(thousands):
    """Five questions 15 s apart: one write, four reads, nothing held back and nothing said."""
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000) as endpoint:
        client, usages = client_of(endpoint.url), []
        for number in range(5):
            endpoint.state.clock.advance(15)
            usages.append(ask(client, text_of(1000 * thousands), f"Question {number}?"))
    assert [usage["cacheReadInputTokens"] > 100_000 for usage in usages] == [False, True, True, True, True]
    assert usages[0]["cacheWriteInputTokens"] > 100_000
    report = rockbottom.report(client).to_dict()
    assert report["calls_held_back"] == 0
    assert report["notices"] == []


def test_workers_that_start_together_write_one_prefix_once():
    """Forty workers with two questions each: one write, 79 reads."""
    with running() as endpoint:
        client, text = client_of(endpoint.url), text_of(20_000)

        def work(worker: int) -> list[dict]:
            return [ask(client, text, f"Question {worker} {number}?") for number in range(2)]

        with ThreadPoolExecutor(40) as pool:
            usages = [usage for pair in pool.map(work, range(40)) for usage in pair]
    assert sum(usage["cacheWriteInputTokens"] > 10_000 for usage in usages) == 1
    assert sum(usage["cacheReadInputTokens"] > 10_000 for usage in usages) == 79


def test_what_the_guard_holds_back_is_counted_in_the_report():
    """With the allowance used up a new prompt goes without a point: the report counts it, and one notice says why."""
    planner = rockbottom.Planner()
    with running() as endpoint:
        keys = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
        client = rockbottom.attach(boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **keys), planner=planner)
        ask(client, "short", "hello?")
        for account in planner.guard.accounts.values():
            account.extra += 1_000_000
        usages = [ask(client, f"{number} {text_of(20_000)}", "Which day?") for number in range(2)]
    assert not any(usage["cacheWriteInputTokens"] for usage in usages)
    report = rockbottom.report(client)
    assert report.to_dict()["calls_held_back"] == 2
    assert sum("held back" in notice for notice in report.notices) == 1
    assert "2 calls were cached less than would pay" in str(report)
