"""Blocks of logs of Responses and Chat Completions are told apart as they are when a call is read."""

import json

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.dialects import RequestReader
from rockbottom.trace import KINDS, ReaderSettings, SectionCode, read_trace

SYSTEM, MESSAGES = int(SectionCode.SYSTEM), int(SectionCode.MESSAGES)

BODIES = [
    ("Responses", {"instructions": "Be brief.", "input": [
        {"role": "developer", "content": "Rules."},
        {"role": "user", "content": [{"type": "input_text", "text": "Look."}]},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [
            {"type": "input_text", "text": "Nothing.", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
        {"role": "assistant", "content": "Nothing there."},
    ]}, [(SYSTEM, "instructions"), (SYSTEM, "text"), (MESSAGES, "text"), (MESSAGES, "tool_use"),
         (MESSAGES, "tool_result"), (MESSAGES, "output_text")], [5]),
    ("ChatCompletions", {"messages": [
        {"role": "system", "content": "Rules."}, {"role": "user", "content": "Look."},
        {"role": "assistant", "content": "I look."},
        {"role": "tool", "tool_call_id": "c", "content": [
            {"type": "text", "text": "No"}, {"type": "text", "text": "."}]},
        {"role": "user", "content": [
            {"type": "text", "text": "And?", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
    ]}, [(SYSTEM, "text"), (MESSAGES, "text"), (MESSAGES, "output_text"), (MESSAGES, "tool_result"),
         (MESSAGES, "text")], [5]),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "body", "blocks", "points"), BODIES)
def test_blocks_are_told_apart_as_the_rules_tell_them(tmp_path, operation, body, blocks, points):
    """What the system says, what the model said and what a tool answered: not after each may a point stand.

    The kinds and sections are those that reading the same body for a call gives.
    """
    model = "us.openai.gpt-5.6-sol"
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-11-01T10:00:00Z", "requestId": "r",
        "operation": operation, "modelId": model, "region": "us-west-2", "accountId": "1",
        "input": {"inputBodyJson": {"model": model, **body}, "inputTokenCount": 40}, "output": {"outputTokenCount": 5},
    }  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    trace = read_trace(str(tmp_path), ReaderSettings()).trace
    assert [
        (int(section), KINDS[kind]) for section, kind in zip(trace.blocks.section, trace.blocks.kind, strict=True)
    ] == blocks
    assert list(trace.points.after) == points
    read = RequestReader(load_catalog()).read({"model": model, **body}).prompt
    assert [(read_section(segment), segment.kind.value) for segment in read.segments] == blocks
    assert [point.after for point in read.points] == points


def read_section(segment):
    return {"tools": 0, "system": SYSTEM, "messages": MESSAGES}[segment.section.value]
