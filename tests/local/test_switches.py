"""Every side of every switch that ``models --switches`` lists is played by the endpoint."""

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from rockbottom.catalog import load_catalog
from rockbottom.local import running

SWITCHES = load_catalog().switches


def usage(runtime, model, **body):
    """Tokens written and read."""
    told = runtime.converse(modelId=model, **body)["usage"]
    return told["cacheWriteInputTokens"], told["cacheReadInputTokens"]


@pytest.mark.parametrize(("name", "side"), [(name, side) for name in SWITCHES for side in SWITCHES[name].sides])
def test_each_side_is_taken(endpoint, kit, name, side):
    """By the control API; the answer names the side that is in force."""
    assert kit.control(endpoint, "PUT", "switches", {name: side})[name] == side


def test_what_is_listed_is_what_the_endpoint_tells(endpoint, kit):
    """No switch is listed that cannot be set, and none can be set that is not listed."""
    argv = [sys.executable, "-m", "rockbottom", "models", "--switches", "--json"]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert {row["name"] for row in json.loads(printed)["switches"]} == set(kit.control(endpoint, "GET", "switches"))


def test_an_endpoint_starts_on_a_chosen_side(kit):
    """As ``serve --switch`` starts it; a reset goes back there."""
    with running(switches={"cache_hop_rate": "0.1"}) as one:
        assert kit.control(one, "GET", "routing") == {"policy": "moving", "probability": 0.1, "seed": 0}
        kit.control(one, "PUT", "switches", {"cache_hop_rate": "0"})
        assert kit.control(one, "GET", "routing") == {"policy": "pinned"}
        kit.control(one, "POST", "reset")
        assert kit.control(one, "GET", "routing")["policy"] == "moving"


def test_one_request_in_ten_meets_a_region_without_the_entry(endpoint, runtime, kit):
    """Of 200 calls after the first, 180 read on average; the standard deviation is 4.2, so 160 to 197 is certain."""
    kit.control(endpoint, "PUT", "switches", {"cache_hop_rate": "0.1"})
    body = {"system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("q")]}
    regions = [usage(runtime, kit.SONNET, **body) and kit.control(endpoint, "GET", "requests")[-1] for _ in range(200)]
    at_home = sum(line["servedBy"] == "us-east-1" for line in regions)
    assert 160 <= at_home <= 197


def test_nova_reads_without_a_point_where_it_caches_by_itself(endpoint, runtime, kit):
    """The second of two equal requests reads; nothing is counted as written, and Claude is not touched."""
    body = {"system": [{"text": kit.RULES}], "messages": [kit.user("q")]}
    kit.control(endpoint, "PUT", "switches", {"implicit_reads": "on"})
    told = [runtime.converse(modelId=kit.NOVA, **body)["usage"] for _ in range(2)]
    assert [row.get("cacheWriteInputTokens", 0) for row in told] == [0, 0]
    assert told[0].get("cacheReadInputTokens", 0) == 0
    assert told[1]["cacheReadInputTokens"] + told[1]["inputTokens"] == told[0]["inputTokens"]
    assert told[1]["cacheReadInputTokens"] > 1000
    kit.control(endpoint, "PUT", "switches", {"implicit_reads": "off"})
    assert runtime.converse(modelId=kit.NOVA, **body)["usage"].get("cacheReadInputTokens", 0) == 0


@pytest.mark.parametrize(("side", "added", "read"), [
    ("measured", 21, True), ("measured", 22, False), ("documented", 19, True), ("documented", 20, False),
])  # fmt: skip
def test_a_point_reaches_as_far_back_as_the_side_says(endpoint, runtime, kit, side, added, read):
    """cachecanary-lookback: 21 blocks since the entry are found and 22 are not; the texts say 19."""
    kit.control(endpoint, "PUT", "switches", {"lookback": side})
    texts = [kit.RULES, *(f"Question {number}." for number in range(added))]
    runtime.converse(modelId=kit.SONNET, messages=[kit.user(texts[0], kit.POINT)])
    found = usage(runtime, kit.SONNET, messages=[kit.user(*texts, kit.POINT)])[1] > 0
    assert found is read


def test_reasoning_anywhere_before_a_point_is_refused_on_that_side(endpoint, runtime, kit):
    """The narrower report (directly before it) lets the same request pass."""
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me see.", "signature": "c2ln"}}}
    messages = [kit.user("q"), kit.assistant(thought, "a"), kit.user(kit.RULES, kit.POINT)]
    assert usage(runtime, kit.SONNET, messages=messages)[0] > 1000
    kit.control(endpoint, "PUT", "switches", {"reasoning_in_history": "anywhere"})
    with pytest.raises(ClientError) as refused:
        runtime.converse(modelId=kit.SONNET, messages=messages)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    before = [kit.user(kit.RULES, kit.POINT), *messages[1:2], kit.user("and now?")]
    assert usage(runtime, kit.SONNET, messages=before)[0] > 1000


@pytest.mark.parametrize(("side", "reads"), [("start", False), ("end", True)])
def test_a_lifetime_runs_from_the_side_chosen(endpoint, runtime, kit, side, reads):
    """A reply takes ten seconds; 305 s after its start an entry of five minutes lives only if counted from its end."""
    kit.control(endpoint, "PUT", "switches", {"lifetime_from": side})
    pace = {"base_ms": 10_000, "per_output_token_ms": 0}
    kit.control(endpoint, "PUT", "latency", {"mode": "report", "models": {"*": pace}})
    body = {"system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("q")]}
    usage(runtime, kit.SONNET, **body)
    kit.control(endpoint, "POST", "clock", {"advance": 305})
    assert (usage(runtime, kit.SONNET, **body)[1] > 0) is reads
