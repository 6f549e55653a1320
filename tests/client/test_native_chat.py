"""InvokeModel with a body of OpenAI's: planned as Chat Completions are, whole and streamed."""

import json

import rockbottom
from rockbottom.local import running
from tests.client.client_doubles import runtime

LUNA = "us.openai.gpt-5.6-luna"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))


def body(number: int) -> str:
    parts = [{"type": "text", "text": RULES}, {"type": "text", "text": f"And rule {number}?"}]
    return json.dumps({"messages": [{"role": "user", "content": parts}], "max_completion_tokens": 20})


def test_a_document_before_changing_questions_is_written_once():
    """By default each of six prompts is written whole and none is read."""
    with running() as endpoint:
        client = rockbottom.attach(runtime(endpoint))
        for number in range(3):
            whole = json.loads(client.invoke_model(modelId=LUNA, body=body(number))["body"].read())
            assert whole["choices"][0]["message"]["content"]
            streamed = client.invoke_model_with_response_stream(modelId=LUNA, body=body(number + 3))["body"]
            assert b"finish_reason" in b"".join(event["chunk"]["bytes"] for event in streamed)
    total = rockbottom.report(client).total
    assert (total.calls, total.unpriced_calls) == (6, 0)
    assert total.usage.cache_read > 4 * 4000
    assert 4000 < total.usage.cache_write < 2 * 4000
