"""What is said when caching does not happen: once, with the place and the fix."""

from datetime import date

import rockbottom.client as rb
from rockbottom.catalog import load_catalog
from rockbottom.client.notices import Noticer
from rockbottom.dialects import RequestReader
from tests.client.client_doubles import MarkingPlanner, ask, words

LUNA = "openai.gpt-5.6-luna"


def _notices(client):
    return rb.report(client).notices


def test_a_prefix_below_the_minimum_is_said_once_with_both_numbers(client, caplog):
    rb.attach(client, planner=MarkingPlanner())
    for _ in range(6):
        client.converse(**ask(system=words(300)))
    assert len(_notices(client)) == 1
    assert "3 calls with cachePoints neither read nor wrote" in _notices(client)[0]
    assert "caches prefixes of 1,024 and more" in _notices(client)[0]
    assert caplog.text.count("neither read nor wrote") == 1


def test_writes_that_are_never_read_are_said_once(client):
    rb.attach(client, planner=MarkingPlanner(tail=True))
    for number in range(12):
        client.converse(**{**ask(f"{number} {words(3000)}"), "system": []})
    assert [notice for notice in _notices(client) if "written 8 times in a row and never read" in notice]
    assert len(_notices(client)) == 1


def test_a_clock_in_the_system_prompt_is_named_with_its_place(client):
    rb.attach(client, planner=MarkingPlanner())
    for minute in range(8):
        client.converse(**ask(system=f"The time is {date(2026, 11, 21)}T10:{minute:02}:00. {words(3000)}"))
    found = [notice for notice in _notices(client) if "changes from call to call" in notice]
    assert len(found) == 1
    # "The time is 2026-11-21T10:0" is 27 bytes long; the last digit of the minute follows.
    assert 'system[0] byte 27 ("2026-11-21T1...")' in found[0]
    assert "last user message" in found[0]


def test_two_prompts_that_take_turns_are_no_changing_prefix(client):
    rb.attach(client, planner=MarkingPlanner())
    for number in range(10):
        client.converse(**ask(system=words(3000, "cats" if number % 2 else "ships")))
    assert _notices(client) == ()


def test_notices_can_be_turned_off(client):
    rb.attach(client, planner=MarkingPlanner(), notices=False)
    for _ in range(6):
        client.converse(**ask(system=words(300)))
    assert _notices(client) == ()


def _tools(names, note="same"):
    schema = {"json": {"type": "object"}}
    return {"tools": [{"toolSpec": {"name": n, "description": note, "inputSchema": schema}} for n in names]}


def test_tools_in_another_order_each_time_are_named(client):
    rb.attach(client, planner=MarkingPlanner())
    names = ["alpha", "beta", "gamma", "delta"]
    for turn in range(8):
        client.converse(**ask(toolConfig=_tools(names[turn % 4 :] + names[: turn % 4])))
    assert [n for n in _notices(client) if "the order of toolConfig.tools changes" in n and "sorted by name" in n]


def test_a_tool_that_changes_each_time_is_named(client):
    rb.attach(client, planner=MarkingPlanner())
    for turn in range(8):
        tools = _tools(["alpha", "beta"])
        tools["tools"][1]["toolSpec"]["description"] = f"made at {turn}"
        client.converse(**ask(toolConfig=tools))
    assert [n for n in _notices(client) if "toolConfig.tools[1] changes from call to call" in n]


def test_instructions_that_change_are_named_on_responses_and_system_messages_on_chat():
    """The minute is the only difference: "It is 10:0" is 10 bytes long."""
    requests, texts = RequestReader(load_catalog()), [f"It is 10:0{minute}. {words(3000)}" for minute in range(8)]
    asked = [{"role": "user", "content": "Hi"}]
    bodies = {
        "instructions": [{"model": LUNA, "instructions": text, "input": asked} for text in texts],
        "messages[0].content[0]": [
            {"model": LUNA, "messages": [{"role": "system", "content": text}, *asked]} for text in texts
        ],
    }
    for place, listed in bodies.items():
        notices = Noticer()
        (said,) = [said for body in listed for said in notices.changing(requests.read(body))]
        assert f"{place} byte 10" in said
