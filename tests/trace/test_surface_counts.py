"""What a log of Responses or Chat Completions counts, however its record spells it.

One call of GPT-5.6 as measured (sample-per-model-bedrock, 2026-08-22, explicit pair): 1,916 tokens in, of which 1,895
were read and none written; and its first: 1,915, of which 1,895 were written. AWS says nowhere how records of these
surfaces count what is cached, so both ways are read.
"""

import json

import numpy as np
import pytest

from rockbottom.trace import ReaderSettings, read_trace

USAGES = {"read": (21, 1895, 0), "written": (20, 0, 1895)}


def usage(kind, prefix="input", output="output"):
    fresh, read, written = USAGES[kind]
    details = {"cached_tokens": read, "cache_write_tokens": written}
    whole = fresh + read + written
    return {f"{prefix}_tokens": whole, f"{prefix}_tokens_details": details, f"{output}_tokens": 5,
            "total_tokens": whole + 5}  # fmt: skip


def records(kind):
    """The same call: input alone, everything disjoint, input with what was cached in it; whole, streamed, of Chat."""
    fresh, read, written = USAGES[kind]
    whole, cached = {"usage": usage(kind)}, {"cacheReadInputTokenCount": read, "cacheWriteInputTokenCount": written}
    stream = [{"type": "response.created", "response": {"usage": None}},
              {"type": "response.completed", "response": {"usage": usage(kind)}}]  # fmt: skip
    inclusive = {"inputTokenCount": fresh + read + written}
    yield "Responses", {}, whole
    yield "Responses", {}, stream
    yield "Responses", inclusive, whole
    yield "ResponsesStream", {**inclusive, **cached}, stream
    yield "Responses", {"inputTokenCount": fresh, **cached}, whole
    yield "Responses", {"inputTokenCount": fresh, **cached}, {}
    yield "ChatCompletions", inclusive, {"usage": usage(kind, "prompt", "completion")}


@pytest.mark.parametrize("kind", USAGES)
@pytest.mark.parametrize("number", range(7))
def test_every_spelling_is_the_same_disjoint_usage(tmp_path, kind, number):
    operation, counts, reply = list(records(kind))[number]
    body = {"input": "Name the default tier."}
    if operation.startswith("Chat"):
        body = {"messages": [{"role": "user", "content": "Name the default tier."}]}
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-11-01T10:00:00Z", "requestId": "r",
        "operation": operation, "modelId": "us.openai.gpt-5.6-sol", "region": "us-west-2", "accountId": "1",
        "input": {"inputBodyJson": {"model": "us.openai.gpt-5.6-sol", **body}, **counts},
        "output": {"outputTokenCount": 5, "outputBodyJson": reply},
    }  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    trace = read_trace(str(tmp_path), ReaderSettings()).trace
    row = trace.requests
    written = sum(int(column[0]) for column in row.observed_writes.values())
    assert (int(row.observed_input[0]), int(row.observed_read[0]), written) == USAGES[kind]
    assert int(row.tokens_out[0]) == 5


def test_requests_whose_conversation_the_service_stores_are_there_without_blocks(tmp_path):
    """The record holds what is new alone; taken for whole prompts they would all be written, and nothing read. What the
    service counted of them was paid."""
    lines = [
        {
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T10:0{number}:00Z", "requestId": f"r{number}",
            "operation": "Responses", "modelId": "us.openai.gpt-5.6-sol", "region": "us-west-2", "accountId": "1",
            "input": {"inputBodyJson": {"model": "us.openai.gpt-5.6-sol", "input": "And then?", **more}},
            "output": {"outputTokenCount": 5, "outputBodyJson": {"usage": usage("read")}},
        }
        for number, more in enumerate(({"previous_response_id": None}, {"previous_response_id": "resp_1"}))
    ]  # fmt: skip
    (tmp_path / "log.json").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    source = read_trace(str(tmp_path), ReaderSettings())
    assert np.diff(source.trace.block_offsets).tolist() == [1, 0]
    assert source.trace.requests.tokens_in.tolist()[0] == source.trace.requests.tokens_in.tolist()[1]
    assert source.damages.count == 0
