"""Tools: when one is called, which, with what arguments, and that a loop of an agent ends by itself."""

import gzip
import json
import os
from pathlib import Path

import jsonschema
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.local.asked import NeutralRequest, Tool, asked_of
from rockbottom.local.calling import tool_for, tools_for
from rockbottom.local.patterns import least_match
from rockbottom.local.schema_samples import sample_of

DATA = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["city"],
}
SPEC = {"name": "get_weather", "description": "Weather of a city.", "inputSchema": {"json": WEATHER}}
OTHER = {"name": "pay_invoice", "description": "Pays it.", "inputSchema": {"json": {"type": "object"}}}
TOOLS = {"tools": [{"toolSpec": OTHER}, {"toolSpec": SPEC}]}
QUESTION = "What is the weather in Paris in fahrenheit?"
ARGUMENTS = {"city": "Paris", "unit": "fahrenheit"}


def uses(blocks):
    """Name and input of the calls in a reply."""
    return [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in blocks if "toolUse" in block]


def run_to_its_end(ask, result, user):
    """Ask, run what is called, give the result back, until text comes; the blocks of every reply."""
    messages, seen = [user(QUESTION)], []
    for _ in range(5):
        blocks = ask(messages)
        seen.append(blocks)
        calls = [block["toolUse"] for block in blocks if "toolUse" in block]
        if not calls:
            return seen
        messages += [{"role": "assistant", "content": blocks}, user(*[result(call) for call in calls])]
    pytest.fail(f"five calls and no end: {seen}")


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0", "qwen.qwen3-32b-v1:0"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_converse_calls_the_tool_and_then_answers(runtime, kit, model, streamed):
    """auto: the question's own words in the arguments; the answer says what the tool said."""

    def ask(messages):
        call = {"modelId": model, "messages": messages, "toolConfig": TOOLS}
        if not streamed:
            return runtime.converse(**call)["output"]["message"]["content"]
        blocks = {}
        for event in runtime.converse_stream(**call)["stream"]:
            if "contentBlockStart" in event:
                start = event["contentBlockStart"]
                blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
            elif "contentBlockDelta" in event:
                place, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
                if "toolUse" in delta:
                    blocks[place]["toolUse"]["input"] += delta["toolUse"]["input"]
                else:
                    blocks[place] = {"text": blocks.get(place, {"text": ""})["text"] + delta["text"]}
        for block in blocks.values():
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        return list(blocks.values())

    def result(call):
        return {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "It is 71 degrees and sunny."}]}}

    called, answered = run_to_its_end(ask, result, kit.user)
    assert uses(called) == [("get_weather", ARGUMENTS)]
    assert answered == [{"text": "It is 71 degrees and sunny."}]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_invoke_model_does_the_same_with_claude(runtime, kit, streamed):
    """Anthropic's body and events."""

    def ask(messages):
        body = {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 200,
            "messages": messages,
            "tools": [{"name": SPEC["name"], "description": SPEC["description"], "input_schema": WEATHER}],
        }
        call = {"modelId": kit.SONNET, "body": json.dumps(body)}
        if not streamed:
            reply = json.loads(runtime.invoke_model(**call)["body"].read())
            return reply["stop_reason"], reply["content"]
        blocks, parts, reason = {}, {}, None
        for event in runtime.invoke_model_with_response_stream(**call)["body"]:
            chunk = json.loads(event["chunk"]["bytes"])
            if chunk["type"] == "content_block_start":
                blocks[chunk["index"]] = chunk["content_block"]
            elif chunk["type"] == "content_block_delta":
                delta = chunk["delta"]
                parts[chunk["index"]] = parts.get(chunk["index"], "") + (delta.get("partial_json") or delta["text"])
            elif chunk["type"] == "message_delta":
                reason = chunk["delta"]["stop_reason"]
        for place, block in blocks.items():
            block.update({"input": json.loads(parts[place])} if block["type"] == "tool_use" else {"text": parts[place]})
        return reason, list(blocks.values())

    messages = [{"role": "user", "content": QUESTION}]
    reason, blocks = ask(messages)
    assert (reason, blocks[0]["name"], blocks[0]["input"]) == ("tool_use", "get_weather", ARGUMENTS)
    answer = {"type": "tool_result", "tool_use_id": blocks[0]["id"], "content": "It is 71 degrees and sunny."}
    messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": [answer]}]
    assert ask(messages) == ("end_turn", [{"type": "text", "text": "It is 71 degrees and sunny."}])


def test_a_loop_of_invoke_model_does_the_same_with_nova(runtime, kit):
    """Nova's body."""

    def ask(messages):
        body = {"messages": messages, "toolConfig": {**TOOLS, "toolChoice": {"auto": {}}}}
        reply = runtime.invoke_model(modelId=kit.NOVA, body=json.dumps(body))["body"].read()
        return json.loads(reply)["output"]["message"]["content"]

    def result(call):
        return {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"degrees": 71}}]}}

    called, answered = run_to_its_end(ask, result, kit.user)
    assert uses(called) == [("get_weather", ARGUMENTS)]
    assert "71" in answered[0]["text"]


def asked(question, *tools, **more):
    """A question with tools."""
    return NeutralRequest(question=question, tools=list(tools), **more)


PAY, SEARCH = Tool("pay_invoice", {}, "Pays an invoice."), Tool("webSearch", {}, "Finds pages about anything.")


def test_no_tool_is_called_where_no_word_is_shared_or_a_result_has_come():
    """Words of fewer than four letters do not count."""
    assert tool_for(asked("How are you?", PAY, SEARCH)) is None
    assert tool_for(asked("Please pay it", PAY)) is None
    assert tool_for(asked("Which invoice is next?", PAY, answers_tool=True)) is None
    assert tool_for(asked("Which invoice is next?")) is None


def test_the_tool_that_shares_the_most_is_called():
    """A word of its name counts before all others, also where it is written together; else rare words count more."""
    assert tool_for(asked("Which invoice is open?", SEARCH, PAY)) is PAY
    assert tool_for(asked("Do a search for pages on invoice law", PAY, SEARCH)) is SEARCH


DEFINED = {"name": "get_time", "description": "Get the current time.", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ([{"type": "tool_addition", "tool": {"type": "tool_definition", "definition": DEFINED}}], "get_time"),
        ([{"type": "tool_removal", "tool": {"type": "tool_reference", "name": "get_weather"}}], None),
        (
            [
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "get_weather"}},
                {"type": "text", "text": "The weather is served again."},
                {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "get_weather"}},
            ],
            "get_weather",
        ),
    ],
)
def test_a_message_of_the_system_adds_and_removes_tools_on_the_way(runtime, kit, changes, called):
    """Anthropic's tool_addition and tool_removal: from there on a tool is on offer, or no longer; the question stays
    that of the user."""
    question = "What time is it?" if called == "get_time" else QUESTION
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": question}, {"role": "system", "content": changes}],
        "tools": [{"name": SPEC["name"], "description": SPEC["description"], "input_schema": WEATHER}],
    }
    reply = json.loads(runtime.invoke_model(modelId=kit.SONNET, body=json.dumps(body))["body"].read())
    assert next((block["name"] for block in reply["content"] if block["type"] == "tool_use"), None) == called


def test_converse_names_the_tools_that_it_adds_and_removes():
    """toolAddition and toolRemoval refer to tools of toolConfig; one that it does not hold is no tool."""

    def names(*blocks):
        messages = [{"role": "user", "content": [{"text": QUESTION}]}, {"role": "system", "content": list(blocks)}]
        return [tool.name for tool in asked_of({"messages": messages, "toolConfig": TOOLS}).tools]

    def named(name):
        return {"tool": {"type": "tool", "name": name}}

    assert names({"toolRemoval": named("get_weather")}) == ["pay_invoice"]
    assert names({"toolRemoval": named("pay_invoice")}, {"toolAddition": named("pay_invoice")}) == [
        "get_weather",
        "pay_invoice",
    ]
    assert names({"toolAddition": named("unheard_of")}) == ["pay_invoice", "get_weather"]
    assert (
        asked_of(
            {
                "messages": [
                    {"role": "user", "content": [{"text": "Why?"}]},
                    {"role": "system", "content": [{"text": "Be brief."}]},
                ]
            }
        ).question
        == "Why?"
    )


def test_a_forced_tool_is_called_and_a_forced_loop_ends():
    """By name always; any: a tool that was not called yet, so that the last of them, which ends the loop, comes."""
    finish = Tool("final_result", {}, "Gives the result.")
    assert tool_for(asked("Hello?", PAY, finish, forced="final_result")) is finish
    assert tool_for(asked("Hello?", PAY, finish, forced="", answers_tool=True, called=["pay_invoice"])) is finish
    assert tool_for(asked("Pay the invoice", PAY, finish, forced="")) is PAY
    assert tool_for(asked("Hello?", PAY, finish, forced="", called=["pay_invoice", "final_result"])) is finish


TIME, SKY = Tool("tool_time", {}, "The time."), Tool("tool_weather", {}, "The weather.")


@pytest.mark.parametrize(
    ("question", "called"),
    [
        ("What is the time and weather in New York?", [TIME, SKY]),
        ("Tell me the weather, and also the time.", [SKY, TIME]),
        ("What is the time? And the weather?", [TIME]),  # two questions
        ("What is the time, then the weather?", [TIME]),  # an order
        ("Is the weather or the time on the page?", [TIME]),
        ("What is the weather like at this time of the year?", [TIME]),
        ("What is the tool for?", [TIME]),  # a word of both names tells neither
    ],
)
def test_tools_that_a_question_joins_are_called_at_once(question, called):
    """By "and" or a comma in one sentence that says no order; else one, as where a reply may call only one."""
    assert list(tools_for(asked(question, TIME, SKY, FINAL, at_once=True))) == called
    for more in ({}, {"at_once": True, "forced": ""}):
        assert len(tools_for(asked(question, TIME, SKY, **more))) == 1
    assert tools_for(asked(question, TIME, SKY, at_once=True, answers_tool=True)) == ()


def offered(tool):
    return {"toolSpec": {"name": tool.name, "description": tool.description, "inputSchema": {"json": members()}}}


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0"])
@pytest.mark.parametrize("serial", [False, True])
def test_claude_calls_two_tools_in_one_reply_and_then_answers_from_both(runtime, kit, model, serial):
    """Not where ``disable_parallel_tool_use`` says so, and not the models of which nobody saw it."""
    body = {"modelId": model, "toolConfig": {"tools": [offered(TIME), offered(SKY)]}}
    if serial and "anthropic" in model:
        body["additionalModelRequestFields"] = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    messages = [kit.user("What is the time and weather in New York?")]
    reply = runtime.converse(**body, messages=messages)
    calls = [block["toolUse"] for block in reply["output"]["message"]["content"]]
    names = [call["name"] for call in calls]
    assert reply["stopReason"] == "tool_use"
    if serial or "anthropic" not in model:
        assert names == ["tool_time"]
        return
    assert names == ["tool_time", "tool_weather"]
    assert len({call["toolUseId"] for call in calls}) == 2
    told = dict(zip(names, ("12:00", "sunny"), strict=True))
    results = [
        {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": told[use["name"]]}]}} for use in calls
    ]
    messages += [reply["output"]["message"], kit.user(*results)]
    last = runtime.converse(**body, messages=messages)
    assert (last["stopReason"], last["output"]["message"]["content"]) == ("end_turn", [{"text": "12:00 sunny"}])
    limited = runtime.converse(**body, messages=messages[:1], inferenceConfig={"maxTokens": 4})
    assert limited["stopReason"] == "max_tokens"
    assert limited["usage"]["outputTokens"] <= 4


FINAL = Tool("final_result", {}, "The final response which ends this conversation")


def test_the_tool_that_ends_a_run_is_called_when_no_other_is():
    """As pydantic-ai names it, where a model takes no forced choice: at once, or once the other tools have answered."""
    assert tool_for(asked("It is 21 degrees in Paris. Extract it.", FINAL)) is FINAL
    assert tool_for(asked("Which invoice is open?", FINAL, PAY)) is PAY
    assert tool_for(asked("Which invoice?", FINAL, PAY, answers_tool=True, called=["pay_invoice"])) is FINAL
    assert tool_for(asked("Hello?", FINAL, answers_tool=True, called=["final_result"])) is None
    assert tool_for(asked("Which invoice?", PAY, SEARCH, FINAL, forced="", called=["pay_invoice"])) is FINAL


def test_arguments_come_from_the_results_where_the_question_has_none(runtime, kit):
    """What a tool told goes into the call that ends the run."""
    ending = {"name": "final_result", "description": FINAL.description}
    schema = {"json": members(city={"type": "string"}, degrees={"type": "integer"})}
    tools = {"tools": [{"toolSpec": SPEC}, {"toolSpec": {**ending, "inputSchema": schema}}]}
    use = {"toolUse": {"toolUseId": "t", "name": "get_weather", "input": {"city": "Paris"}}}
    result = {"toolResult": {"toolUseId": "t", "content": [{"text": "It is 21 degrees there."}]}}
    messages = [kit.user("What is the weather in Paris?"), kit.assistant(use), kit.user(result)]
    reply = runtime.converse(modelId="us.amazon.nova-pro-v1:0", messages=messages, toolConfig=tools)
    assert uses(reply["output"]["message"]["content"]) == [("final_result", {"city": "Paris", "degrees": 21})]


def test_what_was_called_counts_from_the_question_on():
    """A new question begins anew."""
    use = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "pay_invoice", "input": {}}}]}
    result = {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "paid"}]}}]}
    first = [{"role": "user", "content": [{"text": "Pay"}]}, use, result]
    one = asked_of({"messages": first})
    assert (one.question, one.called, one.results, one.answers_tool) == ("Pay", ["pay_invoice"], ["paid"], True)
    again = [
        *first,
        {"role": "assistant", "content": [{"text": "Done"}]},
        {"role": "user", "content": [{"text": "Next"}]},
    ]
    two = asked_of({"messages": again})
    assert (two.question, two.called, two.results, two.answers_tool) == ("Next", [], [], False)


def members(*required, **properties):
    """A schema of an object."""
    return {"type": "object", "properties": properties, "required": list(required or properties)}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("question", "schema", "arguments"),
    [
        ("Add 2 and 3.", members(a=WHOLE, b=WHOLE), {"a": 2, "b": 3}),
        ("Show invoice 42 with a limit of 5", members(limit=WHOLE, invoice=WHOLE), {"limit": 5, "invoice": 42}),
        ('Rename "old.txt" to "new"', members(source=TEXT, target=TEXT), {"source": "old.txt", "target": "new"}),
        ("What is 12 * (3 + 4)?", members(expression=TEXT), {"expression": "12 * (3 + 4)"}),
        ("Write to ann@example.org", members(recipient_email=TEXT), {"recipient_email": "ann@example.org"}),
        ("Where is parcel PX-9913?", members(parcel_id=TEXT), {"parcel_id": "PX-9913"}),
        ("Open ./src/app.py", members(file_path=TEXT), {"file_path": "./src/app.py"}),
        ("Flights on March 4, 2027", members(date={"type": "string", "format": "date"}), {"date": "2027-03-04"}),
        ("Total of 1, 2 and 30", members(values={"type": "array", "items": WHOLE}), {"values": [1, 2, 30]}),
        ("Set it to dark mode", members(theme={"enum": ["light_mode", "dark_mode"]}), {"theme": "dark_mode"}),
        ("Find pages on bees", members(query=TEXT), {"query": "Find pages on bees"}),
        ("Do the thing", members(size={"type": "integer", "minimum": 3, "maximum": 9}), {"size": 3}),
        ("Give me 99", members(size={"type": "integer", "minimum": 3, "maximum": 9}), {"size": 3}),
        ("Do the thing", members(zip={"type": "string", "pattern": r"^\d{5}$"}), {"zip": "00000"}),
        ("Remove everything", members(command=TEXT), {"command": "true"}),
        ("Weather in Oslo", members("city", city=TEXT, days={"type": "integer", "default": 3}), {"city": "Oslo"}),
    ],
)  # fmt: skip
def test_arguments_come_from_the_question(question, schema, arguments):
    """Numbers, quoted names, enum words, paths, dates; a sentence is never run as a command."""
    assert sample_of(schema, question) == arguments


_leaf = st.one_of(
    st.builds(
        lambda low, span, kind: {"type": kind, "minimum": low, "maximum": low + span},
        st.integers(-50, 50), st.integers(1, 60), st.sampled_from(["integer", "number"]),
    ),
    st.builds(lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span},
              st.integers(0, 30), st.integers(0, 30)),
    st.builds(lambda low: {"type": "integer", "exclusiveMinimum": low}, st.integers(-50, 50)),
    st.builds(lambda step: {"type": "integer", "multipleOf": step, "minimum": 1}, st.integers(1, 9)),
    st.builds(lambda values: {"enum": values},
              st.lists(st.text(max_size=8) | st.integers() | st.none(), min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, st.text(max_size=5) | st.booleans()),
    st.sampled_from(["date", "email", "uuid", "ipv4"]).map(lambda name: {"type": "string", "format": name}),
    st.sampled_from([r"^\d{3}-[a-z]+$", r"^(cat|dog)s?$", r"[^a]{2}", r"^\w+@\w+\.com$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}),
    st.just({"type": ["string", "null"]}),
    st.just({"type": "boolean"}),
)  # fmt: skip
_tree = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(lambda items, low, span, unique: {"type": "array", "items": items, "minItems": low,
                                                    "maxItems": low + span},
                  inner, st.integers(0, 3), st.integers(0, 3), st.booleans()),
        st.lists(inner, min_size=1, max_size=3).map(lambda choices: {"anyOf": choices}),
        st.dictionaries(st.sampled_from(["name", "count", "kind", "path"]), inner, min_size=1, max_size=3).map(
            lambda known: {"type": "object", "properties": known, "required": list(known)}
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    _tree, st.sampled_from([QUESTION, "", 'Move 7 of "a b" to /tmp/x.y by 2026-01-02, Ann O\'Neil!', "1 2 3 0.5 -4"])
)
def test_arguments_always_fit_their_schema(schema, question):
    """Whatever the question, a validator of its own finds nothing wrong."""
    whole = {"type": "object", "properties": {"it": schema}, "required": ["it"]}
    jsonschema.validate(sample_of(whole, question), whole)


NODE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/n"}}},
}
NASTY = [
    {"$defs": {"n": {**NODE, "required": ["v", "kids"], "additionalProperties": False}}, "$ref": "#/$defs/n"},
    {
        "type": "object",
        "patternProperties": {"^k": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    {"type": "object", "properties": {"a": {"type": "string"}}, "minProperties": 3},
    members(e={"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True}),
    members(n={"not": {"type": "string"}}),
    {
        **members(k={"enum": ["a", "b"]}),
        "if": {"properties": {"k": {"const": "a"}}},
        "then": {"properties": {"z": {"type": "integer", "minimum": 7}}, "required": ["z"]},
        "else": {"required": ["w"]},
    },
    {**members(card={"type": "string"}), "dependentRequired": {"card": ["address"]}},
    members(
        rows={"type": "array", "minItems": 3, "items": {"type": "array", "minItems": 2, "items": {"type": "number"}}}
    ),
    members(code={"type": "string", "pattern": "^[A-Z]{3}-\\d{4}(?:/[a-f0-9]+)?$"}),
]


@pytest.mark.parametrize("question", ["Make one of b, 5 and Paris.", "x"])
@pytest.mark.parametrize("schema", NASTY)
def test_what_schemas_ask_beyond_types_is_met(schema, question):
    """References that lead back, numbers of members, unique words of an enum, conditions, dependencies, patterns."""
    jsonschema.validate(sample_of(schema, question), schema, cls=jsonschema.Draft202012Validator)


_TEXTS = {"type": "array", "items": {"type": "string"}}
_PETS = {"oneOf": [{"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in ("cat", "dog")]}


@pytest.mark.parametrize(
    ("question", "name", "schema", "value"),
    [
        ('Mail bo@x.org, subject "Hello there" and body "See you at 5"', "body", {"type": "string"}, "See you at 5"),
        ("Create a ticket: title 'Broken lamp', urgency 3", "title", {"type": "string"}, "Broken lamp"),
        ("Book a table at 7pm tomorrow under the name 'Rossi'", "date", {"type": "string"}, "tomorrow"),
        ("A ticket with the tags red, green and blue, due on 2026-12-24", "tags", _TEXTS, ["red", "green", "blue"]),
        ("Turn off all lights", "on", {"type": "boolean"}, False),
        ("Turn on all lights", "on", {"type": "boolean"}, True),
        ("Search for tea without images", "include_images", {"type": "boolean"}, False),
        ("Register my dog", "pet", _PETS, {"kind": "dog"}),
        ("Numbers 5 and 6", "l", {"type": "array", "items": {"type": "integer"}, "contains": {"const": 3}}, [5, 6, 3]),
    ],
)
def test_what_a_question_says_of_an_argument_is_taken_whole(question, name, schema, value):
    assert sample_of({"type": "object", "properties": {name: schema}, "required": [name]}, question) == {name: value}


def test_a_schema_that_nothing_fits_has_an_end():
    """Every node needs two of its kind."""
    node = {"type": "object", "properties": {name: {"$ref": "#/$defs/n"} for name in "lr"}, "required": ["l", "r"]}
    assert sample_of({"$defs": {"n": node}, "$ref": "#/$defs/n"}, "x")["l"]["l"]


@pytest.mark.parametrize("pattern", [r"^[A-Z]{2}-\d{3,5}$", r"^(?:http|ftp)://\S+$", r"a|bc", r"^[^\d\s]+$", r"^$"])
def test_a_text_is_made_for_a_pattern(pattern):
    """The pattern itself judges."""
    import re

    assert re.search(pattern, least_match(pattern))


def test_no_text_is_made_for_a_pattern_that_looks_around():
    """None rather than a wrong one."""
    assert least_match(r"^(?=b)a$") is None


def turns(*called, question="", system=()):
    """A request after these tools were called and answered."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    for name in called:
        use = {"toolUseId": name, "name": name, "input": {}}
        result = {"toolUseId": name, "content": [{"text": f"{name} is done"}]}
        messages += [
            {"role": "assistant", "content": [{"toolUse": use}]},
            {"role": "user", "content": [{"toolResult": result}]},
        ]
    names = ("first_tool", "second_tool", "weather")
    tools = [{"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}} for name in names]
    return asked_of(
        {"messages": messages, "system": [{"text": text} for text in system], "toolConfig": {"tools": tools}}
    )


def test_tools_that_the_prompt_names_one_behind_the_other_are_called_so():
    """In the question or the system text; a word that is no name for certain (weather) calls nothing."""
    order = "Call first_tool. After its result, call second_tool, then tell me about the weather."
    for named in ({"question": order}, {"question": "Follow the rules.", "system": (order,)}):
        assert tool_for(turns("first_tool", **named)).name == "second_tool"
        assert tool_for(turns("first_tool", "second_tool", **named)) is None
    assert tool_for(turns("second_tool", question=order)) is None
    assert tool_for(turns("first_tool", question="Is second_tool better?")) is None


def test_after_a_result_the_answer_is_of_the_result(runtime, kit):
    """Also where no word of the question stands in it, and an instruction shares more words with the question."""
    use = {"toolUse": {"toolUseId": "t", "name": "get_weather", "input": {"city": "Paris"}}}
    result = {"toolResult": {"toolUseId": "t", "content": [{"text": "30 degrees"}]}}
    messages = [kit.user("Use the tool when it is needed."), kit.assistant(use), kit.user(result)]
    system = [{"text": "You must use a tool when it is needed, and answer when it is not."}]
    reply = runtime.converse(modelId=kit.SONNET, system=system, messages=messages, toolConfig=TOOLS)
    assert reply["output"]["message"]["content"] == [{"text": "30 degrees"}]


@pytest.mark.parametrize("choice", [{"any": {}}, {"tool": {"name": "get_weather"}}, {"auto": {}}])
def test_a_forced_tool_beside_thinking_is_refused(runtime, kit, choice):
    """Anthropic's page on extended thinking: only auto (and none) go with it."""
    call = {
        "modelId": kit.SONNET,
        "messages": [kit.user(QUESTION)],
        "toolConfig": {**TOOLS, "toolChoice": choice},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "inferenceConfig": {"maxTokens": 4000},
    }
    if "auto" in choice:
        assert runtime.converse(**call)["stopReason"] == "tool_use"
        return
    with pytest.raises(ClientError, match="Thinking may not be enabled when tool_choice forces tool use"):
        runtime.converse(**call)


@pytest.mark.parametrize(("question", "said"), [
    ("Reply with exactly OSS.", "OSS"),
    ("Reply with the single word: ok", "ok"),
    ("Please respond with 'All is well.' and nothing else.", "All is well."),
    ("Answer with only the JSON of it.", "The prompt does not say."),
])  # fmt: skip
def test_what_a_question_says_word_for_word_is_replied(runtime, kit, question, said):
    """Where it is quoted, in capitals, or behind a colon."""
    reply = runtime.converse(modelId=kit.SONNET, messages=[kit.user(question)])
    assert reply["output"]["message"]["content"] == [{"text": said}]


def recorded():
    """Recorded Converse calls with tools that were answered."""
    file = DATA / "recorded_calls.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"no recordings at {file}: set ROCKBOTTOM_DATA")
    for line in gzip.decompress(file.read_bytes()).splitlines():
        row = json.loads(line)
        tools = ((row["request"] or {}).get("toolConfig") or {}).get("tools") or ()
        if row["operation"] == "converse" and row["status"] == 200 and any("toolSpec" in tool for tool in tools):
            yield row


def test_recorded_models_call_a_tool_when_the_endpoint_does(recorded_data):
    """In all but 2% of the recorded calls with `auto`; the same tool in 95%, with arguments that its schema accepts."""
    decided = agreed = called = same = 0
    for row in recorded():
        one = asked_of(row["request"])
        tool = tool_for(one)
        uses_of = [block["toolUse"] for block in row["reply"]["output"]["message"]["content"] if "toolUse" in block]
        if one.forced is None:
            decided += 1
            agreed += bool(uses_of) == (tool is not None)
        if tool is not None and uses_of:
            called += 1
            same += tool.name in [use["name"] for use in uses_of]
            jsonschema.validate(sample_of(tool.schema, one.question), tool.schema)
    assert agreed >= 0.98 * decided > 0
    assert same >= 0.95 * called > 0


def test_of_whom_a_sentence_says_something_is_a_name():
    """Though the first word of every sentence is written large: not those that only begin it."""
    person = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    person["required"] = ["name", "age"]
    assert sample_of(person, "Ada is 37 years old and has a dog. Give name and age.") == {"name": "Ada", "age": 37}
    assert sample_of(person, "It is said that Boris Vian was 39.")["name"] == "Boris Vian"


def test_a_question_that_is_quoted_as_a_whole_quotes_nothing():
    """As a command line hands it on (opencode run "..."): its argument is in it, not all of it."""
    read = {"type": "object", "properties": {"filePath": {"type": "string"}}, "required": ["filePath"]}
    assert sample_of(read, '"Read the file a.py and say what hello is"\n') == {"filePath": "a.py"}
    assert sample_of(read, 'Read the file "my notes.txt" and say what hello is') == {"filePath": "my notes.txt"}
