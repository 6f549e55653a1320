"""A workload file read strictly: what it says, and where it is wrong."""

import gzip
import json

import pytest

from rockbottom.bench import InvalidWorkload, load_workload, read_workload

_PLAIN = "name: W\nconversations:\n  - turns:\n      - user: hello\n"


def test_what_is_left_out_has_documented_values():
    """Two fields are enough; the rest is what docs/reference/workload.md says."""
    found = read_workload(_PLAIN)
    assert (found.api, found.stream, found.layers, found.tools) == ("converse", False, (), ())
    assert found.lanes == ("baseline", "cached", "cached-tools", "cached-1h", "cached-tail", "auto")
    assert (found.traffic.conversations_per_day, found.traffic.days) == (1000, 30)
    assert found.turns == 1


@pytest.mark.parametrize(
    ("text", "place", "field", "says"),
    [
        pytest.param("", (1, 1), "", "the file is empty", id="empty"),
        pytest.param("name: [", (1, 8), "", "not YAML", id="not YAML"),
        pytest.param("name: W\n", (1, 1), "", "the field 'conversations' is missing", id="missing"),
        pytest.param(_PLAIN + "sytem: x\n", (5, 1), "sytem", "did you mean 'system'?", id="misspelt"),
        pytest.param(_PLAIN + "name: V\n", (5, 1), "name", "given twice", id="twice"),
        pytest.param(
            _PLAIN + "stream: maybe\n", (5, 9), "stream", "expected true or false, found text (maybe)", id="flag"
        ),
        pytest.param(
            _PLAIN + "api: convers\n",
            (5, 6),
            "api",
            "expected one of converse, invoke, messages, chat, responses, found 'convers'",
            id="closed set",
        ),
        pytest.param(
            _PLAIN + "traffic: {days: 0}\n", (5, 17), "traffic.days", "between 1 and 3,660, found 0", id="out of bounds"
        ),
        pytest.param(
            _PLAIN + "traffic: {days: 1.5}\n", (5, 17), "traffic.days", "expected a whole number", id="not whole"
        ),
        pytest.param(
            "name: 12\nconversations: []\n",
            (1, 7),
            "name",
            "expected text, found a whole number (12); put it in quotes",
            id="number for text",
        ),
        pytest.param("name: W\nconversations: []\n", (2, 16), "conversations", "at least one conversation", id="none"),
        pytest.param(
            "name: W\nconversations:\n  - turns:\n      - usr: hello\n",
            (4, 9),
            "conversations[0].turns[0].usr",
            "did you mean 'user'?",
            id="deep",
        ),
        pytest.param(_PLAIN + "layers: [documents]\n", (5, 9), "layers", "names documents", id="no documents"),
        pytest.param(
            _PLAIN + "documents: [{name: d}]\n", (5, 13), "documents[0]", "either 'text' or 'file'", id="neither"
        ),
        pytest.param(
            _PLAIN + "documents: [{name: d, file: nowhere.md}]\n",
            (5, 29),
            "documents[0].file",
            "cannot read",
            id="no file",
        ),
        pytest.param(
            "name: W\nconversations:\n  - turns:\n      - {user: a, uses: [{name: t}]}\n      - {user: b}\n",
            (5, 9),
            "conversations[0].turns[1]",
            "used 1 tools, and 0 results are given",
            id="unanswered tool",
        ),
        pytest.param("- name: W\n", (1, 1), "", "expected a mapping, found a list", id="list"),
    ],
)
def test_a_fault_is_named_with_line_column_and_field(tmp_path, text, place, field, says):
    """One error that says where and what, for each kind of mistake."""
    with pytest.raises(InvalidWorkload) as caught:
        read_workload(text, "w.yaml", tmp_path)
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.field == field
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"w.yaml:{place[0]}:{place[1]}: ")


def test_an_alias_that_contains_itself_is_a_fault_and_no_hang():
    """A tool input that refers to itself is refused at a depth."""
    text = "name: W\nconversations:\n  - turns:\n      - {user: a, uses: [{name: t, input: &a {x: *a}}]}\n"
    with pytest.raises(InvalidWorkload):
        read_workload(text)


def test_tool_uses_and_their_results_get_matching_ids():
    """The results of a turn answer the uses of the turn before, in their order."""
    found = read_workload(
        "name: W\nconversations:\n  - turns:\n"
        "      - {user: a, answer: wait, uses: [{name: t, input: {n: 1}}, {name: u}]}\n"
        "      - {results: [{ok: true}, done], answer: so}\n"
    )
    first, second = found.conversations[0].turns
    ids = [block["toolUse"]["toolUseId"] for block in first.answer if "toolUse" in block]
    results = [block["toolResult"] for block in second.messages[0]["content"]]
    assert [result["toolUseId"] for result in results] == ids
    assert [result["content"] for result in results] == [[{"json": {"ok": True}}], [{"text": "done"}]]
    assert second.label == "2 tool results"


def test_files_are_found_beside_the_workload_and_change_its_digest(tmp_path):
    """A text file that changes makes another workload of it."""
    (tmp_path / "rules.txt").write_text("be brief")
    (tmp_path / "w.yaml").write_text(_PLAIN + "system: {file: rules.txt}\n")
    before = load_workload(tmp_path / "w.yaml")
    assert before.system == "be brief"
    (tmp_path / "rules.txt").write_text("be long")
    assert load_workload(tmp_path / "w.yaml").digest != before.digest


def _recorded(folder, lines, name="r.jsonl"):
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return f"name: W\nconversations: {{recorded: {name}, limit: 2, turns: 2}}\n"


def test_recorded_conversations_bring_their_own_prefix(tmp_path):
    """A prefix line is joined by its id, and every assistant message is one request."""
    says = lambda role, text: {"role": role, "content": [{"text": text}]}  # noqa: E731
    text = _recorded(
        tmp_path,
        [
            {"kind": "prefix", "prefix_id": "p", "system": [{"text": "rules"}], "tools": []},
            {
                "conversation_id": "c1",
                "prefix_id": "p",
                "messages": [
                    says("user", "one"),
                    says("assistant", "a"),
                    says("user", "two"),
                    says("assistant", "b"),
                    says("user", "three"),
                    says("assistant", "c"),
                ],
            },
            {"messages": [says("user", "nobody answers")]},
        ],
        "r.jsonl.gz",
    )
    found = read_workload(text, "w.yaml", tmp_path)
    (conversation,) = found.conversations
    assert (conversation.name, conversation.system) == ("c1", ("rules",))
    assert [turn.label for turn in conversation.turns] == ["one", "two"]
    assert conversation.turns[1].answer == ({"text": "b"},)


@pytest.mark.parametrize(
    ("line", "says"),
    [("{", "line 1 is not JSON"), ("[]", "line 1: expected an object"), ('{"messages": 3}', "Converse shape")],
)
def test_a_recorded_line_that_is_none_is_named(tmp_path, line, says):
    """The fault names the file, the line in it, and the field of the workload."""
    text = _recorded(tmp_path, [line])
    with pytest.raises(InvalidWorkload, match=says) as caught:
        read_workload(text, "w.yaml", tmp_path)
    assert caught.value.field == "conversations.recorded"


def test_recorded_traffic_of_others_can_be_read(recorded_data):
    """Each file of recorded conversations gives conversations with turns."""
    for file in sorted((recorded_data / "conversations").glob("*.jsonl.gz")):
        text = f"name: W\nconversations: {{recorded: '{file}', limit: 2, turns: 3}}\n"
        found = read_workload(text)
        assert len(found.conversations) == 2, file.name
        assert 1 <= found.turns <= 6
