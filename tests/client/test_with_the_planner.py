"""The real planner on a live client: no rejection, and cheaper than no caching where prompts come back."""

import random

import rockbottom
from rockbottom.client import attachment_of
from tests.client.client_doubles import ask, native, runtime, words


def _conversation(client, turns, wall):
    messages = []
    for turn in range(turns):
        messages.append({"role": "user", "content": [{"text": words(200, f"question {turn}")}]})
        reply = client.converse(**{**ask(), "messages": messages})
        messages.append(reply["output"]["message"])
        wall.advance(20)


class Wall:
    def __init__(self, endpoint):
        self.clock = endpoint.state.clock

    def __call__(self):
        return self.clock.now()

    def advance(self, seconds):
        self.clock.advance(seconds)


def test_a_conversation_costs_less_than_without_caching(endpoint):
    wall = Wall(endpoint)
    client = rockbottom.attach(runtime(endpoint), clock=wall)
    _conversation(client, 10, wall)
    report = rockbottom.report(client)
    assert report.total.saved_usd > report.total.uncached_usd * 4 / 10
    assert report.notices == ()


def test_streams_and_native_bodies_are_planned_too(endpoint):
    wall = Wall(endpoint)
    client = rockbottom.attach(runtime(endpoint), clock=wall)
    for turn in range(8):
        client.invoke_model(**native(f"question {turn}"))["body"].read()
        for _ in client.invoke_model_with_response_stream(**native(f"another {turn}"))["body"]:
            pass
        for _ in client.converse_stream(**ask(f"third {turn}"))["stream"]:
            pass
        wall.advance(20)
    report = rockbottom.report(client)
    assert report.total.calls == 24
    assert report.total.saved_usd > 0


def test_no_model_refuses_what_is_planned(endpoint):
    dice = random.Random(7)
    client = rockbottom.attach(runtime(endpoint), clock=Wall(endpoint))
    for model in ("us.amazon.nova-pro-v1:0", "us.anthropic.claude-opus-4-5-20251101-v1:0", "openai.gpt-oss-120b-1:0"):
        for _ in range(12):
            request = {**ask(words(dice.choice([10, 400])), words(dice.choice([100, 3000]))), "modelId": model}
            assert client.converse(**request)["usage"]["outputTokens"] >= 0


def test_a_planner_that_was_given_learns_from_the_client_what_a_profile_is(endpoint):
    wall = Wall(endpoint)
    client = rockbottom.attach(runtime(endpoint), planner=rockbottom.Planner(), clock=wall)
    source = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6"
    made = runtime(endpoint, "bedrock").create_inference_profile(
        inferenceProfileName="shared", modelSource={"copyFrom": source}
    )
    for turn in range(6):
        client.converse(**{**ask(f"question {turn}"), "modelId": made["inferenceProfileArn"]})
        wall.advance(20)
    assert rockbottom.report(client).total.usage.cache_read > 0


def test_what_was_learned_is_kept_in_a_file(endpoint, tmp_path):
    wall, path = Wall(endpoint), tmp_path / "learned.db"
    first = rockbottom.attach(runtime(endpoint), clock=wall, state=path)
    _conversation(first, 4, wall)
    attachment_of(first).keeper.save()
    second = rockbottom.attach(runtime(endpoint), clock=wall, state=path)
    # The prefix is still alive, and the second planner knows: its first call reads.
    _conversation(second, 1, wall)
    assert rockbottom.report(second).total.usage.cache_read > 3000
    assert rockbottom.report(second).notices == ()


def test_a_state_that_cannot_be_saved_is_said_once_and_ends_nothing(endpoint, tmp_path, caplog):
    wall = Wall(endpoint)
    client = rockbottom.attach(runtime(endpoint), clock=wall, state=tmp_path / "learned.db")
    attachment_of(client).planner.save = lambda path, **more: 1 / 0
    _conversation(client, 2, wall)
    for _ in range(2):
        attachment_of(client).keeper._changed.set()
        attachment_of(client).keeper.save()
    assert caplog.text.count("internal failure while saving what was learned") == 1


def test_two_clients_may_share_one_planner(endpoint):
    planner = rockbottom.Planner()
    wall = Wall(endpoint)
    for _ in range(2):
        client = rockbottom.attach(runtime(endpoint), planner=planner, clock=wall)
        _conversation(client, 3, wall)
    assert rockbottom.report(client).total.usage.cache_read > 0


def test_tools_in_a_changing_order_are_sorted_and_read(client):
    """A hub lists the same tools in another order each time: sorted, they are one prefix, and nobody is warned."""
    schema = {"json": {"type": "object", "properties": {"place": {"type": "string"}}}}
    tools = [
        {"toolSpec": {"name": f"tool_{number}", "description": f"Does thing {number}. " * 8, "inputSchema": schema}}
        for number in range(60)
    ]
    rockbottom.attach(client, planner=rockbottom.Planner(sort_tools=True))
    usages = []
    for start in range(6):
        turned = [*tools[start * 7 :], *tools[: start * 7]]
        usages.append(client.converse(**ask(toolConfig={"tools": turned}))["usage"])
    assert usages[0]["cacheWriteInputTokens"] > 3000
    assert [usage["cacheReadInputTokens"] > 3000 for usage in usages] == [False, True, True, True, True, True]
    assert rockbottom.report(client).notices == ()
