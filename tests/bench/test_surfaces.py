"""The same workload by several APIs: lanes ``NAME@API``, their counters by the rules, their bills by hand.

Prices of GPT-5.6 Luna through ``us.``: input 0.22, read 0.022, write 0.275, output 1.32 dollars a million
(litellm-1.110.2). Residues: two tokens of every GPT prompt are never cached (boise-gpt-5-6).
"""

from decimal import Decimal

import pytest

from rockbottom.bench import UnknownLane, run
from rockbottom.bench.workload import read_workload
from rockbottom.local import running

LUNA, SONNET = "us.openai.gpt-5.6-luna", "us.anthropic.claude-sonnet-5"
RULES = " ".join(f"Rule {number}. A book may be kept for {number} days." for number in range(300))
TALK = f"""
name: library
system: "{RULES}"
stream: STREAM
conversations:
  - turns:
      - user: What does Basic cost?
        answer: Basic costs 12 euros a month, with one seat.
      - user: And Large?
        answer: Large costs 48 euros a month, with four seats.
      - user: And Huge?
        answer: There is none.
"""


@pytest.fixture(scope="module")
def url():
    with running(whole_texts=False) as one:
        yield one.url


def lanes(url, model, names, stream="false"):
    """The lanes of one model by name."""
    document = run(read_workload(TALK.replace("STREAM", stream)), url, models=[model], lanes=names)
    return {lane.name: lane for lane in document.models[0].lanes}


def counters(lane):
    """Uncached, read and written tokens of every turn."""
    return [(turn.input, turn.read, turn.write) for turn in lane.turns]


@pytest.mark.parametrize("stream", ["false", "true"])
@pytest.mark.parametrize("api", ["responses", "chat"])
def test_gpt_by_its_default_and_by_points_of_the_lane(url, api, stream):
    found = lanes(url, LUNA, [f"baseline@{api}", f"cached@{api}"], stream)
    implicit, cached = found[f"baseline@{api}"], found[f"cached@{api}"]
    whole = [sum(turn) for turn in counters(implicit)]
    # The service's own point reads the turn before and writes what is new; two tokens are left over.
    assert counters(implicit) == [
        (2, 0, whole[0] - 2),
        (2, whole[0] - 2, whole[1] - whole[0]),
        (2, whole[1] - 2, whole[2] - whole[1]),
    ]
    # The lane's point closes the system text, and the service adds none: one write, two reads.
    assert [sum(turn) for turn in counters(cached)] == whole
    system = cached.turns[0].write
    assert [turn[1:] for turn in counters(cached)] == [(0, system), (system, 0), (system, 0)]
    assert all((turn.first_ms is not None) == (stream == "true") for turn in cached.turns)
    output = cached.usage.output
    uncached = sum(whole) - 3 * system
    million = Decimal(1_000_000)
    by_hand = (uncached * Decimal("0.22") + 2 * system * Decimal("0.022") + system * Decimal("0.275")) / million
    assert cached.cost.run == by_hand + output * Decimal("1.32") / million
    last = whole[2] - 2
    by_hand = (6 * Decimal("0.22") + (whole[0] + whole[1] - 4) * Decimal("0.022") + last * Decimal("0.275")) / million
    assert implicit.cost.run == by_hand + output * Decimal("1.32") / million


def test_a_planner_that_leaves_gpt_to_its_own_caching_passes(url):
    """The service's own point is the best for a talk that is added to, so the planner costs what the baseline costs."""
    planned = lanes(url, LUNA, ["baseline@chat", "auto@chat"])["auto@chat"]
    verdicts = {verdict.name: (verdict.passed, verdict.says) for verdict in planned.verdicts}
    assert verdicts["cheaper than baseline"] == (True, "costs what the service's own caching costs")


def test_claude_costs_the_same_by_converse_and_by_messages(url):
    found = lanes(url, SONNET, ["cached", "cached@messages", "auto", "auto@messages", "baseline@messages"])
    assert {lane.status for lane in found.values()} == {"ran"}
    for name in ("baseline", "cached", "auto"):
        assert counters(found[f"{name}@messages"]) == counters(found[name])
        assert found[f"{name}@messages"].cost.run == found[name].cost.run
    assert [bool(turn.read) for turn in found["cached@messages"].turns] == [False, True, True]


def test_a_lane_over_an_api_that_a_model_does_not_speak_says_so(url):
    found = lanes(url, LUNA, ["auto@messages", "cached", "flex@responses", "batch@responses"])
    assert {name: lane.why for name, lane in found.items() if name != "baseline"} == {
        "auto@messages": "not offered by GPT-5.6 Luna (no Messages)",
        "cached": "not offered by GPT-5.6 Luna (no cachePoint on this API)",
        "flex@responses": "not offered by GPT-5.6 Luna (no flex tier on Responses)",
        "batch@responses": "not possible here: jobs of Responses (batch@converse and batch@invoke are)",
    }
    assert lanes(url, SONNET, ["auto@chat"])["auto@chat"].why == "not offered by Claude (no Chat Completions)"


def test_an_id_of_bedrock_mantle_goes_there(url):
    found = lanes(url, "openai.gpt-5.4", ["baseline@responses"])
    assert found["baseline@responses"].status == "ran"


def test_an_api_that_there_is_not_is_refused(url):
    with pytest.raises(UnknownLane, match="no API 'fax' in 'auto@fax'; known are: converse, invoke, messages"):
        lanes(url, LUNA, ["auto@fax"])
