"""Keep-alive requests: only when they pay, never beyond the budget, and cheap."""

import json
from decimal import Decimal

import pytest

import rockbottom.client as rb
from rockbottom.client import attachment_of
from rockbottom.client.keepalive import cheapest
from tests.client.client_doubles import MarkingPlanner, ask, native, runtime, words

START = 1_790_000_000.0


class Wall:
    """A clock for the client that moves together with the endpoint's."""

    def __init__(self, endpoint) -> None:
        self.endpoint = endpoint

    def __call__(self) -> float:
        return self.endpoint.state.clock.now()

    def advance(self, seconds: float) -> None:
        self.endpoint.state.clock.advance(seconds)


@pytest.fixture
def wall(endpoint):
    return Wall(endpoint)


def _attached(endpoint, wall, budget):
    client = rb.attach(runtime(endpoint), planner=MarkingPlanner(), keep_alive_usd=budget, clock=wall)
    keep = attachment_of(client).keep_alive
    keep._start = lambda: None  # the test turns the handle itself
    return client, keep


def _returning_after(client, wall, seconds, times):
    for _ in range(times):
        client.converse(**ask(system=words(20_000)))
        wall.advance(seconds)


def test_a_prefix_that_keeps_coming_back_after_seven_minutes_is_kept_alive(endpoint, wall):
    client, keep = _attached(endpoint, wall, "1.00")
    _returning_after(client, wall, 420, 6)
    client.converse(**ask(system=words(20_000)))
    wall.advance(285)
    assert keep.turn() == 1
    wall.advance(135)
    assert client.converse(**ask(system=words(20_000)))["usage"]["cacheReadInputTokens"] > 20_000


def test_the_price_of_a_keep_alive_is_what_the_service_counted(endpoint, wall):
    client, keep = _attached(endpoint, wall, "1.00")
    _returning_after(client, wall, 420, 6)
    tokens = client.converse(**ask(system=words(20_000)))["usage"]["cacheWriteInputTokens"]
    wall.advance(285)
    keep.turn()
    # Sonnet 4.6 (us): the prefix at 0.33 a million, and a few tokens of input (3.30) and one of output (16.50).
    least = tokens * Decimal("0.33") / 1_000_000
    assert least < keep.spent_usd < least + Decimal("0.0002")
    assert rb.report(client).keep_alive_usd == keep.spent_usd


def test_a_prefix_that_returns_at_once_gets_none(endpoint, wall):
    client, keep = _attached(endpoint, wall, "1.00")
    _returning_after(client, wall, 10, 6)
    # Recorded hazard .147 of a return after five idle minutes: .147 * (4.125 - .33) = .558 > .33 would pay at
    # first sight; a prefix seen six times and never late has been no late one so far, so its prior stands.
    wall.advance(275)
    assert [prefix.hazard() for prefix in keep.due(wall())] == [pytest.approx(0.147)]


def test_one_that_never_came_back_is_given_up_after_two(endpoint, wall):
    client, keep = _attached(endpoint, wall, "1.00")
    client.converse(**ask(system=words(20_000)))
    sent = 0
    for _ in range(20):
        wall.advance(285)
        sent += keep.turn()
    # .147 and .134 pay (.558 and .509 against .33 of a million tokens' dollars), .07 does not (.266).
    assert sent == 2


def test_the_budget_holds(endpoint, wall):
    client, keep = _attached(endpoint, wall, "0.0001")
    client.converse(**ask(system=words(20_000)))
    wall.advance(285)
    assert keep.turn() == 0
    assert keep.spent_usd == 0


def test_the_request_sent_is_the_cheapest_and_a_copy(endpoint):
    request = ask(system=words(100), toolConfig={"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]})
    made = cheapest(request)
    assert made["inferenceConfig"] == {"maxTokens": 1}
    assert made["system"] == request["system"]
    assert made["system"] is not request["system"]
    assert made["messages"] == [{"role": "user", "content": [{"text": "."}]}]


def _native(client, stream):
    request = native(system=words(20_000, "native"))
    if not stream:
        return json.loads(client.invoke_model(**request)["body"].read())["usage"]["cache_read_input_tokens"]
    body = client.invoke_model_with_response_stream(**request)["body"]
    first, *_ = [json.loads(event["chunk"]["bytes"]) for event in body]  # the whole stream: its end tells the usage
    return first["message"]["usage"]["cache_read_input_tokens"]


def _streamed(client):
    events = list(client.converse_stream(**ask(system=words(20_000, "streamed")))["stream"])
    return events[-1]["metadata"]["usage"]["cacheReadInputTokens"]


@pytest.mark.parametrize(
    "call", [_streamed, lambda client: _native(client, False), lambda client: _native(client, True)],
    ids=["ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"],
)  # fmt: skip
def test_streams_and_native_bodies_are_kept_alive_too(endpoint, wall, call):
    """After 285 s a request of ours reads the entry, so the real one after 420 s reads it as well."""
    client, keep = _attached(endpoint, wall, "1.00")
    assert call(client) == 0
    wall.advance(285)
    assert keep.turn() == 1
    assert keep.spent_usd > 0
    wall.advance(135)
    assert call(client) > 20_000


def test_the_native_request_sent_is_the_cheapest_too():
    """Tools, system and thinking stay as they were; of the answer nothing but one token is asked for."""
    body = {**json.loads(native(system=words(100))["body"]), "temperature": 0.5, "tools": [{"name": "t"}]}
    made = json.loads(cheapest({"modelId": "m", "body": json.dumps(body).encode()})["body"])
    assert made == {
        "anthropic_version": body["anthropic_version"],
        "system": body["system"],
        "tools": [{"name": "t"}],
        "messages": [{"role": "user", "content": "."}],
        "max_tokens": 1,
    }


def test_keep_alive_requests_do_not_teach_the_planner(endpoint, wall):
    client, keep = _attached(endpoint, wall, "1.00")
    planner = attachment_of(client).planner
    client.converse(**ask(system=words(20_000)))
    wall.advance(285)
    assert keep.turn() == 1
    assert len(planner.planned) == len(planner.observed) == 1
