"""The public face of the planner."""

import copy
import gc

import rockbottom
from rockbottom.plan import Planner

MODEL = "global.anthropic.claude-sonnet-4-6"


def request_of(words: int = 3000) -> dict:
    """A request with a long system prompt, tools and one question."""
    tool = {"toolSpec": {"name": "look", "description": "looks", "inputSchema": {"json": {"type": "object"}}}}
    return {
        "modelId": MODEL,
        "system": [{"text": "policy " * words}],
        "toolConfig": {"tools": [tool]},
        "messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}],
    }


def test_planner_is_a_lazy_attribute_of_the_package():
    """rockbottom.Planner is the planner."""
    assert rockbottom.Planner is Planner


def test_first_request_of_an_agent_is_written_and_the_second_read():
    """With tools and a long system prompt the first request gets a point at its end, and the next one reads there."""
    planner, request = Planner(), request_of()
    before = copy.deepcopy(request)
    first = planner.plan(request, now=1_795_000_000.0)
    sent = first.apply(request)
    assert request == before
    assert sent["messages"][0]["content"][-1] == {"cachePoint": {"type": "default"}}
    later = {
        **request,
        "messages": [
            *request["messages"],
            {"role": "assistant", "content": [{"text": "Which one?"}]},
            {"role": "user", "content": [{"text": "Number four."}]},
        ],
    }
    second = planner.plan(later, now=1_795_000_020.0)
    assert second.read == first.written_5m
    assert "5m" in second.explain()


def test_own_points_are_left_alone_by_default():
    """A request that carries a cachePoint is not touched."""
    request = request_of()
    request["system"].append({"cachePoint": {"type": "default"}})
    plan = Planner().plan(request, now=1_795_000_000.0)
    assert plan.apply(request) == request
    assert "stay as they are" in plan.explain()


def test_what_cannot_be_read_gets_an_empty_plan():
    """An unknown model, a body that is no JSON and a malformed message change nothing and raise nothing."""
    for request in (
        {"modelId": "nobody.nothing-v1"},
        {"modelId": MODEL, "body": b"\xff\xfe"},
        {"modelId": MODEL, "messages": [7]},
        {"modelId": "meta.llama3-3-70b-instruct-v1:0", "messages": []},
    ):
        plan = Planner().plan(request, now=1_795_000_000.0)
        assert plan.apply(request) == request
        assert plan.reason


def test_a_long_first_message_in_one_block_has_the_benefit_of_the_doubt_twice():
    """A document with its question in one text: the first two that a planner sees are written, then it waits for one to
    come back. A short one is not."""
    planner = Planner()

    def asked(name, words):
        message = {"role": "user", "content": [{"text": f"{name} " + "lease clause rent " * words}]}
        return planner.plan({"modelId": MODEL, "messages": [message]}, now=1_790_000_000.0 + 30 * len(seen))

    seen = []
    for name in ("one", "two", "three"):
        seen.append(asked(name, 8000).written_5m > 20_000)
    assert seen == [True, True, False]
    assert asked("short", 500).written_5m == 0


def test_a_short_question_behind_a_long_system_text_is_no_long_first_message():
    """The prompt is long and the message is not: the system text is written, and the seven tokens behind it are not."""
    system = [{"text": "Mind rule after rule. " * 1500}]
    message = {"role": "user", "content": [{"text": "Class 1?"}]}
    plan = Planner().plan({"modelId": MODEL, "system": system, "messages": [message]}, now=1_790_000_000.0)
    assert [placement.after for placement in plan.placements] == [1]


def test_own_points_that_are_to_be_replaced_are_taken_out_where_nothing_is_set():
    """A short question with a point behind it is not worth a write: the caller's point would pay for one."""
    request = {
        "modelId": MODEL,
        "messages": [
            {"role": "user", "content": [{"text": "one-off " * 700}, {"cachePoint": {"type": "default"}}]},
        ],
    }
    planner = Planner(own_points="replace")
    plan = planner.plan(request, now=1_795_000_000.0)
    assert not plan.placements
    assert plan.apply(request)["messages"][0]["content"] == [{"text": "one-off " * 700}]


def test_a_plan_leaves_nothing_for_the_garbage_collector():
    """What is decided about a prompt holds no circle, so it goes with its plan: no pause of a collection finds it."""
    planner, request = Planner(), request_of()
    gpt = {"model": "openai.gpt-5.6-sol", "input": [{"role": "user", "content": "policy " * 3000}]}
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for number in range(3):
            planner.plan(request, now=1_795_000_000.0 + number)
            planner.plan(gpt, now=1_795_000_000.0 + number)
        gc.collect()
        garbage = [kept for kept in gc.garbage if type(kept).__module__.startswith("rockbottom")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert garbage == []
