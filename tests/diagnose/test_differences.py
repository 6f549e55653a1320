"""The first difference of two requests: its place in words, its byte and its kind."""

import copy

import pytest

from rockbottom.diagnose import Archive, Cause, LoggedRequest, VolatileKind, first_difference
from rockbottom.prompt import Api

MODEL = "us.anthropic.claude-sonnet-4-6"


def tool(name, description="Looks things up.", **properties):
    schema = {"type": "object", "properties": properties or {"key": {"type": "string"}}}
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


BODY = {
    "toolConfig": {"tools": [tool("find"), tool("read"), tool("write", a={"type": "string"}, b={"type": "number"})]},
    "system": [{"text": "You help."}, {"text": "Grüße first."}],
    "messages": [
        {"role": "user", "content": [{"text": "One"}]},
        {"role": "assistant", "content": [{"text": "Two"}]},
        {"role": "user", "content": [{"text": "Three"}]},
    ],
}
NATIVE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 100,
    "tools": [{"name": "find", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}],
    "system": "You help.",
    "messages": [{"role": "user", "content": "One"}],
}


@pytest.fixture
def differ(catalog):
    """The first difference after a change to a body."""

    def differ(change, body=BODY, api=Api.CONVERSE):
        new = copy.deepcopy(body)
        change(new)
        archive = Archive(catalog)
        sent = [archive.sent(LoggedRequest(at, MODEL, api, one)) for at, one in ((1.79e9, body), (1.79e9 + 9, new))]
        return first_difference(archive, *sent)

    return differ


def test_a_changed_description_is_placed_down_to_the_byte(differ):
    """The path names the member, the byte counts inside its text."""

    def change(body):
        body["toolConfig"]["tools"][2]["toolSpec"]["description"] = "Looks them up."

    found = differ(change)
    assert found.where == "toolConfig.tools[2].toolSpec.description, byte 8"
    assert found.cause is Cause.TOOLS_CHANGED
    assert found.evidence == "definition of write"


def test_bytes_are_of_utf_8(differ):
    """ü and ß are two bytes each: the word behind them starts at byte 8."""

    def change(body):
        body["system"][1]["text"] = "Grüße last."

    found = differ(change)
    assert (found.where, found.cause, found.volatile) == (
        "system[1].text, byte 8", Cause.VOLATILE_TEXT, VolatileKind.TEXT,
    )  # fmt: skip


def test_key_order_is_told_from_another_schema(differ):
    """The same schema with its properties the other way round."""

    def change(body):
        schema = body["toolConfig"]["tools"][2]["toolSpec"]["inputSchema"]["json"]
        schema["properties"] = dict(reversed(schema["properties"].items()))

    found = differ(change)
    assert found.cause is Cause.KEY_ORDER
    assert found.place == "toolConfig.tools[2].toolSpec.inputSchema.json.properties"


def test_key_order_inside_a_text_that_is_json(catalog, differ):
    """A block of text that holds a JSON document counts like one."""
    body = {**BODY, "system": [{"text": '{"a": 1, "b": [2]}'}]}
    found = differ(lambda new: new["system"][0].update(text='{"b": [2], "a": 1}'), body)
    assert (found.cause, found.place) == (Cause.KEY_ORDER, "system[0].text")


def test_a_text_that_is_json_with_other_spacing_keeps_its_order_of_keys(differ):
    """No formatter writes this spacing; the keys stand where they stood."""
    body = {**BODY, "system": [{"text": '{"a": 1, "b": [2, "x y"]}'}]}
    found = differ(lambda new: new["system"][0].update(text='{"a" :1,  "b":[ 2,"x y"]}'), body)
    assert (found.cause, found.evidence) == (Cause.WHITESPACE, "the same JSON, spaced or escaped differently")


def test_reordered_tools_are_named_in_both_orders(differ):
    """The evidence is the names before and after."""
    found = differ(lambda body: body["toolConfig"]["tools"].reverse())
    assert (found.cause, found.evidence) == (Cause.TOOLS_REORDERED, "find, read, write -> write, read, find")


def test_a_dropped_and_an_added_tool_are_named(differ):
    """By their names, whatever their place."""

    def change(body):
        body["toolConfig"]["tools"][1] = tool("paint")

    assert differ(change).evidence == "added paint, removed read"


def test_white_space_alone_is_told(differ):
    """Two spaces for one."""
    found = differ(lambda body: body["system"][0].update(text="You  help."))
    assert (found.cause, found.where) == (Cause.WHITESPACE, "system[0].text, byte 4")


def test_a_rewritten_message_is_history(differ):
    """A block with messages behind it in both requests."""
    found = differ(lambda body: body["messages"][0]["content"][0].update(text="Another"))
    assert (found.cause, found.place) == (Cause.HISTORY_REWRITTEN, "messages[0].content[0].text")


def test_a_dropped_message_is_a_trim(differ):
    """The later request goes on with what stood further down."""
    found = differ(lambda body: body.update(messages=body["messages"][1:]))
    assert (found.cause, found.evidence) == (Cause.HISTORY_TRIMMED, "1 block dropped")


def test_a_longer_conversation_is_no_difference(differ):
    """What is only added at the end differs from nothing."""
    more = {"role": "assistant", "content": [{"text": "Four"}]}
    assert differ(lambda body: body["messages"].append(more)) is None


def test_native_bodies_are_placed_in_their_own_words(differ):
    """tools, not toolConfig.tools; input_schema, not inputSchema.json."""

    def change(body):
        body["tools"][0]["input_schema"]["properties"] = {"key": {"type": "string"}}

    assert differ(change, NATIVE, Api.INVOKE).place == "tools[0].input_schema.properties"
    assert differ(lambda body: body.update(system="You hinder."), NATIVE, Api.INVOKE).where == "system[0].text, byte 5"


def test_an_inserted_block_is_called_inserted(differ):
    """In the system prompt, and between messages; what was at the place follows it still."""
    found = differ(lambda body: body["system"].insert(1, {"text": "A note."}))
    assert (found.cause, found.evidence) == (Cause.VOLATILE_TEXT, 'a block inserted: "A note."')
    turn = [{"role": "user", "content": [{"text": "New"}]}, {"role": "assistant", "content": [{"text": "Newer"}]}]
    found = differ(lambda body: body["messages"].__setitem__(slice(0, 0), turn))
    assert (found.cause, found.evidence) == (Cause.HISTORY_REWRITTEN, '2 blocks inserted: "New"')


@pytest.mark.parametrize(
    ("before", "after", "evidence"),
    [
        ("Caf\u00e9 first.", "Cafe\u0301 first.", 'looks the same: "\\xe9" -> "e\\u0301"'),
        ("Go\u200b on.", "Go on.", 'looks the same: "\\u200b" -> ""'),
        ("One.\r\nTwo.", "One.\nTwo.", 'the same text, other white space: "\\r" -> ""'),
        ("One\u00a0two.", "One two.", 'the same text, other white space: "\\u00a0" -> " "'),
        ("One  two.", "One two.", "the same text, other white space"),
    ],
)
def test_what_the_eye_cannot_see_is_shown_as_escapes(before, after, evidence, differ):
    """Composed and not, a space of no width, a carriage return, a space that does not break."""
    body = copy.deepcopy(BODY)
    body["system"][0]["text"] = before
    found = differ(lambda body: body["system"][0].update(text=after), body)
    assert found.evidence == evidence
