"""What batch refuses is found before anything is uploaded, with line and member."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from rockbottom.batch import InvalidRecords, Kind, packaged_limits
from rockbottom.batch.records import RecordChecker, lines_of, lines_of_bodies

SAID = [{"role": "user", "content": [{"text": "a"}]}]
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def checker(kind=Kind.CONVERSE, vendor="anthropic", **more):
    limits = replace(packaged_limits(), **more.pop("limits", {}))
    return RecordChecker(kind, vendor, MODEL, limits, **more)


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
        ({"messages": SAID, "toolConfig": {"tools": [1]}}, "modelInput.toolConfig"),
        ({"messages": SAID, "outputConfig": {"textFormat": {}}}, "modelInput.outputConfig"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}]},
         "modelInput.messages.0.content.1.cachePoint"),
        ({"messages": SAID, "system": [{"text": "a"}, {"cachePoint": {}}]}, "modelInput.system.1.cachePoint"),
        ({"messages": SAID, "modelId": "amazon.nova-pro-v1:0"}, "modelInput.modelId"),
    ],
)  # fmt: skip
def test_what_batch_refuses_is_named(body, member):
    """Line 2, its id, and the member."""
    one = checker()
    checked([("a", {"messages": SAID}), ("b", body)], one)
    assert problem(one) == (2, "b", member)
    with pytest.raises(InvalidRecords, match=r"line 2 \(b\)"):
        one.raise_if_refused("here")


def test_the_word_cache_point_in_a_text_is_no_cache_point():
    """Only a member of that name is one, also where an escape hides it."""
    one = checker()
    texts = ['put a "cachePoint" here', "cachePoint", '{"cachePoint": {}}']
    assert len(checked([{"messages": [{"role": "user", "content": [{"text": text}]}]} for text in texts], one)) == 3
    assert one.line(4, b'{"messages":[{"role":"user","content":[{"cache\\u0050oint":{}}]}]}') is None


def test_cache_points_are_stripped_when_asked():
    """The body without them is sent, and the records that had any are counted."""
    one = checker(strip_points=True)
    body = {"messages": [{"role": "user", "content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}]}
    assert checked([body], one)[0]["modelInput"] == {"messages": [{"role": "user", "content": [{"text": "a"}]}]}
    assert (one.stripped, one.total_problems) == (1, 0)


def test_the_model_id_of_the_job_is_taken_out_of_a_body():
    """A logged Converse request may name the model; the job does that."""
    one = checker()
    assert checked([{"modelId": MODEL, "messages": SAID}], one)[0]["modelInput"] == {"messages": SAID}


def test_a_second_record_id_is_refused_where_it_stands():
    """The later line is named, also when the first had its id made."""
    one = checker()
    checked([{"messages": SAID}, ("R0000000001", {"messages": SAID})], one)
    assert problem(one) == (2, "R0000000001", "recordId")


def test_a_record_over_the_size_limit_is_refused():
    """Its size and the limit are said."""
    one = checker(limits={"record_bytes": 100})
    checked([("a", {"messages": [{"role": "user", "content": [{"text": "x" * 100}]}]})], one)
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
    checked([{"anthropic_version": "bedrock-2023-05-31", "messages": SAID}], one)
    assert problem(one)[2] == "modelInput.max_tokens"


def test_many_problems_are_counted_and_the_first_shown():
    """250 problems: five in the message, and 245 more."""
    one = checker()
    checked([{"messages": []}] * 250, one)
    with pytest.raises(InvalidRecords, match="and 245 more") as raised:
        one.raise_if_refused("here")
    assert raised.value.total == 250


NATIVE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}


@pytest.mark.parametrize(
    ("kind", "vendor", "body", "member", "why"),
    [
        (Kind.INVOKE, "anthropic", {**NATIVE, "model": "claude-haiku-4-5"}, "model", "--model"),
        (Kind.INVOKE, "anthropic", {**NATIVE, "stream": True}, "stream", "does not stream"),
        (Kind.CONVERSE, "anthropic", {"messages": SAID, "max_tokens": 9}, "max_tokens", "not a member of Converse"),
        (Kind.CONVERSE, "amazon", NATIVE, "anthropic_version", "not a member of Converse bodies"),
        (Kind.INVOKE, "amazon", {"messages": [{"role": "user", "content": "a"}]}, "messages[0].content", "a text"),
        (Kind.INVOKE, "amazon", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
         "messages[0].content", "image_url, type"),
        (Kind.INVOKE, "anthropic", {**NATIVE, "messages": SAID}, "messages[0].content", "type None"),
        (Kind.CONVERSE, "amazon", {"messages": [{"role": "tool", "content": []}]}, "messages[0].role", "'tool'"),
        (Kind.CONVERSE, "amazon", {"messages": SAID, "system": "be brief"}, "system", "a list of blocks"),
    ],
)  # fmt: skip
def test_a_body_of_another_dialect_is_found_before_it_is_sent(kind, vendor, body, member, why):
    """AWS looks into modelInput only when the record runs; the member and the reason are said here."""
    one = checker(kind, vendor)
    assert checked([("a", body)], one) == []
    assert problem(one) == (1, "a", f"modelInput.{member}")
    assert why in one.problems[0].why


def test_the_dialect_that_a_refused_body_speaks_is_named():
    """An Anthropic body sent as Converse: the type to give is in the message."""
    one = checker(Kind.CONVERSE, "anthropic")
    checked([NATIVE], one)
    with pytest.raises(InvalidRecords) as raised:
        one.raise_if_refused("here")
    assert "--type InvokeModel" in raised.value.fix


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_file_in_any_unicode_encoding_is_read(tmp_path, kit, encoding):
    """What PowerShell and spreadsheets write: the text is the same as from UTF-8, and so are the line numbers."""
    path = tmp_path / "in.jsonl"
    body = kit.body(1, system=[{"text": "été \u2028 日本"}])
    path.write_bytes((json.dumps(body, ensure_ascii=False) + "\r\n\r\n" + json.dumps(body)).encode(encoding))
    one = checker()
    taken = [json.loads(line) for line in lines_of(path, one)]
    assert [(record["recordId"], record["modelInput"]) for record in taken] == [
        ("R0000000001", body),
        ("R0000000003", body),
    ]
    assert one.total_problems == 0


def test_bytes_of_another_code_page_are_refused_with_the_way_out(tmp_path):
    """0xe9 is é in cp1252 and no UTF-8: the line, the byte and the command that rewrites the file."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(
        json.dumps({"messages": [{"role": "user", "content": [{"text": "été"}]}]}, ensure_ascii=False).encode("cp1252")
    )
    one = checker()
    assert list(lines_of(path, one)) == []
    assert "iconv" in one.problems[0].why


def test_tools_and_points_are_taken_where_the_records_are_sent_on_demand():
    """Only a job refuses them."""
    one = checker(on_demand=True)
    body = {"messages": [{"role": "user", "content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}],
            "toolConfig": {"tools": [{"toolSpec": {"name": "t"}}]}}  # fmt: skip
    assert checked([body], one)[0]["modelInput"] == body


def test_reading_a_file_of_records_loads_no_columns(tmp_path):
    """Numba alone takes 70 MB and a third of a second, and a machine that only sends batches need not have it."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"recordId":"a","modelInput":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}\n')
    code = f"""
import sys
from pathlib import Path
from rockbottom.batch.limits import packaged_limits
from rockbottom.batch.records import Kind, RecordChecker, lines_of
checker = RecordChecker(Kind.CONVERSE, "anthropic", "anthropic.claude-haiku-4-5", packaged_limits())
print(len(list(lines_of(Path({str(path)!r}), checker))), "numpy" in sys.modules, "numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "1 False False\n", done.stderr
