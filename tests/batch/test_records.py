"""What batch refuses is found before anything is uploaded, with line and member."""

import json
from dataclasses import replace

import pytest

from rockbottom.batch import InvalidRecords, Kind, packaged_limits
from rockbottom.batch.records import Checker, lines_of, lines_of_bodies

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def checker(kind=Kind.CONVERSE, vendor="anthropic", **more):
    limits = replace(packaged_limits(), **more.pop("limits", {}))
    return Checker(kind, vendor, MODEL, limits, **more)


def checked(records, one):
    """The records that were taken, as JSON."""
    return [json.loads(line) for line in lines_of_bodies(records, one)]


def problem(one):
    """The only problem found."""
    assert one.total_problems == 1
    found = one.problems[0]
    return found.line, found.record_id, found.member


def test_records_and_bare_bodies_of_a_file_are_both_taken(tmp_path, kit):
    """A body without an id gets its line number as one; blank lines are passed over; keys keep their order."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"recordId": "a", "modelInput": kit.body(1)}) + "\n\n" + json.dumps(kit.body(2)) + "\n")
    one = checker()
    taken = [json.loads(line) for line in lines_of(path, one)]
    assert [record["recordId"] for record in taken] == ["a", "R0000000003"]
    assert [record["modelInput"] for record in taken] == [kit.body(1), kit.body(2)]
    one.raise_if_refused("in.jsonl")


def test_a_last_line_without_newline_and_other_alphabets_survive(tmp_path, kit):
    """Text comes out as it went in, escaped or not."""
    path = tmp_path / "in.jsonl"
    body = kit.body(1, system=[{"text": 'Grüße, 日本, \u2028 and \\ and " and \n'}])
    path.write_text(json.dumps(body) + "\n" + json.dumps(body, ensure_ascii=False), encoding="utf-8")
    taken = [json.loads(line)["modelInput"] for line in lines_of(path, checker())]
    assert taken == [body, body]


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"messages": [], "system": [{"text": "x"}]}, "modelInput.messages"),
        ({"system": [{"text": "x"}]}, "modelInput.messages"),
        ({"messages": [1], "toolConfig": {"tools": [1]}}, "modelInput.toolConfig"),
        ({"messages": [1], "outputConfig": {"textFormat": {}}}, "modelInput.outputConfig"),
        ({"messages": [{"content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}]},
         "modelInput.messages.0.content.1.cachePoint"),
        ({"messages": [1], "system": [{"text": "a"}, {"cachePoint": {}}]}, "modelInput.system.1.cachePoint"),
        ({"messages": [1], "modelId": "amazon.nova-pro-v1:0"}, "modelInput.modelId"),
    ],
)  # fmt: skip
def test_what_batch_refuses_is_named(body, member):
    """Line 2, its id, and the member."""
    one = checker()
    checked([("a", {"messages": [1]}), ("b", body)], one)
    assert problem(one) == (2, "b", member)
    with pytest.raises(InvalidRecords, match=r"line 2 \(b\)"):
        one.raise_if_refused("here")


def test_the_word_cache_point_in_a_text_is_no_cache_point():
    """Only a member of that name is one, also where an escape hides it."""
    one = checker()
    texts = ['put a "cachePoint" here', "cachePoint", '{"cachePoint": {}}']
    assert len(checked([{"messages": [{"content": [{"text": text}]}]} for text in texts], one)) == 3
    assert one.line(4, b'{"messages":[{"content":[{"cache\\u0050oint":{}}]}]}') is None


def test_cache_points_are_stripped_when_asked():
    """The body without them is sent, and the records that had any are counted."""
    one = checker(strip_points=True)
    body = {"messages": [{"content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}]}
    assert checked([body], one)[0]["modelInput"] == {"messages": [{"content": [{"text": "a"}]}]}
    assert (one.stripped, one.total_problems) == (1, 0)


def test_the_model_id_of_the_job_is_taken_out_of_a_body():
    """A logged Converse request may name the model; the job does that."""
    one = checker()
    assert checked([{"modelId": MODEL, "messages": [1]}], one)[0]["modelInput"] == {"messages": [1]}


def test_a_second_record_id_is_refused_where_it_stands():
    """The later line is named, also when the first had its id made."""
    one = checker()
    checked([{"messages": [1]}, ("R0000000001", {"messages": [1]})], one)
    assert problem(one) == (2, "R0000000001", "recordId")


def test_a_record_over_the_size_limit_is_refused():
    """Its size and the limit are said."""
    one = checker(limits={"record_bytes": 100})
    checked([("a", {"messages": ["x" * 100]})], one)
    assert problem(one) == (1, "a", "modelInput")
    assert "at most 100" in one.problems[0].why


DEEP = b"[" * 2_000 + b"]" * 2_000
NO_RECORDS = [
    b"nonsense", b"[1]", b'"text"', b'{"recordId": 5, "modelInput": {}}', b"{" * 5000,
    b'{"recordId": "a", "modelInput": {"messages": ' + DEEP + b"}}",
    b'{"recordId": "a", "modelInput": {"modelId": "m", "messages": ["caf\xe9"]}}',
]  # fmt: skip


@pytest.mark.parametrize("line", NO_RECORDS)
def test_a_line_that_is_no_record_is_refused(line):
    """Whatever stands there, there is a message and no traceback."""
    one = checker()
    assert one.line(7, line) is None
    assert one.problems[0].line == 7


def test_native_bodies_need_what_their_vendor_needs():
    """An Anthropic body without max_tokens would fail only on AWS, after the upload."""
    one = checker(Kind.INVOKE)
    checked([{"anthropic_version": "bedrock-2023-05-31", "messages": [1]}], one)
    assert problem(one)[2] == "modelInput.max_tokens"


def test_many_problems_are_counted_and_the_first_shown():
    """250 problems: five in the message, and 245 more."""
    one = checker()
    checked([{"messages": []}] * 250, one)
    with pytest.raises(InvalidRecords, match="and 245 more") as raised:
        one.raise_if_refused("here")
    assert raised.value.total == 250
