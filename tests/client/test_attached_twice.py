"""A client attached twice, and one detached: by what it sends and by what its report counts."""

import asyncio
import copy
import pickle
from decimal import Decimal

import boto3
import pytest

import rockbottom.client as rb
from rockbottom.budgets import Budget, BudgetExceeded, Budgets
from rockbottom.client import AlreadyAttached, NotAttachable, NotAttached, Recording
from rockbottom.ledger import CallRecord
from tests.client.client_doubles import KEYS, MarkingPlanner, ask, native


def _points(client):
    """What travels, as a list of whether there are cachePoints in it; filled while calls are made."""
    seen = []
    client.meta.events.register_last(
        "before-send.bedrock-runtime",
        lambda request, **_: seen.append(b"cachePoint" in request.body or b"cache_control" in request.body),
    )
    return seen


def test_the_same_arguments_again_change_nothing(client, tmp_path):
    planner, budget = MarkingPlanner(), Budgets(Budget("5", "day"), file=tmp_path / "budgets.db")
    given = {"planner": planner, "budget": budget, "hold_s": 0, "keep_alive_usd": "2.00", "tags": {"team": "a"}}
    assert rb.attach(client, **given) is client
    assert rb.attach(client, **{**given, "hold_s": 0.0, "keep_alive_usd": 2, "tags": {"team": "a"}}) is client
    client.converse(**ask())
    assert len(planner.planned) == 1


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda client: pickle.loads(pickle.dumps(client))])
def test_an_attached_client_is_copied_as_a_plain_one_is(client, copied):
    """boto3 refuses to be copied; so it does when attached, and the client goes on planning."""
    with pytest.raises(Exception) as plain:  # noqa: PT011, what it raises is botocore's own affair
        copied(boto3.client("bedrock-runtime", **KEYS))
    planner = MarkingPlanner()
    rb.attach(client, planner=planner)
    with pytest.raises(plain.type):
        copied(client)
    client.converse(**ask())
    assert len(planner.planned) == 1


@pytest.mark.parametrize(
    ("first", "later", "differing"),
    [
        ({}, {"budget": "a budget"}, ("budget",)),
        ({"budget": "a budget"}, {}, ("budget",)),
        ({}, {"planner": MarkingPlanner()}, ("planner",)),
        ({"hold_s": 5}, {"hold_s": 1, "notices": False}, ("hold_s", "notices")),
        ({"tags": {"team": "a"}}, {"tags": {"team": "b"}}, ("tags",)),
        ({"ledger": False}, {"record": Recording(ledger=False, request_metadata=True)}, ("request_metadata",)),
        ({"keep_alive_usd": 1}, {"keep_alive_usd": "1.5"}, ("keep_alive_usd",)),
    ],
)
def test_other_arguments_are_an_error_that_names_them(client, tmp_path, first, later, differing):
    for given in (first, later):
        if "budget" in given:
            given["budget"] = Budgets(Budget("5", "day", action="stop"), file=tmp_path / "budgets.db")
    rb.attach(client, **first)
    with pytest.raises(AlreadyAttached) as caught:
        rb.attach(client, **later)
    assert caught.value.differing == differing
    assert all(f"{name}=" in str(caught.value) for name in differing)
    assert "detach" in caught.value.fix


def test_a_stop_budget_given_after_detaching_stops(client, tmp_path):
    budgets = Budgets(Budget("1", "day", action="stop"), file=tmp_path / "budgets.db", simulated=True)
    rb.attach(client)
    rb.attach(rb.detach(client), budget=budgets, clock=lambda: 1_790_000_000.0)
    budgets.record(CallRecord(at=1_790_000_000.0, model="amazon.nova-pro-v1:0", operation="Converse", cost_usd="1.50"))
    with pytest.raises(BudgetExceeded):
        client.converse(**ask())


def test_a_detached_client_sends_what_the_caller_wrote_and_can_be_attached_again(client):
    seen, planner = _points(client), MarkingPlanner()
    rb.attach(client, planner=planner)
    client.converse(**ask())
    assert rb.detach(client) is client
    client.converse(**ask())
    client.invoke_model(**native())
    rb.attach(client, planner=MarkingPlanner())
    client.converse(**ask())
    assert seen == [True, False, False, True]
    assert len(planner.planned) == 1
    assert rb.report(client).total.calls == 1


def test_report_and_detach_of_a_detached_client_say_that_it_is_not_attached(client):
    rb.detach(rb.attach(client))
    for ask_it in (rb.report, rb.detach):
        with pytest.raises(NotAttached, match="not attached"):
            ask_it(client)


def test_a_stream_under_way_is_counted_after_detaching(client):
    rb.attach(client, planner=MarkingPlanner())
    attachment = rb.attachment_of(client)
    stream = client.converse_stream(**ask())["stream"]
    rb.detach(client)
    assert list(stream)
    assert attachment.report().total.calls == 1


def _session():
    return boto3.Session(
        region_name=KEYS["region_name"],
        aws_access_key_id=KEYS["aws_access_key_id"],
        aws_secret_access_key=KEYS["aws_secret_access_key"],
    )


def test_a_client_of_an_attached_session_is_attached_and_reports_with_it(endpoint):
    session, planner = rb.attach(_session(), planner=MarkingPlanner()), MarkingPlanner()
    client = session.client("bedrock-runtime", endpoint_url=endpoint.url)
    with pytest.raises(AlreadyAttached, match="planner="):
        rb.attach(client, planner=planner)
    client.converse(**ask())
    assert rb.report(client).total.calls == rb.report(session).total.calls == 1


def test_a_client_of_an_attached_session_can_be_detached_by_itself(endpoint):
    session = rb.attach(_session(), planner=MarkingPlanner())
    one, two = (session.client("bedrock-runtime", endpoint_url=endpoint.url) for _ in range(2))
    rb.detach(one)
    seen = [_points(one), _points(two)]
    one.converse(**ask())
    two.converse(**ask())
    assert seen == [[False], [True]]


def test_a_detached_session_takes_its_clients_with_it(endpoint):
    session = rb.attach(_session(), planner=MarkingPlanner())
    before = session.client("bedrock-runtime", endpoint_url=endpoint.url)
    rb.detach(session)
    after = session.client("bedrock-runtime", endpoint_url=endpoint.url)
    seen = [_points(before), _points(after)]
    before.converse(**ask())
    after.converse(**ask())
    assert seen == [[False], [False]]
    rb.attach(before, planner=MarkingPlanner())
    before.converse(**ask())
    assert seen[0] == [False, True]


def test_an_anthropic_client_is_detached(endpoint):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    keys = {"aws_access_key": KEYS["aws_access_key_id"], "aws_secret_key": "local", "aws_region": "us-east-1"}
    client = anthropic.AnthropicBedrock(**keys, base_url=endpoint.url, max_retries=0)
    request = {"model": ask()["modelId"], "max_tokens": 20, "system": ask()["system"][0]["text"]}
    request["messages"] = [{"role": "user", "content": "hello"}]
    transport = type(client._client._transport)
    rb.attach(client, planner=MarkingPlanner())
    assert client.messages.create(**request).usage.cache_creation_input_tokens > 3000
    with pytest.raises(AlreadyAttached):
        rb.attach(client)
    assert rb.detach(client) is client
    assert type(client._client._transport) is transport
    assert not client.messages.create(**request).usage.cache_read_input_tokens


def test_an_aiobotocore_session_is_detached(endpoint):
    aiobotocore = pytest.importorskip("aiobotocore.session", reason="needs the group async: make sdks runs this")

    async def sent():
        session = rb.attach(aiobotocore.get_session(), planner=MarkingPlanner())
        async with session.create_client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS) as client:
            with pytest.raises(AlreadyAttached):
                rb.attach(client)
            writes = [(await client.converse(**ask()))["usage"]["cacheWriteInputTokens"]]
            rb.detach(client)
            writes.append((await client.converse(**ask(system="another " * 3000)))["usage"]["cacheWriteInputTokens"])
            return writes

    first, second = asyncio.run(sent())
    assert first > 3000
    assert second == 0


def test_what_is_recorded_may_be_given_as_one_value_but_not_twice(client):
    records = []

    class Sink:
        def record(self, call):
            records.append(call)

        def close(self): ...

    rb.attach(client, record=Recording(sinks=[Sink()], tags={"team": "search"}))
    client.converse(**ask())
    assert records[0].tags == {"team": "search"}
    with pytest.raises(NotAttachable, match="tags=") as caught:
        rb.attach(client, record=Recording(), tags={"team": "search"})
    assert "Recording(tags=...)" in caught.value.fix


def test_money_spelled_otherwise_is_the_same_argument(client):
    rb.attach(client, keep_alive_usd=Decimal("2"))
    assert rb.attach(client, keep_alive_usd="2.0") is client
