"""Sinks and budgets on an attached client, against the local endpoint and moto's CloudWatch."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

import rockbottom
import rockbottom.client.errors
from rockbottom.budgets import Budget, BudgetExceeded, Budgets
from rockbottom.local import ClockKind, running
from rockbottom.sinks import CloudWatch
from tests.monitor.calls import NOON

MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: answer politely and cite section {number}." for number in range(400))
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.fixture(scope="module")
def served():
    with running(clock=ClockKind.MANUAL, start_at=NOON) as one:
        yield one


@pytest.fixture
def client(served):
    """A client of the local endpoint, not yet attached."""
    served.state.reset()
    served.state.faults.clear()
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("bedrock-runtime", endpoint_url=served.url, config=once, **KEYS)


def request():
    return {
        "modelId": MODEL,
        "system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": "Which rule?"}]}],
    }


def state(budgets):
    """The only account."""
    (found,) = budgets.states({}, NOON).values()
    return found


def test_a_stopped_call_is_never_sent_and_says_why(served, client, tmp_path):
    """The first call costs its price; with that spent the next one raises before anything leaves."""
    budgets = Budgets(Budget("0.08", "day", action="stop"), file=tmp_path / "b.db", simulated=True)
    rockbottom.attach(client, budget=budgets, ledger=False, clock=lambda: NOON)
    client.converse(**request())
    spent = state(budgets).spent
    assert spent == rockbottom.report(client).total.cost_usd
    assert 0 < spent < 0.08
    sent = []
    client.meta.events.register("before-send.bedrock-runtime", lambda request, **_: sent.append(request))
    with pytest.raises(BudgetExceeded) as caught:
        while True:
            client.converse(**request())
    assert caught.value.spent_usd == state(budgets).spent <= caught.value.limit_usd
    assert len(sent) == rockbottom.report(client).total.calls - 1
    assert state(budgets).held == 0


def test_a_budget_that_cannot_be_asked_is_refused_when_it_is_given(client):
    """A Budget without Budgets around it would stop nothing: said at once, not at the first call."""
    with pytest.raises(rockbottom.client.errors.NotAttachable, match="budget=Budget cannot be asked") as caught:
        rockbottom.attach(client, budget=Budget("1", "day"))
    assert "rockbottom.Budgets(rockbottom.Budget(...))" in caught.value.fix


def test_a_stream_holds_its_estimate_until_it_is_over(client, tmp_path):
    """Held while the caller reads; in place of it the cost once the usage has come."""
    budgets = Budgets(Budget("1", "day", action="stop", reserve_usd="0.50"), file=tmp_path / "b.db", simulated=True)
    rockbottom.attach(client, budget=budgets, ledger=False, clock=lambda: NOON)
    stream = client.converse_stream(**request())["stream"]
    assert str(state(budgets).held) == "0.5"
    for _ in stream:
        pass
    assert state(budgets).held == 0
    assert 0 < state(budgets).spent < 0.5


def test_calls_that_fail_hold_nothing(client, tmp_path):
    """Refused by the service, or by boto3 before it was sent."""
    budgets = Budgets(Budget("1", "day", action="stop", reserve_usd="0.30"), file=tmp_path / "b.db", simulated=True)
    rockbottom.attach(client, budget=budgets, ledger=False, clock=lambda: NOON)
    with pytest.raises(ClientError):
        client.converse(modelId="no.such-model", messages=request()["messages"])
    for _ in range(5):
        with pytest.raises(ParamValidationError):
            client.converse(modelId=MODEL, messages="no list")
    client.converse(**request())
    assert state(budgets).held == 0


def test_cloudwatch_gets_what_the_reply_said(client, aws):
    """The tokens of the endpoint's own replies, under the catalogue's model, with the tag as a dimension."""
    sink = CloudWatch(dimensions=[["ModelId", "tenant"]], metrics=["CacheHitTokens", "CacheWriteTokens"],
                      simulated=True, clock=lambda: NOON + 120, heartbeat_s=None)  # fmt: skip
    rockbottom.attach(client, sinks=[sink], ledger=False, clock=lambda: NOON)
    with rockbottom.tagged(tenant="acme"):
        usages = [client.converse(**request())["usage"] for _ in range(2)]
    assert sink.flush() is True
    (sent,) = aws.of("PutMetricData")
    read, written = sent["MetricData"]
    assert read["StatisticValues"]["Sum"] == sum(usage["cacheReadInputTokens"] for usage in usages) > 0
    assert written["StatisticValues"]["Sum"] == sum(usage["cacheWriteInputTokens"] for usage in usages) > 0
    assert read["Dimensions"] == [
        {"Name": "ModelId", "Value": "anthropic.claude-sonnet-4-6"},
        {"Name": "tenant", "Value": "acme"},
    ]
    sink.close()
